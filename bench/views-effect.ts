// What the follower and the views cost those who are served: the latency of durable commands at a pace of
// 100,000 a second, with both processes beside the server and without. All share the machine.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '../client/index.ts'
import { type Measured, openAccounts, PairLoad, TICK_MS } from './pair-load.ts'
import { type BenchResult, machineConditions, median } from './result.ts'
import { startServerProcess } from './server-process.ts'

/** What may be set. */
export interface ViewsEffectBenchOptions {
  /** Commands offered a second; 100,000 where not given. */
  readonly commandsPerSecond?: number
  /** Seconds of a measurement; 8 where not given. */
  readonly seconds?: number
  /** Pairs of measurements, without and with; 5 where not given. */
  readonly rounds?: number
  /** 10,000 where not given. */
  readonly accounts?: number
  /** Where the temporary directories go; the operating system's place where not given. */
  readonly dir?: string
}

/** How long the load runs before it is measured, in ms. */
const WARM_UP_MS = 2_000

/** Measures. Each measurement has a server and a directory of its own. */
export async function benchViewsEffect(
  options: ViewsEffectBenchOptions = {},
): Promise<BenchResult> {
  const { commandsPerSecond = 100_000, seconds = 8, rounds = 5 } = options
  const { accounts = 10_000, dir = tmpdir() } = options
  const measure = (args: readonly string[]): Promise<Paced> =>
    measureOnce(dir, args, { commandsPerSecond, seconds, accounts })
  const without: Paced[] = []
  const beside: Paced[] = []
  for (let i = 0; i < rounds; i++) {
    without.push(await measure(['--follower', 'false']))
    beside.push(await measure([]))
  }
  const of = (all: readonly Paced[], value: (one: Paced) => number) => median(all.map(value))
  const p99Ms = { without: of(without, (one) => one.p99Ms), beside: of(beside, (one) => one.p99Ms) }
  return {
    name: 'views-effect',
    commandsPerSecond: of(beside, (one) => one.perSecond),
    rounds: beside.map((one) => one.perSecond),
    conditions: {
      ...machineConditions(),
      commands: 'pairs of a reserve and its settle, durable before the answer',
      latency: 'of the commands of one tick, from when they were due',
      offeredPerSecond: commandsPerSecond,
      tickMs: TICK_MS,
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
      'p99, with to without': Number((p99Ms.beside / p99Ms.without).toFixed(2)),
      'commandsPerSecond without': of(without, (one) => one.perSecond),
    },
  }
}

/** One measurement, and the rate that was answered. */
interface Paced extends Measured {
  readonly perSecond: number
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
    const pairs = new PairLoad(holdfast, await openAccounts(holdfast, load.accounts))
    const perTick = Math.round((load.commandsPerSecond / 1_000) * TICK_MS)
    await pairs.paced(perTick, delay(WARM_UP_MS))
    const measured = await pairs.paced(perTick, delay(load.seconds * 1_000))
    await holdfast.close()
    // All that were offered have been answered by now; a server that is too slow took longer.
    const offered = load.commandsPerSecond * load.seconds
    return { ...measured, perSecond: Math.round(offered / measured.seconds) }
  } finally {
    await server.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
