// How many snapshots are kept.

import type { Storage } from '../journal/index.ts'
import { SnapshotDamage, SnapshotVersionError } from './errors.ts'
import { readSnapshotInfo } from './load.ts'
import { listSnapshots, snapshotSequence } from './names.ts'
import type { Pruned } from './snapshot.ts'

/** Good snapshots that are kept: the newest, and one to fall back to. */
export const SNAPSHOTS_KEPT = 2

/**
 * Keeps the `keep` newest good snapshots, and the newest good one that is not beyond `reachTo`, and removes
 * what is older or between. A damaged one does not count; it goes when that many good ones are newer, and
 * stays for people to look at until then. Throws errors of the storage.
 */
export function pruneSnapshots(
  storage: Storage,
  keep: number = SNAPSHOTS_KEPT,
  reachTo: number = Number.POSITIVE_INFINITY,
): Pruned {
  const kept: string[] = []
  const removed: string[] = []
  let hasReached = false
  for (const name of listSnapshots(storage)) {
    const isBefore = (snapshotSequence(name) as number) <= reachTo
    const isWanted = kept.length < keep || (!hasReached && isBefore)
    if (!isWanted) removed.push(name)
    else if (isGood(storage, name)) {
      kept.push(name)
      hasReached ||= isBefore
    }
  }
  for (const name of removed) storage.remove(name)
  if (removed.length > 0) storage.syncDirectory()
  return { kept, removed }
}

/** By header and footer: the chunks between were read back when they were written. */
function isGood(storage: Storage, name: string): boolean {
  try {
    readSnapshotInfo(storage, name)
    return true
  } catch (error) {
    if (error instanceof SnapshotDamage || error instanceof SnapshotVersionError) return false
    throw error
  }
}
