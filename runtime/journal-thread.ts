// The journal thread's entry: it waits for the engine to be loaded, then recovery, then the loop until the
// server stops. What it does is in recovery.ts and journal-loop.ts; here the parts are put together.

import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { FileStorage, type JournalEnd, JournalWriter, PreparedSegments } from '../journal/index.ts'
import { checkTimeJump, type FrameClock, MACHINE_TIME, TestClock, WallClock } from './clock.ts'
import { CommandSource } from './command-source.ts'
import { keepThreadOn } from './cores.ts'
import { journalDirectory } from './data-directory.ts'
import { ThreadBell } from './doorbell.ts'
import { JournalLoop } from './journal-loop.ts'
import { recoverJournal } from './recovery.ts'
import { ReportReader, ReportWriter } from './report.ts'
import { RingProducer } from './ring.ts'
import { ENGINE_REPORT, type SharedMemory } from './shared-memory.ts'
import { packError } from './thread-errors.ts'
import type { JournalOrder, ThreadMessage } from './thread-messages.ts'

/** What the supervisor hands to the journal thread. */
export interface JournalThreadData {
  readonly shared: SharedMemory
  readonly dataDir: string
  readonly segmentBytes: number
  readonly testClock: boolean
  readonly acceptTimeJump: boolean
  /** See `keepThreadOn`. */
  readonly core: number | undefined
}

const data = workerData as JournalThreadData
const { shared } = data
keepThreadOn(data.core)

function tell(message: ThreadMessage): void {
  parentPort?.postMessage(message)
}

function startClock(end: JournalEnd): FrameClock {
  const lastMs = end.sequence === 0 ? -1 : end.timeMs
  if (data.testClock) return new TestClock(MACHINE_TIME, lastMs)
  const engine = new ReportReader(shared.engineReport).read()
  const nextDueMs = engine[ENGINE_REPORT.nextDueMs] as number
  checkTimeJump({ lastMs, wallMs: MACHINE_TIME.wallMs(), nextDueMs }, data.acceptTimeJump)
  return new WallClock(MACHINE_TIME, lastMs)
}

function serve({ from, rules }: JournalOrder): void {
  const storage = new FileStorage(journalDirectory(data.dataDir))
  const ring = new RingProducer(shared.frames)
  const report = new ReportWriter(shared.journalReport)
  const end = recoverJournal({
    storage,
    quarantine: new FileStorage(join(data.dataDir, 'quarantine')),
    ring,
    bell: new ThreadBell(shared.journalBell),
    engineBell: new ThreadBell(shared.engineBell),
    control: new Int32Array(shared.control),
    report,
    from,
  })
  const clock = startClock(end)
  const { sequence, frames, records, bytes, torn } = end
  tell({ type: 'recovered', sequence, frames, records, bytes, quarantined: torn?.quarantined })
  const writer = new JournalWriter(storage, end, {
    boot: shared.boot,
    segmentBytes: data.segmentBytes,
    segments: new PreparedSegments(shared.preparer),
  })
  new Uint8Array(shared.log).set(writer.log)
  const sources = shared.gateways.map(
    ({ slot, commands }) => new CommandSource(slot, commands, data.testClock),
  )
  const onDetached = (slot: number, reason: string): void =>
    tell({ type: 'detached', slot, reason })
  const parts = { shared, ring, sources, writer, clock, report, sequence, rules, onDetached }
  new JournalLoop(parts).run()
  writer.close()
  tell({ type: 'sealed' })
}

// The thread is started beside the engine's, which loads meanwhile what it reads on from.
parentPort?.once('message', (order: JournalOrder) => {
  try {
    serve(order)
  } catch (error) {
    tell({ type: 'failed', error: packError(error) })
  }
})
