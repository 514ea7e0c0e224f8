// The rows of one table: which ones its schema allows, what finds them in an index, and the canonical
// bytes of a row. Keeps no rows; module-table.ts does.
//
// A row's bytes, which snapshots and digests take: a head, and then the fields that are not null, in
// the schema's order. A text is as in module-bytes.ts, an integer a double, a flag a u32 of 0 or 1 and a
// u32 of 0. A row that was taken out is a head with all bits of `nulls` set, and its key.

import { type Words, writeF64 } from '../protocol/index.ts'
import type { TableSchema, Value } from './module.ts'
import { readText, TEXT_BYTES_MAX, textBytes, textFault, writeText } from './module-bytes.ts'
import type { Created } from './module-creation.ts'
import { ModuleMisuse } from './module-errors.ts'
import {
  checkSchema,
  type Field,
  MODULE_ROW_FIELDS_MAX,
  type RowIndex,
  show,
} from './module-schema.ts'
import { stateFault } from './state-input.ts'

/** Offsets in a row's head. */
export const MODULE_ROW = {
  /** u32: the whole row, a multiple of 8. */
  bytes: 0,
  /** u32: the table's place among the module's tables, from 0. */
  table: 4,
  /** A double, and a u32: the row's creation numbers. */
  sequence: 8,
  index: 16,
  /** u32: a bit for each field that is null, from the lowest on. */
  nulls: 20,
  fields: 24,
} as const

/** What the longest row fits in. */
export const MODULE_ROW_BYTES_MAX: number =
  MODULE_ROW.fields + MODULE_ROW_FIELDS_MAX * TEXT_BYTES_MAX

/** `nulls` of a row that was taken out; a key is never null. */
const TAKEN_OUT = 0xffffffff

/** A row: frozen, with the schema's fields in its order. */
export type Row = Readonly<Record<string, Value>>

/** The schema of a table, checked, and what follows from it. */
export class RowSchema {
  readonly name: string
  /** How messages call the table: `calls.calls`. */
  readonly title: string
  readonly rowsMax: number
  readonly indexes: readonly RowIndex[]
  readonly #place: number
  readonly #key: string
  readonly #fields: readonly Field[]
  readonly #byName: ReadonlyMap<string, Field>

  /** `place` is the table's among the module's. Throws `ModuleMisuse` where the schema is wrong. */
  constructor(module: string, schema: TableSchema, place: number) {
    const { title, fields, byName, indexes } = checkSchema(module, schema)
    this.name = schema.name
    this.title = title
    this.rowsMax = schema.rowsMax
    this.indexes = indexes
    this.#place = place
    this.#key = schema.key
    this.#fields = fields
    this.#byName = byName
  }

  /** The key of a row that `create` gave. */
  keyOf(row: Row): string {
    return row[this.#key] as string
  }

  /** A row of `values`, which are as the schema says. */
  create(values: Readonly<Record<string, unknown>>): Row {
    const row: Record<string, Value> = {}
    for (const field of this.#fields) row[field.name] = this.#checked(field, values[field.name])
    for (const name of Object.keys(values)) {
      if (!this.#byName.has(name)) throw this.#noField(name)
    }
    return Object.freeze(row)
  }

  /** `row` with `changes`; the same object where they change nothing. */
  change(row: Row, changes: Readonly<Record<string, unknown>>): Row {
    let changed: Record<string, Value> | undefined
    for (const name of Object.keys(changes)) {
      const field = this.#byName.get(name)
      if (field === undefined) throw this.#noField(name)
      const value = this.#checked(field, changes[name])
      if (value === row[name]) continue
      if (name === this.#key) {
        const sentence = `the key ${show(row[name])} cannot become ${show(value)}`
        throw new ModuleMisuse(`${this.title}: ${sentence}: remove the row and insert another`)
      }
      changed ??= { ...row }
      changed[name] = value
    }
    return changed === undefined ? row : Object.freeze(changed)
  }

  #checked(field: Field, value: unknown): Value {
    switch (typeof value) {
      case 'string': {
        if (field.type !== 'text') break
        const fault = textFault(value)
        if (fault === undefined) return value
        throw new ModuleMisuse(`${this.title}.${field.name} ${fault}`)
      }
      case 'number':
        if (field.type !== 'integer' || !Number.isSafeInteger(value)) break
        // -0 is 0 to every comparison, and has other bytes.
        return value === 0 ? 0 : value
      case 'boolean':
        if (field.type === 'flag') return value
        break
      default:
        if (value === null && field.isNullable) return null
    }
    throw this.#wrongType(field, value)
  }

  #wrongType({ name, type, isNullable }: Field, value: unknown): ModuleMisuse {
    const what = type === 'integer' ? 'an integer within +-(2^53 - 1)' : `a ${type}`
    const isGap = value === null || value === undefined
    const orNull = isNullable ? ' or null' : ''
    const advice = isGap && !isNullable ? `, or declare it "${type}?" where it may be null` : ''
    const sentence = `takes ${what}${orNull}, not ${show(value)}`
    return new ModuleMisuse(`${this.title}.${name} ${sentence}: give one${advice}`)
  }

  #noField(name: string): ModuleMisuse {
    const names = this.#fields.map((field) => field.name).join(', ')
    return new ModuleMisuse(`${this.title} has no field ${show(name)}: it has ${names}`)
  }

