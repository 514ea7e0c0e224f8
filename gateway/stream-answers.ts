// The answers of one stream: how many are owed, the order in which those of commands go out, and the
// message that they gather in. Knows no socket, and not what waits for room.

import { OUTCOME, STATUS, type Words } from '../protocol/index.ts'
import { STREAM_WINDOW_BYTES, STREAM_WINDOW_COMMANDS } from './limits.ts'
import type { LostRecord } from './pending.ts'
import { StreamOutbox } from './stream-outbox.ts'

/** A command that the gateway refused and that waits for the outcomes of those before it. */
interface Refused {
  /** How many commands of this stream have to be answered first, counted from its beginning. */
  readonly after: number
  readonly status: number
  readonly kind: number
  readonly token: number
  readonly bytes: number
  readonly detail: string | undefined
}

/** What one stream is owed. */
export class StreamAnswers {
  readonly #outbox: StreamOutbox
  readonly #onPut: () => void
  /** Commands and queries without an answer, and the bytes of their records. */
  #owed = 0
  #owedBytes = 0
  /** Commands that were queued for the engine, and of these answered. */
  #queued = 0
  #answered = 0
  #refused: Refused[] = []
  #isClosed = false

  /** `send` sends one message; `onPut` hears of every answer that waits to be sent. */
  constructor(send: (message: Uint8Array) => void, onPut: () => void) {
    this.#outbox = new StreamOutbox(send)
    this.#onPut = onPut
  }

  /** Whether nothing is owed and nothing waits to be sent. */
  get isIdle(): boolean {
    return this.#owed === 0 && this.#outbox.count === 0
  }

  /** Counts `count` records of `bytes` bytes in; false: more than the window holds. */
  owe(count: number, bytes: number): boolean {
    this.#owed += count
    this.#owedBytes += bytes
    return this.#owed <= STREAM_WINDOW_COMMANDS && this.#owedBytes <= STREAM_WINDOW_BYTES
  }

  /** `count` commands were queued for the engine: their outcomes come in this order. */
  onQueued(count: number): void {
    this.#queued += count
  }

  /**
   * The engine's outcome of the command of `bytes` bytes that came with `token`; `body` is added to one
   * that is a head alone.
   */
  putOutcome(
    outcomes: Words,
    at: number,
    token: number,
    bytes: number,
    body: string | undefined,
  ): void {
    this.#answered++
    this.putAnswer(outcomes, at, token, bytes, body)
    if (this.#refused.length > 0) this.#putRefused()
  }

  /** The engine's answer to a query or dry run: it has no place among those of commands. */
  putAnswer(outcomes: Words, at: number, token: number, bytes: number, body?: string): void {
    this.#owed--
    this.#owedBytes -= bytes
    if (this.#isClosed) return
    if (body !== undefined) this.#outbox.putWithBody(outcomes, at, token, body)
    else this.#outbox.put(outcomes, at, outcomes.u32[(at + OUTCOME.bytes) >>> 2] as number, token)
    this.#onPut()
  }

  /** Refuses a command: said when those before it are answered. */
  refuseCommand(
    status: number,
    kind: number,
    token: number,
    bytes: number,
    detail: string | undefined,
  ): void {
    this.#refused.push({ after: this.#queued, status, kind, token, bytes, detail })
    this.#putRefused()
  }

  /** Refuses a query or dry run: said at once. */
  refuseQuery(
    status: number,
    kind: number,
    token: number,
    bytes: number,
    detail: string | undefined,
  ): void {
    this.#owed--
    this.#owedBytes -= bytes
    if (this.#isClosed) return
    this.#outbox.putRefusal(status, kind, token, detail)
    this.#onPut()
  }

  #putRefused(): void {
    let due = 0
    for (const { after, status, kind, token, bytes, detail } of this.#refused) {
      if (after > this.#answered) break
      this.refuseQuery(status, kind, token, bytes, detail)
      due++
    }
    if (due === this.#refused.length) this.#refused = []
    else if (due > 0) this.#refused.splice(0, due)
  }

  /** Nobody knows what became of these. Nothing that is owed comes after that. */
  putLost(lost: readonly LostRecord[]): void {
    if (this.#isClosed) return
    for (const { kind, token } of lost) {
      this.#outbox.putRefusal(STATUS.outcome_unknown, kind, token)
    }
    this.#onPut()
  }

  /** Sends what gathered. */
  flush(): void {
    this.#outbox.flush()
  }

  /** Gives memory back that was not needed since the last call. */
  rest(): void {
    this.#outbox.rest()
  }

  /** The stream is closed: answers that still come are dropped. */
  close(): void {
    this.#isClosed = true
    this.#refused = []
  }
}
