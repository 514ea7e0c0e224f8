// Tariffs: what calls to a prefix cost, and which one a destination has. A call keeps the numbers
// that it was authorized with, so a change here is for calls that start later.

import type { Context, Reply } from '../../engine/index.ts'
import { isShortId, refuse } from './common.ts'
import { GRANT_SECONDS_MAX } from './limits.ts'
import type { IdInput, PutTariffInput } from './schemas.ts'
import { CURRENCIES, TARIFFS, type Tariff } from './tables.ts'

/** The currency of tariffs that hold for every one. */
const ANY_CURRENCY = ''

/**
 * `put_tariff`: adds a tariff or changes all of it; the same again changes nothing. Refusals:
 * `invalid_id`; `tariff_exists` where another one has this prefix and currency.
 */
export function putTariff(context: Context, input: PutTariffInput): Reply {
  const { tariffId: id, currency = ANY_CURRENCY } = input
  const tariffs = context.table(TARIFFS)
  if (!isShortId(id)) return refuse('invalid_id')
  const prefix = withoutPlus(input.prefix)
  const [other] = tariffs.scan('byPrefix', [currency, prefix], 1)
  if (other !== undefined && other.id !== id) {
    return refuse('tariff_exists', { tariffId: other.id })
  }
  // ---- nothing below is refused ----
  const numbers = {
    prefix,
    currency,
    ratePerMinute: input.ratePerMinute,
    connectFee: input.connectFee ?? 0,
    initialIncrement: input.initialIncrement,
    increment: input.increment,
    maxDuration: input.maxDuration ?? null,
  }
  const tariff =
    tariffs.get(id) === undefined ? tariffs.insert({ id, ...numbers }) : tariffs.update(id, numbers)
  mention(context, currency, prefix.length)
  return factsOf(tariff)
}

/** `tariff`: a tariff as it is, or `tariff_not_found`. */
export function readTariff(context: Context, { id }: IdInput): Reply {
  const tariff = context.table(TARIFFS).get(id)
  return tariff === undefined ? refuse('tariff_not_found') : factsOf(tariff)
}

function factsOf(tariff: Tariff): Reply {
  const currency = tariff.currency === ANY_CURRENCY ? null : tariff.currency
  return { code: 'ok', ...tariff, currency }
}

/**
 * The tariff with the longest prefix of `destination`; of two that are as long, the one of the
 * customer's currency before the one of any.
 */
export function findTariff(
  context: Context,
  currency: string,
  destination: string,
): Tariff | undefined {
  const currencies = context.table(CURRENCIES)
  const tariffs = context.table(TARIFFS)
  const dialled = withoutPlus(destination)
  const own = currencies.get(currency)?.prefixMax ?? -1
  const any = currencies.get(ANY_CURRENCY)?.prefixMax ?? -1
  for (let length = Math.min(dialled.length, Math.max(own, any)); length >= 0; length--) {
    const prefix = dialled.slice(0, length)
    const tariff =
      (length <= own ? tariffs.scan('byPrefix', [currency, prefix], 1)[0] : undefined) ??
      (length <= any ? tariffs.scan('byPrefix', [ANY_CURRENCY, prefix], 1)[0] : undefined)
    if (tariff !== undefined) return tariff
  }
  return undefined
}

/** Whether calls of a customer with this currency can have this tariff. */
export function isFor(tariff: Tariff, currency: string): boolean {
  return tariff.currency === ANY_CURRENCY || tariff.currency === currency
}

/** Longest grant on a tariff, in seconds. */
export function secondsMaxOf({ maxDuration }: Tariff): number {
  return Math.min(maxDuration ?? GRANT_SECONDS_MAX, GRANT_SECONDS_MAX)
}

/**
 * The number of a currency, given by its first mention; notes the length of a prefix used with it.
 */
export function mention(context: Context, code: string, prefixLength: number): number {
  const currencies = context.table(CURRENCIES)
  const known = currencies.get(code)
  if (known === undefined) {
    const number = currencies.count
    currencies.insert({ code, number, revenues: 0, topups: 0, prefixMax: prefixLength })
    return number
  }
  if (prefixLength > known.prefixMax) currencies.update(code, { prefixMax: prefixLength })
  return known.number
}

function withoutPlus(number: string): string {
  return number.startsWith('+') ? number.slice(1) : number
}
