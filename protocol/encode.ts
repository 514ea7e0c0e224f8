// From a checked command to the bytes of its record. What is wrong with ids and metadata is found
// first (`fieldsFault`), so that encoding itself cannot fail.

import { type Id, idOf, writeCanonicalUuid } from './id.ts'
import type { IdCache } from './id-cache.ts'
import { idFault } from './ids.ts'
import { ID_BYTES_MAX } from './limits.ts'
import { canonicalMetadata, type Metadata, metadataFault, metadataHash } from './metadata.ts'
import {
  ACCOUNT_CHANGE,
  BYTES_OF_KIND,
  EXTEND,
  FLAG,
  KIND,
  OPEN_ACCOUNT,
  RECORD,
  RESERVE,
  RESOLVE,
  RESOLVE_GROUP,
  SET_CREDIT_LIMIT,
  TICK,
  TRANSFER,
} from './records.ts'
import { endTail, TAIL_TAG, type TailTag, writeTailEntry } from './tails.ts'
import { type Words, writeI64 } from './words.ts'

/** An identifier as a caller gives it. */
export type AnyId = string | Id

/** A command's fields by their names in JSON; which of them there are depends on its kind. */
export interface CommandFields<Name extends AnyId = string> {
  readonly id: Name
  readonly account?: Name
  readonly reservation?: Name
  readonly group?: Name
  readonly debitAccount?: Name
  readonly creditAccount?: Name
  readonly ledger?: number
  readonly creditLimit?: number
  readonly value?: number
  readonly amount?: number
  readonly timeoutMs?: number
  readonly external?: boolean
  readonly history?: boolean
  readonly allowOver?: boolean
  readonly atMost?: boolean
  readonly final?: boolean
  readonly metadata?: Metadata
}

type Fields = CommandFields<AnyId>

const ID_FIELDS = [
  'id',
  'account',
  'reservation',
  'group',
  'debitAccount',
  'creditAccount',
] as const satisfies readonly (keyof CommandFields)[]

const ID_FAULTS = {
  empty: 'must not be empty',
  too_long: `must have at most ${ID_BYTES_MAX} bytes`,
  not_unicode: 'has a lone surrogate, which is no text',
  nil_uuid: 'must not be the nil UUID',
  max_uuid: 'must not be the max UUID',
} as const

/**
 * What is wrong with the ids or the metadata of a command, or undefined; `prefix` as
 * `commands[3].`.
 */
export function fieldsFault(fields: CommandFields, prefix = ''): string | undefined {
  for (const name of ID_FIELDS) {
    const text = fields[name]
    const fault = text === undefined ? undefined : idFault(text)
    if (fault !== undefined) return `${prefix}${name} ${ID_FAULTS[fault]}.`
  }
  const fault = fields.metadata === undefined ? undefined : metadataFault(fields.metadata)
  return fault === undefined ? undefined : prefix + fault
}

/** Why a text is no id, as the end of a sentence such as `must not be empty`, or undefined. */
export function idFaultWords(text: string): string | undefined {
  const fault = idFault(text)
  return fault === undefined ? undefined : ID_FAULTS[fault]
}

/** Writes the record of a command at `at` of `words`, token 0; gives back its length. */
export function encodeCommand(
  words: Words,
  at: number,
  kind: number,
  fields: Fields,
  ids: IdCache,
): number {
  const bytes = BYTES_OF_KIND[kind] as number
  clear(words, at, bytes)
  words.u8[at + RECORD.kind] = kind
  words.u8[at + RECORD.flags] = writeFields(words, at, kind, fields, ids)
  const { id, metadata } = fields
  const spelling = writeOwnId(words, at + RECORD.id, id)
  const group = kind === KIND.reserve ? fields.group : undefined
  if (spelling === undefined && metadata === undefined && group === undefined) return bytes
  return bytes + writeTail(words, at, bytes, spelling, metadata, group)
}

/** Writes a query for `id` (undefined: for the audit) at 0 of `words`; gives back its length. */
export function encodeQuery(
  words: Words,
  kind: number,
  id: AnyId | undefined,
  ids: IdCache,
): number {
  const bytes = BYTES_OF_KIND[kind] as number
  clear(words, 0, bytes)
  words.u8[RECORD.kind] = kind
  if (id !== undefined) writeId(words, RECORD.id, id, ids)
  return bytes
}

/** Writes a tick that moves the test clock at 0 of `words`; gives back its length. */
export function encodeTick(words: Words, advanceMs: number): number {
  clear(words, 0, TICK.bytes)
  words.u8[RECORD.kind] = KIND.tick
  writeI64(words, TICK.advanceMs, advanceMs)
  return TICK.bytes
}

/** Word by word: a record is too short for `fill` to pay. */
function clear({ i32 }: Words, at: number, bytes: number): void {
  for (let w = at >>> 2, end = (at + bytes) >>> 2; w < end; w++) i32[w] = 0
}

function writeId(words: Words, at: number, id: AnyId, ids: IdCache): void {
  if (typeof id !== 'string') id.write(words, at)
  else if (!writeCanonicalUuid(words, at, id)) ids(id).write(words, at)
}

