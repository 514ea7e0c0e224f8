// Calls over a carrier: each becomes records, gets its outcomes, and ends, by a result, by its deadline
// or by the end of the carrier. What calls mean is in front.ts, how records flow in flow.ts.

import { OUTCOME, type Words } from '../protocol/index.ts'
import { Asks } from './asks.ts'
import type { Call } from './call.ts'
import {
  type Carrier,
  type CarrierEvents,
  CarrierFault,
  type CarrierLimits,
  type ModuleCodec,
} from './carrier.ts'
import { HoldfastClosed, type HoldfastFull, HoldfastTimeout } from './errors.ts'
import { Flow } from './flow.ts'
import type { FrontOptions, HoldfastStatus } from './holdfast.ts'
import { Load } from './load.ts'
import { COMMAND_TOKENS } from './message.ts'
import { Names } from './names.ts'
import { OpenCalls } from './open-calls.ts'
import { checkOutcome } from './results.ts'

/** How long `close` waits for what is in flight, in ms. */
const CLOSE_MS = 5_000

/** See `FrontOptions`. */
const TIMEOUT_MS = 30_000
const RETRY_MS = 10_000

/** See the head of this file. */
export class Exchange implements CarrierEvents {
  readonly flow: Flow
  readonly names: Names
  readonly timeoutMs: number
  /** Resolves when the carrier carries for the first time; rejects when it never will. */
  readonly opened: Promise<void>
  readonly #load = new Load()
  readonly #asks: Asks
  readonly #carrier: Carrier
  readonly #calls: OpenCalls
  readonly #onWait: ((status: HoldfastStatus) => void) | undefined
  #limits: CarrierLimits | undefined
  #state: HoldfastStatus['state'] = 'connecting'
  #sinceMs = Date.now()
  #lost = 'not connected yet'
  #failure: Error | undefined
  #isDue = false
  /** The last flush left something that the window or the carrier had no room for. */
  #isFull = false
  /** Some calls got no answer in time. */
  #wasLate = false
  /** Nothing is sent any more, and nothing waits. */
  #isOver = false
  #closing: Promise<void> | undefined
  #waitedFor: HoldfastStatus['waitsFor'] = 'nothing'
  #tellOpened: (error?: Error) => void = () => {}
  #tellIdle: () => void = () => {}

