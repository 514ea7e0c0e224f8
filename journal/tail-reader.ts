// Following a journal while another process writes it: frames as they come, but none before it is
// certain that it was synced. Never changes anything, and never waits: the caller asks again.
//
// A frame is certain when another one of the same writer or a later one follows it, for a writer
// syncs one frame before it writes the next: a frame, a seal, or the header of the next segment. Until
// then its bytes may be in the page cache alone. The header of what follows proves as much as all of
// it would, and is bound to the frame by the chain.

import {
  allocateWords,
  FRAME,
  FRAME_BYTES_MAX,
  readI64,
  SEGMENT_HEAD_BYTES,
  type Words,
} from '../protocol/index.ts'
import { JournalDamage } from './errors.ts'
import { frameFault, isFrame, type LogPoint, type LogState, stateAfter } from './frame.ts'
import { PointCheck } from './point-check.ts'
import type { FrameTarget } from './reader.ts'
import { firstSequenceOf, readSegmentHeader, segmentNames } from './segment.ts'
import {
  checkFrame,
  type FrameCheck,
  LOG_START,
  type OpenSegment,
  SegmentWalk,
  WINDOW_BYTES_FRAMES,
} from './segment-walk.ts'
import { readAll, type Storage } from './storage.ts'
import { inspectTail } from './tail.ts'

/** How often what lies behind the last frame is looked into: one may be damaged there. */
const LOOK_EVERY_MS = 1_000

/** The frame at the reader's position, once it was found whole. */
interface Held {
  readonly bytes: number
  readonly records: number
  readonly state: LogState
}

/** See the head of this file. */
export class TailReader {
  readonly #storage: Storage
  readonly #walk: SegmentWalk
  readonly #point: PointCheck | undefined
  readonly #peeked: Words = allocateWords(FRAME.bytes)
  #position = SEGMENT_HEAD_BYTES
  /** After the last frame that was passed, seals too. */
  #state: LogState = LOG_START
  /** After the last frame that was given; undefined before the first, unless it began at a point. */
  #given: LogPoint | undefined
  #held: Held | undefined
  /** When what is behind the last frame was looked into, on the monotonic clock. */
  #lookedAtMs = performance.now()

  /** Follows `storage` from its first record, or from right behind `from` on. */
  constructor(storage: Storage, from?: LogPoint) {
    this.#storage = storage
    this.#walk = new SegmentWalk(storage, WINDOW_BYTES_FRAMES, from)
    this.#point = from === undefined ? undefined : new PointCheck(from)
    this.#given = from
  }

