// An index from identifiers to rows: open addressing, linear probing, deletion by shifting back (no
// tombstones). The ids themselves lie at the start of the rows.
//
// entry (6 bytes), by half word: 0 tag   1 reference, low   2 reference, high
//
// A tag is eight bits of the id's hash and above them how far from its home the entry lies, plus 1; 0 is a
// free entry. The home comes from the hash's high bits and the tag has its low ones: next to nothing that
// is not looked for has the tag of what is. Who lies further than a tag can say has the highest distance,
// and what needs to know more works it out from the row's id.
//
// A reference names a row of one of two tables: `slot * 2` is a row of the first, `slot * 2 + 1` of
// the second. Accounts and groups use one table; commands use both (reservations and outcomes).
//
// Hashes are `IdHash`'s signed words. Callers pass them in, for they need each of them several times.

import type { Words } from '../protocol/index.ts'
import { firstHashOf, orderByRegion, REGIONS } from './hash-order.ts'
import type { IdHash } from './id-hash.ts'

/**
 * How many half words beyond its home an id is also looked for ahead of time: most lie within, and one in
 * two of these is on the next cache line.
 */
const AHEAD = 16

/** Entries for each row that may be indexed: with two of three in use most lie near where they like to. */
const ENTRIES_PER_ROW = 1.6
const ENTRY_HALVES = 3
const HASH_BITS = 0xff
/** What one entry further from home adds to a tag, and the least tag of those who lie too far for it. */
const FURTHER = 0x100
const FAR = 0xff00
const TWO_32 = 4_294_967_296

/** Rows that begin with their id. */
export interface IdRows {
  readonly i32: Int32Array
  /** Words of one row. */
  readonly rowWords: number
}

/** So many rows are worth being put in order before they are indexed. */
const ORDERED_FROM = 65_536

/** Half words on a line of the cache. */
const HALVES_A_LINE = 32

/** No row. */
export const NONE = -1

/** See the head of this file. */
export class IdIndex {
  readonly bytes: number
  private readonly entries: Uint16Array
  private readonly size: number
  /** Half words of all entries. */
  private readonly end: number
  private readonly scale: number
  private readonly hash: IdHash
  private readonly firstIds: Int32Array
  private readonly firstWords: number
  private readonly secondIds: Int32Array
  private readonly secondWords: number
  #count = 0

  /** What was read ahead, summed up: keeps the reads from being thought useless. */
  #warmed = 0

  constructor(hash: IdHash, rowsMax: number, first: IdRows, second: IdRows = first) {
    this.hash = hash
    this.firstIds = first.i32
    this.firstWords = first.rowWords
    this.secondIds = second.i32
    this.secondWords = second.rowWords
    this.size = Math.floor(rowsMax * ENTRIES_PER_ROW) + 8
    this.scale = this.size / TWO_32
    this.end = this.size * ENTRY_HALVES
    this.entries = new Uint16Array(this.end + AHEAD)
    this.bytes = this.entries.byteLength
  }

  /** How many ids are indexed. */
  get count(): number {
    return this.#count
  }

  /** The reference of the id at byte `at` of `words`, whose hash is `hash`, or `NONE`. */
  find(words: Words, at: number, hash: number): number {
    const { entries, end } = this
    let entry = homeOf(hash, this.scale)
    for (let tag = tagAtHome(hash); ; tag = further(tag)) {
      const found = entries[entry] as number
      if (found === tag) {
        const reference = this.#referenceAt(entry)
        if (this.#isAt(reference, words.i32, at >>> 2)) return reference
      }
      if (found === 0) return NONE
      entry += ENTRY_HALVES
      if (entry === end) entry = 0
    }
  }

  #referenceAt(entry: number): number {
    const { entries } = this
    return (entries[entry + 1] as number) | ((entries[entry + 2] as number) << 16)
  }

