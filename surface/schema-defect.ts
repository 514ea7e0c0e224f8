// Whether something is a JSON schema that can be held to: the validator takes an unknown type or a $ref to
// nowhere without a word, and then refuses every value, or none. Looked at once, at a start.

import type { JsonSchema } from '../protocol/index.ts'
import {
  compileSchema,
  compileShape,
  isObject,
  joinPath,
  shapeFault,
  subject,
} from './schema-check.ts'

const TYPES = { enum: ['string', 'integer', 'number', 'boolean', 'object', 'array', 'null'] }
const ANY = { $ref: '#' }
const LIST = { type: 'array', items: ANY, minItems: 1 }
const BY_NAME = { type: 'object', additionalProperties: ANY }
const COUNT = { type: 'integer', minimum: 0 }
const NUMBER = { type: 'number' }
const TEXT = { type: 'string' }

/** Words whose values are schemas by names, one schema, and lists of them; `items` is one or a list. */
const NAMED = ['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions']
const SINGLE = [
  ...['additionalProperties', 'propertyNames', 'unevaluatedProperties', 'unevaluatedItems'],
  ...['not', 'if', 'then', 'else', 'contains', 'additionalItems'],
]
const LISTED = ['allOf', 'anyOf', 'oneOf', 'prefixItems']

/** The words of JSON Schema whose values have a shape; those that it does not name may be anything. */
const WORDS: Readonly<Record<string, object>> = {
  ...all(['$id', '$anchor', '$ref', 'pattern', 'format', 'title', 'description'], TEXT),
  ...all(NAMED, BY_NAME),
  ...all(SINGLE, ANY),
  ...all(LISTED, LIST),
  ...all(
    ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'],
    COUNT,
  ),
  ...all(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'], NUMBER),
  multipleOf: { type: 'number', exclusiveMinimum: 0 },
  required: { type: 'array', items: TEXT },
  enum: { type: 'array', minItems: 1 },
  uniqueItems: { type: 'boolean' },
}

function all(words: readonly string[], schema: object): Record<string, object> {
  return Object.fromEntries(words.map((word) => [word, schema]))
}

/** A word that has one of several shapes is looked at by which of them it has. */
const EITHER = {
  type: forLists({ type: 'array', items: TYPES, minItems: 1 }, TYPES),
  items: forLists({ type: 'array', items: ANY }, ANY),
}

/** Both as an `else`: the validator says nothing of what is wrong within a `then`. */
function forLists(list: object, other: object): object {
  const isList = { type: 'array' }
  return {
    allOf: [
      { if: isList, else: other },
      { if: { not: isList }, else: list },
    ],
  }
}

const META = compileShape({
  if: { type: 'boolean' },
  else: { type: 'object', properties: { ...WORDS, ...EITHER } },
})

/** What is wrong with `schema`, which `path` names, as a JSON schema; undefined where nothing is. */
export function schemaDefect(schema: unknown, path: string): string | undefined {
  if (!isObject(schema)) return `${path} must be a schema: an object.`
  return shapeFault(META, schema, path) ?? textDefect(schema, path, schema)
}

/** The same of the schema of an object, as inputs and bodies have it. */
export function objectDefect(schema: unknown, path: string): string | undefined {
  const defect = schemaDefect(schema, path)
  if (defect !== undefined) return defect
  const { type = 'object', properties, required = [] } = schema as ObjectSchema
  if (type !== 'object') return `${subject(joinPath(path, 'type'))} must be "object".`
  const elsewhere = ['$ref', 'allOf', 'anyOf', 'oneOf'].find((word) => word in (schema as object))
  if (properties === undefined && elsewhere !== undefined) {
    return `${path} has ${elsewhere} and no properties: its fields have to stand in properties.`
  }
  const lacking = required.find((name) => !Object.hasOwn(properties ?? {}, name))
  if (lacking !== undefined) return `${path} requires ${lacking}, which its properties do not have.`
  return unusable(schema as JsonSchema, path)
}

/** What is looked at in the schema of an object. */
interface ObjectSchema {
  readonly type?: unknown
  readonly properties?: object
  readonly required?: readonly string[]
}

/** The last resort: whether the validator itself throws at it. */
function unusable(schema: JsonSchema, path: string): string | undefined {
  try {
    compileSchema(schema).validator.Check({})
    return undefined
  } catch (error) {
    return `${path} is a schema that cannot be used: ${(error as Error).message}.`
  }
}

/** The texts within that have to be more than texts: where a $ref leads, what a pattern is. */
function textDefect(value: unknown, path: string, root: object): string | undefined {
  if (!isObject(value)) return undefined
  const { $ref, pattern } = value
  if (typeof $ref === 'string' && !leadsSomewhere($ref, root)) {
    return `${joinPath(path, '$ref')} is ${$ref}, which is nowhere in this schema.`
  }
  const patterns = typeof pattern === 'string' ? [pattern] : []
  if (isObject(value.patternProperties)) patterns.push(...Object.keys(value.patternProperties))
  const bad = patterns.find((one) => !isPattern(one))
  if (bad !== undefined) return `${joinPath(path, 'pattern')} is no regular expression: ${bad}.`
  for (const [part, at] of partsIn(value, path)) {
    const defect = textDefect(part, at, root)
    if (defect !== undefined) return defect
  }
  return undefined
}

/** The schemas right below one, each with its path; what stands under other words is data. */
function partsIn(schema: Record<string, unknown>, path: string): [part: unknown, path: string][] {
  return Object.entries(schema).flatMap(([word, value]): [unknown, string][] => {
    const at = joinPath(path, word)
    const isList = LISTED.includes(word) || (word === 'items' && Array.isArray(value))
    if (isList || (NAMED.includes(word) && isObject(value))) {
      return Object.entries(value as object).map(([name, one]) => [one, joinPath(at, name)])
    }
    return SINGLE.includes(word) || word === 'items' ? [[value, at]] : []
  })
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'u')
    return true
  } catch {
    return false
  }
}

