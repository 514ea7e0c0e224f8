// Reading a journal from its first frame to its end, each frame checked before it is handed on, and
// saying what the end is: clean, torn, or damage. Decides nothing about records.

import {
  FRAME,
  FRAME_BYTES_MAX,
  FRAME_FLAG,
  SEGMENT_HEAD_BYTES,
  type Words,
} from '../protocol/index.ts'
import { JournalDamage } from './errors.ts'
import { frameBytes, isFrame, type LogPoint, type LogState, stateAfter } from './frame.ts'
import { PointCheck } from './point-check.ts'
import { removeTemporaries } from './segment.ts'
import {
  checkFrame,
  LOG_START,
  type OpenSegment,
  SegmentWalk,
  WINDOW_BYTES_FRAMES,
} from './segment-walk.ts'
import type { Storage } from './storage.ts'
import {
  inspectTail,
  type LastFrame,
  settleTail,
  type TailFindings,
  type TornTail,
} from './tail.ts'

/** Memory that frames are read into. */
export interface FrameTarget {
  readonly words: Words
  /**
   * Makes `bytes` bytes (`FRAME_BYTES_MAX` at most) of `words` writable in one piece, and gives
   * back where, a multiple of 8. Asked once per frame, after the frame was checked.
   */
  claim(bytes: number): number
}

/**
 * `recover`: the owner's start; a torn tail goes to `quarantine`, and the end is made ready for a
 * writer. `readOnly`: nothing is changed; with `live` somebody else may be writing meanwhile, so
 * that an incomplete tail is simply the end.
 *
 * With `from` the journal is read from the segment that holds that record on, and only the frames
 * after it are given. It is damage if the journal ends before it, or holds another frame there:
 * whoever kept the point is a witness.
 */
export type ReaderOptions = { readonly from?: LogPoint | undefined } & (
  | { readonly mode: 'recover'; readonly quarantine: Storage }
  | { readonly mode: 'readOnly'; readonly live?: boolean }
)

/** Where a journal ends, for the writer that continues it and for people. */
export interface JournalEnd extends LogState {
  /** The segment that it ends in; undefined where there is no journal yet. */
  readonly segment: EndSegment | undefined
  /** Frames, records and bytes of frames that were given: with `from`, those after it. */
  readonly frames: number
  readonly records: number
  readonly bytes: number
  /** The last frame is the seal of a clean shutdown. */
  readonly shutdown: boolean
  readonly torn: TornTail | undefined
  /** The tail was settled by a reader in `recover`: a writer may go on here. */
  readonly settled: boolean
}

/** The segment that a journal ends in. */
export interface EndSegment {
  readonly name: string
  /** Where the next frame begins. */
  readonly position: number
  readonly segmentBytes: number
  readonly log: Uint8Array
  readonly incarnation: Uint8Array
}

/** Reads frames in order. */
export class JournalReader {
  readonly #storage: Storage
  readonly #options: ReaderOptions
  readonly #walk: SegmentWalk
  #isBegun = false
  readonly #point: PointCheck | undefined
  #state: LogState = LOG_START
  #position = 0
  #last: LastFrame | undefined
  #fault = ''
  #lastFlags = 0
  #frames = 0
  #records = 0
  #bytes = 0
  #end: JournalEnd | undefined

  constructor(storage: Storage, options: ReaderOptions) {
    this.#storage = storage
    this.#options = options
    this.#walk = new SegmentWalk(storage, WINDOW_BYTES_FRAMES, options.from)
    this.#point = options.from === undefined ? undefined : new PointCheck(options.from)
  }

