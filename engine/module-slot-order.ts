// Sets of slots, each in order of creation: treaps (Seidel and Aragon, "Randomized search trees", 1996)
// in columns, so that no set is an object. What comes last is added, and what came first is taken out,
// in constant time; anything else costs the logarithm.

import type { Created } from './module-creation.ts'

/** What was made when, by slot, from 1. */
export class CreationColumns {
  sequences: Float64Array
  indexes: Uint32Array

  constructor(slotsMax: number) {
    this.sequences = new Float64Array(slotsMax + 1)
    this.indexes = new Uint32Array(slotsMax + 1)
  }

  set(slot: number, { sequence, index }: Created): void {
    this.sequences[slot] = sequence
    this.indexes[slot] = index
  }

  of(slot: number): Created {
    return {
      sequence: this.sequences[slot] as number,
      index: this.indexes[slot] as number,
    }
  }

  /** Whether what is in `a` was made before what is in `b`. */
  isBefore(a: number, b: number): boolean {
    const first = this.sequences[a] as number
    const second = this.sequences[b] as number
    if (first !== second) return first < second
    return (this.indexes[a] as number) < (this.indexes[b] as number)
  }

  grow(slotsMax: number): void {
    this.sequences = grown(this.sequences, new Float64Array(slotsMax + 1))
    this.indexes = grown(this.indexes, new Uint32Array(slotsMax + 1))
  }
}

/** See the head of this file. Slots and sets count from 1; 0 is none. */
export class SlotOrder {
  readonly #created: CreationColumns
  /** By slot. */
  #left: Uint32Array
  #right: Uint32Array
  #up: Uint32Array
  /** By set. */
  #roots: Uint32Array
  #firsts: Uint32Array
  #lasts: Uint32Array
  #counts: Uint32Array

  constructor(created: CreationColumns, slotsMax: number, setsMax: number) {
    this.#created = created
    this.#left = new Uint32Array(slotsMax + 1)
    this.#right = new Uint32Array(slotsMax + 1)
    this.#up = new Uint32Array(slotsMax + 1)
    this.#roots = new Uint32Array(setsMax + 1)
    this.#firsts = new Uint32Array(setsMax + 1)
    this.#lasts = new Uint32Array(setsMax + 1)
    this.#counts = new Uint32Array(setsMax + 1)
  }

  count(set: number): number {
    return this.#counts[set] as number
  }

  /** The slot that was made first, or 0. */
  first(set: number): number {
    return this.#firsts[set] as number
  }

  /** The one that was made last, or 0. */
  last(set: number): number {
    return this.#lasts[set] as number
  }

  /** The one that was made next after `slot` in its set, or 0. */
  next(slot: number): number {
    return this.#neighbour(slot, this.#right, this.#left)
  }

  /** Adds a slot that is in no set of this order. */
  add(set: number, slot: number): void {
    this.#left[slot] = 0
    this.#right[slot] = 0
    this.#counts[set] = this.count(set) + 1
    const last = this.last(set)
    if (last === 0) {
      this.#up[slot] = 0
      this.#roots[set] = slot
      this.#firsts[set] = slot
      this.#lasts[set] = slot
      return
    }
    if (this.#created.isBefore(last, slot)) {
      this.#right[last] = slot
      this.#up[slot] = last
      this.#lasts[set] = slot
    } else {
      this.#hang(set, slot)
    }
    this.#rise(set, slot)
  }

  /** Takes out a slot that is in this set. */
  delete(set: number, slot: number): void {
    const left = this.#left
    const right = this.#right
    this.#counts[set] = this.count(set) - 1
    if (this.first(set) === slot) this.#firsts[set] = this.next(slot)
    if (this.last(set) === slot) this.#lasts[set] = this.#neighbour(slot, left, right)
    while (left[slot] !== 0 && right[slot] !== 0) {
      const [a, b] = [left[slot] as number, right[slot] as number]
      this.#rotate(set, priority(a) > priority(b) ? a : b)
    }
    const child = (left[slot] as number) || (right[slot] as number)
    const up = this.#up[slot] as number
    if (child !== 0) this.#up[child] = up
    this.#replace(set, up, slot, child)
  }

  /** The sets there may be, and the slots. */
  grow(slotsMax: number, setsMax: number): void {
    this.#left = grown(this.#left, new Uint32Array(slotsMax + 1))
    this.#right = grown(this.#right, new Uint32Array(slotsMax + 1))
    this.#up = grown(this.#up, new Uint32Array(slotsMax + 1))
    this.#roots = grown(this.#roots, new Uint32Array(setsMax + 1))
    this.#firsts = grown(this.#firsts, new Uint32Array(setsMax + 1))
    this.#lasts = grown(this.#lasts, new Uint32Array(setsMax + 1))
    this.#counts = grown(this.#counts, new Uint32Array(setsMax + 1))
  }

  /** Hangs a slot, which is not the last, where it belongs. */
  #hang(set: number, slot: number): void {
    let at = this.#roots[set] as number
    for (;;) {
      const isBefore = this.#created.isBefore(slot, at)
      const side = isBefore ? this.#left : this.#right
      const below = side[at] as number
      if (below === 0) {
        side[at] = slot
        this.#up[slot] = at
        if (isBefore && this.first(set) === at) this.#firsts[set] = slot
        return
      }
      at = below
    }
  }

  /** Lets a slot rise until the one above it has the higher priority. */
  #rise(set: number, slot: number): void {
    const own = priority(slot)
    for (;;) {
      const up = this.#up[slot] as number
      if (up === 0 || priority(up) >= own) return
      this.#rotate(set, slot)
    }
  }

  /** Puts a slot in the place of the one above it, which comes below it. */
  #rotate(set: number, slot: number): void {
    const above = this.#up[slot] as number
    const isLeft = this.#left[above] === slot
    const side = isLeft ? this.#left : this.#right
    const other = isLeft ? this.#right : this.#left
    const middle = other[slot] as number
    side[above] = middle
    if (middle !== 0) this.#up[middle] = above
    const top = this.#up[above] as number
    other[slot] = above
    this.#up[above] = slot
    this.#up[slot] = top
    this.#replace(set, top, above, slot)
  }

  /** Below `up`, or as the root: `slot` where `old` was. */
  #replace(set: number, up: number, old: number, slot: number): void {
    if (up === 0) this.#roots[set] = slot
    else if (this.#left[up] === old) this.#left[up] = slot
    else this.#right[up] = slot
  }

  /** The next slot to one side: the last to the other side below, or the first above. */
  #neighbour(slot: number, side: Uint32Array, other: Uint32Array): number {
    let at = side[slot] as number
    if (at !== 0) {
      for (let below = other[at] as number; below !== 0; below = other[at] as number) at = below
      return at
    }
    at = slot
    for (;;) {
      const up = this.#up[at] as number
      if (up === 0 || other[up] === at) return up
      at = up
    }
  }
}

/** What keeps the trees low: the slots' numbers, scattered. The order does not depend on it. */
function priority(slot: number): number {
  const mixed = Math.imul(slot ^ (slot >>> 15), 0x2c1b3c6d)
  return (mixed ^ (mixed >>> 13)) >>> 0
}

/** `to`, beginning with what is in `from`. */
export function grown<A extends Float64Array | Uint32Array | Int32Array>(from: A, to: A): A {
  to.set(from)
  return to
}
