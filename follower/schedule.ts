// When a snapshot is due: after so many records, after so long, or after so much journal, so that what
// a start has to replay stays within seconds. Looks at no clock of its own.

/** Bytes of frames after which one is due: what a start reads and checks in a second. */
const BYTES_MAX = 1_073_741_824

/** A snapshot holds the follower up; of its time no more than one part in so many goes to them. */
const SHARE = 5

/** After a snapshot that failed, in ms, at least: a full disk is not full for a moment. */
const RETRY_MS = 60_000

/** What an operator may set. */
export interface ScheduleOptions {
  readonly everyRecords: number
  readonly everyMs: number
}

/** The schedule of one follower; times are of the monotonic clock, in ms. */
export class Schedule {
  readonly #options: ScheduleOptions
  #records = 0
  #bytes = 0
  #lastMs: number
  #notBeforeMs = 0

  constructor(options: ScheduleOptions, nowMs: number) {
    this.#options = options
    this.#lastMs = nowMs
  }

  /** A frame was applied. */
  applied(records: number, bytes: number): void {
    this.#records += records
    this.#bytes += bytes
  }

  /** Whether anything was applied since the last snapshot. */
  get isChanged(): boolean {
    return this.#records > 0
  }

  /** Whether one is due. */
  isDue(nowMs: number): boolean {
    if (this.#records === 0 || nowMs < this.#notBeforeMs) return false
    return (
      this.#records >= this.#options.everyRecords ||
      this.#bytes >= BYTES_MAX ||
      nowMs - this.#lastMs >= this.#options.everyMs
    )
  }

  /** One was made, and took `tookMs`. */
  made(nowMs: number, tookMs: number): void {
    this.#records = 0
    this.#bytes = 0
    this.#lastMs = nowMs
    this.#notBeforeMs = nowMs + (SHARE - 1) * tookMs
  }

  /** One could not be made, and took `tookMs` until that was known. */
  failed(nowMs: number, tookMs: number): void {
    this.#notBeforeMs = nowMs + Math.max(RETRY_MS, (SHARE - 1) * tookMs)
  }
}
