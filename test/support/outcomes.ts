// A sink that keeps what the engine writes into it, and reads it back as plain objects.

import {
  ACCOUNT_FLAG,
  type AccountNames,
  allocateWords,
  NAME_OF_KIND,
  OUTCOME,
  OUTCOME_ACCOUNT,
  OUTCOME_AUDIT,
  OUTCOME_FLAG,
  OUTCOME_LEDGER,
  OUTCOME_RESERVATION,
  RESERVATION_STATE_NAMES,
  readF64,
  statusOf,
  TURNOVER_UNIT,
  type Words,
} from '../../protocol/index.ts'
import type { AccountView, Outcome, ReservationView } from './commands.ts'

/** The audit's answer. */
export interface AuditView {
  readonly digest: string
  readonly accounts: number
  readonly openReservations: number
  readonly ledgers: readonly LedgerView[]
}

/** One ledger of an audit. */
export interface LedgerView {
  readonly ledger: number
  readonly accounts: number
  readonly held: number
  readonly turnover: bigint
}

/** Keeps every outcome of a frame, whatever the gateway; `take` empties it. */
export class CapturingSink {
  readonly words: Words
  at = 0
  readonly #bytesMax: number
  #end = 0
  #places: number[] = []

  constructor(bytesMax = 262_144) {
    this.words = allocateWords(bytesMax)
    this.#bytesMax = bytesMax
  }

  claim(_gateway: number, bytes: number): boolean {
    if (this.#end + bytes > this.#bytesMax) throw new RangeError('the capturing sink is full')
    this.at = this.#end
    this.#places.push(this.at)
    this.#end += bytes
    return true
  }

  /** The places of what was written since the last call. */
  take(): number[] {
    const places = this.#places
    this.#places = []
    this.#end = 0
    return places
  }
}

/** The outcome at `at` as a plain object. */
export function decodeOutcome(words: Words, at: number, names: AccountNames): Outcome {
  const flags = words.u8[at + OUTCOME.flags] as number
  const hasReservation = (flags & OUTCOME_FLAG.hasReservation) !== 0
  const count = words.u16[(at + OUTCOME.accounts) >>> 1] as number
  const accountsAt = at + OUTCOME.head + (hasReservation ? OUTCOME_RESERVATION.bytes : 0)
  return {
    type: NAME_OF_KIND[words.u8[at + OUTCOME.kind] as number] as Outcome['type'],
    code: statusOf(words.u16[(at + OUTCOME.status) >>> 1] as number).code as Outcome['code'],
    replayed: (flags & OUTCOME_FLAG.replayed) !== 0,
    sequence: readF64(words, at + OUTCOME.sequence),
    timeMs: readF64(words, at + OUTCOME.timeMs),
    moved: readF64(words, at + OUTCOME.moved),
    resolved: words.u16[(at + OUTCOME.reservations) >>> 1] as number,
    reservation: hasReservation ? decodeReservation(words, at + OUTCOME.head) : undefined,
    accounts: Array.from({ length: count }, (_, i) =>
      decodeAccount(words, accountsAt + i * OUTCOME_ACCOUNT.bytes, names),
    ),
  }
}

/** The token of the outcome at `at`. */
export function tokenOf(words: Words, at: number): number {
  return words.u32[(at + OUTCOME.token) >>> 2] as number
}

function decodeReservation(words: Words, at: number): ReservationView {
  const state = words.u32[(at + OUTCOME_RESERVATION.state) >>> 2] as 1 | 2 | 3 | 4
  return {
    state: RESERVATION_STATE_NAMES[state],
    amount: readF64(words, at + OUTCOME_RESERVATION.amount),
    settled: readF64(words, at + OUTCOME_RESERVATION.settled),
    released: readF64(words, at + OUTCOME_RESERVATION.released),
    expiresAt: readF64(words, at + OUTCOME_RESERVATION.expiresAt),
  }
}

function decodeAccount(words: Words, at: number, names: AccountNames): AccountView {
  const flags = words.u32[(at + OUTCOME_ACCOUNT.flags) >>> 2] as number
  return {
    id: names.nameOf(words.u32[(at + OUTCOME_ACCOUNT.slot) >>> 2] as number),
    ledger: words.u32[(at + OUTCOME_ACCOUNT.ledger) >>> 2] as number,
    external: (flags & ACCOUNT_FLAG.external) !== 0,
    history: (flags & ACCOUNT_FLAG.history) !== 0,
    frozen: (flags & ACCOUNT_FLAG.frozen) !== 0,
    closed: (flags & ACCOUNT_FLAG.closed) !== 0,
    balance: readF64(words, at + OUTCOME_ACCOUNT.balance),
    held: readF64(words, at + OUTCOME_ACCOUNT.held),
    incoming: readF64(words, at + OUTCOME_ACCOUNT.incoming),
    creditLimit: readF64(words, at + OUTCOME_ACCOUNT.creditLimit),
  }
}

/** The audit's answer at `at`. */
export function decodeAudit(words: Words, at: number): AuditView {
  const audit = at + OUTCOME.head
  const count = words.u16[(at + OUTCOME.accounts) >>> 1] as number
  const hex = (word: number) =>
    (words.u32[(audit + OUTCOME_AUDIT.digest + word * 4) >>> 2] as number)
      .toString(16)
      .padStart(8, '0')
  return {
    digest: hex(0) + hex(1),
    accounts: readF64(words, audit + OUTCOME_AUDIT.accounts),
    openReservations: readF64(words, audit + OUTCOME_AUDIT.openReservations),
    ledgers: Array.from({ length: count }, (_, i) =>
      decodeLedger(words, audit + OUTCOME_AUDIT.bytes + i * OUTCOME_LEDGER.bytes),
    ).sort((x, y) => x.ledger - y.ledger),
  }
}

function decodeLedger(words: Words, at: number): LedgerView {
  const high = readF64(words, at + OUTCOME_LEDGER.turnoverHigh)
  const low = readF64(words, at + OUTCOME_LEDGER.turnoverLow)
  return {
    ledger: words.u32[(at + OUTCOME_LEDGER.ledger) >>> 2] as number,
    accounts: readF64(words, at + OUTCOME_LEDGER.accounts),
    held: readF64(words, at + OUTCOME_LEDGER.held),
    turnover: BigInt(high) * BigInt(TURNOVER_UNIT) + BigInt(low),
  }
}
