// An index from identifiers to rows: open addressing with the hash stored beside, linear probing,
// deletion by shifting back (no tombstones). The ids themselves lie at the start of the rows.
//
// A reference names a row of one of two tables: `slot * 2` is a row of the first, `slot * 2 + 1` of
// the second. Accounts and groups use one table; commands use both (reservations and outcomes).
//
// Hashes are `IdHash`'s signed words. Callers pass them in, for they need each of them several times.

import type { Words } from '../protocol/index.ts'
import { firstHashOf, orderByRegion, REGIONS } from './hash-order.ts'

/**
 * How many words beyond its home an id is also looked for ahead of time: most lie within, and one in
 * two of these is on the next cache line.
 */
const AHEAD = 8

/** Entries for each row that may be indexed: with four of seven in use most lie where they like to. */
const ENTRIES_PER_ROW = 1.75
const TWO_32 = 4_294_967_296

/** Rows that begin with their id. */
export interface IdRows {
  readonly i32: Int32Array
  /** Words of one row. */
  readonly rowWords: number
}

/** So many rows are worth being put in order before they are indexed. */
const ORDERED_FROM = 65_536

/** Words on a line of the cache. */
const WORDS_A_LINE = 16

/** No row. */
export const NONE = -1

/** See the head of this file. */
export class IdIndex {
  readonly bytes: number
  /** Pairs of hash and reference + 1; 0 is a free entry. */
  private readonly entries: Int32Array
  private readonly size: number
  private readonly scale: number
  private readonly firstIds: Int32Array
  private readonly firstWords: number
  private readonly secondIds: Int32Array
  private readonly secondWords: number
  #count = 0

  /** What was read ahead, summed up: keeps the reads from being thought useless. */
  #warmed = 0

  constructor(rowsMax: number, first: IdRows, second: IdRows = first) {
    this.firstIds = first.i32
    this.firstWords = first.rowWords
    this.secondIds = second.i32
    this.secondWords = second.rowWords
    this.size = Math.floor(rowsMax * ENTRIES_PER_ROW) + 8
    this.scale = this.size / TWO_32
    this.bytes = this.size * 8
    this.entries = new Int32Array(this.size * 2 + AHEAD)
  }

  /** How many ids are indexed. */
  get count(): number {
    return this.#count
  }

  /** The reference of the id at byte `at` of `words`, whose hash is `hash`, or `NONE`. */
  find(words: Words, at: number, hash: number): number {
    const entries = this.entries
    const end = this.size * 2
    let entry = this.#home(hash)
    for (;;) {
      const reference = entries[entry + 1] as number
      if (reference === 0) return NONE
      if (entries[entry] === hash && this.#isAt(reference - 1, words.i32, at >>> 2)) {
        return reference - 1
      }
      entry += 2
      if (entry === end) entry = 0
    }
  }