  constructor(carrier: Carrier, options: FrontOptions) {
    const { timeoutMs = TIMEOUT_MS, retryMs = RETRY_MS, onWait } = options
    const onDue = (): void => this.#flushSoon()
    this.#carrier = carrier
    this.timeoutMs = timeoutMs
    this.#onWait = onWait
    this.flow = new Flow(carrier, this.#load, retryMs, onDue)
    this.#asks = new Asks(carrier, this.#load, retryMs, onDue)
    this.names = new Names(carrier)
    this.#calls = new OpenCalls(
      (call) => {
        this.#wasLate = true
        call.fail(new HoldfastTimeout(call.timeoutMs, call.wasSent, this.#why()))
      },
      () => this.#look(),
    )
    this.opened = new Promise((resolve, reject) => {
      this.#tellOpened = (error) => (error === undefined ? resolve() : reject(error))
    })
    // Who does not wait for it hears the same from every call.
    this.opened.catch(() => {})
    carrier.start(this)
  }

  /** How what is asked of modules is written. */
  get modules(): ModuleCodec {
    return this.#carrier.modules
  }

  /** Longest chain that the server takes. */
  get chainCommandsMax(): number {
    return this.#limits?.chainCommandsMax ?? Number.POSITIVE_INFINITY
  }

  /** Why nothing may be called any more, or undefined. */
  refusal(): Error | undefined {
    if (this.#closing !== undefined) return new HoldfastClosed(false)
    return this.#failure
  }

  /** Why `count` more commands or queries may not be called now, or undefined. */
  full(count: number): HoldfastFull | undefined {
    return this.#load.refusal(count)
  }

  /** Drops what waits of calls that are over. */
  dropEnded(): void {
    this.flow.dropEnded()
    this.#asks.dropEnded()
    this.names.dropEnded()
  }

  /** The records of `call` are in the builder: they leave with all others of this turn. */
  commanded(call: Call): void {
    this.#calls.add(call)
    if (this.flow.builder.hasSealed) this.#flush()
    else this.#flushSoon()
  }

  /** One query or dry run; `record` is taken over. */
  ask(call: Call, record: Words, bytes: number): void {
    this.#asks.add(call, record, bytes)
    this.#calls.add(call)
    this.#flushSoon()
  }

  onReady(limits: CarrierLimits): void {
    if (this.#failure !== undefined) return
    this.#limits = limits
    if (this.#closing === undefined) this.#become('open')
    this.flow.ready(limits)
    this.#asks.ready()
    this.names.ready()
    this.#flush()
    this.#tellOpened()
  }

  onOutcomes(words: Words, from: number, end: number, count: number): void {
    let at = from
    for (let i = 0; i < count; i++) {
      checkOutcome(words, at, end)
      const token = words.u32[(at + OUTCOME.token) >>> 2] as number
      try {
        if (token < COMMAND_TOKENS) this.flow.take(words, at)
        else this.#asks.take(words, at)
      } catch (error) {
        if (error instanceof CarrierFault) throw error
        throw new CarrierFault(`an outcome makes no sense: ${(error as Error).message}`)
      }
      at += words.u32[(at + OUTCOME.bytes) >>> 2] as number
    }
    if (at !== end) throw new CarrierFault(`${end - at} bytes behind ${count} outcomes`)
    this.#flushSoon()
  }

  onNames(slots: readonly number[]): void {
    try {
      this.names.arrived(slots)
    } catch (error) {
      throw new CarrierFault(`a name makes no sense: ${(error as Error).message}`)
    }
    this.#flushSoon()
  }

  onLost(reason: string): void {
    this.#lost = reason
    this.#limits = undefined
    this.flow.lost()
    if (this.#state === 'open') this.#become('connecting')
  }

  onFailed(error: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#lost = error.message
    this.#forget()
    if (this.#closing === undefined) this.#become('failed')
    this.#calls.failAll(() => error)
    this.#tellOpened(error)
    this.#tellIdle()
  }

  status(): HoldfastStatus {
    return {
      state: this.#state,
      since: new Date(this.#sinceMs).toISOString(),
      waitsFor: this.#waitsFor(),
      reason: this.#waitsFor() === 'nothing' ? '' : this.#why(),
      inFlight: this.#inFlight,
      waiting: this.#waiting,
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#become('closing')
    const isLost = this.#limits === undefined
    if (!this.#calls.isEmpty() && this.#failure === undefined && !isLost) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, CLOSE_MS)
        this.#tellIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#forget()
    this.#calls.failAll((call) => new HoldfastClosed(call.wasSent))
    this.#tellOpened(new HoldfastClosed(false))
    await this.#carrier.close()
    this.#become('closed')
  }

  #forget(): void {
    this.#isOver = true
    this.#limits = undefined
    this.flow.clear()
    this.#asks.clear()
    this.names.clear()
  }

  /** Once for all calls and outcomes of this turn of the event loop. */
  #flushSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      this.#flush()
    })
  }

  #flush(): void {
    const limits = this.#limits
    if (limits === undefined) return
    const { flow } = this
    const asks = this.#asks
    asks.pump(limits.windowCommands - flow.inFlight, limits.windowBytes - flow.bytesInFlight)
    flow.pump(asks.inFlight, asks.bytesInFlight)
    this.#isFull = flow.isHeld || asks.isHeld
    this.#carrier.flush()
    if (this.#closing !== undefined && this.#calls.isEmpty()) this.#tellIdle()
  }

  /** Now and then while calls are open: room may have come without an outcome. */
  #look(): void {
    if (this.#wasLate) this.dropEnded()
    this.#wasLate = false
    const waitsFor = this.#waitsFor()
    if (waitsFor !== 'nothing' || this.#waiting > 0) this.#flushSoon()
    if (this.#closing !== undefined && this.#calls.isEmpty()) this.#tellIdle()
    if (waitsFor === this.#waitedFor) return
    this.#waitedFor = waitsFor
    this.#onWait?.(this.status())
  }

  #waitsFor(): HoldfastStatus['waitsFor'] {
    if (this.#isOver) return 'nothing'
    if (this.#limits === undefined) return 'connection'
    if (this.flow.refusal !== 0 && this.flow.inFlight + this.#waiting > 0) return 'server'
    // What was not offered yet waits for nothing but its turn, and an empty window is not full.
    return this.#isFull && this.#waiting > 0 && this.#inFlight > 0 ? 'window' : 'nothing'
  }

  /** Commands and queries that were not sent yet. */
  get #waiting(): number {
    return this.flow.waiting + this.#asks.waiting
  }

  /** Those that were sent and not answered yet. */
  get #inFlight(): number {
    return this.flow.inFlight + this.#asks.inFlight
  }

  #why(): string {
    switch (this.#waitsFor()) {
      case 'connection':
        return `no connection: ${this.#lost}`
      case 'server':
        return `the server answers ${this.flow.refusalCode}`
      case 'window':
        return this.flow.inFlight > 0
          ? `${this.flow.inFlight} commands are in flight, and no more may be`
          : `${this.#asks.inFlight} queries are in flight, and no more may be`
      default:
        return 'no answer came'
    }
  }

  #become(state: HoldfastStatus['state']): void {
    if (this.#state === state) return
    this.#state = state
    this.#sinceMs = Date.now()
  }
}
