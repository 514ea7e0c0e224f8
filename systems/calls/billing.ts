// What a call costs, and what money buys: integers in, integers out, nothing else. Seconds are
// whole seconds, amounts micro-units of the currency. Every result is exact for tariffs within
// limits.ts.

import { GRANT_SECONDS_MAX } from './limits.ts'

/** The numbers of a tariff. */
export interface Rates {
  /** For 60 seconds. */
  readonly ratePerMinute: number
  /** Once, for a call that is billed at all. */
  readonly connectFee: number
  /** Seconds that any call is billed at least. */
  readonly initialIncrement: number
  /** Seconds by which it is billed from then on; at least 1. */
  readonly increment: number
}

/** From here on a minute's rate is in the money so often that it buys the longest grid there is. */
const MINUTES_PLENTY = 2 * GRANT_SECONDS_MAX

/**
 * Seconds that `duration` seconds of talking are billed as: the first increment, then whole further
 * ones counted from its end. 0 for 0. 90/60 bills 150 for 91 s, not 120.
 */
export function billedSeconds(rates: Rates, duration: number): number {
  const { initialIncrement, increment } = rates
  if (duration === 0) return 0
  if (duration <= initialIncrement) return initialIncrement
  return initialIncrement + Math.ceil((duration - initialIncrement) / increment) * increment
}

/**
 * Cost of `duration` seconds: connectFee + ceil(billed * ratePerMinute / 60), and 0 for 0. The
 * product may pass 2^53, so whole and left-over sixtieths of the rate are counted apart.
 */
export function costOf(rates: Rates, duration: number): number {
  if (duration === 0) return 0
  const billed = billedSeconds(rates, duration)
  const { ratePerMinute, connectFee } = rates
  const rest = ratePerMinute % 60
  return connectFee + billed * ((ratePerMinute - rest) / 60) + Math.ceil((billed * rest) / 60)
}

/** Whether calls on this tariff cost nothing, however long. */
export function isFree(rates: Rates): boolean {
  return rates.ratePerMinute === 0 && rates.connectFee === 0
}

/**
 * The longest duration, at most `seconds`, that costs no more than `money`; 0 where not even the
 * first increment is in it. The inverse of `costOf`.
 */
export function affordableSeconds(rates: Rates, money: number, seconds: number): number {
  const { ratePerMinute, connectFee, initialIncrement, increment } = rates
  if (money < connectFee) return 0
  if (ratePerMinute === 0) return seconds
  const left = money - connectFee
  const rest = left % ratePerMinute
  const minutes = (left - rest) / ratePerMinute
  if (minutes >= MINUTES_PLENTY) return seconds
  const billed = minutes * 60 + Math.floor((rest * 60) / ratePerMinute)
  if (billed < initialIncrement) return 0
  const further = Math.floor((billed - initialIncrement) / increment)
  return Math.min(seconds, initialIncrement + further * increment)
}

/** How many things of this cost `money` pays for, at most `count`. */
export function affordableCount(cost: number, money: number, count: number): number {
  if (cost === 0) return count
  return Math.min(count, Math.max(0, Math.floor(money / cost)))
}
