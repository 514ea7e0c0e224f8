// Reserves and settles at a pace, whether answers come or not, and the latencies of their answers. For
// benchmarks that look at what else is going on meanwhile.

import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as delay, setImmediate as takeTurn } from 'node:timers/promises'
import { type Command, type Holdfast, id, newId } from '../client/index.ts'
import type { Id } from '../protocol/index.ts'

/** Commands of one tick are sent together. */
export const TICK_MS = 1

/** How long the rate is looked for at which the server is full, in ms. */
const SEARCH_MS = 4_000
const BATCH = 2_048
/** Batches in flight while the rate is looked for, and while the state is built. */
const BATCHES_AHEAD = 6
const AMOUNT = 10

/** Commands without an answer at which a paced load waits: half of what the client takes. */
const UNANSWERED_MAX = 262_144

/** Latencies of the batches of one measurement, in ms, and how long it took. */
export interface Measured {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
  readonly seconds: number
}

/** Opens accounts that may all go below 0. */
export async function openAccounts(holdfast: Holdfast, count: number): Promise<Id[]> {
  const accounts: Id[] = []
  const world = id('world')
  await all(holdfast, [{ type: 'open_account', id: world, ledger: 1, external: true }])
  const waiting: Promise<void>[] = []
  for (let n = 0; n < count; ) {
    const commands: Command[] = []
    for (; commands.length < BATCH && n < count; n++) {
      const account = newId()
      accounts.push(account)
      commands.push({ type: 'open_account', id: account, ledger: 1, creditLimit: 1_000_000_000 })
    }
    waiting.push(all(holdfast, commands))
    if (waiting.length >= BATCHES_AHEAD) await waiting.shift()
  }
  await Promise.all(waiting)
  return accounts
}

/** Submits, and wants `ok` of each. */
async function all(holdfast: Holdfast, commands: readonly Command[]): Promise<void> {
  for (const result of await holdfast.submit(commands)) {
    if (result.code !== 'ok') throw new Error(`a command of the load was refused: ${result.code}`)
  }
}

function measuredOf(histogram: RecordableHistogram, seconds: number): Measured {
  const ms = (percentile: number) => histogram.percentile(percentile) / 1_000
  return {
    p50Ms: ms(50),
    p99Ms: ms(99),
    p999Ms: ms(99.9),
    maxMs: histogram.max / 1_000,
    seconds,
  }
}

/** Reserves and settles by turns, over all accounts. */
export class PairLoad {
  readonly #holdfast: Holdfast
  readonly #accounts: readonly Id[]
  #next = 0

  constructor(holdfast: Holdfast, accounts: readonly Id[]) {
    this.#holdfast = holdfast
    this.#accounts = accounts
  }

  /** Makes reservations that stay open. */
  async holdOpen(count: number): Promise<void> {
    const waiting: Promise<void>[] = []
    for (let n = 0; n < count; n += BATCH) {
      const size = Math.min(BATCH, count - n)
      const commands = Array.from({ length: size }, () => this.#reserve(newId()))
      waiting.push(all(this.#holdfast, commands))
      if (waiting.length >= BATCHES_AHEAD) await waiting.shift()
    }
    await Promise.all(waiting)
  }

  /** Commands per second with as many in flight as the server takes. */
  async fullRate(): Promise<number> {
    const startedMs = performance.now()
    const waiting: Promise<void>[] = []
    let commands = 0
    while (performance.now() - startedMs < SEARCH_MS) {
      waiting.push(all(this.#holdfast, this.#pairs(BATCH)))
      commands += BATCH
      if (waiting.length >= BATCHES_AHEAD) await waiting.shift()
    }
    await Promise.all(waiting)
    return Math.round(commands / ((performance.now() - startedMs) / 1_000))
  }

  /**
   * Sends `perTick` commands every tick until `end`, whether answers came or not, and measures those that
   * are due after `begin`. Rejects where a command is refused, and as `begin` and `end` do.
   */
  async paced(
    perTick: number,
    end: Promise<unknown>,
    begin: Promise<unknown> = Promise.resolve(),
  ): Promise<Measured> {
    const histogram = createHistogram()
    const state = { sinceMs: Number.POSITIVE_INFINITY, isOver: false, failures: [] as unknown[] }
    const fail = (error: unknown): void => {
      state.failures.push(error)
      state.isOver = true
    }
    begin.then(() => {
      state.sinceMs = performance.now()
    }, fail)
    end.then(() => {
      state.isOver = true
    }, fail)
    const startedMs = performance.now()
    const waiting = new Set<Promise<void>>()
    for (let tick = 0; !state.isOver; tick++) {
      const dueMs = startedMs + tick * TICK_MS
      const earlyMs = dueMs - performance.now()
      // Also where it is late: answers come in only while it waits.
      await (earlyMs > 0 ? delay(earlyMs) : takeTurn())
      while (waiting.size * perTick >= UNANSWERED_MAX) await Promise.race(waiting)
      // From when it was due: a client that is late must not hide a server that is.
      const answered = all(this.#holdfast, this.#pairs(perTick)).then(() => {
        const tookMs = performance.now() - dueMs
        if (dueMs >= state.sinceMs) histogram.record(Math.max(1, Math.round(tookMs * 1_000)))
      }, fail)
      waiting.add(answered)
      answered.then(() => waiting.delete(answered))
    }
    await Promise.all(waiting)
    if (state.failures.length > 0) throw state.failures[0]
    const seconds = (performance.now() - state.sinceMs) / 1_000
    return measuredOf(histogram, seconds)
  }

  #pairs(count: number): Command[] {
    const commands: Command[] = []
    for (let n = 0; n < count; n += 2) {
      const reservation = newId()
      commands.push(this.#reserve(reservation), { type: 'settle', id: newId(), reservation })
    }
    return commands
  }

  #reserve(reservation: Id): Command {
    const accounts = this.#accounts
    const n = this.#next++ % accounts.length
    return {
      type: 'reserve',
      id: reservation,
      debitAccount: accounts[n] as Id,
      creditAccount: accounts[(n + 1) % accounts.length] as Id,
      amount: AMOUNT,
    }
  }
}
