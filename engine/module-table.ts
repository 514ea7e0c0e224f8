// One table of a module, as its handlers see it: rows by key and by index. A row is its canonical bytes
// and a slot in columns; the objects that handlers see are made of the bytes. What it does it notes in the
// log that the module's tables share; module-tables.ts takes it back from there.

import { copyWords, type Words } from '../protocol/index.ts'
import { hashOfText } from './id-hash.ts'
import type { Value } from './module.ts'
import type { Created, CreationNumbers } from './module-creation.ts'
import { ModuleFull, ModuleMisuse } from './module-errors.ts'
import { RowCache } from './module-row-cache.ts'
import { byteOf, RowMemory } from './module-row-memory.ts'
import { type RowPlaces, RowSets } from './module-row-sets.ts'
import { MODULE_ROW, MODULE_ROW_BYTES_MAX, type Row, type RowSchema } from './module-rows.ts'
import { show } from './module-schema.ts'
import { SlotIndex, type Sought } from './module-slot-index.ts'
import { CreationColumns, grown, SlotOrder } from './module-slot-order.ts'

/** Rows that a table has room for at first. It gets all of its room when those do not do, once. */
const SLOTS_AT_FIRST = 16_384

/** The set of all rows, in order of creation. */
const ALL = 1

/** One change of a table. */
export interface TableChange {
  readonly table: RowTable
  readonly what: 'insert' | 'update' | 'remove'
  readonly key: string
  readonly slot: number
  /** Of an update, where the row's bytes were before it. */
  readonly placeBefore: number
}

/** What the tables of a module share. */
export interface TableLog {
  readonly numbers: CreationNumbers
  /** What was done since the first `begin`, in order. */
  readonly changes: TableChange[]
  /** Where a row is written at first. */
  readonly encoded: Words
}

/** A table. Its face for handlers is `Table` in module.ts, with rows of any schema. */
export class RowTable implements RowPlaces, Sought {
  readonly schema: RowSchema
  readonly memory = new RowMemory(MODULE_ROW_BYTES_MAX)
  readonly created: CreationColumns
  places: Uint32Array
  readonly #log: TableLog
  readonly #cache = new RowCache()
  readonly #keys: SlotIndex
  readonly #order: SlotOrder
  readonly #indexes: readonly RowSets[]
  #slotsMax: number
  #bytes = 0
  /** Slots count from 1. The first free one; in `places` of one that is free lies the next. */
  #free = 0
  #made = 0
  /** The key that is looked for. */
  #key = ''

  constructor(schema: RowSchema, log: TableLog) {
    const slotsMax = Math.min(schema.rowsMax, SLOTS_AT_FIRST)
    this.schema = schema
    this.#log = log
    this.#slotsMax = slotsMax
    this.places = new Uint32Array(slotsMax + 1)
    this.created = new CreationColumns(slotsMax)
    this.#keys = new SlotIndex(slotsMax)
    this.#order = new SlotOrder(this.created, slotsMax, ALL)
    this.#indexes = schema.indexes.map((index) => new RowSets(index, this, slotsMax))
  }

  get count(): number {
    return this.#order.count(ALL)
  }

  /** Length of all rows' bytes. */
  get bytes(): number {
    return this.#bytes
  }

  get(key: string): Row | undefined {
    if (typeof key !== 'string') throw this.#misuse(`get takes a key, a text, not ${show(key)}`)
    const slot = this.slotOf(key)
    return slot === 0 ? undefined : this.row(slot)
  }

