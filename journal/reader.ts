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
import { frameBytes, frameFault, hasChain, isFrame, type LogState, stateAfter } from './frame.ts'
import { removeTemporaries } from './segment.ts'
import { LOG_START, type OpenSegment, SegmentWalk, WINDOW_BYTES_FRAMES } from './segment-walk.ts'
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
 */
export type ReaderOptions =
  | { readonly mode: 'recover'; readonly quarantine: Storage }
  | { readonly mode: 'readOnly'; readonly live?: boolean }

/** Where a journal ends, for the writer that continues it and for people. */
export interface JournalEnd extends LogState {
  /** The segment that it ends in; undefined where there is no journal yet. */
  readonly segment: EndSegment | undefined
  /** Frames, records and bytes of frames that were read. */
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
    this.#walk = new SegmentWalk(storage, WINDOW_BYTES_FRAMES)
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
        if (bytes > 0) return this.#deliver(segment, bytes, target)
        this.#leave(segment)
      }
      return 0
    } catch (error) {
      this.#walk.close()
      throw error
    }
  }

  /** Bytes of frames that were read so far. */
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
    if (this.#walk.hasNext()) this.#advance()
    else this.#finish(undefined, undefined)
  }

  #advance(): void {
    this.#walk.advance(this.#state)
    this.#position = SEGMENT_HEAD_BYTES
    this.#last = undefined
  }

  /** Length of the valid frame at the position, or 0 with `#fault` set. */
  #check(segment: OpenSegment): number {
    const { window, header } = segment
    const roomBytes = header.segmentBytes - this.#position
    this.#fault = 'the segment is full'
    if (roomBytes === 0) return 0
    this.#fault = 'there is no valid frame'
    const head = window.hold(this.#position, FRAME.bytes)
    if (head < 0 || !isFrame(window.words, head, segment.incarnationCrc)) return 0
    const fault = frameFault(window.words, head, this.#state, roomBytes)
    // Its crc is right: somebody wrote this header as it is, and not in this place.
    if (fault !== undefined) throw this.#damage(segment, fault)
    const bytes = frameBytes(window.words.u32[(head + FRAME.payloadBytes) >>> 2] as number)
    this.#fault = 'the records do not match the checksum of their frame'
    const at = window.hold(this.#position, bytes)
    return at >= 0 && hasChain(window.words, at, bytes) ? bytes : 0
  }

  #deliver(segment: OpenSegment, bytes: number, target: FrameTarget): number {
    const { words } = segment.window
    const at = segment.window.hold(this.#position, bytes)
    target.words.u8.set(words.u8.subarray(at, at + bytes), target.claim(bytes))
    const before = this.#state.sequence
    this.#state = stateAfter(words, at)
    this.#lastFlags = words.u32[(at + FRAME.flags) >>> 2] as number
    this.#last = { position: this.#position, bytes, flags: this.#lastFlags }
    this.#position += bytes
    this.#frames++
    this.#records += this.#state.sequence - before
    this.#bytes += bytes
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
