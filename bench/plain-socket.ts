// A WebSocket for a benchmark's client, over a connection that reads into one memory (RFC 6455): binary
// messages out of one memory and into another, and nothing is made for either. Node makes 64 KiB outside of
// V8's heap for every read of any other socket, and at a thousand reads a second V8 collected all of the
// client's heap every half second, on every core that there was. For no other use: it trusts its server, and
// does not mask.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Bytes that one read takes at most. */
const READ_BYTES = 262_144

/**
 * Room for the head of a frame before its message: two bytes, a length of eight, a key of four, and as many more
 * as let the message begin at a multiple of 8.
 */
export const FRAME_HEAD_BYTES = 16

const FIN = 0x80
const MASKED = 0x80
const OPCODE = { binary: 2, close: 8, ping: 9, pong: 10 } as const
const CLOSED_NORMALLY = 1000
const CLOSED_WITHOUT_A_CODE = 1005
const CLOSED_ABNORMALLY = 1006

/** Who hears what comes. */
export interface PlainSocketEars {
  /** A binary message has come, and fills the memory's first bytes until the next one comes. */
  readonly onMessage: () => void
  /** Nothing comes any more. `code`: RFC 6455, section 7.4. */
  readonly onClose: (code: number) => void
}

/** See the head of this file. */
export class PlainSocket {
  readonly #socket: Socket
  readonly #in: Uint8Array
  readonly #ears: PlainSocketEars
  /** What came of the answer to the request to upgrade; undefined once all of it has. */
  #answer: string | undefined = ''
  readonly #head = new Uint8Array(FRAME_HEAD_BYTES)
  #headBytes = 0
  /** Bytes of the frame's payload that have come; -1 while its head has not. */
  #bodyBytes = -1
  #frameBytes = 0
  #code = CLOSED_ABNORMALLY
  #onOpen: (error?: Error) => void = () => {}

  /**
   * Connects to `path` at `url`; messages come into `memory`. Rejects where nobody listens or no upgrade is
   * given.
   */
  static async connect(
    url: string,
    path: string,
    memory: Uint8Array,
    ears: PlainSocketEars,
  ): Promise<PlainSocket> {
    const { hostname, port, host } = new URL(url)
    const one = new PlainSocket(hostname, Number(port), memory, ears)
    await one.#open(path, host)
    return one
  }

