// What the follower and the views cost those who are served: the latency of durable commands at a pace of
// 100,000 a second, with both processes beside the server and without. All share the machine. And what rate
// the views keep meanwhile, how far they are behind at the end, and how soon they have caught up.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '../client/index.ts'
import { type Measured, TICK_MS } from './pace.ts'
import { openAccounts, PairLoad } from './pair-load.ts'
import { type BenchResult, machineConditions, median } from './result.ts'
import { runCommand, startServerProcess } from './server-process.ts'
import { Wire } from './wire.ts'

/** What may be set. */
export interface ViewsEffectBenchOptions {
  /** Commands offered a second; 100,000 where not given. */
  readonly commandsPerSecond?: number
  /** Seconds of a measurement; 8 where not given. */
  readonly seconds?: number
  /** Pairs of a measurement without and one with; 10 where not given, so that either comes first in half of them. */
  readonly rounds?: number
  /** 10,000 where not given. */
  readonly accounts?: number
  /** Where the temporary directories go; the operating system's place where not given. */
  readonly dir?: string
}

/**
 * How long the load runs before it is measured, in ms: for so long V8 compiles what it has seen often, in the
 * server as in both processes, and most of it while somebody waits.
 */
const WARM_UP_MS = 8_000

/** How often it is looked how far the views are, how long at most, in ms. */
const LOOK_EVERY_MS = 20
const CATCH_UP_MS_MAX = 300_000

/** Measures. Each has a server and a directory of its own. Throws where the views differ from the journal. */
export async function benchViewsEffect(
  options: ViewsEffectBenchOptions = {},
): Promise<BenchResult> {
  const { commandsPerSecond = 100_000, seconds = 8, rounds = 10 } = options
  const { accounts = 10_000, dir = tmpdir() } = options
  const measure = (args: readonly string[]): Promise<Paced> =>
    measureOnce(dir, args, { commandsPerSecond, seconds, accounts })
  const without: Paced[] = []
  const beside: Paced[] = []
  const alone = async () => without.push(await measure(['--follower', 'false']))
  const both = async () => beside.push(await measure([]))
  for (let i = 0; i < rounds; i++) {
    // By turns, so that what drifts during a pair is on neither side.
    for (const one of i % 2 === 0 ? [alone, both] : [both, alone]) await one()
  }
  const of = (all: readonly Paced[], value: (one: Paced) => number) => median(all.map(value))
  const p99Ms = { without: of(without, (one) => one.p99Ms), beside: of(beside, (one) => one.p99Ms) }
  const ratios = beside.map((one, n) => ratio(one.p99Ms, without[n]?.p99Ms ?? Number.NaN))
  return {
    name: 'views-effect',
    commandsPerSecond: of(beside, (one) => one.perSecond),
    rounds: beside.map((one) => one.perSecond),
    conditions: {
      ...machineConditions(),
      commands: 'pairs of a reserve and its settle, durable before the answer',
      latency: 'of the commands of one tick, from when they were due',
      client: 'one connection, on the same machine, that does next to nothing',
      offeredPerSecond: (perTickAt(commandsPerSecond) * 1_000) / TICK_MS,
      tickMs: TICK_MS,
      warmUpSeconds: WARM_UP_MS / 1_000,
      secondsPerMeasurement: seconds,
      rounds,
      accounts,
      dataDirectory: dir,
    },
    figures: {
      'p50Ms without': of(without, (one) => one.p50Ms),
      'p99Ms without': p99Ms.without,
      'p99.9Ms without': of(without, (one) => one.p999Ms),
      'p50Ms with follower and views': of(beside, (one) => one.p50Ms),
      'p99Ms with follower and views': p99Ms.beside,
      'p99.9Ms with follower and views': of(beside, (one) => one.p999Ms),
      'p99, with to without': ratio(p99Ms.beside, p99Ms.without),
      'p99, with to without, least of a pair': Math.min(...ratios),
      'p99, with to without, most of a pair': Math.max(...ratios),
      'commandsPerSecond without': of(without, (one) => one.perSecond),
      'views, records stored per second meanwhile': of(beside, (one) => one.storedPerSecond),
      'views, records behind at the end': of(beside, (one) => one.behind),
      'views, seconds until they had caught up': of(beside, (one) => one.catchUpSeconds),
    },
  }
}

/** To two decimals. */
function ratio(one: number, other: number): number {
  return Number((one / other).toFixed(2))
}

/** One measurement, the rate that was answered, and how the views did; 0 where there were none. */
interface Paced extends Measured {
  readonly perSecond: number
  readonly storedPerSecond: number
  readonly behind: number
  readonly catchUpSeconds: number
}

/** What `GET /v1/status` says of the views; they say it themselves twice a second. */
interface ViewsSaid {
  readonly state: string
  readonly sequence: number
  readonly lagRecords: number
}

async function measureOnce(
  dir: string,
  args: readonly string[],
  load: Required<Pick<ViewsEffectBenchOptions, 'commandsPerSecond' | 'seconds' | 'accounts'>>,
): Promise<Paced> {
  const dataDir = mkdtempSync(join(dir, 'holdfast-bench-'))
  const server = await startServerProcess(dataDir, args, { isQuiet: true })
  try {
    const holdfast = await connect(server.url, { timeoutMs: 120_000 })
    const wire = await Wire.connect(server.url)
    const pairs = new PairLoad(holdfast, wire, await openAccounts(holdfast, load.accounts))
    const perTick = perTickAt(load.commandsPerSecond)
    // The first request of a process loads what makes requests, which is not to be in what is measured.
    await viewsAt(server.url)
    await pairs.paced(perTick, delay(WARM_UP_MS))
    const before = await viewsAt(server.url)
    const measured = await pairs.paced(perTick, delay(load.seconds * 1_000))
    const after = await viewsAt(server.url)
    const catchUpSeconds = after.state === 'off' ? 0 : await catchUp(server.url)
    await wire.close()
    await holdfast.close()
    if (after.state !== 'off') await compare(dataDir)
    return {
      ...measured,
      perSecond: Math.round(measured.commands / measured.seconds),
      storedPerSecond: Math.round((after.sequence - before.sequence) / measured.seconds),
      behind: after.state === 'off' ? 0 : after.lagRecords,
      catchUpSeconds,
    }
  } finally {
    await server.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** Commands of one tick at a rate: pairs, one at least. */
function perTickAt(commandsPerSecond: number): number {
  return 2 * Math.max(1, Math.round((commandsPerSecond / 2_000) * TICK_MS))
}

async function viewsAt(url: string): Promise<ViewsSaid> {
  const status = (await (await fetch(`${url}/v1/status`)).json()) as { views: ViewsSaid }
  return status.views
}

/** Seconds until the views say that they hold everything. */
async function catchUp(url: string): Promise<number> {
  const startedMs = performance.now()
  for (;;) {
    const { state, lagRecords } = await viewsAt(url)
    const ms = performance.now() - startedMs
    if (state === 'following' && lagRecords === 0) return Number((ms / 1_000).toFixed(2))
    if (ms > CATCH_UP_MS_MAX)
      throw new Error(`the views are ${state}, ${lagRecords} records behind`)
    await delay(LOOK_EVERY_MS)
  }
}

/** Row by row, with the engine's state. */
async function compare(dataDir: string): Promise<void> {
  const { different } = await runCommand(['views', 'check', '--data-dir', dataDir])
  if (different !== 0) throw new Error(`${different} rows of the views differ from the journal`)
}
