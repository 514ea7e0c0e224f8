// A module's input and reply as bytes: the record that carries a command or query of a module, and the
// reply in its outcome. Knows no module: names and the order of fields are the caller's.

import { hash } from 'node:crypto'
import { Packr } from 'msgpackr'
import { MODULE_FIELDS_MAX, MODULE_INPUT_BYTES_MAX } from './limits.ts'
import { accountAt, accountsIn } from './outcome-fields.ts'
import { OUTCOME, OUTCOME_BODY, OUTCOME_FLAG } from './outcomes.ts'
import { MODULE, RECORD } from './records.ts'
import type { Words } from './words.ts'

/** Plain MessagePack: maps, no extensions of msgpackr's own, and never a float of 32 bits. */
const PACKR = new Packr({ useRecords: false })

/** A reply as a caller sees it: its `code` and what the module says beside it. */
export interface ModuleReply {
  readonly code: string
  readonly [field: string]: unknown
}

/** The route of a module's command: the first 32 bits of SHA-256 over `module/command`, signed. */
export function moduleRoute(module: string, command: string): number {
  return routeOf(`${module}/${command}`)
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

/** What `packJson` packed. Throws on bytes that are no MessagePack. */
export function unpackJson(bytes: Uint8Array): unknown {
  return PACKR.unpack(bytes)
}

/** The byte of a field that the input does not have. */
const ABSENT = 0

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
  const given: Record<string, unknown> = {}
  for (const name of fieldNames) {
    if (input[name] !== undefined) given[name] = canonical(input[name])
  }
  const packed = packJson(given)
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
  const content = hash('sha256', packed, 'buffer')
  i32[(at + MODULE.content) >>> 2] = content.readInt32LE(0)
  i32[(at + MODULE.content + 4) >>> 2] = content.readInt32LE(4)
  u32[(at + MODULE.inputBytes) >>> 2] = inputBytes
  const fields = Math.min(fieldNames.length, MODULE_FIELDS_MAX)
  for (let n = 0; n < fields; n++) {
    u8[at + MODULE.fields + n] = fieldByte(given[fieldNames[n] as string])
  }
  u8.set(packed, at + MODULE.bytes)
  return MODULE.bytes + tailBytes
}

/** The input of the record at `at`, which `isWellFormed` accepted. Throws on bytes that are none. */
export function readModuleInput({ u8, u32 }: Words, at: number): unknown {
  const start = at + MODULE.bytes
  // A copy: the record may lie in memory that threads share, which no decoder of text takes.
  return unpackJson(u8.slice(start, start + (u32[(at + MODULE.inputBytes) >>> 2] as number)))
}

/** Texts in NFC, and the names within in order of their UTF-16 units. */
function canonical(value: unknown): unknown {
  if (typeof value === 'string') return value.normalize('NFC')
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(canonical)
  const names = Object.keys(value).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const entries = names.flatMap((name) => {
    const part = (value as Record<string, unknown>)[name]
    return part === undefined ? [] : [[name, canonical(part)] as const]
  })
  return Object.fromEntries(entries)
}

/** 1 to 255 for what a field holds (FNV-1a over its JSON text), 0 where it is absent. */
function fieldByte(value: unknown): number {
  if (value === undefined) return ABSENT
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  let folded = typeof value === 'string' ? 0x811c9dc5 : 0x811c9dc4
  for (let i = 0; i < text.length; i++) {
    folded = Math.imul(folded ^ text.charCodeAt(i), 0x01000193)
  }
  return 1 + ((folded >>> 0) % 255)
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
  return Buffer.from(words.u8.slice(start, start + bytes).buffer).toString('utf8')
}
