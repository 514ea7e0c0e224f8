// The memory that a message of a stream is read in: copied out of uWebSockets' own, which is neither
// aligned nor there for long. One for all connections. Checks the head; the body is checked by
// stream-check.ts.

import { MESSAGE, MESSAGE_HEAD, STREAM_MESSAGE_BYTES_MAX, wordsOver } from '../protocol/index.ts'

/** A message as it was read; valid until the next one is. */
export class StreamInbox {
  readonly #head = wordsOver(new ArrayBuffer(STREAM_MESSAGE_BYTES_MAX))
  /** The bytes after the head, from 0. */
  readonly body = wordsOver(this.#head.u8.buffer as ArrayBuffer, MESSAGE_HEAD.bytes)
  type = 0
  count = 0
  bytes = 0

  /** Reads `message`, of `STREAM_MESSAGE_BYTES_MAX` at most; what is wrong with its head, or undefined. */
  read(message: ArrayBuffer): string | undefined {
    const length = message.byteLength
    if (length < MESSAGE_HEAD.bytes) return `A message has a head of ${MESSAGE_HEAD.bytes} bytes.`
    const { u8, u16, u32 } = this.#head
    u8.set(new Uint8Array(message))
    this.type = u8[MESSAGE_HEAD.type] as number
    this.count = u16[MESSAGE_HEAD.count >>> 1] as number
    this.bytes = u32[MESSAGE_HEAD.bodyBytes >>> 2] as number
    if (!isFromClient(this.type)) return `No message from a client has the type ${this.type}.`
    if (this.bytes !== length - MESSAGE_HEAD.bytes) {
      return `The head announces ${this.bytes} bytes and ${length - MESSAGE_HEAD.bytes} follow.`
    }
    if (u8[1] !== 0 || u32[2] !== 0 || u32[3] !== 0) return 'Bytes 1 and 8 to 16 of a head are 0.'
    if (this.count === 0) return 'A message holds at least one record or slot.'
    return undefined
  }
}

function isFromClient(type: number): boolean {
  return type === MESSAGE.commands || type === MESSAGE.queries || type === MESSAGE.names
}