/** An id that is hardly ever met again, so none that a cache should hold. */
function writeLoneId(words: Words, at: number, id: AnyId): void {
  if (typeof id !== 'string') id.write(words, at)
  else if (!writeCanonicalUuid(words, at, id)) idOf(id).write(words, at)
}

/** Writes the command's own id; gives back its spelling where the bytes do not give it back. */
function writeOwnId(words: Words, at: number, id: AnyId): Uint8Array | undefined {
  if (typeof id === 'string' && writeCanonicalUuid(words, at, id)) return undefined
  const made = typeof id === 'string' ? idOf(id) : id
  made.write(words, at)
  return made.spelling
}

/** Writes what the kind has beside its id; gives back its flags. */
function writeFields(words: Words, at: number, kind: number, fields: Fields, ids: IdCache): number {
  switch (kind) {
    case KIND.openAccount:
      return writeOpenAccount(words, at, fields)
    case KIND.setCreditLimit:
      writeId(words, at + SET_CREDIT_LIMIT.account, fields.account as AnyId, ids)
      writeI64(words, at + SET_CREDIT_LIMIT.value, fields.value as number)
      return 0
    case KIND.freezeAccount:
    case KIND.unfreezeAccount:
    case KIND.closeAccount:
      writeId(words, at + ACCOUNT_CHANGE.account, fields.account as AnyId, ids)
      return 0
    case KIND.transfer:
      return writeMove(words, at, fields, ids)
    case KIND.reserve:
      return writeReserve(words, at, fields, ids)
    case KIND.settle:
      return writeSettle(words, at, fields)
    case KIND.release:
      return writeRelease(words, at, fields)
    case KIND.extend:
      writeLoneId(words, at + EXTEND.reservation, fields.reservation as AnyId)
      writeI64(words, at + EXTEND.amount, fields.amount ?? 0)
      writeI64(words, at + EXTEND.timeoutMs, fields.timeoutMs ?? 0)
      return 0
    case KIND.settleGroup:
    case KIND.releaseGroup:
      writeId(words, at + RESOLVE_GROUP.group, fields.group as AnyId, ids)
      return 0
    default:
      throw new RangeError(`no command has the kind ${kind}`)
  }
}

function writeOpenAccount(words: Words, at: number, fields: Fields): number {
  words.u32[(at + OPEN_ACCOUNT.ledger) >>> 2] = fields.ledger as number
  writeI64(words, at + OPEN_ACCOUNT.creditLimit, fields.creditLimit ?? 0)
  const external = fields.external === true ? FLAG.external : 0
  return external | (fields.history === true ? FLAG.history : 0)
}

function writeMove(words: Words, at: number, fields: Fields, ids: IdCache): number {
  writeId(words, at + TRANSFER.debit, fields.debitAccount as AnyId, ids)
  writeId(words, at + TRANSFER.credit, fields.creditAccount as AnyId, ids)
  writeI64(words, at + TRANSFER.amount, fields.amount as number)
  return fields.atMost === true ? FLAG.atMost : 0
}

function writeReserve(words: Words, at: number, fields: Fields, ids: IdCache): number {
  writeI64(words, at + RESERVE.timeoutMs, fields.timeoutMs ?? 0)
  if (fields.group !== undefined) writeId(words, at + RESERVE.group, fields.group, ids)
  const allowOver = fields.allowOver === true ? FLAG.allowOver : 0
  return allowOver | writeMove(words, at, fields, ids)
}

function writeSettle(words: Words, at: number, fields: Fields): number {
  const final = fields.final === false ? 0 : FLAG.final
  return final | writeRelease(words, at, fields)
}

function writeRelease(words: Words, at: number, { reservation, amount }: Fields): number {
  writeLoneId(words, at + RESOLVE.reservation, reservation as AnyId)
  if (amount === undefined) return 0
  writeI64(words, at + RESOLVE.amount, amount)
  return FLAG.hasAmount
}

/**
 * Writes spellings and metadata behind the record of `bytes` bytes; gives back the tail's length.
 */
function writeTail(
  words: Words,
  at: number,
  bytes: number,
  spelling: Uint8Array | undefined,
  metadata: Metadata | undefined,
  group: AnyId | undefined,
): number {
  const start = at + bytes
  let end = writeSpelling(words.u8, start, TAIL_TAG.id, spelling)
  if (metadata !== undefined) {
    const canonical = canonicalMetadata(metadata)
    words.u32[(at + RECORD.metadataHash) >>> 2] = metadataHash(canonical)
    if (canonical !== '') {
      end = writeTailEntry(words.u8, end, TAIL_TAG.metadata, Buffer.from(canonical))
    }
  }
  if (group !== undefined) {
    const made = typeof group === 'string' ? idOf(group) : group
    end = writeSpelling(words.u8, end, TAIL_TAG.group, made.spelling)
  }
  if (end === start) return 0
  const tailBytes = endTail(words.u8, start, end)
  words.u16[(at + RECORD.tailBytes) >>> 1] = tailBytes
  return tailBytes
}

function writeSpelling(
  u8: Uint8Array,
  at: number,
  tag: TailTag,
  spelling: Uint8Array | undefined,
): number {
  return spelling === undefined ? at : writeTailEntry(u8, at, tag, spelling)
}
