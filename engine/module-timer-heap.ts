// Timers by when they are due: a binary heap in which each knows its place, so that a cancel takes it
// out then and there. Nothing dead is left behind, and the first is always one that will fire.

import { type Created, compareCreated } from './module-creation.ts'

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

/** A timer in the heap. */
export interface SetTimer extends Timer {
  dueMs: number
  /** Its place in the heap. */
  place: number
}

/** See the head of this file. */
export class TimerHeap {
  readonly #heap: SetTimer[] = []

  get count(): number {
    return this.#heap.length
  }

  /** The one that fires first. */
  get first(): SetTimer | undefined {
    return this.#heap[0]
  }

  /** All, in no order that means anything. */
  get all(): readonly SetTimer[] {
    return this.#heap
  }

  /** Adds one that is not in the heap. */
  add(timer: SetTimer): void {
    timer.place = this.#heap.length
    this.#heap.push(timer)
    this.#rise(timer)
  }

  /** Takes out one that is in the heap. */
  delete(timer: SetTimer): void {
    const last = this.#heap.pop() as SetTimer
    if (last === timer) return
    this.#put(last, timer.place)
    this.#settle(last)
  }

  /** Has one that is in the heap fire at another time. */
  move(timer: SetTimer, dueMs: number): void {
    timer.dueMs = dueMs
    this.#settle(timer)
  }

  #settle(timer: SetTimer): void {
    const { place } = timer
    this.#rise(timer)
    if (timer.place === place) this.#sink(timer)
  }

  #rise(timer: SetTimer): void {
    let { place } = timer
    while (place > 0) {
      const parent = this.#heap[(place - 1) >>> 1] as SetTimer
      if (compareTimers(parent, timer) < 0) break
      const above = parent.place
      this.#put(parent, place)
      place = above
    }
    this.#put(timer, place)
  }

  #sink(timer: SetTimer): void {
    const heap = this.#heap
    let { place } = timer
    for (;;) {
      let n = 2 * place + 1
      if (n >= heap.length) break
      if (n + 1 < heap.length && compareTimers(heap[n + 1] as SetTimer, heap[n] as SetTimer) < 0)
        n++
      const child = heap[n] as SetTimer
      if (compareTimers(timer, child) < 0) break
      this.#put(child, place)
      place = n
    }
    this.#put(timer, place)
  }

  #put(timer: SetTimer, place: number): void {
    timer.place = place
    this.#heap[place] = timer
  }
}
