// Customers: who pays for calls, within which limits, and how money comes in. A customer's money is
// on the account `customer/<id>` of its currency's ledger.

import type { Context, LedgerAccount, Reply } from '../../engine/index.ts'
import { accountOf, differenceOf, isShortId, noteGiven, noteLow, refuse } from './common.ts'
import { contraOf } from './contra.ts'
import { LEDGER_BASE } from './limits.ts'
import { growLoneCall } from './live-calls.ts'
import type { AddCustomerInput, ChangeCustomerInput, IdInput, TopUpInput } from './schemas.ts'
import { CALLS, CUSTOMERS, type Customer } from './tables.ts'
import { mention } from './tariffs.ts'

/** Absent, in a currency's row, until a tariff has a prefix. */
const NO_PREFIX = -1

/**
 * `add_customer`: opens a customer's account. Refusals: `invalid_id`;
 * `exists_with_different_<field>` for a known customer that is not like this one; the core's for
 * want of room.
 */
export function addCustomer(context: Context, input: AddCustomerInput): Reply {
  const { customerId: id, currency, creditLimit = 0, lowBalance = null } = input
  const customers = context.table(CUSTOMERS)
  if (!isShortId(id)) return refuse('invalid_id')
  const known = customers.get(id)
  if (known !== undefined) return again(context, known, input)
  const number = mention(context, currency, NO_PREFIX)
  for (const side of ['revenue', 'topups'] as const) {
    const { code } = contraOf(context, side, currency, 0)
    if (code !== 'ok') return refuse(code)
  }
  const account = { id: accountOf(id), ledger: LEDGER_BASE + number, creditLimit, history: true }
  const opened = context.ledger.openAccount(account)
  if (opened.code !== 'ok') return refuse(opened.code)
  const customer = customers.insert({
    id,
    currency,
    suspended: false,
    maxChannels: input.maxChannels ?? null,
    callsPerSecond: input.callsPerSecond ?? null,
    lowBalance,
    // A customer begins without money: that is no fall.
    isLow: lowBalance !== null && creditLimit <= lowBalance,
    isExhausted: false,
    second: 0,
    startedInSecond: 0,
  })
  return factsOf(context, customer)
}

function again(context: Context, known: Customer, input: AddCustomerInput): Reply {
  const { creditLimit } = context.ledger.account(accountOf(known.id)) as LedgerAccount
  const asked = { ...input, creditLimit: input.creditLimit ?? 0 }
  const fields = ['currency', 'creditLimit', 'maxChannels', 'callsPerSecond', 'lowBalance'] as const
  return differenceOf({ ...known, creditLimit }, asked, fields) ?? factsOf(context, known)
}

/**
 * `change_customer`: changes what is given and leaves the rest; null takes a limit away. Live calls
 * are not touched. Refusals: `customer_not_found`; `limit_in_use` with the `minimum` that a credit
 * limit can have.
 */
export function changeCustomer(context: Context, input: ChangeCustomerInput): Reply {
  const { customerId: id, creditLimit, ...limits } = input
  const customers = context.table(CUSTOMERS)
  if (customers.get(id) === undefined) return refuse('customer_not_found')
  if (creditLimit !== undefined) {
    const { code } = context.ledger.setCreditLimit(accountOf(id), creditLimit)
    if (code === 'limit_in_use') return refuse(code, { minimum: inUse(context, id) })
    if (code !== 'ok') return refuse(code)
  }
  const given = Object.entries(limits).filter(([, value]) => value !== undefined)
  customers.update(id, Object.fromEntries(given))
  if (creditLimit === undefined) noteLow(context, customers.get(id) as Customer)
  else noteGiven(context, id)
  return factsOf(context, customers.get(id) as Customer)
}

/** What of the credit is used, or promised. */
function inUse(context: Context, id: string): number {
  const { balance, held } = context.ledger.account(accountOf(id)) as LedgerAccount
  return Math.max(0, held - balance)
}

/**
 * `top_up`: money comes in. Where exactly one call of the customer is live and was granted less
 * than it wanted, its grant grows. Refusals: `customer_not_found`; `overflow` where the customer
 * would have more than 2^51; the core's for want of room.
 */
export function topUp(context: Context, { customerId, amount }: TopUpInput): Reply {
  const customer = context.table(CUSTOMERS).get(customerId)
  if (customer === undefined) return refuse('customer_not_found')
  const contra = contraOf(context, 'topups', customer.currency, amount)
  if (contra.code !== 'ok') return refuse(contra.code)
  const [debit, credit] = [contra.account, accountOf(customerId)]
  const { code } = context.ledger.transfer({ debit, credit, amount })
  if (code !== 'ok') return refuse(code)
  noteGiven(context, customerId)
  const extended = growLoneCall(context, customerId)
  const { balance, available } = context.ledger.account(accountOf(customerId)) as LedgerAccount
  return { code: 'ok', customerId, balance, available, extended }
}

/** `customer`: a customer as it is, or `customer_not_found`. */
export function readCustomer(context: Context, { id }: IdInput): Reply {
  const customer = context.table(CUSTOMERS).get(id)
  return customer === undefined ? refuse('customer_not_found') : factsOf(context, customer)
}

function factsOf(context: Context, customer: Customer): Reply {
  const { id, currency, suspended, maxChannels, callsPerSecond, lowBalance } = customer
  const account = context.ledger.account(accountOf(id)) as LedgerAccount
  return {
    code: 'ok',
    id,
    currency,
    balance: account.balance,
    reserved: account.held,
    available: account.available,
    creditLimit: account.creditLimit,
    activeCalls: context.table(CALLS).countOf('byCustomer', [id]),
    suspended,
    maxChannels,
    callsPerSecond,
    lowBalance,
  }
}
