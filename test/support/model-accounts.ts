// How the model decides commands on accounts, and transfers: guards in ascending order of their
// statuses, then the effect.

import { AMOUNT_MAX, type Capacities, type StatusCode } from '../../protocol/index.ts'
import { type Command, nameBytesOf } from './commands.ts'
import {
  accountOf,
  availableOf,
  isExternal,
  ledgerOf,
  type ModelAccount,
  type ModelState,
} from './model-state.ts'

/** What a command came to: which accounts its outcome shows, and which reservation. */
export interface Decision {
  readonly code: StatusCode
  readonly moved?: number
  readonly accounts?: readonly string[]
  readonly reservation?: string
  readonly resolved?: number
}

/** What a command is decided with. */
export interface Circumstances {
  readonly timeMs: number
  readonly sequence: number
  readonly capacities: Capacities
}

export function openAccount(state: ModelState, command: Command, at: Circumstances): Decision {
  const { capacities } = at
  const ledger = command.ledger ?? 0
  const nameBytes = state.nameBytes + nameBytesOf(command)
  if (state.accounts.size >= capacities.accountsMax) return { code: 'accounts_full' }
  if (nameBytes > capacities.accountNameBytesMax) return { code: 'accounts_full' }
  if (!state.ledgers.has(ledger) && state.ledgers.size >= capacities.ledgersMax) {
    return { code: 'ledgers_full' }
  }

  if (!state.ledgers.has(ledger)) state.ledgers.set(ledger, { accounts: 0, held: 0, turnover: 0n })
  ledgerOf(state, ledger).accounts += 1
  state.nameBytes = nameBytes
  state.accounts.set(command.id, {
    opened: command,
    sequence: at.sequence,
    timeMs: at.timeMs,
    frozen: false,
    closed: false,
    balance: 0,
    held: 0,
    incoming: 0,
    creditLimit: command.creditLimit ?? 0,
  })
  return { code: 'ok', accounts: [command.id] }
}

export function setCreditLimit(state: ModelState, command: Command): Decision {
  const id = command.account ?? ''
  const account = state.accounts.get(id)
  const value = command.value ?? 0
  if (account === undefined) return { code: 'account_not_found' }
  if (account.closed) return { code: 'account_closed' }
  if (!isExternal(account) && value < account.held - account.balance) {
    return { code: 'limit_in_use', accounts: [id] }
  }

  account.creditLimit = value
  return { code: 'ok', accounts: [id] }
}

export function freeze(state: ModelState, command: Command): Decision {
  const id = command.account ?? ''
  const account = state.accounts.get(id)
  if (account === undefined) return { code: 'account_not_found' }
  if (account.closed) return { code: 'account_closed' }

  account.frozen = command.type === 'freeze_account'
  return { code: 'ok', accounts: [id] }
}

export function closeAccount(state: ModelState, command: Command): Decision {
  const id = command.account ?? ''
  const account = state.accounts.get(id)
  if (account === undefined) return { code: 'account_not_found' }
  if (account.balance !== 0 || account.held !== 0 || account.incoming !== 0) {
    return { code: 'account_in_use', accounts: [id] }
  }

  account.closed = true
  return { code: 'ok', accounts: [id] }
}

/** Why nothing can move from debit to credit; the reason is the code. */
export function refuseMove(
  state: ModelState,
  command: Command,
  groupLedger?: number,
): StatusCode | undefined {
  const debit = state.accounts.get(command.debit ?? '')
  const credit = state.accounts.get(command.credit ?? '')
  if (command.debit === command.credit) return 'accounts_must_differ'
  if (debit === undefined) return 'debit_account_not_found'
  if (credit === undefined) return 'credit_account_not_found'
  if (debit.opened.ledger !== credit.opened.ledger) return 'ledgers_must_match'
  if (groupLedger !== undefined && groupLedger !== debit.opened.ledger) return 'ledgers_must_match'
  if (debit.closed) return 'debit_account_closed'
  if (credit.closed) return 'credit_account_closed'
  if (debit.frozen) return 'account_frozen'
  return undefined
}

/** What a transfer or reserve takes: with `atMost` no more than what is there. */
export function takenFrom(debit: ModelAccount, command: Command): number {
  const asked = command.amount ?? 0
  if (command.atMost !== true || isExternal(debit)) return asked
  return Math.min(asked, availableOf(debit))
}

/** Whether the account cannot give `amount`. */
export function lacks(debit: ModelAccount, amount: number): boolean {
  return !isExternal(debit) && availableOf(debit) < amount
}

/** Whether `amount` more from debit to credit could pass a balance's limit, now or when settled. */
export function overflows(debit: ModelAccount, credit: ModelAccount, amount: number): boolean {
  if (credit.balance + credit.incoming + amount > AMOUNT_MAX) return true
  return isExternal(debit) && debit.balance - debit.held - amount < -AMOUNT_MAX
}

export function transfer(state: ModelState, command: Command): Decision {
  const refused = refuseMove(state, command)
  const ids = [command.debit ?? '', command.credit ?? '']
  if (refused !== undefined) {
    return { code: refused, accounts: refused === 'account_frozen' ? ids : [] }
  }
  const debit = accountOf(state, ids[0] as string)
  const credit = accountOf(state, ids[1] as string)
  const taken = takenFrom(debit, command)
  if (taken <= 0 || lacks(debit, taken)) return { code: 'insufficient_funds', accounts: ids }
  if (overflows(debit, credit, taken)) return { code: 'overflow', accounts: ids }

  debit.balance -= taken
  credit.balance += taken
  ledgerOf(state, debit.opened.ledger ?? 0).turnover += BigInt(taken)
  return { code: 'ok', moved: taken, accounts: ids }
}
