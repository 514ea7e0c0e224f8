// Compiled checks of parsed bodies, and the sentence for the first thing that is wrong. Knows no
// field by name: what is asked for is in schemas.ts.

import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { type CommandName, METADATA_ENTRIES_MAX } from '../protocol/index.ts'
import { BODY_SCHEMAS, type BodyName, COMMAND_SCHEMAS } from './schemas.ts'

/** One schema ready to check values. */
interface Check {
  readonly schema: TSchema & { readonly properties: Readonly<Record<string, unknown>> }
  readonly validator: {
    Check(value: unknown): boolean
    Errors(value: unknown): readonly FieldError[]
  }
}

/** The part of a validator's error that sentences are made from. */
interface FieldError {
  readonly keyword: string
  readonly instancePath: string
  readonly params: object
  readonly message: string
}

function compile(schema: TSchema): Check {
  return { schema: schema as Check['schema'], validator: Compile(schema) }
}

function compileAll<Name extends string>(
  schemas: Readonly<Record<Name, TSchema>>,
): ReadonlyMap<string, Check> {
  const names = Object.keys(schemas) as Name[]
  return new Map(names.map((name) => [name, compile(schemas[name])]))
}

const BODIES = compileAll<BodyName>(BODY_SCHEMAS)
const COMMANDS = compileAll<CommandName>(COMMAND_SCHEMAS)

/** What is wrong with `value` as a body with this schema, or undefined. */
export function bodyFault(name: BodyName, value: unknown): string | undefined {
  return faultOf(BODIES.get(name) as Check, value, '')
}

/** What is wrong with `value` as the member of a batch that `path` names, or undefined. */
export function commandFault(value: unknown, path: string): string | undefined {
  if (!isObject(value)) return `${subject(path)} must be an object.`
  const type = value.type
  const check = typeof type === 'string' ? COMMANDS.get(type) : undefined
  if (check !== undefined) return faultOf(check, value, path)
  if (type === undefined) return `${join(path, 'type')} is missing.`
  return `${join(path, 'type')} must be one of ${[...COMMANDS.keys()].join(', ')}.`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function faultOf(check: Check, value: unknown, path: string): string | undefined {
  if (check.validator.Check(value)) return undefined
  if (!isObject(value)) return 'The body must be a JSON object.'
  // The cheap faults first: a list of all errors of a large object takes long to make.
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(check.schema.properties, key)) {
      return `${join(path, cut(key))} is not a field of this request.`
    }
  }
  const { metadata, commands } = value
  if (isObject(metadata) && Object.keys(metadata).length > METADATA_ENTRIES_MAX) {
    return `${join(path, 'metadata')} has more than ${METADATA_ENTRIES_MAX} entries.`
  }
  const shown = Array.isArray(commands) ? { ...value, commands: commands.slice(0, 1) } : value
  const error = check.validator.Errors(shown)[0]
  return error === undefined ? 'The body is not as asked for.' : sentence(error, path)
}

/** The first error in words. */
function sentence(error: FieldError, path: string): string {
  const at = fieldOf(error.instancePath, path)
  const params = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'required':
      return `${join(at, (params.requiredProperties as string[])[0] as string)} is missing.`
    case 'type':
      return `${subject(at)} must be ${TYPE_WORDS[String(params.type)] ?? params.type}.`
    case 'minimum':
      return `${subject(at)} must be at least ${params.limit}.`
    case 'maximum':
      return `${subject(at)} must be at most ${params.limit}.`
    case 'minLength':
      return `${subject(at)} must not be empty.`
    case 'maxLength':
      return `${subject(at)} must have at most ${params.limit} bytes.`
    case 'minItems':
      return `${subject(at)} must not be empty.`
    case 'const':
      return `${subject(at)} must be ${params.allowedValue}.`
    case 'minProperties':
      return `${subject(at)} must have an amount, a timeoutMs or both.`
    default:
      return `${subject(at)} ${error.message}.`
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  string: 'a string',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
}

function fieldOf(pointer: string, path: string): string {
  let field = path
  for (const part of pointer.split('/').slice(1)) {
    field = join(field, cut(part.replaceAll('~1', '/').replaceAll('~0', '~')))
  }
  return field
}

function join(path: string, field: string): string {
  return path === '' ? field : `${path}.${field}`
}

function subject(field: string): string {
  return field === '' ? 'The body' : field
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}
