// What the model knows, in Maps and plain objects that structuredClone can copy: an undo is the
// copy.

import type { StatusCode } from '../../protocol/index.ts'
import type { AccountView, Command, ReservationView } from './commands.ts'

/** An account. `opened` is the command as first sent, with whether it was in a chain. */
export interface ModelAccount {
  readonly opened: Command
  readonly sequence: number
  readonly timeMs: number
  frozen: boolean
  closed: boolean
  balance: number
  held: number
  incoming: number
  creditLimit: number
}

/** A reservation, open or remembered after its end. `moved` is what the reserve took. */
export interface ModelReservation {
  readonly reserved: Command
  readonly sequence: number
  readonly timeMs: number
  readonly moved: number
  readonly debit: string
  readonly credit: string
  readonly ledger: number
  state: ReservationView['state']
  amount: number
  settled: number
  released: number
  remaining: number
  expiresAt: number
  closedAtMs: number
}

/** A remembered outcome. Rows of one chain share `chain`, and are forgotten together. */
export interface ModelRow {
  readonly command: Command
  readonly code: StatusCode
  readonly sequence: number
  readonly timeMs: number
  readonly moved: number
  readonly chain: number
}

/** One ledger's sums. */
export interface ModelLedger {
  accounts: number
  held: number
  turnover: bigint
}

/** Everything that decides. */
export interface ModelState {
  readonly accounts: Map<string, ModelAccount>
  readonly ledgers: Map<number, ModelLedger>
  readonly reservations: Map<string, ModelReservation>
  /** Ids of each group's open reservations in order of creation; no group is empty. */
  readonly groups: Map<string, string[]>
  /** Ids of ended reservations that are still known, in order of their end. */
  readonly ended: string[]
  /** Outcomes in the order in which they were remembered. */
  readonly rows: Map<string, ModelRow>
  nameBytes: number
  /** Latest time of a forgotten UUIDv7. */
  forgottenIdMs: number
}

/** A state without accounts. */
export function emptyState(): ModelState {
  return {
    accounts: new Map(),
    ledgers: new Map(),
    reservations: new Map(),
    groups: new Map(),
    ended: [],
    rows: new Map(),
    nameBytes: 0,
    forgottenIdMs: -1,
  }
}

/** What the account may still give. */
export function availableOf(account: ModelAccount): number {
  return account.balance - account.held + account.creditLimit
}

/** Whether the account has no floor. */
export function isExternal(account: ModelAccount): boolean {
  return account.opened.external === true
}

/** The account that must exist under this id. */
export function accountOf(state: ModelState, id: string): ModelAccount {
  return found(state.accounts.get(id), id)
}

/** The ledger that must exist under this number. */
export function ledgerOf(state: ModelState, ledger: number): ModelLedger {
  return found(state.ledgers.get(ledger), `${ledger}`)
}

/** `value`, which is there unless the model itself is wrong. */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the model has no ${what}`)
  return value
}

/** The account as an outcome shows it. */
export function viewAccount(state: ModelState, id: string): AccountView {
  const account = accountOf(state, id)
  return {
    id,
    ledger: account.opened.ledger ?? 0,
    external: isExternal(account),
    history: account.opened.history === true,
    frozen: account.frozen,
    closed: account.closed,
    balance: account.balance,
    held: account.held,
    incoming: account.incoming,
    creditLimit: account.creditLimit,
  }
}

/** The reservation as an outcome shows it. */
export function viewReservation(state: ModelState, id: string): ReservationView {
  const row = found(state.reservations.get(id), id)
  return {
    state: row.state,
    amount: row.amount,
    settled: row.settled,
    released: row.released,
    expiresAt: row.expiresAt,
  }
}
