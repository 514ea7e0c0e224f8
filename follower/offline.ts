// A snapshot where nobody runs: the journal is recovered and replayed here, as a start would do it, and
// the state is written. For the owner of the data directory.

import type { Module } from '../engine/index.ts'
import { FileStorage, JournalReader } from '../journal/index.ts'
import { allocateWords, FRAME, FRAME_BYTES_MAX } from '../protocol/index.ts'
import { type SnapshotInfo, writeSnapshot } from '../snapshots/index.ts'
import { type ArchivePolicy, retireOld } from './archive.ts'
import type { FollowerDirectories } from './follower.ts'
import { FollowerRefused } from './requests.ts'
import { madeOf, putAside, type SnapshotMade } from './snapshot-made.ts'
import { type LoadedState, loadState } from './state.ts'

/** What is made of where. */
export interface OfflineOptions {
  readonly directories: FollowerDirectories
  readonly archive: ArchivePolicy
  /** As in `FollowerOptions`. */
  readonly keepFrom?: (() => number | undefined) | undefined
  /** The modules that decided what is in the journal; none where not given. */
  readonly modules?: readonly Module[] | undefined
  readonly onMessage: (sentence: string) => void
}

/**
 * Makes a snapshot of all that the journal holds, unless there is one. The caller holds the locks of
 * the server and of the follower. Rejects with `JournalDamage`, `JournalVersionError`, `EngineFault`,
 * errors of the disk, or `FollowerRefused` where the journal holds nothing.
 */
export async function snapshotOffline(options: OfflineOptions): Promise<SnapshotMade> {
  const { directories, archive, modules, onMessage } = options
  const startedMs = performance.now()
  const snapshots = new FileStorage(directories.snapshots)
  const journal = new FileStorage(directories.journal)
  const state = loadState({
    snapshots,
    journal,
    modules,
    sink: { words: allocateWords(8), at: 0, claim: () => false },
    onPassedOver: putAside(directories, onMessage),
  })
  const info = await writeState(snapshots, journal, state, directories)
  retireOld(directories, archive, options.keepFrom?.())
  return madeOf(info, performance.now() - startedMs)
}

/** Applies what comes after the loaded snapshot, and writes the state; the loaded one, if nothing does. */
async function writeState(
  snapshots: FileStorage,
  journal: FileStorage,
  { engine, snapshot, tables, voids }: LoadedState,
  directories: FollowerDirectories,
): Promise<SnapshotInfo> {
  const quarantine = new FileStorage(directories.quarantine)
  const reader = new JournalReader(journal, { mode: 'recover', quarantine, from: snapshot })
  const words = allocateWords(FRAME_BYTES_MAX)
  let chain = snapshot?.chain
  let epoch = snapshot?.epoch ?? 0
  while (reader.next({ words, claim: () => 0 }) > 0) {
    engine.applyFrame(words, 0, false)
    if (words.u32[FRAME.count >>> 2] === 0) continue
    chain = words.u8.slice(FRAME.chain, FRAME.chain + 16)
    epoch = words.u32[FRAME.epoch >>> 2] as number
  }
  const { segment } = reader.end
  if (snapshot !== undefined && engine.sequence === snapshot.sequence) return snapshot
  if (segment === undefined || chain === undefined) {
    throw new FollowerRefused('the journal holds nothing yet that a snapshot could be made of')
  }
  const place = { log: segment.log, chain, epoch, capacities: tables, voids }
  return writeSnapshot(snapshots, engine, place, { restMs: 0 })
}
