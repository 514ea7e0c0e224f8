// The data directory: made, or found fit to be used. Knows nothing of what the journal keeps in it.

import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  type Stats,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** The directory cannot be used as it is; the message says what to do. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError'
}

/** Where the segments lie in `dataDir`. */
export function journalDirectory(dataDir: string): string {
  return join(dataDir, 'journal')
}

/** Where the snapshots lie in `dataDir`. */
export function snapshotsDirectory(dataDir: string): string {
  return join(dataDir, 'snapshots')
}

/** Where segments lie that snapshots stand in for, in `dataDir`. */
export function archiveDirectory(dataDir: string): string {
  return join(dataDir, 'archive')
}

/** Makes `dataDir` for its owner alone, or takes an existing one. Throws `DataDirectoryError`. */
export function prepareDataDirectory(dataDir: string): void {
  try {
    makeDirectories(resolve(dataDir))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTDIR') throw unusable(dataDir, 'cannot be made', error)
  }
  const found = checkDataDirectory(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
  if ((found.mode & 0o077) === 0) return
  try {
    chmodSync(dataDir, 0o700)
  } catch (error) {
    throw unusable(dataDir, 'is open to other users, and that cannot be changed', error)
  }
}

/**
 * Makes those that are missing of a path, one after the other: Node 20's own `recursive` asks without end where a
 * directory is there and refuses with ENOENT, as those of `/proc` do.
 */
function makeDirectories(path: string): void {
  if (existsSync(path)) return
  makeDirectories(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another process made it meanwhile, or what is there is no directory: whoever uses it finds out.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/**
 * For those who look at a journal: throws `DataDirectoryError` where `dataDir` cannot be read or
 * holds none. A mistyped name must not look like an empty journal that is sound.
 */
export function checkJournalDirectory(dataDir: string): void {
  checkDataDirectory(dataDir, constants.R_OK | constants.X_OK)
  if (existsSync(journalDirectory(dataDir))) return
  throw new DataDirectoryError(`${dataDir} holds no journal. Choose another data directory.`)
}

/** Throws `DataDirectoryError` where `dataDir` is no directory that this user may use so. */
function checkDataDirectory(dataDir: string, access: number): Stats {
  let found: Stats
  try {
    found = statSync(dataDir)
  } catch (error) {
    throw unusable(dataDir, 'cannot be found', error)
  }
  if (!found.isDirectory()) {
    throw new DataDirectoryError(
      `${dataDir} is a file, and a directory is wanted. Choose another data directory.`,
    )
  }
  try {
    accessSync(dataDir, access)
  } catch (error) {
    throw unusable(dataDir, 'cannot be read and written by this user', error)
  }
  return found
}

function unusable(dataDir: string, what: string, error: unknown): DataDirectoryError {
  const { code } = error as NodeJS.ErrnoException
  const advice =
    code === 'ENOENT'
      ? 'Choose another data directory.'
      : 'Change its owner or mode, or choose another data directory.'
  return new DataDirectoryError(`${dataDir} ${what} (${code ?? String(error)}). ${advice}`)
}
