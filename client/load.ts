// What is called and not answered, counted, and the bound on it: without one, a program that calls while
// nothing can be sent would fill its memory.

import { HoldfastFull } from './errors.ts'

/** Commands and queries without an answer: some 0.7 GB of calls where each is a call of its own. */
const COUNT_MAX = 524_288

/** Bytes of their records: reached before the count where metadata and long names make them long. */
const BYTES_MAX = 67_108_864

/** See the head of this file. */
export class Load {
  #count = 0
  #bytes = 0

  /** Counts records that are kept from now on. */
  add(count: number, bytes: number): void {
    this.#count += count
    this.#bytes += bytes
  }

  /** Counts records that are kept no longer. */
  remove(count: number, bytes: number): void {
    this.#count -= count
    this.#bytes -= bytes
  }

  /** Why `count` more may not be called now, or undefined. */
  refusal(count: number): HoldfastFull | undefined {
    if (this.#count + count <= COUNT_MAX && this.#bytes <= BYTES_MAX) return undefined
    return new HoldfastFull(COUNT_MAX, BYTES_MAX)
  }
}
