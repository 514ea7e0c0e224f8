// The reservations' slots in order of sequence, for the state's bytes. Slots are given again, so their
// own order says nothing; millions of them are put in order here without a comparison. Those that a
// module made with one command, or with what was due before it, share a sequence: they are numbered.

import { ACCOUNT_FLAG } from '../protocol/index.ts'
import type { Accounts } from './accounts.ts'
import type { Reservations } from './reservations.ts'

/** Buckets of one pass, for 11 bits of the key: each can have a line of the cache. */
const BUCKETS = 2_048

/** What a core command's reservation has in place of a number: it comes after those of what was due. */
export const LAST_ORDINAL = 4_294_967_296

/** Whether an account with these flags is a module's. */
export function isOwnedFlag(flags: number): boolean {
  return (flags & ACCOUNT_FLAG.owned) !== 0
}

/** The place of the reservation in `slot` among those of its sequence: a module's has no metadata. */
export function ordinalOf(accounts: Accounts, rows: Reservations, slot: number): number {
  const isOwned = isOwnedFlag(accounts.flags(rows.debit(slot)))
  return isOwned ? rows.metadataHash(slot) >>> 0 : LAST_ORDINAL
}

/** All slots in use, in order of sequence. */
export function slotsBySequence(rows: Reservations, accounts: Accounts): Int32Array {
  const slots = new Int32Array(rows.count)
  const keys = new Float64Array(rows.slotsEnd)
  let lowest = Number.POSITIVE_INFINITY
  let highest = 0
  let isSorted = true
  let count = 0
  for (let slot = 0; slot < rows.slotsEnd; slot++) {
    if (rows.state(slot) === 0) continue
    const sequence = rows.sequence(slot)
    if (sequence < highest) isSorted = false
    else highest = sequence
    if (sequence < lowest) lowest = sequence
    keys[slot] = sequence
    slots[count++] = slot
  }
  const order = isSorted ? slots : sorted(slots, keys, lowest, highest)
  if (hasOwned(accounts)) orderTwins(order, keys, (slot) => ordinalOf(accounts, rows, slot))
  return order
}

function hasOwned(accounts: Accounts): boolean {
  for (let slot = 0; slot < accounts.count; slot++) {
    if (isOwnedFlag(accounts.flags(slot))) return true
  }
  return false
}

/** Puts slots with one sequence, which lie together, in order of their numbers. */
function orderTwins(
  order: Int32Array,
  keys: Float64Array,
  numberOf: (slot: number) => number,
): void {
  for (let start = 0; start < order.length; ) {
    const key = keys[order[start] as number]
    let end = start + 1
    while (end < order.length && keys[order[end] as number] === key) end++
    if (end - start > 1) order.subarray(start, end).sort((a, b) => numberOf(a) - numberOf(b))
    start = end
  }
}

/** Radix sort by what the keys are above `lowest`, from the lowest digit on; each pass is stable. */
function sorted(
  slots: Int32Array,
  keys: Float64Array,
  lowest: number,
  highest: number,
): Int32Array {
  let from: Int32Array = slots
  let to: Int32Array = new Int32Array(slots.length)
  const places = new Int32Array(BUCKETS)
  for (let unit = 1; unit <= highest - lowest; unit *= BUCKETS) {
    places.fill(0)
    for (let i = 0; i < from.length; i++) {
      const bucket = digit(keys[from[i] as number] as number, lowest, unit)
      places[bucket] = (places[bucket] as number) + 1
    }
    for (let bucket = 0, place = 0; bucket < BUCKETS; bucket++) {
      const size = places[bucket] as number
      places[bucket] = place
      place += size
    }
    for (let i = 0; i < from.length; i++) {
      const slot = from[i] as number
      const bucket = digit(keys[slot] as number, lowest, unit)
      const place = places[bucket] as number
      to[place] = slot
      places[bucket] = place + 1
    }
    const done = to
    to = from
    from = done
  }
  return from
}

/** `unit` is a power of two, so that the division is exact but for what is cut off. */
function digit(key: number, lowest: number, unit: number): number {
  return Math.floor((key - lowest) / unit) & (BUCKETS - 1)
}
