// A module's input and reply as bytes: the record that carries a command or query of a module, and the
// reply in its outcome. Knows no module: names and the order of fields are the caller's.

import { hash } from 'node:crypto'
import { Packr, RESET_BUFFER_MODE } from 'msgpackr'
import { MODULE_FIELDS_MAX, MODULE_INPUT_BYTES_MAX } from './limits.ts'
import { accountAt, accountsIn } from './outcome-fields.ts'
import { OUTCOME, OUTCOME_BODY, OUTCOME_FLAG } from './outcomes.ts'
import { MODULE, RECORD } from './records.ts'
import { isAscii, readText, toNfc } from './texts.ts'
import { allocateWords, copyWords, type Words } from './words.ts'

/** Plain MessagePack: maps, no extensions of msgpackr's own, and never a float of 32 bits. */
const PACKR = new Packr({ useRecords: false, copyBuffers: true })

/** Where an input lies while it is unpacked. msgpackr wants a Buffer, and keeps a view of one that it knows. */
const INPUT = allocateWords(MODULE_INPUT_BYTES_MAX + 8)
const INPUT_BUFFER = Buffer.from(INPUT.u8.buffer as ArrayBuffer)

/** A reply as a caller sees it: its `code` and what the module says beside it. */
export interface ModuleReply {
  readonly code: string
  readonly [field: string]: unknown
}

/** The route of a module's command: the first 32 bits of SHA-256 over `module/command`, signed. */
export function moduleRoute(module: string, command: string): number {
  return routeOf(`${module}/${command}`)
}

/** The commands of these modules, `module/command`, by their routes. */
export function moduleCommandNames(
  modules: readonly { readonly name: string; readonly commands: object }[],
): ReadonlyMap<number, string> {
  const names = modules.flatMap(({ name, commands }) =>
    Object.keys(commands).map(
      (command) => [moduleRoute(name, command), `${name}/${command}`] as const,
    ),
  )
  return new Map(names)
}

/** The route of a module's query: the first 32 bits of SHA-256 over `module?query`, signed. */
export function moduleQueryRoute(module: string, query: string): number {
  return routeOf(`${module}?${query}`)
}

function routeOf(name: string): number {
  return hash('sha256', name, 'buffer').readInt32LE(0)
}

/** A value of JSON as MessagePack. */
export function packJson(value: unknown): Uint8Array {
  return PACKR.pack(value)
}

/**
 * Writes the record of a module's command (`KIND.module`) or query (`KIND.queryModule`) at `at` of
 * `words`, token 0; gives back its length. `id` is 16 bytes. `input` was checked against its schema,
 * whose fields are `fieldNames` in their order; absent ones are left out, and texts become Unicode's NFC,
 * so that equal inputs pack equally. Throws `RangeError` where the packed input is longer than
 * `MODULE_INPUT_BYTES_MAX`; nothing that counts was written then.
 */
export function writeModuleRecord(
  words: Words,
  at: number,
  kind: number,
  id: Uint8Array,
  route: number,
  fieldNames: readonly string[],
  input: Readonly<Record<string, unknown>>,
): number {
  const { u8, u16, u32, i32 } = words
  const isAsPacked = isCanonical(fieldNames, input)
  const given = isAsPacked ? input : canonicalFields(fieldNames, input)
  // Valid until the next one is packed, to the same memory.
  const packed: Uint8Array = PACKR.pack(given, RESET_BUFFER_MODE)
  const inputBytes = packed.length
  if (inputBytes > MODULE_INPUT_BYTES_MAX) {
    throw new RangeError(
      `the input has ${inputBytes} bytes packed: ${MODULE_INPUT_BYTES_MAX} at most`,
    )
  }
  const tailBytes = (inputBytes + 7) & ~7
  i32.fill(0, at >>> 2, (at + MODULE.bytes + tailBytes) >>> 2)
  u8[at + RECORD.kind] = kind
  u16[(at + RECORD.tailBytes) >>> 1] = tailBytes
  u8.set(id, at + RECORD.id)
  i32[(at + MODULE.route) >>> 2] = route
  // As a text: a buffer costs twice as much as the hash.
  const content = hash('sha256', packed, 'binary')
  i32[(at + MODULE.content) >>> 2] = wordAt(content, 0)
  i32[(at + MODULE.content + 4) >>> 2] = wordAt(content, 4)
  u32[(at + MODULE.inputBytes) >>> 2] = inputBytes
  const names = isAsPacked ? Object.keys(given) : fieldNames.filter((name) => has(given, name))
  writeFieldBytes(u8, at + MODULE.fields, fieldNames, names, given)
  u8.set(packed, at + MODULE.bytes)
  return MODULE.bytes + tailBytes
}

