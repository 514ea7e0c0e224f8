// A client of the stream that does next to nothing (docs/stream.md), for benchmarks of latency: no object is
// made for a command or for its outcome, so that neither its share of the machine nor its garbage is taken
// for the server's. Whoever uses it keeps to the window.

import { randomFillSync } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import {
  allocateWords,
  isReplayed,
  MESSAGE,
  MESSAGE_HEAD,
  OUTCOME,
  RECORD,
  STATUS,
  STREAM_VERSION,
  statusNumber,
  statusOf,
  WELCOME,
  type Words,
  wordsOver,
  writeMessageHead,
} from '../protocol/index.ts'
import { FRAME_HEAD_BYTES, PlainSocket } from './plain-socket.ts'

/** Longest message that is taken from a server. */
const MESSAGE_IN_BYTES_MAX = 4_194_304

/** See the head of this file. */
export class Wire {
  /** Most commands, and most bytes of their records, that may be unanswered. */
  readonly windowCommands: number
  readonly windowBytes: number
  /** Commands that were added and are not answered, and bytes of their records. */
  unanswered = 0
  unansweredBytes = 0
  /** Called when some were answered. */
  onAnswered: () => void = () => {}
  readonly #socket: PlainSocket
  readonly #in: Words
  readonly #messageBytesMax: number
  /** Bytes of each unanswered record, by its token. */
  readonly #bytesOf: Int32Array
  #out: Words
  #used: number = MESSAGE_HEAD.bytes
  #count = 0
  #nextToken = 0
  #oldestToken = 0
  #failure: Error | undefined
  #wake: () => void = () => {}

  /** Connects to the server at `url`. Rejects where there is none, or one that grants nothing. */
  static async connect(url: string): Promise<Wire> {
    const memory = allocateWords(MESSAGE_IN_BYTES_MAX)
    const heard = { message: (): void => {}, close: (_code: number): void => {} }
    const welcomed = new Promise<void>((resolve, reject) => {
      heard.message = resolve
      heard.close = () =>
        reject(new Error(`${url} closed the stream before it said what it grants`))
    })
    welcomed.catch(() => {})
    const socket = await PlainSocket.connect(url, '/v1/stream', memory.u8, {
      onMessage: () => heard.message(),
      onClose: (code) => heard.close(code),
    })
    await welcomed
    const wire = new Wire(socket, memory)
    heard.message = () => wire.#onMessage()
    heard.close = (code) => wire.#fail(new Error(`the stream was closed with ${code}`))
    return wire
  }

  /** `memory` holds the welcome, and then each message that comes. */
  private constructor(socket: PlainSocket, memory: Words) {
    this.#socket = socket
    this.#in = memory
    const granted = (field: number): number =>
      memory.u32[(MESSAGE_HEAD.bytes + field) >>> 2] as number
    const version = granted(WELCOME.version)
    if (memory.u8[MESSAGE_HEAD.type] !== MESSAGE.welcome || version !== STREAM_VERSION) {
      throw new Error(`no welcome of version ${STREAM_VERSION} came`)
    }
    this.windowCommands = granted(WELCOME.windowCommands)
    this.windowBytes = granted(WELCOME.windowBytes)
    this.#messageBytesMax = granted(WELCOME.messageBytesMax)
    this.#out = framed(this.#messageBytesMax)
    this.#bytesOf = new Int32Array(this.windowCommands)
  }

  /** Where records are written: asked for again after each `place`. */
  get words(): Words {
    return this.#out
  }

