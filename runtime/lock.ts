// The locks on a data directory: one writer to a journal, one follower, and one that keeps the views. Held
// by SQLite's exclusive lock on the file `lock`, `follower.lock` or `views.lock`, which the operating
// system takes back when the process ends, however it ends.
//
// Nothing else may open these files: closing any descriptor of it would give up the process's lock.

import { closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'

/**
 * How long an attempt goes on, in ms: `isLocked` of another process holds the file for a moment, and
 * that must not look like a second server.
 */
const ATTEMPT_MS = 100

/** Another process has the data directory open. */
export class DirectoryInUse extends Error {
  override readonly name = 'DirectoryInUse'
  readonly dataDir: string

  constructor(dataDir: string, role: LockRole = 'writer') {
    super(`${dataDir} ${IN_USE[role]}`)
    this.dataDir = dataDir
  }
}

/** What a process is to a directory: there may be one of each at a time. */
export type LockRole = 'writer' | 'follower' | 'views'

const FILES = { writer: 'lock', follower: 'follower.lock', views: 'views.lock' } as const

const IN_USE: Readonly<Record<LockRole, string>> = {
  writer: 'is in use by another Holdfast process. Stop it, or choose another data directory.',
  follower: 'has a follower already, which does the work: there is no need for another.',
  views: 'has a process that keeps its views already: there is no need for another.',
}

/** A lock that is held until `release`, or until the process ends. */
export interface DirectoryLock {
  release(): void
}

/** Locks `dataDir`, which exists. Throws `DirectoryInUse` where another process holds it. */
export function lockDirectory(dataDir: string, role: LockRole = 'writer'): DirectoryLock {
  const path = join(dataDir, FILES[role])
  createOnce(path)
  const file = new Database(path, { timeout: ATTEMPT_MS })
  try {
    file.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    file.close()
    throw isBusy(error) ? new DirectoryInUse(dataDir, role) : error
  }
  return { release: () => file.close() }
}

/** Whether some process holds the lock on `dataDir`. Changes nothing in the directory. */
export function isLocked(dataDir: string, role: LockRole = 'writer'): boolean {
  const path = join(dataDir, FILES[role])
  if (!existsSync(path)) return false
  const file = new Database(path, { readonly: true, timeout: 0 })
  try {
    file.prepare('SELECT count(*) FROM sqlite_master').get()
    return false
  } catch (error) {
    if (isBusy(error)) return true
    throw error
  } finally {
    file.close()
  }
}

/** SQLite would create the file readable for all. An existing one is never opened here. */
function createOnce(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function isBusy(error: unknown): boolean {
  return (error as { code?: string }).code?.startsWith('SQLITE_BUSY') === true
}
