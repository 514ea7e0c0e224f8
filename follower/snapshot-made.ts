// What becomes of a snapshot that is no good, and what is said of one that was made: the same for the
// follower and for a snapshot where nobody runs.

import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { OnPassedOver, SnapshotInfo } from '../snapshots/index.ts'

/** A snapshot that was made, or the one that is still right. */
export interface SnapshotMade {
  readonly sequence: number
  readonly stateDigest: string
  readonly bytes: number
  /** How long it took to write and check. */
  readonly seconds: number
}

/** What is told of `info`, which took `tookMs`. */
export function madeOf(info: SnapshotInfo, tookMs: number): SnapshotMade {
  const { sequence, stateDigest, bytes } = info
  return { sequence, stateDigest, bytes, seconds: Number((tookMs / 1_000).toFixed(3)) }
}

/**
 * Moves what can never be used to quarantine, for the owner of the snapshots: it would count as one of
 * those that are kept, by its header and footer alone, and a good one would go. The rest is only told.
 */
export function putAside(
  directories: { readonly snapshots: string; readonly quarantine: string },
  onMessage: (sentence: string) => void,
): OnPassedOver {
  return ({ name, sentence, isUseless }) => {
    if (!isUseless) return onMessage(`passed over: ${sentence}`)
    try {
      mkdirSync(directories.quarantine, { recursive: true, mode: 0o700 })
      renameSync(join(directories.snapshots, name), join(directories.quarantine, name))
      onMessage(`passed over, and moved to quarantine: ${sentence}`)
    } catch (error) {
      onMessage(`passed over: ${sentence} (${(error as Error).message})`)
    }
  }
}
