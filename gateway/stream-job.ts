// A message of a stream that waits: for room, behind another that does, or for its client to read.
// Has memory of its own, and knows how much of it was taken in.

import {
  allocateWords,
  FLAG,
  MESSAGE,
  RECORD,
  recordBytes,
  type Words,
  wordsOver,
} from '../protocol/index.ts'
import type { RefusedUnit } from './stream-check.ts'

/** Records of one message that may go in together. */
export interface Piece {
  readonly words: Words
  readonly bytes: number
  readonly count: number
  readonly price: number
}

/** One waiting message. */
export class StreamJob {
  readonly type: number
  /** Records or slots that are left. */
  count: number
  readonly bytes: number
  readonly sinceMs = performance.now()
  readonly words: Words
  /** Where the first record that is left lies. */
  at = 0
  readonly #refused: readonly RefusedUnit[]
  #nextRefused = 0

  /** Copies the first `bytes` bytes of `from`. `refused`: units of it, in order. */
  constructor(
    type: number,
    from: Words,
    bytes: number,
    count: number,
    refused: readonly RefusedUnit[],
  ) {
    this.type = type
    this.bytes = bytes
    this.count = count
    this.words = allocateWords((bytes + 7) & ~7)
    this.words.u8.set(from.u8.subarray(0, bytes))
    this.#refused = refused
  }

  get isOver(): boolean {
    return this.count === 0
  }

  get areCommands(): boolean {
    return this.type === MESSAGE.commands
  }

  /** The unit that comes next, if it is one to refuse. */
  refusedUnit(): RefusedUnit | undefined {
    const unit = this.#refused[this.#nextRefused]
    return unit?.at === this.at ? unit : undefined
  }

  /** Goes on behind the `count` records before `end`. */
  advance(end: number, count: number): void {
    if (this.#refused[this.#nextRefused]?.at === this.at) this.#nextRefused++
    this.at = end
    this.count -= count
  }

  /**
   * The records that come next: whole chains, up to the next one to refuse, `most` at most unless
   * one chain is longer, and together no dearer than `priceMax`; undefined where not even the first fits.
   */
  piece(most: number, priceMax: number, prices: Float64Array): Piece | undefined {
    const { words } = this
    const stop = this.#refused[this.#nextRefused]?.at ?? this.bytes
    let end = this.at
    let count = 0
    let price = 0
    while (end < stop) {
      let unitEnd = end
      let unitCount = 0
      let unitPrice = 0
      let isLinked = true
      while (isLinked) {
        isLinked = ((words.u8[unitEnd + RECORD.flags] as number) & FLAG.linked) !== 0
        unitPrice += prices[words.u8[unitEnd] as number] as number
        unitEnd += recordBytes(words, unitEnd)
        unitCount++
      }
      if (price + unitPrice > priceMax || (count > 0 && count + unitCount > most)) break
      end = unitEnd
      count += unitCount
      price += unitPrice
    }
    if (count === 0) return undefined
    const bytes = end - this.at
    const records = wordsOver(words.u8.buffer as ArrayBuffer, this.at, bytes)
    return { words: records, bytes, count, price }
  }
}
