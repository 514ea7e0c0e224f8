// The follower: follows a journal, makes snapshots of its state by schedule and on request, and retires
// the segments that snapshots stand in for. It never writes to the journal and nobody waits for it.

import { setImmediate as turn } from 'node:timers/promises'
import type { Module } from '../engine/index.ts'
import { FileStorage } from '../journal/index.ts'
import { listSnapshots, removeLeftovers, snapshotName } from '../snapshots/index.ts'
import { type ArchivePolicy, retireOld } from './archive.ts'
import type { FollowerStorages } from './followed.ts'
import { Schedule, type ScheduleOptions } from './schedule.ts'
import { Session } from './session.ts'
import type { Sink, SinkStatus } from './sink.ts'
import { madeOf, putAside, type SnapshotMade } from './snapshot-made.ts'

/** How long frames are applied before the socket and the signals have their turn, in ms. */
const SLICE_MS = 10

/**
 * Waits between two looks when all that was certain is applied, in ms. A look costs a quarter of a
 * millisecond of a cold processor: 1.3% of one at 20 ms, 0.3% at 100 ms.
 */
const REST_MS = 20
const REST_MS_IDLE = 100

/** A journal without news for so long is idle, in ms. */
const IDLE_AFTER_MS = 1_000

/** After a request, a journal that was silent for so long has nothing more that is certain, in ms. */
const SILENT_MS = 100

/** How long a sink may hold the follower up between two snapshots where nothing else is said, in ms. */
const SINK_HOLD_MS = 30_000

/** How long a sink may take to store what it has in hand when the follower stops, in ms. */
const END_MS = 200

/** Names in the data directory, as paths. */
export interface FollowerDirectories {
  readonly journal: string
  readonly archive: string
  readonly snapshots: string
  /** Where snapshots go that are damaged or of another journal. */
  readonly quarantine: string
}

/** What a follower is made of. */
export interface FollowerOptions {
  readonly directories: FollowerDirectories
  readonly schedule: ScheduleOptions
  readonly archive: ArchivePolicy
  /**
   * The sequence that somebody still has to begin from, where segments are dropped; undefined where nobody
   * needs them. Asked after every snapshot.
   */
  readonly keepFrom?: (() => number | undefined) | undefined
  /** The modules that decide what is followed; none where not given. */
  readonly modules?: readonly Module[] | undefined
  readonly sinks?: readonly Sink[]
  /** How long one sink may hold it up between two snapshots, in ms. */
  readonly sinkHoldMs?: number
  /** Rest between two MiB of a snapshot, in ms; the snapshots' own where not given. */
  readonly restMs?: number
  /** Hears what people should read. */
  readonly onMessage: (sentence: string) => void
}

/** How a follower is doing. */
export interface FollowerStatus {
  readonly state: 'loading' | 'following' | 'snapshotting'
  /** Sequence of the last record that it applied. */
  readonly sequence: number
  /** Journal time of that record's frame, in ms since 1970. */
  readonly timeMs: number
  /** Records that are not applied yet: at least so many, for it looks no further than the names. */
  readonly behind: number
  /** Whether it had applied all that is certain when it last looked. */
  readonly isLevel: boolean
  /** Checkpoints of the journal that it found equal to its own state. */
  readonly checkpoints: number
  readonly snapshot: SnapshotMade | undefined
  readonly sinks: readonly SinkStatus[]
}

interface Request {
  readonly resolve: (made: SnapshotMade) => void
  readonly reject: (error: unknown) => void
}

