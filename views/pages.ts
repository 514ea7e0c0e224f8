// Pages out of views.sqlite, each with the sequence that it reflects. Waits for nothing; reader-thread.ts
// does.

import type { Statement } from 'better-sqlite3'
import {
  type EventsPage,
  type EventsQuery,
  formatUuid,
  type HistoryQuery,
  type ListQuery,
  RESERVATION_STATE,
  RESERVATION_STATE_NAMES,
  type ReservationsQuery,
  VIEW_PAGE_MAX,
  type ViewChange,
  type ViewEvent,
  type ViewPage,
  type ViewRefusal,
  type ViewReservation,
  type ViewRow,
  type ViewValue,
} from '../protocol/index.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { readMeta, type ViewsDatabase, type ViewsMeta } from './file.ts'
import { type ColumnType, quoted, type TableShape, tableName } from './schema.ts'

const RESERVATION_COLUMNS = `
  SELECT r.number, r.id, r.name, d.name AS debit_name, c.name AS credit_name, r.state, r.amount,
    r.settled, r.released, r.created_ms, r.expires_ms, r.ended_ms
  FROM reservations r JOIN accounts d ON d.slot = r.debit JOIN accounts c ON c.slot = r.credit`
const HISTORY =
  'SELECT number, sequence, time_ms, command, balance, held, incoming FROM history ' +
  'WHERE account = ? AND number > ? ORDER BY number LIMIT ?'
const EVENTS =
  'SELECT sequence, place, time_ms, module, kind, data FROM events ' +
  'WHERE (sequence, place) >= (?, ?) ORDER BY sequence, place LIMIT ?'

const STATES = Object.values(RESERVATION_STATE)

/** Statements are kept; there are as many as there are lists with their filters. */
const STATEMENTS_MAX = 256

type Columns = Readonly<Record<string, unknown>>

/** See the head of this file. Of one file: another one has other pages. */
export class ViewPages {
  readonly #database: ViewsDatabase
  readonly #shapes: ReadonlyMap<string, TableShape>
  readonly #statements = new Map<string, Statement>()

  /** `meta` is what the file says of itself. */
  constructor(database: ViewsDatabase, meta: ViewsMeta) {
    this.#database = database
    this.#shapes = new Map(meta.shape.map((shape) => [tableName(shape), shape]))
  }

  /** What the file says of itself now. */
  meta(): ViewsMeta {
    return readMeta(this.#database)
  }

  list(query: ListQuery): ViewPage<ViewRow> | ViewRefusal {
    return this.#consistent((meta) => {
      const shape = this.#shapes.get(tableName(query))
      if (shape === undefined) return refuse('unavailable', meta)
      const after = readCursor('l', query.cursor)
      if (after === undefined) return refuse('cursor', meta)
      const conditions = ['_number > ?']
      const values: (string | number)[] = [after]
      for (const [field, text] of Object.entries(query.filters)) {
        const type = Object.hasOwn(shape.fields, field) ? shape.fields[field] : undefined
        const value = type === undefined ? undefined : filterValue(type, text)
        if (value === undefined) return refuse('filter', meta)
        conditions.push(`${quoted(field)} = ?`)
        values.push(value)
      }
      if (query.where !== undefined) {
        const { field, values: wanted } = query.where
        const type = shape.fields[field] ?? 'text'
        const kept = wanted
          .map((text) => filterValue(type, text))
          .filter((one) => one !== undefined)
        conditions.push(`${quoted(field)} IN (${kept.map(() => '?').join(', ')})`)
        values.push(...kept)
      }
      const fields = Object.keys(shape.fields)
      const columns = ['_number', ...fields.map(quoted)].join(', ')
      const name = quoted(tableName(shape))
      const sql = `SELECT ${columns} FROM ${name} WHERE ${conditions.join(' AND ')} ORDER BY _number LIMIT ?`
      const limit = limitOf(query.limit)
      const rows = this.#all(sql, ...values, limit + 1)
      return pageOf('l', rows, '_number', limit, meta, (row) => rowOf(row, shape))
    })
  }

  reservations(query: ReservationsQuery): ViewPage<ViewReservation> | ViewRefusal {
    return this.#consistent((meta) => {
      const after = readCursor('r', query.cursor)
      if (after === undefined) return refuse('cursor', meta)
      const limit = limitOf(query.limit)
      const states = query.state === undefined ? STATES : [RESERVATION_STATE[query.state]]
      const slot = this.#slotOf(query.account)
      const rows =
        slot === undefined
          ? []
          : states.flatMap((state) => [
              ...this.#reservationsOf('debit', slot, state, after, limit + 1),
              ...this.#reservationsOf('credit', slot, state, after, limit + 1),
            ])
      rows.sort((a, b) => (a.number as number) - (b.number as number))
      return pageOf('r', rows.slice(0, limit + 1), 'number', limit, meta, reservationOf)
    })
  }

  history(query: HistoryQuery): ViewPage<ViewChange> | ViewRefusal {
    return this.#consistent((meta) => {
      const after = readCursor('h', query.cursor)
      if (after === undefined) return refuse('cursor', meta)
      const limit = limitOf(query.limit)
      const slot = this.#slotOf(query.account)
      const rows = slot === undefined ? [] : this.#all(HISTORY, slot, after, limit + 1)
      return pageOf('h', rows, 'number', limit, meta, changeOf)
    })
  }

  events({ from, limit }: EventsQuery): EventsPage | ViewRefusal {
    return this.#consistent((meta) => {
      const count = limitOf(limit)
      const rows = this.#all(EVENTS, from.sequence, from.index, count + 1)
      return eventsPageOf(rows.map(eventOf), count, meta)
    })
  }

  /** Everything in one transaction: the rows are those of the sequence that is said. */
  #consistent<T>(work: (meta: ViewsMeta) => T | ViewRefusal): T | ViewRefusal {
    const read = this.#database.transaction(() => {
      const meta = this.meta()
      return meta.sequence < meta.completeAt ? refuse('unavailable', meta) : work(meta)
    })
    return read()
  }

  /** An id may have been another account's: never, for accounts are not forgotten. */
  #slotOf(id: Uint8Array): number | undefined {
    const [row] = this.#all('SELECT slot FROM accounts WHERE id = ?', id)
    return row?.slot as number | undefined
  }

  #reservationsOf(
    side: 'debit' | 'credit',
    slot: number,
    state: number,
    after: number,
    limit: number,
  ): Columns[] {
    const where = `r.${side} = ? AND r.state = ? AND r.number > ? ORDER BY r.number LIMIT ?`
    return this.#all(`${RESERVATION_COLUMNS} WHERE ${where}`, slot, state, after, limit)
  }

  #all(sql: string, ...values: readonly unknown[]): Columns[] {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear()
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement.all(...values) as Columns[]
  }
}

