// Reading the state's bytes: sections and runs of whole rows out of chunks. Knows how they are laid
// out and not what they mean; import-state.ts does.

import { readF64, type Words, wordsOver } from '../protocol/index.ts'
import { EngineFault } from './fault.ts'
import { SECTION_HEAD } from './state-layout.ts'

/** Most rows of one run. */
export const RUN_ROWS = 4_096

/** Reads a state from its chunks, in order. Throws `EngineFault` of kind `state`. */
export class StateInput {
  readonly #chunks: Iterator<Uint8Array>
  #words: Words = wordsOver(new ArrayBuffer(0))
  #at = 0
  #end = 0

  constructor(chunks: Iterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.iterator]()
  }

  /**
   * Reads a section: `visit` gets every run of `count` rows, which begins at `at` of `words`; `begin`
   * hears before how many rows there are.
   */
  readSection(
    what: number,
    rowBytes: number,
    rowsMax: number,
    visit: (words: Words, at: number, count: number) => void,
    begin: (rows: number) => void = () => {},
  ): void {
    const rows = this.#readHead(what, rowBytes)
    if (rows > rowsMax) {
      const sentence = `the state has ${rows} rows in section ${what}, the tables ${rowsMax}`
      throw new EngineFault('capacity', 0, sentence)
    }
    begin(rows)
    for (let left = rows; left > 0; ) {
      if (this.#at === this.#end) this.#next()
      const whole = ((this.#end - this.#at) / rowBytes) | 0
      const count = Math.min(left, whole, RUN_ROWS) | 0
      if (count === 0) throw stateFault(`a row of section ${what} is cut`)
      visit(this.#words, this.#at, count)
      this.#at += count * rowBytes
      left -= count
    }
  }

  #readHead(what: number, rowBytes: number): number {
    if (this.#at === this.#end) this.#next()
    const { u32 } = this.#words
    const at = this.#at
    if (at + SECTION_HEAD.bytes > this.#end || u32[(at + SECTION_HEAD.what) >>> 2] !== what) {
      throw stateFault(`section ${what} is not where it belongs`)
    }
    if (u32[(at + SECTION_HEAD.rowBytes) >>> 2] !== rowBytes) {
      throw stateFault(`section ${what} has rows of another length`)
    }
    const rows = readF64(this.#words, at + SECTION_HEAD.rows)
    if (!(Number.isSafeInteger(rows) && rows >= 0)) throw stateFault(`${rows} rows`)
    this.#at = at + SECTION_HEAD.bytes
    return rows
  }

  #next(): void {
    const { done, value } = this.#chunks.next()
    if (done === true) throw stateFault('the state ends too soon')
    if (value.length === 0 || ((value.byteOffset | value.length) & 7) !== 0) {
      throw stateFault(`a chunk of ${value.length} bytes at ${value.byteOffset}`)
    }
    this.#words = wordsOver(value.buffer as ArrayBuffer, value.byteOffset, value.length)
    this.#at = 0
    this.#end = value.length
  }

  /** Throws where there is more. */
  finish(): void {
    if (this.#at !== this.#end || this.#chunks.next().done !== true) {
      throw stateFault('there are bytes after the last section')
    }
  }
}

/** Bytes that were to be imported are no state. */
export function stateFault(sentence: string): EngineFault {
  return new EngineFault('state', 0, `this is no state: ${sentence}`)
}
