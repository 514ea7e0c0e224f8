// What the commands of calls share: refusals, comparing a repeat with what is known, time limits,
// and the low-balance and exhausted events. Decides no command by itself.

import type { Context, Json, Reply, Value } from '../../engine/index.ts'
import { affordableSeconds, type Rates } from './billing.ts'
import { AMOUNT_MAX, ID_BYTES_MAX, SETTINGS_DEFAULT } from './limits.ts'
import { CUSTOMERS, type Customer, SETTINGS } from './tables.ts'

/** A refusal: its code, and what a program may want to know of it. */
export function refuse(code: string, details: Readonly<Record<string, Json>> = {}): Reply {
  return { ...details, code }
}

/** Whether `id` is short enough in UTF-8; the schemas count characters. */
export function isShortId(id: string): boolean {
  if (id.length * 3 <= ID_BYTES_MAX) return true
  let bytes = 0
  for (const character of id) {
    const point = character.codePointAt(0) as number
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  }
  return bytes <= ID_BYTES_MAX
}

/**
 * The refusal of a command whose id is known with other content, by the first of `fields` that
 * differs; undefined where none does. What `asked` does not have is null in `known`.
 */
export function differenceOf<Field extends string>(
  known: Readonly<Record<Field, Value>>,
  asked: Readonly<Partial<Record<Field, Value | undefined>>>,
  fields: readonly Field[],
): Reply | undefined {
  const field = fields.find((name) => known[name] !== (asked[name] ?? null))
  if (field === undefined) return undefined
  const snake = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return refuse(`exists_with_different_${snake}`)
}

/** The time limits in force. */
export function settingsOf(context: Context): {
  readonly ringingSeconds: number
  readonly graceSeconds: number
  readonly campaignSeconds: number
  readonly keepSeconds: number
} {
  return context.table(SETTINGS).get('all') ?? SETTINGS_DEFAULT
}

/** The name of a customer's account, below the module's. */
export function accountOf(customerId: string): string {
  return `customer/${customerId}`
}

/** What the customer can still spend; never more than one command may move. */
export function availableOf(context: Context, customerId: string): number {
  const account = context.ledger.account(accountOf(customerId))
  return account === undefined ? 0 : Math.min(account.available, AMOUNT_MAX)
}

/** Tells once that what is available fell to `lowBalance` or below; forgets it once it is above. */
export function noteLow(context: Context, customer: Customer): void {
  if (customer.lowBalance === null && !customer.isLow) return
  const available = availableOf(context, customer.id)
  const isLow = customer.lowBalance !== null && available <= customer.lowBalance
  if (isLow === customer.isLow) return
  context.table(CUSTOMERS).update(customer.id, { isLow })
  if (!isLow) return
  const { id, lowBalance } = customer
  context.emit('customer.low_balance', { customerId: id, available, lowBalance })
}

/**
 * After money was taken: the low balance, and once that the customer is exhausted, which is when
 * `isFinal` or when what is left does not pay for the shortest call on this tariff.
 */
export function noteTaken(
  context: Context,
  customerId: string,
  rates: Rates,
  isFinal: boolean,
): void {
  const customer = context.table(CUSTOMERS).get(customerId) as Customer
  noteLow(context, customer)
  if (customer.isExhausted) return
  const available = availableOf(context, customerId)
  if (!isFinal && affordableSeconds(rates, available, 1) > 0) return
  context.table(CUSTOMERS).update(customerId, { isExhausted: true })
  context.emit('customer.exhausted', { customerId, available })
}

/** After money came back or in: what was told before may be told again. */
export function noteGiven(context: Context, customerId: string): void {
  const customers = context.table(CUSTOMERS)
  const customer = customers.get(customerId) as Customer
  if (customer.isExhausted) customers.update(customerId, { isExhausted: false })
  noteLow(context, customer)
}
