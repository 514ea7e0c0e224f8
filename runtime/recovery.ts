// What a start finds in the journal: a quick look at the headers for what has to be known first, then
// every frame through the ring to the engine, as if it were live.

import { type JournalEnd, JournalReader, type Storage, scanHeaders } from '../journal/index.ts'
import {
  type Capacities,
  CONFIGURE,
  FRAME,
  FRAME_FLAG,
  holdsRecord,
  KIND,
  readI64,
  recordBytes,
  VOID,
  type Words,
} from '../protocol/index.ts'
import type { ThreadBell } from './doorbell.ts'
import type { ReportWriter } from './report.ts'
import type { RingProducer } from './ring.ts'
import { JOURNAL_REPORT } from './shared-memory.ts'
import { waitForRing } from './wait-for-ring.ts'

/** What has to be known before the first frame is applied. */
export interface JournalSurvey {
  /** Sequences that a `void` record anywhere in the journal has every replay skip. */
  readonly voids: ReadonlySet<number>
  /** The largest of every capacity that was ever in force: what tables must have room for. */
  readonly tables: Capacities
  readonly frames: number
  readonly bytes: number
}

/** Looks at the headers, and at the frames that hold configurations and voids. */
export function surveyJournal(storage: Storage, capacities: Capacities): JournalSurvey {
  const voids = new Set<number>()
  let tables = capacities
  const { frames, bytes } = scanHeaders(storage, (frame, load) => {
    if ((frame.flags & (FRAME_FLAG.configure | FRAME_FLAG.void)) === 0) return
    const words = load()
    // A frame that is damaged is for the reader to name.
    if (words === undefined) return
    forEachRecord(words, 0, (at) => {
      if (words.u8[at] === KIND.void) voids.add(readI64(words, at + VOID.sequence))
      if (words.u8[at] === KIND.configure) tables = larger(tables, words, at)
    })
  })
  return { voids, tables, frames, bytes }
}

/** Calls `visit` with the place of every record of the frame at `at`. */
export function forEachRecord(words: Words, at: number, visit: (at: number) => void): void {
  const start = at + FRAME.bytes
  const end = start + (words.u32[(at + FRAME.payloadBytes) >>> 2] as number)
  for (let record = start; record < end; record += recordBytes(words, record)) {
    if (!holdsRecord(words, record, end)) return
    visit(record)
  }
}

/** The larger of each capacity: of `tables`, and of the `configure` record at `at`. */
function larger(tables: Capacities, words: Words, at: number): Capacities {
  const entries = Object.entries(tables) as [keyof Capacities, number][]
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Math.max(value, readI64(words, at + CONFIGURE[name]))]),
  ) as unknown as Capacities
}

/** The journal thread's ends of what recovery goes through. */
export interface RecoveryParts {
  readonly storage: Storage
  readonly quarantine: Storage
  readonly ring: RingProducer
  readonly bell: ThreadBell
  readonly engineBell: ThreadBell
  readonly control: Int32Array
  readonly report: ReportWriter
}

/**
 * Feeds every frame to the engine and returns when all are applied. Throws what the reader throws:
 * `JournalDamage`, `JournalVersionError`, errors of the disk.
 */
export function recoverJournal(parts: RecoveryParts): JournalEnd {
  const { storage, quarantine, ring, bell, engineBell, control, report } = parts
  const reader = new JournalReader(storage, { mode: 'recover', quarantine })
  const target = {
    words: ring.words,
    claim(bytes: number): number {
      for (;;) {
        const at = ring.claim(bytes)
        if (at >= 0) return at
        waitForRing(ring, ring.capacity >>> 1, bell, control)
      }
    },
  }
  for (let bytes = reader.next(target); bytes > 0; bytes = reader.next(target)) {
    ring.commit(bytes)
    ring.publish()
    engineBell.ring()
    report.values[JOURNAL_REPORT.replayedBytes] = reader.bytes
    report.publish()
  }
  waitForRing(ring, 0, bell, control)
  return reader.end
}