function refuse(refused: ViewRefusal['refused'], { sequence }: ViewsMeta): ViewRefusal {
  return { refused, sequence }
}

function limitOf(limit: number): number {
  return Math.max(1, Math.min(VIEW_PAGE_MAX, limit))
}

/** A page of `rows`, of which there is one more than `limit` where another page follows. */
function pageOf<Item>(
  kind: 'l' | 'r' | 'h',
  rows: readonly Columns[],
  number: string,
  limit: number,
  { sequence, timeMs }: ViewsMeta,
  itemOf: (row: Columns) => Item,
): ViewPage<Item> {
  const shown = rows.slice(0, limit)
  const isLast = rows.length <= limit
  const next = isLast ? null : writeCursor(kind, shown.at(-1)?.[number] as number)
  return { items: shown.map(itemOf), next, sequence, timeMs }
}

/** A filter's text as its column keeps it; undefined where it is not of the column's type. */
function filterValue(type: ColumnType, text: string): string | number | undefined {
  if (type === 'text') return text
  if (type === 'flag') return text === 'true' ? 1 : text === 'false' ? 0 : undefined
  const value = Number(text)
  return /^-?\d{1,16}$/.test(text) && Number.isSafeInteger(value) ? value : undefined
}

function rowOf(row: Columns, { fields }: TableShape): ViewRow {
  const entries = Object.entries(fields).map(([field, type]): [string, ViewValue] => {
    const value = row[field] as string | number | null
    return [field, type === 'flag' && value !== null ? value === 1 : value]
  })
  return Object.fromEntries(entries)
}

function reservationOf(row: Columns): ViewReservation {
  const time = (ms: unknown): number | null => (ms === 0 ? null : (ms as number))
  return {
    id: (row.name as string | null) ?? formatUuid(row.id as Uint8Array),
    debitAccount: row.debit_name as string,
    creditAccount: row.credit_name as string,
    state: RESERVATION_STATE_NAMES[row.state as number] as ViewReservation['state'],
    amount: row.amount as number,
    settled: row.settled as number,
    released: row.released as number,
    createdAt: row.created_ms as number,
    expiresAt: time(row.expires_ms),
    endedAt: time(row.ended_ms),
  }
}

function changeOf(row: Columns): ViewChange {
  return {
    sequence: row.sequence as number,
    timeMs: row.time_ms as number,
    command: row.command as string,
    balance: row.balance as number,
    held: row.held as number,
    incoming: row.incoming as number,
  }
}

/** A page of `events`, of which there is one more than `limit` where others follow. */
function eventsPageOf(
  events: readonly ViewEvent[],
  limit: number,
  { sequence, timeMs }: ViewsMeta,
): EventsPage {
  const first = events[limit]
  const next = first ?? { sequence: sequence + 1, index: 0 }
  const shown = events.slice(0, limit)
  const place = { sequence: next.sequence, index: next.index }
  return { events: shown, next: place, hasMore: first !== undefined, sequence, timeMs }
}

function eventOf(row: Columns): ViewEvent {
  return {
    sequence: row.sequence as number,
    index: row.place as number,
    timeMs: row.time_ms as number,
    module: row.module as string,
    kind: row.kind as string,
    data: row.data as string,
  }
}
