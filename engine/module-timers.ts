// One module's timers, by what they are called and by when they are due, with an undo log of their own.
// Says what is due; the host calls the handlers. A timer is its bytes and a slot in columns, as a row is.
//
// A timer's bytes, which snapshots take: u32 bytes of the whole, u32 index, double sequence, double
// dueMs, and the texts of its kind and key as in module-bytes.ts.

import { allocateWords, copyWords, TIME_MS_MAX, type Words, writeF64 } from '../protocol/index.ts'
import { EngineFault } from './fault.ts'
import { hashOfText } from './id-hash.ts'
import {
  endOfText,
  isSame,
  isText,
  lengthAt,
  ownText,
  readText,
  TEXT_BYTES_MAX,
  textBytes,
  textFault,
  writeText,
} from './module-bytes.ts'
import { CreationNumbers, compareCreated } from './module-creation.ts'
import { ModuleFull, ModuleMisuse } from './module-errors.ts'
import { byteOf, RowMemory } from './module-row-memory.ts'
import { show } from './module-schema.ts'
import { SlotIndex, type Sought } from './module-slot-index.ts'
import { grown } from './module-slot-order.ts'
import { type Timer, TimerHeap } from './module-timer-heap.ts'
import { stateFault } from './state-input.ts'

/** Most timers of one module: as many as `MODULE_ROWS_MAX`. */
export const MODULE_TIMERS_MAX = 8_388_608

export { compareTimers, type Timer } from './module-timer-heap.ts'

/** Offsets in a timer's bytes. */
export const MODULE_TIMER = { bytes: 0, index: 4, sequence: 8, dueMs: 16, texts: 24 } as const

/** What the longest timer fits in. */
export const MODULE_TIMER_BYTES_MAX: number = MODULE_TIMER.texts + 2 * TEXT_BYTES_MAX

/** Timers that there is room for at first, and how much more there is each time it does not do. */
const SLOTS_AT_FIRST = 1_024
const GROWTH = 8

/** One change, as what takes it back needs it. */
interface TimerChange {
  readonly what: 'add' | 'move' | 'delete'
  readonly slot: number
  readonly dueMsBefore: number
}

/**
 * The timers of one module. The host calls `begin` before a handler and `commit` or `rollback` after
 * it; outside of that `set` and `cancel` throw `ModuleMisuse`.
 */
export class ModuleTimers implements Sought {
  readonly #module: string
  readonly #kinds: readonly string[]
  readonly #memory = new RowMemory(MODULE_TIMER_BYTES_MAX)
  /** By slot, from 1: where its bytes are, or of a free one the next, and which of the kinds it is. */
  #places = new Uint32Array(SLOTS_AT_FIRST + 1)
  #kindOf = new Uint32Array(SLOTS_AT_FIRST + 1)
  readonly #index = new SlotIndex(SLOTS_AT_FIRST)
  readonly #heap = new TimerHeap(SLOTS_AT_FIRST)
  #slotsMax = SLOTS_AT_FIRST
  #free = 0
  #made = 0
  #bytes = 0
  /** What is looked for. */
  #kind = 0
  #key = ''
  readonly #numbers = new CreationNumbers()
  readonly #changes: TimerChange[] = []
  readonly #encoded = allocateWords(MODULE_TIMER_BYTES_MAX)
  #nowMs = 0

  /** `kinds` are the names of the module's timer handlers. */
  constructor(module: string, kinds: readonly string[]) {
    this.#module = module
    this.#kinds = [...kinds]
  }

  /** Timers that are set. */
  get count(): number {
    return this.#heap.count
  }

  /** The first to be due, or undefined. */
  get next(): Timer | undefined {
    const slot = this.#heap.first
    return slot === 0 ? undefined : this.#timer(slot)
  }

  /** When the first is due, exactly; Infinity where none is set. */
  get nextDueMs(): number {
    const slot = this.#heap.first
    return slot === 0 ? Number.POSITIVE_INFINITY : this.#heap.dueMs(slot)
  }

