// One index of a table: its rows' slots in sets, each of the rows that one scan finds. Rows are found by
// their bytes, which the table keeps; here are columns alone.

import type { Value } from './module.ts'
import { byteOf, type RowMemory } from './module-row-memory.ts'
import { hashOfSought, type Row, type RowSchema } from './module-rows.ts'
import type { RowIndex } from './module-schema.ts'
import { SlotIndex, type Sought } from './module-slot-index.ts'
import { type CreationColumns, grown, SlotOrder } from './module-slot-order.ts'

/** Where a table's rows are. */
export interface RowPlaces {
  readonly schema: RowSchema
  readonly memory: RowMemory
  readonly created: CreationColumns
  /** By slot. */
  places: Uint32Array
}

/** See the head of this file. Sets count from 1, and none that is in the index is empty. */
export class RowSets implements Sought {
  readonly index: RowIndex
  readonly #rows: RowPlaces
  readonly #sets: SlotIndex
  readonly #order: SlotOrder
  /** By slot: its set. */
  #setOf: Uint32Array
  /** By set: its hash; of one that is free, the next free one. */
  #hashes: Int32Array
  #free = 0
  #made = 0
  /** What is looked for. */
  readonly #sought: Value[] = []

  constructor(index: RowIndex, rows: RowPlaces, slotsMax: number) {
    this.index = index
    this.#rows = rows
    this.#sets = new SlotIndex(slotsMax)
    this.#order = new SlotOrder(rows.created, slotsMax, slotsMax)
    this.#setOf = new Uint32Array(slotsMax + 1)
    this.#hashes = new Int32Array(slotsMax + 1)
  }

  /** The set of the rows with these values, or 0. Throws `ModuleMisuse` where they are of other types. */
  find(values: readonly unknown[]): number {
    this.#rows.schema.seek(this.index, values, this.#sought)
    return this.#sets.find(hashOfSought(this.#sought), this)
  }

  count(set: number): number {
    return this.#order.count(set)
  }

  /** The slot of the oldest row in a set. */
  first(set: number): number {
    return this.#order.first(set)
  }

  /** The slot of the next one in its set, or 0. */
  next(slot: number): number {
    return this.#order.next(slot)
  }

  /** Adds the row in `slot`, whose bytes are where they belong. */
  add(slot: number, row: Row): void {
    const sought = this.#sought
    this.#rows.schema.seekRow(this.index, row, sought)
    const hash = hashOfSought(sought)
    let set = this.#sets.find(hash, this)
    if (set === 0) {
      set = this.#freshSet()
      this.#hashes[set] = hash
      this.#sets.add(hash, set)
    }
    this.#setOf[slot] = set
    this.#order.add(set, slot)
  }

  /** Takes a row out. */
  delete(slot: number): void {
    const set = this.#setOf[slot] as number
    this.#order.delete(set, slot)
    if (this.#order.count(set) > 0) return
    this.#sets.delete(this.#hashes[set] as number, set)
    this.#hashes[set] = this.#free
    this.#free = set
  }

  /** Whether what is sought finds the rows of this set. */
  isAt(set: number): boolean {
    const { schema, memory, places } = this.#rows
    const place = places[this.#order.first(set)] as number
    return schema.isFound(this.index, memory.words(place), byteOf(place), this.#sought)
  }

  grow(slotsMax: number): void {
    this.#sets.grow(slotsMax)
    this.#order.grow(slotsMax, slotsMax)
    this.#setOf = grown(this.#setOf, new Uint32Array(slotsMax + 1))
    this.#hashes = grown(this.#hashes, new Int32Array(slotsMax + 1))
  }

  #freshSet(): number {
    const set = this.#free
    if (set === 0) return ++this.#made
    this.#free = this.#hashes[set] as number
    return set
  }
}
