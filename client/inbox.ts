// Messages from the server, each copied once to memory that words can be read from in place.

import { allocateWords, MESSAGE_HEAD, type Words } from '../protocol/index.ts'
import { CarrierFault } from './carrier.ts'

/** A message whose head was checked; its body lies from 16 to `end`. Valid until the next one. */
export interface Incoming {
  readonly words: Words
  readonly type: number
  readonly count: number
  readonly end: number
}

/** Memory for one message at a time. */
export class Inbox {
  #words = allocateWords(65_536)

  /** Throws `CarrierFault` where the head is not what the bytes are. */
  read(fragments: readonly Uint8Array[]): Incoming {
    let bytes = 0
    for (const fragment of fragments) bytes += fragment.length
    if (bytes < MESSAGE_HEAD.bytes || (bytes & 7) !== 0) {
      throw new CarrierFault(`a message of ${bytes} bytes`)
    }
    if (bytes > this.#words.u8.length) this.#words = allocateWords(bytes * 2)
    const words = this.#words
    let at = 0
    for (const fragment of fragments) {
      words.u8.set(fragment, at)
      at += fragment.length
    }
    const bodyBytes = words.u32[MESSAGE_HEAD.bodyBytes >>> 2] as number
    if (bodyBytes !== bytes - MESSAGE_HEAD.bytes) {
      throw new CarrierFault(`a message of ${bytes} bytes whose head says ${bodyBytes}`)
    }
    return {
      words,
      type: words.u8[MESSAGE_HEAD.type] as number,
      count: words.u16[MESSAGE_HEAD.count >>> 1] as number,
      end: bytes,
    }
  }
}
