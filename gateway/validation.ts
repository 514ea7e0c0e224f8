// Checks of parsed bodies: which schema holds for what. How a schema is checked, and the sentence for the
// first thing that is wrong, is in surface/; what is asked for is in schemas.ts.

import type { TSchema } from 'typebox'
import type { CommandName } from '../protocol/index.ts'
import {
  compileSchema,
  isObject,
  joinPath,
  type SchemaCheck,
  schemaFault,
  subject,
} from '../surface/index.ts'
import { BODY_SCHEMAS, type BodyName, COMMAND_SCHEMAS } from './schemas.ts'

function compileAll<Name extends string>(
  schemas: Readonly<Record<Name, TSchema>>,
): ReadonlyMap<string, SchemaCheck> {
  const names = Object.keys(schemas) as Name[]
  return new Map(names.map((name) => [name, compileSchema(schemas[name])]))
}

const BODIES = compileAll<BodyName>(BODY_SCHEMAS)
const COMMANDS = compileAll<CommandName>(COMMAND_SCHEMAS)

/** What is wrong with `value` as a body with this schema, or undefined. */
export function bodyFault(name: BodyName, value: unknown): string | undefined {
  return schemaFault(BODIES.get(name) as SchemaCheck, value)
}

/** What is wrong with `value` as the member of a batch that `path` names, or undefined. */
export function commandFault(value: unknown, path: string): string | undefined {
  if (!isObject(value)) return `${subject(path)} must be an object.`
  const type = value.type
  const check = typeof type === 'string' ? COMMANDS.get(type) : undefined
  if (check !== undefined) return schemaFault(check, value, path)
  if (type === undefined) return `${joinPath(path, 'type')} is missing.`
  return `${joinPath(path, 'type')} must be one of ${[...COMMANDS.keys()].join(', ')}.`
}
