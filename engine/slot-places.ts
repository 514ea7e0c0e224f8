// The order in which slots came, each with its place in it, emptied at no cost and in memory that is used
// again and again. A slot may come twice, when it is another one's: then the later place is its own.

const AT_FIRST = 1_024

/** The array itself where it has more than `index` elements, otherwise a copy that has. */
export function grownFor<A extends Int32Array | Float64Array>(array: A, index: number): A {
  if (index < array.length) return array
  const length = Math.max(index + 1, 2 * array.length)
  const larger = new (array.constructor as new (length: number) => A)(length)
  larger.set(array)
  return larger
}

/** See the head of this file. Slots are whole numbers from 0. */
export class SlotPlaces {
  /** Slots by place, and the last place of each slot: true only where the slot at that place is this one. */
  #slots = new Int32Array(AT_FIRST)
  #placeOf = new Int32Array(AT_FIRST)
  /** Places that are given. */
  count = 0

  /** The slot at a place. */
  slot(place: number): number {
    return this.#slots[place] as number
  }

  /** The last place that the slot was given, or -1. */
  find(slot: number): number {
    const place = this.#placeOf[slot] ?? 0
    return place < this.count && this.#slots[place] === slot ? place : -1
  }

  /** Gives the slot the next place, whether it has one or not. */
  add(slot: number): number {
    const place = this.count++
    this.#slots = grownFor(this.#slots, place)
    this.#placeOf = grownFor(this.#placeOf, slot)
    this.#slots[place] = slot
    this.#placeOf[slot] = place
    return place
  }

  /** No slot has a place any more. */
  clear(): void {
    this.count = 0
  }
}
