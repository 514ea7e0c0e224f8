// The ledger as a module's handlers have it: records of the core's own commands, built in memory and given
// to the core's own handlers, for accounts and reservations below the module's name.

import {
  ACCOUNT_FLAG,
  AMOUNT_MAX,
  allocateWords,
  type CommandFields,
  encodeCommand,
  type Id,
  type IdCache,
  KIND,
  LEDGER_MAX,
  MODULE_LEDGER_OPERATIONS_MAX,
  RECORD,
  RECORD_BYTES_MAX,
  RESERVATION_STATE,
  RESERVATION_STATE_NAMES,
  STATUS,
  sameId,
  statusOf,
  TAIL_BYTES_MAX,
  type Words,
} from '../protocol/index.ts'
import { handle } from './commands.ts'
import { compareWithAccount } from './content.ts'
import type { Core } from './core.ts'
import { EngineFault } from './fault.ts'
import { NONE } from './id-index.ts'
import type { LedgerAccount, LedgerReservation, LedgerResult, ModuleLedger } from './module.ts'
import type { ModuleEffects } from './module-effects.ts'
import { ModuleMisuse } from './module-errors.ts'
import { accountsBelow, reservationsBelow } from './module-names.ts'
import { CHAIN_PLACE } from './outcome-memory.ts'

/** What the operations of all modules share: what is decided right now, and how. */
export interface LedgerScope {
  readonly core: Core
  readonly effects: ModuleEffects
  /** Whether a handler runs that may change something. */
  mayChange: boolean
  /** Operations of the command so far. */
  operations: number
  /** Reservations that modules made under the sequence that is decided. */
  reservations: number
  /** The record that is decided; undefined for a timer. */
  record: { readonly words: Words; readonly at: number } | undefined
  /** An assertion of the core that failed: a handler may not swallow it. */
  fault: EngineFault | undefined
}

type Fields = CommandFields<Id>

/** See the head of this file. Part of a module's context. */
export class HostLedger implements ModuleLedger {
  readonly #scope: LedgerScope
  readonly #ids: IdCache
  readonly #reservationIds: IdCache
  /** Stands for the ids of the commands that nobody remembers. */
  readonly #own: Id
  readonly #record = allocateWords(RECORD_BYTES_MAX + TAIL_BYTES_MAX)

  constructor(module: string, scope: LedgerScope) {
    this.#scope = scope
    this.#ids = accountsBelow(module)
    this.#reservationIds = reservationsBelow(module)
    this.#own = this.#ids('-')
  }

