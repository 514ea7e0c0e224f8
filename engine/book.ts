// The book: every change of state that a command can make, each of which cannot fail and can be taken
// back. Whether a change is allowed was decided before; see the commands.

import {
  type AccountNamesMemory,
  type Capacities,
  isNoId,
  OPEN_ACCOUNT,
  RESERVATION_STATE,
  RESERVE,
  type Words,
} from '../protocol/index.ts'
import { Accounts } from './accounts.ts'
import { ExpiryWheel } from './expiry-wheel.ts'
import { Groups } from './groups.ts'
import { IdHash } from './id-hash.ts'
import { IdIndex, NONE } from './id-index.ts'
import { Ledgers } from './ledgers.ts'
import { OutcomeMemory } from './outcome-memory.ts'
import { ReplyMemory } from './reply-memory.ts'
import { Reservations } from './reservations.ts'
import { UNDO, UndoLog } from './undo-log.ts'

/** Memory that the tables reserve for what, in bytes; modules' own rows are not among it, which grow. */
export interface TableBytes {
  /** The sum of the others. */
  readonly all: number
  readonly accounts: number
  /** The accounts' spellings and metadata. */
  readonly names: number
  readonly ledgers: number
  readonly reservations: number
  readonly groups: number
  readonly outcomes: number
  /** Where the ids of reservations and of outcomes are found. */
  readonly commands: number
  /** Of modules, remembered with their outcomes. */
  readonly replies: number
}

/** All tables, and the only code that changes more than one of them. */
export class Book {
  readonly hash: IdHash
  readonly accounts: Accounts
  readonly ledgers: Ledgers
  readonly reservations: Reservations
  readonly groups: Groups
  readonly wheel: ExpiryWheel
  readonly outcomes: OutcomeMemory
  /** Modules' replies; without modules there is no memory for them. */
  readonly replies: ReplyMemory
  /** Ids of commands: `slot * 2` is a reservation's row, `slot * 2 + 1` an outcome's. */
  readonly commands: IdIndex
  readonly undo = new UndoLog()
  /** Memory that the tables reserve, in bytes. */
  readonly bytes: TableBytes
  /** Rows that there is memory for. */
  readonly capacities: Capacities

  constructor(
    capacities: Capacities,
    names: AccountNamesMemory,
    seed: number,
    hasModules: boolean,
  ) {
    this.hash = new IdHash(seed)
    this.capacities = capacities
    const { accountsMax, ledgersMax, reservationsMax, groupsMax, outcomesMax } = capacities
    this.accounts = new Accounts(this.hash, accountsMax, names)
    this.ledgers = new Ledgers(ledgersMax)
    this.reservations = new Reservations(reservationsMax)
    this.groups = new Groups(this.hash, groupsMax, this.reservations)
    this.wheel = new ExpiryWheel(this.reservations)
    this.outcomes = new OutcomeMemory(outcomesMax)
    this.replies = new ReplyMemory(hasModules ? capacities.moduleReplyBytesMax : 0)
    this.commands = new IdIndex(
      this.hash,
      reservationsMax + outcomesMax,
      this.reservations,
      this.outcomes,
    )
    const bytes = {
      accounts: this.accounts.bytes,
      names: names.index.byteLength + names.tails.byteLength,
      ledgers: this.ledgers.bytes,
      reservations: this.reservations.bytes,
      groups: this.groups.bytes,
      outcomes: this.outcomes.bytes,
      commands: this.commands.bytes,
      replies: this.replies.bytes,
    }
    this.bytes = { ...bytes, all: Object.values(bytes).reduce((sum, one) => sum + one, 0) }
  }

  /** The first capacity of which there is less than `wanted` says, or undefined. */
  capacityBelow(wanted: Capacities): string | undefined {
    const tables = [
      'accountsMax',
      'ledgersMax',
      'reservationsMax',
      'groupsMax',
      'outcomesMax',
      'moduleReplyBytesMax',
    ] as const
    return tables.find((name) => wanted[name] > this.capacities[name])
  }

  openAccount(
    words: Words,
    at: number,
    hash: number,
    sequence: number,
    timeMs: number,
    place: number,
  ): number {
    const nameBytes = this.accounts.nameBytes
    const ledger = this.ledgers.enter(words.u32[(at + OPEN_ACCOUNT.ledger) >>> 2] as number)
    const slot = this.accounts.open(words, at, hash, ledger, sequence, timeMs, place)
    if (this.undo.isOn) this.undo.push(UNDO.openAccount, slot, ledger, 0, nameBytes, 0, 0)
    return slot
  }