  /**
   * Reads the next frame into `target`; gives back its length, or 0 at the end, where in `recover`
   * the tail has been settled too. Throws `JournalDamage`, `JournalVersionError`, and errors of the
   * storage; nothing can be read after any of them.
   */
  next(target: FrameTarget): number {
    try {
      if (!this.#isBegun) this.#begin()
      while (this.#end === undefined) {
        const segment = this.#walk.segment
        if (segment === undefined) throw new Error('the journal was closed')
        const bytes = this.#check(segment)
        if (bytes === 0) this.#leave(segment)
        else if (this.#pass(segment, bytes)) return this.#deliver(segment, bytes, target)
      }
      return 0
    } catch (error) {
      this.#walk.close()
      throw error
    }
  }

  /** Bytes of frames that were given so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** Where the journal ends; only after `next` gave back 0. */
  get end(): JournalEnd {
    if (this.#end === undefined) throw new Error('the journal was not read to its end')
    return this.#end
  }

  /** Closes what is open, for those who stop before the end. */
  close(): void {
    this.#walk.close()
  }

  #begin(): void {
    this.#isBegun = true
    if (this.#options.from === undefined && !this.#walk.hasNext()) {
      this.#finish(undefined, undefined)
      return
    }
    this.#advance()
    this.#state = this.#walk.before
  }

  #advance(): void {
    this.#walk.advance(this.#state)
    this.#position = SEGMENT_HEAD_BYTES
    this.#last = undefined
  }

  /** Length of the valid frame at the position, or 0 with `#fault` set. */
  #check(segment: OpenSegment): number {
    const { bytes, fault, isMisplaced } = checkFrame(segment, this.#position, this.#state)
    this.#fault = fault
    if (isMisplaced) throw this.#damage(segment, fault)
    return bytes
  }

  /** Goes behind the frame at the position; whether it is to be given. */
  #pass(segment: OpenSegment, bytes: number): boolean {
    const { words } = segment.window
    const at = segment.window.hold(this.#position, bytes)
    const state = stateAfter(words, at)
    const records = state.sequence - this.#state.sequence
    const fault = this.#point?.fault(state, records)
    if (fault !== undefined) throw this.#damage(segment, fault)
    this.#state = state
    this.#lastFlags = words.u32[(at + FRAME.flags) >>> 2] as number
    this.#last = { position: this.#position, bytes, flags: this.#lastFlags }
    this.#position += bytes
    if (this.#point?.isPassed(state, records) === false) return false
    this.#frames++
    this.#records += records
    this.#bytes += bytes
    return true
  }

  /** Gives the frame that was passed. */
  #deliver(segment: OpenSegment, bytes: number, target: FrameTarget): number {
    const at = segment.window.hold(this.#position - bytes, bytes)
    target.words.u8.set(segment.window.words.u8.subarray(at, at + bytes), target.claim(bytes))
    return bytes
  }

  /** After the last valid frame of a segment: on to the next one, or the end, or damage. */
  #leave(segment: OpenSegment): void {
    const isLive = this.#options.mode === 'readOnly' && this.#options.live === true
    const fault = this.#fault
    const tail = inspectTail(segment, this.#position)
    const hasNext = this.#walk.hasNext()
    const wasSynced = tail.frameAt >= 0 || hasNext
    // Who writes meanwhile had finished this frame before what proves it: look at it once more.
    if (isLive && wasSynced && this.#check(segment) > 0) return
    if (tail.frameAt >= 0) {
      throw this.#damage(segment, `${fault}, and the frame at offset ${tail.frameAt} came after it`)
    }
    if (hasNext) {
      if (tail.dirtyFrom >= 0) {
        this.#position = tail.dirtyFrom
        throw this.#damage(segment, `${fault}, and the next segment came after it`)
      }
      this.#advance()
      return
    }
    const early = this.#point?.endFault(this.#state)
    if (early !== undefined) throw this.#damage(segment, early)
    const isClean = tail.dirtyFrom < 0 || isLive
    this.#finish(segment, isClean ? undefined : this.#torn(segment, tail))
  }

  /** The torn frame that the dirty blocks are, which end where a frame could. */
  #torn(segment: OpenSegment, tail: TailFindings): TornTail {
    const { words } = segment.window
    const at = segment.window.hold(this.#position, FRAME.bytes)
    const isHeaded = at >= 0 && isFrame(words, at, segment.incarnationCrc)
    const bytesMax = isHeaded
      ? frameBytes(words.u32[(at + FRAME.payloadBytes) >>> 2] as number)
      : FRAME_BYTES_MAX
    if (tail.dirtyEnd > this.#position + bytesMax) {
      this.#position = tail.dirtyFrom
      throw this.#damage(segment, 'there are bytes after the end that nobody wrote')
    }
    return {
      file: segment.name,
      offset: this.#position,
      bytes: tail.dirtyEnd - this.#position,
      sequence: this.#state.sequence + 1,
      quarantined: undefined,
    }
  }

  #finish(segment: OpenSegment | undefined, torn: TornTail | undefined): void {
    let quarantined: string | undefined
    if (this.#options.mode === 'recover') {
      const { quarantine } = this.#options
      removeTemporaries(this.#storage)
      if (segment !== undefined) {
        quarantined = settleTail(this.#storage, quarantine, segment.name, this.#last, torn)
      }
    }
    this.#end = {
      ...this.#state,
      segment: segment === undefined ? undefined : endSegment(segment, this.#position),
      frames: this.#frames,
      records: this.#records,
      bytes: this.#bytes,
      shutdown: (this.#lastFlags & FRAME_FLAG.shutdown) !== 0,
      torn: torn === undefined ? undefined : { ...torn, quarantined },
      settled: this.#options.mode === 'recover',
    }
    this.#walk.close()
  }

  #damage(segment: OpenSegment, sentence: string): JournalDamage {
    const place = { file: segment.name, offset: this.#position, sequence: this.#state.sequence + 1 }
    return new JournalDamage(place, sentence)
  }
}

function endSegment(segment: OpenSegment, position: number): EndSegment {
  const { segmentBytes, log, incarnation } = segment.header
  return { name: segment.name, position, segmentBytes, log, incarnation }
}
