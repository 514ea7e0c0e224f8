// Whether what a module's views.js exports agrees with its rules: a view is of a table that there is, with
// that table's fields and key.

import type { Module } from '../engine/index.ts'
import type { ModuleView } from '../protocol/index.ts'
import { shapeFault } from '../surface/index.ts'
import { firstFault, phrase, repeated, shapesFault, VIEW, VIEW_TABLE } from './module-shape.ts'

/** What is wrong with a module's view beside its rules, or undefined. */
export function viewFault(view: ModuleView, rules: Module): string | undefined {
  const shape =
    phrase(shapeFault(VIEW, view, 'view')) ?? shapesFault(VIEW_TABLE, view.tables, 'tables')
  if (shape !== undefined) return shape
  if (view.module !== rules.name) {
    return `module is ${view.module}, and its rules are named ${rules.name}`
  }
  // SQLite takes names that differ in their capitals alone for one.
  const twice = repeated(view.tables.map(({ table }) => table.toLowerCase()))
  if (twice !== undefined) return `the table ${twice} is there twice, in capitals or not`
  return firstFault(view.tables, (table, n) => tableFault(table, `tables[${n}]`, rules))
}

function tableFault(
  { table, fields, key, indexes }: ModuleView['tables'][number],
  name: string,
  rules: Module,
): string | undefined {
  const own = rules.tables.find((one) => one.name === table)
  if (own === undefined) return `${name} is of the table ${table}, which its rules do not have`
  const types: Readonly<Record<string, string>> = own.fields
  for (const [field, type] of Object.entries(fields)) {
    const said = `${name}.fields.${field} is ${type}`
    if (!Object.hasOwn(types, field)) return `${said}, and the table ${table} has no such field`
    if (types[field] !== type) return `${said}, and in the table ${table} it is ${types[field]}`
  }
  if (key !== own.key) return `${name}.key is ${key}, and the table ${table} has the key ${own.key}`
  const alike = repeated(Object.keys(fields).map((field) => field.toLowerCase()))
  if (alike !== undefined) return `${name}.fields has ${alike} twice, in capitals or not`
  const unknown = [key, ...indexes].find((field) => !Object.hasOwn(fields, field))
  if (unknown !== undefined) return `${name}.fields has no ${unknown}, which is its key or an index`
  const twice = repeated(indexes)
  return twice === undefined ? undefined : `${name}.indexes has ${twice} twice`
}
