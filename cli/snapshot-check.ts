// The snapshots of a data directory against a replay that passes their sequences: `holdfast verify`.

import type { Engine } from '../engine/index.ts'
import { FileStorage } from '../journal/index.ts'
import { snapshotsDirectory } from '../runtime/index.ts'
import {
  findMissedVoid,
  listSnapshots,
  SnapshotDamage,
  type SnapshotInfo,
  SnapshotVersionError,
  snapshotSequence,
  verifySnapshot,
} from '../snapshots/index.ts'
import { stateDigestOf } from './audit.ts'

/** Follows a replay. `onApplied` is called after every frame, and before the first. */
export interface SnapshotCheck {
  onApplied(engine: Engine): void
  /** Sequences of the snapshots that are good and of the replay's state. */
  readonly sound: readonly number[]
  /** What is wrong with the others, a sentence each. */
  readonly faults: readonly string[]
  /** Why some could not be looked at: another version of Holdfast made them, or the system refused. */
  readonly unread: readonly string[]
  /** After the replay: what it did not come to is a fault. `voids` are those of the journal. */
  finish(engine: Engine, voids: Iterable<number>): void
}

/** Checks the snapshots that are there now; those that their owner removes meanwhile do not count. */
export function checkSnapshots(dataDir: string): SnapshotCheck {
  const storage = new FileStorage(snapshotsDirectory(dataDir))
  const waiting = listSnapshots(storage)
  const faults: string[] = []
  const unread: string[] = []
  const compared: SnapshotInfo[] = []
  const sound: number[] = []
  /** Where the replay began; what lies before cannot be compared. */
  let begunAt: number | undefined
  const read = (name: string): SnapshotInfo | undefined => {
    try {
      return verifySnapshot(storage, name)
    } catch (error) {
      if (!listSnapshots(storage).includes(name)) return undefined
      if (error instanceof SnapshotVersionError) unread.push(error.message)
      else if (error instanceof SnapshotDamage) faults.push(error.message)
      else unread.push(`the snapshot ${name} cannot be read: ${(error as Error).message}`)
      return undefined
    }
  }
  const next = (): number => snapshotSequence(waiting.at(-1) ?? '') ?? Infinity
  return {
    sound,
    faults,
    unread,
    onApplied(engine) {
      begunAt ??= engine.sequence
      while (next() <= engine.sequence) {
        const info = read(waiting.pop() as string)
        if (info === undefined || info.sequence < begunAt) continue
        if (info.sequence < engine.sequence) {
          faults.push(`the snapshot ${info.name} stands where no frame of the journal ends`)
        } else if (info.stateDigest === stateDigestOf(engine)) compared.push(info)
        else faults.push(`the snapshot ${info.name} holds another state than the replay came to`)
      }
    },
    finish(engine, voids) {
      for (const name of waiting) {
        if (read(name) === undefined) continue
        faults.push(
          `the snapshot ${name} is later than the journal, which ends at ${engine.sequence}`,
        )
      }
      for (const info of compared) {
        const missed = findMissedVoid(info, voids)
        if (missed === undefined) sound.push(info.sequence)
        else faults.push(`the snapshot ${info.name} does not know that ${missed} is void`)
      }
    },
  }
}
