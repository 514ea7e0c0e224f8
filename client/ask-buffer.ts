// The queries and dry runs of one turn, as one message of the stream.

import {
  allocateWords,
  copyWords,
  MESSAGE,
  MESSAGE_HEAD,
  type Words,
  writeMessageHead,
} from '../protocol/index.ts'

/** Bytes of one message: 500 queries. */
const BYTES_MAX = 16_384

/** See the head of this file. */
export class AskBuffer {
  readonly #words = allocateWords(BYTES_MAX)
  #end = MESSAGE_HEAD.bytes
  #count = 0

  /** False: it is full. */
  add(record: Words, bytes: number): boolean {
    if (this.#end + bytes > BYTES_MAX) return false
    copyWords(record, 0, this.#words, this.#end, bytes)
    this.#end += bytes
    this.#count++
    return true
  }

  /** The message, or undefined where there is nothing; what `ws` takes it copies. */
  take(): Uint8Array | undefined {
    if (this.#count === 0) return undefined
    writeMessageHead(this.#words, 0, MESSAGE.queries, this.#count, this.#end - MESSAGE_HEAD.bytes)
    const message = this.#words.u8.slice(0, this.#end)
    this.clear()
    return message
  }

  clear(): void {
    this.#end = MESSAGE_HEAD.bytes
    this.#count = 0
  }
}
