// Rows that were read lately, as objects: a row out of its bytes costs a microsecond, and a few customers
// and tariffs are read for every call. Says nothing of what a row is.

import type { Row } from './module-rows.ts'

/** Rows that are kept: a power of two. */
const LINES = 4_096

/** See the head of this file. */
export class RowCache {
  readonly #slots = new Uint32Array(LINES)
  readonly #rows = new Array<Row | undefined>(LINES).fill(undefined)

  /** The row of a slot, or undefined where it is not kept. */
  get(slot: number): Row | undefined {
    const line = slot & (LINES - 1)
    return this.#slots[line] === slot ? this.#rows[line] : undefined
  }

  /** Keeps a row until another one takes its line. */
  put(slot: number, row: Row): void {
    const line = slot & (LINES - 1)
    this.#slots[line] = slot
    this.#rows[line] = row
  }

  /** The row of a slot is not what it was. */
  drop(slot: number): void {
    const line = slot & (LINES - 1)
    if (this.#slots[line] !== slot) return
    this.#slots[line] = 0
    this.#rows[line] = undefined
  }
}
