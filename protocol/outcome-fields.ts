// The parts of an outcome as plain values: accounts, reservations, refusals' numbers, the audit. Not
// a reply: which parts are shown, and in what form, is for gateway/ and client/ to say.

import { formatDigest } from './digest.ts'
import {
  OUTCOME,
  OUTCOME_ACCOUNT,
  OUTCOME_AUDIT,
  OUTCOME_FLAG,
  OUTCOME_LEDGER,
  OUTCOME_RESERVATION,
  RESERVATION_STATE,
  RESERVATION_STATE_NAMES,
  TURNOVER_UNIT,
} from './outcomes.ts'
import { readF64, type Words } from './words.ts'

/** A reservation as an outcome has it. */
export interface ReservationView {
  readonly state: (typeof RESERVATION_STATE_NAMES)[number]
  readonly amount: number
  readonly settled: number
  readonly released: number
  /** What is still held: 0 once it has ended. */
  readonly remaining: number
  /** ms since 1970, 0 for never. */
  readonly expiresAt: number
}

/** The number of an outcome's status. */
export function statusNumber(words: Words, at: number): number {
  return words.u16[(at + OUTCOME.status) >>> 1] as number
}

/** Whether the outcome is a first one given again. */
export function isReplayed(words: Words, at: number): boolean {
  return ((words.u8[at + OUTCOME.flags] as number) & OUTCOME_FLAG.replayed) !== 0
}

/** How many accounts the outcome at `at` has. */
export function accountsIn(words: Words, at: number): number {
  return words.u16[(at + OUTCOME.accounts) >>> 1] as number
}

/** Place of the outcome's `index`-th account entry. */
export function accountAt(words: Words, at: number, index: number): number {
  const flags = words.u8[at + OUTCOME.flags] as number
  const reservation = (flags & OUTCOME_FLAG.hasReservation) === 0 ? 0 : OUTCOME_RESERVATION.bytes
  return at + OUTCOME.head + reservation + index * OUTCOME_ACCOUNT.bytes
}

/** Slot of the account whose entry is at `entry`. */
export function slotOf(words: Words, entry: number): number {
  return words.u32[(entry + OUTCOME_ACCOUNT.slot) >>> 2] as number
}

/** balance - held + creditLimit of the account whose entry is at `entry`. */
export function availableOf(words: Words, entry: number): number {
  return (
    readF64(words, entry + OUTCOME_ACCOUNT.balance) -
    readF64(words, entry + OUTCOME_ACCOUNT.held) +
    readF64(words, entry + OUTCOME_ACCOUNT.creditLimit)
  )
}

/** held - balance: the lowest credit limit that the account at `entry` could have. */
export function limitInUse(words: Words, entry: number): number {
  return (
    readF64(words, entry + OUTCOME_ACCOUNT.held) - readF64(words, entry + OUTCOME_ACCOUNT.balance)
  )
}

/** The outcome's reservation, or undefined where it has none. */
export function reservationIn(words: Words, at: number): ReservationView | undefined {
  if (((words.u8[at + OUTCOME.flags] as number) & OUTCOME_FLAG.hasReservation) === 0) {
    return undefined
  }
  const base = at + OUTCOME.head
  const state = words.u32[(base + OUTCOME_RESERVATION.state) >>> 2] as number
  const amount = readF64(words, base + OUTCOME_RESERVATION.amount)
  const settled = readF64(words, base + OUTCOME_RESERVATION.settled)
  const released = readF64(words, base + OUTCOME_RESERVATION.released)
  return {
    state: RESERVATION_STATE_NAMES[state] ?? '',
    amount,
    settled,
    released,
    remaining: state === RESERVATION_STATE.held ? amount - settled - released : 0,
    expiresAt: readF64(words, base + OUTCOME_RESERVATION.expiresAt),
  }
}

/** The outcome digest in the audit at `at`, as it is spelled. */
export function auditDigest(words: Words, at: number): string {
  const digest = (at + OUTCOME.head + OUTCOME_AUDIT.digest) >>> 2
  return formatDigest(words.u32[digest] as number, words.u32[digest + 1] as number)
}

/** Place of the audit's `index`-th ledger. */
export function ledgerAt(at: number, index: number): number {
  return at + OUTCOME.head + OUTCOME_AUDIT.bytes + index * OUTCOME_LEDGER.bytes
}

/** What was posted in total in the ledger at `entry`, in decimal. */
export function turnoverOf(words: Words, entry: number): string {
  const high = BigInt(readF64(words, entry + OUTCOME_LEDGER.turnoverHigh))
  const low = BigInt(readF64(words, entry + OUTCOME_LEDGER.turnoverLow))
  return String(high * BigInt(TURNOVER_UNIT) + low)
}

let lastMs = Number.NaN
let lastText = ''

/** RFC 3339 in UTC with milliseconds. Outcomes of one frame share their time, so one is kept. */
export function formatTime(timeMs: number): string {
  if (timeMs !== lastMs) {
    lastText = new Date(timeMs).toISOString()
    lastMs = timeMs
  }
  return lastText
}
