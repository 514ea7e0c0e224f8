// The parts of an outcome as JSON text: accounts, reservations, audit, times. Built by hand, for
// they are written on every reply. Which parts a reply has is said in replies.ts.

import {
  ACCOUNT_FLAG,
  type AccountNames,
  formatDigest,
  OUTCOME,
  OUTCOME_ACCOUNT,
  OUTCOME_AUDIT,
  OUTCOME_FLAG,
  OUTCOME_LEDGER,
  OUTCOME_RESERVATION,
  RESERVATION_STATE,
  RESERVATION_STATE_NAMES,
  readF64,
  TURNOVER_UNIT,
  type Words,
} from '../protocol/index.ts'

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

/** Spelling of the account whose entry is at `entry`. */
export function accountName(words: Words, entry: number, names: AccountNames): string {
  return names.nameOf(words.u32[(entry + OUTCOME_ACCOUNT.slot) >>> 2] as number)
}

/** balance - held + creditLimit of the account whose entry is at `entry`. */
export function availableOf(words: Words, entry: number): number {
  return (
    readF64(words, entry + OUTCOME_ACCOUNT.balance) -
    readF64(words, entry + OUTCOME_ACCOUNT.held) +
    readF64(words, entry + OUTCOME_ACCOUNT.creditLimit)
  )
}

/** `"id":...` to `"creditLimit":...` of the account whose entry is at `entry`, without braces. */
export function balanceMembers(words: Words, entry: number, name: string): string {
  const ledger = words.u32[(entry + OUTCOME_ACCOUNT.ledger) >>> 2] as number
  const balance = readF64(words, entry + OUTCOME_ACCOUNT.balance)
  const held = readF64(words, entry + OUTCOME_ACCOUNT.held)
  const incoming = readF64(words, entry + OUTCOME_ACCOUNT.incoming)
  const limit = readF64(words, entry + OUTCOME_ACCOUNT.creditLimit)
  return (
    `"id":${JSON.stringify(name)},"ledger":${ledger},"balance":${balance}` +
    `,"held":${held},"incoming":${incoming},"available":${balance - held + limit}` +
    `,"creditLimit":${limit}`
  )
}

/** All members of an account as a resource, without braces. */
export function accountMembers(
  words: Words,
  entry: number,
  name: string,
  names: AccountNames,
): string {
  const flags = words.u32[(entry + OUTCOME_ACCOUNT.flags) >>> 2] as number
  const metadata = names.metadataOf(words.u32[(entry + OUTCOME_ACCOUNT.slot) >>> 2] as number)
  const has = (flag: number) => (flags & flag) !== 0
  const tail = metadata === undefined ? '' : `,"metadata":${metadata}`
  return (
    `${balanceMembers(words, entry, name)},"external":${has(ACCOUNT_FLAG.external)}` +
    `,"frozen":${has(ACCOUNT_FLAG.frozen)},"closed":${has(ACCOUNT_FLAG.closed)}` +
    `,"history":${has(ACCOUNT_FLAG.history)}${tail}`
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

/** All members of a reservation as a resource, without braces. */
export function reservationMembers(
  view: ReservationView,
  id: string,
  debitAccount: string,
  creditAccount: string,
): string {
  const expiresAt = view.expiresAt === 0 ? 'null' : `"${formatTime(view.expiresAt)}"`
  return (
    `"id":${JSON.stringify(id)},"debitAccount":${JSON.stringify(debitAccount)}` +
    `,"creditAccount":${JSON.stringify(creditAccount)},"state":"${view.state}"` +
    `,"amount":${view.amount},"settled":${view.settled},"released":${view.released}` +
    `,"remaining":${view.remaining},"expiresAt":${expiresAt}`
  )
}

/** `"sequence":...,"time":...` of an outcome. */
export function whenMembers(words: Words, at: number): string {
  return (
    `"sequence":${readF64(words, at + OUTCOME.sequence)}` +
    `,"time":"${formatTime(readF64(words, at + OUTCOME.timeMs))}"`
  )
}

/** The audit's answer, whole. */
export function auditJson(words: Words, at: number): string {
  const base = at + OUTCOME.head
  const digest = (base + OUTCOME_AUDIT.digest) >>> 2
  const ledgers: string[] = []
  for (let i = 0; i < accountsIn(words, at); i++) {
    ledgers.push(ledgerJson(words, base + OUTCOME_AUDIT.bytes + i * OUTCOME_LEDGER.bytes))
  }
  return (
    `{${whenMembers(words, at)}` +
    `,"digest":"${formatDigest(words.u32[digest] as number, words.u32[digest + 1] as number)}"` +
    `,"accounts":${readF64(words, base + OUTCOME_AUDIT.accounts)}` +
    `,"openReservations":${readF64(words, base + OUTCOME_AUDIT.openReservations)}` +
    `,"ledgers":[${ledgers.join(',')}]}`
  )
}

function ledgerJson(words: Words, at: number): string {
  const high = BigInt(readF64(words, at + OUTCOME_LEDGER.turnoverHigh))
  const low = BigInt(readF64(words, at + OUTCOME_LEDGER.turnoverLow))
  const turnover = high * BigInt(TURNOVER_UNIT) + low
  return (
    `{"ledger":${words.u32[(at + OUTCOME_LEDGER.ledger) >>> 2]}` +
    `,"accounts":${readF64(words, at + OUTCOME_LEDGER.accounts)}` +
    `,"turnover":"${turnover}","held":${readF64(words, at + OUTCOME_LEDGER.held)}}`
  )
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
