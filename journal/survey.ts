// What has to be known of a journal before its first frame is applied, from a quick look at the headers
// and at the few frames that hold configurations and voids. Applies nothing.

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
import type { LogPoint } from './frame.ts'
import { scanHeaders } from './scan.ts'
import type { Storage } from './storage.ts'

/** What has to be known before the first frame is applied. */
export interface JournalSurvey {
  /** Sequences that a `void` record anywhere in the journal has every replay skip. */
  readonly voids: ReadonlySet<number>
  /** The largest of every capacity that was ever in force: what tables must have room for. */
  readonly tables: Capacities
  readonly frames: number
  readonly bytes: number
}

/** What an empty journal is replayed into; every other says itself what tables it needs. */
export const CAPACITIES_LEAST: Capacities = {
  accountsMax: 1,
  ledgersMax: 1,
  reservationsMax: 1,
  groupsMax: 1,
  outcomesMax: 1,
  accountNameBytesMax: 8,
  windowMs: 1,
  retentionMs: 1,
  moduleReplyBytesMax: 8,
}

/** What a snapshot knows of the journal up to its own place. */
export interface SurveyedPoint extends LogPoint {
  readonly voids: Iterable<number>
  readonly capacities: Capacities
}

/**
 * Looks at the headers, and at the frames that hold configurations and voids. With `from` at those
 * behind it: the rest is taken from what it knows.
 */
export function surveyJournal(
  storage: Storage,
  capacities: Capacities,
  from?: SurveyedPoint,
): JournalSurvey {
  const voids = new Set<number>(from?.voids)
  let tables = capacities
  if (from !== undefined) tables = larger(tables, (name) => from.capacities[name])
  const visit = (words: Words): void =>
    forEachRecord(words, 0, (at) => {
      if (words.u8[at] === KIND.void) voids.add(readI64(words, at + VOID.sequence))
      if (words.u8[at] === KIND.configure) tables = capacitiesAfter(tables, words, at)
    })
  const { frames, bytes } = scanHeaders(
    storage,
    (frame, load) => {
      if ((frame.flags & (FRAME_FLAG.configure | FRAME_FLAG.void)) === 0) return
      const words = load()
      // A frame that is damaged is for the reader to name.
      if (words !== undefined) visit(words)
    },
    from,
  )
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
export function capacitiesAfter(tables: Capacities, words: Words, at: number): Capacities {
  return larger(tables, (name) => readI64(words, at + CONFIGURE[name]))
}

function larger(tables: Capacities, other: (name: keyof Capacities) => number): Capacities {
  const entries = Object.entries(tables) as [keyof Capacities, number][]
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Math.max(value, other(name))]),
  ) as unknown as Capacities
}
