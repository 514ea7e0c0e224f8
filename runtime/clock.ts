// The time that frames carry: it never goes back, and while the server runs it does not believe a
// wall clock that races or stands still. Not a timer. Both clocks are handed in.

import { TIME_MS_MAX } from '../protocol/index.ts'

/** A jump forward over this while the server was down is looked at before it is believed. */
const JUMP_MS = 3_600_000

/** A jump over this is refused even where nothing is due: rather a broken clock than a long rest. */
const JUMP_MS_MAX = 31 * 86_400_000

/** The clocks are looked at no more often than this: fractions of less would be lost in rounding. */
const LOOK_MS = 1

/** Where time comes from. */
export interface TimeSources {
  /** Milliseconds since 1970; may jump. */
  wallMs(): number
  /** Milliseconds since any moment; never goes back. */
  monotonicMs(): number
}

/** The machine's own clocks. */
export const MACHINE_TIME: TimeSources = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}

/** Whole milliseconds for frames. */
export interface FrameClock {
  /** Never less than before. */
  nowMs(): number
  /** Moves a test clock, to `TIME_MS_MAX` at most; false where the clock is real. */
  advance(ms: number): boolean
}

/**
 * Wall time, held between half and twice of what the monotonic clock says has passed since the last
 * look. Starts from the last frame or from the wall clock, whichever is later.
 */
export class WallClock implements FrameClock {
  readonly #sources: TimeSources
  /** With fractions: half of what passed must add up. */
  #timeMs: number
  /** The last look, on the monotonic clock. */
  #seenMs: number

  /** `lastMs`: time of the journal's last frame, or -1 before the first. */
  constructor(sources: TimeSources, lastMs: number) {
    this.#sources = sources
    this.#timeMs = Math.max(lastMs, sources.wallMs())
    this.#seenMs = sources.monotonicMs()
  }

  nowMs(): number {
    const monotonicMs = this.#sources.monotonicMs()
    const passedMs = monotonicMs - this.#seenMs
    if (passedMs < LOOK_MS) return Math.floor(this.#timeMs)
    this.#seenMs = monotonicMs
    const earliest = this.#timeMs + passedMs / 2
    const latest = this.#timeMs + passedMs * 2
    this.#timeMs = Math.min(Math.max(this.#sources.wallMs(), earliest), latest)
    return Math.floor(this.#timeMs)
  }

  advance(): boolean {
    return false
  }
}

/** Time that stands still until a tick moves it: for tests of those who build on Holdfast. */
export class TestClock implements FrameClock {
  #timeMs: number

  /** Stands at the journal's last frame, or at the wall clock before the first. */
  constructor(sources: TimeSources, lastMs: number) {
    this.#timeMs = lastMs >= 0 ? lastMs : Math.floor(sources.wallMs())
  }

  nowMs(): number {
    return this.#timeMs
  }

  advance(ms: number): boolean {
    this.#timeMs = Math.min(this.#timeMs + ms, TIME_MS_MAX)
    return true
  }
}

/** The wall clock is further ahead of the journal than a start believes without being told. */
export class TimeJumpRefused extends Error {
  override readonly name = 'TimeJumpRefused'
}

/** What a start knows of time when the journal has been read. */
export interface StartTimes {
  /** Time of the last frame, or -1 before the first. */
  readonly lastMs: number
  readonly wallMs: number
  /** No reservation is due before this; Infinity where none has a timeout. */
  readonly nextDueMs: number
}

/**
 * Throws where the clock has jumped forward by more than an hour and a reservation would expire by
 * it, or by more than 31 days: either the machine's clock is wrong, or a person should know.
 */
export function checkTimeJump(times: StartTimes, acceptTimeJump: boolean): void {
  if (times.wallMs > TIME_MS_MAX) {
    throw new TimeJumpRefused('The clock is beyond the year 6429: set it right and start again.')
  }
  const jumpMs = times.wallMs - times.lastMs
  if (times.lastMs < 0 || acceptTimeJump || jumpMs <= JUMP_MS) return
  const isDue = times.nextDueMs <= times.wallMs
  if (!isDue && jumpMs <= JUMP_MS_MAX) return
  throw new TimeJumpRefused(
    `The clock is ${formatGap(jumpMs)} ahead of the journal's last frame ` +
      `(${new Date(times.lastMs).toISOString()})` +
      `${isDue ? ', and reservations may expire by it' : ''}. ` +
      'Set the clock right, or start with --accept-time-jump.',
  )
}

/** A length of time for people: `2 d 3 h`, `1 h 5 min`. */
function formatGap(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  const days = Math.floor(minutes / 1_440)
  const hours = Math.floor((minutes % 1_440) / 60)
  if (days > 0) return `${days} d ${hours} h`
  return `${hours} h ${minutes % 60} min`
}