  /** What a scan of an index that there is not comes to. */
  noIndex(name: unknown): ModuleMisuse {
    const names = this.indexes.map((index) => index.name).join(', ')
    const advice = names === '' ? 'declare it in the schema' : `it has ${names}`
    return new ModuleMisuse(`${this.title} has no index ${show(name)}: ${advice}`)
  }

  /** What a scan of an index looks for, checked: equal for equal lists of values alone. */
  sought(index: RowIndex, values: readonly unknown[]): Value {
    const { fields, name } = index
    if (!Array.isArray(values) || values.length !== fields.length) {
      const names = fields.map((field) => field.name).join(', ')
      throw new ModuleMisuse(`${this.title}: the index ${name} takes a list of values for ${names}`)
    }
    if (fields.length === 1) return this.#checked(fields[0] as Field, values[0])
    let joined = ''
    for (let i = 0; i < fields.length; i++) {
      joined += part(this.#checked(fields[i] as Field, values[i]))
    }
    return joined
  }

  /** What finds a row in an index: what `sought` gives for its values. */
  joined({ fields }: RowIndex, row: Row): Value {
    if (fields.length === 1) return row[(fields[0] as Field).name] as Value
    let joined = ''
    for (const field of fields) joined += part(row[field.name] as Value)
    return joined
  }

  /** Whether two rows are found by different values in an index. */
  differ({ fields }: RowIndex, a: Row, b: Row): boolean {
    for (const { name } of fields) if (a[name] !== b[name]) return true
    return false
  }

  /** Length of a row's canonical bytes. */
  bytesOf(row: Row): number {
    let bytes: number = MODULE_ROW.fields
    for (const { name } of this.#fields) {
      const value = row[name] as Value
      if (value !== null) bytes += typeof value === 'string' ? textBytes(value) : 8
    }
    return bytes
  }

  /** Writes a row's canonical bytes at byte `at`, a multiple of 8; gives back their length. */
  write(words: Words, at: number, created: Created, row: Row): number {
    let nulls = 0
    let end = at + MODULE_ROW.fields
    for (let i = 0; i < this.#fields.length; i++) {
      const value = row[(this.#fields[i] as Field).name] as Value
      if (value === null) {
        nulls |= 1 << i
      } else if (typeof value === 'string') {
        end = writeText(words, end, value)
      } else {
        if (typeof value === 'number') writeF64(words, end, value)
        else writeFlag(words, end, value)
        end += 8
      }
    }
    this.#writeHead(words, at, created, nulls, end)
    return end - at
  }

  /** Writes that the row with this key was taken out; gives back the length. */
  writeTakenOut(words: Words, at: number, created: Created, key: string): number {
    const end = writeText(words, at + MODULE_ROW.fields, key)
    this.#writeHead(words, at, created, TAKEN_OUT, end)
    return end - at
  }

  #writeHead(words: Words, at: number, created: Created, nulls: number, end: number): void {
    words.u32[(at + MODULE_ROW.bytes) >>> 2] = end - at
    words.u32[(at + MODULE_ROW.table) >>> 2] = this.#place
    writeF64(words, at + MODULE_ROW.sequence, created.sequence)
    words.u32[(at + MODULE_ROW.index) >>> 2] = created.index
    words.u32[(at + MODULE_ROW.nulls) >>> 2] = nulls
  }

  /**
   * The row whose bytes end at `end`. What it gives is a row of this table, and yet not all bytes that
   * are none are seen: the caller writes it again and compares. Throws `EngineFault` of kind `state`.
   */
  read(words: Words, at: number, end: number): Row {
    const nulls = words.u32[(at + MODULE_ROW.nulls) >>> 2] as number
    const values: Record<string, unknown> = {}
    let place = at + MODULE_ROW.fields
    for (let i = 0; i < this.#fields.length; i++) {
      const { name, type } = this.#fields[i] as Field
      if (((nulls >>> i) & 1) !== 0) {
        values[name] = null
        continue
      }
      if (place + 8 > end) throw stateFault(`a row of ${this.title} is cut`)
      const value = type === 'text' ? readText(words, place, end) : readNumber(words, place, type)
      values[name] = value
      place += typeof value === 'string' ? textBytes(value) : 8
    }
    try {
      return this.create(values)
    } catch (error) {
      if (error instanceof ModuleMisuse) throw stateFault(error.message)
      throw error
    }
  }
}

/** One of several values: what it begins with tells its end. */
function part(value: Value): string {
  if (typeof value === 'string') return `${value.length}:${value}`
  if (typeof value === 'number') return `${value};`
  return value === null ? '~' : value ? '+' : '-'
}

function writeFlag({ u32 }: Words, at: number, flag: boolean): void {
  u32[at >>> 2] = flag ? 1 : 0
  u32[(at >>> 2) + 1] = 0
}

function readNumber(words: Words, at: number, type: 'integer' | 'flag'): number | boolean {
  return type === 'integer' ? (words.f64[at >>> 3] as number) : words.u32[at >>> 2] === 1
}