  /** Where the next record of up to `bytesMax` bytes is to be written; what is before it leaves if it must. */
  place(bytesMax: number): number {
    if (this.#used + bytesMax > this.#out.u8.length) this.flush()
    return this.#used
  }

  /** The record of `bytes` bytes at `place` is written, but for its token. */
  add(bytes: number): void {
    const token = this.#nextToken
    this.#out.u32[(this.#used + RECORD.token) >>> 2] = token
    this.#bytesOf[token] = bytes
    this.#nextToken = this.#after(token)
    this.#used += bytes
    this.#count++
    this.unanswered++
    this.unansweredBytes += bytes
  }

  /** Sends what was added. */
  flush(): void {
    if (this.#count === 0) return
    const bytes = this.#used - MESSAGE_HEAD.bytes
    writeMessageHead(this.#out, 0, MESSAGE.commands, this.#count, bytes)
    this.#socket.send(new Uint8Array(this.#out.u8.buffer), this.#used)
    // The network reads on where it is.
    if (this.#socket.isSending) this.#out = framed(this.#messageBytesMax)
    this.#used = MESSAGE_HEAD.bytes
    this.#count = 0
  }

  /** Throws where a command was refused, and when the connection is lost. */
  assertWell(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Resolves when some were answered. Rejects where nothing came for `ms`, and as `assertWell` throws. */
  async someAnswered(ms: number): Promise<void> {
    this.assertWell()
    const given = new AbortController()
    const late = delay(ms, 'late', { signal: given.signal }).catch(() => 'late')
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    const isLate = (await Promise.race([woken, late])) === 'late'
    given.abort()
    if (isLate) throw new Error(`the server answered nothing for ${ms} ms`)
    this.assertWell()
  }

  /** Closes the connection; resolves when it is closed. */
  close(): Promise<void> {
    return this.#socket.close()
  }

  #onMessage(): void {
    try {
      this.#take()
      this.onAnswered()
    } catch (error) {
      this.#failure ??= error as Error
    }
    this.#wake()
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#wake()
  }

  #take(): void {
    const words = this.#in
    if (words.u8[MESSAGE_HEAD.type] !== MESSAGE.outcomes) throw new Error('no outcomes came')
    const count = words.u16[MESSAGE_HEAD.count >>> 1] as number
    for (let n = 0, at = MESSAGE_HEAD.bytes; n < count; n++) {
      const token = words.u32[(at + OUTCOME.token) >>> 2] as number
      if (token !== this.#oldestToken) throw new Error(`an outcome with the token ${token}`)
      const status = statusNumber(words, at)
      if (status !== STATUS.ok) throw new Error(`a command was answered ${statusOf(status).code}`)
      if (isReplayed(words, at)) throw new Error('a command was known before')
      this.unanswered--
      this.unansweredBytes -= this.#bytesOf[token] as number
      this.#oldestToken = this.#after(token)
      at += words.u32[(at + OUTCOME.bytes) >>> 2] as number
    }
  }

  #after(token: number): number {
    return token + 1 === this.windowCommands ? 0 : token + 1
  }
}

/** Fresh memory for a message, with room before it for the head of its frame. */
function framed(bytes: number): Words {
  return wordsOver(new ArrayBuffer(FRAME_HEAD_BYTES + bytes), FRAME_HEAD_BYTES)
}

/** Fresh UUIDv7s (RFC 9562, section 5.7) without an object for each: a time, a counter, and what is random. */
export class IdSource {
  readonly #random = randomFillSync(new Uint8Array(8))
  #count = 0

  /** Writes one at byte `at`. */
  write({ u8 }: Words, at: number): void {
    const nowMs = Date.now()
    const high = Math.floor(nowMs / 65_536)
    const random = this.#random
    this.#count = (this.#count + 1) >>> 0
    const count = this.#count
    writeBigEndian32(u8, at, high)
    u8[at + 4] = (nowMs >>> 8) & 0xff
    u8[at + 5] = nowMs & 0xff
    u8[at + 6] = 0x70 | ((random[0] as number) & 0x0f)
    u8[at + 7] = random[1] as number
    u8[at + 8] = 0x80 | ((random[2] as number) & 0x3f)
    for (let n = 9; n < 12; n++) u8[at + n] = random[n - 6] as number
    writeBigEndian32(u8, at + 12, count)
  }
}

function writeBigEndian32(u8: Uint8Array, at: number, value: number): void {
  for (let n = 0; n < 4; n++) u8[at + n] = (value >>> (24 - n * 8)) & 0xff
}
