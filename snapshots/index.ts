// The snapshots' face: a state as a file, and back. Knows the journal's storages and chunks of bytes,
// not the engine: recovery (runtime/) and the follower put the two together.
//
//   await writeSnapshot(storage, engine, place, { restMs: 10, signal })
//   for (const name of listSnapshots(storage)) {        // newest first
//     const info = readSnapshotInfo(storage, name)      // for tables of the right size
//     loadSnapshot(storage, name, engine, { voids })    // a fresh engine for every try
//   }
//   new JournalReader(journal, { mode, from: info })    // frames after info.sequence

export {
  type ChoiceOptions,
  chooseSnapshots,
  loadNewest,
  type OnPassedOver,
  type PassedOver,
  type ReplayStart,
} from './choose.ts'
export { SnapshotDamage, SnapshotVersionError } from './errors.ts'
export { findMissedVoid, loadSnapshot, readSnapshotInfo, verifySnapshot } from './load.ts'
export { listSnapshots, removeLeftovers, snapshotName, snapshotSequence } from './names.ts'
export { pruneSnapshots, SNAPSHOTS_KEPT } from './prune.ts'
export {
  type Ahead,
  allocateAhead,
  type ReadAheadData,
  readAhead,
  readAheadThread,
} from './read-ahead.ts'
export type {
  LoadOptions,
  Pruned,
  SnapshotInfo,
  SnapshotPlace,
  StateImporter,
  StateSource,
  WriteOptions,
} from './snapshot.ts'
export { REST_MS, writeSnapshot } from './write.ts'
