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
  writeI64,
} from '../protocol/index.ts'
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
  writeI64(words, at + OUTCOME.sequence, decision.sequence)
  writeI64(words, at + OUTCOME.timeMs, decision.timeMs)
  writeI64(words, at + OUTCOME.moved, decision.moved)
  words.u32[(at + OUTCOME.bytes) >>> 2] = bytes
  words.u16[(at + OUTCOME.accounts) >>> 1] = decision.accountCount
  words.u16[(at + OUTCOME.reservations) >>> 1] = decision.reservations
}

function writeReservation(words: Words, at: number, book: Book, slot: number): void {
  const rows = book.reservations
  writeI64(words, at + OUTCOME_RESERVATION.amount, rows.amount(slot))
  writeI64(words, at + OUTCOME_RESERVATION.settled, rows.settled(slot))
  writeI64(words, at + OUTCOME_RESERVATION.released, rows.released(slot))
  writeI64(words, at + OUTCOME_RESERVATION.expiresAt, rows.expiresAt(slot))
  words.u32[(at + OUTCOME_RESERVATION.state) >>> 2] = rows.state(slot)
  words.u32[(at + OUTCOME_RESERVATION.state + 4) >>> 2] = 0
}

function writeAccount(words: Words, at: number, book: Book, slot: number): void {
  const { accounts, ledgers } = book
  words.u32[at >>> 2] = slot
  words.u32[(at + OUTCOME_ACCOUNT.ledger) >>> 2] = ledgers.numbers[accounts.ledger(slot)] as number
  words.u32[(at + OUTCOME_ACCOUNT.flags) >>> 2] = accounts.flags(slot)
  words.u32[(at + OUTCOME_ACCOUNT.flags + 4) >>> 2] = 0
  writeI64(words, at + OUTCOME_ACCOUNT.balance, accounts.balance(slot))
  writeI64(words, at + OUTCOME_ACCOUNT.held, accounts.held(slot))
  writeI64(words, at + OUTCOME_ACCOUNT.incoming, accounts.incoming(slot))
  writeI64(words, at + OUTCOME_ACCOUNT.creditLimit, accounts.creditLimit(slot))
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
    this.#word(
      accountWord(
        accounts.balance(slot),
        accounts.held(slot),
        accounts.incoming(slot),
        accounts.creditLimit(slot),
        accounts.flags(slot),
      ),
    )
  }

  #word(word: number): void {
    this.a = rollA(this.a, word)
    this.b = rollB(this.b, word)
  }
}
