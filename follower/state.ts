// Where a follower begins: an engine with the newest snapshot that is good and that every sink can go
// on from, and where in the journal that is. Reads, and writes nothing.

import { randomBytes } from 'node:crypto'
import {
  type BookChanges,
  Engine,
  type Module,
  type ModuleObserver,
  type OutcomeSink,
} from '../engine/index.ts'
import { CAPACITIES_LEAST, type Storage } from '../journal/index.ts'
import { AccountNames, allocateAccountNames, type Capacities } from '../protocol/index.ts'
import {
  chooseSnapshots,
  loadNewest,
  type OnPassedOver,
  type SnapshotInfo,
} from '../snapshots/index.ts'

/** An engine and what it stands for. */
export interface LoadedState {
  readonly engine: Engine
  readonly names: AccountNames
  /** The snapshot that was loaded; undefined: the journal has to be read from its start. */
  readonly snapshot: SnapshotInfo | undefined
  /** What the engine's tables have room for. */
  readonly tables: Capacities
  /** Sequences that the engine skips. */
  readonly voids: ReadonlySet<number>
}

/** What is loaded from where. */
export interface LoadStateOptions {
  readonly snapshots: Storage
  readonly journal: Storage
  /** Where older segments were moved to, for those who may read there. */
  readonly archive?: Storage
  /** The engine's outcomes, where somebody wants them. */
  readonly sink: OutcomeSink
  /** What else somebody wants to know of it. */
  readonly watch?: { readonly changes: BookChanges; readonly observer: ModuleObserver } | undefined
  /** The modules that decide what is followed; none where not given. */
  readonly modules?: readonly Module[] | undefined
  /** Only snapshots at or before this sequence. */
  readonly sequenceMax?: number | undefined
  readonly onPassedOver: OnPassedOver
}

/** Loads. Throws `JournalVersionError` and errors of the storages. */
export function loadState(options: LoadStateOptions): LoadedState {
  const { snapshots, journal, archive, sink, watch, modules, sequenceMax, onPassedOver } = options
  const { changes, observer } = watch ?? {}
  const choice = { capacities: CAPACITIES_LEAST, archive, sequenceMax, onPassedOver }
  const start = chooseSnapshots(snapshots, journal, choice)
  const { tables, voids } = start.survey
  const memory = allocateAccountNames(tables.accountsMax, tables.accountNameBytesMax)
  const seed = randomBytes(4).readUInt32LE()
  const { engine, info } = loadNewest(
    snapshots,
    start,
    () => new Engine({ capacities: tables, names: memory, seed, sink, changes, modules, observer }),
    onPassedOver,
  )
  engine.skip(voids)
  return { engine, names: new AccountNames(memory), snapshot: info, tables, voids }
}