  setCreditLimit(account: number, value: number): void {
    if (this.undo.isOn) {
      const before = this.accounts.creditLimit(account)
      this.undo.push(UNDO.creditLimit, account, 0, 0, before, 0, 0)
    }
    this.accounts.setCreditLimit(account, value)
  }

  setFlags(account: number, flags: number): void {
    if (this.undo.isOn) {
      this.undo.push(UNDO.flags, account, this.accounts.flags(account), 0, 0, 0, 0)
    }
    this.accounts.setFlags(account, flags)
  }

  /** Holds `amount` from debit to credit; a negative amount gives it back. */
  hold(debit: number, credit: number, amount: number): void {
    const ledger = this.accounts.ledger(debit)
    this.accounts.addHeld(debit, amount)
    this.accounts.addIncoming(credit, amount)
    this.ledgers.held[ledger] = (this.ledgers.held[ledger] as number) + amount
    const creditLedger = this.accounts.ledger(credit)
    this.ledgers.incoming[creditLedger] = (this.ledgers.incoming[creditLedger] as number) + amount
    if (this.undo.isOn) this.undo.push(UNDO.hold, debit, credit, 0, amount, 0, 0)
  }

  /** Moves `amount` from debit to credit. */
  post(debit: number, credit: number, amount: number): void {
    const ledger = this.accounts.ledger(debit)
    this.accounts.addBalance(debit, -amount)
    this.ledgers.balances[ledger] = (this.ledgers.balances[ledger] as number) - amount
    const creditLedger = this.accounts.ledger(credit)
    this.accounts.addBalance(credit, amount)
    this.ledgers.balances[creditLedger] = (this.ledgers.balances[creditLedger] as number) + amount
    this.ledgers.addTurnover(ledger, amount)
    if (this.undo.isOn) this.undo.push(UNDO.post, debit, credit, 0, amount, 0, 0)
  }

  /** Makes the row of a granted reserve: indexed, in the wheel and in its group. */
  addReservation(
    words: Words,
    at: number,
    hash: number,
    debit: number,
    credit: number,
    taken: number,
    sequence: number,
    timeMs: number,
    place: number,
  ): number {
    const rows = this.reservations
    const slot = rows.add(words, at, debit, credit, taken, sequence, timeMs, place)
    this.commands.insert(slot * 2, hash)
    if (rows.expiresAt(slot) !== 0) this.wheel.insert(slot)
    if (!isNoId(words, at + RESERVE.group)) this.#joinGroup(words, at + RESERVE.group, slot)
    this.#addRemaining(debit, taken)
    if (this.undo.isOn) this.undo.push(UNDO.addReservation, slot, 0, 0, taken, 0, 0)
    return slot
  }

