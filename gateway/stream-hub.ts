// What all streams share: who may connect, room in the rings and turns at it, the sending of what was
// answered, and the end. What concerns one stream is in stream-connection.ts.

import {
  allocateWords,
  type Capacities,
  CLOSE,
  copyWords,
  RECORD_BYTES_MAX,
  recordBytes,
  STATUS,
  TAIL_BYTES_MAX,
  type Words,
} from '../protocol/index.ts'
import type { Actions } from '../surface/index.ts'
import type { ByteBudget } from './byte-budget.ts'
import {
  ROOM_DEADLINE_MS,
  STREAM_CONNECTIONS_MAX,
  STREAM_IN_FLIGHT_BYTES,
  STREAM_TAKE_DEADLINE_MS,
} from './limits.ts'
import type { Line } from './line.ts'
import type { Waiter } from './pending.ts'
import { Refusal } from './refusal.ts'
import { outcomePrices, StreamCheck } from './stream-check.ts'
import { StreamConnection } from './stream-connection.ts'
import { StreamInbox } from './stream-inbox.ts'
import { welcomeMessage } from './stream-messages.ts'
import { StreamModules } from './stream-modules.ts'
import type { SocketHandler, StreamSocket } from './web-socket.ts'

/** What the hub works with. */
export interface StreamHubParts {
  readonly line: Line
  readonly budget: ByteBudget
  readonly capacities: Capacities
  readonly actions: Actions
  readonly onFault: (error: unknown) => void
}

/** All streams of one gateway. */
export class StreamHub {
  readonly line: Line
  readonly inbox = new StreamInbox()
  readonly prices: Float64Array
  readonly modules: StreamModules
  readonly check: StreamCheck
  /** Closed streams by close code. */
  readonly closedByCode = new Map<number, number>()
  messagesIn = 0
  messagesOut = 0
  /** Bytes that clients left unread, and bytes of messages that wait. */
  backlogBytes = 0
  waitingBytes = 0
  readonly onFault: (error: unknown) => void
  readonly #parts: StreamHubParts
  readonly #connections = new Set<StreamConnection>()
  /** Those whose outcomes are sent when this turn of the event loop has brought all of them. */
  #dirty: StreamConnection[] = []
  /** Those that wait for room, in the order of their turns. */
  readonly #ready: StreamConnection[] = []
  readonly #query = allocateWords(RECORD_BYTES_MAX + TAIL_BYTES_MAX)
  #inFlightBytes = 0
  #waitsForRoom = false
  #isDraining = false
  #onEmpty: (() => void) | undefined
  readonly #sweep: NodeJS.Timeout

  constructor(parts: StreamHubParts) {
    this.#parts = parts
    this.line = parts.line
    this.onFault = parts.onFault
    this.prices = outcomePrices(parts.capacities.ledgersMax)
    this.modules = new StreamModules(parts.actions)
    this.check = new StreamCheck(this.prices, this.modules)
    this.#sweep = setInterval(() => this.#onSweep(), 1_000).unref()
  }

  /** Open streams. */
  get connections(): number {
    return this.#connections.size
  }

  /** Worst case of the outcomes that may still be asked for. */
  get creditBytes(): number {
    return STREAM_IN_FLIGHT_BYTES - this.#inFlightBytes
  }

  /** Why no stream may begin now, or undefined. */
  refusal(): Refusal | undefined {
    const refusal = this.line.stateRefusal()
    if (refusal !== undefined || this.connections < STREAM_CONNECTIONS_MAX) return refusal
    return new Refusal('busy', `There are ${STREAM_CONNECTIONS_MAX} streams: no more are taken.`)
  }

  /** Begins a stream on `socket`. */
  accept(socket: StreamSocket): SocketHandler {
    const connection = new StreamConnection(this, socket)
    this.#connections.add(connection)
    const { windowMs } = this.#parts.capacities
    connection.send(welcomeMessage(this.line.pipeline, windowMs))
    return connection
  }

  /** Whether what comes may go in at once, before nobody who waits. */
  mayPass(): boolean {
    return this.#ready.length === 0 && this.line.stateRefusal() === undefined
  }

  /** Queues records for the engine, as `Line.submit`, within what streams may have in flight. */
  submit(words: Words, bytes: number, count: number, price: number, waiter: Waiter): boolean {
    if (price > this.creditBytes) return false
    if (!this.line.submit(words, bytes, count, waiter)) return false
    this.#inFlightBytes += price
    return true
  }

