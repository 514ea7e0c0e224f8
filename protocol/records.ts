// The layouts of command records: the same bytes in the rings, on disk and in the engine.
//
//   0        1        2               4               6               8               12
//   +--------+--------+---------------+---------------+---------------+---------------+---------------+
//   | kind   | flags  | tailBytes     | gateway slot  | 0             | token         | metadataHash  |
//   +--------+--------+---------------+---------------+---------------+---------------+---------------+
//   16                                                                                                32
//   | id: the command's own 128 bits (the account's for open_account, the reservation's for reserve) |
//   +-----------------------------------------------------------------------------------------------+
//   32 fields of the kind, each aligned to 8   ...   then the tail: 0 to 1,024 bytes, a multiple of 8
//
// A record is `BYTES_OF_KIND[kind] + tailBytes` long, always a multiple of 8.

import { AMOUNT_MAX, CLOCK_ADVANCE_MS_MAX, TAIL_BYTES_MAX, TIMEOUT_MS_MAX } from './limits.ts'
import { isNoId, readI64, type Words } from './words.ts'

/** The kinds of records. 0 is a ring's skip marker and never journaled. Numbers are part of the format. */
export const KIND = {
  skip: 0,
  openAccount: 1,
  setCreditLimit: 2,
  freezeAccount: 3,
  unfreezeAccount: 4,
  closeAccount: 5,
  transfer: 6,
  reserve: 7,
  settle: 8,
  release: 9,
  extend: 10,
  settleGroup: 11,
  releaseGroup: 12,
  /** The engine's own, derived and never journaled: an expiry as it enters the digest. */
  expire: 13,
  /** Time passed and something was due; or the test clock was moved. */
  tick: 14,
  /** The capacities that a start brought into force. */
  configure: 15,
  /** Has every replay skip one record. */
  void: 16,
  /** What the outcome digest was at an earlier frame's end. */
  checkpoint: 17,
  /** A module's command; which one is in `MODULE.route`. */
  module: 18,
  /** Queries travel on their own ring and are never journaled. */
  queryAccount: 32,
  queryReservation: 33,
  queryAudit: 34,
  queryModule: 35,
} as const

/** A record's kind. */
export type Kind = (typeof KIND)[keyof typeof KIND]

/** The head that all records share; offsets in bytes. */
export const RECORD = {
  kind: 0,
  flags: 1,
  tailBytes: 2,
  gateway: 4,
  token: 8,
  metadataHash: 12,
  id: 16,
  bytes: 32,
} as const

/** The gateway slot of records that no gateway sent: nobody waits for their outcome. */
export const NO_GATEWAY = 65_535

/** Bits of the head's `flags`. */
export const FLAG = {
  /** The next record belongs to the same chain (set on all members but the last). */
  linked: 1,
  /** open_account: the account has no floor. */
  external: 2,
  /** open_account: views keep its history. */
  history: 4,
  /** reserve: a settle may take more than what is reserved, from what is available. */
  allowOver: 8,
  /** transfer, reserve: take what is available up to the amount. */
  atMost: 16,
  /** settle, release: an amount was given (else: all that remains). */
  hasAmount: 32,
  /** settle: give the rest back. */
  final: 64,
  /** On the query ring: decide, report, change nothing. */
  dryRun: 128,
} as const

/** open_account: u32 ledger, i64 creditLimit. */
export const OPEN_ACCOUNT = { ledger: 32, creditLimit: 40, bytes: 48 } as const
/** set_credit_limit: the account, i64 value. */
export const SET_CREDIT_LIMIT = { account: 32, value: 48, bytes: 56 } as const
/** freeze_account, unfreeze_account, close_account: the account. */
export const ACCOUNT_CHANGE = { account: 32, bytes: 48 } as const
/** transfer: debit and credit account, i64 amount. */
export const TRANSFER = { debit: 32, credit: 48, amount: 64, bytes: 72 } as const
/** reserve: as a transfer, then i64 timeoutMs (0: none) and the group (zero: none). */
export const RESERVE = {
  debit: 32,
  credit: 48,
  amount: 64,
  timeoutMs: 72,
  group: 80,
  bytes: 96,
} as const
/** settle, release: the reservation, i64 amount (0 without `hasAmount`). */
export const RESOLVE = { reservation: 32, amount: 48, bytes: 56 } as const
/** extend: the reservation, i64 more amount, i64 more time; not both 0. */
export const EXTEND = { reservation: 32, amount: 48, timeoutMs: 56, bytes: 64 } as const
/** settle_group, release_group: the group. */
export const RESOLVE_GROUP = { group: 32, bytes: 48 } as const
/** tick: i64 advanceMs, which the test clock was moved by (else 0). */
export const TICK = { advanceMs: 32, bytes: 40 } as const
/**
 * configure: the rules' version and the capacities, all i64. The tail is text: a line `name@version` for
 * each module in force, in order of the names, then zeros.
 */
