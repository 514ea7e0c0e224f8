// A journaled record as JSON for people: its sequence, time, kind, ids as they were spelled, amounts.

import { rulesIn } from '../engine/index.ts'
import {
  ACCOUNT_CHANGE,
  CHECKPOINT,
  CONFIGURE,
  EXTEND,
  FLAG,
  formatDigest,
  formatUuid,
  ID_BYTES,
  isCommand,
  isModuleInput,
  isNoId,
  KIND,
  MODULE,
  NAME_OF_KIND,
  OPEN_ACCOUNT,
  RECORD,
  RESERVE,
  RESOLVE,
  RESOLVE_GROUP,
  readI64,
  readModuleInput,
  readTailEntry,
  recordBytes,
  SET_CREDIT_LIMIT,
  TAIL_TAG,
  TICK,
  TRANSFER,
  VOID,
  type Words,
} from '../protocol/index.ts'
import { formatTime } from './output.ts'

/** A record's fields in the order in which they are shown. */
export type RecordJson = Readonly<Record<string, unknown>> & { readonly kind: string }

/** Spellings by id, learned from the records that carry them. */
export interface Spellings {
  /** Takes in the spellings that the record at `at` carries. */
  learn(words: Words, at: number): void
  /** How the id at `at` was spelled; its UUID where nobody said. */
  of(words: Words, at: number): string
}

/** How many spellings are held; when there are more, all are forgotten and UUIDs are shown. */
const SPELLINGS_MAX = 1_000_000

/** No spellings yet. */
export function startSpellings(): Spellings {
  const known = new Map<string, string>()
  const uuidAt = (words: Words, at: number) => formatUuid(words.u8.slice(at, at + ID_BYTES))
  const learn = (words: Words, at: number, idAt: number, tag: 1 | 3) => {
    const bytes = words.u16[(at + RECORD.tailBytes) >>> 1] as number
    const text = readTailEntry(words.u8, at + recordBytes(words, at) - bytes, bytes, tag)
    if (text === undefined) return
    if (known.size >= SPELLINGS_MAX) known.clear()
    known.set(uuidAt(words, idAt), text)
  }
  return {
    learn(words, at) {
      const kind = words.u8[at] as number
      // The tail of a module's command is its input.
      if (!isCommand(kind) || kind === KIND.module) return
      if (words.u16[(at + RECORD.tailBytes) >>> 1] === 0) return
      learn(words, at, at + RECORD.id, TAIL_TAG.id)
      if (kind === KIND.reserve) learn(words, at, at + RESERVE.group, TAIL_TAG.group)
    },
    of(words, at) {
      const uuid = uuidAt(words, at)
      return known.get(uuid) ?? uuid
    },
  }
}

/** The ids that a record names beside its own, as offsets from its start. */
export const IDS_OF_KIND: Readonly<Record<number, Readonly<Record<string, number>>>> = {
  [KIND.setCreditLimit]: { account: SET_CREDIT_LIMIT.account },
  [KIND.freezeAccount]: { account: ACCOUNT_CHANGE.account },
  [KIND.unfreezeAccount]: { account: ACCOUNT_CHANGE.account },
  [KIND.closeAccount]: { account: ACCOUNT_CHANGE.account },
  [KIND.transfer]: { debitAccount: TRANSFER.debit, creditAccount: TRANSFER.credit },
  [KIND.reserve]: {
    debitAccount: RESERVE.debit,
    creditAccount: RESERVE.credit,
    group: RESERVE.group,
  },
  [KIND.settle]: { reservation: RESOLVE.reservation },
  [KIND.release]: { reservation: RESOLVE.reservation },
  [KIND.extend]: { reservation: EXTEND.reservation },
  [KIND.settleGroup]: { group: RESOLVE_GROUP.group },
  [KIND.releaseGroup]: { group: RESOLVE_GROUP.group },
}

