// Starting and stopping a server: the supervisor of its threads. It sits on the main thread, holds
// the lock on the data directory and touches no command.
//
//   directory -> lock -> survey of snapshots and journal -> shared memory -> threads
//     -> the engine loads a snapshot -> the journal feeds it what came after -> serving

import { randomBytes } from 'node:crypto'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { FileStorage, type PreparerData, preparerThread } from '../journal/index.ts'
import {
  type Capacities,
  FRAME_BYTES_MAX,
  GATEWAYS_MAX,
  SEGMENT_HEAD_BYTES,
} from '../protocol/index.ts'
import {
  allocateAhead,
  chooseSnapshots,
  type ReadAheadData,
  type ReplayStart,
  readAheadThread,
} from '../snapshots/index.ts'
import type { Cores } from './cores.ts'
import { journalDirectory, prepareDataDirectory, snapshotsDirectory } from './data-directory.ts'
import type { EngineThreadData } from './engine-thread.ts'
import type { GatewayPortMemory } from './gateway-port.ts'
import type { GatewayThreadData } from './gateway-thread.ts'
import type { JournalThreadData } from './journal-thread.ts'
import { findModules } from './load-modules.ts'
import { lockDirectory } from './lock.ts'
import { allocateSharedMemory, type SharedMemory } from './shared-memory.ts'
import { type RunningServer, Supervisor } from './supervisor.ts'
import { Thread } from './threads.ts'
import { tuneV8 } from './v8-flags.ts'

/** What a server is started with. */
export interface ServerOptions {
  readonly dataDir: string
  readonly capacities: Capacities
  /** Size of new segments, in bytes: a multiple of 4 KiB that holds a frame. */
  readonly segmentBytes: number
  /** Time stands still, but for what `POST /v1/test/clock` moves it by. */
  readonly testClock: boolean
  /** The wall clock is believed, however far ahead of the journal it is. */
  readonly acceptTimeJump: boolean
  /**
   * Entry file of a gateway thread, which calls `openGatewayThread`; or, for a program that has its
   * engine to itself, what takes the one gateway's end of the rings in the calling thread.
   */
  readonly gatewayThread: URL | ((memory: GatewayPortMemory) => void)
  /** Plain data for it. */
  readonly gatewayOptions: unknown
  /** Modules by their specifiers, see `findModules`; none where not given. */
  readonly modules?: readonly string[] | undefined
  /** Where engine and journal stay; wherever the kernel likes where not given. */
  readonly cores?: Cores | undefined
  /** Helpers of this server run on the engine's core of `cores`; false where not given. */
  readonly hasHelpers?: boolean
  /** Gateway threads; 1 where not given. */
  readonly gateways?: number
  /** Gives up a start that has not ended yet: the journal may be long. Later it changes nothing. */
  readonly signal?: AbortSignal
  /** Hears what people should read and what does not end the server. */
  readonly onProblem?: (sentence: string) => void
}

/** The smallest segment: its header and the largest frame. */
export const SEGMENT_BYTES_MIN: number = SEGMENT_HEAD_BYTES + FRAME_BYTES_MAX

/**
 * Starts a server; resolves when it has recovered and every gateway is ready. Rejects with
 * `DataDirectoryError`, `DirectoryInUse`, `JournalDamage`, `JournalVersionError`, `JournalPoisoned`,
 * `TimeJumpRefused`, `EngineFault`, `ModuleLoadError`, `ModuleMisuse`, `StartAborted`, the gateway's own error, or an error of the disk;
 * nothing is left running and the lock is released.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { dataDir, capacities, segmentBytes } = options
  const gateways = options.gateways ?? 1
  if (gateways < 1 || gateways > GATEWAYS_MAX) {
    throw new RangeError(`${gateways} gateways: 1 to ${GATEWAYS_MAX} are possible`)
  }
  if (segmentBytes < SEGMENT_BYTES_MIN) {
    throw new RangeError(`segments of ${segmentBytes} bytes: ${SEGMENT_BYTES_MIN} at least`)
  }
  const modules = findModules(options.modules ?? [])
  const startedMs = performance.now()
  tuneV8()
  prepareDataDirectory(dataDir)
  const lock = lockDirectory(dataDir)
  let supervisor: Supervisor | undefined
  try {
    const start = chooseSnapshots(
      new FileStorage(snapshotsDirectory(dataDir)),
      new FileStorage(journalDirectory(dataDir)),
      {
        capacities,
        onPassedOver: ({ sentence }) => options.onProblem?.(`passed over: ${sentence}`),
      },
    )
    const boot = new Uint8Array(randomBytes(16))
    const shared = allocateSharedMemory(capacities, start.survey.tables, gateways, boot)
    supervisor = new Supervisor({ shared, lock, startedMs, onProblem: options.onProblem })
    startThreads(supervisor, options, shared, start, modules)
    return await supervisor.serving(options.signal)
  } catch (error) {
    if (supervisor === undefined) lock.release()
    else await supervisor.abandon()
    throw error
  }
}

function startThreads(
  supervisor: Supervisor,
  options: ServerOptions,
  shared: SharedMemory,
  { candidates, survey }: ReplayStart,
  modules: readonly string[],
): void {
  const { dataDir, segmentBytes, testClock, acceptTimeJump, cores, hasHelpers = false } = options
  const start = (
    name: string,
    entry: URL,
    data: unknown,
    ports: readonly MessagePort[] = [],
  ): Thread => new Thread(name, entry, data, ports, supervisor)
  const channels = shared.gateways.map(() => new MessageChannel())
  const ports = channels.map(({ port1 }) => port1)
  const directory = snapshotsDirectory(dataDir)
  const [newest] = candidates
  const ahead = newest === undefined ? undefined : allocateAhead(newest.name)
  const engine: EngineThreadData = {
    shared,
    snapshots: { directory, candidates, ahead },
    voids: survey.voids,
    seed: randomBytes(4).readUInt32LE(),
    ports,
    modules,
    core: cores?.engine,
    sharesCore: cores !== undefined && hasHelpers,
  }
  const journal: JournalThreadData = {
    shared,
    dataDir,
    segmentBytes,
    testClock,
    acceptTimeJump,
    core: cores?.journal,
  }
  const preparer: PreparerData = {
    directory: journalDirectory(dataDir),
    segmentBytes,
    control: shared.preparer,
  }
  const readData: ReadAheadData | undefined = ahead && { directory, ahead }
  supervisor.watch({
    engine: start('engine', new URL('./engine-thread.js', import.meta.url), engine, ports),
    journal: start('journal', new URL('./journal-thread.js', import.meta.url), journal),
    preparer: start('preparer', preparerThread, preparer),
    reader: readData && start('reader', readAheadThread, readData),
    gateways: channels.flatMap(({ port2 }, slot) => {
      const { gatewayThread, gatewayOptions } = options
      const memory: GatewayPortMemory = { shared, slot, replayBytes: survey.bytes, port: port2 }
      if (!(gatewayThread instanceof URL)) {
        gatewayThread(memory)
        return []
      }
      const data: GatewayThreadData = { ...memory, options: gatewayOptions }
      return start(`gateway ${slot}`, gatewayThread, data, [port2])
    }),
  })
}
