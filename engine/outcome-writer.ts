// From a decision to what others see of it: the outcome's bytes for a gateway, and the outcome digest.

import {
  accountWord,
  DIGEST_START,
  foldNumber,
  OUTCOME,
  OUTCOME_ACCOUNT,
  OUTCOME_FLAG,
  OUTCOME_RESERVATION,
  rollA,
  rollB,
  type Words,
} from '../protocol/index.ts'
import { ACCOUNT_NUMBERS } from './accounts.ts'
import type { Book } from './book.ts'
import type { Decision } from './decision.ts'

/** Where outcomes go. `claim` makes `bytes` contiguous bytes at `at` of `words` the engine's to fill. */
export interface OutcomeSink {
  words: Words
  at: number
  /** False where nobody waits: the outcome is dropped. What was claimed is filled before the next claim. */
  claim(gateway: number, bytes: number): boolean
}

/** Bytes of a decision's outcome. */
export function outcomeBytes(decision: Decision): number {
  return (
    OUTCOME.head +
    (decision.reservation < 0 ? 0 : OUTCOME_RESERVATION.bytes) +
    decision.accountCount * OUTCOME_ACCOUNT.bytes
  )
}

/** Writes a decision's outcome at `at`. */
export function writeOutcome(
  words: Words,
  at: number,
  book: Book,
  decision: Decision,
  kind: number,
  token: number,
): void {
  writeHead(words, at, decision, kind, token, outcomeBytes(decision))
  let place = at + OUTCOME.head
  if (decision.reservation >= 0) {
    words.u8[at + OUTCOME.flags] =
      (words.u8[at + OUTCOME.flags] as number) | OUTCOME_FLAG.hasReservation
    writeReservation(words, place, book, decision.reservation)
    place += OUTCOME_RESERVATION.bytes
  }
  for (let i = 0; i < decision.accountCount; i++) {
    writeAccount(words, place, book, decision.accounts[i] as number)
    place += OUTCOME_ACCOUNT.bytes
  }
}

/** Writes an outcome's head alone. */
export function writeHead(
  words: Words,
  at: number,
  decision: Decision,
  kind: number,
  token: number,
  bytes: number,
): void {
  words.u32[at >>> 2] = token
  words.u16[(at + OUTCOME.status) >>> 1] = decision.status
  words.u8[at + OUTCOME.kind] = kind
  words.u8[at + OUTCOME.flags] = decision.isReplay ? OUTCOME_FLAG.replayed : 0
  const f = at >>> 3
  words.f64[f + 1] = decision.sequence
  words.f64[f + 2] = decision.timeMs
  words.f64[f + 3] = decision.moved
  words.u32[(at + OUTCOME.bytes) >>> 2] = bytes
  words.u16[(at + OUTCOME.accounts) >>> 1] = decision.accountCount
  words.u16[(at + OUTCOME.reservations) >>> 1] = decision.reservations
}

function writeReservation(words: Words, at: number, book: Book, slot: number): void {
  const rows = book.reservations
  const { f64, u32 } = words
  const f = at >>> 3
  f64[f] = rows.amount(slot)
  f64[f + 1] = rows.settled(slot)
  f64[f + 2] = rows.released(slot)
  f64[f + 3] = rows.expiresAt(slot)
  const w = (at + OUTCOME_RESERVATION.state) >>> 2
  u32[w] = rows.state(slot)
  u32[w + 1] = 0
}

function writeAccount(words: Words, at: number, book: Book, slot: number): void {
  const { accounts, ledgers } = book
  const { f64, u32 } = words
  const w = at >>> 2
  u32[w] = slot
  u32[w + 1] = ledgers.numbers[accounts.ledger(slot)] as number
  u32[w + 2] = accounts.flags(slot)
  u32[w + 3] = 0
  const to = (at + OUTCOME_ACCOUNT.balance) >>> 3
  const from = (slot << 3) + ACCOUNT_NUMBERS.double
  f64[to] = accounts.f64[from] as number
  f64[to + 1] = accounts.f64[from + 1] as number
  f64[to + 2] = accounts.f64[from + 2] as number
  f64[to + 3] = accounts.f64[from + 3] as number
}

/** The outcome digest as it rolls; see docs/formats.md. */
export class OutcomeDigest {
  a: number = DIGEST_START.a
  b: number = DIGEST_START.b

  /** Rolls in a command's outcome under the sequence of its own record. */
  roll(book: Book, decision: Decision, kind: number, sequence: number): void {
    const replayed = decision.isReplay ? 1 << 24 : 0
    this.#word(foldNumber(sequence))
    this.#word(decision.status | (kind << 16) | replayed)
    this.#word(foldNumber(decision.moved))
    if (decision.isReplay) return
    for (let i = 0; i < decision.accountCount; i++) {
      this.#account(book, decision.accounts[i] as number)
    }
  }

  /** Rolls in an expiry: the reserve's sequence, what was given back, both accounts. */
  rollExpiry(book: Book, slot: number, kind: number, amount: number): void {
    this.#word(foldNumber(book.reservations.sequence(slot)))
    this.#word(kind << 16)
    this.#word(foldNumber(amount))
    this.#account(book, book.reservations.debit(slot))
    this.#account(book, book.reservations.credit(slot))
  }

  #account(book: Book, slot: number): void {
    const { accounts } = book
    const numbers = (slot << 4) + ACCOUNT_NUMBERS.word
    this.#word(accountWord(accounts.i32, numbers, accounts.flags(slot)))
  }

  #word(word: number): void {
    this.a = rollA(this.a, word)
    this.b = rollB(this.b, word)
  }
}