  /** Asks with the query or dry run at `at` of `words`. */
  ask(words: Words, at: number, waiter: Waiter): boolean {
    const price = this.prices[words.u8[at] as number] as number
    if (price > this.creditBytes) return false
    const bytes = recordBytes(words, at)
    copyWords(words, at, this.#query, 0, bytes)
    if (!this.line.ask(this.#query, bytes, waiter)) return false
    this.#inFlightBytes += price
    return true
  }

  /** The outcome of a record of this kind came. */
  onAnswered(kind: number): void {
    this.#inFlightBytes -= this.prices[kind] as number
  }

  /** Takes memory for a message that waits; false: there is none. */
  keep(bytes: number): boolean {
    if (!this.#parts.budget.take(bytes)) return false
    this.waitingBytes += bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#parts.budget.giveBack(bytes)
    this.waitingBytes -= bytes
  }

  /** Gives `connection` a turn, now if nobody waits before it. */
  waitForTurn(connection: StreamConnection): void {
    if (connection.isReady || connection.isBlocked) return
    connection.isReady = true
    this.#ready.push(connection)
    if (!this.#waitsForRoom) this.#pumpOrWait()
  }

  #pumpOrWait(): void {
    if (this.#pump()) return
    this.#waitsForRoom = true
    this.line.waitForRoom(() => {
      this.#waitsForRoom = !this.#pump()
      return !this.#waitsForRoom
    })
  }

  /** Gives turns until nobody waits (true), or there is no room. */
  #pump(): boolean {
    const refusal = this.line.stateRefusal()
    const status = refusal === undefined ? STATUS.ok : STATUS[refusal.code]
    while (this.#ready.length > 0) {
      const connection = this.#ready[0] as StreamConnection
      const turn = this.#turnOf(connection, status)
      if (turn === 'no room') {
        this.#giveUpLate()
        return false
      }
      this.#ready.shift()
      if (turn === 'more') this.#ready.push(connection)
      else connection.isReady = false
    }
    return true
  }

  #turnOf(connection: StreamConnection, status: number): ReturnType<StreamConnection['takeTurn']> {
    try {
      return connection.takeTurn(status)
    } catch (error) {
      connection.onFault(error)
      return 'done'
    }
  }

  #giveUpLate(): void {
    const beforeMs = performance.now() - ROOM_DEADLINE_MS
    for (const connection of this.#ready) {
      if (connection.waitsSinceMs < beforeMs) connection.giveUp(beforeMs)
    }
  }

  /** Has the outcomes of `connection` sent, together with all that come in this turn. */
  sendSoon(connection: StreamConnection): void {
    if (connection.isDirty) return
    connection.isDirty = true
    if (this.#dirty.push(connection) === 1) queueMicrotask(() => this.#flush())
  }

  #flush(): void {
    const dirty = this.#dirty
    this.#dirty = []
    for (const connection of dirty) {
      try {
        connection.flush()
        if (this.#isDraining && connection.isIdle) this.#sendAway(connection)
      } catch (error) {
        connection.onFault(error)
      }
    }
  }

  /** A message was handed to the network, which has now so many bytes to take. */
  onSent(connection: StreamConnection, backlogBytes: number): void {
    this.messagesOut++
    if (connection.backlogBytes === 0) connection.takenMs = performance.now()
    this.#setBacklog(connection, backlogBytes)
  }

  /** The client took some of what was sent. */
  onDrain(connection: StreamConnection, backlogBytes: number): void {
    connection.takenMs = performance.now()
    this.#setBacklog(connection, backlogBytes)
    if (connection.hasJobs) this.waitForTurn(connection)
  }

  /** What clients leave unread comes out of the same memory as what waits for room. */
  #setBacklog(connection: StreamConnection, bytes: number): void {
    const more = bytes - connection.backlogBytes
    if (more === 0) return
    if (more > 0 && !this.#parts.budget.take(more)) {
      connection.end(CLOSE.policyViolation, 'Read faster: there is no memory for more answers.')
      return
    }
    if (more < 0) this.#parts.budget.giveBack(-more)
    connection.backlogBytes = bytes
    this.backlogBytes += more
  }

  /** A stream is over. */
  onClosed(connection: StreamConnection, code: number): void {
    this.#setBacklog(connection, 0)
    this.#connections.delete(connection)
    this.closedByCode.set(code, (this.closedByCode.get(code) ?? 0) + 1)
    if (this.#connections.size === 0) this.#onEmpty?.()
  }

  #onSweep(): void {
    const beforeMs = performance.now() - STREAM_TAKE_DEADLINE_MS
    for (const connection of this.#connections) {
      connection.rest()
      if (connection.backlogBytes > 0 && connection.takenMs < beforeMs) {
        connection.end(CLOSE.policyViolation, 'Nothing of the answers was read for too long.')
      }
    }
  }

  #sendAway(connection: StreamConnection): void {
    connection.end(CLOSE.goingAway, 'The server shuts down: reconnect and send again.')
  }

  /**
   * Closes every stream as soon as all of it is answered, after `waitMs` at the latest. What waits
   * for room, and what comes now, is refused: the line drains.
   */
  async drain(waitMs: number): Promise<void> {
    this.#isDraining = true
    this.#pump()
    for (const connection of [...this.#connections]) {
      if (connection.isIdle) this.#sendAway(connection)
    }
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs)
        this.#onEmpty = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.close()
  }

  /** Closes every stream now. */
  close(): void {
    clearInterval(this.#sweep)
    for (const connection of [...this.#connections]) this.#sendAway(connection)
  }
}
