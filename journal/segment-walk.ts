// Going from segment to segment in order, with every header checked against what came before, and
// checking the frame at a place in one. What the frames say is the reader's and the scan's business.

import { FRAME, FRAME_BYTES_MAX, SEGMENT_HEAD_BYTES } from '../protocol/index.ts'
import { JournalDamage, JournalMoved } from './errors.ts'
import { FileWindow } from './file-window.ts'
import {
  CHAIN_BYTES,
  frameBytes,
  frameFault,
  hasChain,
  incarnationCrc,
  isFrame,
  type LogPoint,
  type LogState,
} from './frame.ts'
import {
  holdingSegment,
  openIfThere,
  readSegmentHeader,
  type SegmentHeader,
  type SegmentLink,
  segmentName,
  segmentNames,
} from './segment.ts'
import type { Storage, StorageFile } from './storage.ts'

/** What a new log begins with. */
export const LOG_START: LogState = {
  sequence: 0,
  timeMs: 0,
  epoch: 0,
  chain: new Uint8Array(CHAIN_BYTES),
}

/** One segment while it is read. */
export interface OpenSegment {
  readonly name: string
  readonly file: StorageFile
  readonly header: SegmentHeader
  readonly incarnationCrc: number
  readonly window: FileWindow
}

/** The segments of a directory, one open at a time. */
export class SegmentWalk {
  readonly #storage: Storage
  readonly #windowBytes: number
  readonly #from: LogPoint | undefined
  #segment: OpenSegment | undefined

  /**
   * `windowBytes`: how much is read at once. With `from` the first segment is the one that holds
   * the record of that sequence, and those before it may be missing.
   */
  constructor(storage: Storage, windowBytes: number, from?: LogPoint) {
    this.#storage = storage
    this.#windowBytes = windowBytes
    this.#from = from
  }

  /** The open segment, if any. */
  get segment(): OpenSegment | undefined {
    return this.#segment
  }

  /** Whether a segment follows the open one, by a fresh look at the directory. */
  hasNext(): boolean {
    return this.#nextName() !== undefined
  }

  /**
   * Closes the open segment and opens the one after it (the first, at first), which has to continue
   * `state`; undefined where there is none. Throws `JournalDamage`, `JournalVersionError`, and
   * `JournalMoved`.
   */
  advance(state: LogState): OpenSegment | undefined {
    const name = this.#nextName()
    const last = this.#segment?.name
    const log = this.#segment?.header.log
    const isFirst = last === undefined
    this.close()
    if (name === undefined) return undefined
    if (isFirst && this.#from === undefined && name !== segmentName(1)) {
      throw missing(name, 1, 'the segments before it are missing')
    }
    const link = isFirst
      ? this.#firstLink(state)
      : { firstSequence: state.sequence + 1, chain: state.chain, log }
    try {
      this.#segment = this.#open(name, link)
    } catch (error) {
      // They go oldest first: while the last one is there, none is missing behind it.
      if (!(error instanceof JournalDamage) || isFirst || this.#isThere(last)) throw error
      throw new JournalMoved(last)
    }
    return this.#segment
  }

  #isThere(name: string): boolean {
    return segmentNames(this.#storage).includes(name)
  }

  /** What the log was right before the open segment's first frame, by the segment's own header. */
  get before(): LogState {
    const header = this.#segment?.header
    if (header === undefined || this.#from === undefined) return LOG_START
    return { ...LOG_START, sequence: header.firstSequence - 1, chain: header.chain }
  }

  /** A walk that begins within the log knows only which log it is. */
  #firstLink(state: LogState): SegmentLink {
    if (this.#from !== undefined) return { log: this.#from.log }
    return { firstSequence: state.sequence + 1, chain: state.chain, log: undefined }
  }

  #open(name: string, link: SegmentLink): OpenSegment {
    const file = openIfThere(this.#storage, name)
    if (file === undefined) throw new JournalMoved(name)
    try {
      const header = readSegmentHeader(file, name, link)
      const window = new FileWindow(file, Math.min(this.#windowBytes, header.segmentBytes))
      return { name, file, header, incarnationCrc: incarnationCrc(header.incarnation), window }
    } catch (error) {
      file.close()
      throw error
    }
  }

  close(): void {
    this.#segment?.file.close()
    this.#segment = undefined
  }

  #nextName(): string | undefined {
    const open = this.#segment?.name
    if (open === undefined && this.#from !== undefined) return this.#startName(this.#from)
    return segmentNames(this.#storage).find((name) => name > (open ?? ''))
  }

  #startName({ sequence }: LogPoint): string {
    const name = holdingSegment(this.#storage, sequence)
    if (name !== undefined) return name
    const first = segmentNames(this.#storage)[0]
    const rest = first === undefined ? 'there is no segment at all' : `${first} is the first one`
    throw missing(segmentName(1), sequence, `the segment that holds it is missing: ${rest}`)
  }
}

/** Damage that may be none: segments are moved to the archive when snapshots stand in for them. */
function missing(file: string, sequence: number, sentence: string): JournalDamage {
  const advice = 'if archive/ holds them, copy them back to journal/'
  return new JournalDamage({ file, offset: 0, sequence }, `${sentence}; ${advice}`)
}

/** Reading whole frames: four of the largest at once. */
export const WINDOW_BYTES_FRAMES: number = 4 * FRAME_BYTES_MAX

/** Reading headers alone: a block at once. */
export const WINDOW_BYTES_HEADERS = SEGMENT_HEAD_BYTES

/** What is at a place where a frame may be. */
export interface FrameCheck {
  /** Length of the valid frame there; 0 where there is none. */
  readonly bytes: number
  /** Why there is none. */
  readonly fault: string
  /** Somebody wrote this header as it is, and not in this place: damage, whatever comes after it. */
  readonly isMisplaced: boolean
}

/** Checks all of the frame at `position`, which has to follow `state`. */
export function checkFrame(segment: OpenSegment, position: number, state: LogState): FrameCheck {
  const { window, header } = segment
  const roomBytes = header.segmentBytes - position
  if (roomBytes === 0) return none('the segment is full')
  const head = window.hold(position, FRAME.bytes)
  if (head < 0 || !isFrame(window.words, head, segment.incarnationCrc)) {
    return none('there is no valid frame')
  }
  const fault = frameFault(window.words, head, state, roomBytes)
  if (fault !== undefined) return { bytes: 0, fault, isMisplaced: true }
  const bytes = frameBytes(window.words.u32[(head + FRAME.payloadBytes) >>> 2] as number)
  const at = window.hold(position, bytes)
  if (at >= 0 && hasChain(window.words, at, bytes)) {
    return { bytes, fault: '', isMisplaced: false }
  }
  return none('the records do not match the checksum of their frame')
}

function none(fault: string): FrameCheck {
  return { bytes: 0, fault, isMisplaced: false }
}