  #home(hash: number): number {
    return homeOf(hash, this.scale)
  }

  #isAt(reference: number, i32: Int32Array, w: number): boolean {
    const isFirst = (reference & 1) === 0
    const ids = isFirst ? this.firstIds : this.secondIds
    const r = (reference >>> 1) * (isFirst ? this.firstWords : this.secondWords)
    return (
      ids[r] === i32[w] &&
      ids[r + 1] === i32[w + 1] &&
      ids[r + 2] === i32[w + 2] &&
      ids[r + 3] === i32[w + 3]
    )
  }

  /** Indexes a row that is not indexed yet under the hash of its id. */
  insert(reference: number, hash: number): void {
    const entries = this.entries
    const end = this.size * 2
    let entry = this.#home(hash)
    while (entries[entry + 1] !== 0) {
      entry += 2
      if (entry === end) entry = 0
    }
    entries[entry] = hash
    entries[entry + 1] = reference + 1
    this.#count++
  }

  /**
   * Indexes the `count` rows of one table from `reference` on, whose ids have these hashes; false where
   * an id is indexed already.
   */
  restore(reference: number, hashes: Int32Array, count: number): boolean {
    if (count < ORDERED_FROM) {
      for (let n = 0; n < count; n++) {
        if (!this.#enter(reference + n * 2, hashes[n] as number)) return false
      }
      return true
    }
    // A page that is read first and written then costs two faults, the second one with a signal to
    // every core that runs a thread of this process: the empty table is written once in order. As a
    // whole and before, for what is entered at a region's end may lie in the next one.
    if (this.#count === 0) this.entries.fill(0)
    const { hashes: ordered, places, ends } = orderByRegion(hashes, count)
    for (let region = 0, n = 0; region < REGIONS; region++) {
      this.#warm(region)
      for (const end = ends[region] as number; n < end; n++) {
        if (!this.#enter(reference + (places[n] as number) * 2, ordered[n] as number)) return false
      }
    }
    return true
  }

  /** Has a region of the table in the cache, line after line, before it is entered all over. */
  #warm(region: number): void {
    const entries = this.entries
    const end = Math.floor(firstHashOf(region + 1) * this.scale) * 2
    let sum = 0
    for (
      let entry = Math.floor(firstHashOf(region) * this.scale) * 2;
      entry < end;
      entry += WORDS_A_LINE
    ) {
      sum ^= entries[entry] as number
    }
    this.#warmed ^= sum
  }

  /** Indexes a row of which nobody knows yet whether its id is new; false where it is not. */
  #enter(reference: number, hash: number): boolean {
    const entries = this.entries
    const end = this.size * 2
    let entry = this.#home(hash)
    for (let link = entries[entry + 1] as number; link !== 0; link = entries[entry + 1] as number) {
      if (entries[entry] === hash && this.#isTwin(link, reference)) return false
      entry += 2
      if (entry === end) entry = 0
    }
    entries[entry] = hash
    entries[entry + 1] = reference + 1
    this.#count++
    return true
  }

  #isTwin(link: number, reference: number): boolean {
    const isFirst = (reference & 1) === 0
    const ids = isFirst ? this.firstIds : this.secondIds
    const w = (reference >>> 1) * (isFirst ? this.firstWords : this.secondWords)
    return this.#isAt(link - 1, ids, w)
  }

  /** Takes a row out that was indexed under `hash`. */
  remove(reference: number, hash: number): void {
    const entries = this.entries
    const end = this.size * 2
    let hole = this.#home(hash)
    while (entries[hole + 1] !== reference + 1) {
      if (entries[hole + 1] === 0) throw new Error('an indexed row is not in its index')
      hole += 2
      if (hole === end) hole = 0
    }
    this.#shiftBack(hole)
    this.#count--
  }

  /** Closes the gap at `hole` with those behind it that would rather lie there. */
  #shiftBack(from: number): void {
    const entries = this.entries
    const end = this.size * 2
    let hole = from
    let entry = from
    for (;;) {
      entry += 2
      if (entry === end) entry = 0
      if (entries[entry + 1] === 0) break
      const home = this.#home(entries[entry] as number)
      // The entry may move into the hole unless its home lies between the hole and itself.
      const stays = hole <= entry ? home > hole && home <= entry : home > hole || home <= entry
      if (stays) continue
      entries[hole] = entries[entry] as number
      entries[hole + 1] = entries[entry + 1] as number
      hole = entry
    }
    entries[hole] = 0
    entries[hole + 1] = 0
  }

  /** Reads where each of `count` hashes would like to lie; gives back what has no meaning. */
  touchAll(hashes: Int32Array, count: number): number {
    const entries = this.entries
    const scale = this.scale
    let sum = 0
    for (let n = 0; n < count; n++) {
      const entry = homeOf(hashes[n] as number, scale)
      sum ^= (entries[entry] as number) ^ (entries[entry + AHEAD] as number)
    }
    return sum
  }

  /**
   * Puts in place of each of `count` hashes the reference that lies where it would like to, or `NONE`:
   * a guess, for those who want what a later `find` will read to be in the cache. To look further costs
   * more than it gains.
   */
  guessAll(hashes: Int32Array, count: number): number {
    const entries = this.entries
    const scale = this.scale
    let sum = 0
    for (let n = 0; n < count; n++) {
      const hash = hashes[n] as number
      const entry = homeOf(hash, scale)
      hashes[n] = entries[entry] === hash ? (entries[entry + 1] as number) - 1 : NONE
      sum ^= entries[entry + AHEAD] as number
    }
    return sum
  }
}

/** Where a hash would like to lie: the hash, scaled to the size. */
function homeOf(hash: number, scale: number): number {
  return (((hash >>> 0) * scale) | 0) << 1
}
