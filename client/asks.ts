// Queries and dry runs on their way: few, answered in any order, and safe to ask twice. Commands have
// flow.ts.

import { OUTCOME, RECORD, statusNumber, type Words } from '../protocol/index.ts'
import type { Call } from './call.ts'
import { type Carrier, CarrierFault } from './carrier.ts'
import { isRetried } from './flow.ts'
import { COMMAND_TOKENS } from './message.ts'

/** How long a question waits that was refused for now, in ms. */
const AGAIN_MS = 20

interface Ask {
  readonly call: Call
  readonly record: Words
  readonly bytes: number
}

/** See the head of this file. */
export class Asks {
  readonly #carrier: Carrier
  readonly #retryMs: number
  readonly #onDue: () => void
  #sent = new Map<number, Ask>()
  #waiting: Ask[] = []
  #timers = new Set<NodeJS.Timeout>()
  #next = 0

  constructor(carrier: Carrier, retryMs: number, onDue: () => void) {
    this.#carrier = carrier
    this.#retryMs = retryMs
    this.#onDue = onDue
  }

  get inFlight(): number {
    return this.#sent.size
  }

  get waiting(): number {
    return this.#waiting.length + this.#timers.size
  }

  /** Takes over `record`. */
  add(call: Call, record: Words, bytes: number): void {
    this.#waiting.push({ call, record, bytes })
  }

  /** What was asked and not answered is asked again. */
  ready(): void {
    this.#waiting = [...this.#sent.values(), ...this.#waiting]
    this.#sent.clear()
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#sent.clear()
    this.#waiting = []
  }

  /** Sends what may be sent; `room` is what the window has left. */
  pump(room: number): void {
    let left = room
    while (this.#waiting.length > 0 && left > 0) {
      const ask = this.#waiting[0] as Ask
      if (!ask.call.isOver) {
        const token = COMMAND_TOKENS + this.#next
        ask.record.u32[RECORD.token >>> 2] = token
        if (!this.#carrier.ask(ask.record, ask.bytes)) return
        this.#next = (this.#next + 1) % COMMAND_TOKENS
        this.#sent.set(token, ask)
        ask.call.wasSent = true
        left--
      }
      this.#waiting.shift()
    }
  }

  /** Takes the outcome at `at`, which was checked. */
  take(words: Words, at: number): void {
    const token = words.u32[(at + OUTCOME.token) >>> 2] as number
    const ask = this.#sent.get(token)
    if (ask === undefined) throw new CarrierFault(`no question has the token ${token}`)
    const { call } = ask
    if (call.isOver) {
      this.#sent.delete(token)
      return
    }
    if (!isRetried(statusNumber(words, at), call, this.#retryMs)) {
      // It throws where the outcome makes no sense, and the question is asked again.
      call.take(0, words, at)
      this.#sent.delete(token)
      return
    }
    this.#sent.delete(token)
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#waiting.push(ask)
      this.#onDue()
    }, AGAIN_MS)
    this.#timers.add(timer)
  }
}
