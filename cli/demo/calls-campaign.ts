// The second part of the demonstration of calls: an outbound campaign whose customer runs out of money in
// the middle, and tops up. It places the calls, counts what it is told, and compares the sums in the end.

import { setTimeout as delay } from 'node:timers/promises'
import { connect, type Holdfast, type ModuleResult } from '../../client/index.ts'
import { type CallFigures, callRecords } from './call-records.ts'
import type { Stage } from './stage.ts'

/** Calls that are begun a second, whatever became of those before. */
export const STARTS_PER_SECOND = 1_000

/** How long calls are begun, and when the money comes, in ms. */
export const RUN_MS = 11_000
export const TOP_UP_MS = 6_000

/** A second of the demonstration is a quarter of a minute of talk. */
const SECONDS_PER_SECOND = 15

/** Longest grant in seconds, and shortest talk. */
const SECONDS_MAX = 60
const SECONDS_MIN = 15

/** How long it rings, in ms of the demonstration, and how many calls of a hundred nobody answers. */
const RING_MS_MIN = 200
const RING_MS_MAX = 800
const UNANSWERED_PERCENT = 10

/** Micro-units: what a minute costs, on a 30/6 grid. */
const RATE = 60_000

/** Micro-units paid in: first for 4,000 calls at once, then once more for 9,000. */
export const FIRST_TOP_UP = 4_000 * RATE
export const SECOND_TOP_UP = 9_000 * RATE

/** Starts without an answer; a machine that is too slow for the pace places fewer. */
const UNANSWERED_STARTS_MAX = 4_000

const TICK_MS = 10
const CUSTOMER = 'dialer'
const CURRENCY = 'EUR'

/** The customer's money, in micro-units. */
export interface Money {
  readonly balance: number
  readonly reserved: number
  readonly available: number
  readonly activeCalls: number
}

/** What was counted so far. */
export interface Counts {
  started: number
  refused: number
  ended: number
  canceled: number
  /** Highest number of calls that lived at once. */
  liveMax: number
  /** Sum of what the ends said that was charged, in micro-units. */
  charged: number
  paidIn: number
}

/** How it came out. */
export interface CampaignResult extends Counts, CallFigures {
  readonly seconds: number
  readonly balance: number
  readonly reserved: number
  /** Whether all of the sums below agree. */
  readonly agrees: boolean
}

/** See the head of this file. */
export class Campaign {
  readonly counts: Counts = {
    started: 0,
    refused: 0,
    ended: 0,
    canceled: 0,
    liveMax: 0,
    charged: 0,
    paidIn: 0,
  }
  /** As the server said it last. */
  money: Money = { balance: 0, reserved: 0, available: 0, activeCalls: 0 }
  /** The estimate that was asked for before: calls of all that the whole campaign wants. */
  readonly wanted = (STARTS_PER_SECOND * RUN_MS) / 1_000
  admissible = 0
  readonly #stage: Stage
  readonly #hf: Holdfast
  #startMs = 0
  #unanswered = 0
  /** Of the last record that a reply named. */
  #sequence = 0

  private constructor(stage: Stage, hf: Holdfast) {
    this.#stage = stage
    this.#hf = hf
  }

  /** Connects, opens the customer, and asks what the campaign would come to. */
  static async prepare(stage: Stage): Promise<Campaign> {
    // A loss of the connection is the end of the demonstration, as by Ctrl-C.
    const hf = await connect(stage.url, { reconnect: false })
    stage.defer(() => hf.close())
    const campaign = new Campaign(stage, hf)
    await campaign.#ask('add_customer', { customerId: CUSTOMER, currency: CURRENCY })
    const rates = { ratePerMinute: RATE, initialIncrement: 30, increment: 6 }
    await campaign.#ask('put_tariff', { tariffId: 'campaign', prefix: '48', ...rates })
    await campaign.topUp(FIRST_TOP_UP)
    const estimate = await hf.query<{ admitted: number }>('calls', 'estimate', {
      customerId: CUSTOMER,
      tariffId: 'campaign',
      calls: campaign.wanted,
      maxSeconds: SECONDS_MAX,
    })
    campaign.admissible = estimate.admitted ?? 0
    return campaign
  }

  get live(): number {
    const { started, ended, canceled } = this.counts
    return started - ended - canceled
  }

