// What is known of an id: whether a command was seen before, whether this one is the same, and what
// came of it the first time.

import {
  KIND,
  RECORD,
  RESERVE,
  RESOLVE,
  SET_CREDIT_LIMIT,
  STATUS,
  uuidV7TimeMs,
  type Words,
} from '../protocol/index.ts'
import { compareWithAccount, compareWithOutcome, compareWithReservation } from './content.ts'
import { NONE } from './id-index.ts'
import { compareWithModule, replayModule } from './module-memory.ts'
import { findReservation } from './resolve-commands.ts'
import { writer } from './writer.ts'

/** What is known of the command's id: a reference of its namespace, or `NONE`. */
export function findKnown(words: Words, at: number): number {
  const { core } = writer
  return words.u8[at] === KIND.openAccount
    ? core.book.accounts.find(words, at + RECORD.id, core.ownHash)
    : core.book.commands.find(words, at + RECORD.id, core.ownHash)
}

/** `ok` where the command is the one that `known` remembers, else how it differs. */
export function compareWithKnown(known: number, words: Words, at: number): number {
  const { core } = writer
  const { book, content, chainPlace } = core
  if (words.u8[at] === KIND.openAccount) {
    if (core.isForeign(book.accounts.flags(known))) return STATUS.owned_by_module
    const ledger = book.ledgers.numbers[book.accounts.ledger(known)] as number
    return compareWithAccount(book.accounts, known, ledger, words, at, chainPlace)
  }
  const slot = known >>> 1
  if ((known & 1) === 1) {
    const isModule = content.kind === KIND.module && book.outcomes.kind(slot) === KIND.module
    return isModule
      ? compareWithModule(core, slot, words, at)
      : compareWithOutcome(book.outcomes, slot, content)
  }
  if (content.kind !== KIND.reserve) return STATUS.exists_with_different_type
  const rows = book.reservations
  const isSameDebit =
    book.accounts.find(words, at + RESERVE.debit, core.firstHash) === rows.debit(slot)
  const isSameCredit =
    book.accounts.find(words, at + RESERVE.credit, core.secondHash) === rows.credit(slot)
  const groupHash = book.groups.contentHashOf(slot)
  return compareWithReservation(rows, slot, content, isSameDebit, isSameCredit, groupHash)
}

/** The sequence of the record that decided what `known` remembers. */
export function firstSequence(known: number, kind: number): number {
  const { accounts, reservations, outcomes } = writer.core.book
  if (kind === KIND.openAccount) return accounts.openedSequence(known)
  return (known & 1) === 1 ? outcomes.sequence(known >>> 1) : reservations.sequence(known >>> 1)
}

/** Journal time of that record. */
export function firstTimeMs(known: number, kind: number): number {
  const { accounts, reservations, outcomes } = writer.core.book
  if (kind === KIND.openAccount) return accounts.openedTimeMs(known)
  return (known & 1) === 1 ? outcomes.timeMs(known >>> 1) : reservations.timeMs(known >>> 1)
}

/** The status of what `known` remembers. */
export function firstStatus(known: number, kind: number): number {
  if (kind === KIND.openAccount || (known & 1) === 0) return STATUS.ok
  return writer.core.book.outcomes.status(known >>> 1)
}

/** Fills the decision with the first outcome again; gives back its status. */
export function replay(known: number, words: Words, at: number): number {
  const { core } = writer
  const { book, decision } = core
  const kind = words.u8[at] as number
  decision.isReplay = true
  decision.sequence = firstSequence(known, kind)
  if (kind === KIND.openAccount) {
    decision.timeMs = book.accounts.openedTimeMs(known)
    decision.show(known)
    return STATUS.ok
  }
  const slot = known >>> 1
  if ((known & 1) === 0) {
    decision.timeMs = book.reservations.timeMs(slot)
    decision.moved = book.reservations.taken(slot)
    showReservation(slot)
    return STATUS.ok
  }
  if (kind === KIND.module) return replayModule(core, slot)
  decision.timeMs = book.outcomes.timeMs(slot)
  decision.moved = book.outcomes.moved(slot)
  const status = book.outcomes.status(slot)
  if (status === STATUS.ok) showResource(words, at, kind)
  return status
}

/** Shows what the replayed command changed, as it is now. */
function showResource(words: Words, at: number, kind: number): void {
  const { core } = writer
  switch (kind) {
    case KIND.setCreditLimit:
    case KIND.freezeAccount:
    case KIND.unfreezeAccount:
    case KIND.closeAccount:
      core.decision.show(
        core.book.accounts.find(words, at + SET_CREDIT_LIMIT.account, core.firstHash),
      )
      return
    case KIND.settle:
    case KIND.release:
    case KIND.extend: {
      const slot = findReservation(words, at + RESOLVE.reservation, core.firstHash)
      if (slot !== NONE) showReservation(slot)
      return
    }
    default:
  }
}

function showReservation(slot: number): void {
  const { core } = writer
  const rows = core.book.reservations
  core.decision.reservation = slot
  core.decision.showPair(rows.debit(slot), rows.credit(slot))
}

/** `ok`, or why a new id that is a UUIDv7 cannot be told from one that was forgotten or invented. */
export function guardIdTime(words: Words, at: number): number {
  const { core } = writer
  if (words.u8[at] === KIND.openAccount) return STATUS.ok
  const idMs = uuidV7TimeMs(words, at + RECORD.id)
  if (idMs === -1) return STATUS.ok
  if (idMs > core.nowMs + core.limits.windowMs / 2) return STATUS.id_in_future
  return idMs <= core.forgottenIdMs ? STATUS.id_too_old : STATUS.ok
}
