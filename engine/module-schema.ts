// What a table's schema has to be, checked before the first command, so that a module that is wrong
// does not start. Knows nothing of rows.

import type { FieldType, TableSchema } from './module.ts'
import { ModuleMisuse } from './module-errors.ts'

/** Most fields of a table: a bit for each in a row's head. */
export const MODULE_ROW_FIELDS_MAX = 32

/** Largest `rowsMax`, 2^23: its columns are 0.35 GB then, and 0.42 GB more for each index. */
export const MODULE_ROWS_MAX = 8_388_608

const NAME = /^[a-z][a-zA-Z0-9_-]{0,31}$/
const FIELD_NAME = /^[a-z][a-zA-Z0-9_]{0,31}$/
const FIELD_TYPE = /^(text|integer|flag)(\?)?$/

/** A field of a table. */
export interface Field {
  readonly name: string
  /** Which of the fields it is, from 0. */
  readonly place: number
  readonly type: 'text' | 'integer' | 'flag'
  readonly isNullable: boolean
}

/** An index of a table: some of its fields. */
export interface RowIndex {
  readonly name: string
  readonly fields: readonly Field[]
}

/** What of a schema is used over and over. */
export interface CheckedSchema {
  /** `module.table`. */
  readonly title: string
  readonly fields: readonly Field[]
  readonly byName: ReadonlyMap<string, Field>
  readonly indexes: readonly RowIndex[]
}

/** Throws `ModuleMisuse`, with what to do, where a schema is wrong. */
export function checkSchema(module: string, schema: TableSchema): CheckedSchema {
  const title = `${module}.${schema.name}`
  const refuse = (sentence: string): never => {
    throw new ModuleMisuse(`${title}: ${sentence}`)
  }
  const { name, rowsMax } = schema
  if (!NAME.test(name)) refuse('name the table in 1 to 32 letters, digits, _ and -, a-z first')
  if (!(Number.isSafeInteger(rowsMax) && rowsMax >= 1 && rowsMax <= MODULE_ROWS_MAX)) {
    refuse(`rowsMax is ${show(rowsMax)}: give an integer from 1 to ${MODULE_ROWS_MAX}`)
  }
  const fields = fieldsOf(schema, refuse)
  const byName = new Map(fields.map((field) => [field.name, field]))
  const key = byName.get(schema.key)
  if (key === undefined || key.type !== 'text' || key.isNullable) {
    refuse(`the key ${show(schema.key)} is to be one of the fields, of type "text"`)
  }
  return { title, fields, byName, indexes: indexesOf(schema, byName, refuse) }
}

function fieldsOf({ fields }: TableSchema, refuse: (sentence: string) => never): Field[] {
  const names = Object.keys(fields)
  if (names.length === 0 || names.length > MODULE_ROW_FIELDS_MAX) {
    refuse(`${names.length} fields: declare 1 to ${MODULE_ROW_FIELDS_MAX}`)
  }
  return names.map((name, place) => {
    const type: FieldType | undefined = fields[name]
    const parts = FIELD_TYPE.exec(String(type))
    if (!FIELD_NAME.test(name)) {
      refuse(`name the field ${show(name)} in 1 to 32 letters, digits and _, a-z first`)
    }
    if (parts === null) {
      return refuse(`${name} is of type ${show(type)}: text, integer or flag, with ? for null`)
    }
    return { name, place, type: parts[1] as Field['type'], isNullable: parts[2] === '?' }
  })
}

function indexesOf(
  schema: TableSchema,
  byName: ReadonlyMap<string, Field>,
  refuse: (sentence: string) => never,
): RowIndex[] {
  return Object.entries(schema.indexes ?? {}).map(([name, names]) => {
    if (!NAME.test(name)) {
      refuse(`name the index ${show(name)} in 1 to 32 letters, digits, _ and -, a-z first`)
    }
    if (names.length === 0) refuse(`the index ${name} is of no fields: give one at least`)
    if (new Set(names).size < names.length) refuse(`the index ${name} names a field twice`)
    const fields = names.map(
      (field) => byName.get(field) ?? refuse(`the index ${name} is of ${show(field)}, no field`),
    )
    return { name, fields }
  })
}

/** A value in a message, cut where it is long. */
export function show(value: unknown): string {
  if (typeof value === 'function' || (typeof value === 'object' && value !== null)) {
    if (Array.isArray(value)) return 'a list'
    return typeof value === 'function' ? 'a function' : 'an object'
  }
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 80 ? `${text.slice(0, 80)}...` : text
}
