// What a snapshot costs those who are served meanwhile: the latency of durable commands at half load,
// with and without a snapshot of a million accounts and a million open reservations being made.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHistogram } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { type Command, connect, type Holdfast, id, newId } from '../client/index.ts'
import type { Id } from '../protocol/index.ts'
import { type BenchResult, machineConditions, median } from './result.ts'
import { runCommand, startServerProcess } from './server-process.ts'

/** What may be set. */
export interface SnapshotBenchOptions {
  /** 1,000,000 where not given. */
  readonly accounts?: number
  /** 1,000,000 where not given. */
  readonly openReservations?: number
  /** Pairs of measurements, without and with a snapshot; 3 where not given. */
  readonly rounds?: number
  /** Where the temporary directory goes; the operating system's place where not given. */
  readonly dir?: string
}

/** Commands that are sent together, once every millisecond. */
const TICK_MS = 1
/** How long a measurement without a snapshot takes, in ms. */
const PLAIN_MS = 8_000
/** How long the rate is looked for that is halved then, in ms. */
const SEARCH_MS = 4_000
const BATCH = 2_048
/** Batches in flight while the rate is looked for, and while the state is built. */
const BATCHES_AHEAD = 6
const AMOUNT = 10

/** Latencies of the batches of one measurement, in ms, and how long it took. */
interface Measured {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
  readonly seconds: number
}

/** Measures. Takes about two minutes, most of them for building the state. */
export async function benchSnapshot(options: SnapshotBenchOptions = {}): Promise<BenchResult> {
  const { accounts = 1_000_000, openReservations = 1_000_000 } = options
  const { rounds = 3, dir = tmpdir() } = options
  const dataDir = mkdtempSync(join(dir, 'holdfast-bench-'))
  // None but those that are asked for.
  const never = ['--snapshot-every-records', '1000000000', '--snapshot-every-seconds', '86400']
  const server = await startServerProcess(dataDir, never)
  try {
    const holdfast = await connect(server.url, { timeoutMs: 120_000 })
    const load = new PairLoad(holdfast, await openAccounts(holdfast, accounts))
    await load.holdOpen(openReservations)
    const full = await load.fullRate()
    const perTick = Math.max(2, Math.round((full / 2 / 1_000) * TICK_MS))
    await runCommand(['snapshot', '--data-dir', dataDir])
    const plain: Measured[] = []
    const during: Measured[] = []
    for (let i = 0; i < rounds; i++) {
      plain.push(await load.paced(perTick, delay(PLAIN_MS)))
      during.push(await load.paced(perTick, runCommand(['snapshot', '--data-dir', dataDir])))
    }
    await holdfast.close()
    return resultOf({ plain, during, perTick, full, accounts, openReservations, dir })
  } finally {
    await server.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

interface Findings {
  readonly plain: readonly Measured[]
  readonly during: readonly Measured[]
  readonly perTick: number
  readonly full: number
  readonly accounts: number
  readonly openReservations: number
  readonly dir: string
}

function resultOf(found: Findings): BenchResult {
  const { plain, during, perTick, full, dir, ...state } = found
  const of = (all: readonly Measured[], value: (one: Measured) => number) => median(all.map(value))
  const rate = Math.round((perTick * 1_000) / TICK_MS)
  return {
    name: 'snapshot',
    commandsPerSecond: rate,
    rounds: during.map(() => rate),
    conditions: {
      ...machineConditions(),
      ...state,
      measured: `latency of ${perTick} durable commands sent every ${TICK_MS} ms: half load`,
      fullLoadCommandsPerSecond: full,
      client: 'holdfast/client, one connection, on the same machine',
      dataDirectory: dir,
      rounds: during.length,
    },
    figures: {
      'p50Ms without': of(plain, (one) => one.p50Ms),
      'p99Ms without': of(plain, (one) => one.p99Ms),
      'p99.9Ms without': of(plain, (one) => one.p999Ms),
      'p50Ms during a snapshot': of(during, (one) => one.p50Ms),
      'p99Ms during a snapshot': of(during, (one) => one.p99Ms),
      'p99.9Ms during a snapshot': of(during, (one) => one.p999Ms),
      'p99.9, during to without': ratio(
        of(during, (one) => one.p999Ms),
        of(plain, (one) => one.p999Ms),
      ),
      secondsOfSnapshot: of(during, (one) => one.seconds),
    },
  }
}

function ratio(a: number, b: number): number {
  return Number((a / b).toFixed(2))
}

async function openAccounts(holdfast: Holdfast, count: number): Promise<Id[]> {
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

/** Reserves and settles by turns, over all accounts. */
class PairLoad {
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

  /** Sends `perTick` commands every tick until `end`, whether answers came or not. */
  async paced(perTick: number, end: Promise<unknown>): Promise<Measured> {
    const histogram = createHistogram()
    const startedMs = performance.now()
    let isOver = false
    const over = end.finally(() => {
      isOver = true
    })
    const waiting = new Set<Promise<void>>()
    for (let tick = 0; !isOver; tick++) {
      const dueMs = startedMs + tick * TICK_MS
      const earlyMs = dueMs - performance.now()
      if (earlyMs > 0) await delay(earlyMs)
      // From when it was due: a client that is late must not hide a server that is.
      const answered = all(this.#holdfast, this.#pairs(perTick)).then(() => {
        histogram.record(Math.max(1, Math.round((performance.now() - dueMs) * 1_000)))
        waiting.delete(answered)
      })
      waiting.add(answered)
    }
    await over
    await Promise.all(waiting)
    const ms = (percentile: number) => histogram.percentile(percentile) / 1_000
    const seconds = (performance.now() - startedMs) / 1_000
    return {
      p50Ms: ms(50),
      p99Ms: ms(99),
      p999Ms: ms(99.9),
      maxMs: histogram.max / 1_000,
      seconds,
    }
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