/** Whether a $ref has a target: the schema itself, a pointer or an anchor in it, a part's $id. */
function leadsSomewhere(ref: string, root: object): boolean {
  const [base = '', fragment = ''] = ref.split('#')
  const homes = base === '' ? partsOf(root) : partsOf(root).filter(({ $id }) => hasId($id, base))
  if (fragment === '') return homes.length > 0
  if (fragment.startsWith('/')) return homes.some((home) => pointsInto(home, fragment))
  return partsOf(root).some((part) => part.$anchor === fragment || part.$dynamicAnchor === fragment)
}

/** Whether a part's `$id` is `base`, or ends with it where that is relative. */
function hasId(id: unknown, base: string): boolean {
  return typeof id === 'string' && (id === base || id.replace(/#$/, '').endsWith(`/${base}`))
}

/** The root, and every part with an $id or an anchor. */
function partsOf(root: object): readonly Readonly<Record<string, unknown>>[] {
  const parts: Record<string, unknown>[] = []
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const part = value as Record<string, unknown>
    if (part === root || '$id' in part || '$anchor' in part || '$dynamicAnchor' in part) {
      parts.push(part)
    }
    for (const one of Object.values(part)) look(one)
  }
  look(root)
  return parts
}

/** Whether a pointer leads to a schema, which is not a $ref that only leads back to itself. */
function pointsInto(home: unknown, pointer: string): boolean {
  const seen = new Set<string>()
  for (let next = pointer; !seen.has(next); ) {
    seen.add(next)
    const found = pointed(home, next)
    if (typeof found === 'boolean') return true
    if (!isObject(found)) return false
    const { $ref } = found
    if (typeof $ref !== 'string' || !$ref.startsWith('#/')) return true
    next = $ref.slice(1)
  }
  return false
}

/** What a pointer leads to; undefined where that is nothing. */
function pointed(home: unknown, pointer: string): unknown {
  let at = home
  for (const part of pointer.split('/').slice(1)) {
    const name = decoded(part)?.replaceAll('~1', '/').replaceAll('~0', '~')
    if (name === undefined || typeof at !== 'object' || at === null) return undefined
    if (!Object.hasOwn(at, name)) return undefined
    at = (at as Readonly<Record<string, unknown>>)[name]
  }
  return at
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}