  openAccount(account: Parameters<ModuleLedger['openAccount']>[0]): LedgerResult {
    const { ledger, creditLimit = 0, external = false, history = false } = account
    if (!(Number.isSafeInteger(ledger) && ledger >= 1 && ledger <= LEDGER_MAX)) {
      throw new ModuleMisuse(`ledger ${ledger}: a whole number from 1 to ${LEDGER_MAX}`)
    }
    checkAmount('creditLimit', creditLimit, 0)
    const id = this.#ids(account.id)
    const { core } = this.#encode(KIND.openAccount, { id, ledger, creditLimit, external, history })
    const known = core.book.accounts.find(this.#record, RECORD.id, core.ownHash)
    if (known !== NONE) return { code: statusOf(this.#compareAccount(known)).code, moved: 0 }
    const result = this.#run()
    if (result.code === 'ok') this.#takeOver(core.decision.accounts[0] as number)
    return result
  }

  setCreditLimit(account: string, value: number): LedgerResult {
    checkAmount('value', value, 0)
    this.#encode(KIND.setCreditLimit, { id: this.#own, account: this.#ids(account), value })
    return this.#run()
  }

  freeze(account: string): LedgerResult {
    return this.#change(KIND.freezeAccount, account)
  }

  unfreeze(account: string): LedgerResult {
    return this.#change(KIND.unfreezeAccount, account)
  }

  closeAccount(account: string): LedgerResult {
    return this.#change(KIND.closeAccount, account)
  }

  transfer(transfer: Parameters<ModuleLedger['transfer']>[0]): LedgerResult {
    const { amount, atMost = false } = transfer
    checkAmount('amount', amount, 1)
    const debitAccount = this.#ids(transfer.debit)
    const creditAccount = this.#ids(transfer.credit)
    this.#encode(KIND.transfer, { id: this.#own, debitAccount, creditAccount, amount, atMost })
    return this.#run()
  }

  reserve(reserve: Parameters<ModuleLedger['reserve']>[0]): LedgerResult {
    const { amount, allowOver = false, atMost = false } = reserve
    checkAmount('amount', amount, 1)
    const id = this.#reservationIds(reserve.id)
    const debitAccount = this.#ids(reserve.debit)
    const creditAccount = this.#ids(reserve.credit)
    const fields = { id, debitAccount, creditAccount, amount, allowOver, atMost }
    const { core } = this.#encode(KIND.reserve, fields)
    if (this.#isTaken(core)) return { code: 'exists_with_different_type', moved: 0 }
    // No two rows may have one place in the order of creation, and these share their sequence.
    this.#record.u32[RECORD.metadataHash >>> 2] = this.#scope.reservations++
    return this.#run()
  }

  settle(reservation: string, options: Parameters<ModuleLedger['settle']>[1] = {}): LedgerResult {
    const { amount, final = true } = options
    return this.#resolve(KIND.settle, reservation, { amount, final }, 0)
  }

  release(reservation: string, options: Parameters<ModuleLedger['release']>[1] = {}): LedgerResult {
    return this.#resolve(KIND.release, reservation, { amount: options.amount }, 1)
  }

  extend(reservation: string, amount: number): LedgerResult {
    return this.#resolve(KIND.extend, reservation, { amount }, 1)
  }

  account(id: string): LedgerAccount | undefined {
    const slot = this.#findAccount(id)
    if (slot === NONE) return undefined
    const { accounts, ledgers } = this.#scope.core.book
    const flags = accounts.flags(slot)
    return {
      ledger: ledgers.numbers[accounts.ledger(slot)] as number,
      balance: accounts.balance(slot),
      held: accounts.held(slot),
      incoming: accounts.incoming(slot),
      creditLimit: accounts.creditLimit(slot),
      available: accounts.available(slot),
      external: (flags & ACCOUNT_FLAG.external) !== 0,
      frozen: (flags & ACCOUNT_FLAG.frozen) !== 0,
      closed: (flags & ACCOUNT_FLAG.closed) !== 0,
    }
  }

  reservation(id: string): LedgerReservation | undefined {
    const { book } = this.#scope.core
    const slot = this.#findReservation(this.#reservationIds(id))
    if (slot === NONE) return undefined
    const rows = book.reservations
    const state = rows.state(slot)
    return {
      state: RESERVATION_STATE_NAMES[state] as LedgerReservation['state'],
      amount: rows.amount(slot),
      settled: rows.settled(slot),
      released: rows.released(slot),
      remaining: state === RESERVATION_STATE.held ? rows.remaining(slot) : 0,
    }
  }

  #change(kind: number, account: string): LedgerResult {
    this.#encode(kind, { id: this.#own, account: this.#ids(account) })
    return this.#run()
  }

  #resolve(
    kind: number,
    name: string,
    options: { readonly amount?: number | undefined; readonly final?: boolean },
    amountMin: number,
  ): LedgerResult {
    const { amount, final } = options
    if (amount !== undefined) checkAmount('amount', amount, amountMin)
    else if (kind === KIND.extend) throw new ModuleMisuse('extend wants an amount')
    const reservation = this.#reservationIds(name)
    // What is undefined is not there to the encoder; a spread of what is there costs more than the rest.
    this.#encode(kind, { id: this.#own, reservation, amount, final } as Fields)
    return this.#run()
  }

  /** Builds the record of an operation that may be done now, and hashes its ids. */
  #encode(kind: number, fields: Fields): LedgerScope {
    const scope = this.#scope
    if (!scope.mayChange) throw new ModuleMisuse('a query may change nothing: make it a command')
    if (++scope.operations > MODULE_LEDGER_OPERATIONS_MAX) {
      throw new ModuleMisuse(
        `more than ${MODULE_LEDGER_OPERATIONS_MAX} ledger operations: do it in several commands`,
      )
    }
    encodeCommand(this.#record, 0, kind, fields, this.#ids)
    const { core } = scope
    core.readHashes(this.#record, 0)
    core.decision.begin(core.sequence, core.nowMs)
    return scope
  }

  /** Has the core decide what `#encode` built; a refusal changes nothing. */
  #run(): LedgerResult {
    const { core, effects } = this.#scope
    const { decision } = core
    const status = this.#handle(core)
    if (status !== STATUS.ok) return { code: statusOf(status).code, moved: 0 }
    const { accounts, accountCount, moved } = decision
    for (let n = 0; n < accountCount; n++) effects.touch(accounts[n] as number)
    return { code: 'ok', moved }
  }

  #handle(core: Core): number {
    try {
      return handle(this.#record, 0)
    } catch (error) {
      const fault =
        error instanceof EngineFault
          ? error
          : new EngineFault('invariant', core.sequence, `a ledger operation failed: ${error}`)
      this.#scope.fault = fault
      throw fault
    }
  }

  /** Makes the account that was just opened the module's. */
  #takeOver(account: number): void {
    const { book } = this.#scope.core
    book.setFlags(account, book.accounts.flags(account) | ACCOUNT_FLAG.owned)
  }

  /** `ok` where the account is what the record would open. */
  #compareAccount(account: number): number {
    const { core } = this.#scope
    const { accounts, ledgers } = core.book
    // Whoever opened it before the module was here keeps it.
    if (core.isForeign(accounts.flags(account))) return STATUS.exists_with_different_type
    const ledger = ledgers.numbers[accounts.ledger(account)] as number
    return compareWithAccount(accounts, account, ledger, this.#record, 0, CHAIN_PLACE.alone)
  }

  /** Whether the id of the reserve is known, or that of the very command that is decided. */
  #isTaken(core: Core): boolean {
    const { record } = this.#scope
    if (core.book.commands.find(this.#record, RECORD.id, core.ownHash) !== NONE) return true
    if (record === undefined) return false
    return sameId(record.words, record.at + RECORD.id, this.#record, RECORD.id)
  }

  #findAccount(name: string): number {
    const { book } = this.#scope.core
    this.#ids(name).write(this.#record, RECORD.id)
    const hash = book.hash.ofRecord(this.#record, RECORD.id)
    const slot = book.accounts.find(this.#record, RECORD.id, hash)
    if (slot === NONE) return NONE
    return (book.accounts.flags(slot) & ACCOUNT_FLAG.owned) === 0 ? NONE : slot
  }

  #findReservation(id: Id): number {
    const { book } = this.#scope.core
    id.write(this.#record, RECORD.id)
    const hash = book.hash.ofRecord(this.#record, RECORD.id)
    const reference = book.commands.find(this.#record, RECORD.id, hash)
    if (reference === NONE || (reference & 1) === 1) return NONE
    const slot = reference >>> 1
    const flags = book.accounts.flags(book.reservations.debit(slot))
    return (flags & ACCOUNT_FLAG.owned) === 0 ? NONE : slot
  }
}

function checkAmount(what: string, amount: number, min: number): void {
  if (Number.isSafeInteger(amount) && amount >= min && amount <= AMOUNT_MAX) return
  throw new ModuleMisuse(`${what} ${amount}: a whole number from ${min} to ${AMOUNT_MAX}`)
}
