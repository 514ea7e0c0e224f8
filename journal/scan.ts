// A quick pass over the frames' headers, from one to the next without what lies between: which
// sequences there are, and where the frames are that have to be known before the others.
//
// It stops without a word at the first header that does not follow: what that means is for the
// reader, which comes after it, to say.

import {
  allocateWords,
  FRAME,
  FRAME_FLAG,
  readI64,
  SEGMENT_HEAD_BYTES,
  type Words,
} from '../protocol/index.ts'
import { JournalDamage } from './errors.ts'
import {
  frameBytes,
  frameFault,
  hasChain,
  isFrame,
  type LogPoint,
  type LogState,
  stateAfter,
} from './frame.ts'
import { LOG_START, type OpenSegment, SegmentWalk, WINDOW_BYTES_HEADERS } from './segment-walk.ts'
import { readAll, type Storage } from './storage.ts'

/** One frame's header. */
export interface ScannedFrame {
  readonly segment: string
  /** Where the frame begins in its segment, and its length. */
  readonly position: number
  readonly bytes: number
  readonly firstSequence: number
  readonly count: number
  readonly timeMs: number
  /** `FRAME_FLAG`. */
  readonly flags: number
}

/** What the headers add up to. */
export interface JournalTotals {
  readonly frames: number
  readonly records: number
  /** Bytes of frames: what a reader's `bytes` will reach. */
  readonly bytes: number
  /** Sequence of the last record, and time of the last frame. */
  readonly sequence: number
  readonly timeMs: number
  /** The last frame is the seal of a clean shutdown. */
  readonly shutdown: boolean
}

/** Called for each header; `load` gives the frame at 0, or undefined where its chain is wrong. */
export type FrameVisit = (frame: ScannedFrame, load: () => Words | undefined) => void

/**
 * Goes over all headers, or with `from` over those of the frames after it. Throws
 * `JournalVersionError` and errors of the storage, as the reader does.
 */
export function scanHeaders(storage: Storage, visit?: FrameVisit, from?: LogPoint): JournalTotals {
  const walk = new SegmentWalk(storage, WINDOW_BYTES_HEADERS, from)
  const totals = { frames: 0, records: 0, bytes: 0, sequence: 0, timeMs: 0, shutdown: false }
  const after = from?.sequence ?? 0
  let state = LOG_START
  try {
    for (let s = walk.advance(state); s !== undefined; s = walk.advance(state)) {
      if (state === LOG_START) state = walk.before
      state = scanSegment(s, state, totals, after, visit)
    }
  } catch (error) {
    // The reader names the first place that is damaged; this one may be a consequence of it.
    if (!(error instanceof JournalDamage)) throw error
  } finally {
    walk.close()
  }
  return { ...totals, sequence: state.sequence, timeMs: state.timeMs }
}

function scanSegment(
  segment: OpenSegment,
  before: LogState,
  totals: { -readonly [name in keyof JournalTotals]: JournalTotals[name] },
  after: number,
  visit: FrameVisit | undefined,
): LogState {
  let state = before
  let position = SEGMENT_HEAD_BYTES
  for (;;) {
    const frame = frameAt(segment, position, state)
    if (frame === undefined) return state
    const isWanted = frame.firstSequence > after
    if (isWanted) visit?.(frame, () => loadFrame(segment, frame))
    state = stateAfter(segment.window.words, segment.window.hold(position, FRAME.bytes))
    position += frame.bytes
    if (isWanted) {
      totals.frames++
      totals.records += frame.count
      totals.bytes += frame.bytes
    }
    totals.shutdown = (frame.flags & FRAME_FLAG.shutdown) !== 0
  }
}

function frameAt(
  segment: OpenSegment,
  position: number,
  state: LogState,
): ScannedFrame | undefined {
  const { window, header, name } = segment
  const roomBytes = header.segmentBytes - position
  if (roomBytes === 0) return undefined
  const at = window.hold(position, FRAME.bytes)
  if (at < 0 || !isFrame(window.words, at, segment.incarnationCrc)) return undefined
  if (frameFault(window.words, at, state, roomBytes) !== undefined) return undefined
  const { words } = window
  return {
    segment: name,
    position,
    bytes: frameBytes(words.u32[(at + FRAME.payloadBytes) >>> 2] as number),
    firstSequence: readI64(words, at + FRAME.firstSequence),
    count: words.u32[(at + FRAME.count) >>> 2] as number,
    timeMs: readI64(words, at + FRAME.timeMs),
    flags: words.u32[(at + FRAME.flags) >>> 2] as number,
  }
}

function loadFrame(segment: OpenSegment, frame: ScannedFrame): Words | undefined {
  const words = allocateWords(frame.bytes)
  if (readAll(segment.file, words.u8, frame.position) < frame.bytes) return undefined
  return hasChain(words, 0, frame.bytes) ? words : undefined
}