/** The input of the record at `at`, which `isWellFormed` accepted. Throws on bytes that are none. */
export function readModuleInput(words: Words, at: number): unknown {
  const bytes = words.u32[(at + MODULE.inputBytes) >>> 2] as number
  // A copy: the record may lie in memory that threads share, which no decoder of text takes.
  copyWords(words, at + MODULE.bytes, INPUT, 0, (bytes + 7) & ~7)
  return PACKR.unpack(INPUT_BUFFER, bytes)
}

/**
 * Whether an input is packed as it is: texts in ASCII, numbers and truth values alone, in the order of
 * the fields. Most are, and the copy and the look at every field it does not have cost more than this.
 */
function isCanonical(
  fieldNames: readonly string[],
  input: Readonly<Record<string, unknown>>,
): boolean {
  if (Object.getPrototypeOf(input) !== Object.prototype) return false
  let n = 0
  for (const name of Object.keys(input)) {
    while (n < fieldNames.length && fieldNames[n] !== name) n++
    if (n === fieldNames.length) return false
    n++
    const value = input[name]
    const isPlain = typeof value === 'string' ? isAscii(value) : isScalar(value)
    if (!isPlain) return false
  }
  return true
}

function isScalar(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean'
}

/** Whether `name` is a field of its own: every object has a `constructor`. */
function has(fields: object, name: string): boolean {
  return Object.hasOwn(fields, name)
}

/** The fields that `input` has, in their order. */
function canonicalFields(
  fieldNames: readonly string[],
  input: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const given: Record<string, unknown> = {}
  for (const name of fieldNames) {
    if (has(input, name) && input[name] !== undefined) given[name] = canonical(input[name])
  }
  return given
}

/**
 * Writes the bytes of the first fields at `at`, where zeros are. `names`: those that `given` has, in the
 * order of all.
 */
function writeFieldBytes(
  u8: Uint8Array,
  at: number,
  fieldNames: readonly string[],
  names: readonly string[],
  given: Readonly<Record<string, unknown>>,
): void {
  let n = 0
  for (const name of names) {
    while (fieldNames[n] !== name) n++
    if (n >= MODULE_FIELDS_MAX) return
    u8[at + n++] = fieldByte(given[name])
  }
}

/** The little-endian word at `at` of bytes that are a text's units. */
function wordAt(bytes: string, at: number): number {
  return (
    bytes.charCodeAt(at) |
    (bytes.charCodeAt(at + 1) << 8) |
    (bytes.charCodeAt(at + 2) << 16) |
    (bytes.charCodeAt(at + 3) << 24)
  )
}

/** Texts in NFC, and the names within in order of their UTF-16 units. */
function canonical(value: unknown): unknown {
  if (typeof value === 'string') return toNfc(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(canonical)
  const names = Object.keys(value).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const entries = names.flatMap((name) => {
    const part = (value as Record<string, unknown>)[name]
    return part === undefined ? [] : [[name, canonical(part)] as const]
  })
  return Object.fromEntries(entries)
}

/** 1 to 255 for what a field holds (FNV-1a over its JSON text); 0 stands for one that is absent. */
function fieldByte(value: unknown): number {
  const text = typeof value === 'string' ? value : jsonOf(value)
  let folded = typeof value === 'string' ? 0x811c9dc5 : 0x811c9dc4
  for (let i = 0; i < text.length; i++) {
    folded = Math.imul(folded ^ text.charCodeAt(i), 0x01000193)
  }
  return 1 + ((folded >>> 0) % 255)
}

/** As JSON; whole numbers, the most there is beside texts, need no serializer. */
function jsonOf(value: unknown): string {
  return Number.isSafeInteger(value) ? String(value) : JSON.stringify(value)
}

/** The reply in the outcome at `at`, or undefined where it has none. */
export function readReply(words: Words, at: number): ModuleReply | undefined {
  const text = readReplyText(words, at)
  return text === undefined ? undefined : (JSON.parse(text) as ModuleReply)
}

/** The same as the JSON text that the outcome holds. */
export function readReplyText(words: Words, at: number): string | undefined {
  if (((words.u8[at + OUTCOME.flags] as number) & OUTCOME_FLAG.hasBody) === 0) return undefined
  const body = accountAt(words, at, accountsIn(words, at))
  const start = body + OUTCOME_BODY.body
  const bytes = words.u32[(body + OUTCOME_BODY.bodyBytes) >>> 2] as number
  return readText(words.u8, start, start + bytes)
}

/**
 * What a reply has beside its code, as an object of its own. Name by name: a rest pattern would make a
 * dictionary of it, which costs ten times as much to make and as much again to copy.
 */
export function replyFields(reply: ModuleReply): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const name of Object.keys(reply)) {
    if (name === '__proto__') Object.defineProperty(fields, name, { ...OWN, value: reply[name] })
    else if (name !== 'code') fields[name] = reply[name]
  }
  return fields
}

const OWN = { configurable: true, enumerable: true, writable: true }
