// The file views.sqlite: opened, made, put aside. What is in it is the writer's and the readers'.

import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { isOfAnotherBoot } from './boot.ts'
import { isDamage, ViewsUnusable } from './errors.ts'
import { APPLICATION_ID, schemaSql, type TableShape, VIEWS_VERSION } from './schema.ts'

/** A connection to views.sqlite. */
export type ViewsDatabase = Database.Database

/** Files that SQLite keeps beside the one. A leftover of another file must never be taken for its own. */
const BESIDE = ['-wal', '-shm'] as const

/** Bytes of pages that a writer and a reader keep in memory. */
const WRITER_CACHE_KIB = 131_072
const READER_CACHE_KIB = 32_768

/** Pages in the write-ahead log before they are copied into the file, and what is left of it after that. */
const CHECKPOINT_PAGES = 8_192
const WAL_BYTES = 67_108_864

/** How long a connection waits for another one's lock, in ms. */
const BUSY_MS = 5_000

/** Where the views lie in `dataDir`. */
export function viewsPath(dataDir: string): string {
  return join(dataDir, 'views.sqlite')
}

/** What is written of the file itself. */
export interface ViewsMeta {
  /** Of the journal, 16 bytes; null while nothing was applied. */
  readonly log: Uint8Array | null
  /** The journal's chain after the last applied frame, 16 bytes; null while nothing was applied. */
  readonly chain: Uint8Array | null
  /** Sequence of the last applied record. */
  readonly sequence: number
  /** Journal time there. */
  readonly timeMs: number
  /** The number that was given last. */
  readonly number: number
  /** Before this sequence the views are being built, and nothing is read from them. */
  readonly completeAt: number
  readonly shape: readonly TableShape[]
  /** Sequences that a `void` record has every replay skip, as far as was known when this was written. */
  readonly voids: readonly number[]
  /** The boot under which it is written without syncs, as boot.ts writes it; null: all is on the disk. */
  readonly boot: string | null
}

/**
 * Opens the file for its only writer, or makes it. Throws `ViewsUnusable` where it is damaged, of another
 * version, has other tables than `shapes` says or may have lost something to a power cut, and errors of
 * the system.
 */
export function openForWriting(path: string, shapes: readonly TableShape[]): ViewsDatabase {
  const isNew = !existsSync(path)
  if (isNew) makeEmpty(path)
  const database = new Database(path, { timeout: BUSY_MS })
  try {
    return unlessDamaged(path, () => {
      database.pragma('journal_mode = WAL')
      // Each transaction, until boot.ts knows that what is lost can be built again.
      database.pragma('synchronous = FULL')
      database.pragma(`cache_size = -${WRITER_CACHE_KIB}`)
      database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
      database.pragma(`journal_size_limit = ${WAL_BYTES}`)
      database.pragma('temp_store = MEMORY')
      // One that was killed before its first transaction left an empty file.
      const tables = database.prepare('SELECT count(*) FROM sqlite_master').pluck().get()
      if (isNew || tables === 0) createTables(database, shapes)
      else checkTables(database, path, shapes)
      return database
    })
  } catch (error) {
    database.close()
    throw error
  }
}

/** Opens the file for reading; undefined where there is none, or none that can be read now. */
export function openForReading(path: string): ViewsDatabase | undefined {
  if (!existsSync(path)) return undefined
  let database: ViewsDatabase | undefined
  try {
    database = new Database(path, { readonly: true, timeout: BUSY_MS })
    database.pragma(`cache_size = -${READER_CACHE_KIB}`)
    if (!isOurs(database)) throw new ViewsUnusable(`${path} is no views file of this version`)
    if (isOfAnotherBoot(readMeta(database))) throw new ViewsUnusable(`${path} is of another boot`)
    return database
  } catch {
    database?.close()
    return undefined
  }
}

/** What the file says of itself. */
export function readMeta(database: ViewsDatabase): ViewsMeta {
  const row = database.prepare('SELECT * FROM meta WHERE one = 1').get() as
    | Record<string, unknown>
    | undefined
  if (row === undefined) throw new ViewsUnusable(`${database.name} says nothing of itself`)
  return {
    log: row.log as Uint8Array | null,
    chain: row.chain as Uint8Array | null,
    sequence: row.sequence as number,
    timeMs: row.time_ms as number,
    number: row.number as number,
    completeAt: row.complete_at as number,
    shape: JSON.parse(row.shape as string) as TableShape[],
    voids: JSON.parse(row.voids as string) as number[],
    boot: row.boot as string | null,
  }
}

/** Which file lies at `path`; undefined where none does. Another one has another identity. */
export function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}

/** Removes the file and what SQLite keeps beside it. */
export function removeViews(path: string): void {
  // The file first: what lies beside it alone is never opened.
  for (const end of ['', ...BESIDE]) rmSync(path + end, { force: true })
}

/** Moves the file to `quarantine`, for people to look at; gives back where it is. */
export function putViewsAside(path: string, quarantine: string): string {
  mkdirSync(quarantine, { recursive: true, mode: 0o700 })
  const name = `views-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.sqlite`
  const to = join(quarantine, name)
  if (existsSync(path)) renameSync(path, to)
  for (const end of BESIDE) if (existsSync(path + end)) renameSync(path + end, to + end)
  return to
}

/** For its owner alone, which SQLite leaves to the umask; files beside it get the same mode. */
function makeEmpty(path: string): void {
  for (const end of BESIDE) rmSync(path + end, { force: true })
  closeSync(openSync(path, 'w', 0o600))
}

function createTables(database: ViewsDatabase, shapes: readonly TableShape[]): void {
  const create = database.transaction(() => {
    database.exec(schemaSql(shapes))
    const values = "VALUES (1, NULL, NULL, 0, 0, 0, 0, ?, '[]', NULL)"
    database.prepare(`INSERT INTO meta ${values}`).run(JSON.stringify(shapes))
    database.pragma(`application_id = ${APPLICATION_ID}`)
    database.pragma(`user_version = ${VIEWS_VERSION}`)
  })
  create()
}

function checkTables(database: ViewsDatabase, path: string, shapes: readonly TableShape[]): void {
  const version = database.pragma('user_version', { simple: true })
  if (database.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
    throw new ViewsUnusable(`${path} is another program's`)
  }
  if (version !== VIEWS_VERSION) {
    throw new ViewsUnusable(`${path} is of version ${version}, not ${VIEWS_VERSION}`, 'outdated')
  }
  const meta = readMeta(database)
  if (isOfAnotherBoot(meta)) {
    const sentence = 'was not closed in order before the machine was started again'
    throw new ViewsUnusable(`${path} ${sentence}`, 'outdated')
  }
  if (JSON.stringify(meta.shape) !== JSON.stringify(shapes)) {
    const sentence = 'has other tables than the modules ask for now'
    throw new ViewsUnusable(`${path} ${sentence}`, 'outdated')
  }
}

function isOurs(database: ViewsDatabase): boolean {
  return (
    database.pragma('application_id', { simple: true }) === APPLICATION_ID &&
    database.pragma('user_version', { simple: true }) === VIEWS_VERSION
  )
}

function unlessDamaged<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!isDamage(error)) throw error
    throw new ViewsUnusable(`${path} is damaged (${(error as Error).message})`)
  }
}
