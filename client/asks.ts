// Queries and dry runs on their way: few, answered in any order, and safe to ask twice. Commands have
// flow.ts.

import { OUTCOME, RECORD, statusNumber, type Words } from '../protocol/index.ts'
import type { Call } from './call.ts'
import { type Carrier, CarrierFault } from './carrier.ts'
import { isRetried } from './flow.ts'
import type { Load } from './load.ts'
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
  /** Bytes of the records of what is in flight. */
  bytesInFlight = 0
  readonly #carrier: Carrier
  readonly #load: Load
  readonly #retryMs: number
  readonly #onDue: () => void
  #sent = new Map<number, Ask>()
  #waiting: Ask[] = []
  #timers = new Set<NodeJS.Timeout>()
  #next = 0

  constructor(carrier: Carrier, load: Load, retryMs: number, onDue: () => void) {
    this.#carrier = carrier
    this.#load = load
    this.#retryMs = retryMs
    this.#onDue = onDue
  }

  get inFlight(): number {
    return this.#sent.size
  }

  get waiting(): number {
    return this.#waiting.length + this.#timers.size
  }

  /** After `pump`: whether it left something. */
  get isHeld(): boolean {
    return this.#waiting.length > 0
  }

  /** Takes over `record`. */
  add(call: Call, record: Words, bytes: number): void {
    this.#waiting.push({ call, record, bytes })
    this.#load.add(1, bytes)
  }

  /** What was asked and not answered is asked again. */
  ready(): void {
    this.#waiting = [...this.#sent.values(), ...this.#waiting]
    this.#sent.clear()
    this.bytesInFlight = 0
  }

  /** Drops what waits of calls that are over. */
  dropEnded(): void {
    this.#waiting = this.#waiting.filter((ask) => !this.#isDropped(ask))
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#sent.clear()
    this.#waiting = []
  }

  /** Sends what may be sent: `room` queries, of `roomBytes` bytes, are what the window has left. */
  pump(room: number, roomBytes: number): void {
    let taken = 0
    for (const ask of this.#waiting) {
      if (!this.#isDropped(ask)) {
        if (this.inFlight >= room || this.bytesInFlight + ask.bytes > roomBytes) break
        if (!this.#send(ask)) break
      }
      taken++
    }
    this.#waiting.splice(0, taken)
  }

  /** False: the carrier has no room. */
  #send(ask: Ask): boolean {
    const token = COMMAND_TOKENS + this.#next
    ask.record.u32[RECORD.token >>> 2] = token
    if (!this.#carrier.ask(ask.record, ask.bytes)) return false
    this.#next = (this.#next + 1) % COMMAND_TOKENS
    this.#sent.set(token, ask)
    this.bytesInFlight += ask.bytes
    ask.call.wasSent = true
    return true
  }

  /** Whether the call is over; then it counts no longer. */
  #isDropped({ call, bytes }: Ask): boolean {
    if (call.isOver) this.#load.remove(1, bytes)
    return call.isOver
  }

  /** Takes the outcome at `at`, which was checked. */
  take(words: Words, at: number): void {
    const token = words.u32[(at + OUTCOME.token) >>> 2] as number
    const ask = this.#sent.get(token)
    if (ask === undefined) throw new CarrierFault(`no question has the token ${token}`)
    const isAgain = !ask.call.isOver && isRetried(statusNumber(words, at), ask.call, this.#retryMs)
    // It throws where the outcome makes no sense, and the question is asked again.
    if (!isAgain && !ask.call.isOver) ask.call.take(0, words, at)
    this.#sent.delete(token)
    this.bytesInFlight -= ask.bytes
    if (isAgain) this.#askLater(ask)
    else this.#load.remove(1, ask.bytes)
  }

  #askLater(ask: Ask): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#waiting.push(ask)
      this.#onDue()
    }, AGAIN_MS)
    this.#timers.add(timer)
  }
}