  /** Since the first call, in ms. */
  get elapsedMs(): number {
    return this.#startMs === 0 ? 0 : performance.now() - this.#startMs
  }

  /** Places calls for `RUN_MS`, tops up in between; resolves when the last call has ended. */
  async run(): Promise<void> {
    this.#startMs = performance.now()
    const calls: Promise<void>[] = []
    let failure: unknown
    const add = (call: Promise<void>): void => {
      call.catch((error) => {
        failure = error
      })
      calls.push(call)
    }
    let isToppedUp = false
    let placed = 0
    while (this.elapsedMs < RUN_MS) {
      this.#stage.signal.throwIfAborted()
      if (failure !== undefined) throw failure
      const due = Math.floor((this.elapsedMs * STARTS_PER_SECOND) / 1_000)
      while (placed < due && this.#unanswered < UNANSWERED_STARTS_MAX) {
        add(this.#call(`call-${placed++}`))
      }
      if (!isToppedUp && this.elapsedMs >= TOP_UP_MS) {
        isToppedUp = true
        add(this.topUp(SECOND_TOP_UP))
      }
      await delay(TICK_MS)
    }
    await Promise.all(calls)
  }

  async topUp(amount: number): Promise<void> {
    await this.#ask('top_up', { customerId: CUSTOMER, amount })
    this.counts.paidIn += amount
  }

  /** Looks at the customer's money. */
  async look(): Promise<void> {
    this.money = (await this.#hf.query<Money>('calls', 'customer', { id: CUSTOMER })) as Money
  }

  /** Compares: what the ends charged, what the records say, what is left of what was paid in. */
  async result(): Promise<CampaignResult> {
    const seconds = Math.round(this.elapsedMs) / 1_000
    await this.look()
    const { balance, reserved, activeCalls } = this.money
    const records = await callRecords(this.#stage, CUSTOMER, this.#sequence)
    const { started, charged, paidIn } = this.counts
    const agrees =
      records.records === started &&
      records.recordsCharged === charged &&
      balance + charged === paidIn &&
      reserved === 0 &&
      activeCalls === 0
    return { seconds, ...this.counts, ...records, balance, reserved, agrees }
  }

  /** One call from its start to its end. */
  async #call(callId: string): Promise<void> {
    const { counts } = this
    if (!(await this.#start(callId))) {
      counts.refused++
      return
    }
    counts.started++
    counts.liveMax = Math.max(counts.liveMax, this.live)
    await this.#pause(RING_MS_MIN + Math.random() * (RING_MS_MAX - RING_MS_MIN))
    if (Math.random() * 100 < UNANSWERED_PERCENT) {
      await this.#ask('cancel', { callId, cause: 'no answer' })
      counts.canceled++
      return
    }
    await this.#ask('answer', { callId })
    const span = SECONDS_MAX - SECONDS_MIN
    const durationSeconds = SECONDS_MIN + Math.floor(Math.random() * (span + 1))
    await this.#pause((durationSeconds * 1_000) / SECONDS_PER_SECOND)
    const ended = await this.#ask('end', { callId, durationSeconds })
    counts.ended++
    counts.charged += (ended.cost as number) - (ended.uncollected as number)
  }

  /** Whether it was let in. */
  async #start(callId: string): Promise<boolean> {
    const call = { callId, customerId: CUSTOMER, destination: '48221234567', mode: 'max' }
    this.#unanswered++
    // Less than the whole minute is not worth a dialler's while.
    const seconds = { maxSeconds: SECONDS_MAX, minSeconds: SECONDS_MAX }
    const { code } = await this.#send('start', { ...call, ...seconds })
    this.#unanswered--
    if (code !== 'ok' && code !== 'insufficient_funds') throw new Error(`start said ${code}`)
    return code === 'ok'
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stage.signal })
  }

  async #ask(name: string, input: object): Promise<ModuleResult> {
    const result = await this.#send(name, input)
    if (result.code !== 'ok') throw new Error(`${name} said ${result.code}`)
    return result
  }

  async #send(name: string, input: object): Promise<ModuleResult> {
    const result = await this.#hf.command('calls', name, input)
    this.#sequence = Math.max(this.#sequence, result.sequence ?? 0)
    return result
  }
}
