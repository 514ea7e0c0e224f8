// The accounts on the other side of customers' money: where top-ups come from and where charges go.
// An account holds 2^51 at most and a currency turns over more than that in its life, so each side
// goes on with another account once the ones before are full.

import type { Context } from '../../engine/index.ts'
import { AMOUNT_MAX, CONTRA_TRIED_MAX, LEDGER_BASE } from './limits.ts'
import { CURRENCIES } from './tables.ts'

/** An account with room, or why there is none. */
export interface Contra {
  /** `ok`, or what the core says of one more account. */
  readonly code: string
  /** The account's name, below the module's. */
  readonly account: string
}

const COUNTS = { revenue: 'revenues', topups: 'topups' } as const

/** A side of a currency. */
export type Side = keyof typeof COUNTS

/** `topups/USD`, and from the second on `topups/USD/2`. */
function nameOf(side: Side, currency: string, number: number): string {
  return number === 1 ? `${side}/${currency}` : `${side}/${currency}/${number}`
}

/**
 * The account of this side with room for `amount`, of a currency that was mentioned: the newest, or
 * one shortly before it, as holds come back; else a new one is opened.
 */
export function contraOf(context: Context, side: Side, currency: string, amount: number): Contra {
  const currencies = context.table(CURRENCIES)
  const row = currencies.get(currency)
  if (row === undefined) throw new Error(`the currency ${currency} was never mentioned`)
  const count = row[COUNTS[side]]
  for (let n = count; n > 0 && n > count - CONTRA_TRIED_MAX; n--) {
    const account = nameOf(side, currency, n)
    if (hasRoom(context, account, side, amount)) return { code: 'ok', account }
  }
  const account = nameOf(side, currency, count + 1)
  const ledger = LEDGER_BASE + row.number
  const { code } = context.ledger.openAccount({ id: account, ledger, external: true })
  if (code === 'ok') currencies.update(currency, { [COUNTS[side]]: count + 1 })
  return { code, account }
}

/** Top-ups take an account down from 0, charges and what is held for them up. */
function hasRoom(context: Context, name: string, side: Side, amount: number): boolean {
  const account = context.ledger.account(name)
  if (account === undefined) return false
  const { balance, incoming } = account
  return (side === 'topups' ? -balance : balance + incoming) + amount <= AMOUNT_MAX
}