  #joinGroup(words: Words, at: number, slot: number): void {
    const { groups, undo } = this
    if (undo.isOn && groups.find(words, at) === NONE) {
      // A group that this chain dropped may come back, and its id is in the row that is taken here.
      const row = groups.nextRow
      const w = row * groups.rowWords
      const ids = groups.i32
      const [a, b] = [ids[w] as number, ids[w + 1] as number]
      undo.push(UNDO.groupId, row, a, b, ids[w + 2] as number, ids[w + 3] as number, 0)
    }
    groups.join(words, at, slot)
  }

  /** Sets an open reservation's numbers. */
  setAmounts(slot: number, amount: number, settled: number, released: number): void {
    const rows = this.reservations
    const before = Math.max(0, rows.remaining(slot))
    if (this.undo.isOn) {
      const [a, s, r] = [rows.amount(slot), rows.settled(slot), rows.released(slot)]
      this.undo.push(UNDO.amounts, slot, 0, 0, a, s, r)
    }
    rows.setAmounts(slot, amount, settled, released)
    // An over-capture leaves less than nothing of the reservation: what remains of it is 0.
    const after = Math.max(0, rows.remaining(slot))
    this.#addRemaining(rows.debit(slot), after - before)
  }

  /** Moves the time at which an open reservation that has one expires. */
  setExpiresAt(slot: number, expiresAt: number): void {
    if (this.undo.isOn) {
      this.undo.push(UNDO.expiresAt, slot, 0, 0, this.reservations.expiresAt(slot), 0, 0)
    }
    this.#moveInWheel(slot, expiresAt)
  }

  #moveInWheel(slot: number, expiresAt: number): void {
    this.wheel.remove(slot)
    this.reservations.setExpiresAt(slot, expiresAt)
    this.wheel.insert(slot)
  }

  /** Ends an open reservation of which nothing remains. */
  end(slot: number, state: number, timeMs: number): void {
    if (this.reservations.expiresAt(slot) !== 0) {
      this.wheel.remove(slot)
      if (this.undo.isOn) this.undo.push(UNDO.leaveWheel, slot, 0, 0, 0, 0, 0)
    }
    this.#end(slot, state, timeMs)
  }

  /** Ends an open reservation that the wheel gave out as due; gives back what remained. */
  expire(slot: number, timeMs: number): number {
    const rows = this.reservations
    const rest = rows.remaining(slot)
    this.hold(rows.debit(slot), rows.credit(slot), -rest)
    this.setAmounts(slot, rows.amount(slot), rows.settled(slot), rows.released(slot) + rest)
    this.#end(slot, RESERVATION_STATE.expired, timeMs)
    return rest
  }

  #end(slot: number, state: number, timeMs: number): void {
    const rows = this.reservations
    const group = rows.group(slot)
    if (group !== 0) {
      if (this.undo.isOn) {
        const [next, previous] = [rows.groupNext(slot), rows.groupPrevious(slot)]
        this.undo.push(UNDO.leaveGroup, slot, group, next, previous, 0, 0)
      }
      this.groups.leave(slot)
    }
    const before = rows.end(slot, state, timeMs)
    if (this.undo.isOn) this.undo.push(UNDO.end, slot, before, 0, 0, 0, 0)
  }

  #addRemaining(debit: number, amount: number): void {
    const ledger = this.accounts.ledger(debit)
    this.ledgers.remaining[ledger] = (this.ledgers.remaining[ledger] as number) + amount
  }

  /** Takes back everything since the log was cleared, and clears it. */
  rollback(): void {
    const undo = this.undo
    undo.isOn = false
    while (undo.count > 0) {
      undo.pop()
      this.#takeBack(undo.op, undo.a, undo.b)
    }
  }

  #takeBack(op: number, a: number, b: number): void {
    const { undo, accounts, reservations } = this
    switch (op) {
      case UNDO.hold:
        return this.hold(a, b, -undo.x)
      case UNDO.post:
        return this.#unpost(a, b, undo.x)
      case UNDO.creditLimit:
        return accounts.setCreditLimit(a, undo.x)
      case UNDO.flags:
        return accounts.setFlags(a, b)
      case UNDO.openAccount:
        accounts.unopen(a, undo.x)
        return this.ledgers.leave(b)
      case UNDO.addReservation:
        return this.#dropReservation(a, undo.x)
      case UNDO.amounts:
        return this.setAmounts(a, undo.x, undo.y, undo.z)
      case UNDO.end:
        return reservations.unend(a, b)
      case UNDO.leaveGroup:
        return this.groups.rejoin(a, b, undo.c, undo.x)
      case UNDO.groupId:
        return this.groups.restoreId(a, b, undo.c, undo.x, undo.y)
      case UNDO.leaveWheel:
        return this.wheel.insert(a)
      case UNDO.expiresAt:
        return this.#moveInWheel(a, undo.x)
      default:
        throw new Error(`the undo log holds an unknown entry ${op}`)
    }
  }

  #unpost(debit: number, credit: number, amount: number): void {
    this.post(credit, debit, amount)
    // The posting back was counted as turnover too.
    this.ledgers.addTurnover(this.accounts.ledger(debit), -amount)
    this.ledgers.addTurnover(this.accounts.ledger(debit), -amount)
  }

  #dropReservation(slot: number, taken: number): void {
    const rows = this.reservations
    this.commands.remove(slot * 2, this.commands.hashOf(slot * 2))
    if (rows.expiresAt(slot) !== 0) this.wheel.remove(slot)
    if (rows.group(slot) !== 0) this.groups.leave(slot)
    this.#addRemaining(rows.debit(slot), -taken)
    rows.dropOpen(slot)
  }
}
