// The engine thread's entry: tables, the newest snapshot that is good, routes, then the loop until the
// server ends it. What it does is in engine-loop.ts; here the parts are put together.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Engine } from '../engine/index.ts'
import { FileStorage } from '../journal/index.ts'
import { type Ahead, loadNewest, type SnapshotInfo } from '../snapshots/index.ts'
import { keepThreadOn } from './cores.ts'
import { PortBell } from './doorbell.ts'
import { EngineLoop } from './engine-loop.ts'
import { loadRules } from './load-modules.ts'
import { OutcomeRouter } from './outcome-router.ts'
import { RingProducer } from './ring.ts'
import type { SharedMemory } from './shared-memory.ts'
import { packError } from './thread-errors.ts'
import type { ThreadMessage } from './thread-messages.ts'

/** What the supervisor hands to the engine thread. */
export interface EngineThreadData {
  readonly shared: SharedMemory
  /** The snapshots' directory, and those in it that may be used, newest first. */
  readonly snapshots: {
    readonly directory: string
    readonly candidates: readonly SnapshotInfo[]
    /** Where the newest is read ahead; undefined where there is none. */
    readonly ahead: Ahead | undefined
  }
  /** Sequences that voids have it skip. */
  readonly voids: ReadonlySet<number>
  /** Random, for the indexes: crafted ids must not collide. */
  readonly seed: number
  /** The gateways' ports by slot. */
  readonly ports: readonly MessagePort[]
  /** Folders of the modules. */
  readonly modules: readonly string[]
  /** See `keepThreadOn`. */
  readonly core: number | undefined
  /** See `EngineLoopParts`. */
  readonly sharesCore: boolean
}

function tell(message: ThreadMessage): void {
  parentPort?.postMessage(message)
}

/** Failures of modules that people are told of; beyond, they would drown everything else. */
const FAILURES_TOLD = 20

function teller(): (sentence: string) => void {
  let told = 0
  return (sentence) => {
    if (++told <= FAILURES_TOLD) tell({ type: 'problem', sentence: `a module failed: ${sentence}` })
  }
}

async function serve(data: EngineThreadData): Promise<never> {
  const { shared, snapshots, voids, seed, ports, sharesCore } = data
  keepThreadOn(data.core)
  const modules = await loadRules(data.modules)
  const onModuleFailure = teller()
  const router = new OutcomeRouter(
    shared.gateways.map(({ outcomes, bell }, i) => ({
      ring: new RingProducer(outcomes),
      bell: new PortBell(bell, ports[i] as MessagePort),
    })),
  )
  const { tables: capacities, names } = shared
  const { engine, info } = loadNewest(
    new FileStorage(snapshots.directory),
    { candidates: snapshots.candidates, survey: { voids } },
    () => new Engine({ capacities, names, seed, sink: router, modules, onModuleFailure }),
    ({ sentence }) => tell({ type: 'problem', sentence: `passed over: ${sentence}` }),
    snapshots.ahead,
  )
  engine.skip(voids)
  tell({ type: 'allocated', bytes: engine.reservedBytes })
  tell({ type: 'loaded', from: info, rules: engine.rules })
  const onLive = (): void => tell({ type: 'live' })
  const onDetached = (slot: number, reason: string): void =>
    tell({ type: 'detached', slot, reason })
  return new EngineLoop({ shared, engine, router, sharesCore, onLive, onDetached }).run()
}

try {
  await serve(workerData as EngineThreadData)
} catch (error) {
  tell({ type: 'failed', error: packError(error) })
}
