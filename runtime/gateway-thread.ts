// What a gateway's entry file calls to find its pipeline. The entry itself belongs to the composition
// root: the runtime knows no gateway.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { Pipeline } from '../protocol/index.ts'
import { GatewayPort } from './gateway-port.ts'
import type { SharedMemory } from './shared-memory.ts'
import { packError } from './thread-errors.ts'
import type { GatewayOrder, ThreadMessage } from './thread-messages.ts'

/** What the supervisor hands to a gateway thread. */
export interface GatewayThreadData {
  readonly shared: SharedMemory
  readonly slot: number
  readonly replayBytes: number
  readonly port: MessagePort
  /** `ServerOptions.gatewayOptions`. */
  readonly options: unknown
}

/** A gateway thread's ties to the server. */
export interface GatewayThread {
  readonly pipeline: Pipeline
  /** Which of the server's gateways it is, from 0. */
  readonly slot: number
  /** What the composition root gave to `startServer` as `gatewayOptions`. */
  readonly options: unknown
  /** It listens. `info` (plain data: a port number) reaches `RunningServer.gateways`. */
  ready(info: unknown): void
  /** It cannot go on: the server's start or the server fails with this error. */
  fail(error: unknown): void
  /** Called once, when the server stops: take nothing new, let what is in flight finish, close. */
  onDrain: () => Promise<void>
  /**
   * Called when the server ends at once, also after `onDrain`: close every socket. A thread that is
   * ended with open ones takes the process along.
   */
  onClose: () => void
}

/** Opens the gateway's end of the rings; once, in a thread that `startServer` began. */
export function openGatewayThread(): GatewayThread {
  const data = workerData as GatewayThreadData
  const pipeline = new GatewayPort(data)
  const tell = (message: ThreadMessage): void => parentPort?.postMessage(message)
  // Sockets that were closed are gone when the event loop has gone round once more.
  const tellDrained = (): void => {
    setImmediate(() => setImmediate(() => tell({ type: 'drained' })))
  }
  const thread: GatewayThread = {
    pipeline,
    slot: data.slot,
    options: data.options,
    ready: (info) => tell({ type: 'ready', info }),
    fail: (error) => tell({ type: 'failed', error: packError(error) }),
    onDrain: async () => {},
    onClose: () => {},
  }
  parentPort?.on('message', (order: GatewayOrder) => {
    if (order.type === 'failure') pipeline.fail(order.reason)
    else if (order.type === 'drain') thread.onDrain().then(tellDrained, thread.fail)
    else {
      thread.onClose()
      tellDrained()
    }
  })
  process.on('uncaughtException', (error) => {
    thread.onClose()
    thread.fail(error)
  })
  return thread
}
