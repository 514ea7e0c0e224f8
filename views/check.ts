// Whether the views are what the engine's state says at the same sequence: every account, every reservation
// that is open or remembered, the last balance of every history, every row of the modules' tables.

import type { AccountRow, Engine, ModuleRow, ReservationRow } from '../engine/index.ts'
import { type AccountNames, formatUuid, RESERVATION_STATE } from '../protocol/index.ts'
import { readMeta, type ViewsDatabase } from './file.ts'
import { columnValue } from './module-table-writer.ts'
import { quoted, type TableShape, tableName } from './schema.ts'

/** How many differences are kept; all are counted. */
const DIFFERENCES_MAX = 100

/** Something that is in one and not in the other, or not as it is there. */
export interface Difference {
  /** The view's table. */
  readonly table: string
  /** The row, as people know it. */
  readonly key: string
  /** What the view has and what the engine has. */
  readonly sentence: string
}

/** What a comparison came to. */
export interface ViewsCheck {
  readonly sequence: number
  /** Rows that were compared, by table. */
  readonly rows: Readonly<Record<string, number>>
  /** How many differ, and the first of them. */
  readonly different: number
  readonly differences: readonly Difference[]
}

type Columns = Readonly<Record<string, unknown>>

/**
 * Compares the views in `database` with `engine`, which stands at their sequence; nobody may write to the
 * file meanwhile, or the caller holds a transaction. Throws errors of SQLite.
 */
export function checkViews(
  database: ViewsDatabase,
  engine: Engine,
  names: AccountNames,
): ViewsCheck {
  const { sequence, shape } = readMeta(database)
  if (engine.sequence !== sequence) {
    throw new RangeError(`the engine is at ${engine.sequence}, the views at ${sequence}`)
  }
  const found = new Findings()
  checkAccounts(database, engine, names, found)
  checkReservations(database, engine, found)
  for (const one of shape) checkTable(database, engine, one, found)
  return { sequence, rows: found.rows, different: found.different, differences: found.first }
}

/** Rows compared and differences found so far. */
class Findings {
  readonly rows: Record<string, number> = {}
  readonly first: Difference[] = []
  different = 0

  /** Notes that so many rows were compared. */
  count(table: string, rows: number): void {
    this.rows[table] = rows
  }

  /** Notes a difference. */
  add(table: string, key: string, sentence: string): void {
    this.different++
    if (this.first.length < DIFFERENCES_MAX) this.first.push({ table, key, sentence })
  }

  /** Compares a row's columns with what they should be. */
  compare(table: string, key: string, row: Columns | undefined, wanted: Columns): void {
    if (row === undefined) return this.add(table, key, 'the view has no such row')
    for (const [column, value] of Object.entries(wanted)) {
      if (row[column] === value) continue
      this.add(table, key, `${column} is ${show(row[column])}, in the engine ${show(value)}`)
      return
    }
  }

  /** Compares the numbers of rows. */
  compareCounts(table: string, view: unknown, engine: number): void {
    if (view === engine) return
    this.add(table, '*', `the view has ${view} rows, the engine ${engine}`)
  }
}

function checkAccounts(
  database: ViewsDatabase,
  engine: Engine,
  names: AccountNames,
  found: Findings,
): void {
  const find = database.prepare('SELECT * FROM accounts WHERE slot = ?')
  const last = database.prepare(
    'SELECT balance, held, incoming FROM history WHERE account = ? ORDER BY number DESC LIMIT 1',
  )
  let accounts = 0
  let histories = 0
  for (const account of engine.rows().accounts()) {
    const { slot, history } = account
    const name = names.nameOf(slot)
    found.compare('accounts', name, readAccount(find.get(slot) as Columns | undefined), {
      id: formatUuid(names.idOf(slot)),
      name,
      ledger: account.ledger,
      history: history ? 1 : 0,
    })
    accounts++
    if (!history) continue
    found.compare('history', name, last.get(slot) as Columns | undefined, numbersOf(account))
    histories++
  }
  const count = database.prepare('SELECT count(*) FROM accounts').pluck().get()
  found.compareCounts('accounts', count, accounts)
  found.count('accounts', accounts)
  found.count('history', histories)
}

function readAccount(row: Columns | undefined): Columns | undefined {
  return row === undefined ? undefined : { ...row, id: formatUuid(row.id as Uint8Array) }
}

function numbersOf({ balance, held, incoming }: AccountRow): Columns {
  return { balance, held, incoming }
}

function checkReservations(database: ViewsDatabase, engine: Engine, found: Findings): void {
  const find = database.prepare(
    'SELECT * FROM reservations WHERE id = ? ORDER BY number DESC LIMIT 1',
  )
  let reservations = 0
  for (const row of engine.rows().reservations()) {
    const wanted = reservationColumns(row)
    found.compare('reservations', formatUuid(row.id), find.get(row.id) as Columns, wanted)
    reservations++
  }
  const held = database
    .prepare('SELECT count(*) FROM reservations WHERE state = ?')
    .pluck()
    .get(RESERVATION_STATE.held)
  found.compareCounts('reservations', held, engine.openReservationCount)
  found.count('reservations', reservations)
}

function reservationColumns(row: ReservationRow): Columns {
  return {
    debit: row.debit,
    credit: row.credit,
    state: row.state,
    amount: row.amount,
    settled: row.settled,
    released: row.released,
    sequence: row.sequence,
    created_ms: row.createdAt,
    expires_ms: row.expiresAt,
    ended_ms: row.endedAt,
  }
}

function checkTable(
  database: ViewsDatabase,
  engine: Engine,
  shape: TableShape,
  found: Findings,
): void {
  const title = tableName(shape)
  const name = quoted(title)
  const find = database.prepare(
    `SELECT * FROM ${name} WHERE ${quoted(shape.key)} = ? AND _removed = 0`,
  )
  let rows = 0
  for (const one of engine.rows().modules()) {
    if (one.module !== shape.module || one.table !== shape.table) continue
    found.compare(
      title,
      one.key,
      find.get(one.key) as Columns | undefined,
      moduleColumns(one, shape),
    )
    rows++
  }
  const count = database.prepare(`SELECT count(*) FROM ${name} WHERE _removed = 0`).pluck().get()
  found.compareCounts(title, count, rows)
  found.count(title, rows)
}

function moduleColumns({ row }: ModuleRow, { fields }: TableShape): Columns {
  const entries = Object.keys(fields).map((field) => [field, columnValue(row[field] ?? null)])
  return Object.fromEntries(entries)
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value)
}
