// Room for outcomes, taken before a command is sent: the engine must never wait for a gateway. Not
// the outcome ring itself: a count that one gateway keeps of its own ring.

import { outcomeBytesMax } from '../protocol/index.ts'

/** Outcomes whose worst case is this share of a ring may be outstanding beside the longest one. */
const RING_PER_LONGEST = 4

/** The longest outcome that a gateway can be sent with tables for `ledgersMax` ledgers, in bytes. */
export function longestOutcomeBytes(ledgersMax: number): number {
  let longest = 0
  for (let kind = 0; kind < 256; kind++) {
    longest = Math.max(longest, outcomeBytesMax(kind, ledgersMax))
  }
  return longest
}

/** The smallest outcome ring for `ledgersMax` ledgers: a power of two, at least `atLeast`. */
export function outcomeRingBytes(ledgersMax: number, atLeast: number): number {
  let bytes = atLeast
  while (bytes < RING_PER_LONGEST * longestOutcomeBytes(ledgersMax)) bytes *= 2
  return bytes
}

/**
 * The credit of one gateway, in bytes of its outcome ring. It ends one longest outcome before the
 * ring does: that much at most is skipped at the wrap.
 */
export class Credits {
  readonly capacity: number
  #left: number
  readonly #ledgersMax: number

  constructor(ringBytes: number, ledgersMax: number) {
    this.capacity = ringBytes - longestOutcomeBytes(ledgersMax)
    this.#left = this.capacity
    this.#ledgersMax = ledgersMax
  }

  get left(): number {
    return this.#left
  }

  /** What a command or query of `kind` needs. */
  priceOf(kind: number): number {
    return outcomeBytesMax(kind, this.#ledgersMax)
  }

  /** Takes `bytes` if there are as many. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false
    this.#left -= bytes
    return true
  }

  /** Gives back what was taken, when the outcome was read. */
  give(bytes: number): void {
    this.#left += bytes
    if (this.#left > this.capacity) {
      throw new Error(`credit of ${this.#left} bytes of ${this.capacity}: an outcome came twice`)
    }
  }
}