export const CONFIGURE = {
  rulesVersion: 32,
  accountsMax: 40,
  ledgersMax: 48,
  reservationsMax: 56,
  groupsMax: 64,
  outcomesMax: 72,
  accountNameBytesMax: 80,
  windowMs: 88,
  retentionMs: 96,
  moduleReplyBytesMax: 104,
  bytes: 112,
} as const
/** void: i64 sequence of the record to skip. */
export const VOID = { sequence: 32, bytes: 40 } as const
/** checkpoint: i64 sequence of an earlier frame's last record, then the digest's two words after it. */
export const CHECKPOINT = { sequence: 32, digest: 40, bytes: 48 } as const
/**
 * module, queryModule: i32 route (`moduleRoute`), two i32 words that stand for the whole input, u32 bytes of
 * the packed input in the tail, then a byte for each of the input's first 12 fields, in its schema's order,
 * to name the one that differs.
 */
export const MODULE = {
  route: 32,
  content: 36,
  inputBytes: 44,
  fields: 48,
  bytes: 64,
} as const
/** Queries carry nothing but an id in the head (the audit: none). */
export const QUERY = { bytes: 32 } as const

/** Length without tail by kind; 0 where there is no such kind. */
export const BYTES_OF_KIND: Uint8Array = bytesByKind()

function bytesByKind(): Uint8Array {
  const bytes = new Uint8Array(256)
  bytes[KIND.openAccount] = OPEN_ACCOUNT.bytes
  bytes[KIND.setCreditLimit] = SET_CREDIT_LIMIT.bytes
  bytes[KIND.freezeAccount] = ACCOUNT_CHANGE.bytes
  bytes[KIND.unfreezeAccount] = ACCOUNT_CHANGE.bytes
  bytes[KIND.closeAccount] = ACCOUNT_CHANGE.bytes
  bytes[KIND.transfer] = TRANSFER.bytes
  bytes[KIND.reserve] = RESERVE.bytes
  bytes[KIND.settle] = RESOLVE.bytes
  bytes[KIND.release] = RESOLVE.bytes
  bytes[KIND.extend] = EXTEND.bytes
  bytes[KIND.settleGroup] = RESOLVE_GROUP.bytes
  bytes[KIND.releaseGroup] = RESOLVE_GROUP.bytes
  bytes[KIND.tick] = TICK.bytes
  bytes[KIND.configure] = CONFIGURE.bytes
  bytes[KIND.void] = VOID.bytes
  bytes[KIND.checkpoint] = CHECKPOINT.bytes
  bytes[KIND.module] = MODULE.bytes
  bytes[KIND.queryModule] = MODULE.bytes
  bytes[KIND.queryAccount] = QUERY.bytes
  bytes[KIND.queryReservation] = QUERY.bytes
  bytes[KIND.queryAudit] = QUERY.bytes
  return bytes
}

/** The commands that clients send, by the name they have in JSON. */
export const COMMAND_NAMES = {
  open_account: KIND.openAccount,
  set_credit_limit: KIND.setCreditLimit,
  freeze_account: KIND.freezeAccount,
  unfreeze_account: KIND.unfreezeAccount,
  close_account: KIND.closeAccount,
  transfer: KIND.transfer,
  reserve: KIND.reserve,
  settle: KIND.settle,
  release: KIND.release,
  extend: KIND.extend,
  settle_group: KIND.settleGroup,
  release_group: KIND.releaseGroup,
} as const

/** A command's name in JSON. */
export type CommandName = keyof typeof COMMAND_NAMES

/** Every kind's name, for people: the commands', and the engine's own records'. */
export const NAME_OF_KIND: Readonly<Record<number, string>> = Object.fromEntries([
  ...Object.entries(COMMAND_NAMES).map(([name, kind]) => [kind, name]),
  [KIND.expire, 'expire'],
  [KIND.tick, 'tick'],
  [KIND.configure, 'configure'],
  [KIND.void, 'void'],
  [KIND.checkpoint, 'checkpoint'],
  [KIND.module, 'module'],
])

/** Whether a record of this kind is a client's command: decided, remembered, answered. */
export function isCommand(kind: number): boolean {
  return (kind >= KIND.openAccount && kind <= KIND.releaseGroup) || kind === KIND.module
}

/** Whether a command of this kind is refused while the disk has no room for the next segment. */
export function needsStorage(kind: number): boolean {
  return kind === KIND.reserve || kind === KIND.transfer || kind === KIND.openAccount
}

/** The whole length of the record at `at`; at least 32, 0 where the kind is unknown. */
export function recordBytes(words: Words, at: number): number {
  const bytes = BYTES_OF_KIND[words.u8[at] as number] as number
  return bytes === 0 ? 0 : bytes + (words.u16[(at + RECORD.tailBytes) >>> 1] as number)
}

/**
 * Whether the bytes from `at` to `end` begin with a whole record: a kind that exists, a tail of a
 * legal length, and an end within bounds. Says nothing of the fields.
 */
