// The rows of one table: which ones its schema allows, the canonical bytes of a row, and a row out of its
// bytes. Keeps no rows; module-table.ts does.
//
// A row's bytes, which snapshots and digests take: a head, and then the fields that are not null, in
// the schema's order. A text is as in module-bytes.ts, an integer a double, a flag a u32 of 0 or 1 and a
// u32 of 0. A row that was taken out is a head with all bits of `nulls` set, and its key.

import { type Words, writeF64 } from '../protocol/index.ts'
import { hashOfNumber, hashOfText } from './id-hash.ts'
import type { TableSchema, Value } from './module.ts'
import {
  endOfText,
  isText,
  ownText,
  readText,
  TEXT_BYTES_MAX,
  textBytes,
  textFault,
  writeText,
} from './module-bytes.ts'
import type { Created } from './module-creation.ts'
import { ModuleMisuse } from './module-errors.ts'
import { type Row, type RowShape, shapeOfRows } from './module-row-shape.ts'
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

export type { Row } from './module-row-shape.ts'

/** Fields by name, and their values, as somebody gave them. */
export interface Given {
  readonly names: readonly string[]
  readonly values: readonly unknown[]
}

/** The schema of a table, checked, and what follows from it. */
export class RowSchema {
  readonly name: string
  /** How messages call the table: `calls.calls`. */
  readonly title: string
  readonly rowsMax: number
  readonly indexes: readonly RowIndex[]
  readonly #place: number
  readonly #keyField: Field
  readonly #fields: readonly Field[]
  readonly #byName: ReadonlyMap<string, Field>
  readonly #shape: RowShape
  /** Values of the row that is made or taken apart. */
  readonly #values: Value[]

  /** `place` is the table's among the module's. Throws `ModuleMisuse` where the schema is wrong. */
  constructor(module: string, schema: TableSchema, place: number) {
    const { title, fields, byName, indexes } = checkSchema(module, schema)
    this.name = schema.name
    this.title = title
    this.rowsMax = schema.rowsMax
    this.indexes = indexes
    this.#place = place
    this.#keyField = byName.get(schema.key) as Field
    this.#fields = fields
    this.#byName = byName
    this.#shape = shapeOfRows(fields)
    this.#values = fields.map(() => null)
  }

