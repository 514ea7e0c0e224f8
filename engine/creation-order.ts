// The reservations' slots in order of sequence, for the state's bytes. Slots are given again, so their
// own order says nothing; millions of them are put in order here without a comparison.

import type { Reservations } from './reservations.ts'

/** Buckets of one pass, for 11 bits of the key: each can have a line of the cache. */
const BUCKETS = 2_048

/** All slots in use, in order of sequence. */
export function slotsBySequence(rows: Reservations): Int32Array {
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
  return isSorted ? slots : sorted(slots, keys, lowest, highest)
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
