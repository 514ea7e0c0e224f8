// The state as rows of bytes in order of creation: what the state digest covers. Slots, links and
// hashes of this process are left out, so that any engine with the same state gives the same bytes.

import {
  allocateWords,
  copyWords,
  RESERVATION_STATE,
  type Words,
  writeI64,
} from '../protocol/index.ts'
import type { Core } from './core.ts'
import { OUTCOME_ROW_BYTES } from './outcome-memory.ts'
import { RESERVATION_ROW_BYTES } from './reservations.ts'

/** What a row is; its first word. */
const ROW = { core: 1, ledger: 2, account: 3, reservation: 4, outcome: 5 } as const

/** Numbers of a row, 8 bytes each, after its word and 16 bytes of id. */
const ROW_NUMBERS_AT = 24
const ROW_BYTES_MAX = 256

type Visit = (row: Uint8Array) => void

/** Calls `visit` for the core's own numbers, ledgers, accounts, reservations and outcomes. */
export function eachStateRow(core: Core, visit: Visit): void {
  const row = allocateWords(ROW_BYTES_MAX)
  const { limits } = core
  emit(row, visit, ROW.core, [
    core.forgottenIdMs,
    core.book.accounts.nameBytes,
    limits.accountsMax,
    limits.ledgersMax,
    limits.reservationsMax,
    limits.groupsMax,
    limits.outcomesMax,
    limits.accountNameBytesMax,
    limits.windowMs,
    limits.retentionMs,
  ])
  eachLedger(core, row, visit)
  eachAccount(core, row, visit)
  eachReservation(core, row, visit)
  eachOutcome(core, row, visit)
}

function emit(row: Words, visit: Visit, what: number, numbers: readonly number[]): void {
  row.u32[0] = what
  row.u32[1] = numbers.length
  numbers.forEach((number, i) => {
    writeI64(row, ROW_NUMBERS_AT + i * 8, number)
  })
  visit(row.u8.subarray(0, ROW_NUMBERS_AT + numbers.length * 8))
  row.u8.fill(0)
}

function eachLedger(core: Core, row: Words, visit: Visit): void {
  const { ledgers } = core.book
  for (let slot = 0; slot < ledgers.count; slot++) {
    emit(row, visit, ROW.ledger, [
      ledgers.numbers[slot] as number,
      ledgers.accounts[slot] as number,
      ledgers.held[slot] as number,
      ledgers.turnoverHigh[slot] as number,
      ledgers.turnoverLow[slot] as number,
    ])
  }
}

function eachAccount(core: Core, row: Words, visit: Visit): void {
  const { accounts, ledgers } = core.book
  for (let slot = 0; slot < accounts.count; slot++) {
    accounts.copyId(slot, row, 8)
    emit(row, visit, ROW.account, [
      ledgers.numbers[accounts.ledger(slot)] as number,
      accounts.flags(slot),
      accounts.chainPlace(slot),
      accounts.balance(slot),
      accounts.held(slot),
      accounts.incoming(slot),
      accounts.creditLimit(slot),
      accounts.firstCreditLimit(slot),
      accounts.openedSequence(slot),
      accounts.openedTimeMs(slot),
      accounts.metadataHash(slot),
    ])
  }
}

function eachReservation(core: Core, row: Words, visit: Visit): void {
  const { reservations } = core.book
  const slots = Int32Array.from(reservations.slots())
  slots.sort((a, b) => reservations.sequence(a) - reservations.sequence(b))
  for (const slot of slots) {
    copyWords(reservations.words, slot * RESERVATION_ROW_BYTES, row, 8, 16)
    const isOpen = reservations.state(slot) === RESERVATION_STATE.held
    emit(row, visit, ROW.reservation, [
      reservations.debit(slot),
      reservations.credit(slot),
      reservations.state(slot),
      reservations.flags(slot),
      reservations.chainPlace(slot),
      reservations.amount(slot),
      reservations.settled(slot),
      reservations.released(slot),
      reservations.expiresAt(slot),
      reservations.groupHash(slot),
      reservations.timeoutHash(slot),
      reservations.metadataHash(slot),
      reservations.sequence(slot),
      reservations.timeMs(slot),
      reservations.asked(slot),
      reservations.taken(slot),
      isOpen ? 0 : reservations.endedAt(slot),
    ])
  }
}

function eachOutcome(core: Core, row: Words, visit: Visit): void {
  const { outcomes } = core.book
  for (let n = 0; n < outcomes.count; n++) {
    const slot = outcomes.slotAt(n)
    copyWords(outcomes.words, slot * OUTCOME_ROW_BYTES, row, 8, 16)
    emit(row, visit, ROW.outcome, [
      outcomes.sequence(slot),
      outcomes.timeMs(slot),
      outcomes.status(slot),
      outcomes.chainPlace(slot),
      outcomes.continuesChain(slot) ? 1 : 0,
      outcomes.kind(slot),
      outcomes.flags(slot),
      outcomes.moved(slot),
      outcomes.amount(slot),
      outcomes.firstHash(slot),
      outcomes.secondHash(slot),
      outcomes.timeoutHash(slot),
      outcomes.groupHash(slot),
    ])
  }
}