  /** The key of a row that `create` gave. */
  keyOf(row: Row): string {
    return row[this.#keyField.name] as string
  }

  /** A row of `values`, which are as the schema says. */
  create(values: Readonly<Record<string, unknown>>): Row {
    const fields = this.#fields
    // What the caller's object has is read at once, into a list of its own: its code may run here, and call.
    const given: unknown[] = []
    this.#shape.take(values, given)
    const names = Object.keys(values)
    for (let i = 0; i < fields.length; i++) given[i] = this.#checked(fields[i] as Field, given[i])
    // All fields are there: with more names than these there is one that is none.
    if (names.length !== fields.length) {
      for (const name of names) if (!this.#byName.has(name)) throw this.#noField(name)
    }
    return this.#shape.make(given as Value[])
  }

  /** What an object of changes has, read at once for the same reason: before the row is looked for. */
  given(changes: Readonly<Record<string, unknown>>): Given {
    const names = Object.keys(changes)
    return { names, values: names.map((name) => changes[name]) }
  }

  /** `row` with what was given; the same object where that changes nothing. */
  change(row: Row, { names, values }: Given): Row {
    const own = this.#values
    let isChanged = false
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string
      const field = this.#byName.get(name)
      if (field === undefined) throw this.#noField(name)
      const value = this.#checked(field, values[i])
      if (value === row[name]) continue
      if (field === this.#keyField) {
        const sentence = `the key ${show(row[name])} cannot become ${show(value)}`
        throw new ModuleMisuse(`${this.title}: ${sentence}: remove the row and insert another`)
      }
      if (!isChanged) this.#shape.take(row, own)
      isChanged = true
      own[field.place] = value
    }
    return isChanged ? this.#shape.make(own) : row
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

  /** What a scan of an index looks for, checked, into `sought`. */
  seek(index: RowIndex, values: readonly unknown[], sought: Value[]): void {
    const { fields, name } = index
    if (!Array.isArray(values) || values.length !== fields.length) {
      const names = fields.map((field) => field.name).join(', ')
      throw new ModuleMisuse(`${this.title}: the index ${name} takes a list of values for ${names}`)
    }
    // Read before anything is kept: the caller's code may run here, and scan.
    const given = [...values]
    for (let i = 0; i < fields.length; i++) {
      sought[i] = this.#checked(fields[i] as Field, given[i])
    }
  }

  /** What finds a row in an index, into `sought`. */
  seekRow({ fields }: RowIndex, row: Row, sought: Value[]): void {
    for (let i = 0; i < fields.length; i++) sought[i] = row[(fields[i] as Field).name] as Value
  }

  /** Whether what is sought in an index finds the row whose bytes are at `at`. */
  isFound({ fields }: RowIndex, words: Words, at: number, sought: readonly Value[]): boolean {
    const nulls = words.u32[(at + MODULE_ROW.nulls) >>> 2] as number
    for (let i = 0; i < fields.length; i++) {
      const { place, type } = fields[i] as Field
      const value = sought[i] as Value
      const isNull = ((nulls >>> place) & 1) !== 0
      if (isNull !== (value === null)) return false
      if (isNull) continue
      const from = this.#placeOf(words, at, nulls, place)
      if (type === 'text') {
        if (!isText(words, from, value as string)) return false
      } else if (readNumber(words, from, type) !== value) return false
    }
    return true
  }

  /** Whether the row whose bytes are at `at` has this key. */
  hasKey(words: Words, at: number, key: string): boolean {
    const nulls = words.u32[(at + MODULE_ROW.nulls) >>> 2] as number
    return isText(words, this.#placeOf(words, at, nulls, this.#keyField.place), key)
  }

  /** Where the field of this place begins in the row at `at`; it is not null. */
  #placeOf(words: Words, at: number, nulls: number, place: number): number {
    let from = at + MODULE_ROW.fields
    for (let i = 0; i < place; i++) {
      if (((nulls >>> i) & 1) !== 0) continue
      from = (this.#fields[i] as Field).type === 'text' ? endOfText(words, from) : from + 8
    }
    return from
  }

  /** Whether two rows are found by different values in an index. */
  differ({ fields }: RowIndex, a: Row, b: Row): boolean {
    for (const { name } of fields) if (a[name] !== b[name]) return true
    return false
  }

  /** Writes a row's canonical bytes at byte `at`, a multiple of 8; gives back their length. */
  write(words: Words, at: number, created: Created, row: Row): number {
    const own = this.#values
    this.#shape.take(row, own)
    let nulls = 0
    let end = at + MODULE_ROW.fields
    for (let i = 0; i < own.length; i++) {
      const value = own[i] as Value
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

  /** The row whose bytes, which `write` wrote, are at `at` of `words`, whose memory is `buffer` too. */
  row(words: Words, buffer: Buffer, at: number): Row {
    const nulls = words.u32[(at + MODULE_ROW.nulls) >>> 2] as number
    const fields = this.#fields
    const own = this.#values
    let from = at + MODULE_ROW.fields
    for (let i = 0; i < fields.length; i++) {
      const { type } = fields[i] as Field
      if (((nulls >>> i) & 1) !== 0) {
        own[i] = null
      } else if (type === 'text') {
        own[i] = ownText(words, buffer, from)
        from = endOfText(words, from)
      } else {
        own[i] = readNumber(words, from, type)
        from += 8
      }
    }
    return this.#shape.make(own)
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

/** The hash of what is sought in an index, for this process. */
export function hashOfSought(sought: readonly Value[]): number {
  let hash = 0
  for (let i = 0; i < sought.length; i++) {
    const value = sought[i] as Value
    if (typeof value === 'string') hash = hashOfText(value, hash)
    else if (typeof value === 'number') hash = hashOfNumber(value, hash)
    else hash = hashOfNumber(value === null ? -1 : value ? -2 : -3, hash)
  }
  return hash
}

function writeFlag({ u32 }: Words, at: number, flag: boolean): void {
  u32[at >>> 2] = flag ? 1 : 0
  u32[(at >>> 2) + 1] = 0
}

function readNumber(words: Words, at: number, type: 'integer' | 'flag'): number | boolean {
  return type === 'integer' ? (words.f64[at >>> 3] as number) : words.u32[at >>> 2] === 1
}
