// Compiled JSON schemas, and the sentence for the first thing that is wrong with a value. Knows no
// field by name but `metadata` and `commands`, which may be long: what is asked for is in the schemas.

import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { type JsonSchema, METADATA_ENTRIES_MAX } from '../protocol/index.ts'

/** The part of a validator's error that sentences are made from. */
interface FieldError {
  readonly keyword: string
  readonly instancePath: string
  readonly params: object
  readonly message: string
}

/** One schema ready to check values. */
export interface SchemaCheck {
  /** The schema's fields, in its order. */
  readonly fields: readonly string[]
  readonly names: ReadonlySet<string>
  /** What to say where it has too few: the schema's `x-lacks`. */
  readonly lacks: string
  readonly validator: {
    Check(value: unknown): boolean
    Errors(value: unknown): readonly FieldError[]
  }
}

/** Compiles the schema of an object. Fields that it does not name are refused, whether it says so or not. */
export function compileSchema(schema: JsonSchema): SchemaCheck {
  const { properties = {}, 'x-lacks': lacks = 'more fields' } = schema as {
    properties?: Readonly<Record<string, unknown>>
    'x-lacks'?: string
  }
  const closed = { type: 'object', ...schema, additionalProperties: false } as unknown as TSchema
  const fields = Object.keys(properties)
  return { fields, names: new Set(fields), lacks, validator: Compile(closed) }
}

/** What is wrong with `value`, which `path` names, or undefined. */
export function schemaFault(check: SchemaCheck, value: unknown, path = ''): string | undefined {
  if (check.validator.Check(value)) return undefined
  if (!isObject(value)) {
    return path === '' ? 'The body must be a JSON object.' : `${path} must be an object.`
  }
  // The cheap faults first: a list of all errors of a large object takes long to make.
  for (const key of Object.keys(value)) {
    if (!check.names.has(key)) return `${joinPath(path, cut(key))} is not a field of this request.`
  }
  const { metadata, commands } = value
  if (isObject(metadata) && Object.keys(metadata).length > METADATA_ENTRIES_MAX) {
    return `${joinPath(path, 'metadata')} has more than ${METADATA_ENTRIES_MAX} entries.`
  }
  const shown = Array.isArray(commands) ? { ...value, commands: commands.slice(0, 1) } : value
  const error = check.validator.Errors(shown)[0]
  return error === undefined ? 'The body is not as asked for.' : sentence(error, path, check.lacks)
}

/** A schema ready to check what is no request: what modules export. Other fields may be there too. */
export type Shape = SchemaCheck['validator']

/** Compiles a schema as it is. */
export function compileShape(schema: JsonSchema): Shape {
  return Compile(schema as unknown as TSchema)
}

/** What is wrong with `value`, which `path` names, or undefined. */
export function shapeFault(shape: Shape, value: unknown, path: string): string | undefined {
  if (shape.Check(value)) return undefined
  const errors = shape.Errors(value)
  // What says only that a part of the schema does not fit says nothing of the value.
  const error = errors.find(({ keyword }) => keyword !== 'if') ?? errors[0]
  return error === undefined ? `${path} is not as it should be.` : sentence(error, path, '')
}

/** Whether `value` is what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The first error in words. */
function sentence(error: FieldError, path: string, lacks: string): string {
  const at = fieldOf(error.instancePath, path)
  const params = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'required':
      return `${joinPath(at, (params.requiredProperties as string[])[0] as string)} is missing.`
    case 'type':
      return `${subject(at)} must be ${typeWords(params.type)}.`
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
    case 'enum':
      return `${subject(at)} must be one of ${(params.allowedValues as string[]).join(', ')}.`
    case 'minProperties':
      return `${subject(at)} must have ${lacks}.`
    default:
      return `${subject(at)} ${error.message}.`
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'a string',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
}

function typeWords(type: unknown): string {
  return [type]
    .flat()
    .map((one) => TYPE_WORDS[String(one)] ?? String(one))
    .join(' or ')
}

function fieldOf(pointer: string, path: string): string {
  let field = path
  for (const part of pointer.split('/').slice(1)) {
    field = joinPath(field, cut(part.replaceAll('~1', '/').replaceAll('~0', '~')))
  }
  return field
}

/** `commands[3].amount` for `commands[3]` and `amount`. */
export function joinPath(path: string, field: string): string {
  return path === '' ? field : `${path}.${field}`
}

/** A field as the subject of a sentence. */
export function subject(field: string): string {
  return field === '' ? 'The body' : field
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}
