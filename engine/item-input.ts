// Items of any length out of bytes that come in parts: each item begins with its own length, a u32, and is
// shown whole. Knows nothing of what is in them.

import { allocateWords, copyWords, type Words } from '../protocol/index.ts'
import { stateFault } from './state-input.ts'

/** Most items fit in at first; the memory doubles where one does not. */
const BYTES_AT_FIRST = 65_536

/** Beyond this no item is believed. */
const ITEM_BYTES_MAX = 16_777_216

/** See the head of this file. */
export class ItemInput {
  readonly #visit: (words: Words, at: number, bytes: number) => void
  #words = allocateWords(BYTES_AT_FIRST)
  #bytes = 0

  /** `visit` gets each item, which lies at `at` of `words`, a multiple of 8, until it returns. */
  constructor(visit: (words: Words, at: number, bytes: number) => void) {
    this.#visit = visit
  }

  /** Whether every item that began has ended. */
  get isEmpty(): boolean {
    return this.#bytes === 0
  }

  /** Adds bytes, a multiple of 8. Throws `EngineFault` of kind `state` where a length is none. */
  add(part: Uint8Array): void {
    this.#makeRoom(part.length)
    this.#words.u8.set(part, this.#bytes)
    this.#bytes += part.length
    let at = 0
    while (at < this.#bytes) {
      const bytes = this.#words.u32[at >>> 2] as number
      if (bytes === 0 || (bytes & 7) !== 0 || bytes > ITEM_BYTES_MAX) {
        throw stateFault(`an item of ${bytes} bytes`)
      }
      if (at + bytes > this.#bytes) break
      this.#visit(this.#words, at, bytes)
      at += bytes
    }
    this.#words.u8.copyWithin(0, at, this.#bytes)
    this.#bytes -= at
  }

  #makeRoom(bytes: number): void {
    let room = this.#words.u8.length
    if (this.#bytes + bytes <= room) return
    while (room < this.#bytes + bytes) room *= 2
    const larger = allocateWords(room)
    copyWords(this.#words, 0, larger, 0, this.#bytes)
    this.#words = larger
  }
}
