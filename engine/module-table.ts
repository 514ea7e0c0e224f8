// One table of a module, as its handlers see it: rows by key and by index. What it does it notes in the
// log that the module's tables share; module-tables.ts takes it back from there.

import type { Value } from './module.ts'
import { type Created, type CreationNumbers, CreationOrder } from './module-creation.ts'
import { ModuleFull, ModuleMisuse } from './module-errors.ts'
import { KeyMap } from './module-key-map.ts'
import type { Row, RowSchema } from './module-rows.ts'
import { type RowIndex, show } from './module-schema.ts'

/** A row in its table. */
export interface Entry extends Created {
  readonly key: string
  row: Row
  /** The set of each index in which it is. */
  readonly sets: IndexSet[]
}

/** The rows that one scan of an index finds. None is empty. */
class IndexSet extends CreationOrder<Entry> {
  readonly sought: Value

  constructor(sought: Value) {
    super()
    this.sought = sought
  }
}

/** An index, and its sets by what a scan looks for. */
interface IndexRows {
  readonly index: RowIndex
  readonly sets: KeyMap<Value, IndexSet>
}

/** One change of a table. */
export interface TableChange {
  readonly table: RowTable
  readonly what: 'insert' | 'update' | 'remove'
  readonly entry: Entry
  /** Of an update, the row before it. */
  readonly before: Row
}

/** What the tables of a module share. */
export interface TableLog {
  readonly numbers: CreationNumbers
  /** What was done since the first `begin`, in order. */
  readonly changes: TableChange[]
}

/** A table. Its face for handlers is `Table` in module.ts, with rows of any schema. */
export class RowTable {
  readonly schema: RowSchema
  readonly #log: TableLog
  readonly #byKey = new KeyMap<string, Entry>()
  readonly #inOrder = new CreationOrder<Entry>()
  readonly #indexes: readonly IndexRows[]

  constructor(schema: RowSchema, log: TableLog) {
    this.schema = schema
    this.#log = log
    this.#indexes = schema.indexes.map((index) => ({ index, sets: new KeyMap() }))
  }

  get count(): number {
    return this.#byKey.size
  }

  get(key: string): Row | undefined {
    if (typeof key !== 'string') throw this.#misuse(`get takes a key, a text, not ${show(key)}`)
    return this.#byKey.get(key)?.row
  }

  insert(values: Row): Row {
    this.#guardChange('insert', values)
    const row = this.schema.create(values)
    const key = this.schema.keyOf(row)
    if (this.#byKey.has(key)) {
      throw this.#misuse(
        `insert: there is a row ${show(key)} already: update it or take another key`,
      )
    }
    if (this.count >= this.schema.rowsMax) {
      const { title, rowsMax } = this.schema
      throw new ModuleFull(`${title} has its ${rowsMax} rows: remove some, or raise its rowsMax`)
    }
    const { numbers, changes } = this.#log
    const entry = this.add(key, row, numbers.sequence, numbers.take())
    changes.push({ table: this, what: 'insert', entry, before: row })
    return row
  }

  update(key: string, values: Partial<Row>): Row {
    this.#guardChange('update', values)
    const entry = this.#entryOf('update', key)
    const before = entry.row
    const row = this.schema.change(before, values)
    if (row === before) return row
    this.#setRow(entry, row)
    this.#log.changes.push({ table: this, what: 'update', entry, before })
    return row
  }

  remove(key: string): void {
    this.#guardChange('remove', NO_VALUES)
    const entry = this.#entryOf('remove', key)
    this.#delete(entry)
    this.#log.changes.push({ table: this, what: 'remove', entry, before: entry.row })
  }

  scan(name: string, values: readonly Value[], limit = Number.POSITIVE_INFINITY): Row[] {
    if (limit !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw this.#misuse(`scan takes a limit of 0 or more rows, not ${show(limit)}`)
    }
    const rows: Row[] = []
    this.#found(name, values)?.visit(limit, (entry) => {
      rows.push(entry.row)
    })
    return rows
  }

  countOf(name: string, values: readonly Value[]): number {
    return this.#found(name, values)?.count ?? 0
  }

  /** The row's place in the table; undefined where there is none with this key. */
  entry(key: string): Entry | undefined {
    return this.#byKey.get(key)
  }

  /** All rows in order of creation. */
  entries(): Iterable<Entry> {
    return this.#inOrder
  }

  /** The row that was created last of those that are there. */
  get last(): Entry | undefined {
    return this.#inOrder.last
  }

  /** Adds a row whose key is new, with these creation numbers. */
  add(key: string, row: Row, sequence: number, index: number): Entry {
    const entry: Entry = { sequence, index, key, row, sets: [] }
    this.#add(entry)
    return entry
  }

  #add(entry: Entry): void {
    this.#byKey.set(entry.key, entry)
    this.#inOrder.add(entry)
    for (let n = 0; n < this.#indexes.length; n++) this.#addTo(n, entry)
  }

  /** Takes back what was done last of what is left. */
  takeBack({ what, entry, before }: TableChange): void {
    if (what === 'insert') this.#delete(entry)
    else if (what === 'remove') this.#add(entry)
    else this.#setRow(entry, before)
  }

  #found(name: string, values: readonly Value[]): IndexSet | undefined {
    for (const { index, sets } of this.#indexes) {
      if (index.name === name) return sets.get(this.schema.sought(index, values))
    }
    throw this.schema.noIndex(name)
  }

  #setRow(entry: Entry, row: Row): void {
    const before = entry.row
    entry.row = row
    for (let n = 0; n < this.#indexes.length; n++) {
      if (!this.schema.differ((this.#indexes[n] as IndexRows).index, before, row)) continue
      this.#deleteFrom(n, entry)
      this.#addTo(n, entry)
    }
  }

  #delete(entry: Entry): void {
    this.#byKey.delete(entry.key)
    this.#inOrder.delete(entry)
    for (let n = 0; n < this.#indexes.length; n++) this.#deleteFrom(n, entry)
  }

  #addTo(n: number, entry: Entry): void {
    const { index, sets } = this.#indexes[n] as IndexRows
    const sought = this.schema.joined(index, entry.row)
    let set = sets.get(sought)
    if (set === undefined) {
      set = new IndexSet(sought)
      sets.set(sought, set)
    }
    set.add(entry)
    entry.sets[n] = set
  }

  #deleteFrom(n: number, entry: Entry): void {
    const set = entry.sets[n] as IndexSet
    set.delete(entry)
    if (set.count === 0) (this.#indexes[n] as IndexRows).sets.delete(set.sought)
  }

  #guardChange(verb: string, values: unknown): void {
    if (!this.#log.numbers.isOn) {
      throw this.#misuse(`${verb}: a query changes nothing: make it a command or a timer`)
    }
    if (typeof values !== 'object' || values === null) {
      throw this.#misuse(`${verb} takes an object of fields, not ${show(values)}`)
    }
  }

  #entryOf(verb: string, key: string): Entry {
    const entry = this.#byKey.get(key)
    if (entry !== undefined) return entry
    throw this.#misuse(`${verb}: there is no row ${show(key)}: look with get before`)
  }

  #misuse(sentence: string): ModuleMisuse {
    return new ModuleMisuse(`${this.schema.title}.${sentence}`)
  }
}

/** What a removal takes. */
const NO_VALUES: Row = {}