export function holdsRecord(words: Words, at: number, end: number): boolean {
  if (at + RECORD.bytes > end) return false
  const bytes = BYTES_OF_KIND[words.u8[at] as number] as number
  const tailBytes = words.u16[(at + RECORD.tailBytes) >>> 1] as number
  return (
    bytes !== 0 &&
    (tailBytes & 7) === 0 &&
    tailBytes <= TAIL_BYTES_MAX &&
    at + bytes + tailBytes <= end
  )
}

/** Flags that a command of each kind may carry, beside `linked`. */
const FLAGS_OF_KIND: Uint8Array = flagsByKind()

function flagsByKind(): Uint8Array {
  const flags = new Uint8Array(256)
  flags[KIND.openAccount] = FLAG.external | FLAG.history
  flags[KIND.transfer] = FLAG.atMost
  flags[KIND.reserve] = FLAG.allowOver | FLAG.atMost
  flags[KIND.settle] = FLAG.hasAmount | FLAG.final
  flags[KIND.release] = FLAG.hasAmount
  return flags
}

/**
 * Whether the command at `at`, which `holdsRecord` accepted, has legal fields: ids that are ids,
 * amounts and times within their limits, no flag that its kind does not know. The engine answers
 * `malformed` where not.
 */
export function isWellFormed(words: Words, at: number): boolean {
  const kind = words.u8[at] as number
  const flags = words.u8[at + RECORD.flags] as number
  const legal = (FLAGS_OF_KIND[kind] as number) | FLAG.linked | FLAG.dryRun
  if ((flags & ~legal) !== 0 || isNoId(words, at + RECORD.id)) return false
  switch (kind) {
    case KIND.openAccount:
      return (
        words.u32[(at + OPEN_ACCOUNT.ledger) >>> 2] !== 0 &&
        isAmount(words, at + OPEN_ACCOUNT.creditLimit, 0)
      )
    case KIND.setCreditLimit:
      return (
        !isNoId(words, at + SET_CREDIT_LIMIT.account) &&
        isAmount(words, at + SET_CREDIT_LIMIT.value, 0)
      )
    case KIND.freezeAccount:
    case KIND.unfreezeAccount:
    case KIND.closeAccount:
      return !isNoId(words, at + ACCOUNT_CHANGE.account)
    case KIND.transfer:
      return (
        !isNoId(words, at + TRANSFER.debit) &&
        !isNoId(words, at + TRANSFER.credit) &&
        isAmount(words, at + TRANSFER.amount, 1)
      )
    case KIND.reserve:
      return (
        !isNoId(words, at + RESERVE.debit) &&
        !isNoId(words, at + RESERVE.credit) &&
        isAmount(words, at + RESERVE.amount, 1) &&
        isTimeout(words, at + RESERVE.timeoutMs)
      )
    case KIND.settle:
    case KIND.release:
      return !isNoId(words, at + RESOLVE.reservation) && isResolvedAmount(words, at, kind, flags)
    case KIND.extend:
      return isExtension(words, at)
    case KIND.settleGroup:
    case KIND.releaseGroup:
      return !isNoId(words, at + RESOLVE_GROUP.group)
    case KIND.module:
      return isModuleInput(words, at)
    default:
      return false
  }
}

function isAmount(words: Words, at: number, min: number): boolean {
  const amount = readI64(words, at)
  return amount >= min && amount <= AMOUNT_MAX
}

function isTimeout(words: Words, at: number): boolean {
  const timeoutMs = readI64(words, at)
  return timeoutMs >= 0 && timeoutMs <= TIMEOUT_MS_MAX
}

function isResolvedAmount(words: Words, at: number, kind: number, flags: number): boolean {
  if ((flags & FLAG.hasAmount) === 0) return readI64(words, at + RESOLVE.amount) === 0
  return isAmount(words, at + RESOLVE.amount, kind === KIND.settle ? 0 : 1)
}

function isExtension(words: Words, at: number): boolean {
  if (isNoId(words, at + EXTEND.reservation)) return false
  if (!isAmount(words, at + EXTEND.amount, 0) || !isTimeout(words, at + EXTEND.timeoutMs))
    return false
  return readI64(words, at + EXTEND.amount) + readI64(words, at + EXTEND.timeoutMs) > 0
}

/** Whether the packed input of a module's record lies in its tail, whose padding is less than a word. */
export function isModuleInput(words: Words, at: number): boolean {
  const inputBytes = words.u32[(at + MODULE.inputBytes) >>> 2] as number
  const tailBytes = words.u16[(at + RECORD.tailBytes) >>> 1] as number
  return inputBytes > 0 && inputBytes <= tailBytes && tailBytes - inputBytes < 8
}

/** Whether a tick's move of the test clock is within its limit. */
export function isAdvance(words: Words, at: number): boolean {
  const advanceMs = readI64(words, at + TICK.advanceMs)
  return advanceMs >= 0 && advanceMs <= CLOCK_ADVANCE_MS_MAX
}
