// The tables of views.sqlite, and what of them depends on the modules: their shape. SQL text alone; rows
// are written by writer.ts and read by pages.ts. docs/views.md says the same for people.

import type { ModuleView } from '../protocol/index.ts'

/** 'HFVW': says to SQLite's tools whose file it is. */
export const APPLICATION_ID = 0x48465657

/** Version of the tables below. A file of another version is built anew. */
export const VIEWS_VERSION = 2

/** What a view's column holds, as modules say it. */
export type ColumnType = 'text' | 'integer' | 'flag'

/** A table that a view keeps of a module. */
export interface TableShape {
  readonly module: string
  readonly table: string
  /** Types by field, in the order of the columns. */
  readonly fields: Readonly<Record<string, ColumnType>>
  readonly key: string
  readonly keepsRemoved: boolean
  readonly indexes: readonly string[]
}

/** The tables that the modules' views declare, in order of their names. Throws `RangeError` on a wrong one. */
export function shapeOf(views: readonly ModuleView[]): TableShape[] {
  const shapes = views.flatMap(({ module, tables }) =>
    tables.map(({ table, fields, key, keepsRemoved, indexes }) => {
      const types = Object.entries(fields).map(([field, type]) => [field, columnType(type)])
      const shape = { module, table, fields: Object.fromEntries(types), key, keepsRemoved, indexes }
      const unknown = [key, ...indexes].find((field) => !Object.hasOwn(fields, field))
      if (unknown === undefined) return shape
      throw new RangeError(`the view ${module}.${table} has no field ${unknown}`)
    }),
  )
  return shapes.sort((a, b) => (tableName(a) < tableName(b) ? -1 : 1))
}

function columnType(type: string): ColumnType {
  const bare = type.replace(/\?$/, '')
  if (bare === 'text' || bare === 'integer' || bare === 'flag') return bare
  throw new RangeError(`a field of a view is text, integer or flag, not ${type}`)
}

/** The SQL name of a module's table; quoted, it needs no further care. */
export function tableName({ module, table }: Pick<TableShape, 'module' | 'table'>): string {
  return `${module}.${table}`
}

/** A name as SQL takes it, whatever is in it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * The core's tables. `number` counts what was made, in any table, and is never given twice: pages are in
 * its order. An account's `slot` is its place in every engine. Times are ms since 1970; 0 is never.
 */
const CORE = `
CREATE TABLE meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  log BLOB, chain BLOB, sequence INTEGER NOT NULL, time_ms INTEGER NOT NULL,
  number INTEGER NOT NULL, complete_at INTEGER NOT NULL, shape TEXT NOT NULL,
  voids TEXT NOT NULL, boot TEXT
);
CREATE TABLE accounts (
  slot INTEGER PRIMARY KEY, id BLOB NOT NULL, name TEXT NOT NULL, ledger INTEGER NOT NULL,
  history INTEGER NOT NULL
);
CREATE INDEX accounts_by_id ON accounts (id);
CREATE TABLE reservations (
  number INTEGER PRIMARY KEY, id BLOB NOT NULL, name TEXT, debit INTEGER NOT NULL,
  credit INTEGER NOT NULL, state INTEGER NOT NULL, amount INTEGER NOT NULL,
  settled INTEGER NOT NULL, released INTEGER NOT NULL, sequence INTEGER NOT NULL,
  created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL
);
CREATE INDEX reservations_by_id ON reservations (id);
CREATE INDEX reservations_by_debit ON reservations (debit, state);
CREATE INDEX reservations_by_credit ON reservations (credit, state);
CREATE TABLE history (
  account INTEGER NOT NULL, number INTEGER NOT NULL, sequence INTEGER NOT NULL,
  time_ms INTEGER NOT NULL, command TEXT NOT NULL, balance INTEGER NOT NULL, held INTEGER NOT NULL,
  incoming INTEGER NOT NULL, PRIMARY KEY (account, number)
) WITHOUT ROWID;
CREATE TABLE events (
  sequence INTEGER NOT NULL, place INTEGER NOT NULL, time_ms INTEGER NOT NULL,
  module TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (sequence, place)
) WITHOUT ROWID;
`

/** All statements that make the tables of an empty file. */
export function schemaSql(shapes: readonly TableShape[]): string {
  return [CORE, ...shapes.map(tableSql)].join('\n')
}

/**
 * A module's table: `_number` as in the core's, `_removed` the sequence at which the module took the row
 * out (0: it is there), then the fields. Names of fields begin with a letter, so ours never meet theirs.
 */
function tableSql(shape: TableShape): string {
  const name = tableName(shape)
  const columns = Object.entries(shape.fields).map(
    ([field, type]) => `${quoted(field)} ${type === 'text' ? 'TEXT' : 'INTEGER'}`,
  )
  const indexes = shape.indexes.map(
    (field) =>
      `CREATE INDEX ${quoted(`${name} by ${field}`)} ON ${quoted(name)} (${quoted(field)});`,
  )
  return [
    `CREATE TABLE ${quoted(name)} (_number INTEGER PRIMARY KEY, _removed INTEGER NOT NULL,`,
    `  ${columns.join(', ')});`,
    `CREATE UNIQUE INDEX ${quoted(`${name} by key`)} ON ${quoted(name)} (${quoted(shape.key)})`,
    '  WHERE _removed = 0;',
    ...indexes,
  ].join('\n')
}
