// The order in which reservations ended, for as long as they are remembered: links through their rows,
// which the expiry wheel has no use for by then.
//
// Sixteen lists, dealt out in turn: what ended n-th is in list n mod 16, so that whoever looks ahead at
// what will be forgotten follows sixteen links at once, where in one list each would be a cache miss of
// its own after the one before.

const LISTS = 16
const LAST_LIST = LISTS - 1

/** Rows with a link that is free for those which ended; a link is slot + 1, and 0 is none. */
export interface LinkedRows {
  next(slot: number): number
  setNext(slot: number, link: number): void
}

/** See the head of this file. */
export class EndedOrder {
  private readonly rows: LinkedRows
  /** The oldest and the youngest slot + 1 of each list. */
  readonly #first = new Int32Array(LISTS)
  readonly #last = new Int32Array(LISTS)
  /** The list that the oldest of all is in. */
  #oldestList = 0
  /** How many there are. */
  count = 0
  /** While a state is restored: slot + 1 by place in the order, how many there are, and may be. */
  #restored = new Int32Array(0)
  #restoredCount = 0
  #restoredMax = 0

  constructor(rows: LinkedRows) {
    this.rows = rows
  }

  /** The slot that ended first, or -1. */
  get oldest(): number {
    return (this.#first[this.#oldestList] as number) - 1
  }

  /** Adds the slot that ended last. Gives back the link to the one before it in its list, for `pop`. */
  push(slot: number): number {
    const rows = this.rows
    const list = (this.#oldestList + this.count++) & LAST_LIST
    const last = this.#last[list] as number
    rows.setNext(slot, 0)
    if (last === 0) this.#first[list] = slot + 1
    else rows.setNext(last - 1, slot + 1)
    this.#last[list] = slot + 1
    return last
  }

  /** Takes the slot out that `push` added last, and gave back `before` for. */
  pop(slot: number, before: number): void {
    const list = (this.#oldestList + this.count - 1) & LAST_LIST
    if (this.count === 0 || this.#last[list] !== slot + 1) {
      throw new Error('only the newest end can be taken back')
    }
    // The one before may have been forgotten since.
    const isOnly = this.#first[list] === slot + 1
    const previous = isOnly ? 0 : before
    this.#last[list] = previous
    if (isOnly) this.#first[list] = 0
    else this.rows.setNext(previous - 1, 0)
    this.count--
  }

  /** Takes out the slot that ended first; there is one. Gives it back. */
  shift(): number {
    const list = this.#oldestList
    const slot = (this.#first[list] as number) - 1
    const next = this.rows.next(slot)
    this.#first[list] = next
    if (next === 0) this.#last[list] = 0
    this.#oldestList = (list + 1) & LAST_LIST
    this.count--
    return slot
  }

  /** Fills `slots` with the `count` that ended first; there are as many. */
  readOldest(slots: Int32Array, count: number): void {
    const rows = this.rows
    const first = this.#first
    const start = this.#oldestList
    for (let n = 0; n < count && n < LISTS; n++) {
      slots[n] = (first[(start + n) & LAST_LIST] as number) - 1
    }
    for (let n = LISTS; n < count; n++) slots[n] = rows.next(slots[n - LISTS] as number) - 1
  }

  /** Before the first `restore`: there will be `countMax` at most. */
  beginRestore(countMax: number): void {
    this.#restoredMax = countMax
  }

  /** Notes the slot that ended `place`-th, from 1; false where another one did, or there are not so many. */
  restore(slot: number, place: number): boolean {
    if (place > this.#restoredMax) return false
    if (place > this.#restored.length) {
      const length = Math.min(Math.max(place, this.#restored.length * 2), this.#restoredMax)
      const restored = new Int32Array(length)
      restored.set(this.#restored)
      this.#restored = restored
    }
    if (this.#restored[place - 1] !== 0) return false
    this.#restored[place - 1] = slot + 1
    this.#restoredCount++
    return true
  }

  /** After the last `restore`: adds them in order; false where the places have gaps. */
  finishRestore(): boolean {
    const links = this.#restored
    this.#restored = new Int32Array(0)
    for (let n = 0; n < this.#restoredCount; n++) {
      if (links[n] === 0) return false
      this.push((links[n] as number) - 1)
    }
    return true
  }

  /** All slots, from the one that ended first on. */
  *slots(): Generator<number, void> {
    const links = this.#first.slice()
    for (let n = 0; n < this.count; n++) {
      const list = (this.#oldestList + n) & LAST_LIST
      const slot = (links[list] as number) - 1
      links[list] = this.rows.next(slot)
      yield slot
    }
  }
}