  insert(values: Row): Row {
    this.#guardChange('insert', values)
    const row = this.schema.create(values)
    const key = this.schema.keyOf(row)
    if (this.slotOf(key) !== 0) {
      throw this.#misuse(
        `insert: there is a row ${show(key)} already: update it or take another key`,
      )
    }
    if (this.count >= this.schema.rowsMax) {
      const { title, rowsMax } = this.schema
      throw new ModuleFull(`${title} has its ${rowsMax} rows: remove some, or raise its rowsMax`)
    }
    const { numbers, changes, encoded } = this.#log
    const created = { sequence: numbers.sequence, index: numbers.take() }
    const slot = this.add(key, row, created, this.schema.write(encoded, 0, created, row))
    this.#cache.put(slot, row)
    changes.push({ table: this, what: 'insert', key, slot, placeBefore: 0 })
    return row
  }

  update(key: string, values: Partial<Row>): Row {
    this.#guardChange('update', values)
    const given = this.schema.given(values)
    const slot = this.#slotFor('update', key)
    const before = this.row(slot)
    const row = this.schema.change(before, given)
    if (row === before) return row
    const { changes, encoded } = this.#log
    const placeBefore = this.places[slot] as number
    const bytes = this.schema.write(encoded, 0, this.created.of(slot), row)
    this.#move(slot, before, row, this.#store(bytes))
    this.#cache.put(slot, row)
    changes.push({ table: this, what: 'update', key, slot, placeBefore })
    return row
  }

  remove(key: string): void {
    this.#guardChange('remove', NO_VALUES)
    const slot = this.#slotFor('remove', key)
    this.#unlink(key, slot)
    this.#log.changes.push({ table: this, what: 'remove', key, slot, placeBefore: 0 })
  }

  scan(name: string, values: readonly Value[], limit = Number.POSITIVE_INFINITY): Row[] {
    if (limit !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw this.#misuse(`scan takes a limit of 0 or more rows, not ${show(limit)}`)
    }
    const sets = this.#indexOf(name)
    const set = sets.find(values)
    const rows: Row[] = []
    if (set === 0) return rows
    let slot = sets.first(set)
    for (; slot !== 0 && rows.length < limit; slot = sets.next(slot)) rows.push(this.row(slot))
    return rows
  }

  countOf(name: string, values: readonly Value[]): number {
    const sets = this.#indexOf(name)
    const set = sets.find(values)
    return set === 0 ? 0 : sets.count(set)
  }

  /** The slot of the row with this key; 0 where there is none. */
  slotOf(key: string): number {
    this.#key = key
    return this.#keys.find(hashOfText(key, 0), this)
  }

  /** Whether the key that is looked for is that of the row in this slot. */
  isAt(slot: number): boolean {
    const place = this.places[slot] as number
    return this.schema.hasKey(this.memory.words(place), byteOf(place), this.#key)
  }

  /** The row in a slot that is taken. */
  row(slot: number): Row {
    const kept = this.#cache.get(slot)
    if (kept !== undefined) return kept
    const row = this.#decoded(this.places[slot] as number)
    this.#cache.put(slot, row)
    return row
  }

  /** The slots of all rows, in order of creation. */
  *slots(): Generator<number, void> {
    for (let slot = this.#order.first(ALL); slot !== 0; slot = this.#order.next(slot)) yield slot
  }

  /** All rows, in order of creation. */
  *rows(): Generator<Row, void> {
    for (const slot of this.slots()) yield this.#decoded(this.places[slot] as number)
  }

  /** The bytes of the row in a slot, good until the table changes. */
  bytesOf(slot: number): Uint8Array {
    const place = this.places[slot] as number
    const { u8 } = this.memory.words(place)
    const at = byteOf(place)
    return u8.subarray(at, at + this.#lengthAt(place))
  }

  /** Copies the bytes of the row in a slot to 0 of `to`; gives back how many. */
  copyBytes(slot: number, to: Words): number {
    const place = this.places[slot] as number
    const bytes = this.#lengthAt(place)
    copyWords(this.memory.words(place), byteOf(place), to, 0, bytes)
    return bytes
  }

  /** The row that was created last of those that are there. */
  get last(): Created | undefined {
    const slot = this.#order.last(ALL)
    return slot === 0 ? undefined : this.created.of(slot)
  }

  /** Adds a row whose key is new, and whose `bytes` bytes are in the log's `encoded`. */
  add(key: string, row: Row, created: Created, bytes: number): number {
    const slot = this.#freshSlot()
    this.places[slot] = this.#store(bytes)
    this.created.set(slot, created)
    this.#link(key, slot, row)
    return slot
  }

  /** Takes back what was done last of what is left. */
  takeBack({ what, key, slot, placeBefore }: TableChange): void {
    this.#cache.drop(slot)
    if (what === 'insert') {
      this.#unlink(key, slot)
      this.#release(slot)
    } else if (what === 'remove') {
      this.#link(key, slot, this.#decoded(this.places[slot] as number))
    } else {
      const place = this.places[slot] as number
      this.#move(slot, this.#decoded(place), this.#decoded(placeBefore), placeBefore)
      this.#giveBack(place)
    }
  }

  /** What was done stands: nothing of it can be taken back. */
  commit({ what, slot, placeBefore }: TableChange): void {
    if (what === 'remove') this.#release(slot)
    else if (what === 'update') this.#giveBack(placeBefore)
    // Most are not read again soon, and what is kept here outlives V8's young generation.
    else this.#cache.drop(slot)
  }

  /** Enters the row in a slot wherever rows are found. */
  #link(key: string, slot: number, row: Row): void {
    this.#bytes += this.#lengthAt(this.places[slot] as number)
    this.#keys.add(hashOfText(key, 0), slot)
    this.#order.add(ALL, slot)
    for (let n = 0; n < this.#indexes.length; n++) (this.#indexes[n] as RowSets).add(slot, row)
  }

  /** The opposite of `#link`: slot and bytes stay, until they are released or linked again. */
  #unlink(key: string, slot: number): void {
    this.#cache.drop(slot)
    this.#bytes -= this.#lengthAt(this.places[slot] as number)
    this.#keys.delete(hashOfText(key, 0), slot)
    this.#order.delete(ALL, slot)
    for (let n = 0; n < this.#indexes.length; n++) (this.#indexes[n] as RowSets).delete(slot)
  }

  /** The row in a slot, which was `before`, is `row` now, and its bytes are at `place`. */
  #move(slot: number, before: Row, row: Row, place: number): void {
    this.#bytes += this.#lengthAt(place) - this.#lengthAt(this.places[slot] as number)
    this.places[slot] = place
    for (let n = 0; n < this.#indexes.length; n++) {
      const sets = this.#indexes[n] as RowSets
      if (!this.schema.differ(sets.index, before, row)) continue
      sets.delete(slot)
      sets.add(slot, row)
    }
  }

  /** A place of their own for the bytes that were written. */
  #store(bytes: number): number {
    const place = this.memory.take(bytes)
    copyWords(this.#log.encoded, 0, this.memory.words(place), byteOf(place), bytes)
    return place
  }

  /** A slot that was unlinked is free. */
  #release(slot: number): void {
    this.#giveBack(this.places[slot] as number)
    this.places[slot] = this.#free
    this.#free = slot
  }

  #giveBack(place: number): void {
    this.memory.free(place, this.#lengthAt(place))
  }

  #lengthAt(place: number): number {
    return this.memory.words(place).u32[(byteOf(place) + MODULE_ROW.bytes) >>> 2] as number
  }

  #decoded(place: number): Row {
    return this.schema.row(this.memory.words(place), this.memory.buffer(place), byteOf(place))
  }

  #freshSlot(): number {
    const slot = this.#free
    if (slot === 0) {
      if (this.#made === this.#slotsMax) this.#grow()
      return ++this.#made
    }
    this.#free = this.places[slot] as number
    return slot
  }

  /** All the room at once: it is touched where rows are, and growing step by step takes longer. */
  #grow(): void {
    const { rowsMax } = this.schema
    // More than `rowsMax` where one command takes rows out and adds others: these slots are not free yet.
    const slotsMax = this.#slotsMax < rowsMax ? rowsMax : 2 * this.#slotsMax
    this.#slotsMax = slotsMax
    this.places = grown(this.places, new Uint32Array(slotsMax + 1))
    this.created.grow(slotsMax)
    this.#keys.grow(slotsMax)
    this.#order.grow(slotsMax, ALL)
    for (const sets of this.#indexes) sets.grow(slotsMax)
  }

  #indexOf(name: string): RowSets {
    for (const sets of this.#indexes) if (sets.index.name === name) return sets
    throw this.schema.noIndex(name)
  }

  #guardChange(verb: string, values: unknown): void {
    if (!this.#log.numbers.isOn) {
      throw this.#misuse(`${verb}: a query changes nothing: make it a command or a timer`)
    }
    if (typeof values !== 'object' || values === null) {
      throw this.#misuse(`${verb} takes an object of fields, not ${show(values)}`)
    }
  }

  #slotFor(verb: string, key: string): number {
    const slot = typeof key === 'string' ? this.slotOf(key) : 0
    if (slot !== 0) return slot
    throw this.#misuse(`${verb}: there is no row ${show(key)}: look with get before`)
  }

  #misuse(sentence: string): ModuleMisuse {
    return new ModuleMisuse(`${this.schema.title}.${sentence}`)
  }
}

/** What a removal takes. */
const NO_VALUES: Row = {}
