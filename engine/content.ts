// The content of a command as it is compared and remembered: the same id with the same content is a
// retry, with other content it is refused with the field that differs.

import {
  ACCOUNT_FLAG,
  EXTEND,
  FLAG,
  KIND,
  OPEN_ACCOUNT,
  RECORD,
  RESERVE,
  readI64,
  SET_CREDIT_LIMIT,
  STATUS,
  TRANSFER,
  type Words,
} from '../protocol/index.ts'
import type { Accounts } from './accounts.ts'
import { contentHashOfGroup, contentHashOfId, contentHashOfNumber } from './id-hash.ts'
import { readModuleContent } from './module-memory.ts'
import { CONTENT_FLAGS, type Content, type OutcomeMemory } from './outcome-memory.ts'
import type { Reservations } from './reservations.ts'

/** Every command but open_account names its first id (account, debit, reservation, group) here. */
const FIRST_ID = 32

/** Fills `content` from the command at `at`. */
export function readContent(content: Content, words: Words, at: number, chainPlace: number): void {
  const kind = words.u8[at] as number
  content.kind = kind
  content.flags = (words.u8[at + RECORD.flags] as number) & CONTENT_FLAGS
  content.chainPlace = chainPlace
  content.continuesChain = false
  content.metadataHash = words.i32[(at + RECORD.metadataHash) >>> 2] as number
  content.firstHash = contentHashOfId(words, at + FIRST_ID)
  content.secondHash = 0
  content.timeoutHash = 0
  content.groupHash = 0
  content.amount = amountOf(words, at, kind)
  if (kind === KIND.transfer || kind === KIND.reserve) {
    content.secondHash = contentHashOfId(words, at + TRANSFER.credit)
  }
  if (kind === KIND.reserve) {
    content.timeoutHash = contentHashOfNumber(readI64(words, at + RESERVE.timeoutMs))
    content.groupHash = contentHashOfGroup(words, at + RESERVE.group)
  }
  if (kind === KIND.extend) {
    content.timeoutHash = contentHashOfNumber(readI64(words, at + EXTEND.timeoutMs))
  }
  if (kind === KIND.module) readModuleContent(content, words, at)
}

function amountOf(words: Words, at: number, kind: number): number {
  switch (kind) {
    case KIND.transfer:
    case KIND.reserve:
      return readI64(words, at + TRANSFER.amount)
    case KIND.setCreditLimit:
    case KIND.settle:
    case KIND.release:
    case KIND.extend:
      return readI64(words, at + SET_CREDIT_LIMIT.value)
    default:
      return 0
  }
}

/** `ok`, or how the command differs from the one that the outcome's row remembers. */
export function compareWithOutcome(rows: OutcomeMemory, slot: number, content: Content): number {
  const kind = rows.kind(slot)
  if (kind !== content.kind && !isFreezePair(kind, content.kind)) {
    return STATUS.exists_with_different_type
  }
  if (rows.chainPlace(slot) !== content.chainPlace) return STATUS.exists_with_different_linked
  if (rows.firstHash(slot) !== content.firstHash) return differentFirstId(kind)
  if (kind !== content.kind) return STATUS.exists_with_different_value
  if (rows.secondHash(slot) !== content.secondHash) {
    return STATUS.exists_with_different_credit_account
  }
  if (rows.groupHash(slot) !== content.groupHash) return STATUS.exists_with_different_group
  const changed = rows.flags(slot) ^ content.flags
  if (rows.amount(slot) !== content.amount || (changed & FLAG.hasAmount) !== 0) {
    return kind === KIND.setCreditLimit
      ? STATUS.exists_with_different_value
      : STATUS.exists_with_different_amount
  }
  if (rows.timeoutHash(slot) !== content.timeoutHash) {
    return STATUS.exists_with_different_timeout_ms
  }
  if (changed !== 0) return differentFlag(changed)
  const hasOtherMetadata =
    kind === KIND.reserve && rows.differsInMetadata(slot, content.metadataHash)
  return hasOtherMetadata ? STATUS.exists_with_different_metadata : STATUS.ok
}

/** `ok`, or how the command differs from the granted reserve that the row remembers. */
export function compareWithReservation(
  rows: Reservations,
  slot: number,
  content: Content,
  isSameDebit: boolean,
  isSameCredit: boolean,
  groupHash: number,
): number {
  if (content.kind !== KIND.reserve) return STATUS.exists_with_different_type
  if (rows.chainPlace(slot) !== content.chainPlace) return STATUS.exists_with_different_linked
  if (!isSameDebit) return STATUS.exists_with_different_debit_account
  if (!isSameCredit) return STATUS.exists_with_different_credit_account
  if (groupHash !== content.groupHash) return STATUS.exists_with_different_group
  if (rows.asked(slot) !== content.amount) return STATUS.exists_with_different_amount
  if (rows.timeoutHash(slot) !== content.timeoutHash) {
    return STATUS.exists_with_different_timeout_ms
  }
  const changed = rows.flags(slot) ^ content.flags
  if (changed !== 0) return differentFlag(changed)
  return rows.metadataHash(slot) === content.metadataHash
    ? STATUS.ok
    : STATUS.exists_with_different_metadata
}

/** `ok`, or how an open_account differs from the one that opened the account. */
export function compareWithAccount(
  rows: Accounts,
  slot: number,
  ledger: number,
  words: Words,
  at: number,
  chainPlace: number,
): number {
  const recordFlags = words.u8[at + RECORD.flags] as number
  const flags = rows.flags(slot)
  if (rows.chainPlace(slot) !== chainPlace) return STATUS.exists_with_different_linked
  if (ledger !== words.u32[(at + OPEN_ACCOUNT.ledger) >>> 2]) {
    return STATUS.exists_with_different_ledger
  }
  if (((flags & ACCOUNT_FLAG.external) !== 0) !== ((recordFlags & FLAG.external) !== 0)) {
    return STATUS.exists_with_different_external
  }
  if (((flags & ACCOUNT_FLAG.history) !== 0) !== ((recordFlags & FLAG.history) !== 0)) {
    return STATUS.exists_with_different_history
  }
  if (rows.firstCreditLimit(slot) !== readI64(words, at + OPEN_ACCOUNT.creditLimit)) {
    return STATUS.exists_with_different_credit_limit
  }
  return rows.metadataHash(slot) === words.i32[(at + RECORD.metadataHash) >>> 2]
    ? STATUS.ok
    : STATUS.exists_with_different_metadata
}

function isFreezePair(a: number, b: number): boolean {
  return (
    (a === KIND.freezeAccount || a === KIND.unfreezeAccount) &&
    (b === KIND.freezeAccount || b === KIND.unfreezeAccount)
  )
}

function differentFirstId(kind: number): number {
  switch (kind) {
    case KIND.transfer:
    case KIND.reserve:
      return STATUS.exists_with_different_debit_account
    case KIND.settle:
    case KIND.release:
    case KIND.extend:
      return STATUS.exists_with_different_reservation
    case KIND.settleGroup:
    case KIND.releaseGroup:
      return STATUS.exists_with_different_group
    default:
      return STATUS.exists_with_different_account
  }
}

function differentFlag(changed: number): number {
  if ((changed & FLAG.final) !== 0) return STATUS.exists_with_different_final
  if ((changed & FLAG.allowOver) !== 0) return STATUS.exists_with_different_allow_over
  return STATUS.exists_with_different_at_most
}
