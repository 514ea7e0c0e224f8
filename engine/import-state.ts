// A state taken over from its bytes: rows into slots from 0 on, and from them the indexes, the expiry
// wheel, the groups and the order of ending. Every number is checked before a table is touched by it;
// that the bytes are those that were written, the caller has seen to.

import {
  ACCOUNT_FLAG,
  AMOUNT_MAX,
  CAPACITY_NAMES,
  type Capacities,
  isNoId,
  LEDGER_HELD_MAX,
  RESERVATION_STATE,
  RULES_VERSION,
  readF64,
  SEQUENCE_MAX,
  STATUS,
  TAIL_BYTES_MAX,
  TIME_MS_MAX,
  type Words,
} from '../protocol/index.ts'
import type { Book } from './book.ts'
import type { Core } from './core.ts'
import { isOwnedFlag, LAST_ORDINAL, ordinalOf } from './creation-order.ts'
import { EngineFault } from './fault.ts'
import { readModules } from './module-state.ts'
import { CHAIN_PLACE } from './outcome-memory.ts'
import { RUN_ROWS, StateInput, stateFault } from './state-input.ts'
import {
  ACCOUNT_ROW,
  CORE_ROW,
  GROUP_ROW,
  LEDGER_ROW,
  OUTCOME_ROW,
  PASSED_OVER_ROW,
  type Progress,
  RESERVATION_ROW,
  SECTION,
  TAIL_ROW,
} from './state-layout.ts'

/** Flags that an account may have. */
const ACCOUNT_FLAGS =
  ACCOUNT_FLAG.external |
  ACCOUNT_FLAG.history |
  ACCOUNT_FLAG.frozen |
  ACCOUNT_FLAG.closed |
  ACCOUNT_FLAG.owned

/**
 * Fills the tables of `core`, which are empty, from a state's chunks (see `exportState`); gives back
 * what the engine itself keeps. Throws `EngineFault`: `state` where the bytes are none, `capacity`
 * where the tables are too small for it, `rules` where it was decided by others. The tables are not
 * to be used after that.
 */
export function importState(core: Core, chunks: Iterable<Uint8Array>): Progress {
  const input = new StateInput(chunks)
  const progress = readCore(core, input)
  readLedgers(core, input)
  readAccounts(core, input, progress.sequence)
  readTails(core, input)
  core.book.wheel.startAt(progress.timeMs)
  readReservations(core, input, progress)
  readGroups(core, input)
  readOutcomes(core, input, progress)
  readModules(core, input, progress.sequence)
  input.finish()
  checkSums(core)
  core.nowMs = progress.timeMs
  return progress
}

function readCore(core: Core, input: StateInput): Progress {
  let read: Progress | undefined
  input.readSection(SECTION.core, CORE_ROW.bytes, 1, (words, at) => {
    const rules = readF64(words, at + CORE_ROW.rulesVersion)
    if (rules !== RULES_VERSION) {
      const sentence = `the state was decided by version ${rules} of the rules, this build has version ${RULES_VERSION}: load it with the build that wrote it`
      throw new EngineFault('rules', 0, sentence)
    }
    core.limits = readLimits(words, at + CORE_ROW.limits)
    core.forgottenIdMs = readCount(words, at + CORE_ROW.forgottenIdMs, 'a forgotten time', -1)
    read = {
      sequence: readCount(words, at + CORE_ROW.sequence, 'its sequence', 0, SEQUENCE_MAX),
      timeMs: readCount(words, at + CORE_ROW.timeMs, 'its time', 0, TIME_MS_MAX),
      commandCount: readCount(words, at + CORE_ROW.commands, 'its count of commands'),
      digestA: words.i32[(at + CORE_ROW.digest) >>> 2] as number,
      digestB: words.i32[(at + CORE_ROW.digest + 4) >>> 2] as number,
      passedOver: [],
    }
  })
  if (read === undefined) throw stateFault('its core is missing')
  const short = core.book.capacityBelow(core.limits)
  if (short !== undefined) {
    throw new EngineFault(
      'capacity',
      read.sequence,
      `the tables are smaller than the state's ${short}`,
    )
  }
  return { ...read, passedOver: readPassedOver(input, read.sequence) }
}

function readLimits(words: Words, at: number): Capacities {
  const limits = CAPACITY_NAMES.map((name, n) => [name, readCount(words, at + n * 8, name)])
  return Object.fromEntries(limits) as Capacities
}

