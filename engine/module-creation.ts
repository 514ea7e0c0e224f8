// Creation numbers, and sets that are kept in their order. What a module makes is numbered by the
// record that made it and by how many it made before: numbers that depend on the journal alone, where
// the order of a Map also tells of what was undone and of the last restore.

import { EngineFault } from './fault.ts'

/** Something that was made: by the record `sequence`, as the one with the number `index`, from 0. */
export interface Created {
  readonly sequence: number
  readonly index: number
}

/** Which of two was made first: below 0 where `a` was. */
export function compareCreated(a: Created, b: Created): number {
  return a.sequence === b.sequence ? a.index - b.index : a.sequence - b.sequence
}

/** Gives creation numbers, ascending, and takes back those of what is undone. */
export class CreationNumbers {
  sequence = 0
  #next = 0
  #isOn = false
  #sequenceBefore = 0
  #nextBefore = 0

  /** Whether numbers are given: between `begin` and `commit` or `rollback`. */
  get isOn(): boolean {
    return this.#isOn
  }

  /** What was numbered last, or before everything. */
  get last(): Created {
    return { sequence: this.sequence, index: this.#next - 1 }
  }

  /** Numbers are given for `sequence` from here on; after the last one's, where it is the same. */
  begin(sequence: number): void {
    if (sequence < this.sequence) {
      throw new EngineFault('invariant', sequence, `modules were at ${this.sequence} before`)
    }
    if (!this.#isOn) {
      this.#isOn = true
      this.#sequenceBefore = this.sequence
      this.#nextBefore = this.#next
    }
    if (sequence !== this.sequence) this.#next = 0
    this.sequence = sequence
  }

  /** The next index of `sequence`. */
  take(): number {
    return this.#next++
  }

  /** Numbers go on after those of something that was imported. */
  follow(created: Created): void {
    this.sequence = created.sequence
    this.#next = created.index + 1
  }

  commit(): void {
    this.#isOn = false
  }

  /** Numbers go on as if the first `begin` since the last end had not been. */
  rollback(): void {
    if (!this.#isOn) return
    this.#isOn = false
    this.sequence = this.#sequenceBefore
    this.#next = this.#nextBefore
  }
}

/** Most in one run: a search halves it seven times, and what is moved for a new one is 1 KiB. */
const RUN_MAX = 128

/**
 * A set in order of creation: runs of up to 128, each in order and after the one before. What is added
 * last, or taken out first, costs the same for any size; in the middle it costs the logarithm, and now
 * and then a move of one link for each run.
 */
export class CreationOrder<T extends Created> {
  readonly #runs: T[][] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  get first(): T | undefined {
    return this.#runs[0]?.[0]
  }

  get last(): T | undefined {
    return this.#runs.at(-1)?.at(-1)
  }

  /** Adds one that is not in the set. */
  add(item: T): void {
    this.#count++
    const run = this.#runs.at(-1)
    if (run === undefined) {
      this.#runs.push([item])
    } else if (compareCreated(run[run.length - 1] as T, item) < 0) {
      if (run.length < RUN_MAX) run.push(item)
      else this.#runs.push([item])
    } else {
      this.#insert(item)
    }
  }

  /** Takes out one that is in the set. */
  delete(item: T): void {
    const n = this.#runOf(item)
    const run = this.#runs[n] as T[]
    const place = placeIn(run, item)
    if (run[place] !== item) {
      throw new EngineFault(
        'invariant',
        item.sequence,
        'what was to be taken out is not in the set',
      )
    }
    this.#count--
    if (run.length === 1) {
      if (n === 0) this.#runs.shift()
      else this.#runs.splice(n, 1)
    } else if (place === 0) {
      run.shift()
    } else if (place === run.length - 1) {
      run.pop()
    } else {
      run.splice(place, 1)
    }
  }

  /** Visits up to `limit` from the oldest on. */
  visit(limit: number, visit: (item: T) => void): void {
    let left = limit
    for (const run of this.#runs) {
      for (let i = 0; i < run.length; i++) {
        if (left-- <= 0) return
        visit(run[i] as T)
      }
    }
  }

  /** All, from the oldest on. */
  *[Symbol.iterator](): Generator<T, void> {
    for (const run of this.#runs) yield* run
  }

  #insert(item: T): void {
    const n = this.#runOf(item)
    const run = this.#runs[n] as T[]
    run.splice(placeIn(run, item), 0, item)
    if (run.length > RUN_MAX) this.#runs.splice(n + 1, 0, run.splice(RUN_MAX >>> 1))
  }

  /** The first run whose last is not older than `item`; there is one. */
  #runOf(item: T): number {
    const runs = this.#runs
    let low = 0
    let high = runs.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      const run = runs[middle] as T[]
      if (compareCreated(run[run.length - 1] as T, item) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The place of the first in a run that is not older than `item`. */
function placeIn<T extends Created>(run: readonly T[], item: T): number {
  let low = 0
  let high = run.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareCreated(run[middle] as T, item) < 0) low = middle + 1
    else high = middle
  }
  return low
}
