// A carrier over one WebSocket at a time (docs/stream.md): connects, reads what the server grants,
// sends messages, and connects again by itself when the connection is lost.

import { WebSocket } from 'ws'
import {
  CLOSE,
  MESSAGE,
  MESSAGE_HEAD,
  STREAM_MESSAGE_BYTES_MAX,
  STREAM_VERSION,
  WELCOME,
  type Words,
  writeMessageHead,
} from '../protocol/index.ts'
import { AskBuffer } from './ask-buffer.ts'
import {
  type AccountName,
  type Carrier,
  type CarrierEvents,
  CarrierFault,
  type CarrierLimits,
} from './carrier.ts'
import { HoldfastUnreachable } from './errors.ts'
import { Inbox } from './inbox.ts'
import type { Message } from './message.ts'
import { JSON_MODULES } from './module-json.ts'
import { SlotNames } from './slot-names.ts'

/** First and longest wait before the next attempt, in ms; spread by half to both sides. */
const AGAIN_MS = 40
const AGAIN_MS_MAX = 2_000

/** How long a server may take for the handshake and then for its welcome, in ms. */
const HANDSHAKE_MS = 5_000

/** How long it may take to answer a close, in ms. */
const CLOSE_MS = 500

/** How often a connection on which nothing comes is asked for a sign of life, in ms. */
const PING_MS = 10_000

/** Longest message that is taken from a server: four times what it sends. */
const MESSAGE_IN_BYTES_MAX = 4_194_304

/** What an HTTP status at the upgrade means; others are tried again. */
const FATAL: Readonly<Record<number, readonly [reason: string, advice: string]>> = {
  400: ['bad_request', 'it does not take the handshake: is it a Holdfast server?'],
  401: ['unauthorized', 'it takes no such key: give the right one as `key`'],
  403: ['forbidden', 'it does not serve this host name: connect to the name that it listens on'],
  404: ['not_found', 'it has no /v1/stream: is it a Holdfast server, and new enough?'],
}

/** Where to connect. */
export interface SocketOptions {
  /** With /v1/stream at its end. */
  readonly url: string
  readonly key: string | undefined
  readonly reconnect: boolean
}

/** See the head of this file. */
export class SocketCarrier implements Carrier {
  readonly modules = JSON_MODULES
  readonly #options: SocketOptions
  #events: CarrierEvents | undefined
  #socket: WebSocket | undefined
  #isReady = false
  #wasReady = false
  #isClosed = false
  #againMs = AGAIN_MS
  #timer: NodeJS.Timeout | undefined
  #isAlive = true
  readonly #inbox = new Inbox()
  readonly #asks = new AskBuffer()
  readonly #names = new SlotNames()

  constructor(options: SocketOptions) {
    this.#options = options
  }

  start(events: CarrierEvents): void {
    this.#events = events
    this.#connect()
  }

