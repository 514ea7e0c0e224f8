// The one file that touches uWebSockets' HttpResponse. A response may not be touched after its
// connection was aborted or its reply was written, and an exception that leaves a handler ends the
// process: so every path here is guarded, and the rest of the gateway sees an `Exchange`.

import {
  App,
  type HttpRequest,
  type HttpResponse,
  type us_listen_socket,
  us_listen_socket_close,
  type us_socket_context_t,
  us_socket_local_port,
  type WebSocketBehavior,
} from 'uWebSockets.js'
import { STATUS_CODES } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { BODY_BYTES_MAX } from '../protocol/index.ts'
import type { ByteBudget } from './byte-budget.ts'
import { BODY_DEADLINE_MS, CONNECTIONS_MAX, DISCARDED_BYTES_MAX, LINGER_MS } from './limits.ts'
import { type Reply, refusalReply } from './problem.ts'
import { invalid, Refusal } from './refusal.ts'
import { ReplyStream } from './reply-stream.ts'
import { RequestHead } from './request-head.ts'

/** What the HTTP server tells the rest of the gateway. None of it may be called back into later. */
export interface HttpEvents {
  /** A request's head is there. Reply, or call `readBody`, before returning; or reply later. */
  onRequest(exchange: Exchange): void
  /** As `onRequest`, for one that asks for a WebSocket; true: `upgrade` it. */
  onUpgrade(exchange: Exchange): boolean
  /** The exchange is over: 101 where it became a WebSocket; with a reply's status, or 499 where the client went away. */
  onDone(exchange: Exchange, status: number): void
  /** Something threw; the client got a 500 if it was still there. */
  onFault(error: unknown, exchange: Exchange): void
}

/** One request and its one reply. */
export class Exchange {
  readonly head: RequestHead
  /** Template of the route, for metrics; '' until it is known. */
  route = ''
  /** `performance.now()` when the head was there. */
  readonly startedMs = performance.now()
  readonly #server: HttpServer
  /** Undefined from the abort or the reply's end on. */
  #res: HttpResponse | undefined
  #replied = false
  #stream: ReplyStream | undefined
  #chunks: Buffer[] = []
  #bodyBytes = 0
  #refused: Refusal | undefined

