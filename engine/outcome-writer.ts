// From a decision to what others see of it: the outcome's bytes for a gateway, and the outcome digest.

import {
  accountWord,
  DIGEST_START,
  foldNumber,
  OUTCOME,
  OUTCOME_ACCOUNT,
  OUTCOME_BODY,
  OUTCOME_FLAG,
  OUTCOME_RESERVATION,
  rollA,
  rollB,
  type Words,
} from '../protocol/index.ts'
import { ACCOUNT_NUMBERS } from './accounts.ts'
import type { Book } from './book.ts'
import type { Decision } from './decision.ts'
import { assertAccount, assertLedger } from './invariants.ts'

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
    decision.accountCount * OUTCOME_ACCOUNT.bytes +
    (decision.replyBytes === 0 ? 0 : OUTCOME_BODY.body + ((decision.replyBytes + 7) & ~7))
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
    writeReservation(words, place, book, decision.reservation)
    place += OUTCOME_RESERVATION.bytes
  }
  for (let i = 0; i < decision.accountCount; i++) {
    writeAccount(words, place, book, decision.accounts[i] as number)
    place += OUTCOME_ACCOUNT.bytes
  }
  if (decision.replyBytes !== 0) writeReply(words, place, decision)
}

/** Writes an outcome's head alone: its small fields as whole words, see `OUTCOME`. */
export function writeHead(
  words: Words,
  at: number,
  decision: Decision,
  kind: number,
  token: number,
  bytes: number,
): void {
  const { u32, f64 } = words
  const flags =
    (decision.isReplay ? OUTCOME_FLAG.replayed : 0) |
    (decision.reservation >= 0 ? OUTCOME_FLAG.hasReservation : 0) |
    (decision.replyBytes === 0 ? 0 : OUTCOME_FLAG.hasBody)
  const w = at >>> 2
  u32[w] = token
  u32[w + 1] = decision.status | (kind << 16) | (flags << 24)
  u32[w + 8] = bytes
  u32[w + 9] = decision.accountCount | (decision.reservations << 16)
  const f = at >>> 3
  f64[f + 1] = decision.sequence
  f64[f + 2] = decision.timeMs
  f64[f + 3] = decision.moved
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

function writeReply({ u8, u32 }: Words, at: number, { reply, replyBytes }: Decision): void {
  u32[(at + OUTCOME_BODY.bodyBytes) >>> 2] = replyBytes
  u32[((at + OUTCOME_BODY.bodyBytes) >>> 2) + 1] = 0
  const start = at + OUTCOME_BODY.body
  const end = start + ((replyBytes + 7) & ~7)
  for (let n = 0; n < replyBytes; n++) u8[start + n] = reply[n] as number
  for (let to = start + replyBytes; to < end; to++) u8[to] = 0
}

/** The outcome digest as it rolls; see docs/formats.md. What is rolled in is asserted on the way. */
export class OutcomeDigest {
  a: number = DIGEST_START.a
  b: number = DIGEST_START.b

  /** Rolls in a command's outcome under the sequence of its record. A replay changes nothing: not this. */
  roll(book: Book, decision: Decision, kind: number, sequence: number): void {
    if (decision.isReplay) return
    this.#word(foldNumber(sequence))
    this.#word(decision.status | (kind << 16))
    this.#word(foldNumber(decision.moved))
    if (decision.replyBytes !== 0) this.#rollReply(decision)
    if (decision.accountCount === 0) return
    const { accounts } = book
    let { a, b } = this
    for (let i = 0; i < decision.accountCount; i++) {
      const slot = decision.accounts[i] as number
      assertAccount(accounts, slot, sequence)
      const word = accountWord(accounts.i32, accounts.numbersWord(slot), accounts.flags(slot))
      a = rollA(a, word)
      b = rollB(b, word)
    }
    this.a = a
    this.b = b
    assertLedger(book, decision.accounts[0] as number, sequence)
  }

  /** Rolls in an expiry: the reserve's sequence, what was given back, both accounts. */
  rollExpiry(book: Book, slot: number, kind: number, amount: number, sequence: number): void {
    const { accounts, reservations } = book
    this.#word(foldNumber(reservations.sequence(slot)))
    this.#word(kind << 16)
    this.#word(foldNumber(amount))
    for (const account of [reservations.debit(slot), reservations.credit(slot)]) {
      assertAccount(accounts, account, sequence)
      this.#word(accountWord(accounts.i32, accounts.numbersWord(account), accounts.flags(account)))
    }
    assertLedger(book, reservations.debit(slot), sequence)
  }

  /** Rolls in a module's reply: its bytes, then the text itself, four at a time. */
  #rollReply({ reply, replyBytes }: Decision): void {
    this.#word(replyBytes)
    let { a, b } = this
    for (let n = 0; n < replyBytes; n += 4) {
      let word = 0
      for (let i = n; i < n + 4 && i < replyBytes; i++)
        word |= (reply[i] as number) << ((i - n) * 8)
      a = rollA(a, word)
      b = rollB(b, word)
    }
    this.a = a
    this.b = b
  }

  /** Rolls in a number. */
  rollNumber(value: number): void {
    this.#word(foldNumber(value))
  }

  /** Rolls in `bytes` bytes, a multiple of 4, from 0 of `words`. */
  rollWords({ i32 }: Words, bytes: number): void {
    let { a, b } = this
    for (let w = 0; w < bytes >>> 2; w++) {
      const word = i32[w] as number
      a = rollA(a, word)
      b = rollB(b, word)
    }
    this.a = a
    this.b = b
  }

  /** Rolls in what an account is now. */
  rollAccount(book: Book, slot: number, sequence: number): void {
    const { accounts } = book
    assertAccount(accounts, slot, sequence)
    this.#word(accountWord(accounts.i32, accounts.numbersWord(slot), accounts.flags(slot)))
    assertLedger(book, slot, sequence)
  }

  #word(word: number): void {
    this.a = rollA(this.a, word)
    this.b = rollB(this.b, word)
  }
}
