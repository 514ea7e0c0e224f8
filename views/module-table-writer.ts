// One module's table in the views: a row's changes as statements. What a row is, is said by the shape.

import type { Statement } from 'better-sqlite3'
import type { RowChange } from '../engine/index.ts'
import type { ViewsDatabase } from './file.ts'
import { quoted, type TableShape, tableName } from './schema.ts'

/** See the head of this file. */
export class ModuleTableWriter {
  readonly #fields: readonly string[]
  readonly #nextNumber: () => number
  readonly #insert: Statement
  readonly #update: Statement
  readonly #remove: Statement

  constructor(database: ViewsDatabase, shape: TableShape, nextNumber: () => number) {
    const name = quoted(tableName(shape))
    const key = quoted(shape.key)
    this.#fields = Object.keys(shape.fields)
    this.#nextNumber = nextNumber
    const columns = this.#fields.map(quoted)
    const marks = columns.map(() => '?').join(', ')
    const sets = columns.map((column) => `${column} = ?`).join(', ')
    // Names of tables and fields are the modules', quoted; values are bound.
    this.#insert = database.prepare(`INSERT INTO ${name} VALUES (?, 0, ${marks})`)
    this.#update = database.prepare(`UPDATE ${name} SET ${sets} WHERE ${key} = ? AND _removed = 0`)
    this.#remove = database.prepare(
      shape.keepsRemoved
        ? `UPDATE ${name} SET _removed = ? WHERE ${key} = ? AND _removed = 0`
        : `DELETE FROM ${name} WHERE _removed <> ? AND ${key} = ?`,
    )
  }

  /** Stores what became of a row. */
  store({ key, row, sequence }: RowChange): void {
    if (row === undefined) {
      this.#remove.run(sequence, key)
      return
    }
    const values = this.#fields.map((field) => columnValue(row[field] ?? null))
    if (this.#update.run(...values, key).changes === 0) {
      this.#insert.run(this.#nextNumber(), ...values)
    }
  }
}

/** A row's value as SQLite keeps it. */
export function columnValue(value: string | number | boolean | null): string | number | null {
  return typeof value === 'boolean' ? Number(value) : value
}
