// What becomes of snapshots and segments that newer snapshots stand in for. Two snapshots are kept, and
// the journal from the segment on that the older one begins in; segments before it are moved to the
// archive, or removed.

import { mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { FileStorage, holdingSegment, segmentNames } from '../journal/index.ts'
import { pruneSnapshots, readSnapshotInfo, SNAPSHOTS_KEPT } from '../snapshots/index.ts'

/** `keep`: moved to the archive's directory. `drop`: removed. */
export type ArchivePolicy = 'keep' | 'drop'

/** Where segments are and go to. */
export interface ArchiveDirectories {
  readonly journal: string
  readonly archive: string
  readonly snapshots: string
}

/**
 * Keeps the two newest snapshots and what they need of the journal; gives back the names of the
 * segments that were retired, oldest first. What is dropped is gone for everybody: then the newest
 * snapshot at or before `keepFrom` is kept as well, or, without one, the whole journal. Throws errors of
 * the disk: a segment is in one of the two places whenever it stops.
 */
export function retireOld(
  directories: ArchiveDirectories,
  policy: ArchivePolicy,
  keepFrom: number | undefined,
): string[] {
  const snapshots = new FileStorage(directories.snapshots)
  const reachTo = policy === 'drop' ? keepFrom : undefined
  const { kept } = pruneSnapshots(snapshots, SNAPSHOTS_KEPT, reachTo)
  const oldest = kept.at(-1)
  if (oldest === undefined || kept.length < SNAPSHOTS_KEPT) return []
  const { sequence } = readSnapshotInfo(snapshots, oldest)
  if (sequence > (reachTo ?? sequence)) return []
  return retireSegments(directories, sequence, policy)
}

function retireSegments(
  { journal, archive }: ArchiveDirectories,
  sequence: number,
  policy: ArchivePolicy,
): string[] {
  const storage = new FileStorage(journal)
  const needed = holdingSegment(storage, sequence)
  if (needed === undefined) return []
  const retired = segmentNames(storage).filter((name) => name < needed)
  if (retired.length === 0) return []
  if (policy === 'keep') makeDirectory(archive)
  for (const name of retired) {
    if (policy === 'drop') storage.remove(name)
    else renameSync(join(journal, name), join(archive, name))
  }
  // The new names first: a crash may leave a segment with two names, never with none.
  if (policy === 'keep') new FileStorage(archive).syncDirectory()
  storage.syncDirectory()
  return retired
}

function makeDirectory(directory: string): void {
  const made = mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (made !== undefined) new FileStorage(dirname(directory)).syncDirectory()
}
