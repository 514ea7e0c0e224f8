// From a checked command to the bytes of its record. What the schemas cannot say is checked here
// first (`fieldsFault`), so that encoding itself cannot fail.

import {
  ACCOUNT_CHANGE,
  BYTES_OF_KIND,
  EXTEND,
  endTail,
  FLAG,
  ID_BYTES_MAX,
  idFault,
  idFromText,
  isCanonicalUuid,
  KIND,
  OPEN_ACCOUNT,
  RECORD,
  RESERVE,
  RESOLVE,
  RESOLVE_GROUP,
  SET_CREDIT_LIMIT,
  TAIL_TAG,
  type TailTag,
  TICK,
  TRANSFER,
  type Words,
  writeI64,
  writeTailEntry,
} from '../protocol/index.ts'
import type { IdCache } from './id-cache.ts'
import { canonicalMetadata, type Metadata, metadataFault, metadataHash } from './metadata.ts'

/** A command's fields as the schemas name them; which of them there are depends on its kind. */
export interface CommandFields {
  readonly id: string
  readonly account?: string
  readonly reservation?: string
  readonly group?: string
  readonly debitAccount?: string
  readonly creditAccount?: string
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
  fields: CommandFields,
  ids: IdCache,
): number {
  const bytes = BYTES_OF_KIND[kind] as number
  words.u8.fill(0, at, at + bytes)
  words.u8[at + RECORD.kind] = kind
  words.u8[at + RECORD.flags] = flagsOf(kind, fields)
  words.u8.set(idFromText(fields.id), at + RECORD.id)
  writeFields(words, at, kind, fields, ids)
  return bytes + writeTail(words, at, bytes, fields, kind)
}

/** Writes a query for `id` (undefined: for the audit) at 0 of `words`; gives back its length. */
export function encodeQuery(
  words: Words,
  kind: number,
  id: string | undefined,
  ids: IdCache,
): number {
  const bytes = BYTES_OF_KIND[kind] as number
  words.u8.fill(0, 0, bytes)
  words.u8[RECORD.kind] = kind
  if (id !== undefined) words.u8.set(ids(id), RECORD.id)
  return bytes
}

/** Writes a tick that moves the test clock at 0 of `words`; gives back its length. */
export function encodeTick(words: Words, advanceMs: number): number {
  words.u8.fill(0, 0, TICK.bytes)
  words.u8[RECORD.kind] = KIND.tick
  writeI64(words, TICK.advanceMs, advanceMs)
  return TICK.bytes
}

function flagsOf(kind: number, fields: CommandFields): number {
  let flags = 0
  if (fields.external === true) flags |= FLAG.external
  if (fields.history === true) flags |= FLAG.history
  if (fields.allowOver === true) flags |= FLAG.allowOver
  if (fields.atMost === true) flags |= FLAG.atMost
  if (kind === KIND.settle && fields.final !== false) flags |= FLAG.final
  if ((kind === KIND.settle || kind === KIND.release) && fields.amount !== undefined) {
    flags |= FLAG.hasAmount
  }
  return flags
}

function writeFields(
  words: Words,
  at: number,
  kind: number,
  fields: CommandFields,
  ids: IdCache,
): void {
  const u8 = words.u8
  switch (kind) {
    case KIND.openAccount:
      words.u32[(at + OPEN_ACCOUNT.ledger) >>> 2] = fields.ledger as number
      writeI64(words, at + OPEN_ACCOUNT.creditLimit, fields.creditLimit ?? 0)
      return
    case KIND.setCreditLimit:
      u8.set(ids(fields.account as string), at + SET_CREDIT_LIMIT.account)
      writeI64(words, at + SET_CREDIT_LIMIT.value, fields.value as number)
      return
    case KIND.freezeAccount:
    case KIND.unfreezeAccount:
    case KIND.closeAccount:
      u8.set(ids(fields.account as string), at + ACCOUNT_CHANGE.account)
      return
    case KIND.transfer:
    case KIND.reserve:
      u8.set(ids(fields.debitAccount as string), at + TRANSFER.debit)
      u8.set(ids(fields.creditAccount as string), at + TRANSFER.credit)
      writeI64(words, at + TRANSFER.amount, fields.amount as number)
      if (kind === KIND.transfer) return
      writeI64(words, at + RESERVE.timeoutMs, fields.timeoutMs ?? 0)
      if (fields.group !== undefined) u8.set(ids(fields.group), at + RESERVE.group)
      return
    case KIND.settle:
    case KIND.release:
      u8.set(idFromText(fields.reservation as string), at + RESOLVE.reservation)
      writeI64(words, at + RESOLVE.amount, fields.amount ?? 0)
      return
    case KIND.extend:
      u8.set(idFromText(fields.reservation as string), at + EXTEND.reservation)
      writeI64(words, at + EXTEND.amount, fields.amount ?? 0)
      writeI64(words, at + EXTEND.timeoutMs, fields.timeoutMs ?? 0)
      return
    case KIND.settleGroup:
    case KIND.releaseGroup:
      u8.set(ids(fields.group as string), at + RESOLVE_GROUP.group)
      return
    default:
      throw new RangeError(`no command has the kind ${kind}`)
  }
}

/**
 * Writes spellings and metadata behind the record of `bytes` bytes; gives back the tail's length.
 */
function writeTail(
  words: Words,
  at: number,
  bytes: number,
  fields: CommandFields,
  kind: number,
): number {
  const start = at + bytes
  let end = writeSpelling(words.u8, start, TAIL_TAG.id, fields.id)
  if (fields.metadata !== undefined) {
    const canonical = canonicalMetadata(fields.metadata)
    words.u32[(at + RECORD.metadataHash) >>> 2] = metadataHash(canonical)
    if (canonical !== '') {
      end = writeTailEntry(words.u8, end, TAIL_TAG.metadata, Buffer.from(canonical))
    }
  }
  if (kind === KIND.reserve && fields.group !== undefined) {
    end = writeSpelling(words.u8, end, TAIL_TAG.group, fields.group)
  }
  if (end === start) return 0
  const tailBytes = endTail(words.u8, start, end)
  words.u16[(at + RECORD.tailBytes) >>> 1] = tailBytes
  return tailBytes
}

/** A canonical UUID needs no spelling: its bytes give it back. */
function writeSpelling(u8: Uint8Array, at: number, tag: TailTag, text: string): number {
  return isCanonicalUuid(text) ? at : writeTailEntry(u8, at, tag, Buffer.from(text))
}
