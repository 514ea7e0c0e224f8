// The one file that touches uWebSockets' WebSocket. A socket may not be touched after it was closed,
// and an exception that leaves a handler ends the process: so every path here is guarded, and the
// rest of the gateway sees a `StreamSocket`. Knows no message by its content.

import type { WebSocket, WebSocketBehavior } from 'uWebSockets.js'
import { CLOSE, STREAM_MESSAGE_BYTES_MAX } from '../protocol/index.ts'
import {
  STREAM_BACKLOG_BYTES_MAX,
  STREAM_IDLE_SECONDS,
  STREAM_PAYLOAD_BYTES_MAX,
} from './limits.ts'

/** What a stream does with what happens on its socket. */
export interface SocketHandler {
  /** A binary message of legal length; its memory is gone when this returns. */
  onMessage(message: ArrayBuffer): void
  /** The client took some of the backlog. */
  onDrain(): void
  /** Nothing can be sent any more. `code`: RFC 6455, section 7.4; 1006 without a close frame. */
  onClose(code: number): void
  /** One of the other handlers threw. */
  onFault(error: unknown): void
}

/** One WebSocket. All of it does nothing once it is closed. */
export class StreamSocket {
  #ws: WebSocket<SocketData> | undefined

  constructor(ws: WebSocket<SocketData>) {
    this.#ws = ws
  }

  /** Sends one binary message; what the network does not take now is copied and sent later. */
  send(message: Uint8Array): void {
    this.#ws?.send(message, true)
  }

  /** Bytes that were sent and not taken by the network yet. */
  get backlogBytes(): number {
    return this.#ws?.getBufferedAmount() ?? 0
  }

  /** Sends a close frame behind everything else. `reason` has 123 bytes at most. */
  end(code: number, reason: string): void {
    this.#ws?.end(code, reason)
  }

  /** Its handler's alone to call. */
  forget(): void {
    this.#ws = undefined
  }
}

/** What uWebSockets keeps for a socket. */
export interface SocketData {
  socket?: StreamSocket
  handler?: SocketHandler
}

/** What is told of sockets beside what their handlers are told. */
export interface SocketEvents {
  /** Makes the handler of a new socket. */
  accept(socket: StreamSocket): SocketHandler
  /** A socket was closed. */
  onClosed(): void
  /** `accept` threw: the socket is closed. */
  onFault(error: unknown): void
}

/** How sockets behave. */
export function socketBehavior(events: SocketEvents): WebSocketBehavior<SocketData> {
  return {
    maxPayloadLength: STREAM_PAYLOAD_BYTES_MAX,
    maxBackpressure: STREAM_BACKLOG_BYTES_MAX,
    closeOnBackpressureLimit: true,
    idleTimeout: STREAM_IDLE_SECONDS,
    sendPingsAutomatically: true,
    compression: 0 as never,
    open(ws) {
      const data = ws.getUserData()
      data.socket = new StreamSocket(ws)
      try {
        data.handler = events.accept(data.socket)
      } catch (error) {
        events.onFault(error)
        ws.end(CLOSE.internalError)
      }
    },
    message(ws, message, isBinary) {
      const { socket, handler } = ws.getUserData()
      try {
        if (!isBinary)
          socket?.end(CLOSE.unsupportedData, 'Messages are binary: see docs/stream.md.')
        else if (message.byteLength > STREAM_MESSAGE_BYTES_MAX) {
          socket?.end(CLOSE.tooBig, `A message has ${STREAM_MESSAGE_BYTES_MAX} bytes at most.`)
        } else handler?.onMessage(message)
      } catch (error) {
        handler?.onFault(error)
      }
    },
    drain(ws) {
      const { handler } = ws.getUserData()
      try {
        handler?.onDrain()
      } catch (error) {
        handler?.onFault(error)
      }
    },
    close(ws, code) {
      const { socket, handler } = ws.getUserData()
      socket?.forget()
      try {
        events.onClosed()
        handler?.onClose(code)
      } catch (error) {
        handler?.onFault(error)
      }
    },
  }
}