function readPassedOver(input: StateInput, sequence: number): number[] {
  const passedOver: number[] = []
  const { bytes } = PASSED_OVER_ROW
  input.readSection(SECTION.passedOver, bytes, sequence, (words, at, count) => {
    for (let n = 0; n < count; n++) {
      const passed = readCount(words, at + n * bytes, 'a sequence that was passed over')
      if (passed <= (passedOver.at(-1) ?? 0) || passed > sequence) throw stateFault('voids')
      passedOver.push(passed)
    }
  })
  return passedOver
}

function readLedgers({ book }: Core, input: StateInput): void {
  const { ledgers } = book
  input.readSection(
    SECTION.ledgers,
    LEDGER_ROW.bytes,
    book.capacities.ledgersMax,
    (words, start, count) => {
      for (let n = 0, at = start; n < count; n++, at += LEDGER_ROW.bytes) {
        const number = words.u32[(at + LEDGER_ROW.number) >>> 2] as number
        if (number === 0 || ledgers.find(number) >= 0) throw stateFault(`ledger ${number}`)
        ledgers.restore(
          number,
          readCount(words, at + LEDGER_ROW.accounts, "a ledger's accounts"),
          readCount(words, at + LEDGER_ROW.held, "a ledger's held", 0, LEDGER_HELD_MAX),
          readCount(words, at + LEDGER_ROW.turnoverHigh, "a ledger's turnover"),
          readCount(words, at + LEDGER_ROW.turnoverLow, "a ledger's turnover"),
        )
      }
    },
  )
}

function readAccounts({ book }: Core, input: StateInput, sequence: number): void {
  const { accounts, hash } = book
  const hashes = new Int32Array(RUN_ROWS)
  const visit = (words: Words, start: number, count: number): void => {
    for (let n = 0, at = start; n < count; n++, at += ACCOUNT_ROW.bytes) {
      const fault = accountFault(words, at, book.ledgers.count, sequence)
      if (fault !== undefined) throw stateFault(`${fault} of account ${accounts.count}`)
      const tailBytes = words.u32[(at + ACCOUNT_ROW.tailBytes) >>> 2] as number
      if (accounts.nameBytes + tailBytes > accounts.names.tailBytesMax) {
        throw new EngineFault('capacity', 0, "the tables are smaller than the state's names")
      }
      accounts.restore(words, at)
      hashes[n] = hash.ofRecord(words, at + ACCOUNT_ROW.id)
    }
    if (!accounts.restoreIds(hashes, count)) throw stateFault('two accounts have one id')
  }
  input.readSection(SECTION.accounts, ACCOUNT_ROW.bytes, book.capacities.accountsMax, visit)
}

function accountFault(
  words: Words,
  at: number,
  ledgers: number,
  sequence: number,
): string | undefined {
  if (isNoId(words, at + ACCOUNT_ROW.id)) return 'the id'
  if ((words.u32[(at + ACCOUNT_ROW.ledger) >>> 2] as number) >= ledgers) return 'the ledger'
  const flags = words.u32[(at + ACCOUNT_ROW.flags) >>> 2] as number
  if ((flags & ~ACCOUNT_FLAGS & ~0x300) !== 0) return 'a flag'
  if (!isAmount(readF64(words, at + ACCOUNT_ROW.balance), -AMOUNT_MAX)) return 'the balance'
  if (!isAmount(readF64(words, at + ACCOUNT_ROW.held), 0)) return 'held'
  if (!isAmount(readF64(words, at + ACCOUNT_ROW.incoming), 0)) return 'incoming'
  if (!isAmount(readF64(words, at + ACCOUNT_ROW.creditLimit), 0)) return 'the limit'
  if (!isAmount(readF64(words, at + ACCOUNT_ROW.firstCreditLimit), 0)) return 'the limit'
  const opened = readF64(words, at + ACCOUNT_ROW.openedSequence)
  if (!(opened >= 1 && opened <= sequence && isWhole(opened))) return 'the sequence'
  if (!isTime(readF64(words, at + ACCOUNT_ROW.openedTimeMs))) return 'the time'
  const tailBytes = words.u32[(at + ACCOUNT_ROW.tailBytes) >>> 2] as number
  return tailBytes > TAIL_BYTES_MAX || (tailBytes & 7) !== 0 ? 'the tail' : undefined
}

