// A gateway's port and the other ends of its rings in one thread, and records that are not much more
// than their heads.

import { MessageChannel } from 'node:worker_threads'
import {
  allocateWords,
  CAPACITIES_DEFAULT,
  type Capacities,
  OUTCOME,
  RECORD,
  recordBytes,
  type Words,
} from '../../protocol/index.ts'
import { GatewayPort } from '../../runtime/gateway-port.ts'
import { OutcomeRouter } from '../../runtime/outcome-router.ts'
import { RingProducer } from '../../runtime/ring.ts'
import { allocateSharedMemory, type GatewayMemory } from '../../runtime/shared-memory.ts'

/** Capacities for which tables are there at once. */
export const SMALL_CAPACITIES: Capacities = {
  ...CAPACITIES_DEFAULT,
  accountsMax: 1_024,
  ledgersMax: 16,
  reservationsMax: 65_536,
  groupsMax: 1_024,
  outcomesMax: 65_536,
  accountNameBytesMax: 65_536,
}

/** The rings of one gateway, with nobody behind them but the caller. */
export interface OpenRings {
  readonly memory: GatewayMemory
  readonly gateway: GatewayPort
  /** The engine's end of the outcomes. */
  readonly router: OutcomeRouter
  /** Wakes the gateway, and resolves when `isDone`. */
  readonly deliver: (isDone: () => boolean) => Promise<void>
  readonly close: () => void
}

/** Opens them. */
export function openRings(limits: Partial<Capacities>): OpenRings {
  const capacities = { ...SMALL_CAPACITIES, ...limits }
  const shared = allocateSharedMemory(capacities, capacities, 1, new Uint8Array(16))
  const memory = shared.gateways[0] as GatewayMemory
  const { port1, port2 } = new MessageChannel()
  const gateway = new GatewayPort({ shared, slot: 0, replayBytes: 0, port: port1 })
  const router = new OutcomeRouter([
    { ring: new RingProducer(memory.outcomes), bell: { ring: () => {} } },
  ])
  const deliver = async (isDone: () => boolean): Promise<void> => {
    port2.postMessage(0)
    while (!isDone()) await new Promise((resolve) => setImmediate(resolve))
  }
  const close = (): void => {
    gateway.close()
    port2.close()
  }
  return { memory, gateway, router, deliver, close }
}

/** A record of a kind, with nothing but its head. */
export function headOnly(kind: number, token: number, flags = 0): { words: Words; bytes: number } {
  const words = allocateWords(128)
  words.u8[RECORD.kind] = kind
  words.u8[RECORD.flags] = flags
  words.u32[RECORD.token >>> 2] = token
  return { words, bytes: recordBytes(words, 0) }
}

/** An outcome of a kind and length, as the engine would claim it; false where there is no room. */
export function putOutcome(
  router: OutcomeRouter,
  kind: number,
  bytes: number,
  token: number,
): boolean {
  if (!router.claim(0, bytes)) return false
  router.words.u8.fill(0, router.at, router.at + OUTCOME.head)
  router.words.u32[router.at >>> 2] = token
  router.words.u8[router.at + OUTCOME.kind] = kind
  router.words.u32[(router.at + OUTCOME.bytes) >>> 2] = bytes
  return true
}