  constructor(server: HttpServer, res: HttpResponse, head: RequestHead) {
    this.#server = server
    this.#res = res
    this.head = head
    res.onAborted(() => this.guard(() => this.#onAborted()))
  }

  /** Whether a reply would still reach somebody. */
  get isOpen(): boolean {
    return this.#res !== undefined && !this.#replied
  }

  /**
   * Reads the body, which is valid until `done` returns. A body beyond the limits is read to its
   * end unstored and refused then; one far beyond is refused at once and its connection closed.
   */
  readBody(done: (body: Buffer) => void): void {
    const announced = Number(this.head.contentLength)
    if (announced > DISCARDED_BYTES_MAX) return this.#refuseBody(tooLarge(), true)
    this.#res?.onData((chunk, isLast) => {
      this.guard(() => this.#onData(chunk, isLast, done))
    })
  }

  #onData(chunk: ArrayBuffer, isLast: boolean, done: (body: Buffer) => void): void {
    if (!this.isOpen) return
    this.#bodyBytes += chunk.byteLength
    if (this.#bodyBytes > BODY_BYTES_MAX) this.#refused ??= tooLarge()
    if (this.#bodyBytes > DISCARDED_BYTES_MAX) return this.#refuseBody(tooLarge(), true)
    if (isLast) {
      this.#server.reading.delete(this)
      if (this.#refused !== undefined) return this.#refuseBody(this.#refused, false)
      if (this.#chunks.length === 0) return done(Buffer.from(chunk))
      const whole = Buffer.concat([...this.#chunks, Buffer.from(chunk)])
      this.#forgetBody()
      return done(whole)
    }
    this.#server.reading.add(this)
    if (this.#refused !== undefined) return this.#forgetBody()
    // uWebSockets takes the memory back when this returns.
    if (this.#server.budget.take(chunk.byteLength)) this.#chunks.push(Buffer.from(chunk.slice(0)))
    else this.#refused = new Refusal('busy', 'Too many bodies are being read: send it again.')
  }

  #forgetBody(): void {
    for (const chunk of this.#chunks) this.#server.budget.giveBack(chunk.length)
    this.#chunks = []
  }

  #refuseBody(refusal: Refusal, close: boolean): void {
    this.reply({ ...refusalReply(refusal.code, refusal.detail), close })
  }

  /** Refuses a body that is still arriving, for the server stops. */
  refuseUnread(): void {
    const refusal = new Refusal('draining', 'The server is shutting down: send it to the next one.')
    this.#refuseBody(refusal, true)
  }

  /** Closes the connection without a reply: for bodies that do not come. */
  abandon(): void {
    this.#res?.close()
  }

  /** Writes the reply, in parts if the client reads slowly. Does nothing where nobody waits. */
  reply(reply: Reply): void {
    const res = this.#res
    if (res === undefined || this.#replied) return
    this.#replied = true
    res.cork(() => {
      res.writeStatus(`${reply.status} ${STATUS_CODES[reply.status] ?? ''}`)
      res.writeHeader('Content-Type', reply.contentType)
      for (let i = 0; i + 1 < reply.headers.length; i += 2) {
        res.writeHeader(reply.headers[i] as string, reply.headers[i + 1] as string)
      }
      // No route takes HEAD, and its refusal ends with its head. It does not say how long the body
      // would be: uWebSockets would wait for that many bytes and take no other request.
      if (this.head.method === 'HEAD') {
        res.endWithoutBody()
        this.#end(reply.status)
      } else if (reply.close === true) {
        res.end(reply.body, true)
        this.#end(reply.status)
      } else this.#writeBody(res, reply)
    })
  }

  /**
   * `tryEnd` and not `end`: what does not fit the socket stays here and the response stays
   * pending, so that a client who sends on without reading is closed instead of filling memory.
   */
  #writeBody(res: HttpResponse, reply: Reply): void {
    if (this.#server.isStopping) res.writeHeader('Connection', 'close')
    const bytes = Buffer.from(reply.body)
    const [, done] = res.tryEnd(bytes, bytes.length)
    if (done) return this.#end(reply.status)
    res.onWritable((offset) => {
      let isSent = true
      this.guard(() => {
        if (this.#res === undefined) return
        const [sent, ended] = res.tryEnd(bytes.subarray(offset), bytes.length)
        if (ended) this.#end(reply.status)
        isSent = sent
      })
      return isSent
    })
  }

  /** Begins a reply of this type that has no end of its own; undefined where nobody waits. */
  openStream(contentType: string): ReplyStream | undefined {
    const res = this.#res
    if (res === undefined || this.#replied) return undefined
    this.#replied = true
    res.cork(() => {
      res.writeStatus('200 OK')
      res.writeHeader('Content-Type', contentType)
      res.writeHeader('Cache-Control', 'no-store')
    })
    this.#stream = new ReplyStream(res, (work) => this.guard(work))
    this.#end(200)
    return this.#stream
  }

  #onAborted(): void {
    if (this.#stream === undefined) this.#end(499)
    else this.#stream.forget()
  }

  /** Makes a WebSocket of the connection; nothing may be replied after that. */
  upgrade(key: string, context: us_socket_context_t): void {
    const res = this.#res
    if (res === undefined || this.#replied) return
    this.#replied = true
    this.#end(101)
    res.upgrade({}, key, '', '', context)
  }

  /** Runs a handler. If it throws, the client gets a 500 and the server goes on. */
  guard(handler: () => void): void {
    try {
      handler()
    } catch (error) {
      this.fail(error)
    }
  }

  /** Reports a fault and answers 500; where a reply had begun, nothing but closing is left. */
  fail(error: unknown): void {
    this.#server.events.onFault(error, this)
    if (this.#replied) {
      this.#stream?.cut()
      this.#res?.close()
      return
    }
    try {
      this.reply(refusalReply('internal_error', 'The server met a fault of its own, see its log.'))
    } catch {
      this.#res?.close()
    }
  }

  #end(status: number): void {
    if (this.#res === undefined) return
    this.#res = undefined
    this.#server.reading.delete(this)
    this.#forgetBody()
    this.#server.onEnd(this, status)
  }
}

function tooLarge(): Refusal {
  return new Refusal('payload_too_large', `The body has more than ${BODY_BYTES_MAX} bytes.`)
}

/** The uWebSockets app: connections, exchanges, listening, stopping. */
export class HttpServer {
  readonly events: HttpEvents
  readonly budget: ByteBudget
  /** Exchanges whose body has begun to arrive and not ended. */
  readonly reading = new Set<Exchange>()
  /** Requests without a whole reply. */
  inFlight = 0
  /** Open connections. */
  connections = 0
  isStopping = false
  readonly #app = App()
  #socket: us_listen_socket | undefined
  #isClosed = false
  #sweep: NodeJS.Timeout | undefined
  #onIdle: (() => void) | undefined

  /** `streams`: how WebSockets at `path` behave. */
  constructor(
    events: HttpEvents,
    budget: ByteBudget,
    streams: { readonly path: string; readonly behavior: WebSocketBehavior<object> },
  ) {
    this.events = events
    this.budget = budget
    const onConnection = (res: HttpResponse, change: number): void => {
      this.connections += change
      if (change > 0 && this.connections > CONNECTIONS_MAX) res.close()
    }
    this.#app.filter(onConnection)
    this.#app.ws(streams.path, {
      ...streams.behavior,
      upgrade: (res, req, context) => this.#onUpgrade(res, req, context),
    })
    this.#app.any('/*', (res, req) => this.#onRequest(res, req))
  }

  #onUpgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
    this.inFlight++
    const key = req.getHeader('sec-websocket-key')
    const exchange = new Exchange(this, res, new RequestHead(req))
    exchange.guard(() => {
      if (this.events.onUpgrade(exchange)) exchange.upgrade(key, context)
    })
  }

  /** A WebSocket was closed: uWebSockets counts a connection out only where it stayed HTTP. */
  onSocketClosed(): void {
    this.connections--
  }

  #onRequest(res: HttpResponse, req: HttpRequest): void {
    this.inFlight++
    const exchange = new Exchange(this, res, new RequestHead(req))
    exchange.guard(() => {
      if (exchange.head.contentLengths > 1) {
        const { code, detail } = invalid('The request has more than one Content-Length.')
        exchange.reply({ ...refusalReply(code, detail), close: true })
      } else this.events.onRequest(exchange)
    })
  }

  /** An exchange is over; its own to call. */
  onEnd(exchange: Exchange, status: number): void {
    this.inFlight--
    this.events.onDone(exchange, status)
    if (this.inFlight === 0) this.#onIdle?.()
  }

  /** Begins to listen, alone on its port; the port, or undefined where that failed. */
  listen(host: string, port: number): number | undefined {
    const listen = this.#app.listen as unknown as ExclusiveListen
    listen.call(this.#app, host, port, EXCLUSIVE_PORT, (socket) => {
      if (socket !== false) this.#socket = socket
    })
    if (this.#socket === undefined) return undefined
    this.#sweep = setInterval(() => this.#closeLateBodies(), 1_000).unref()
    return us_socket_local_port(this.#socket as never)
  }

  #closeLateBodies(): void {
    const before = performance.now() - BODY_DEADLINE_MS
    for (const exchange of this.reading) if (exchange.startedMs < before) exchange.abandon()
  }

  /**
   * Takes no more connections, waits up to `waitMs` for replies in flight and for `others`, gives
   * those who send on open connections a moment to hear so, closes everything.
   */
  async stop(waitMs: number, others: Promise<void>): Promise<void> {
    this.isStopping = true
    this.#stopListening()
    for (const exchange of [...this.reading]) exchange.refuseUnread()
    await Promise.all([this.#idle(waitMs), others])
    if (this.connections > 0) await delay(LINGER_MS)
    await this.#idle(LINGER_MS)
    this.close()
  }

  /** Resolves when no reply is owed, or after `waitMs`. */
  async #idle(waitMs: number): Promise<void> {
    if (this.inFlight === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs)
      this.#onIdle = () => {
        clearTimeout(timer)
        // The last reply is corked until its handler returns.
        setImmediate(resolve)
      }
    })
    this.#onIdle = undefined
  }

  /** Closes everything now. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.isStopping = true
    clearInterval(this.#sweep)
    this.#stopListening()
    this.#app.close()
  }

  #stopListening(): void {
    if (this.#socket !== undefined) us_listen_socket_close(this.#socket)
    this.#socket = undefined
  }
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT: else two servers would share a port without a word. */
const EXCLUSIVE_PORT = 1

/** `listen` with host, port and options, which the package's types leave out. */
type ExclusiveListen = (
  host: string,
  port: number,
  options: number,
  done: (socket: us_listen_socket | false) => void,
) => void