function readTails({ book: { accounts } }: Core, input: StateInput): void {
  const { tails } = accounts.names
  let done = 0
  const rows = accounts.nameBytes / TAIL_ROW.bytes
  input.readSection(SECTION.tails, TAIL_ROW.bytes, rows, (words, at, count) => {
    tails.set(words.u8.subarray(at, at + count * TAIL_ROW.bytes), done)
    done += count * TAIL_ROW.bytes
  })
  if (done !== accounts.nameBytes) throw stateFault('the tails are not those of the accounts')
}

function readReservations({ book }: Core, input: StateInput, progress: Progress): void {
  const { reservations, groups, wheel, commands, hash } = book
  let hashes = new Int32Array(0)
  let lastOfRun = 0
  const visit = (words: Words, start: number, count: number): void => {
    let last = lastOfRun
    for (let n = 0, at = start; n < count; n++, at += RESERVATION_ROW.bytes) {
      const sequence = readF64(words, at + RESERVATION_ROW.sequence)
      const isInOrder = sequence > last || (sequence === last && isAfterTwin(words, at, book))
      const fault =
        isInOrder && sequence <= progress.sequence
          ? reservationFault(words, at, book.accounts.count, progress.timeMs)
          : 'the sequence'
      if (fault !== undefined) throw rowFault(`${fault} of reservation`, sequence)
      last = sequence
      const slot = reservations.restore(words, at)
      if (slot < 0) throw rowFault('the end of reservation', sequence)
      hashes[slot] = hash.ofRecord(words, at + RESERVATION_ROW.id)
      const group = words.u32[(at + RESERVATION_ROW.group) >>> 2] as number
      const isGroup = group <= book.capacities.groupsMax
      if (group !== 0 && !(isGroup && groups.restoreMember(slot, group))) {
        throw rowFault('the group of reservation', sequence)
      }
      const isOpen = words.u32[(at + RESERVATION_ROW.ended) >>> 2] === 0
      if (isOpen && reservations.expiresAt(slot) !== 0) wheel.insert(slot)
    }
    lastOfRun = last
  }
  const begin = (rows: number): void => {
    hashes = new Int32Array(rows)
    reservations.ended.beginRestore(rows)
  }
  const rowsMax = book.capacities.reservationsMax
  input.readSection(SECTION.reservations, RESERVATION_ROW.bytes, rowsMax, visit, begin)
  if (!commands.restore(0, hashes, hashes.length)) throw stateFault('two commands have one id')
  if (!reservations.ended.finishRestore()) throw stateFault('the order of ending has gaps')
}

/** Whether a reservation with the sequence of the one before comes after it: see creation-order.ts. */
function isAfterTwin(words: Words, at: number, { accounts, reservations }: Book): boolean {
  const before = reservations.slotsEnd - 1
  const debit = words.u32[(at + RESERVATION_ROW.debit) >>> 2] as number
  const number = words.u32[(at + RESERVATION_ROW.metadataHash) >>> 2] as number
  const isOwned = debit < accounts.count && isOwnedFlag(accounts.flags(debit))
  const ordinal = isOwned ? number : LAST_ORDINAL
  return before >= 0 && ordinalOf(accounts, reservations, before) < ordinal
}

function reservationFault(
  words: Words,
  at: number,
  accounts: number,
  timeMs: number,
): string | undefined {
  const { u32 } = words
  if (isNoId(words, at + RESERVATION_ROW.id)) return 'the id'
  const debit = u32[(at + RESERVATION_ROW.debit) >>> 2] as number
  const credit = u32[(at + RESERVATION_ROW.credit) >>> 2] as number
  if (debit >= accounts || credit >= accounts) return 'an account'
  const amount = readF64(words, at + RESERVATION_ROW.amount)
  const settled = readF64(words, at + RESERVATION_ROW.settled)
  const released = readF64(words, at + RESERVATION_ROW.released)
  if (!isAmount(amount, 1) || !isWhole(settled) || !isWhole(released)) return 'an amount'
  const expiresAt = readF64(words, at + RESERVATION_ROW.expiresAt)
  if (!isTime(expiresAt) || !isTime(readF64(words, at + RESERVATION_ROW.timeMs))) return 'the time'
  const stateWord = u32[(at + RESERVATION_ROW.state) >>> 2] as number
  const state = stateWord & 0xff
  const isOpen = state === RESERVATION_STATE.held
  if (state === 0 || state > RESERVATION_STATE.expired) return 'the state'
  if (stateWord >>> 16 > CHAIN_PLACE.last) return 'the chain'
  if (isOpen !== (u32[(at + RESERVATION_ROW.ended) >>> 2] === 0)) return 'the end'
  if (!isTime(readF64(words, at + RESERVATION_ROW.endedAt))) return 'the end'
  const isInGroup = u32[(at + RESERVATION_ROW.group) >>> 2] !== 0
  if (!isOpen) return isInGroup ? 'the group' : undefined
  if (!isInGroup && u32[(at + RESERVATION_ROW.groupHash) >>> 2] !== 0) return 'the group'
  if (expiresAt !== 0 && expiresAt <= timeMs) return 'the time'
  return settled + released < amount ? undefined : 'what is left'
}

