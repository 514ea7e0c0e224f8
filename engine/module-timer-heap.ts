// Timers by when they are due: a binary heap of slots in which each knows its place, so that a cancel takes
// it out then and there. Nothing dead is left behind, and the first is always one that will fire.

import { type Created, compareCreated } from './module-creation.ts'
import { CreationColumns, grown } from './module-slot-order.ts'

/** A timer. Its creation numbers are those of when it was first set: a move keeps them. */
export interface Timer extends Created {
  /** Name of its handler. */
  readonly kind: string
  readonly key: string
  /** ms since 1970. */
  readonly dueMs: number
}

/**
 * Which of two timers fires first, by due, sequence and index: below 0 where `a` does. 0 is for timers
 * of two modules alone.
 */
export function compareTimers(a: Timer, b: Timer): number {
  return a.dueMs === b.dueMs ? compareCreated(a, b) : a.dueMs - b.dueMs
}

/** See the head of this file. Slots count from 1. */
export class TimerHeap {
  readonly created: CreationColumns
  /** By slot: when it is due. */
  #dueMs: Float64Array
  /** By slot: its place in the heap. */
  #places: Uint32Array
  #heap: Uint32Array
  #count = 0

  constructor(slotsMax: number) {
    this.created = new CreationColumns(slotsMax)
    this.#dueMs = new Float64Array(slotsMax + 1)
    this.#places = new Uint32Array(slotsMax + 1)
    this.#heap = new Uint32Array(slotsMax)
  }

  get count(): number {
    return this.#count
  }

  /** The slot of the one that fires first, or 0. */
  get first(): number {
    return this.#count === 0 ? 0 : (this.#heap[0] as number)
  }

  /** When the timer in a slot is due. */
  dueMs(slot: number): number {
    return this.#dueMs[slot] as number
  }

  /** All slots, in order of creation. */
  inOrder(): Uint32Array {
    const { created } = this
    return this.#heap.slice(0, this.#count).sort((a, b) => (created.isBefore(a, b) ? -1 : 1))
  }

  /** Adds a slot that is not in the heap, and whose creation numbers are in their columns. */
  add(slot: number, dueMs: number): void {
    this.#dueMs[slot] = dueMs
    this.#put(slot, this.#count++)
    this.#rise(slot)
  }

  /** Takes out one that is in the heap. */
  delete(slot: number): void {
    const last = this.#heap[--this.#count] as number
    if (last === slot) return
    this.#put(last, this.#places[slot] as number)
    this.#settle(last)
  }

  /** Has one that is in the heap fire at another time. */
  move(slot: number, dueMs: number): void {
    this.#dueMs[slot] = dueMs
    this.#settle(slot)
  }

  grow(slotsMax: number): void {
    this.created.grow(slotsMax)
    this.#dueMs = grown(this.#dueMs, new Float64Array(slotsMax + 1))
    this.#places = grown(this.#places, new Uint32Array(slotsMax + 1))
    this.#heap = grown(this.#heap, new Uint32Array(slotsMax))
  }

  #settle(slot: number): void {
    const place = this.#places[slot]
    this.#rise(slot)
    if (this.#places[slot] === place) this.#sink(slot)
  }

  #rise(slot: number): void {
    let place = this.#places[slot] as number
    while (place > 0) {
      const above = (place - 1) >>> 1
      const parent = this.#heap[above] as number
      if (this.#isBefore(parent, slot)) break
      this.#put(parent, place)
      place = above
    }
    this.#put(slot, place)
  }

  #sink(slot: number): void {
    const heap = this.#heap
    const count = this.#count
    let place = this.#places[slot] as number
    for (;;) {
      let n = 2 * place + 1
      if (n >= count) break
      if (n + 1 < count && this.#isBefore(heap[n + 1] as number, heap[n] as number)) n++
      const child = heap[n] as number
      if (this.#isBefore(slot, child)) break
      this.#put(child, place)
      place = n
    }
    this.#put(slot, place)
  }

  #isBefore(a: number, b: number): boolean {
    const first = this.dueMs(a)
    const second = this.dueMs(b)
    return first === second ? this.created.isBefore(a, b) : first < second
  }

  #put(slot: number, place: number): void {
    this.#places[slot] = place
    this.#heap[place] = slot
  }
}
