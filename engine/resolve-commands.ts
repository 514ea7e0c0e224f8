// settle, release and extend of one reservation, settle_group and release_group of many.

import {
  AMOUNT_MAX,
  EXTEND,
  FLAG,
  RECORD,
  RESERVATION_STATE,
  RESOLVE,
  RESOLVE_GROUP,
  readI64,
  STATUS,
  TIME_MS_MAX,
  TIMEOUT_MS_MAX,
  type Words,
} from '../protocol/index.ts'
import { NONE } from './id-index.ts'
import { mayHold, mayMove } from './transfer-commands.ts'
import { writer } from './writer.ts'

/** Posts an amount of a reservation; gives the rest back where it is the final one. */
export function settle(words: Words, at: number): number {
  const { core } = writer
  const { book, decision } = core
  const slot = findReservation(words, at + RESOLVE.reservation, core.firstHash)
  if (slot === NONE) return STATUS.reservation_not_found
  const resolved = guardOpen(slot)
  if (resolved !== STATUS.ok) return resolved
  const flags = words.u8[at + RECORD.flags] as number
  const rows = book.reservations
  const debit = rows.debit(slot)
  const credit = rows.credit(slot)
  const remaining = rows.remaining(slot)
  const hasAmount = (flags & FLAG.hasAmount) !== 0
  const amount = hasAmount ? readI64(words, at + RESOLVE.amount) : remaining
  decision.showPair(debit, credit)
  if (amount > remaining) {
    const status = guardOver(slot, amount - remaining)
    if (status !== STATUS.ok) return status
  } else if (core.isForeign(book.accounts.flags(debit))) {
    return owned()
  }
  // ---- nothing below can fail ----
  const fromHeld = Math.min(amount, remaining)
  const isLast = (flags & FLAG.final) !== 0 || amount >= remaining
  const rest = isLast ? remaining - fromHeld : 0
  book.hold(debit, credit, -(fromHeld + rest))
  book.post(debit, credit, amount)
  book.setAmounts(slot, rows.amount(slot), rows.settled(slot) + amount, rows.released(slot) + rest)
  if (isLast) book.end(slot, RESERVATION_STATE.settled, core.nowMs)
  decision.reservation = slot
  decision.moved = amount
  return STATUS.ok
}

/** Gives an amount of a reservation back. */
export function release(words: Words, at: number): number {
  const { core } = writer
  const { book, decision } = core
  const slot = findReservation(words, at + RESOLVE.reservation, core.firstHash)
  if (slot === NONE) return STATUS.reservation_not_found
  const resolved = guardOpen(slot)
  if (resolved !== STATUS.ok) return resolved
  const rows = book.reservations
  const debit = rows.debit(slot)
  const credit = rows.credit(slot)
  const remaining = rows.remaining(slot)
  const hasAmount = ((words.u8[at + RECORD.flags] as number) & FLAG.hasAmount) !== 0
  const amount = hasAmount ? readI64(words, at + RESOLVE.amount) : remaining
  decision.showPair(debit, credit)
  decision.reservation = slot
  if (amount > remaining) return STATUS.exceeds_reservation
  if (core.isForeign(book.accounts.flags(debit))) return owned()
  // ---- nothing below can fail ----
  book.hold(debit, credit, -amount)
  book.setAmounts(slot, rows.amount(slot), rows.settled(slot), rows.released(slot) + amount)
  if (amount === remaining) book.end(slot, RESERVATION_STATE.released, core.nowMs)
  decision.moved = amount
  return STATUS.ok
}

/** Holds more for a reservation, or for longer, or both. */
export function extend(words: Words, at: number): number {
  const { core } = writer
  const { book, decision } = core
  const slot = findReservation(words, at + EXTEND.reservation, core.firstHash)
  if (slot === NONE) return STATUS.reservation_not_found
  const resolved = guardOpen(slot)
  if (resolved !== STATUS.ok) return resolved
  const rows = book.reservations
  const amount = readI64(words, at + EXTEND.amount)
  const timeoutMs = readI64(words, at + EXTEND.timeoutMs)
  const expiresAt = rows.expiresAt(slot)
  if (timeoutMs > 0 && expiresAt === 0) return STATUS.no_timeout
  const debit = rows.debit(slot)
  const credit = rows.credit(slot)
  decision.showPair(debit, credit)
  if (amount > 0) {
    const status = guardMore(debit, credit, amount)
    if (status !== STATUS.ok) return status
    if (!mayHold(debit, amount)) return STATUS.overflow
    // Settled in parts and extended again and again, the sums of one reservation would lose units.
    if (rows.amount(slot) + amount > AMOUNT_MAX) return STATUS.overflow
  } else if (core.isForeign(book.accounts.flags(debit))) {
    return owned()
  }
  if (timeoutMs > 0 && !mayLast(expiresAt + timeoutMs)) return STATUS.overflow
  // ---- nothing below can fail ----
  if (amount > 0) {
    book.hold(debit, credit, amount)
    book.setAmounts(slot, rows.amount(slot) + amount, rows.settled(slot), rows.released(slot))
  }
  if (timeoutMs > 0) book.setExpiresAt(slot, expiresAt + timeoutMs)
  decision.reservation = slot
  decision.moved = amount
  return STATUS.ok
}