  send(message: Message): boolean {
    const { words, at, bytes, count } = message
    if (!this.#isReady) return false
    const from = at - MESSAGE_HEAD.bytes
    writeMessageHead(words, from, MESSAGE.commands, count, bytes)
    this.#socket?.send(words.u8.subarray(from, at + bytes))
    return true
  }

  ask(record: Words, bytes: number): boolean {
    if (!this.#isReady) return false
    if (!this.#asks.add(record, bytes)) {
      this.flush()
      return this.#asks.add(record, bytes)
    }
    return true
  }

  flush(): void {
    if (!this.#isReady) return
    const asks = this.#asks.take()
    if (asks !== undefined) this.#socket?.send(asks)
    const question = this.#names.takeQuestion()
    if (question !== undefined) this.#socket?.send(question)
  }

  isStorageLow(): boolean {
    return false
  }

  nameOf(slot: number): AccountName | undefined {
    return this.#names.get(slot)
  }

  askNames(slots: readonly number[]): void {
    this.#names.ask(slots)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    const socket = this.#socket
    this.#isReady = false
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    if (socket.readyState === WebSocket.OPEN) {
      socket.close(1000)
      this.#timer = setTimeout(() => socket.terminate(), CLOSE_MS)
    } else socket.terminate()
    await closed
    clearTimeout(this.#timer)
  }

  #connect(): void {
    const { url, key } = this.#options
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: MESSAGE_IN_BYTES_MAX,
      handshakeTimeout: HANDSHAKE_MS,
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    })
    this.#socket = socket
    socket.binaryType = 'fragments'
    let reason = ''
    socket.on('open', () => {
      this.#arm(HANDSHAKE_MS, () => this.#drop(socket, 'the server sent no welcome'))
    })
    socket.on('message', (data, isBinary) => {
      if (socket !== this.#socket) return
      this.#isAlive = true
      try {
        if (!isBinary) throw new CarrierFault('a text message')
        this.#onMessage(data as Buffer[])
      } catch (error) {
        if (!(error instanceof CarrierFault)) throw error
        this.#drop(socket, `the server sent what is no message of the stream: ${error.message}`)
      }
    })
    const onSign = (): void => {
      this.#isAlive = true
    }
    socket.on('ping', onSign)
    socket.on('pong', onSign)
    socket.on('error', (error) => {
      reason ||= (error as NodeJS.ErrnoException).code ?? error.message
    })
    socket.on('unexpected-response', (request, response) => {
      reason = `it answered ${response.statusCode}`
      request.destroy()
      this.#onRefused(response.statusCode ?? 0)
    })
    socket.on('close', (code, text) => {
      if (socket !== this.#socket) return
      this.#lose(closeReason(code, text.toString()), reason)
    })
  }

  #onMessage(fragments: readonly Buffer[]): void {
    const { words, type, count, end } = this.#inbox.read(fragments)
    if (!this.#isReady) {
      if (type !== MESSAGE.welcome) throw new CarrierFault(`type ${type} before the welcome`)
      this.#onWelcome(words, end)
    } else if (type === MESSAGE.outcomes) {
      this.#events?.onOutcomes(words, MESSAGE_HEAD.bytes, end, count)
      this.#againMs = AGAIN_MS
    } else if (type === MESSAGE.names) {
      const slots = this.#names.read(words, MESSAGE_HEAD.bytes, end, count)
      this.#events?.onNames(slots)
    } else throw new CarrierFault(`type ${type}`)
  }

  #onWelcome(words: Words, end: number): void {
    const at = MESSAGE_HEAD.bytes
    if (end < at + WELCOME.version + 4) throw new CarrierFault('a welcome without a version')
    const u32 = (field: number): number => words.u32[(at + field) >>> 2] as number
    const version = u32(WELCOME.version)
    if (version !== STREAM_VERSION) return this.#onOtherVersion(version)
    if (end < at + WELCOME.bytes) throw new CarrierFault('a welcome that is cut short')
    const limits: CarrierLimits = {
      windowCommands: u32(WELCOME.windowCommands),
      windowBytes: u32(WELCOME.windowBytes),
      recordBytesMax: u32(WELCOME.messageBytesMax) - MESSAGE_HEAD.bytes,
      chainCommandsMax: u32(WELCOME.chainCommandsMax),
      windowMs: u32(WELCOME.windowMs),
    }
    if (limits.windowCommands === 0 || limits.recordBytesMax < 2_048) {
      throw new CarrierFault('a welcome that grants nothing')
    }
    this.#names.begin(words, at + WELCOME.log, u32(WELCOME.namesMax))
    this.#asks.clear()
    this.#isReady = true
    this.#wasReady = true
    this.#isAlive = true
    this.#pingLater()
    this.#events?.onReady(limits)
  }

  #onOtherVersion(version: number): void {
    this.#refused(
      'version',
      `it speaks version ${version} of the stream, and this client version ${STREAM_VERSION}: ` +
        `update the ${version > STREAM_VERSION ? 'client' : 'server'}`,
    )
  }

  #onRefused(status: number): void {
    const [reason, advice] = FATAL[status] ?? ['refused', '']
    if (advice !== '') this.#refused(reason, `it answered ${status}: ${advice}`)
    else this.#lose(`it answered ${status}`, '', true)
  }

  /** What trying again at once would not mend ends a connect; later the server may be mended. */
  #refused(reason: string, message: string): void {
    if (this.#wasReady) {
      this.#lose(message)
      return
    }
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#socket?.terminate()
    this.#events?.onFailed(new HoldfastUnreachable(this.#options.url, reason, message))
  }

  #ping(): void {
    const socket = this.#socket
    if (socket === undefined) return
    // After what came while the program did something else.
    setImmediate(() => {
      if (socket !== this.#socket) return
      if (!this.#isAlive) return this.#lose('the server gave no sign of life')
      this.#isAlive = false
      socket.ping()
      this.#pingLater()
    })
  }

  #drop(socket: WebSocket, reason: string): void {
    if (socket !== this.#socket) return
    this.#lose(reason)
  }

  /**
   * The connection is gone or was given up: the next one is made after a while. `code`: the system's
   * name for what happened, such as ECONNREFUSED.
   */
  #lose(words: string, code = '', isBusy = false): void {
    if (this.#isClosed) return
    const { url, reconnect } = this.#options
    const socket = this.#socket
    this.#socket = undefined
    this.#isReady = false
    socket?.terminate()
    if (!reconnect && !isBusy) {
      this.#isClosed = true
      clearTimeout(this.#timer)
      const message =
        `the connection was lost (${code || words}); what was in flight is not known: send it ` +
        'again under the same ids, nothing takes effect twice'
      this.#events?.onFailed(new HoldfastUnreachable(url, code || 'lost', message))
      return
    }
    this.#events?.onLost(code || words)
    const spreadMs = this.#againMs * (0.5 + Math.random())
    this.#againMs = Math.min(this.#againMs * 2, AGAIN_MS_MAX)
    this.#arm(spreadMs, () => this.#connect())
  }

  /** The socket keeps the process alive, not this. */
  #pingLater(): void {
    this.#arm(PING_MS, () => this.#ping())
    this.#timer?.unref()
  }

  #arm(ms: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, ms)
  }
}

const CLOSE_WORDS: Readonly<Record<number, string>> = {
  1006: 'the connection broke',
  [CLOSE.goingAway]: 'the server is shutting down',
  [CLOSE.protocolError]: 'the server took a message for none',
  [CLOSE.policyViolation]: 'the server found the window exceeded, or this reader too slow',
  [CLOSE.tooBig]: `the server takes no message that long (${STREAM_MESSAGE_BYTES_MAX} bytes)`,
  [CLOSE.internalError]: 'the server met a fault of its own',
}

function closeReason(code: number, text: string): string {
  const words = CLOSE_WORDS[code] ?? `the connection was closed with ${code}`
  return text === '' ? words : `${words} (${text})`
}
