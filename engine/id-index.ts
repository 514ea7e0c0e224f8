// An index from identifiers to rows: a hash table of buckets, each of which is a line of the cache. Who
// looks for an id reads one line of the index, seldom two, and where the id is there, its row. The ids
// themselves lie at the start of the rows.
//
// bucket (64 bytes): 16 entries of 4 bytes
// entry, by bits: the tag above, the reference below; 0 is free
//
// The bucket comes from the hash's high bits and the tag is its low ones, as many as the reference leaves
// (seven for 16,777,216 rows of a table, five at the most that there may be; the fewer, the more often a
// row is read that is another's), and never 0. A tag's lowest four bits say at which entry it would like to lie; it lies there or, going round
// the bucket, behind others alone (linear probing, deletion by shifting back). What finds its bucket full
// lies in the next one that is not: all buckets between an id's own and the one that it lies in are full.
// With half of the entries in use, one bucket in a hundred is.
//
// A reference names a row of one of two tables: `slot * 2` is a row of the first, `slot * 2 + 1` of
// the second. Accounts and groups use one table; commands use both (reservations and outcomes).
//
// Hashes are `IdHash`'s signed words. Callers pass them in, for they need each of them several times.

import type { Words } from '../protocol/index.ts'
import { allocateLines, LINE_BYTES } from './cache-lines.ts'
import { firstHashOf, orderByRegion, REGIONS } from './hash-order.ts'
import type { IdHash } from './id-hash.ts'

/** Entries of a bucket, a power of two, and the last of them. */
const BUCKET = LINE_BYTES / 4
const LAST = BUCKET - 1

/** Entries for each row that may be indexed. */
const ENTRIES_PER_ROW = 2
const TWO_32 = 4_294_967_296

/** Rows that begin with their id. */
export interface IdRows {
  readonly i32: Int32Array
  /** Words of one row. */
  readonly rowWords: number
}

/** So many rows are worth being put in order before they are indexed. */
const ORDERED_FROM = 65_536

/** No row. */
export const NONE = -1