/** Whether a reservation may be open until `untilMs`: no longer than a new one, and no later. */
function mayLast(untilMs: number): boolean {
  return untilMs <= writer.core.nowMs + TIMEOUT_MS_MAX && untilMs <= TIME_MS_MAX
}

/** Settles every open reservation of a group for what remains of it, in order of creation. */
export function settleGroup(words: Words, at: number): number {
  return resolveGroup(words, at, RESERVATION_STATE.settled)
}

/** Releases every open reservation of a group, in order of creation. */
export function releaseGroup(words: Words, at: number): number {
  return resolveGroup(words, at, RESERVATION_STATE.released)
}

function resolveGroup(words: Words, at: number, state: number): number {
  const { core } = writer
  const { book, decision } = core
  const group = book.groups.find(words, at + RESOLVE_GROUP.group)
  if (group === NONE) return STATUS.group_not_found
  // ---- nothing below can fail ----
  const rows = book.reservations
  const isSettle = state === RESERVATION_STATE.settled
  book.accounts.beginMarks()
  for (let members = book.groups.members(group); members > 0; members--) {
    const slot = book.groups.first(group)
    const debit = rows.debit(slot)
    const credit = rows.credit(slot)
    const remaining = rows.remaining(slot)
    book.hold(debit, credit, -remaining)
    if (isSettle) book.post(debit, credit, remaining)
    book.setAmounts(
      slot,
      rows.amount(slot),
      rows.settled(slot) + (isSettle ? remaining : 0),
      rows.released(slot) + (isSettle ? 0 : remaining),
    )
    book.end(slot, state, core.nowMs)
    decision.moved += remaining
    decision.reservations++
    if (book.accounts.firstTouch(debit)) decision.show(debit)
    if (book.accounts.firstTouch(credit)) decision.show(credit)
  }
  return STATUS.ok
}

/** The slot of the reservation whose id, with this hash, is at byte `at`, open or ended, or `NONE`. */
export function findReservation(words: Words, at: number, hash: number): number {
  const reference = writer.core.book.commands.find(words, at, hash)
  return reference === NONE || (reference & 1) === 1 ? NONE : reference >>> 1
}

/** Whether a reservation is open; shows it where not. */
function guardOpen(slot: number): number {
  const { core } = writer
  const state = core.book.reservations.state(slot)
  if (state === RESERVATION_STATE.held) return STATUS.ok
  core.decision.reservation = slot
  if (state === RESERVATION_STATE.settled) return STATUS.already_settled
  return state === RESERVATION_STATE.released ? STATUS.already_released : STATUS.already_expired
}

/**
 * The reservation is not for the one who asks, and nothing of it is shown. Both of its accounts are a
 * module's, or none is: it would not have been granted else.
 */
function owned(): number {
  const { decision } = writer.core
  decision.accountCount = 0
  decision.reservation = -1
  return STATUS.owned_by_module
}

/** Whether a settle may take `over` more than what remains. */
function guardOver(slot: number, over: number): number {
  const { core } = writer
  const rows = core.book.reservations
  if ((rows.flags(slot) & FLAG.allowOver) === 0) {
    core.decision.reservation = slot
    return STATUS.exceeds_reservation
  }
  return guardMore(rows.debit(slot), rows.credit(slot), over)
}

/** Whether `amount` more may be drawn on `debit` for `credit`. */
function guardMore(debit: number, credit: number, amount: number): number {
  const { core } = writer
  const { accounts } = core.book
  if (accounts.isFrozen(debit)) return STATUS.account_frozen
  if (core.isForeign(accounts.flags(debit))) return owned()
  if (!accounts.isExternal(debit) && accounts.available(debit) < amount) {
    return STATUS.insufficient_funds
  }
  return mayMove(debit, credit, amount) ? STATUS.ok : STATUS.overflow
}
