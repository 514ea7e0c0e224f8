// An index from identifiers to rows: open addressing with the hash stored beside, linear probing,
// deletion by shifting back (no tombstones). The ids themselves lie at the start of the rows.
//
// A reference names a row of one of two tables: `slot * 2` is a row of the first, `slot * 2 + 1` of
// the second. Accounts and groups use one table; commands use both (reservations and outcomes).

import { allocateWords, type Words } from '../protocol/index.ts'
import type { IdHash } from './id-hash.ts'

/** Entries for each row that may be indexed: two thirds full at most keeps probes short. */
const ENTRIES_PER_ROW = 1.5

/** Rows that begin with their id. */
export interface IdRows {
  readonly i32: Int32Array
  /** Words of one row. */
  readonly rowWords: number
}

/** No row. */
export const NONE = -1

/** See the head of this file. */
export class IdIndex {
  readonly bytes: number
  readonly #hash: IdHash
  readonly #first: IdRows
  readonly #second: IdRows
  readonly #entries: Words
  readonly #size: number
  readonly #scale: number
  #count = 0

  constructor(hash: IdHash, rowsMax: number, first: IdRows, second: IdRows = first) {
    this.#hash = hash
    this.#first = first
    this.#second = second
    this.#size = Math.floor(rowsMax * ENTRIES_PER_ROW) + 8
    this.#scale = this.#size / 4_294_967_296
    this.bytes = this.#size * 8
    this.#entries = allocateWords(this.bytes)
  }

  /** How many ids are indexed. */
  get count(): number {
    return this.#count
  }

  /** The reference of the id at byte `at` of `words`, or `NONE`. */
  find(words: Words, at: number): number {
    return this.#find(words.i32, at >>> 2, this.#hash.ofRecord(words, at))
  }

  #find(i32: Int32Array, w: number, hash: number): number {
    const entries = this.#entries.u32
    const size = this.#size
    let entry = Math.floor(hash * this.#scale)
    for (;;) {
      const reference = entries[entry * 2 + 1] as number
      if (reference === 0) return NONE
      if (entries[entry * 2] === hash && this.#holds(reference - 1, i32, w)) return reference - 1
      if (++entry === size) entry = 0
    }
  }

  #holds(reference: number, i32: Int32Array, w: number): boolean {
    const rows = (reference & 1) === 0 ? this.#first : this.#second
    const r = (reference >>> 1) * rows.rowWords
    const ids = rows.i32
    return (
      ids[r] === i32[w] &&
      ids[r + 1] === i32[w + 1] &&
      ids[r + 2] === i32[w + 2] &&
      ids[r + 3] === i32[w + 3]
    )
  }

  /** Indexes a row whose id is written already and is not indexed yet. */
  insert(reference: number): void {
    const rows = (reference & 1) === 0 ? this.#first : this.#second
    const hash = this.#hash.ofWords(rows.i32, (reference >>> 1) * rows.rowWords)
    const entries = this.#entries.u32
    let entry = Math.floor(hash * this.#scale)
    while (entries[entry * 2 + 1] !== 0) if (++entry === this.#size) entry = 0
    entries[entry * 2] = hash
    entries[entry * 2 + 1] = reference + 1
    this.#count++
  }

  /** Takes a row out; its id must still be in place. */
  remove(reference: number): void {
    const rows = (reference & 1) === 0 ? this.#first : this.#second
    const hash = this.#hash.ofWords(rows.i32, (reference >>> 1) * rows.rowWords)
    const entries = this.#entries.u32
    let hole = Math.floor(hash * this.#scale)
    while (entries[hole * 2 + 1] !== reference + 1) {
      if (entries[hole * 2 + 1] === 0) throw new Error('an indexed row is not in its index')
      if (++hole === this.#size) hole = 0
    }
    this.#shiftBack(hole)
    this.#count--
  }

  /** Closes the gap at `hole` with those behind it that would rather lie there. */
  #shiftBack(from: number): void {
    const entries = this.#entries.u32
    const size = this.#size
    let hole = from
    let entry = from
    for (;;) {
      if (++entry === size) entry = 0
      if (entries[entry * 2 + 1] === 0) break
      const home = Math.floor((entries[entry * 2] as number) * this.#scale)
      // The entry may move into the hole unless its home lies between the hole and itself.
      const stays = hole <= entry ? home > hole && home <= entry : home > hole || home <= entry
      if (stays) continue
      entries[hole * 2] = entries[entry * 2] as number
      entries[hole * 2 + 1] = entries[entry * 2 + 1] as number
      hole = entry
    }
    entries[hole * 2] = 0
    entries[hole * 2 + 1] = 0
  }

  /** Reads the entry where the id would be, so that a later `find` meets it in the cache. */
  touch(words: Words, at: number): number {
    return this.#entries.u32[
      Math.floor(this.#hash.ofRecord(words, at) * this.#scale) * 2 + 1
    ] as number
  }
}
