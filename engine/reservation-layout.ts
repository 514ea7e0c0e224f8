// What lies where in a reservation's row. Bytes alone: reservations.ts reads and writes them.
//
// row (112 bytes), by word; what a settle needs lies in the first 76 bytes, and so on two lines of a cache:
//    0 id (4)            4 debit, credit slot     6 amount     8 settled     10 released
//   12 state, place in its chain, whether it is in a group, flags, high half of expiresAt
//   13 expiresAt, low   14 next, previous        16 the group's link, or the hash of its id
//   17 group's next, previous, or endedAt
//   19 sequence, low    20 time, low             21 high halves of both
//   22 timeout's hash   23 metadataHash          24 asked     26 taken
//
// `next` and `previous` link the expiry wheel's buckets while it is open, then those that ended (see
// ended-order.ts), `next` the free rows at last. While it is in a group, the group has the id: the hash is
// here when it has left. A link is slot + 1; 0 is none. Times and sequences are below 2^48.

/** Bytes of a row, which begins with the id. */
export const RESERVATION_ROW_BYTES = 112
/** Words of a row. */
export const ROW_WORDS: number = RESERVATION_ROW_BYTES / 4

/** Words from the row's first. */
export const WORD = {
  debit: 4,
  credit: 5,
  state: 12,
  expiresAt: 13,
  next: 14,
  previous: 15,
  group: 16,
  groupNext: 17,
  groupPrevious: 18,
  endedAt: 17,
  endedAtHigh: 18,
  sequence: 19,
  timeMs: 20,
  highs: 21,
  timeoutHash: 22,
  metadataHash: 23,
} as const

/** Doubles from the row's first. */
export const DOUBLE = { amount: 3, settled: 4, released: 5, asked: 12, taken: 13 } as const

/** In the word of the state: the state itself, and from which bit on the others lie. */
export const STATE = 0xf
export const CHAIN_PLACE_SHIFT = 4
export const CHAIN_PLACE = 0x7
export const IN_GROUP = 0x80
export const FLAGS_SHIFT = 8
export const EXPIRES_SHIFT = 16

/** Where a row begins; `Math.imul`, for a product that may be no 32-bit number has to be looked at. */
export function wordOf(slot: number): number {
  return Math.imul(slot, ROW_WORDS)
}