  #set(entry: number, tag: number, reference: number): void {
    const { entries } = this
    entries[entry] = tag
    entries[entry + 1] = reference
    entries[entry + 2] = reference >>> 16
  }

  #isAt(reference: number, i32: Int32Array, w: number): boolean {
    const isFirst = (reference & 1) === 0
    const ids = isFirst ? this.firstIds : this.secondIds
    const r = Math.imul(reference >>> 1, isFirst ? this.firstWords : this.secondWords)
    return (
      ids[r] === i32[w] &&
      ids[r + 1] === i32[w + 1] &&
      ids[r + 2] === i32[w + 2] &&
      ids[r + 3] === i32[w + 3]
    )
  }

  /** Indexes a row that is not indexed yet under the hash of its id. */
  insert(reference: number, hash: number): void {
    const { entries, end } = this
    let entry = homeOf(hash, this.scale)
    let tag = tagAtHome(hash)
    while (entries[entry] !== 0) {
      tag = further(tag)
      entry += ENTRY_HALVES
      if (entry === end) entry = 0
    }
    this.#set(entry, tag, reference)
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
    const end = Math.floor(firstHashOf(region + 1) * this.scale) * ENTRY_HALVES
    let sum = 0
    for (
      let entry = Math.floor(firstHashOf(region) * this.scale) * ENTRY_HALVES;
      entry < end;
      entry += HALVES_A_LINE
    ) {
      sum ^= entries[entry] as number
    }
    this.#warmed ^= sum
  }

  /** Indexes a row of which nobody knows yet whether its id is new; false where it is not. */
  #enter(reference: number, hash: number): boolean {
    const { entries, end } = this
    let entry = homeOf(hash, this.scale)
    let tag = tagAtHome(hash)
    for (let found = entries[entry] as number; found !== 0; found = entries[entry] as number) {
      if (found === tag && this.#isTwin(this.#referenceAt(entry), reference)) return false
      tag = further(tag)
      entry += ENTRY_HALVES
      if (entry === end) entry = 0
    }
    this.#set(entry, tag, reference)
    this.#count++
    return true
  }

  #isTwin(found: number, reference: number): boolean {
    const isFirst = (reference & 1) === 0
    const ids = isFirst ? this.firstIds : this.secondIds
    const w = Math.imul(reference >>> 1, isFirst ? this.firstWords : this.secondWords)
    return this.#isAt(found, ids, w)
  }

  /** The hash of an indexed row's id. */
  hashOf(reference: number): number {
    const isFirst = (reference & 1) === 0
    const ids = isFirst ? this.firstIds : this.secondIds
    const w = Math.imul(reference >>> 1, isFirst ? this.firstWords : this.secondWords)
    return this.hash.ofWords(ids, w)
  }

  /** Takes a row out that was indexed under `hash`; its id, and those of all others, are still in place. */
  remove(reference: number, hash: number): void {
    const { entries, end } = this
    let entry = homeOf(hash, this.scale)
    for (let tag = tagAtHome(hash); ; tag = further(tag)) {
      const found = entries[entry] as number
      if (found === tag && this.#referenceAt(entry) === reference) break
      if (found === 0) throw new Error('an indexed row is not in its index')
      entry += ENTRY_HALVES
      if (entry === end) entry = 0
    }
    this.#shiftBack(entry)
    this.#count--
  }

  /** Closes the gap at `hole` with those behind it that would rather lie there. */
  #shiftBack(from: number): void {
    const { entries, end } = this
    let hole = from
    let entry = from
    for (let gap = FURTHER; ; gap += FURTHER) {
      entry += ENTRY_HALVES
      if (entry === end) entry = 0
      const tag = entries[entry] as number
      if (tag === 0) break
      // It may move into the hole unless its home lies between the hole and itself.
      const whole = tag < FAR ? tag : this.#wholeTag(entry)
      if (whole < gap + FURTHER) continue
      const nearer = whole - gap
      entries[hole] = nearer < FAR ? nearer : FAR | (nearer & HASH_BITS)
      entries[hole + 1] = entries[entry + 1] as number
      entries[hole + 2] = entries[entry + 2] as number
      hole = entry
      gap = 0
    }
    entries[hole] = 0
  }

  /** What the tag of an entry would be if it had bits for any distance. */
  #wholeTag(entry: number): number {
    const hash = this.hashOf(this.#referenceAt(entry))
    const halves = entry - homeOf(hash, this.scale)
    const distance = (halves < 0 ? halves + this.end : halves) / ENTRY_HALVES
    return (distance + 1) * FURTHER + (hash & HASH_BITS)
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
      hashes[n] = entries[entry] === tagAtHome(hash) ? this.#referenceAt(entry) : NONE
      sum ^= entries[entry + AHEAD] as number
    }
    return sum
  }
}

/** Where a hash would like to lie: the hash, scaled to the size. */
function homeOf(hash: number, scale: number): number {
  return Math.imul((hash >>> 0) * scale, ENTRY_HALVES)
}

function tagAtHome(hash: number): number {
  return FURTHER | (hash & HASH_BITS)
}

/** The tag of the same hash one entry further from home. */
function further(tag: number): number {
  return tag < FAR ? tag + FURTHER : tag
}
