// Whether a module can be hosted at all, asked before there is an engine: what only shows in its tables and
// names. What several modules have to do with each other is for the registry.

import type { Module } from './module.ts'
import { ModuleMisuse } from './module-errors.ts'
import { rulesText } from './module-rules.ts'
import { checkSchema } from './module-schema.ts'

/**
 * Throws `ModuleMisuse` where the module's name, its version or one of its tables is wrong. It is of the
 * shape that module.ts says.
 */
export function checkModule(module: Module): void {
  rulesText([module])
  const { name, tables } = module
  for (const table of tables) checkSchema(name, table)
  checkTableNames(name, tables)
}

/** Throws `ModuleMisuse` where two tables of a module have one name. */
export function checkTableNames(module: string, tables: Module['tables']): void {
  if (new Set(tables.map(({ name }) => name)).size === tables.length) return
  throw new ModuleMisuse(`${module} has two tables of one name: name them differently`)
}
