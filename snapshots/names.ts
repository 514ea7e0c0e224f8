// The snapshots' file names, and what an interrupted writer left beside them. Opens nothing.

import type { Storage } from '../journal/index.ts'

/** Suffix of a file that is no snapshot yet. */
export const WRITING = '.writing'

const SNAPSHOT_NAME = /^(\d{16})\.snapshot$/

/** The name of the snapshot at this sequence. */
export function snapshotName(sequence: number): string {
  return `${String(sequence).padStart(16, '0')}.snapshot`
}

/** The sequence in a snapshot's name, or undefined where the file is none. */
export function snapshotSequence(name: string): number | undefined {
  const digits = SNAPSHOT_NAME.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** The snapshots' names, newest first. */
export function listSnapshots(storage: Storage): string[] {
  return storage
    .names()
    .filter((name) => SNAPSHOT_NAME.test(name))
    .reverse()
}

/** Removes what an interrupted writer left. For the owner alone: `writeSnapshot` begins with it. */
export function removeLeftovers(storage: Storage): void {
  const leftovers = storage.names().filter((name) => name.endsWith(WRITING))
  for (const name of leftovers) storage.remove(name)
  if (leftovers.length > 0) storage.syncDirectory()
}
