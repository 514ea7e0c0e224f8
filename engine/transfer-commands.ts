// transfer and reserve: the same guards, for a reserve is a transfer in two steps.

import {
  ACCOUNT_FLAG,
  AMOUNT_MAX,
  FLAG,
  isNoId,
  LEDGER_HELD_MAX,
  RECORD,
  RESERVE,
  readI64,
  STATUS,
  TIME_MS_MAX,
  TRANSFER,
  type Words,
} from '../protocol/index.ts'
import { NONE } from './id-index.ts'
import { makeReservationRoom } from './memory-room.ts'
import { CHAIN_PLACE } from './outcome-memory.ts'
import { writer } from './writer.ts'

/** Flags, after the asking side's were taken out, with which an account gives or gets nothing. */
const NO_CREDIT = ACCOUNT_FLAG.closed | ACCOUNT_FLAG.owned
const NO_DEBIT = NO_CREDIT | ACCOUNT_FLAG.frozen

/** Moves an amount at once. */
export function transfer(words: Words, at: number): number {
  const status = guardTransfer(words, at)
  if (status !== STATUS.ok) return status
  // ---- nothing below can fail ----
  const { book, decision } = writer.core
  book.post(decision.debit, decision.credit, decision.taken)
  decision.moved = decision.taken
  return STATUS.ok
}

/** Holds an amount until it is settled, released or expired. */
export function reserve(words: Words, at: number): number {
  const { core } = writer
  let status = guardReserve(words, at)
  if (status !== STATUS.ok) return status
  status = guardNewGroup(words, at)
  if (status !== STATUS.ok) return withoutAccounts(status)
  // A chain has made room for all its reserves before its first member, but for those of modules.
  if (core.chainPlace === CHAIN_PLACE.alone || core.hasModuleMember) {
    status = makeReservationRoom(1)
  }
  if (status !== STATUS.ok) return withoutAccounts(status)
  // ---- nothing below can fail ----
  const { book, decision } = core
  const { debit, credit, taken } = decision
  book.hold(debit, credit, taken)
  decision.reservation = book.addReservation(
    words,
    at,
    core.ownHash,
    debit,
    credit,
    taken,
    core.sequence,
    core.nowMs,
    core.chainPlace,
  )
  decision.moved = taken
  return STATUS.ok
}

/** The guards of a transfer; fills the decision's debit, credit, taken and accounts. */
export function guardTransfer(words: Words, at: number): number {
  const status = guardPair(words, at)
  return status === STATUS.ok ? guardAmount(words, at) : status
}

/** The guards of a reserve but for the room that it needs. */
export function guardReserve(words: Words, at: number): number {
  const { core } = writer
  let status = guardPair(words, at)
  if (status !== STATUS.ok) return status
  const { book, decision } = core
  const group = isNoId(words, at + RESERVE.group)
    ? NONE
    : book.groups.find(words, at + RESERVE.group)
  if (group !== NONE) {
    const member = book.reservations.debit(book.groups.first(group))
    if (book.accounts.ledger(member) !== book.accounts.ledger(decision.debit)) {
      return STATUS.ledgers_must_match
    }
  }
  status = guardAmount(words, at)
  if (status !== STATUS.ok) return status
  if (!mayHold(decision.debit, decision.taken)) return STATUS.overflow
  if (core.nowMs + readI64(words, at + RESERVE.timeoutMs) > TIME_MS_MAX) return STATUS.overflow
  if (group !== NONE && book.groups.isFull(group)) return withoutAccounts(STATUS.group_full)
  return STATUS.ok
}

/** Whether a group that the reserve would make has room. */
export function guardNewGroup(words: Words, at: number): number {
  const { core } = writer
  const { groups } = core.book
  if (isNoId(words, at + RESERVE.group)) return STATUS.ok
  if (groups.count < core.limits.groupsMax) return STATUS.ok
  return groups.find(words, at + RESERVE.group) === NONE ? STATUS.groups_full : STATUS.ok
}

/** Whether `amount` more may be held of `debit`: its own limit and its ledger's. */
export function mayHold(debit: number, amount: number): boolean {
  const { accounts, ledgers } = writer.core.book
  if (accounts.held(debit) + amount > AMOUNT_MAX) return false
  return (ledgers.held[accounts.ledger(debit)] as number) + amount <= LEDGER_HELD_MAX
}

/** Whether `amount` more may go from `debit` to `credit` without passing a balance's limit. */
export function mayMove(debit: number, credit: number, amount: number): boolean {
  const { accounts } = writer.core.book
  if (accounts.balance(credit) + accounts.incoming(credit) + amount > AMOUNT_MAX) return false
  if (!accounts.isExternal(debit)) return true
  return accounts.balance(debit) - accounts.held(debit) - amount >= -AMOUNT_MAX
}

/** Two accounts that differ, exist and share a ledger. TRANSFER and RESERVE agree on where they lie. */
function guardPair(words: Words, at: number): number {
  const { core } = writer
  const { accounts } = core.book
  const debit = accounts.find(words, at + TRANSFER.debit, core.firstHash)
  const credit = accounts.find(words, at + TRANSFER.credit, core.secondHash)
  if (debit === credit && isSamePair(words, at)) return STATUS.accounts_must_differ
  if (debit === NONE) return STATUS.debit_account_not_found
  if (credit === NONE) return STATUS.credit_account_not_found
  if (accounts.ledger(debit) !== accounts.ledger(credit)) return STATUS.ledgers_must_match
  core.decision.debit = debit
  core.decision.credit = credit
  return STATUS.ok
}

function isSamePair(words: Words, at: number): boolean {
  const d = (at + TRANSFER.debit) >>> 2
  const c = (at + TRANSFER.credit) >>> 2
  const i = words.i32
  return i[d] === i[c] && i[d + 1] === i[c + 1] && i[d + 2] === i[c + 2] && i[d + 3] === i[c + 3]
}

/** Accounts that are open and not frozen, funds, and room for them. */
function guardAmount(words: Words, at: number): number {
  const { core } = writer
  const { accounts } = core.book
  const { decision } = core
  const { debit, credit } = decision
  const debitFlags = accounts.flags(debit) ^ core.side
  const creditFlags = accounts.flags(credit) ^ core.side
  if (((debitFlags & NO_DEBIT) | (creditFlags & NO_CREDIT)) !== 0) {
    return guardFlags(debitFlags, creditFlags)
  }
  decision.showPair(debit, credit)
  let taken = readI64(words, at + TRANSFER.amount)
  if (!accounts.isExternal(debit)) {
    const available = accounts.available(debit)
    const isAtMost = ((words.u8[at + RECORD.flags] as number) & FLAG.atMost) !== 0
    if (isAtMost && available < taken) taken = available
    if (available < taken || taken <= 0) return STATUS.insufficient_funds
  }
  decision.taken = taken
  return mayMove(debit, credit, taken) ? STATUS.ok : STATUS.overflow
}

/** Why flags forbid a move between the decision's accounts; those of `side` are taken out. */
function guardFlags(debitFlags: number, creditFlags: number): number {
  const { decision } = writer.core
  if ((debitFlags & ACCOUNT_FLAG.closed) !== 0) return STATUS.debit_account_closed
  if ((creditFlags & ACCOUNT_FLAG.closed) !== 0) return STATUS.credit_account_closed
  if ((debitFlags & ACCOUNT_FLAG.frozen) === 0) return STATUS.owned_by_module
  decision.showPair(decision.debit, decision.credit)
  return STATUS.account_frozen
}

function withoutAccounts(status: number): number {
  writer.core.decision.accountCount = 0
  return status
}
