// The engine in the calling process, behind the same interface as a server's. The threads are those of a
// server; only the gateway is missing, and its end of the rings is in the calling thread.

import {
  checkNames,
  checkOptions,
  Front,
  type Holdfast,
  type ModuleCodec,
  PipelineCarrier,
} from '../client/index.ts'
import {
  CAPACITIES_MAX,
  type Capacities,
  capacitiesFrom,
  SEGMENT_BYTES,
} from '../protocol/index.ts'
import { GatewayPort, type GatewayPortMemory } from './gateway-port.ts'
import { findModules, loadSurfaces } from './load-modules.ts'
import { createModuleCodec } from './module-codec.ts'
import type { OpenOptions } from './open.ts'
import { SEGMENT_BYTES_MIN, startServer } from './start.ts'
import type { RunningServer } from './supervisor.ts'

const OPTIONS = [
  'dataDir',
  'capacities',
  'modules',
  'segmentBytes',
  'acceptTimeJump',
  'onProblem',
  'signal',
  'timeoutMs',
  'retryMs',
  'onWait',
]

/** See `open`. */
export async function openEmbedded(options: OpenOptions): Promise<Holdfast> {
  checkNames(options, OPTIONS)
  const { dataDir, segmentBytes = SEGMENT_BYTES, acceptTimeJump = false } = options
  const { timeoutMs, retryMs, onWait, onProblem, signal } = options
  if (typeof dataDir !== 'string' || dataDir === '') {
    throw new TypeError('dataDir must be the path of a directory.')
  }
  checkSegmentBytes(segmentBytes)
  const modules = checkedModules(options.modules)
  checkOptions({ timeoutMs, retryMs, onWait })
  const capacities = capacitiesFrom(checkedCapacities(options.capacities))
  const codec = createModuleCodec(await loadSurfaces(findModules(modules)))
  let memory: GatewayPortMemory | undefined
  const server = await startServer({
    dataDir,
    capacities,
    modules,
    segmentBytes,
    testClock: false,
    acceptTimeJump,
    gatewayThread: (given) => {
      memory = given
    },
    gatewayOptions: undefined,
    signal,
    onProblem,
  })
  const port = new GatewayPort(memory as GatewayPortMemory)
  memory?.port.unref()
  server.keepAlive(false)
  const carrier = carrierOver(server, port, codec)
  try {
    const front = new Front(carrier, { timeoutMs, retryMs, onWait })
    await front.opened
    return front
  } catch (error) {
    await carrier.close()
    throw error
  }
}

function carrierOver(
  server: RunningServer,
  port: GatewayPort,
  codec: ModuleCodec,
): PipelineCarrier {
  let hasFailed = false
  server.failed.then((error) => {
    hasFailed = true
    port.fail(error.message)
  })
  const close = async (): Promise<void> => {
    port.close()
    try {
      await server.stop()
    } catch (error) {
      // Who called has heard of a failure by the errors of the calls.
      if (!hasFailed) throw error
    }
  }
  return new PipelineCarrier(port, close, codec)
}

function checkedModules(modules: readonly string[] = []): readonly string[] {
  const areTexts = Array.isArray(modules) && modules.every((one) => typeof one === 'string')
  if (!areTexts) throw new TypeError('modules must be a list of specifiers.')
  return modules
}

function checkSegmentBytes(segmentBytes: number): void {
  if (typeof segmentBytes !== 'number') throw new TypeError('segmentBytes must be a whole number.')
  if (segmentBytes < SEGMENT_BYTES_MIN || segmentBytes % 4_096 !== 0) {
    throw new RangeError(
      `segmentBytes must be a multiple of 4,096 and at least ${SEGMENT_BYTES_MIN}.`,
    )
  }
}

function checkedCapacities(given: Partial<Capacities> = {}): Partial<Capacities> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
  for (const [name, value] of entries) {
    if (!Object.hasOwn(CAPACITIES_MAX, name)) {
      throw new TypeError(`capacities.${name} is no capacity: see docs/limits.md.`)
    }
    const max = CAPACITIES_MAX[name as keyof Capacities]
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      throw new TypeError(`capacities.${name} must be a whole number.`)
    }
    if (value < 1 || value > max) {
      throw new RangeError(`capacities.${name} must be from 1 to ${max}.`)
    }
  }
  return Object.fromEntries(entries)
}
