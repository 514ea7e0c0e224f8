// The layout of outcomes: what the engine writes into a gateway's ring, for commands and queries.
//
//   0       4        6     7      8          16         24        32      36          38
//   +-------+--------+-----+------+----------+----------+---------+-------+-----------+--------------+
//   | token | status | kind| flags| sequence | timeMs   | moved   | bytes | accounts  | reservations |
//   +-------+--------+-----+------+----------+----------+---------+-------+-----------+--------------+
//   40 with `hasReservation`: the reservation (40 bytes); then `accounts` entries of 48 bytes;
//      for the audit instead: the audit (32 bytes), then one entry of 40 bytes for each ledger
//
// Numbers are doubles that hold an integer within +-2^53, where not said otherwise: they are copied from
// the tables as they are.

import { GROUP_RESERVATIONS_MAX, MODULE_REPLY_BYTES_MAX } from './limits.ts'
import { FLAG, KIND, RECORD } from './records.ts'
import type { Words } from './words.ts'

/** Offsets in an outcome's head, in bytes. */
export const OUTCOME = {
  /** u32: the command's. */
  token: 0,
  /** u16: number of the status, see statuses.ts. */
  status: 4,
  /** u8: the command's or query's kind. */
  kind: 6,
  /** u8: `OUTCOME_FLAG`. */
  flags: 7,
  /** Of the record that decided; of the first one for a replayed outcome; for queries what they reflect. */
  sequence: 8,
  /** Journal time of that record. */
  timeMs: 16,
  /** What really moved: posted, held, given back or added. */
  moved: 24,
  /** u32: whole length, a multiple of 8. */
  bytes: 32,
  /** u16: entries of accounts; ledgers for the audit. */
  accounts: 36,
  /** u16: reservations that a group's command resolved. */
  reservations: 38,
  head: 40,
} as const

/** Bits of an outcome's `flags`. */
export const OUTCOME_FLAG = {
  /** The id was known: this is the first outcome again. */
  replayed: 1,
  /** A reservation follows the head. */
  hasReservation: 2,
  /** A module's reply follows the accounts: `OUTCOME_BODY`. */
  hasBody: 4,
} as const

/** Offsets in an outcome's reservation; its debit and credit account are the first two entries. */
export const OUTCOME_RESERVATION = {
  amount: 0,
  settled: 8,
  released: 16,
  /** 0: never. */
  expiresAt: 24,
  /** u32: `RESERVATION_STATE`. */
  state: 32,
  bytes: 40,
} as const

/** Offsets in a module's reply, the last part of its outcome. */
export const OUTCOME_BODY = {
  /** u32: bytes of the reply as JSON text; the word behind it is 0. */
  bodyBytes: 0,
  /** The text in UTF-8, then zeros to a multiple of 8. */
  body: 8,
} as const

/** States of a reservation; one word in the tables, one name in JSON. */
export const RESERVATION_STATE = { held: 1, settled: 2, released: 3, expired: 4 } as const

/** JSON names by number. */
export const RESERVATION_STATE_NAMES = ['', 'held', 'settled', 'released', 'expired'] as const

/** Offsets in an outcome's account entry: what the account is after the command. */
export const OUTCOME_ACCOUNT = {
  /** u32: its place in the tables; `AccountNames` has its spelling. */
  slot: 0,
  /** u32. */
  ledger: 4,
  /** u32: `ACCOUNT_FLAG`. */
  flags: 8,
  balance: 16,
  held: 24,
  incoming: 32,
  creditLimit: 40,
  bytes: 48,
} as const

/** Bits of an account's flags. */
export const ACCOUNT_FLAG = {
  external: 1,
  history: 2,
  frozen: 4,
  closed: 8,
  /** A module opened it: the core's commands from outside are `owned_by_module`. */
  owned: 16,
} as const

/** Offsets in the audit's answer, after the head. */
export const OUTCOME_AUDIT = {
  /** Two u32 words: the outcome digest. */
  digest: 0,
  accounts: 8,
  openReservations: 16,
  bytes: 32,
} as const

/** Offsets in the audit's entry of one ledger. */
export const OUTCOME_LEDGER = {
  /** u32. */
  ledger: 0,
  accounts: 8,
  held: 16,
  /** turnover = turnoverHigh * 2^52 + turnoverLow. */
  turnoverHigh: 24,
  turnoverLow: 32,
  bytes: 40,
} as const

/** Turnover is kept as two numbers: units of 2^52 and the rest, so that it never loses one. */
export const TURNOVER_UNIT = 4_503_599_627_370_496

const ONE_OR_TWO_ACCOUNTS = OUTCOME.head + OUTCOME_RESERVATION.bytes + 2 * OUTCOME_ACCOUNT.bytes
const MODULE_REPLY = OUTCOME.head + OUTCOME_BODY.body + MODULE_REPLY_BYTES_MAX
const GROUP_ACCOUNTS = OUTCOME.head + 2 * GROUP_RESERVATIONS_MAX * OUTCOME_ACCOUNT.bytes

/** The longest outcome of any core command: a group whose reservations share no account. */
export const OUTCOME_BYTES_MAX: number = GROUP_ACCOUNTS

/** The longest outcome that a record of this kind can have: what a gateway must have room for. */
export function outcomeBytesMax(kind: number, ledgersMax: number): number {
  if (kind === KIND.settleGroup || kind === KIND.releaseGroup) return GROUP_ACCOUNTS
  if (kind === KIND.queryAudit) {
    return OUTCOME.head + OUTCOME_AUDIT.bytes + ledgersMax * OUTCOME_LEDGER.bytes
  }
  if (kind === KIND.module || kind === KIND.queryModule) return MODULE_REPLY
  return ONE_OR_TWO_ACCOUNTS
}

/** Whether the record at `at` asks only what would be. */
export function isDryRun(words: Words, at: number): boolean {
  return ((words.u8[at + RECORD.flags] as number) & FLAG.dryRun) !== 0
}
