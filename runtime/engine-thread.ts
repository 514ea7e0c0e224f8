// The engine thread's entry: tables, routes, then the loop until the server ends it. What it does is in
// engine-loop.ts; here the parts are put together.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Engine } from '../engine/index.ts'
import { PortBell } from './doorbell.ts'
import { EngineLoop } from './engine-loop.ts'
import { OutcomeRouter } from './outcome-router.ts'
import { RingProducer } from './ring.ts'
import type { SharedMemory } from './shared-memory.ts'
import { packError } from './thread-errors.ts'
import type { ThreadMessage } from './thread-messages.ts'

/** What the supervisor hands to the engine thread. */
export interface EngineThreadData {
  readonly shared: SharedMemory
  /** Sequences that voids have it skip. */
  readonly voids: ReadonlySet<number>
  /** Random, for the indexes: crafted ids must not collide. */
  readonly seed: number
  /** The gateways' ports by slot. */
  readonly ports: readonly MessagePort[]
}

function tell(message: ThreadMessage): void {
  parentPort?.postMessage(message)
}

function serve({ shared, voids, seed, ports }: EngineThreadData): never {
  const router = new OutcomeRouter(
    shared.gateways.map(({ outcomes, bell }, i) => ({
      ring: new RingProducer(outcomes),
      bell: new PortBell(bell, ports[i] as MessagePort),
    })),
  )
  const engine = new Engine({
    capacities: shared.tables,
    names: shared.names,
    seed,
    sink: router,
  })
  engine.skip(voids)
  tell({ type: 'allocated', bytes: engine.reservedBytes })
  const onLive = (): void => tell({ type: 'live' })
  const onDetached = (slot: number, reason: string): void =>
    tell({ type: 'detached', slot, reason })
  return new EngineLoop({ shared, engine, router, onLive, onDetached }).run()
}

try {
  serve(workerData as EngineThreadData)
} catch (error) {
  tell({ type: 'failed', error: packError(error) })
}