/** See the head of this file. */
export class Follower {
  readonly #options: FollowerOptions
  readonly #storages: FollowerStorages
  readonly #sinkHoldMs: number
  /** Those that can be fed: one that did not let go of a session is not given another. */
  #sinks: readonly Sink[]
  #session: Session | undefined
  #schedule: Schedule
  #state: FollowerStatus['state'] = 'loading'
  #snapshot: SnapshotMade | undefined
  #requests: Request[] = []
  /** The sequence that a requested snapshot has to reach, and when that was found out. */
  #wanted: { readonly sequence: number; readonly sinceMs: number } | undefined
  /** Since when it has found nothing to apply, on the monotonic clock; Infinity where it has. */
  #levelSinceMs = Number.POSITIVE_INFINITY
  /** When it last looked. */
  #lookedMs = 0
  #wake = (): void => {}

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#sinks = options.sinks ?? []
    this.#sinkHoldMs = options.sinkHoldMs ?? SINK_HOLD_MS
    const { journal, archive, snapshots } = options.directories
    this.#storages = {
      journal: new FileStorage(journal),
      archive: new FileStorage(archive),
      snapshots: new FileStorage(snapshots),
    }
    this.#schedule = new Schedule(options.schedule, performance.now())
  }

  /** How it is doing. */
  status(): FollowerStatus {
    const session = this.#session
    return {
      state: this.#state,
      sequence: session?.engine.sequence ?? 0,
      timeMs: session?.engine.timeMs ?? 0,
      behind: session?.behind() ?? 0,
      isLevel: this.#levelSinceMs !== Number.POSITIVE_INFINITY,
      checkpoints: session?.engine.checkpointsCompared ?? 0,
      snapshot: this.#snapshot,
      sinks: session?.feeds.map((feed) => feed.status()) ?? [],
    }
  }

  /**
   * Makes a snapshot of all that the journal holds now, as far as it is certain. Where nothing came
   * since the last one, that one is given back. Rejects where none can be made.
   */
  requestSnapshot(): Promise<SnapshotMade> {
    return new Promise((resolve, reject) => {
      this.#requests.push({ resolve, reject })
      // What this caller knows of may have come after what an earlier one asked for.
      this.#wanted = undefined
      this.#wake()
    })
  }

  /**
   * Follows until `signal` says so. Rejects with `JournalDamage`, `JournalVersionError`, `EngineFault`
   * (its state differs from what the journal says it was: nothing of it can be believed), or an error
   * of the disk. Snapshots that fail are told and tried again.
   */
  async run(signal: AbortSignal): Promise<void> {
    const wake = (): void => this.#wake()
    signal.addEventListener('abort', wake)
    try {
      removeLeftovers(this.#storages.snapshots)
      while (!signal.aborted) await this.#runSession(signal)
    } finally {
      signal.removeEventListener('abort', wake)
      const error = new Error('the follower stopped')
      for (const { reject } of this.#requests.splice(0)) reject(error)
    }
  }

  async #runSession(signal: AbortSignal): Promise<void> {
    this.#state = 'loading'
    const session = this.#open()
    this.#session = session
    try {
      this.#state = 'following'
      while (!signal.aborted && session.stale === undefined) {
        const untilMs = performance.now() + SLICE_MS
        const frames = session.apply(untilMs)
        const hasAll = frames === 0 || performance.now() < untilMs
        this.#noteLevel(frames === 0)
        await session.room()
        if (this.#isSnapshotDue(session)) await this.#makeSnapshot(session, signal)
        // While news keep coming as well: a few at a time cost more than many at once.
        await (hasAll ? this.#rest(this.#restMs(), signal) : turn())
      }
      if (session.stale !== undefined) {
        this.#options.onMessage(`${session.stale}: the follower loads its state anew`)
      }
    } finally {
      const goesOn = session.stale !== undefined && !signal.aborted
      const busy = await session.end(goesOn ? this.#sinkHoldMs : END_MS)
      this.#sinks = this.#sinks.filter((sink) => !busy.has(sink))
      this.#session = undefined
    }
  }

  #open(): Session {
    const { directories, schedule, onMessage } = this.#options
    this.#schedule = new Schedule(schedule, performance.now())
    const session = new Session({
      storages: this.#storages,
      sinks: this.#sinks,
      modules: this.#options.modules,
      feed: { holdMs: this.#sinkHoldMs, onDetached: onMessage },
      schedule: this.#schedule,
      onPassedOver: putAside(directories, onMessage),
    })
    this.#snapshot = session.snapshot === undefined ? undefined : madeOf(session.snapshot, 0)
    return session
  }

  #noteLevel(isLevel: boolean): void {
    this.#lookedMs = performance.now()
    if (!isLevel) this.#levelSinceMs = Number.POSITIVE_INFINITY
    else if (this.#levelSinceMs === Number.POSITIVE_INFINITY) this.#levelSinceMs = this.#lookedMs
  }

  #restMs(): number {
    const isIdle = performance.now() - this.#levelSinceMs > IDLE_AFTER_MS
    return isIdle ? REST_MS_IDLE : REST_MS
  }

  #isSnapshotDue(session: Session): boolean {
    const now = performance.now()
    if (this.#requests.length === 0) return this.#schedule.isDue(now)
    this.#wanted ??= { sequence: session.lastSequence(), sinceMs: now }
    const { sequence, sinceMs } = this.#wanted
    if (session.engine.sequence >= sequence) return true
    return this.#lookedMs - Math.max(this.#levelSinceMs, sinceMs) > SILENT_MS
  }

  /** Makes one for those who asked, or by schedule; errors are told, and the follower goes on. */
  async #makeSnapshot(session: Session, signal: AbortSignal): Promise<void> {
    const requests = this.#requests.splice(0)
    this.#wanted = undefined
    const startedMs = performance.now()
    try {
      if (!this.#isThere(session.engine.sequence)) {
        this.#state = 'snapshotting'
        const info = await session.writeSnapshot(this.#options.restMs, signal)
        const endedMs = performance.now()
        this.#snapshot = madeOf(info, endedMs - startedMs)
        this.#schedule.made(endedMs, endedMs - startedMs)
        this.#retire()
      }
      for (const { resolve } of requests) resolve(this.#snapshot as SnapshotMade)
    } catch (error) {
      for (const { reject } of requests) reject(error)
      if (signal.aborted) return
      this.#schedule.failed(performance.now(), performance.now() - startedMs)
      if (requests.length > 0) return
      this.#options.onMessage(`no snapshot could be made: ${reasonOf(error)}`)
    } finally {
      this.#state = 'following'
    }
  }

  /** Whether the last snapshot is of this sequence, and nobody took it away. */
  #isThere(sequence: number): boolean {
    if (this.#snapshot?.sequence !== sequence) return false
    return listSnapshots(this.#storages.snapshots).includes(snapshotName(sequence))
  }

  /** Keeps two snapshots, and the journal back to the older one. */
  #retire(): void {
    const { directories, archive, keepFrom, onMessage } = this.#options
    try {
      retireOld(directories, archive, keepFrom?.())
    } catch (error) {
      onMessage(`old snapshots or segments could not be retired: ${reasonOf(error)}`)
    }
  }

  #rest(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
