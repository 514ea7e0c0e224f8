// Whether something is a JSON schema that can be held to: the validator takes an unknown type or a $ref to
// nowhere without a word, and then refuses every value, or none. Looked at once, at a start.

import { compileShape, isObject, joinPath, shapeFault, subject } from './schema-check.ts'

const TYPES = { enum: ['string', 'integer', 'number', 'boolean', 'object', 'array', 'null'] }
const ANY = { $ref: '#' }
const LIST = { type: 'array', items: ANY, minItems: 1 }
const BY_NAME = { type: 'object', additionalProperties: ANY }
const COUNT = { type: 'integer', minimum: 0 }
const NUMBER = { type: 'number' }
const TEXT = { type: 'string' }

/** The words of JSON Schema whose values have a shape; those that it does not name may be anything. */
const WORDS: Readonly<Record<string, object>> = {
  ...all(['$id', '$anchor', '$ref', 'pattern', 'format', 'title', 'description'], TEXT),
  ...all(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'], BY_NAME),
  ...all(
    ['additionalProperties', 'propertyNames', 'unevaluatedProperties', 'unevaluatedItems'],
    ANY,
  ),
  ...all(['not', 'if', 'then', 'else', 'contains', 'additionalItems'], ANY),
  ...all(['allOf', 'anyOf', 'oneOf', 'prefixItems'], LIST),
  ...all(
    ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'],
    COUNT,
  ),
  ...all(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'], NUMBER),
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

/** Words whose values are data and no schemas. */
const DATA: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'examples'])

/** What is wrong with `schema`, which `path` names, as a JSON schema; undefined where nothing is. */
export function schemaDefect(schema: unknown, path: string): string | undefined {
  if (!isObject(schema)) return `${path} must be a schema: an object.`
  return shapeFault(META, schema, path) ?? textDefect(schema, path, schema)
}

/** The same of the schema of an object, as inputs and bodies have it. */
export function objectDefect(schema: unknown, path: string): string | undefined {
  const defect = schemaDefect(schema, path)
  if (defect !== undefined) return defect
  const { type = 'object' } = schema as { readonly type?: unknown }
  return type === 'object' ? undefined : `${subject(joinPath(path, 'type'))} must be "object".`
}

/** The texts within that have to be more than texts: where a $ref leads, what a pattern is. */
function textDefect(value: unknown, path: string, root: object): string | undefined {
  if (Array.isArray(value)) {
    return firstOf(value.map((one, n) => () => textDefect(one, joinPath(path, String(n)), root)))
  }
  if (!isObject(value)) return undefined
  const { $ref, pattern } = value
  if (typeof $ref === 'string' && !leadsSomewhere($ref, root)) {
    return `${joinPath(path, '$ref')} is ${$ref}, which is nowhere in this schema.`
  }
  const patterns = typeof pattern === 'string' ? [pattern] : []
  if (isObject(value.patternProperties)) patterns.push(...Object.keys(value.patternProperties))
  const bad = patterns.find((one) => !isPattern(one))
  if (bad !== undefined) return `${joinPath(path, 'pattern')} is no regular expression: ${bad}.`
  const parts = Object.entries(value).filter(([name]) => !DATA.has(name))
  return firstOf(
    parts.map(
      ([name, part]) =>
        () =>
          textDefect(part, joinPath(path, name), root),
    ),
  )
}

function firstOf(looks: readonly (() => string | undefined)[]): string | undefined {
  for (const look of looks) {
    const found = look()
    if (found !== undefined) return found
  }
  return undefined
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

function pointsInto(home: unknown, pointer: string): boolean {
  let at = home
  for (const part of pointer.split('/').slice(1)) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return false
    at = (at as Readonly<Record<string, unknown>>)[name]
  }
  return true
}
