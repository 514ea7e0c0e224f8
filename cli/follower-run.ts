// A follower of one data directory as a process runs it: locks, socket, follower. Both `holdfast follow`
// and the child of `holdfast serve` are made of this; who starts and ends it is theirs.

import { join, resolve } from 'node:path'
import {
  type Control,
  controlPath,
  Follower,
  type FollowerDirectories,
  type FollowerStatus,
  listenForControl,
} from '../follower/index.ts'
import {
  archiveDirectory,
  checkJournalDirectory,
  findModules,
  journalDirectory,
  loadRules,
  lockDirectory,
  snapshotsDirectory,
  tuneV8,
} from '../runtime/index.ts'
import { viewsNeedFrom, viewsPath } from '../views/index.ts'
import type { Config } from './config.ts'

/** What of the configuration a follower wants; plain data. */
export interface FollowerSettings {
  /** Absolute. */
  readonly dataDir: string
  readonly snapshotEveryRecords: number
  readonly snapshotEverySeconds: number
  readonly archive: 'keep' | 'drop'
  /** Whether somebody keeps views, which need what is to be dropped. */
  readonly views: boolean
  /** Folders of the modules, as `findModules` gives them. */
  readonly modules: readonly string[]
}

/** Who hears what. */
export interface FollowerEars {
  /** What people should read. */
  readonly onMessage: (sentence: string) => void
  /** Its socket answers, or there is none: it begins to load. */
  readonly onStart?: (status: () => FollowerStatus) => void
}

/** The settings in a configuration. */
export function followerSettings(config: Config): FollowerSettings {
  const { snapshotEveryRecords, snapshotEverySeconds, archive, views } = config
  const dataDir = resolve(config.dataDir)
  const modules = findModules(config.modules)
  return { dataDir, snapshotEveryRecords, snapshotEverySeconds, archive, views, modules }
}

/** Where a follower of `dataDir` finds and puts things. */
export function followerDirectories(dataDir: string): FollowerDirectories {
  return {
    journal: journalDirectory(dataDir),
    archive: archiveDirectory(dataDir),
    snapshots: snapshotsDirectory(dataDir),
    quarantine: join(dataDir, 'quarantine'),
  }
}

/** For the follower's options: from where on the views of `dataDir` need the journal, if there are any. */
export function keepForViews(dataDir: string, hasViews: boolean): () => number | undefined {
  return () =>
    hasViews ? viewsNeedFrom(viewsPath(dataDir), followerDirectories(dataDir)) : undefined
}

/**
 * Follows until `signal` says so. Rejects with `DataDirectoryError`, `DirectoryInUse` where there is
 * a follower already, and with what `Follower.run` rejects with.
 */
export async function runFollower(
  settings: FollowerSettings,
  ears: FollowerEars,
  signal: AbortSignal,
): Promise<void> {
  const { dataDir, snapshotEveryRecords, snapshotEverySeconds, archive, views } = settings
  tuneV8()
  checkJournalDirectory(dataDir)
  const lock = lockDirectory(dataDir, 'follower')
  let control: Control | undefined
  try {
    const follower = new Follower({
      modules: await loadRules(settings.modules),
      directories: followerDirectories(dataDir),
      schedule: { everyRecords: snapshotEveryRecords, everyMs: snapshotEverySeconds * 1_000 },
      archive,
      keepFrom: keepForViews(dataDir, views),
      onMessage: ears.onMessage,
    })
    control = await listen(dataDir, follower, ears)
    ears.onStart?.(() => follower.status())
    await follower.run(signal)
  } finally {
    control?.close()
    lock.release()
  }
}

/** Without a socket it follows all the same: it only cannot be asked. */
async function listen(
  dataDir: string,
  follower: Follower,
  { onMessage }: FollowerEars,
): Promise<Control | undefined> {
  const path = controlPath(dataDir)
  const without = 'snapshots are made by schedule alone, and cannot be asked for'
  if (path === undefined) {
    onMessage(`${dataDir} is too long a path for a socket: ${without}`)
    return undefined
  }
  try {
    return await listenForControl(path, {
      status: () => ({ pid: process.pid, ...follower.status() }),
      snapshot: () => follower.requestSnapshot(),
    })
  } catch (error) {
    onMessage(`${path} cannot be listened on (${(error as Error).message}): ${without}`)
    return undefined
  }
}
