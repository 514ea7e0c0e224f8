// Where a stream's outcomes gather until they are sent: one message's memory, which grows with what
// there is to send and is dropped when there is nothing for a while.

import {
  allocateWords,
  copyWords,
  MESSAGE,
  MESSAGE_HEAD,
  OUTCOME,
  OUTCOME_BODY,
  OUTCOME_FLAG,
  statusOf,
  type Words,
  writeMessageHead,
} from '../protocol/index.ts'
import { STREAM_OUTBOX_BYTES, STREAM_OUTCOMES_BYTES } from './limits.ts'
import { writeRefusal } from './stream-messages.ts'

/** One stream's next message of outcomes. */
export class StreamOutbox {
  /** Outcomes that wait. */
  count = 0
  readonly #send: (message: Uint8Array) => void
  #words: Words | undefined
  #at: number = MESSAGE_HEAD.bytes
  #wasUsed = false

  /** `send` has copied the message when it returns. */
  constructor(send: (message: Uint8Array) => void) {
    this.#send = send
  }

  /** Adds the outcome of `bytes` bytes at `at` of `from`, under `token`; sends what was there if full. */
  put(from: Words, at: number, bytes: number, token: number): void {
    const words = this.#room(bytes)
    const to = this.#at
    copyWords(from, at, words, to, bytes)
    words.u32[(to + OUTCOME.token) >>> 2] = token
    this.#at = to + bytes
    this.count++
  }

  /** Adds the outcome at `at` of `from`, which is a head alone, with `body` behind it. */
  putWithBody(from: Words, at: number, token: number, body: string): void {
    this.put(from, at, OUTCOME.head, token)
    this.#addBody(body)
  }

  /** Adds the outcome of a record that was not journaled, and why where there are words for it. */
  putRefusal(status: number, kind: number, token: number, detail?: string): void {
    const words = this.#room(OUTCOME.head)
    writeRefusal(words, this.#at, status, kind, token)
    this.#at += OUTCOME.head
    this.count++
    if (detail !== undefined) this.#addBody(JSON.stringify({ code: statusOf(status).code, detail }))
  }

  /** Puts a body behind the outcome that was added last, which is a head alone. */
  #addBody(body: string): void {
    const text = Buffer.from(body)
    const bytes = OUTCOME_BODY.body + ((text.length + 7) & ~7)
    const words = this.#grown(this.#at + bytes)
    const head = this.#at - OUTCOME.head
    words.u8[head + OUTCOME.flags] =
      (words.u8[head + OUTCOME.flags] as number) | OUTCOME_FLAG.hasBody
    words.u32[(head + OUTCOME.bytes) >>> 2] = OUTCOME.head + bytes
    words.u8.fill(0, this.#at, this.#at + bytes)
    words.u32[(this.#at + OUTCOME_BODY.bodyBytes) >>> 2] = text.length
    words.u8.set(text, this.#at + OUTCOME_BODY.body)
    this.#at += bytes
  }

  /** Sends what is there. */
  flush(): void {
    if (this.count === 0 || this.#words === undefined) return
    const end = this.#at
    writeMessageHead(this.#words, 0, MESSAGE.outcomes, this.count, end - MESSAGE_HEAD.bytes)
    this.count = 0
    this.#at = MESSAGE_HEAD.bytes
    this.#wasUsed = true
    this.#send(this.#words.u8.subarray(0, end))
  }

  /** Drops the memory where nothing was sent since the last call. */
  rest(): void {
    if (!this.#wasUsed && this.count === 0) this.#words = undefined
    this.#wasUsed = false
  }

  /** Memory with room for `bytes` more at `#at`. */
  #room(bytes: number): Words {
    if (this.#at + bytes > STREAM_OUTCOMES_BYTES && this.count > 0) this.flush()
    return this.#grown(this.#at + bytes)
  }

  /** Memory of `wanted` bytes at least, with what is there. */
  #grown(wanted: number): Words {
    const has = this.#words?.u8.length ?? 0
    if (this.#words !== undefined && wanted <= has) return this.#words
    let size = Math.max(has, STREAM_OUTBOX_BYTES)
    while (size < wanted) size *= 2
    const grown = allocateWords(size)
    if (this.#words !== undefined) copyWords(this.#words, 0, grown, 0, this.#at)
    this.#words = grown
    return grown
  }
}
