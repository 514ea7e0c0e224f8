// Creation numbers. What a module makes is numbered by the record that made it and by how many it made
// before: numbers that depend on the journal alone, where the order of a Map also tells of what was undone
// and of the last restore.

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
