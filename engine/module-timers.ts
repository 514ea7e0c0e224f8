// One module's timers, by what they are called and by when they are due, with an undo log of their own.
// Says what is due; the host calls the handlers.
//
// A timer's bytes, which snapshots take: u32 bytes of the whole, u32 index, double sequence, double
// dueMs, and the texts of its kind and key as in module-bytes.ts.

import { allocateWords, TIME_MS_MAX, type Words, writeF64 } from '../protocol/index.ts'
import { EngineFault } from './fault.ts'
import {
  isSame,
  lengthAt,
  readText,
  TEXT_BYTES_MAX,
  textBytes,
  textFault,
  writeText,
} from './module-bytes.ts'
import { CreationNumbers, compareCreated } from './module-creation.ts'
import { ModuleFull, ModuleMisuse } from './module-errors.ts'
import { KeyMap } from './module-key-map.ts'
import { show } from './module-schema.ts'
import { type SetTimer, type Timer, TimerHeap } from './module-timer-heap.ts'
import { stateFault } from './state-input.ts'

/** Most timers of one module: what a Map takes, as for `MODULE_ROWS_MAX`. */
export const MODULE_TIMERS_MAX = 8_388_608

export { compareTimers, type Timer } from './module-timer-heap.ts'

/** Offsets in a timer's bytes. */
export const MODULE_TIMER = { bytes: 0, index: 4, sequence: 8, dueMs: 16, texts: 24 } as const

/** What the longest timer fits in. */
export const MODULE_TIMER_BYTES_MAX: number = MODULE_TIMER.texts + 2 * TEXT_BYTES_MAX

/** One change, as what takes it back needs it. */
interface TimerChange {
  readonly what: 'add' | 'move' | 'delete'
  readonly timer: SetTimer
  readonly dueMsBefore: number
}

/**
 * The timers of one module. The host calls `begin` before a handler and `commit` or `rollback` after
 * it; outside of that `set` and `cancel` throw `ModuleMisuse`.
 */
export class ModuleTimers {
  readonly #module: string
  readonly #byKind: ReadonlyMap<string, KeyMap<string, SetTimer>>
  readonly #heap = new TimerHeap()
  readonly #numbers = new CreationNumbers()
  readonly #changes: TimerChange[] = []
  readonly #encoded = allocateWords(MODULE_TIMER_BYTES_MAX)
  #nowMs = 0

  /** `kinds` are the names of the module's timer handlers. */
  constructor(module: string, kinds: readonly string[]) {
    this.#module = module
    this.#byKind = new Map(kinds.map((kind) => [kind, new KeyMap()]))
  }

  /** Timers that are set. */
  get count(): number {
    return this.#heap.count
  }

  /** The first to be due, or undefined. It may be moved later. */
  get next(): Timer | undefined {
    return this.#heap.first
  }

  /** When the first is due, exactly; Infinity where none is set. */
  get nextDueMs(): number {
    return this.#heap.first?.dueMs ?? Number.POSITIVE_INFINITY
  }