/** See the head of this file. */
export class IdIndex {
  readonly bytes: number
  private readonly entries: Int32Array
  private readonly scale: number
  /** How many bits of an entry are its reference, and which. */
  private readonly bits: number
  private readonly references: number
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
    const buckets = Math.floor((rowsMax * ENTRIES_PER_ROW) / BUCKET) + 1
    this.scale = buckets / TWO_32
    const slots = Math.max(first.i32.length / first.rowWords, second.i32.length / second.rowWords)
    this.bits = 32 - Math.clz32(slots * 2 - 1)
    this.references = (1 << this.bits) - 1
    this.bytes = buckets * LINE_BYTES
    this.entries = allocateLines(this.bytes).i32
  }

  /** How many ids are indexed. */
  get count(): number {
    return this.#count
  }

  /** The reference of the id at byte `at` of `words`, whose hash is `hash`, or `NONE`. */
  find(words: Words, at: number, hash: number): number {
    return this.#seek(words.i32, at >>> 2, hash)
  }

  /** The same of the id in the four words from `w`. */
  #seek(i32: Int32Array, w: number, hash: number): number {
    const { entries, references, bits } = this
    const tag = tagOf(hash, bits)
    const home = placeOf(tag, bits)
    for (let first = bucketOf(hash, this.scale); ; first = this.#after(first)) {
      let place = home
      do {
        const entry = entries[first + place] as number
        if (entry === 0) return NONE
        if ((entry & ~references) === tag) {
          const reference = entry & references
          if (this.#isAt(reference, i32, w)) return reference
        }
        place = (place + 1) & LAST
      } while (place !== home)
    }
  }

  /** Where the bucket after the one that begins at `first` does. */
  #after(first: number): number {
    const next = first + BUCKET
    return next === this.entries.length ? 0 : next
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
    const { bits } = this
    const entry = tagOf(hash, bits) | reference
    const home = placeOf(entry, bits)
    let first = bucketOf(hash, this.scale)
    while (!this.#put(entry, first, home)) first = this.#after(first)
    this.#count++
  }

  /** Puts an entry into the bucket that begins at `first`; false where that is full. */
  #put(entry: number, first: number, home: number): boolean {
    const { entries } = this
    let place = home
    do {
      if (entries[first + place] === 0) {
        entries[first + place] = entry
        return true
      }
      place = (place + 1) & LAST
    } while (place !== home)
    return false
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
    const { entries, scale } = this
    const end = Math.floor(firstHashOf(region + 1) * scale) * BUCKET
    let sum = 0
    for (let n = Math.floor(firstHashOf(region) * scale) * BUCKET; n < end; n += BUCKET) {
      sum ^= entries[n] as number
    }
    this.#warmed ^= sum
  }

  /** Indexes a row of which nobody knows yet whether its id is new; false where it is not. */
  #enter(reference: number, hash: number): boolean {
    const isFirst = (reference & 1) === 0
    const ids = isFirst ? this.firstIds : this.secondIds
    const w = Math.imul(reference >>> 1, isFirst ? this.firstWords : this.secondWords)
    if (this.#seek(ids, w, hash) !== NONE) return false
    this.insert(reference, hash)
    return true
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
    const { entries, bits } = this
    const sought = tagOf(hash, bits) | reference
    const home = placeOf(sought, bits)
    for (let first = bucketOf(hash, this.scale); ; first = this.#after(first)) {
      let place = home
      do {
        const entry = entries[first + place] as number
        if (entry === 0) throw new Error('an indexed row is not in its index')
        if (entry === sought) {
          this.#count--
          return this.#takeOut(first, place)
        }
        place = (place + 1) & LAST
      } while (place !== home)
    }
  }

  /** Closes the gap at `taken`, in the bucket that begins at `first`, with those that would rather lie there. */
  #takeOut(first: number, taken: number): void {
    const { entries, bits } = this
    let gap = taken
    for (let n = 1; n < BUCKET; n++) {
      const place = (taken + n) & LAST
      const entry = entries[first + place] as number
      if (entry === 0) {
        entries[first + gap] = 0
        return
      }
      const isBehindGap = ((place - placeOf(entry, bits)) & LAST) >= ((place - gap) & LAST)
      if (!isBehindGap) continue
      entries[first + gap] = entry
      gap = place
    }
    entries[first + gap] = 0
    this.#refill(first)
  }

  /**
   * The bucket at `gap` was full and has room for one: an id that lies further back because it was full moves
   * up. Buckets are looked at up to the first that is not full: nothing beyond that one has passed this one.
   */
  #refill(gap: number): void {
    const { entries } = this
    for (let first = this.#after(gap); ; first = this.#after(first)) {
      let used = 0
      for (let place = 0; place < BUCKET; place++) {
        const entry = entries[first + place] as number
        if (entry === 0) continue
        used++
        const own = bucketOf(this.hashOf(entry & this.references), this.scale)
        if (this.#distance(own, first) < this.#distance(gap, first)) continue
        this.#put(entry, gap, placeOf(entry, this.bits))
        return this.#takeOut(first, place)
      }
      if (used < BUCKET) return
    }
  }

  /** How far the bucket at `to` is behind the one at `from`. */
  #distance(from: number, to: number): number {
    return to >= from ? to - from : to - from + this.entries.length
  }

  /** Reads the bucket of each of `count` hashes. */
  touchAll(hashes: Int32Array, count: number): void {
    const { entries, scale } = this
    let sum = 0
    for (let n = 0; n < count; n++) sum ^= entries[bucketOf(hashes[n] as number, scale)] as number
    this.#warmed ^= sum
  }

  /**
   * Puts in place of each of `count` hashes a reference from its bucket that has its tag, or `NONE`: a
   * guess, for those who want what a later `find` will read to be in the cache.
   */
  guessAll(hashes: Int32Array, count: number): void {
    // All buckets first: to decide by what one has would be to wait for it.
    this.touchAll(hashes, count)
    for (let n = 0; n < count; n++) hashes[n] = this.#guess(hashes[n] as number)
  }

  #guess(hash: number): number {
    const { entries, references, bits } = this
    const tag = tagOf(hash, bits)
    const home = placeOf(tag, bits)
    const first = bucketOf(hash, this.scale)
    let place = home
    do {
      const entry = entries[first + place] as number
      if (entry === 0) return NONE
      if ((entry & ~references) === tag) return entry & references
      place = (place + 1) & LAST
    } while (place !== home)
    return NONE
  }
}

/** Where the bucket of a hash begins: the hash, scaled to the buckets. */
function bucketOf(hash: number, scale: number): number {
  return Math.imul((hash >>> 0) * scale, BUCKET)
}

/** The tag of a hash, in place: its low bits, above the `bits` of a reference. */
function tagOf(hash: number, bits: number): number {
  const tag = hash << bits
  return tag === 0 ? 1 << bits : tag
}

/** At which place of its bucket an entry, or a tag in place, would like to lie. */
function placeOf(entry: number, bits: number): number {
  return (entry >>> bits) & LAST
}
