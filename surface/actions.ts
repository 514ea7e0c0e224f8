// The commands and queries of all loaded modules, by name and by the route that stands for the name in
// records: their schemas compiled, their inputs checked and written. What they decide is the engine's.

import {
  isWellFormedText,
  KIND,
  MODULE_INPUT_BYTES_MAX,
  type ModuleAction,
  type ModuleSurface,
  moduleQueryRoute,
  moduleRoute,
  packJson,
  toNfc,
  type Words,
  writeModuleRecord,
} from '../protocol/index.ts'
import { compileSchema, joinPath, type SchemaCheck, schemaFault, subject } from './schema-check.ts'

/** One command or query of a module. */
export interface Action {
  readonly surface: ModuleSurface
  readonly name: string
  /** `KIND.module` or `KIND.queryModule`. */
  readonly kind: typeof KIND.module | typeof KIND.queryModule
  /** As in `MODULE.route`. */
  readonly route: number
  /** Of its input. */
  readonly check: SchemaCheck
}

/** What a caller gives to a module's command or query. */
export type ActionInput = Readonly<Record<string, unknown>>

const NAME = /^[a-z0-9_-]{1,32}$/

/** See the head of this file. */
export class Actions {
  readonly surfaces: readonly ModuleSurface[]
  readonly #commands = new Map<string, Action>()
  readonly #queries = new Map<string, Action>()
  readonly #byRoute = new Map<number, Action>()

  /** Throws `TypeError` where two have one name, and where a name or a route is not fit. */
  constructor(surfaces: readonly ModuleSurface[]) {
    this.surfaces = surfaces
    const modules = new Set<string>()
    for (const surface of surfaces) {
      const { module, commands, queries } = surface
      if (!NAME.test(module)) throw new TypeError(`${module} is no name of a module.`)
      if (modules.has(module)) throw new TypeError(`the module ${module} is loaded twice.`)
      modules.add(module)
      for (const [name, action] of Object.entries(commands)) {
        this.#add(this.#commands, surface, name, action, KIND.module)
      }
      for (const [name, action] of Object.entries(queries)) {
        this.#add(this.#queries, surface, name, action, KIND.queryModule)
      }
    }
  }

  #add(
    actions: Map<string, Action>,
    surface: ModuleSurface,
    name: string,
    { input }: ModuleAction,
    kind: Action['kind'],
  ): void {
    const { module } = surface
    if (!NAME.test(name)) throw new TypeError(`${module}.${name} is no name of a command.`)
    const route = kind === KIND.module ? moduleRoute(module, name) : moduleQueryRoute(module, name)
    const other = this.#byRoute.get(route)
    if (other !== undefined) {
      const names = `${other.surface.module}.${other.name} and ${module}.${name}`
      throw new TypeError(`${names} have one route: rename one.`)
    }
    const action = { surface, name, kind, route, check: compileSchema(input) }
    this.#byRoute.set(route, action)
    actions.set(`${module}.${name}`, action)
  }

  /** The command `name` of `module`. */
  command(module: string, name: string): Action | undefined {
    return this.#commands.get(`${module}.${name}`)
  }

  /** The query `name` of `module`. */
  query(module: string, name: string): Action | undefined {
    return this.#queries.get(`${module}.${name}`)
  }

  /** The command whose type in a batch is `module.name`. */
  commandOf(type: string): Action | undefined {
    return this.#commands.get(type)
  }

  /** What a record of `kind` asks for. */
  byRoute(kind: number, route: number): Action | undefined {
    const action = this.#byRoute.get(route)
    return action?.kind === kind ? action : undefined
  }
}

/**
 * What is wrong with `input`, which `path` names in a larger body, or undefined: its schema, texts that
 * UTF-8 cannot carry, numbers that a double cannot, more bytes than a record holds.
 */
export function inputFault(action: Action, input: unknown, path = ''): string | undefined {
  const schema = schemaFault(action.check, input, path)
  // Nearly every input passes here. What is packed is never longer than its JSON.
  if (schema !== undefined || jsonBytesMost(input) <= MODULE_INPUT_BYTES_MAX) return schema
  const fault = valueFault(input, path)
  if (fault !== undefined) return fault
  // Texts are packed in NFC.
  const text = toNfc(JSON.stringify(input))
  if (Buffer.byteLength(text) <= MODULE_INPUT_BYTES_MAX) return undefined
  const { length } = packJson(JSON.parse(text))
  if (length <= MODULE_INPUT_BYTES_MAX) return undefined
  return `${subject(path)} has ${length} bytes packed: ${MODULE_INPUT_BYTES_MAX} at most.`
}

/** Texts that are as long in JSON as in memory, but for their quotes. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

/**
 * Of other texts a UTF-16 unit is 3 bytes of UTF-8 at most, or 6 as an escape, and NFC makes 3 units of
 * it at most.
 */
const UNIT_BYTES_MAX = 9

/** Most bytes that `value` may have as JSON in NFC; Infinity where `valueFault` has to look at it. */
function jsonBytesMost(value: unknown): number {
  switch (typeof value) {
    case 'number':
      return Number.isSafeInteger(value) ? 17 : Number.POSITIVE_INFINITY
    case 'string':
      if (PLAIN.test(value)) return value.length + 2
      return isWellFormedText(value) ? value.length * UNIT_BYTES_MAX + 2 : Number.POSITIVE_INFINITY
    case 'boolean':
    case 'undefined':
      return 5
    case 'object':
      return value === null ? 4 : membersBytesMost(value)
    default:
      return Number.POSITIVE_INFINITY
  }
}

/** The same of an object or an array, its brackets included. */
function membersBytesMost(value: object): number {
  let bytes = 2
  if (Array.isArray(value)) {
    for (const member of value) bytes += jsonBytesMost(member) + 1
    return bytes
  }
  // Others may say themselves what they are as JSON.
  if (Object.getPrototypeOf(value) !== Object.prototype) return Number.POSITIVE_INFINITY
  for (const name of Object.keys(value)) {
    const member = (value as Readonly<Record<string, unknown>>)[name]
    bytes += name.length * UNIT_BYTES_MAX + 4 + jsonBytesMost(member)
  }
  return bytes
}

function valueFault(value: unknown, path: string): string | undefined {
  if (typeof value === 'number') {
    return Number.isSafeInteger(value)
      ? undefined
      : `${subject(path)} must be a whole number within 2^53 - 1.`
  }
  if (typeof value === 'string') {
    return isWellFormedText(value)
      ? undefined
      : `${subject(path)} has a lone surrogate, which is no text.`
  }
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, member] of Object.entries(value)) {
    const fault = valueFault(member, joinPath(path, name))
    if (fault !== undefined) return fault
  }
  return undefined
}

/**
 * Writes the record of `action` with an input that `inputFault` accepted at `at` of `words`; its length.
 * `id`: the command's 16 bytes; zeros for a query.
 */
export function writeAction(
  words: Words,
  at: number,
  action: Action,
  id: Uint8Array,
  input: ActionInput,
): number {
  const { kind, route, check } = action
  return writeModuleRecord(words, at, kind, id, route, check.fields, input)
}

/** The code of a known id whose `field`-th field, counted from 1, differs; 0: nobody knows which. */
export function differenceCode(action: Action, field: number): string {
  const name = action.check.fields[field - 1] ?? 'input'
  return `exists_with_different_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
}
