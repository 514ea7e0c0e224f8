// The gateway's line to the journal and the engine: hands records in under tokens, gives outcomes
// to who waits for them, and says who may not come in now. Knows nothing of HTTP.

import {
  isCommand,
  KIND,
  MODULE,
  needsStorage,
  OUTCOME,
  type Pipeline,
  RECORD,
  recordBytes,
  STATUS,
  statusNumber,
  type Words,
} from '../protocol/index.ts'
import { REPLY_DEADLINE_MS, ROOM_POLL_MS } from './limits.ts'
import { PendingTable, type Waiter } from './pending.ts'
import { Refusal } from './refusal.ts'

/** Something that waits for room: tries again when asked, and says whether it is done waiting. */
export type Retry = () => boolean

/** One pipeline with the requests that are in flight on it. */
export class Line {
  readonly pipeline: Pipeline
  /** Outcomes and refusals of commands so far, by the number of their status. */
  readonly countByStatus = new Float64Array(256)
  readonly #pending = new PendingTable()
  readonly #retries: Retry[] = []
  readonly #onSilent: () => void
  #failure: string | undefined
  #flushing = false
  #retrying = false
  #draining = false
  #room: NodeJS.Timeout | undefined
  readonly #sweep: NodeJS.Timeout

  /**
   * `onSilent` is called when a token came back that nobody had: a broken promise of the pipeline.
   */
  constructor(pipeline: Pipeline, onSilent: () => void) {
    this.pipeline = pipeline
    this.#onSilent = onSilent
    pipeline.onOutcome = (outcomes, at) => this.#onOutcome(outcomes, at)
    pipeline.onFailure = (reason) => this.#onFailure(reason)
    this.#sweep = setInterval(() => this.#loseLate(), 1_000).unref()
  }

  /** Commands and queries in flight. */
  get inFlight(): number {
    return this.#pending.count
  }

  /** From now on everything is refused with `draining`. */
  drain(): void {
    this.#draining = true
  }

  /** Ends the timers. */
  close(): void {
    clearInterval(this.#sweep)
    clearTimeout(this.#room)
  }

  /** Why nothing of any kind may come in now, or undefined. */
  stateRefusal(): Refusal | undefined {
    if (this.#failure !== undefined) {
      return new Refusal('draining', `The server is stopping: ${this.#failure}`)
    }
    const state = this.pipeline.state()
    if (state === 'serving' && !this.#draining) return undefined
    if (state === 'replaying') {
      return new Refusal('replaying', 'The server is still rebuilding its state: see /readyz.')
    }
    return new Refusal('draining', 'The server is shutting down: send it again to the next one.')
  }

  /** Why a command of this kind may not come in now, or undefined. */
  kindRefusal(kind: number): Refusal | undefined {
    if (!needsStorage(kind) || !this.pipeline.storageLow()) return undefined
    return new Refusal(
      'storage_low',
      'The disk has no room for the journal to grow; settle and release go on.',
    )
  }

  /**
   * Queues `count` records that fill `words` to `bytes`, all or none. False: no room right now.
   * Outcomes of commands come to `waiter` in the order of the records.
   */
  submit(words: Words, bytes: number, count: number, waiter: Waiter): boolean {
    const first = this.#pending.peek(count)
    if (first < 0) return false
    this.#stamp(words, first, count)
    if (!this.pipeline.submit(words, bytes, count)) {
      this.#unstamp(words, first, count)
      return false
    }
    this.#pending.take(count, waiter, performance.now())
    this.#flushSoon()
    return true
  }

  /** Writes the line's tokens over those that the records came with, which are kept. */
  #stamp(words: Words, first: number, count: number): void {
    let at = 0
    for (let i = 0; i < count; i++) {
      const place = (at + RECORD.token) >>> 2
      const bytes = recordBytes(words, at)
      const kind = words.u8[at] as number
      const isOfModule = kind === KIND.module || kind === KIND.queryModule
      const route = isOfModule ? (words.i32[(at + MODULE.route) >>> 2] as number) : 0
      this.#pending.note(first + i, kind, bytes, words.u32[place] as number, route)
      words.u32[place] = first + i
      at += bytes
    }
  }

  /** Puts back what the records came with: they were not taken. */
  #unstamp(words: Words, first: number, count: number): void {
    let at = 0
    for (let i = 0; i < count; i++) {
      words.u32[(at + RECORD.token) >>> 2] = this.#pending.tokenOf(first + i)
      at += recordBytes(words, at)
    }
  }

  /** Asks the engine with one query or dry run. False: no room right now. */
  ask(words: Words, bytes: number, waiter: Waiter): boolean {
    const token = this.#pending.peek(1)
    if (token < 0) return false
    this.#stamp(words, token, 1)
    if (!this.pipeline.query(words, bytes)) {
      this.#unstamp(words, token, 1)
      return false
    }
    this.#pending.take(1, waiter, performance.now())
    this.#flushSoon()
    return true
  }

  /** Has `retry` called whenever there may be room, until it says that it is done. */
  waitForRoom(retry: Retry): void {
    this.#retries.push(retry)
    this.#room ??= setTimeout(() => this.#retry(), ROOM_POLL_MS)
  }

  /** Once for all outcomes of this turn; polling is for room that comes without one. */
  #retrySoon(): void {
    if (this.#retries.length === 0 || this.#retrying) return
    this.#retrying = true
    setImmediate(() => this.#retry())
  }

  #retry(): void {
    this.#retrying = false
    clearTimeout(this.#room)
    this.#room = undefined
    // Each gets its turn: one that waits for much room does not keep it from the others.
    for (const retry of this.#retries.splice(0)) if (!retry()) this.#retries.push(retry)
    if (this.#retries.length > 0) this.#room = setTimeout(() => this.#retry(), ROOM_POLL_MS)
  }

  /** One flush for all requests of this turn of the event loop. */
  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      this.pipeline.flush()
    })
  }

  #onOutcome(outcomes: Words, at: number): void {
    const token = outcomes.u32[(at + OUTCOME.token) >>> 2] as number
    const kind = outcomes.u8[at + OUTCOME.kind] as number
    if (isCommand(kind)) this.countStatus(statusNumber(outcomes, at))
    const waiter = this.#pending.resolve(token)
    if (waiter === undefined) return this.#onSilent()
    this.#retrySoon()
    try {
      const pending = this.#pending
      const bytes = pending.bytesOf(token)
      waiter.onOutcome(outcomes, at, pending.tokenOf(token), bytes, pending.routeOf(token))
    } catch (error) {
      waiter.onFault(error)
    }
  }

  /** Counts commands that got this status from the gateway itself. */
  countRefused(code: keyof typeof STATUS, commands = 1): void {
    this.countByStatus[STATUS[code]] = (this.countByStatus[STATUS[code]] as number) + commands
  }

  /** Counts one command by the number of its status. */
  countStatus(number: number): void {
    this.countByStatus[number] = (this.countByStatus[number] as number) + 1
  }

  #loseLate(): void {
    this.#lose(performance.now() - REPLY_DEADLINE_MS)
  }

  #onFailure(reason: string): void {
    this.#failure = reason
    this.#lose(Number.POSITIVE_INFINITY)
    this.#retry()
  }

  #lose(beforeMs: number): void {
    for (const [waiter, lost] of this.#pending.lose(beforeMs)) {
      try {
        waiter.onLost(lost)
      } catch (error) {
        waiter.onFault(error)
      }
    }
  }
}
