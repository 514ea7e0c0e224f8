// The undo log: what a chain did, so that it can be taken back. Entries name the inverse of one change
// of the book; they are taken back in reverse order, so each finds what it left.

/** What an entry takes back; see `Book.rollback`. */
export const UNDO = {
  hold: 1,
  post: 2,
  creditLimit: 3,
  flags: 4,
  openAccount: 5,
  addReservation: 6,
  amounts: 7,
  end: 8,
  leaveGroup: 9,
  expiresAt: 10,
  leaveWheel: 11,
  groupId: 12,
} as const

const ENTRIES_AT_FIRST = 1_024

/** A stack of entries of three slots and three numbers each; grows by doubling, off the fast path. */
export class UndoLog {
  #ops = new Int32Array(ENTRIES_AT_FIRST * 4)
  #numbers = new Float64Array(ENTRIES_AT_FIRST * 3)
  #count = 0
  /** Whether changes are to be noted. */
  isOn = false

  get count(): number {
    return this.#count
  }

  push(op: number, a: number, b: number, c: number, x: number, y: number, z: number): void {
    if (this.#count * 4 === this.#ops.length) this.#grow()
    const o = this.#count * 4
    const n = this.#count * 3
    this.#ops[o] = op
    this.#ops[o + 1] = a
    this.#ops[o + 2] = b
    this.#ops[o + 3] = c
    this.#numbers[n] = x
    this.#numbers[n + 1] = y
    this.#numbers[n + 2] = z
    this.#count++
  }

  #grow(): void {
    const ops = new Int32Array(this.#ops.length * 2)
    const numbers = new Float64Array(this.#numbers.length * 2)
    ops.set(this.#ops)
    numbers.set(this.#numbers)
    this.#ops = ops
    this.#numbers = numbers
  }

  /** Takes the youngest entry off; `op`, `a` ... `z` then read it. */
  pop(): void {
    this.#count--
  }

  get op(): number {
    return this.#ops[this.#count * 4] as number
  }

  get a(): number {
    return this.#ops[this.#count * 4 + 1] as number
  }

  get b(): number {
    return this.#ops[this.#count * 4 + 2] as number
  }

  get c(): number {
    return this.#ops[this.#count * 4 + 3] as number
  }

  get x(): number {
    return this.#numbers[this.#count * 3] as number
  }

  get y(): number {
    return this.#numbers[this.#count * 3 + 1] as number
  }

  get z(): number {
    return this.#numbers[this.#count * 3 + 2] as number
  }

  /** Forgets everything: what was done stands. */
  clear(): void {
    this.#count = 0
  }
}
