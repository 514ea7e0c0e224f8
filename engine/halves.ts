// Times and sequences in rows: below 2^48, kept as a low word and sixteen high bits that share a word with
// others. `TIME_MS_MAX` and `SEQUENCE_MAX` see to it that they fit.

const TWO_32 = 4_294_967_296

/** The bits of a number below 2^48 that its low word has no room for. */
export function highHalf(value: number): number {
  return Math.floor(value / TWO_32)
}

/** The number again; `low` is unsigned. */
export function wholeOf(high: number, low: number): number {
  return high * TWO_32 + low
}
