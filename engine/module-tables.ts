// One module's tables: an undo log over all of them, what a command changed, and the rows as bytes.
// Knows nothing of the ledger, of timers or of how commands come in.

import { allocateWords, type Words } from '../protocol/index.ts'
import type { Table, TableSchema } from './module.ts'
import { isSame, lengthAt } from './module-bytes.ts'
import { checkTableNames } from './module-check.ts'
import { type Created, CreationNumbers, compareCreated } from './module-creation.ts'
import { ModuleMisuse } from './module-errors.ts'
import { MODULE_ROW, MODULE_ROW_BYTES_MAX, type Row, RowSchema } from './module-rows.ts'
import { show } from './module-schema.ts'
import { RowTable, type TableChange } from './module-table.ts'
import { stateFault } from './state-input.ts'

/** So many changes of a command are looked through for each other; more are looked up. */
const FEW_CHANGES = 16

/** A row that was changed since the last `begin`. Its creation numbers are the row's own. */
export interface ChangedRow extends Created {
  /** The table's name. */
  readonly table: string
  readonly key: string
  /** As it is now; undefined where it was taken out. */
  readonly row: Row | undefined
  /** Where it is in its table, or was. */
  readonly slot: number
}

/**
 * The tables of one module. The host calls `begin` before a handler and `commit` or `rollback` after
 * it; outside of that every change throws `ModuleMisuse`, which is what a query is to see.
 */
export class ModuleTables {
  /** Where `encode` writes. */
  readonly encoded: Words = allocateWords(MODULE_ROW_BYTES_MAX)
  readonly #module: string
  readonly #numbers = new CreationNumbers()
  readonly #changes: TableChange[] = []
  readonly #tables: readonly RowTable[]
  readonly #byName: ReadonlyMap<string, RowTable>
  readonly #bySchema = new Map<TableSchema, RowTable>()
  /** Changes before the last `begin`. */
  #mark = 0

