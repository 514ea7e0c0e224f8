// What a snapshot costs those who are served meanwhile: the latency of durable commands at half load,
// with and without a snapshot of a million accounts and a million open reservations being made.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '../client/index.ts'
import type { SnapshotMade } from '../follower/index.ts'
import { askForSnapshot, untilLevel } from './followed-server.ts'
import { type Measured, TICK_MS } from './pace.ts'
import { openAccounts, PairLoad } from './pair-load.ts'
import { type BenchResult, machineConditions, median } from './result.ts'
import { startServerProcess } from './server-process.ts'
import { Wire } from './wire.ts'

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
  /** Hears what comes next. */
  readonly onStep?: (sentence: string) => void
}

/** How long a measurement without a snapshot takes, in ms. */
const PLAIN_MS = 10_000

/**
 * How long the load runs before it is measured, or a snapshot is asked for, in ms: after a rest it begins with
 * a backlog of some tenths of a second, which belongs to neither.
 */
const WARM_UP_MS = 5_000

/**
 * For how long commands are remembered, in ms: the state is to be that of the open reservations, and not that of
 * a minute at full load.
 */
const WINDOW_MS = 5_000

/** No snapshots but those that are asked for, and no views: they would be building all the time. */
const SERVE = [
  ...['--snapshot-every-records', '1000000000', '--snapshot-every-seconds', '86400'],
  ...['--window-ms', String(WINDOW_MS), '--retention-ms', String(WINDOW_MS)],
  ...['--views', 'false'],
]

/** Measures. Takes three to four minutes: the state is built first, and a snapshot takes half of one. */
export async function benchSnapshot(options: SnapshotBenchOptions = {}): Promise<BenchResult> {
  const { accounts = 1_000_000, openReservations = 1_000_000 } = options
  const { rounds = 3, dir = tmpdir(), onStep = () => {} } = options
  const dataDir = mkdtempSync(join(dir, 'holdfast-bench-'))
  const server = await startServerProcess(dataDir, SERVE)
  try {
    const holdfast = await connect(server.url, { timeoutMs: 120_000 })
    onStep(`building the state: ${accounts} accounts, ${openReservations} open reservations`)
    const wire = await Wire.connect(server.url)
    const load = new PairLoad(holdfast, wire, await openAccounts(holdfast, accounts))
    await load.holdOpen(openReservations)
    await untilLevel(dataDir)
    onStep('looking for the full load')
    const full = await load.fullRate()
    const perTick = 2 * Math.max(1, Math.round((full / 4 / 1_000) * TICK_MS))
    const measured: Round[] = []
    for (let n = 1; n <= rounds; n++) {
      onStep(`round ${n} of ${rounds}: ${perTick} commands every ${TICK_MS} ms`)
      measured.push(await measureRound(dataDir, load, perTick))
    }
    await wire.close()
    await holdfast.close()
    return resultOf({ measured, perTick, full, accounts, openReservations, dir })
  } finally {
    await server.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** One pair of measurements. */
interface Round {
  readonly plain: Measured
  readonly during: Measured
  readonly made: SnapshotMade
}

/** Each begins with a follower that is level: what is measured is the snapshot, not the catching up. */
async function measureRound(dataDir: string, load: PairLoad, perTick: number): Promise<Round> {
  await untilLevel(dataDir)
  const warm = delay(WARM_UP_MS)
  const plain = await load.paced(perTick, delay(WARM_UP_MS + PLAIN_MS), warm)
  await untilLevel(dataDir)
  const inWork = delay(WARM_UP_MS).then(() => askForSnapshot(dataDir))
  const begun = inWork.then((snapshot) => snapshot.begun)
  const ended = inWork.then((snapshot) => snapshot.made)
  const during = await load.paced(perTick, ended, begun)
  return { plain, during, made: await ended }
}

interface Findings {
  readonly measured: readonly Round[]
  readonly perTick: number
  readonly full: number
  readonly accounts: number
  readonly openReservations: number
  readonly dir: string
}

function resultOf(found: Findings): BenchResult {
  const { measured, perTick, full, dir, ...state } = found
  const of = (value: (round: Round) => number) => median(measured.map(value))
  const rate = Math.round((perTick * 1_000) / TICK_MS)
  return {
    name: 'snapshot',
    commandsPerSecond: rate,
    rounds: measured.map(() => rate),
    conditions: {
      ...machineConditions(),
      ...state,
      measured: `latency of ${perTick} durable commands sent every ${TICK_MS} ms: half load`,
      during: 'from when the follower begins to write until it has read the file back',
      before: 'every measurement begins with a follower that has caught up; figures are medians',
      fullLoadCommandsPerSecond: full,
      rememberedMs: WINDOW_MS,
      client: 'one connection, on the same machine, that does next to nothing; no views are kept',
      dataDirectory: dir,
      rounds: measured.length,
    },
    figures: {
      'p50Ms without': of(({ plain }) => plain.p50Ms),
      'p99Ms without': of(({ plain }) => plain.p99Ms),
      'p99.9Ms without': of(({ plain }) => plain.p999Ms),
      'p50Ms during a snapshot': of(({ during }) => during.p50Ms),
      'p99Ms during a snapshot': of(({ during }) => during.p99Ms),
      'p99.9Ms during a snapshot': of(({ during }) => during.p999Ms),
      'p99.9, during to without': ratio(
        of(({ during }) => during.p999Ms),
        of(({ plain }) => plain.p999Ms),
      ),
      secondsOfSnapshot: of(({ made }) => made.seconds),
      snapshotBytes: of(({ made }) => made.bytes),
    },
  }
}

function ratio(a: number, b: number): number {
  return Number((a / b).toFixed(2))
}
