// How long a crash costs: a journal of ten million commands is replayed from its start, and a server is
// started on it from a snapshot. Real processes on real files; the journal is written as the journal
// thread writes it, only sooner.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fillJournal } from './fill-journal.ts'
import { type BenchResult, machineConditions, median } from './result.ts'
import { runCommand, startServerProcess } from './server-process.ts'

/** What may be set. */
export interface RecoveryBenchOptions {
  /** Commands in the journal, half reserves and half settles; 10,000,000 where not given. */
  readonly commands?: number
  /** Accounts that they are spread over; 10,000 where not given. */
  readonly accounts?: number
  /** Starts and replays that are measured; 3 where not given. */
  readonly rounds?: number
  /** Where the temporary directory goes; the operating system's place where not given. */
  readonly dir?: string
  /** Hears what comes next. */
  readonly onStep?: (sentence: string) => void
}

/** Reservations that are open at any time. */
const OPEN = 1_000

/** Measures. Throws where a digest differs, or a server does not start. */
export async function benchRecovery(options: RecoveryBenchOptions = {}): Promise<BenchResult> {
  const { commands = 10_000_000, accounts = 10_000, rounds = 3, dir = tmpdir() } = options
  const { onStep = () => {} } = options
  const dataDir = mkdtempSync(join(dir, 'holdfast-bench-'))
  try {
    // A server's first start says what the commands are decided by.
    await (await startServerProcess(dataDir)).stop()
    onStep(`filling a journal with ${commands} commands`)
    const journalBytes = fillJournal(dataDir, { commands, accounts, open: OPEN })
    onStep(`replaying it from its start, ${rounds} times`)
    const replays = await replayRounds(dataDir, rounds)
    onStep('making a snapshot')
    const snapshot = await runCommand(['snapshot', '--data-dir', dataDir])
    onStep(`starting a server on it, ${rounds} times`)
    const starts = await startRounds(dataDir, rounds, replays)
    const rates = replays.map((replay) => replay.commandsPerSecond as number)
    return {
      name: 'recovery',
      commandsPerSecond: median(rates),
      rounds: rates,
      conditions: {
        ...machineConditions(),
        measured:
          'commands per second of `holdfast replay --from-start`, reading and checking included',
        commands,
        accounts,
        openReservations: OPEN,
        journalBytes,
        dataDirectory: dir,
        rounds,
      },
      figures: {
        secondsOfReplayFromStart: median(replays.map((replay) => replay.seconds as number)),
        secondsOfStartFromSnapshot: median(starts),
        snapshotBytes: snapshot.bytes as number,
        secondsOfSnapshot: snapshot.seconds as number,
      },
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function replayRounds(dataDir: string, rounds: number): Promise<Record<string, unknown>[]> {
  const replays: Record<string, unknown>[] = []
  for (let i = 0; i < rounds; i++) {
    replays.push(await runCommand(['replay', '--data-dir', dataDir, '--from-start']))
  }
  return replays
}

/** Seconds from a process's start until it serves, each time after a kill -9 of the one before. */
async function startRounds(
  dataDir: string,
  rounds: number,
  replays: readonly Record<string, unknown>[],
): Promise<number[]> {
  const seconds: number[] = []
  for (let i = 0; i < rounds; i++) {
    const server = await startServerProcess(dataDir)
    try {
      seconds.push(server.seconds)
      const response = await fetch(`${server.url}/v1/audit`)
      const { digest } = (await response.json()) as { digest: string }
      const [first] = replays
      if (digest !== first?.digest) {
        throw new Error(`the replay's digest is ${first?.digest}, the server's ${digest}`)
      }
    } finally {
      await server.kill()
    }
  }
  return seconds
}