  /** Throws `ModuleMisuse` where a schema is wrong: before any command, so that the start fails. */
  constructor(module: string, schemas: readonly TableSchema[]) {
    const log = { numbers: this.#numbers, changes: this.#changes, encoded: this.encoded }
    this.#module = module
    this.#tables = schemas.map((schema, place) => {
      const table = new RowTable(new RowSchema(module, schema, place), log)
      this.#bySchema.set(schema, table)
      return table
    })
    this.#byName = new Map(this.#tables.map((table) => [table.schema.name, table]))
    checkTableNames(module, schemas)
  }

  /** Rows in all tables. */
  get rowCount(): number {
    let count = 0
    for (const table of this.#tables) count += table.count
    return count
  }

  /** The table of one of the module's own schemas (the same object). The same Table each time. */
  table<const S extends TableSchema>(schema: S): Table<S> {
    const table = this.#bySchema.get(schema)
    if (table !== undefined) return table as unknown as Table<S>
    const name = show((schema as TableSchema | undefined)?.name)
    const sentence = `no table of the schema ${name}: list this very object under the module's tables`
    throw new ModuleMisuse(`${this.#module} has ${sentence}`)
  }

  /**
   * Changes are allowed and noted from here on. Rows that are inserted get the creation numbers
   * (sequence, 0), (sequence, 1), ...: a `begin` with the sequence of the one before counts on. Called
   * again before `commit` or `rollback` it begins the next member of a chain: what `changes` tells
   * starts anew, what `rollback` takes back does not.
   */
  begin(sequence: number): void {
    this.#numbers.begin(sequence)
    this.#mark = this.#changes.length
  }

  /** Takes back everything since the first `begin`, creation numbers too. */
  rollback(): void {
    for (;;) {
      const change = this.#changes.pop()
      if (change === undefined) break
      change.table.takeBack(change)
    }
    this.#mark = 0
    this.#numbers.rollback()
  }

  /** What was done stands; `changes` is empty after it. */
  commit(): void {
    const changes = this.#changes
    for (let n = 0; n < changes.length; n++) {
      const change = changes[n] as TableChange
      change.table.commit(change)
    }
    if (changes.length > 0) changes.length = 0
    this.#mark = 0
    this.#numbers.commit()
  }

  /**
   * The rows changed since the last `begin`, each once, in order of their first change. One that was
   * inserted and taken out again is none.
   */
  changes(): readonly ChangedRow[] {
    const { length } = this.#changes
    if (length === this.#mark) return []
    if (length === this.#mark + 1) return [changedRow(this.#changes[this.#mark] as TableChange)]
    const seen = length - this.#mark > FEW_CHANGES ? new SeenKeys() : undefined
    const changed: ChangedRow[] = []
    for (let n = this.#mark; n < length; n++) {
      const change = this.#changes[n] as TableChange
      const { table, what, key } = change
      if (seen === undefined ? this.#isSeen(n) : seen.add(table, key)) continue
      if (what !== 'insert' || table.slotOf(key) !== 0) changed.push(changedRow(change))
    }
    return changed
  }

  /** Whether a change before the one at `n` was of the same row. */
  #isSeen(n: number): boolean {
    const { table, key } = this.#changes[n] as TableChange
    for (let i = this.#mark; i < n; i++) {
      const before = this.#changes[i] as TableChange
      if (before.table === table && before.key === key) return true
    }
    return false
  }

  /**
   * Writes the canonical bytes of what `changes` gave from byte 0 of `encoded`; gives back how many, a
   * multiple of 8. A row taken out is its head and its key.
   */
  encode(change: ChangedRow): number {
    const table = this.#byName.get(change.table) as RowTable
    if (change.row === undefined) {
      return table.schema.writeTakenOut(this.encoded, 0, change, change.key)
    }
    return table.copyBytes(change.slot, this.encoded)
  }

  /** Every row, table by table, in order of creation: for audits. Nothing may change meanwhile. */
  *rows(): Generator<{ readonly table: string; readonly key: string; readonly row: Row }, void> {
    for (const table of this.#tables) {
      const { name } = table.schema
      for (const row of table.rows()) yield { table: name, key: table.schema.keyOf(row), row }
    }
  }

  /** Length of all that `exportRows` gives. */
  exportBytes(): number {
    let bytes = 0
    for (const table of this.#tables) bytes += table.bytes
    return bytes
  }

  /**
   * The canonical bytes of every row, table by table, in order of creation. Each is good until the next
   * is asked for; nothing may change from the first to the last.
   */
  *exportRows(): Generator<Uint8Array, void> {
    for (const table of this.#tables) {
      for (const slot of table.slots()) yield table.bytesOf(slot)
    }
  }

  /**
   * Adds the row that `exportRows` gave, at byte `at` of `words`, a multiple of 8, in the order in which
   * it was given, to tables that began empty; gives back its length, which is its first u32. Throws
   * `EngineFault` of kind `state`.
   */
  importRow(words: Words, at: number): number {
    const bytes = lengthAt(words, at, MODULE_ROW.fields)
    if (bytes === 0) throw stateFault(`a row of ${this.#module} is cut`)
    const table = this.#tables[words.u32[(at + MODULE_ROW.table) >>> 2] as number]
    if (table === undefined) throw stateFault(`a row of a table that ${this.#module} has not`)
    const { schema } = table
    const sequence = words.f64[(at + MODULE_ROW.sequence) >>> 3] as number
    const index = words.u32[(at + MODULE_ROW.index) >>> 2] as number
    const row = schema.read(words, at, at + bytes)
    const created = { sequence, index }
    if (!isSame(words, at, bytes, this.encoded, schema.write(this.encoded, 0, created, row))) {
      throw stateFault(`a row of ${schema.title} that no engine writes`)
    }
    const key = schema.keyOf(row)
    this.#guardImport(table, created, key)
    table.add(key, row, created, bytes)
    if (compareCreated(created, this.#numbers.last) > 0) this.#numbers.follow(created)
    return bytes
  }

  #guardImport(table: RowTable, created: Created, key: string): void {
    const { title, rowsMax } = table.schema
    const { last } = table
    if (!(Number.isSafeInteger(created.sequence) && created.sequence >= 0)) {
      throw stateFault(`a row of ${title} made at ${created.sequence}`)
    }
    if (last !== undefined && compareCreated(last, created) >= 0) {
      throw stateFault(`a row of ${title} that is not where it belongs`)
    }
    if (table.slotOf(key) !== 0) throw stateFault(`two rows of ${title} with one key`)
    if (table.count >= rowsMax) throw stateFault(`more than ${rowsMax} rows of ${title}`)
  }
}

/** The rows that were seen, by table and key. */
class SeenKeys {
  readonly #keys = new Map<RowTable, Set<string>>()

  /** Whether it was seen before; it is from now on. */
  add(table: RowTable, key: string): boolean {
    const keys = this.#keys.get(table)
    if (keys === undefined) {
      this.#keys.set(table, new Set([key]))
      return false
    }
    if (keys.has(key)) return true
    keys.add(key)
    return false
  }
}

/** The row of a change as it is now. */
function changedRow({ table, key, slot }: TableChange): ChangedRow {
  const now = table.slotOf(key)
  const own = now === 0 ? slot : now
  const { sequence, index } = table.created.of(own)
  const row = now === 0 ? undefined : table.row(now)
  return { table: table.schema.name, key, row, sequence, index, slot: own }
}