function readGroups({ book: { groups } }: Core, input: StateInput): void {
  let slot = 0
  input.readSection(SECTION.groups, GROUP_ROW.bytes, groups.count, (words, at, count) => {
    for (let n = 0; n < count; n++) {
      const place = at + n * GROUP_ROW.bytes
      if (isNoId(words, place) || !groups.restoreIdOf(slot, words, place)) {
        throw stateFault(`the id of group ${slot}`)
      }
      slot++
    }
  })
  if (slot !== groups.count) throw stateFault('the groups are not those of the reservations')
}

function readOutcomes({ book }: Core, input: StateInput, progress: Progress): void {
  const { outcomes, commands, hash } = book
  let hashes = new Int32Array(0)
  let lastOfRun = 0
  const visit = (words: Words, at: number, count: number): void => {
    const first = outcomes.restore(words, at, count)
    let last = lastOfRun
    for (let n = 0; n < count; n++) {
      const slot = first + n
      const sequence = outcomes.sequence(slot)
      if (!(sequence > last && sequence <= progress.sequence)) {
        throw rowFault('the sequence of outcome', sequence)
      }
      const row = at + n * OUTCOME_ROW.bytes
      if (isNoId(words, row) || outcomes.status(slot) > STATUS.module_refused) {
        throw rowFault('the id or the status of outcome', sequence)
      }
      last = sequence
      hashes[slot] = hash.ofRecord(words, row)
    }
    lastOfRun = last
  }
  const begin = (rows: number): void => {
    hashes = new Int32Array(rows)
  }
  const rowsMax = book.capacities.outcomesMax
  input.readSection(SECTION.outcomes, OUTCOME_ROW.bytes, rowsMax, visit, begin)
  if (!commands.restore(1, hashes, hashes.length)) throw stateFault('two commands have one id')
}

/** I2 and I3 by the sums over accounts and open reservations, each exact in a double. */
function checkSums({ book }: Core): void {
  const { ledgers, accounts, reservations } = book
  const held = new Float64Array(ledgers.count)
  const incoming = new Float64Array(ledgers.count)
  const remaining = new Float64Array(ledgers.count)
  const opened = new Float64Array(ledgers.count)
  for (let slot = 0; slot < accounts.count; slot++) {
    const ledger = accounts.ledger(slot)
    held[ledger] = (held[ledger] as number) + accounts.held(slot)
    incoming[ledger] = (incoming[ledger] as number) + accounts.incoming(slot)
    opened[ledger] = (opened[ledger] as number) + 1
  }
  for (let slot = 0; slot < reservations.slotsEnd; slot++) {
    if (reservations.state(slot) !== RESERVATION_STATE.held) continue
    const ledger = accounts.ledger(reservations.debit(slot))
    remaining[ledger] = (remaining[ledger] as number) + reservations.remaining(slot)
  }
  for (let slot = 0; slot < ledgers.count; slot++) {
    const sum = ledgers.held[slot]
    const isHeld = sum === held[slot] && sum === incoming[slot] && sum === remaining[slot]
    if (!isHeld || ledgers.accounts[slot] !== opened[slot]) {
      throw stateFault(`the sums of ledger ${ledgers.numbers[slot]}`)
    }
  }
}

/** A whole number at `at`, which `what` names. */
function readCount(words: Words, at: number, what: string, min = 0, max?: number): number {
  const value = readF64(words, at)
  if (Number.isSafeInteger(value) && value >= min && value <= (max ?? Infinity)) return value
  throw stateFault(`${what} is ${value}`)
}

/** Spells the number here: in a loop, V8 would spell it ahead of the check, for every row. */
function rowFault(what: string, sequence: number): EngineFault {
  return stateFault(`${what} ${sequence}`)
}

function isAmount(value: number, min: number): boolean {
  return value >= min && value <= AMOUNT_MAX && Math.floor(value) === value
}

function isTime(value: number): boolean {
  return value >= 0 && value <= TIME_MS_MAX && Math.floor(value) === value
}

function isWhole(value: number): boolean {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER && Math.floor(value) === value
}
