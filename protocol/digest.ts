// The outcome digest: two 32-bit lanes that roll over every outcome and expiry, so that two engines
// which decided the same things can be told from two which did not. Not a defence against forgery:
// the journal's SHA-256 chain is.
//
// docs/formats.md says which words an outcome gives; this file says how a word is rolled in.

const GOLDEN = 0x9e3779b1 | 0
const LANE_A = 0x85ebca77 | 0
const LANE_B = 0xc2b2ae3d | 0

/** The digest's state before the first outcome. */
export const DIGEST_START = { a: 0x486f6c64, b: 0x66617374 } as const

/** An integer within +-2^53 as one word: its low word, with its high word spread over it. */
export function foldNumber(value: number): number {
  return (value | 0) ^ Math.imul(Math.floor(value / 4_294_967_296) | 0, GOLDEN)
}

/** Lane a after `word`. */
export function rollA(lane: number, word: number): number {
  const mixed = Math.imul(lane ^ word, LANE_A)
  return (mixed << 15) | (mixed >>> 17)
}

/** Lane b after `word`. */
export function rollB(lane: number, word: number): number {
  const mixed = Math.imul(lane ^ ((word << 16) | (word >>> 16)), LANE_B)
  return (((mixed << 13) | (mixed >>> 19)) + GOLDEN) | 0
}

// Multipliers of an account's balance, held, incoming, creditLimit and flags.
const OF_BALANCE = 0x9e3779b1 | 0
const OF_HELD = 0x85ebca77 | 0
const OF_INCOMING = 0xc2b2ae3d | 0
const OF_LIMIT = 0x27d4eb2f
const OF_FLAGS = 0x165667b1

/**
 * What an account is after an outcome, as one word: its balance, held, incoming and creditLimit are
 * four doubles from word `w` of `i32`, taken as their bits (low word, high word), and its flags.
 */
export function accountWord(i32: Int32Array, w: number, flags: number): number {
  return (
    Math.imul(foldBits(i32[w] as number, i32[w + 1] as number), OF_BALANCE) ^
    Math.imul(foldBits(i32[w + 2] as number, i32[w + 3] as number), OF_HELD) ^
    Math.imul(foldBits(i32[w + 4] as number, i32[w + 5] as number), OF_INCOMING) ^
    Math.imul(foldBits(i32[w + 6] as number, i32[w + 7] as number), OF_LIMIT) ^
    Math.imul(flags, OF_FLAGS)
  )
}

function foldBits(low: number, high: number): number {
  return low ^ Math.imul(high, GOLDEN)
}

/** Sixteen hexadecimal digits of both lanes, as `digest` is shown. */
export function formatDigest(a: number, b: number): string {
  return hex(a) + hex(b)
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
