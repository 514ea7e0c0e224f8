// What a start feeds to the engine: every frame of the journal through the ring, as if it were live,
// or those behind the snapshot that the engine began with.

import { type JournalEnd, JournalReader, type LogPoint, type Storage } from '../journal/index.ts'
import type { ThreadBell } from './doorbell.ts'
import type { ReportWriter } from './report.ts'
import type { RingProducer } from './ring.ts'
import { JOURNAL_REPORT } from './shared-memory.ts'
import { waitForRing } from './wait-for-ring.ts'

/** The journal thread's ends of what recovery goes through. */
export interface RecoveryParts {
  readonly storage: Storage
  readonly quarantine: Storage
  readonly ring: RingProducer
  readonly bell: ThreadBell
  readonly engineBell: ThreadBell
  readonly control: Int32Array
  readonly report: ReportWriter
  /** Where the snapshot stands that the engine has loaded; undefined where it has loaded none. */
  readonly from: LogPoint | undefined
}

/**
 * Feeds every frame behind `from` to the engine and returns when all are applied. Throws what the reader throws:
 * `JournalDamage`, `JournalVersionError`, errors of the disk.
 */
export function recoverJournal(parts: RecoveryParts): JournalEnd {
  const { storage, quarantine, ring, bell, engineBell, control, report, from } = parts
  const reader = new JournalReader(storage, { mode: 'recover', quarantine, from })
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
