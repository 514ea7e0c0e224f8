// From hashes to slots: open addressing with the hash stored beside, linear probing, deletion by
// shifting back. What a slot stands for is the caller's, who says of a candidate whether it is the one.

/** Entries for each slot: with four of seven in use most lie where they like to. */
const ENTRIES_PER_SLOT = 1.75
const TWO_32 = 4_294_967_296

/** What is looked for. */
export interface Sought {
  /** Whether it is in this slot, whose hash is the right one. */
  isAt(slot: number): boolean
}

/** See the head of this file. Slots count from 1. */
export class SlotIndex {
  /** Pairs of hash and slot; slot 0 is a free entry. */
  #entries: Int32Array
  #size: number
  #scale: number
  #count = 0

  constructor(slotsMax: number) {
    this.#size = Math.floor(slotsMax * ENTRIES_PER_SLOT) + 8
    this.#scale = this.#size / TWO_32
    this.#entries = new Int32Array(this.#size * 2)
  }

  get count(): number {
    return this.#count
  }

  /** The slot of what is sought, or 0. `hash` is a signed word, as everywhere here. */
  find(hash: number, sought: Sought): number {
    const entries = this.#entries
    const end = entries.length
    let entry = this.#home(hash)
    for (;;) {
      const slot = entries[entry + 1] as number
      if (slot === 0) return 0
      if (entries[entry] === hash && sought.isAt(slot)) return slot
      entry += 2
      if (entry === end) entry = 0
    }
  }

  /** Adds a slot that is not in the index; there is room. */
  add(hash: number, slot: number): void {
    const entries = this.#entries
    const end = entries.length
    let entry = this.#home(hash)
    while (entries[entry + 1] !== 0) {
      entry += 2
      if (entry === end) entry = 0
    }
    entries[entry] = hash
    entries[entry + 1] = slot
    this.#count++
  }

  /** Takes out a slot that is in the index under this hash. */
  delete(hash: number, slot: number): void {
    const entries = this.#entries
    const end = entries.length
    let hole = this.#home(hash)
    while (entries[hole + 1] !== slot) {
      hole += 2
      if (hole === end) hole = 0
    }
    this.#count--
    for (let entry = hole; ; ) {
      entry += 2
      if (entry === end) entry = 0
      const next = entries[entry + 1] as number
      if (next === 0) break
      const home = this.#home(entries[entry] as number)
      // It stays where the hole lies before its home.
      if (distance(home, entry, end) < distance(hole, entry, end)) continue
      entries[hole] = entries[entry] as number
      entries[hole + 1] = next
      hole = entry
    }
    entries[hole + 1] = 0
  }

  /** Makes room for as many slots. */
  grow(slotsMax: number): void {
    const old = this.#entries
    this.#size = Math.floor(slotsMax * ENTRIES_PER_SLOT) + 8
    this.#scale = this.#size / TWO_32
    this.#entries = new Int32Array(this.#size * 2)
    this.#count = 0
    for (let entry = 0; entry < old.length; entry += 2) {
      const slot = old[entry + 1] as number
      if (slot !== 0) this.add(old[entry] as number, slot)
    }
  }

  #home(hash: number): number {
    return Math.floor((hash >>> 0) * this.#scale) << 1
  }
}

/** Steps from one entry on to another, around the end. */
function distance(from: number, to: number, end: number): number {
  return to >= from ? to - from : to + end - from
}
