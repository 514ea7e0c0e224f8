// What lies where in a reservation's two rows. Bytes alone: reservations.ts reads and writes them.
//
// hot row (64 bytes, a line of the cache: all that a settle needs but for a group's member), by word:
//    0 id (4)     4 debit slot, above it eight bits of endedAt     5 credit slot, above it the highest eight
//    6 amount     8 settled     10 released
//   12 state, place in its chain, whether it is in a group, flags, high half of expiresAt
//   13 expiresAt, low     14 next     15 previous, or endedAt, low
//
// cold row (48 bytes), by word:
//    0 the group's link, or the hash of its id     1 group's next, previous
//    3 sequence, low      4 time, low              5 high halves of both
//    6 timeout's hash     7 metadataHash           8 asked     10 taken
//
// `next` and `previous` link the expiry wheel's buckets while it is open; then `next` links those that ended
// (see ended-order.ts), and the free rows at last. While it is in a group, the group has the id: the hash
// is here when it has left. A link is slot + 1; 0 is none. Times and sequences are below 2^48, accounts' slots
// below 2^24.

/** Bytes of a hot row, which begins with the id, and of both rows. */
export const RESERVATION_ROW_BYTES = 64
export const RESERVATION_BYTES: number = RESERVATION_ROW_BYTES + 48
/** Words of a hot row. */
export const ROW_WORDS: number = RESERVATION_ROW_BYTES / 4

/** Words from the hot row's first. */
export const WORD = {
  debit: 4,
  credit: 5,
  state: 12,
  expiresAt: 13,
  next: 14,
  previous: 15,
  endedAt: 15,
} as const

/** Doubles from the hot row's first. */
export const DOUBLE = { amount: 3, settled: 4, released: 5 } as const

/** Words from the cold row's first. */
export const COLD = {
  group: 0,
  groupNext: 1,
  groupPrevious: 2,
  sequence: 3,
  timeMs: 4,
  highs: 5,
  timeoutHash: 6,
  metadataHash: 7,
} as const

/** Doubles from the cold row's first. */
export const COLD_DOUBLE = { asked: 4, taken: 5 } as const

/** In the word of the state: the state itself, and from which bit on the others lie. */
export const STATE = 0xf
export const CHAIN_PLACE_SHIFT = 4
export const CHAIN_PLACE = 0x7
export const IN_GROUP = 0x80
export const FLAGS_SHIFT = 8
export const EXPIRES_SHIFT = 16

/** In the words of the accounts: the slot, and from which bit on a part of endedAt lies. */
export const ACCOUNT = 0xff_ffff
export const ENDED_SHIFT = 24

/** Where a hot row begins. */
export function wordOf(slot: number): number {
  return slot << 4
}

/** Where a cold row begins; `Math.imul` spares the check for a product beyond 32 bits. */
export function coldWordOf(slot: number): number {
  return Math.imul(slot, 12)
}