const NUMBERS_OF_KIND: Readonly<Record<number, Readonly<Record<string, number>>>> = {
  [KIND.openAccount]: { creditLimit: OPEN_ACCOUNT.creditLimit },
  [KIND.setCreditLimit]: { value: SET_CREDIT_LIMIT.value },
  [KIND.transfer]: { amount: TRANSFER.amount },
  [KIND.reserve]: { amount: RESERVE.amount, timeoutMs: RESERVE.timeoutMs },
  [KIND.extend]: { amount: EXTEND.amount, timeoutMs: EXTEND.timeoutMs },
  [KIND.tick]: { advanceMs: TICK.advanceMs },
  [KIND.configure]: withoutBytes(CONFIGURE),
  [KIND.void]: { voided: VOID.sequence },
  [KIND.checkpoint]: { after: CHECKPOINT.sequence },
}

function withoutBytes({ bytes: _, ...fields }: typeof CONFIGURE): Record<string, number> {
  return fields
}

const FLAGS_OF_KIND: Readonly<Record<number, readonly (keyof typeof FLAG)[]>> = {
  [KIND.openAccount]: ['external', 'history'],
  [KIND.transfer]: ['atMost'],
  [KIND.reserve]: ['allowOver', 'atMost'],
}

/**
 * The record at `at` as JSON; `spellings` has learned what came before it, `commandNames` are those of
 * modules by their routes.
 */
export function recordAsJson(
  words: Words,
  at: number,
  sequence: number,
  timeMs: number,
  spellings: Spellings,
  commandNames: ReadonlyMap<number, string>,
): RecordJson {
  const kind = words.u8[at] as number
  const flags = words.u8[at + RECORD.flags] as number
  const json: Record<string, unknown> & { kind: string } = {
    sequence,
    time: formatTime(timeMs),
    kind: NAME_OF_KIND[kind] ?? `kind ${kind}`,
  }
  if (kind === KIND.module) nameModuleCommand(json, words, at, commandNames)
  if (isCommand(kind)) json.id = spellings.of(words, at + RECORD.id)
  if (kind === KIND.openAccount) json.ledger = words.u32[(at + OPEN_ACCOUNT.ledger) >>> 2]
  for (const [name, offset] of Object.entries(IDS_OF_KIND[kind] ?? {})) {
    if (!isNoId(words, at + offset)) json[name] = spellings.of(words, at + offset)
  }
  for (const [name, offset] of Object.entries(NUMBERS_OF_KIND[kind] ?? {})) {
    json[name] = readI64(words, at + offset)
  }
  if ((flags & FLAG.hasAmount) !== 0) json.amount = readI64(words, at + RESOLVE.amount)
  if (kind === KIND.settle) json.final = (flags & FLAG.final) !== 0
  if (kind === KIND.configure) json.modules = rulesIn(words, at).trimEnd().split('\n').join(',')
  if (kind === KIND.checkpoint) json.digest = digestAt(words, at + CHECKPOINT.digest)
  for (const name of FLAGS_OF_KIND[kind] ?? []) {
    if ((flags & FLAG[name]) !== 0) json[name] = true
  }
  if (isCommand(kind) && (flags & FLAG.linked) !== 0) json.linked = true
  const metadata = metadataOf(words, at)
  if (metadata !== undefined) json.metadata = metadata
  return json
}

/** Says which module's command it is, and what it was given. */
function nameModuleCommand(
  json: Record<string, unknown>,
  words: Words,
  at: number,
  commandNames: ReadonlyMap<number, string>,
): void {
  const route = words.i32[(at + MODULE.route) >>> 2] as number
  json.command = commandNames.get(route) ?? `route ${route}`
  if (isModuleInput(words, at)) json.input = readModuleInput(words, at)
}

function digestAt(words: Words, at: number): string {
  return formatDigest(words.u32[at >>> 2] as number, words.u32[(at >>> 2) + 1] as number)
}

function metadataOf(words: Words, at: number): unknown {
  // The tails of others are no lists of texts.
  if (!isCommand(words.u8[at] as number) || words.u8[at] === KIND.module) return undefined
  const bytes = words.u16[(at + RECORD.tailBytes) >>> 1] as number
  const tailAt = at + recordBytes(words, at) - bytes
  const text = readTailEntry(words.u8, tailAt, bytes, TAIL_TAG.metadata)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
