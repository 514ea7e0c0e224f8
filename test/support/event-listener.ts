// One client of `GET /v1/events`, over a socket of its own: what it was sent, and which events that is. For tests.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { GatewayServer } from './gateway-server.ts'

/** See the head of this file. */
export class EventListener {
  readonly ids: string[] = []
  text = ''
  isEnded = false
  readonly #socket: Socket
  #notify: () => void = () => {}

  constructor(server: GatewayServer, query = '', headers: Readonly<Record<string, string>> = {}) {
    this.#socket = connect(server.gateway.port, '127.0.0.1')
    const lines = Object.entries({ host: '127.0.0.1', ...headers }).map(
      ([k, v]) => `${k}: ${v}\r\n`,
    )
    this.#socket.write(`GET /v1/events${query} HTTP/1.1\r\n${lines.join('')}\r\n`)
    this.#socket.setEncoding('utf8')
    this.#socket.on('data', (data: string) => this.#take(data))
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.isEnded = true
      this.#notify()
    })
  }

  #take(data: string): void {
    this.text += data
    this.ids.length = 0
    for (const [, id] of this.text.matchAll(/^id: (\S+)$/gm)) this.ids.push(id as string)
    this.#notify()
  }

  /** Resolves when `holds`; rejects where the connection ended before. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.isEnded) throw new Error(`ended: ${this.text.slice(-200)}`)
      await new Promise<void>((resolve) => {
        this.#notify = resolve
      })
    }
  }

  async ended(): Promise<void> {
    if (!this.isEnded) await once(this.#socket, 'close')
  }

  /** Resolves when the server has begun to send. */
  async begun(): Promise<this> {
    await this.until(() => this.text.includes('retry: 1000'))
    return this
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#socket.destroy()
  }
}
