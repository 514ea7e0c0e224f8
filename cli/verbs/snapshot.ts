// `holdfast snapshot`: has the follower make a snapshot now, or makes one where nothing runs.

import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  askFollower,
  controlPath,
  FollowerRefused,
  type SnapshotMade,
  snapshotOffline,
} from '../../follower/index.ts'
import {
  checkJournalDirectory,
  DirectoryInUse,
  findModules,
  isLocked,
  loadRules,
  lockDirectory,
  tuneV8,
} from '../../runtime/index.ts'
import type { Config } from '../config.ts'
import { CliError, EXIT, type ExitCode } from '../exit-codes.ts'
import { followerDirectories, keepForViews } from '../follower-run.ts'
import { formatBytes, grouped, note, print, printJson } from '../output.ts'

/**
 * How long the follower of a server that has just begun may take until it has its lock, and until it listens,
 * and how often it is looked for, in ms.
 */
const FOLLOWER_START_MS = 5_000
const FOLLOWER_LISTEN_MS = 30_000
const FOLLOWER_POLL_MS = 200

/** Makes a snapshot, or has it made, and prints it. */
export async function snapshot(config: Config, json: boolean): Promise<ExitCode> {
  const dataDir = resolve(config.dataDir)
  checkJournalDirectory(dataDir)
  const made = (await askedInTime(dataDir)) ?? (await madeHere(dataDir, config))
  if (json) printJson(made)
  else {
    print(`sequence     ${grouped(made.sequence)}`)
    print(`stateDigest  ${made.stateDigest}`)
    print(`size         ${formatBytes(made.bytes)} in ${made.seconds.toFixed(2)} s`)
  }
  return EXIT.fine
}

/** As `asked`; beside a server it waits for the follower that may be starting. */
async function askedInTime(dataDir: string): Promise<SnapshotMade | undefined> {
  const startMs = performance.now()
  for (;;) {
    const made = await asked(dataDir)
    const waitMs = isLocked(dataDir, 'follower') ? FOLLOWER_LISTEN_MS : FOLLOWER_START_MS
    if (made !== undefined || performance.now() > startMs + waitMs) return made
    if (!isLocked(dataDir, 'writer')) return undefined
    await delay(FOLLOWER_POLL_MS)
  }
}

/** From the follower; undefined where none listens. */
async function asked(dataDir: string): Promise<SnapshotMade | undefined> {
  const path = controlPath(dataDir)
  if (path === undefined) return undefined
  try {
    return (await askFollower(path, 'snapshot')) as SnapshotMade | undefined
  } catch (error) {
    if (!(error instanceof FollowerRefused)) throw error
    throw new CliError(EXIT.failed, `the follower could not make one: ${error.message}`)
  }
}

async function madeHere(
  dataDir: string,
  { archive, views, modules }: Config,
): Promise<SnapshotMade> {
  tuneV8()
  const follower = lockOr(dataDir, 'follower', 'a follower runs on it that cannot be asked')
  try {
    const hint = 'a server runs on it without a follower: start `holdfast follow` beside it'
    const writer = lockOr(dataDir, 'writer', hint)
    try {
      const onMessage = (sentence: string): void => note(`holdfast: ${sentence}`)
      return await snapshotOffline({
        directories: followerDirectories(dataDir),
        archive,
        keepFrom: keepForViews(dataDir, views),
        modules: await loadRules(findModules(modules)),
        onMessage,
      })
    } finally {
      writer.release()
    }
  } finally {
    follower.release()
  }
}

function lockOr(dataDir: string, role: 'writer' | 'follower', reason: string) {
  try {
    return lockDirectory(dataDir, role)
  } catch (error) {
    if (!(error instanceof DirectoryInUse)) throw error
    throw new CliError(EXIT.inUse, `${dataDir}: ${reason}`)
  }
}
