// Writing views.sqlite without syncs, and knowing afterwards whether all of it came to the disk. A sync of
// this file holds up those of the journal, which lies on the same disk. The kernel keeps what a killed
// process wrote; only the end of the kernel itself may take it, and then the next boot has another id. So
// the file names the boot under which it is written, and names none when it was closed in order.

import { closeSync, openSync, readFileSync } from 'node:fs'
import type Database from 'better-sqlite3'

/** Linux: a UUID for each start of the kernel, the same for all that run on it. */
const BOOT_ID = '/proc/sys/kernel/random/boot_id'

/** Behind the boot's id while the file is being closed. */
const ENDING = ' ending'

/** Whether the file with this mark was written under another boot, and not closed in order there. */
export function isOfAnotherBoot({ boot }: { readonly boot: string | null }): boolean {
  return boot !== null && boot.split(' ')[0] !== bootId()
}

/**
 * From now on nothing that is written to the file is synced; for its only writer, outside transactions.
 * Where nobody could tell afterwards, all goes on as it was. Throws errors of SQLite.
 */
export function stopSyncing(database: Database.Database): void {
  const id = bootId()
  if (id === undefined) return
  if (markOf(database) !== id) {
    // In the file itself before anything that needs it: the log is written over without being synced.
    database.pragma('synchronous = FULL')
    mark(database, id)
    if (!checkpoint(database)) {
      mark(database, null)
      return
    }
  }
  database.pragma('synchronous = OFF')
}

/**
 * Syncs all that was written without, and says so in the file; false where readers were in the way for too
 * long. What comes after it is synced with each transaction. Throws errors of SQLite.
 */
export function syncAll(database: Database.Database): boolean {
  const boot = markOf(database)
  if (boot === null) return true
  database.pragma('synchronous = FULL')
  // Also that there is something to copy: a checkpoint that finds nothing syncs nothing.
  mark(database, boot + ENDING)
  const isDone = checkpoint(database)
  if (isDone) mark(database, null)
  return isDone
}

function bootId(): string | undefined {
  try {
    return readFileSync(BOOT_ID, 'utf8').trim()
  } catch {
    return undefined
  }
}

function markOf(database: Database.Database): string | null {
  return database.prepare('SELECT boot FROM meta').pluck().get() as string | null
}

function mark(database: Database.Database, boot: string | null): void {
  database.prepare('UPDATE meta SET boot = ?').run(boot)
}

/** Copies all of the log into the file, and empties it; false where readers did not let it. */
function checkpoint(database: Database.Database): boolean {
  const [row] = database.pragma('wal_checkpoint(TRUNCATE)') as { readonly busy: number }[]
  closeOnce(`${database.name}-wal`)
  return row?.busy === 0
}

/**
 * Ext4 writes a file that was truncated to nothing to the disk, all at once, when next somebody closes it, and
 * syncs of the journal wait for that. So it is closed here, while there is nothing to write. SQLite has its
 * locks on other files: a close would end them.
 */
function closeOnce(path: string): void {
  try {
    closeSync(openSync(path, 'r'))
  } catch {
    // There is no log, then; or whoever closes it next does what was to be spared.
  }
}
