// What rate views sustain: a journal of core commands, reservations and the accounts' history kept, from its
// first record into views.sqlite. A real process on real files: reading, deciding and storing together.

import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { viewsPath } from '../views/index.ts'
import { fillJournal } from './fill-journal.ts'
import { type BenchResult, machineConditions, median } from './result.ts'
import { runCommand, startServerProcess } from './server-process.ts'

/** What may be set. */
export interface ViewsBenchOptions {
  /** Commands in the journal, half reserves and half settles; 2,000,000 where not given. */
  readonly commands?: number
  /** Accounts that they are spread over; 10,000 where not given. */
  readonly accounts?: number
  /** Builds that are measured; 3 where not given. */
  readonly rounds?: number
  /** Where the temporary directory goes; the operating system's place where not given. */
  readonly dir?: string
}

/** Reservations that are open at any time: most end in a later frame than they began in. */
const OPEN = 100_000

/** Measures. Throws where the views differ from the journal. */
export async function benchViews(options: ViewsBenchOptions = {}): Promise<BenchResult> {
  const { commands = 2_000_000, accounts = 10_000, rounds = 3, dir = tmpdir() } = options
  const dataDir = mkdtempSync(join(dir, 'holdfast-bench-'))
  try {
    await (await startServerProcess(dataDir)).stop()
    const journalBytes = fillJournal(dataDir, { commands, accounts, open: OPEN, history: true })
    const seconds: number[] = []
    for (let i = 0; i < rounds; i++) {
      const built = await runCommand(['views', 'rebuild', '--data-dir', dataDir])
      seconds.push(built.seconds as number)
    }
    const check = await runCommand(['views', 'check', '--data-dir', dataDir])
    if (check.different !== 0) throw new Error(`${check.different} rows differ from the journal`)
    const rates = seconds.map((one) => Math.round(commands / one))
    return {
      name: 'views',
      commandsPerSecond: median(rates),
      rounds: rates,
      conditions: {
        ...machineConditions(),
        measured:
          'commands per second of `holdfast views rebuild`: read, decided, and stored with two changes ' +
          'of histories for each command',
        commands,
        accounts,
        openReservations: OPEN,
        journalBytes,
        dataDirectory: dir,
        rounds,
      },
      figures: {
        secondsOfBuild: median(seconds),
        viewsBytes: statSync(viewsPath(dataDir)).size,
        viewsBytesPerCommand: Math.round(statSync(viewsPath(dataDir)).size / commands),
      },
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}
