// What a snapshot costs those who are served meanwhile: the latency of durable commands at half load,
// with and without a snapshot of a million accounts and a million open reservations being made.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '../client/index.ts'
import { type Measured, openAccounts, PairLoad, TICK_MS } from './pair-load.ts'
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

/** How long a measurement without a snapshot takes, in ms. */
const PLAIN_MS = 8_000

/** Measures. Takes several minutes: the state is built first, and a snapshot takes half of one. */
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