  /**
   * Reads the next frame with records into `target`; gives back its length, or 0 where no other one
   * is certain yet. Seals are passed over. Throws `JournalDamage`, `JournalVersionError`, `JournalMoved`,
   * and errors of the storage; nothing can be read after any of them.
   */
  next(target: FrameTarget): number {
    try {
      for (;;) {
        const segment = this.#walk.segment ?? this.#begin()
        if (segment === undefined) return 0
        this.#held ??= this.#find(segment)
        if (this.#held === undefined) {
          if (!this.#leave(segment)) return 0
        } else {
          if (!this.#isCertain(segment, this.#held)) {
            this.#assertReached(segment, this.#held.state)
            return 0
          }
          const bytes = this.#pass(segment, this.#held, target)
          if (bytes > 0) return bytes
        }
      }
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** The place behind the last frame that was given; undefined where there was none yet. */
  get point(): LogPoint | undefined {
    return this.#given
  }

  /** Closes what is open. */
  close(): void {
    this.#walk.close()
  }

  /** Opens the first segment, if there is one. */
  #begin(): OpenSegment | undefined {
    if (this.#point === undefined && !this.#walk.hasNext()) return undefined
    const segment = this.#walk.advance(this.#state)
    this.#state = this.#walk.before
    return segment
  }

  /** The whole frame at the position; undefined where there is none (yet). */
  #find(segment: OpenSegment): Held | undefined {
    const check = this.#check(segment)
    if (check.bytes === 0) return undefined
    const { words } = segment.window
    const at = segment.window.hold(this.#position, check.bytes)
    const state = stateAfter(words, at)
    const records = state.sequence - this.#state.sequence
    const fault = this.#point?.fault(state, records)
    if (fault !== undefined) throw this.#damage(segment, fault)
    return { bytes: check.bytes, records, state }
  }

  /** The check of the bytes as they are now; one look at 128 of them where there is no frame. */
  #check(segment: OpenSegment): FrameCheck {
    let check = checkFrame(segment, this.#position, this.#state)
    if (check.bytes === 0 && this.#peek(segment, this.#position)) {
      segment.window.forget()
      check = checkFrame(segment, this.#position, this.#state)
    }
    if (check.isMisplaced) throw this.#damage(segment, check.fault)
    return check
  }

  /** Whether a header of this segment lies at `position` right now; it is in `#peeked` then. */
  #peek(segment: OpenSegment, position: number): boolean {
    if (position + FRAME.bytes > segment.header.segmentBytes) return false
    const bytes = readAll(segment.file, this.#peeked.u8, position)
    return bytes === FRAME.bytes && isFrame(this.#peeked, 0, segment.incarnationCrc)
  }

  /** Whether something follows the frame that was only written once the frame was synced. */
  #isCertain(segment: OpenSegment, held: Held): boolean {
    const next = this.#position + held.bytes
    if (this.#isFollowedAt(segment, next, held.state)) return true
    // The next segment is begun only when a frame does not fit into what is left of this one.
    if (segment.header.segmentBytes - next >= FRAME_BYTES_MAX) return false
    return this.#nextName(segment) !== undefined
  }

  #isFollowedAt(segment: OpenSegment, position: number, state: LogState): boolean {
    if (!this.#peek(segment, position)) return false
    const roomBytes = segment.header.segmentBytes - position
    const fault = frameFault(this.#peeked, 0, state, roomBytes)
    if (fault === undefined) {
      return readI64(this.#peeked, FRAME.syncedThrough) >= state.sequence
    }
    throw this.#damage(segment, fault, position, state.sequence + 1)
  }

  /** Goes behind the frame; gives it, where it has records and lies behind the point. */
  #pass(segment: OpenSegment, held: Held, target: FrameTarget): number {
    const { bytes, records, state } = held
    const at = segment.window.hold(this.#position, bytes)
    this.#position += bytes
    this.#state = state
    this.#held = undefined
    if (records === 0) return 0
    if (this.#point?.isPassed(state, records) === false) return 0
    const { sequence, timeMs, chain } = state
    this.#given = { sequence, timeMs, chain, log: segment.header.log }
    target.words.u8.set(segment.window.words.u8.subarray(at, at + bytes), target.claim(bytes))
    return bytes
  }

  /** There is no frame at the position: on to the next segment, if there is one. */
  #leave(segment: OpenSegment): boolean {
    const isNearEnd = segment.header.segmentBytes - this.#position < FRAME_BYTES_MAX
    const isDue = performance.now() - this.#lookedAtMs > LOOK_EVERY_MS
    if (!isNearEnd && !isDue) return false
    const name = this.#nextName(segment)
    if (name === undefined) {
      this.#assertReached(segment, this.#state)
      if (isDue && !this.#isAtZeros(segment)) this.#lookBehind(segment)
      return false
    }
    // What was written before the next segment was begun is there by now.
    segment.window.forget()
    this.#held = this.#find(segment)
    if (this.#held !== undefined) return true
    this.#lookBehind(segment)
    this.#assertFollows(name, segment, this.#state)
    this.#walk.advance(this.#state)
    this.#position = SEGMENT_HEAD_BYTES
    return true
  }

  /** Throws `JournalDamage` where the journal ends at `state`, before the point. */
  #assertReached(segment: OpenSegment, state: LogState): void {
    const fault = this.#point?.endFault(state)
    if (fault !== undefined) throw this.#damage(segment, fault)
  }

  /** Whether nothing was written at the position yet. */
  #isAtZeros(segment: OpenSegment): boolean {
    this.#lookedAtMs = performance.now()
    readAll(segment.file, this.#peeked.u8, this.#position)
    return this.#peeked.i32.every((word) => word === 0)
  }

  /** Throws `JournalDamage` where a frame lies behind the position, at which there is none. */
  #lookBehind(segment: OpenSegment): void {
    const { frameAt } = inspectTail(segment, this.#position)
    if (frameAt < 0 || this.#check(segment).bytes > 0) return
    throw this.#damage(
      segment,
      `there is no valid frame, and the frame at offset ${frameAt} came after it`,
    )
  }

  #nextName(segment: OpenSegment): string | undefined {
    return segmentNames(this.#storage).find((name) => name > segment.name)
  }

  /** Throws `JournalDamage` unless the segment `name` continues `state`. */
  #assertFollows(name: string, { header }: OpenSegment, { sequence, chain }: LogState): void {
    const file = this.#storage.open(name, { write: false })
    try {
      readSegmentHeader(file, name, { firstSequence: sequence + 1, chain, log: header.log })
    } finally {
      file.close()
    }
  }

  #damage(
    segment: OpenSegment,
    sentence: string,
    offset = this.#position,
    sequence = this.#state.sequence + 1,
  ): JournalDamage {
    return new JournalDamage({ file: segment.name, offset, sequence }, sentence)
  }
}

/** Records that a follower at `sequence` has not read at least: a cheap look at the names. */
export function recordsBehind(storage: Storage, sequence: number): number {
  const newest = segmentNames(storage).at(-1)
  return newest === undefined ? 0 : Math.max(0, firstSequenceOf(newest) - 1 - sequence)
}
