// What is always true. Two watches: one over what a command touched, at constant cost, that stays on
// in production; one over all rows, for verification.

import { AMOUNT_MAX, RESERVATION_STATE } from '../protocol/index.ts'
import { ACCOUNT_NUMBERS, type Accounts } from './accounts.ts'
import type { Book } from './book.ts'
import { EngineFault } from './fault.ts'

/** A place where an invariant of design.md section 3 does not hold. */
export interface Violation {
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I12'
  readonly detail: string
}

/** I1 for an account that a command touched, and that it holds no less than nothing. */
export function assertAccount(accounts: Accounts, slot: number, sequence: number): void {
  const { f64 } = accounts
  const f = (slot << 3) + ACCOUNT_NUMBERS.double
  const held = f64[f + 1] as number
  const available = (f64[f] as number) - held + (f64[f + 3] as number)
  if (available < 0 && !accounts.isExternal(slot)) throw overdrawn(slot, sequence)
  if (held < 0 || (f64[f + 2] as number) < 0) throw holdsLessThanNothing(slot, sequence)
}

// Apart, for V8 would make the sentence's digits ahead of both checks, for every account.
function overdrawn(slot: number, sequence: number): EngineFault {
  return new EngineFault('invariant', sequence, `I1: account ${slot} is overdrawn`)
}

function holdsLessThanNothing(slot: number, sequence: number): EngineFault {
  return new EngineFault('invariant', sequence, `I3: account ${slot} holds less than nothing`)
}

/** I2 and I3 by the running sums of an account's ledger; a command's accounts share one. */
export function assertLedger(book: Book, account: number, sequence: number): void {
  if (book.ledgers.isWhole(book.accounts.ledger(account))) return
  throw new EngineFault('invariant', sequence, "I2, I3: the sums of the accounts' ledger differ")
}

/** Every violation of I1 to I3 and of the amounts' bounds that the rows show. */
export function findViolations(book: Book): Violation[] {
  const found: Violation[] = []
  const { accounts } = book
  const held = new Float64Array(accounts.count)
  const incoming = new Float64Array(accounts.count)
  let open = 0
  for (const slot of book.reservations.slots()) {
    if (book.reservations.state(slot) !== RESERVATION_STATE.held) continue
    open++
    const remaining = book.reservations.remaining(slot)
    if (remaining <= 0)
      found.push({ invariant: 'I3', detail: `reservation ${slot} holds ${remaining}` })
    const [debit, credit] = [book.reservations.debit(slot), book.reservations.credit(slot)]
    held[debit] = (held[debit] as number) + remaining
    incoming[credit] = (incoming[credit] as number) + remaining
  }
  if (open !== book.reservations.open) {
    found.push({
      invariant: 'I3',
      detail: `${open} open reservations, ${book.reservations.open} counted`,
    })
  }
  for (let slot = 0; slot < accounts.count; slot++) {
    findAccountViolations(book, slot, held[slot] as number, incoming[slot] as number, found)
  }
  findLedgerViolations(book, found)
  return found
}

function findAccountViolations(
  book: Book,
  slot: number,
  held: number,
  incoming: number,
  found: Violation[],
): void {
  const { accounts } = book
  const name = accounts.names.nameOf(slot)
  const note = (invariant: Violation['invariant'], detail: string) =>
    found.push({ invariant, detail: `account ${name}: ${detail}` })
  if (!accounts.isExternal(slot) && accounts.available(slot) < 0) {
    note('I1', `available is ${accounts.available(slot)}`)
  }
  if (accounts.held(slot) !== held) {
    note('I3', `held is ${accounts.held(slot)}, its open reservations sum to ${held}`)
  }
  if (accounts.incoming(slot) !== incoming) {
    note('I3', `incoming is ${accounts.incoming(slot)}, its open reservations sum to ${incoming}`)
  }
  for (const amount of [accounts.balance(slot), accounts.held(slot), accounts.incoming(slot)]) {
    if (!Number.isSafeInteger(amount) || Math.abs(amount) > AMOUNT_MAX) {
      note('I12', `${amount} is no amount`)
    }
  }
}

/** Sums over rows in BigInt: they may pass what a double counts exactly. */
function findLedgerViolations(book: Book, found: Violation[]): void {
  const { accounts, ledgers } = book
  const balances = new Array<bigint>(ledgers.count).fill(0n)
  const helds = new Array<bigint>(ledgers.count).fill(0n)
  const incomings = new Array<bigint>(ledgers.count).fill(0n)
  for (let slot = 0; slot < accounts.count; slot++) {
    const ledger = accounts.ledger(slot)
    balances[ledger] = (balances[ledger] as bigint) + BigInt(accounts.balance(slot))
    helds[ledger] = (helds[ledger] as bigint) + BigInt(accounts.held(slot))
    incomings[ledger] = (incomings[ledger] as bigint) + BigInt(accounts.incoming(slot))
  }
  for (let slot = 0; slot < ledgers.count; slot++) {
    const [balance, held, incoming] = [balances[slot], helds[slot], incomings[slot]]
    const isCounted = ledgers.isWhole(slot) && held === BigInt(ledgers.held[slot] as number)
    if (balance === 0n && held === incoming && isCounted) continue
    found.push({
      invariant: 'I2',
      detail: `ledger ${ledgers.numbers[slot]}: balances sum to ${balance}, held to ${held}, incoming to ${incoming}, counted ${ledgers.held[slot]}`,
    })
  }
}