  /** Takes out the first that is due at or before `timeMs`, for good; before its handler's `begin`. */
  takeDue(timeMs: number): Timer | undefined {
    if (this.#numbers.isOn) {
      throw new EngineFault('invariant', this.#numbers.sequence, 'a timer fires amid a command')
    }
    const slot = this.#heap.first
    if (slot === 0 || this.#heap.dueMs(slot) > timeMs) return undefined
    const timer = this.#timer(slot)
    this.#unlink(slot)
    this.#release(slot)
    return timer
  }

  /**
   * Changes are allowed and noted from here on; `nowMs` is what timers are to be later than. Creation
   * numbers and chains are as in `ModuleTables.begin`.
   */
  begin(sequence: number, nowMs: number): void {
    this.#numbers.begin(sequence)
    this.#nowMs = nowMs
  }

  /** What was done stands. */
  commit(): void {
    const changes = this.#changes
    for (let n = 0; n < changes.length; n++) {
      const { what, slot } = changes[n] as TimerChange
      if (what === 'delete') this.#release(slot)
    }
    if (changes.length > 0) changes.length = 0
    this.#numbers.commit()
  }

  /** Takes back everything since the first `begin`, creation numbers too. */
  rollback(): void {
    for (;;) {
      const change = this.#changes.pop()
      if (change === undefined) break
      const { what, slot, dueMsBefore } = change
      if (what === 'add') {
        this.#unlink(slot)
        this.#release(slot)
      } else if (what === 'delete') {
        this.#link(slot, dueMsBefore)
      } else {
        this.#move(slot, dueMsBefore)
      }
    }
    this.#numbers.rollback()
  }

  /**
   * Sets a timer for `atMs`, or moves it there. Throws `ModuleMisuse`, and `ModuleFull` where there are
   * `MODULE_TIMERS_MAX`.
   */
  set(kind: string, key: string, atMs: number): void {
    const place = this.#kindFor('set', kind, key)
    if (!(Number.isSafeInteger(atMs) && atMs > this.#nowMs && atMs <= TIME_MS_MAX)) {
      const range = `later than now, ${this.#nowMs}, and at most ${TIME_MS_MAX}`
      throw this.#misuse(`set: ${kind} ${show(key)} at ${show(atMs)}: give a time in ms ${range}`)
    }
    const slot = this.#find(place, key)
    if (slot === 0) return this.#setNew(kind, key, atMs)
    const dueMsBefore = this.#heap.dueMs(slot)
    if (dueMsBefore === atMs) return
    this.#changes.push({ what: 'move', slot, dueMsBefore })
    this.#move(slot, atMs)
  }

  /** Takes out a timer, where there is one. Throws `ModuleMisuse`. */
  cancel(kind: string, key: string): void {
    const slot = this.#find(this.#kindFor('cancel', kind, key), key)
    if (slot === 0) return
    const dueMsBefore = this.#heap.dueMs(slot)
    this.#unlink(slot)
    this.#changes.push({ what: 'delete', slot, dueMsBefore })
  }

  /** Length of all that `exportTimers` gives. */
  exportBytes(): number {
    return this.#bytes
  }

  /**
   * The canonical bytes of every timer, in order of creation. Each is good until the next is asked for;
   * nothing may change from the first to the last.
   */
  *exportTimers(): Generator<Uint8Array, void> {
    for (const slot of this.#heap.inOrder()) {
      const place = this.#places[slot] as number
      const at = byteOf(place)
      yield this.#memory.words(place).u8.subarray(at, at + this.#lengthAt(place))
    }
  }

  /**
   * Adds the timer that `exportTimers` gave, at byte `at` of `words`, a multiple of 8; gives back its
   * length, which is its first u32. Throws `EngineFault` of kind `state`.
   */
  importTimer(words: Words, at: number): number {
    const bytes = lengthAt(words, at, MODULE_TIMER.texts)
    if (bytes === 0) throw stateFault(`a timer of ${this.#module} is cut`)
    const timer = this.#read(words, at, at + bytes)
    const last = this.#numbers.last
    if (this.count >= MODULE_TIMERS_MAX) throw stateFault(`too many timers of ${this.#module}`)
    if (this.count > 0 && compareCreated(timer, last) <= 0) {
      throw stateFault(`a timer of ${this.#module} that is not where it belongs`)
    }
    this.#add(timer, bytes)
    this.#numbers.follow(timer)
    return bytes
  }

  /** The timer at `at`, whose bytes are in `encoded` after it. */
  #read(words: Words, at: number, end: number): Timer {
    const kind = readText(words, at + MODULE_TIMER.texts, end)
    const keyAt = at + MODULE_TIMER.texts + textBytes(kind ?? '')
    const key = readText(words, keyAt, end)
    const sequence = words.f64[(at + MODULE_TIMER.sequence) >>> 3] as number
    const index = words.u32[(at + MODULE_TIMER.index) >>> 2] as number
    const dueMs = words.f64[(at + MODULE_TIMER.dueMs) >>> 3] as number
    const place = this.#kinds.indexOf(kind ?? '')
    if (kind === undefined || key === undefined || place === -1) {
      throw stateFault(`a timer that ${this.#module} has not`)
    }
    if (this.#find(place, key) !== 0) {
      throw stateFault(`two timers ${kind} ${show(key)} of ${this.#module}`)
    }
    const timer = { kind, key, dueMs, sequence, index }
    const isInRange = isCount(sequence) && isCount(dueMs) && dueMs > 0 && dueMs <= TIME_MS_MAX
    if (
      !isInRange ||
      !isSame(words, at, end - at, this.#encoded, writeTimer(this.#encoded, timer))
    ) {
      throw stateFault(`a timer of ${this.#module} that no engine writes`)
    }
    return timer
  }

  #setNew(kind: string, key: string, dueMs: number): void {
    if (this.count >= MODULE_TIMERS_MAX) {
      throw new ModuleFull(`${this.#module} has its ${MODULE_TIMERS_MAX} timers: cancel some`)
    }
    const { sequence } = this.#numbers
    const timer = { kind, key, dueMs, sequence, index: this.#numbers.take() }
    const slot = this.#add(timer, writeTimer(this.#encoded, timer))
    this.#changes.push({ what: 'add', slot, dueMsBefore: dueMs })
  }

  /** Which of the kinds it is, if a timer may be changed now, and named so. */
  #kindFor(verb: string, kind: string, key: string): number {
    if (!this.#numbers.isOn) {
      throw this.#misuse(`${verb}: a query changes nothing: make it a command or a timer`)
    }
    const place = this.#kinds.indexOf(kind)
    if (place === -1) {
      const names = this.#kinds.join(', ') || 'none'
      throw this.#misuse(`${verb}: no handler ${show(kind)} under the module's timers: ${names}`)
    }
    if (typeof key !== 'string') throw this.#misuse(`${verb} takes a key, a text, not ${show(key)}`)
    const fault = textFault(key)
    if (fault !== undefined) throw this.#misuse(`${verb}: the key of a timer ${fault}`)
    return place
  }

  #misuse(sentence: string): ModuleMisuse {
    return new ModuleMisuse(`${this.#module}.timers.${sentence}`)
  }

  #find(kind: number, key: string): number {
    this.#kind = kind
    this.#key = key
    return this.#index.find(hashOfText(key, kind), this)
  }

