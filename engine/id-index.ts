// An index from identifiers to rows: open addressing with the hash stored beside, linear probing,
// deletion by shifting back (no tombstones). The ids themselves lie at the start of the rows.
//
// A reference names a row of one of two tables: `slot * 2` is a row of the first, `slot * 2 + 1` of
// the second. Accounts and groups use one table; commands use both (reservations and outcomes).
//
// Hashes are `IdHash`'s signed words. Callers pass them in, for they need each of them several times.

import type { Words } from '../protocol/index.ts'

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

/** Entries that a restore touches together: as many lines as the second cache has room for. */
const TOUCHED = 1_024

/** Words on one page of memory, where pages are small. */
const WORDS_A_PAGE = 1_024

/** No row. */
export const NONE = -1

/** See the head of this file. */
export class IdIndex {
  readonly bytes: number
  /** Pairs of hash and reference + 1; 0 is a free entry. */
  readonly #entries: Int32Array
  readonly #size: number
  readonly #scale: number
  readonly #firstIds: Int32Array
  readonly #firstWords: number
  readonly #secondIds: Int32Array
  readonly #secondWords: number
  #count = 0
  /** What `restore` read, added up: keeps the reads from being thought useless. */
  #touched = 0

  constructor(rowsMax: number, first: IdRows, second: IdRows = first) {
    this.#firstIds = first.i32
    this.#firstWords = first.rowWords
    this.#secondIds = second.i32
    this.#secondWords = second.rowWords
    this.#size = Math.floor(rowsMax * ENTRIES_PER_ROW) + 8
    this.#scale = this.#size / TWO_32
    this.bytes = this.#size * 8
    this.#entries = new Int32Array(this.#size * 2 + AHEAD)
  }

  /** How many ids are indexed. */
  get count(): number {
    return this.#count
  }

  /** The reference of the id at byte `at` of `words`, whose hash is `hash`, or `NONE`. */
  find(words: Words, at: number, hash: number): number {
    const entries = this.#entries
    const end = this.#size * 2
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
    return homeOf(hash, this.#scale)
  }

  #isAt(reference: number, i32: Int32Array, w: number): boolean {
    const isFirst = (reference & 1) === 0
    const ids = isFirst ? this.#firstIds : this.#secondIds
    const r = (reference >>> 1) * (isFirst ? this.#firstWords : this.#secondWords)
    return (
      ids[r] === i32[w] &&
      ids[r + 1] === i32[w + 1] &&
      ids[r + 2] === i32[w + 2] &&
      ids[r + 3] === i32[w + 3]
    )
  }

  /** Indexes a row that is not indexed yet under the hash of its id. */
  insert(reference: number, hash: number): void {
    const entries = this.#entries
    const end = this.#size * 2
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
   * So many rows are about to be restored. Where they will lie on most pages, the empty table is
   * written once in order: a page that is read first and written then costs two faults, the second
   * one with a signal to every core that runs a thread of this process.
   */
  expect(rows: number): void {
    if (this.#count === 0 && rows > this.#entries.length / WORDS_A_PAGE) this.#entries.fill(0)
  }

  /**
   * Indexes the `count` rows of one table from `reference` on, whose ids have these hashes; false where
   * an id is indexed already. Nothing but this in one loop: the cache misses of many rows overlap.
   */
  restore(reference: number, hashes: Int32Array, count: number): boolean {
    const entries = this.#entries
    const end = this.#size * 2
    for (let n = 0; n < count; n++) {
      if ((n & (TOUCHED - 1)) === 0) {
        this.#touched += this.#touch(hashes, n, Math.min(count, n + TOUCHED))
      }
      const hash = hashes[n] as number
      let entry = this.#home(hash)
      while (entries[entry + 1] !== 0) {
        if (
          entries[entry] === hash &&
          this.#isTwin(entries[entry + 1] as number, reference + n * 2)
        ) {
          return false
        }
        entry += 2
        if (entry === end) entry = 0
      }
      entries[entry] = hash
      entries[entry + 1] = reference + n * 2 + 1
    }
    this.#count += count
    return true
  }

  /** Reads where these hashes would like to lie: no read waits for another one. */
  #touch(hashes: Int32Array, from: number, to: number): number {
    let sum = 0
    for (let n = from; n < to; n++) {
      sum = (sum + (this.#entries[this.#home(hashes[n] as number)] as number)) | 0
    }
    return sum
  }

  #isTwin(link: number, reference: number): boolean {
    const isFirst = (reference & 1) === 0
    const ids = isFirst ? this.#firstIds : this.#secondIds
    const w = (reference >>> 1) * (isFirst ? this.#firstWords : this.#secondWords)
    return this.#isAt(link - 1, ids, w)
  }

  /** Takes a row out that was indexed under `hash`. */
  remove(reference: number, hash: number): void {
    const entries = this.#entries
    const end = this.#size * 2
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
    const entries = this.#entries
    const end = this.#size * 2
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
    const entries = this.#entries
    const scale = this.#scale
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
    const entries = this.#entries
    const scale = this.#scale
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
