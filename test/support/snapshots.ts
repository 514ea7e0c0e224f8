// Small states to take snapshots of, and what a loader makes of a file. For tests.

import { EngineFault } from '../../engine/index.ts'
import type { Storage } from '../../journal/index.ts'
import { CAPACITIES_DEFAULT, type Capacities } from '../../protocol/index.ts'
import {
  listSnapshots,
  loadSnapshot,
  SnapshotDamage,
  type SnapshotPlace,
  SnapshotVersionError,
  writeSnapshot,
} from '../../snapshots/index.ts'
import type { Command, PlainRecord } from './commands.ts'
import { EngineSubject } from './engine-subject.ts'

/** Tables for a few thousand rows. */
export const STATE_CAPACITIES: Capacities = {
  ...CAPACITIES_DEFAULT,
  accountsMax: 64,
  ledgersMax: 8,
  reservationsMax: 16_384,
  groupsMax: 64,
  outcomesMax: 16_384,
  accountNameBytesMax: 16_384,
}

/** When the first frame of a test's state was. */
export const STATE_MS = 1_800_000_000_000

/** Where the tests' states stand in their journal. */
export const PLACE: SnapshotPlace = {
  log: new Uint8Array(16).fill(1),
  chain: new Uint8Array(16).fill(2),
  epoch: 3,
  capacities: STATE_CAPACITIES,
  voids: [],
}

/** An engine that has applied nothing. */
export function emptySubject(capacities: Capacities = STATE_CAPACITIES): EngineSubject {
  return new EngineSubject(capacities)
}

/** A state with a row of every kind: two ledgers, a group, open and ended reservations, a chain. */
export function smallState(): EngineSubject {
  const subject = emptySubject()
  subject.apply({ timeMs: STATE_MS, records: [configure(STATE_CAPACITIES)] })
  subject.apply({ timeMs: STATE_MS, records: SMALL_RECORDS })
  return subject
}

/** The record that brings `capacities` into force. */
export function configure(capacities: Capacities): PlainRecord {
  return { type: 'configure', capacities }
}

const PAIR = { debit: 'bank', credit: 'acme' } as const

/** Records that make a row of every kind. */
export const SMALL_RECORDS: readonly Command[] = [
  { type: 'open_account', id: 'bank', ledger: 1, external: true },
  { type: 'open_account', id: 'acme', ledger: 1, creditLimit: 20, metadata: '{"tier":"gold"}' },
  { type: 'open_account', id: 'euro', ledger: 2 },
  { type: 'transfer', id: 't1', ...PAIR, amount: 400 },
  { type: 'reserve', id: 'r1', ...PAIR, amount: 10, timeoutMs: 60_000, group: 'g' },
  { type: 'reserve', id: 'r2', ...PAIR, amount: 20 },
  { type: 'reserve', id: 'r3', ...PAIR, amount: 30, timeoutMs: 5, group: 'g' },
  { type: 'settle', id: 's2', reservation: 'r2', amount: 15 },
  { type: 'transfer', id: 't2', debit: 'euro', credit: 'euro', amount: 1 },
  { type: 'transfer', id: 'c1', ...PAIR, amount: 1, linked: true },
  { type: 'transfer', id: 'c2', ...PAIR, amount: 2 },
]

/** Reserves and settles on top, `count` of each, in frames of 500 a minute apart. */
export function addMany(subject: EngineSubject, count: number, from = 0): void {
  for (let n = from; n < from + count; n += 500) {
    const timeMs = subject.engine.timeMs + 60_000
    const records = Array.from({ length: Math.min(500, from + count - n) }, (_, i): Command[] => [
      { type: 'reserve', id: `many-${n + i}`, ...PAIR, amount: 3 },
      // The reservations end in another order than they were made in.
      { type: 'settle', id: `end-${n + i}`, reservation: `many-${n + (i ^ 3)}`, amount: 2 },
    ])
    subject.apply({ timeMs, records: records.flat() })
  }
}

/** Writes a snapshot of `subject` without rests. */
export function snap(
  storage: Storage,
  subject: EngineSubject,
  place: Partial<SnapshotPlace> = {},
): ReturnType<typeof writeSnapshot> {
  return writeSnapshot(storage, subject.engine, { ...PLACE, ...place }, { restMs: 0 })
}

/** What a loader says of `name`: its state, or why it is not to be used. */
export function load(storage: Storage, name: string): EngineSubject | string {
  const subject = emptySubject()
  try {
    loadSnapshot(storage, name, subject.engine, { log: PLACE.log })
    return subject
  } catch (error) {
    const isRefusal = error instanceof SnapshotDamage || error instanceof SnapshotVersionError
    if (!isRefusal && !(error instanceof EngineFault)) throw error
    return `${error.name}: ${error.message}`
  }
}

/** The newest state that can be loaded, as a start does it. */
export function loadNewestState(storage: Storage): EngineSubject | undefined {
  for (const name of listSnapshots(storage)) {
    const loaded = load(storage, name)
    if (typeof loaded !== 'string') return loaded
  }
  return undefined
}

/** The bytes of a subject's state. */
export function bytesOf(subject: EngineSubject, chunkBytes = 1_048_576): Buffer {
  const chunks = Array.from(subject.engine.exportState(chunkBytes), (chunk) => Buffer.from(chunk))
  return Buffer.concat(chunks)
}
