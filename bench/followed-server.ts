// The follower of a benchmark's server, asked by its socket: what it is doing, and for snapshots.

import { setTimeout as delay } from 'node:timers/promises'
import {
  askFollower,
  controlPath,
  type FollowerStatus,
  type SnapshotMade,
} from '../follower/index.ts'

/** Between two looks at what it is doing, in ms. */
const LOOK_MS = 25

/** How long it may take to be level, in ms. */
const LEVEL_MS = 120_000

/** Where the follower of `dataDir` listens. Throws where the path is too long for a socket. */
function pathOf(dataDir: string): string {
  const path = controlPath(dataDir)
  if (path === undefined) throw new Error(`${dataDir} is too long a path for a socket`)
  return path
}

async function untilStatus(
  dataDir: string,
  what: string,
  isReached: (status: FollowerStatus) => boolean,
): Promise<void> {
  const giveUpMs = performance.now() + LEVEL_MS
  for (;;) {
    const status = (await askFollower(pathOf(dataDir), 'status')) as FollowerStatus | undefined
    if (status !== undefined && isReached(status)) return
    if (performance.now() > giveUpMs) throw new Error(`the follower ${what} within two minutes`)
    await delay(LOOK_MS)
  }
}

/** Resolves when it has applied all that is certain; rejects where that takes minutes. */
export function untilLevel(dataDir: string): Promise<void> {
  return untilStatus(
    dataDir,
    'did not catch up',
    ({ state, isLevel }) => state === 'following' && isLevel,
  )
}

/** A snapshot that is being made. */
export interface SnapshotInWork {
  /** Resolves when it is being written: what was still to be applied has been. */
  readonly begun: Promise<void>
  /** Resolves when it was written and read back. */
  readonly made: Promise<SnapshotMade>
}

/** Asks for a snapshot. */
export function askForSnapshot(dataDir: string): SnapshotInWork {
  const made = askFollower(pathOf(dataDir), 'snapshot').then((reply) => {
    if (reply === undefined) throw new Error('no follower listens')
    return reply as SnapshotMade
  })
  const begun = untilStatus(
    dataDir,
    'did not begin a snapshot',
    ({ state }) => state === 'snapshotting',
  )
  // One that is made before it was seen in work has begun too.
  return { begun: Promise.race([begun, made.then(() => {})]), made }
}