  private constructor(host: string, port: number, memory: Uint8Array, ears: PlainSocketEars) {
    this.#in = memory
    this.#ears = ears
    const onread = {
      buffer: new Uint8Array(READ_BYTES),
      callback: (bytes: number, buffer: Uint8Array): boolean => {
        this.#take(buffer, bytes)
        return true
      },
    }
    this.#socket = connect({ host, port, noDelay: true, onread })
    this.#socket.on('error', (error) => this.#onOpen(error))
    this.#socket.on('close', () => {
      this.#onOpen(new Error('the connection was closed before the upgrade'))
      this.#ears.onClose(this.#code)
    })
  }

  /** Whether some of what was sent is still to be taken by the network, out of the memory where it lies. */
  get isSending(): boolean {
    return this.#socket.writableLength > 0
  }

  /**
   * Sends the message that lies at `FRAME_HEAD_BYTES` of `memory`, whose first bytes are taken for the frame's
   * head. While `isSending` the memory is not to be written to.
   */
  send(memory: Uint8Array, bytes: number): void {
    const from = FRAME_HEAD_BYTES - writeHead(memory, OPCODE.binary, bytes)
    this.#socket.write(memory.subarray(from, FRAME_HEAD_BYTES + bytes))
  }

  /** Closes the connection; resolves when it is closed. */
  async close(): Promise<void> {
    if (this.#socket.closed) return
    const closed = once(this.#socket, 'close')
    const memory = new Uint8Array(FRAME_HEAD_BYTES + 2)
    memory.set([CLOSED_NORMALLY >>> 8, CLOSED_NORMALLY & 0xff], FRAME_HEAD_BYTES)
    this.#reply(OPCODE.close, memory)
    await closed
  }

  async #open(path: string, host: string): Promise<void> {
    const opened = new Promise<void>((resolve, reject) => {
      this.#onOpen = (error) => (error === undefined ? resolve() : reject(error))
    })
    const key = randomBytes(16).toString('base64')
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    )
    await opened
  }

  #take(buffer: Uint8Array, bytes: number): void {
    let at = this.#answer === undefined ? 0 : this.#takeAnswer(buffer, bytes)
    while (at < bytes && !this.#socket.destroyed) {
      at = this.#bodyBytes < 0 ? this.#takeHead(buffer, at) : this.#takeBody(buffer, at, bytes)
    }
  }

  /** Gives back how many bytes belong to the answer to the request. */
  #takeAnswer(buffer: Uint8Array, bytes: number): number {
    const known = this.#answer as string
    const text = known + Buffer.from(buffer.subarray(0, bytes)).toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    this.#answer = end < 0 ? text : undefined
    if (end < 0) return bytes
    const [status = ''] = text.split('\r\n')
    const isUpgrade = status.startsWith('HTTP/1.1 101 ')
    this.#onOpen(isUpgrade ? undefined : new Error(`no stream was given: ${status}`))
    if (!isUpgrade) this.#socket.destroy()
    return isUpgrade ? end + 4 - known.length : bytes
  }

  /** Takes one byte of a frame's head, and begins the body after the last. Gives back what comes next. */
  #takeHead(buffer: Uint8Array, at: number): number {
    const head = this.#head
    head[this.#headBytes++] = buffer[at] as number
    const short = this.#headBytes < 2 ? 0 : (head[1] as number) & 0x7f
    const wanted = short === 127 ? 10 : short === 126 ? 4 : 2
    if (this.#headBytes < wanted) return at + 1
    let bytes = short
    if (wanted > 2) {
      bytes = 0
      for (let n = 2; n < wanted; n++) bytes = bytes * 256 + (head[n] as number)
    }
    if ((head[0] as number) < FIN || bytes > this.#in.length) {
      this.#socket.destroy(new Error(`a frame of ${bytes} bytes, or a part of a message, came`))
    }
    this.#frameBytes = bytes
    this.#bodyBytes = 0
    if (bytes === 0) this.#endFrame()
    return at + 1
  }

  #takeBody(buffer: Uint8Array, at: number, end: number): number {
    const bytes = Math.min(end - at, this.#frameBytes - this.#bodyBytes)
    this.#in.set(buffer.subarray(at, at + bytes), this.#bodyBytes)
    this.#bodyBytes += bytes
    if (this.#bodyBytes === this.#frameBytes) this.#endFrame()
    return at + bytes
  }

  #endFrame(): void {
    const opcode = (this.#head[0] as number) & 0x0f
    const bytes = this.#frameBytes
    this.#headBytes = 0
    this.#bodyBytes = -1
    if (opcode === OPCODE.binary) this.#ears.onMessage()
    else if (opcode === OPCODE.ping) this.#reply(OPCODE.pong, this.#echo(bytes))
    else if (opcode === OPCODE.close) {
      const [high = 0, low = 0] = this.#in
      this.#code = bytes < 2 ? CLOSED_WITHOUT_A_CODE : high * 256 + low
      this.#socket.end()
    }
  }

  /** What a control frame brought, as the memory of one that brings it back. */
  #echo(bytes: number): Uint8Array {
    const memory = new Uint8Array(FRAME_HEAD_BYTES + bytes)
    memory.set(this.#in.subarray(0, bytes), FRAME_HEAD_BYTES)
    return memory
  }

  #reply(opcode: number, memory: Uint8Array): void {
    const from = FRAME_HEAD_BYTES - writeHead(memory, opcode, memory.length - FRAME_HEAD_BYTES)
    this.#socket.write(memory.subarray(from))
  }
}

/** Writes a frame's head so that it ends at `FRAME_HEAD_BYTES`; gives back its length. */
function writeHead(memory: Uint8Array, opcode: number, bytes: number): number {
  const lengthBytes = bytes < 126 ? 0 : bytes < 65_536 ? 2 : 8
  const headBytes = 2 + lengthBytes + 4
  const at = FRAME_HEAD_BYTES - headBytes
  memory[at] = FIN | opcode
  memory[at + 1] = MASKED | (lengthBytes === 0 ? bytes : lengthBytes === 2 ? 126 : 127)
  let rest = bytes
  for (let n = at + 1 + lengthBytes; n > at + 1; n--) {
    memory[n] = rest % 256
    rest = Math.floor(rest / 256)
  }
  // A key of zeros changes nothing of the payload.
  memory.fill(0, FRAME_HEAD_BYTES - 4, FRAME_HEAD_BYTES)
  return headBytes
}