  /** Takes out the first that is due at or before `timeMs`, for good; before its handler's `begin`. */
  takeDue(timeMs: number): Timer | undefined {
    if (this.#numbers.isOn) {
      throw new EngineFault('invariant', this.#numbers.sequence, 'a timer fires amid a command')
    }
    const timer = this.#heap.first
    if (timer === undefined || timer.dueMs > timeMs) return undefined
    this.#delete(timer)
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
    if (this.#changes.length > 0) this.#changes.length = 0
    this.#numbers.commit()
  }

  /** Takes back everything since the first `begin`, creation numbers too. */
  rollback(): void {
    for (;;) {
      const change = this.#changes.pop()
      if (change === undefined) break
      if (change.what === 'add') this.#delete(change.timer)
      else if (change.what === 'delete') this.#add(change.timer)
      else this.#heap.move(change.timer, change.dueMsBefore)
    }
    this.#numbers.rollback()
  }

  /**
   * Sets a timer for `atMs`, or moves it there. Throws `ModuleMisuse`, and `ModuleFull` where there are
   * `MODULE_TIMERS_MAX`.
   */
  set(kind: string, key: string, atMs: number): void {
    const timers = this.#timersOf('set', kind, key)
    if (!(Number.isSafeInteger(atMs) && atMs > this.#nowMs && atMs <= TIME_MS_MAX)) {
      const range = `later than now, ${this.#nowMs}, and at most ${TIME_MS_MAX}`
      throw this.#misuse(`set: ${kind} ${show(key)} at ${show(atMs)}: give a time in ms ${range}`)
    }
    const timer = timers.get(key)
    if (timer === undefined) return this.#setNew(kind, key, atMs)
    if (timer.dueMs === atMs) return
    this.#changes.push({ what: 'move', timer, dueMsBefore: timer.dueMs })
    this.#heap.move(timer, atMs)
  }

  /** Takes out a timer, where there is one. Throws `ModuleMisuse`. */
  cancel(kind: string, key: string): void {
    const timer = this.#timersOf('cancel', kind, key).get(key)
    if (timer === undefined) return
    this.#delete(timer)
    this.#changes.push({ what: 'delete', timer, dueMsBefore: timer.dueMs })
  }

  /** Length of all that `exportTimers` gives. Goes through all timers. */
  exportBytes(): number {
    let bytes = 0
    for (const { kind, key } of this.#heap.all) {
      bytes += MODULE_TIMER.texts + textBytes(kind) + textBytes(key)
    }
    return bytes
  }

  /**
   * The canonical bytes of every timer, in order of creation. Each is good until the next is asked for;
   * nothing may change from the first to the last.
   */
  *exportTimers(): Generator<Uint8Array, void> {
    const words = this.#encoded
    for (const timer of this.#heap.all.toSorted(compareCreated)) {
      yield words.u8.subarray(0, writeTimer(words, timer))
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
    this.#add(timer)
    this.#numbers.follow(timer)
    return bytes
  }

  #read(words: Words, at: number, end: number): SetTimer {
    const kind = readText(words, at + MODULE_TIMER.texts, end)
    const keyAt = at + MODULE_TIMER.texts + textBytes(kind ?? '')
    const key = readText(words, keyAt, end)
    const sequence = words.f64[(at + MODULE_TIMER.sequence) >>> 3] as number
    const index = words.u32[(at + MODULE_TIMER.index) >>> 2] as number
    const dueMs = words.f64[(at + MODULE_TIMER.dueMs) >>> 3] as number
    const timers = kind === undefined ? undefined : this.#byKind.get(kind)
    if (kind === undefined || key === undefined || timers === undefined) {
      throw stateFault(`a timer that ${this.#module} has not`)
    }
    if (timers.has(key)) throw stateFault(`two timers ${kind} ${show(key)} of ${this.#module}`)
    const timer = { kind, key, dueMs, sequence, index, place: 0 }
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
    const timer = { kind, key, dueMs, sequence, index: this.#numbers.take(), place: 0 }
    this.#add(timer)
    this.#changes.push({ what: 'add', timer, dueMsBefore: dueMs })
  }

  #timersOf(verb: string, kind: string, key: string): KeyMap<string, SetTimer> {
    if (!this.#numbers.isOn) {
      throw this.#misuse(`${verb}: a query changes nothing: make it a command or a timer`)
    }
    const timers = this.#byKind.get(kind)
    if (timers === undefined) {
      const names = [...this.#byKind.keys()].join(', ') || 'none'
      throw this.#misuse(`${verb}: no handler ${show(kind)} under the module's timers: ${names}`)
    }
    if (typeof key !== 'string') throw this.#misuse(`${verb} takes a key, a text, not ${show(key)}`)
    const fault = textFault(key)
    if (fault !== undefined) throw this.#misuse(`${verb}: the key of a timer ${fault}`)
    return timers
  }

  #misuse(sentence: string): ModuleMisuse {
    return new ModuleMisuse(`${this.#module}.timers.${sentence}`)
  }

  #add(timer: SetTimer): void {
    this.#byKind.get(timer.kind)?.set(timer.key, timer)
    this.#heap.add(timer)
  }

  #delete(timer: SetTimer): void {
    this.#byKind.get(timer.kind)?.delete(timer.key)
    this.#heap.delete(timer)
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