  /** Whether what is looked for is in this slot. */
  isAt(slot: number): boolean {
    if (this.#kindOf[slot] !== this.#kind) return false
    const place = this.#places[slot] as number
    const words = this.#memory.words(place)
    return isText(words, endOfText(words, byteOf(place) + MODULE_TIMER.texts), this.#key)
  }

  /** Adds a timer whose `bytes` bytes are in `encoded`; gives back its slot. */
  #add(timer: Timer, bytes: number): number {
    const slot = this.#freshSlot()
    const place = this.#memory.take(bytes)
    copyWords(this.#encoded, 0, this.#memory.words(place), byteOf(place), bytes)
    this.#places[slot] = place
    this.#kindOf[slot] = this.#kinds.indexOf(timer.kind)
    this.#heap.created.set(slot, timer)
    this.#link(slot, timer.dueMs)
    return slot
  }

  #link(slot: number, dueMs: number): void {
    this.#bytes += this.#lengthAt(this.#places[slot] as number)
    this.#index.add(this.#hashOf(slot), slot)
    this.#heap.add(slot, dueMs)
  }

  /** The opposite of `#link`: slot and bytes stay, until they are released or linked again. */
  #unlink(slot: number): void {
    this.#bytes -= this.#lengthAt(this.#places[slot] as number)
    this.#index.delete(this.#hashOf(slot), slot)
    this.#heap.delete(slot)
  }

  #move(slot: number, dueMs: number): void {
    const place = this.#places[slot] as number
    writeF64(this.#memory.words(place), byteOf(place) + MODULE_TIMER.dueMs, dueMs)
    this.#heap.move(slot, dueMs)
  }

  #release(slot: number): void {
    const place = this.#places[slot] as number
    this.#memory.free(place, this.#lengthAt(place))
    this.#places[slot] = this.#free
    this.#free = slot
  }

  #freshSlot(): number {
    const slot = this.#free
    if (slot === 0) {
      if (this.#made === this.#slotsMax) this.#grow()
      return ++this.#made
    }
    this.#free = this.#places[slot] as number
    return slot
  }

  #grow(): void {
    this.#slotsMax *= GROWTH
    this.#places = grown(this.#places, new Uint32Array(this.#slotsMax + 1))
    this.#kindOf = grown(this.#kindOf, new Uint32Array(this.#slotsMax + 1))
    this.#index.grow(this.#slotsMax)
    this.#heap.grow(this.#slotsMax)
  }

  #timer(slot: number): Timer {
    const kind = this.#kinds[this.#kindOf[slot] as number] as string
    const { sequence, index } = this.#heap.created.of(slot)
    return { kind, key: this.#keyOf(slot), dueMs: this.#heap.dueMs(slot), sequence, index }
  }

  #keyOf(slot: number): string {
    const place = this.#places[slot] as number
    const words = this.#memory.words(place)
    const at = endOfText(words, byteOf(place) + MODULE_TIMER.texts)
    return ownText(words, this.#memory.buffer(place), at)
  }

  #hashOf(slot: number): number {
    return hashOfText(this.#keyOf(slot), this.#kindOf[slot] as number)
  }

  #lengthAt(place: number): number {
    return this.#memory.words(place).u32[(byteOf(place) + MODULE_TIMER.bytes) >>> 2] as number
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** Writes a timer's bytes from byte 0; gives back how many. */
function writeTimer(words: Words, timer: Timer): number {
  const end = writeText(words, writeText(words, MODULE_TIMER.texts, timer.kind), timer.key)
  words.u32[MODULE_TIMER.bytes >>> 2] = end
  words.u32[MODULE_TIMER.index >>> 2] = timer.index
  writeF64(words, MODULE_TIMER.sequence, timer.sequence)
  writeF64(words, MODULE_TIMER.dueMs, timer.dueMs)
  return end
}
