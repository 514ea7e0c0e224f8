// One engine that follows the journal from where it was loaded on: frames are applied, sinks are fed,
// snapshots are made of it. When to do which is follower.ts's. It ends, and another one begins, where
// the journal comes to something that the engine would have had to know before.

import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from '../engine/index.ts'
import {
  capacitiesAfter,
  firstSequenceOf,
  forEachRecord,
  JoinedStorage,
  type LogPoint,
  recordsBehind,
  type Storage,
  scanHeaders,
  segmentNames,
  TailReader,
} from '../journal/index.ts'
import {
  allocateWords,
  type Capacities,
  FRAME,
  FRAME_BYTES_MAX,
  FRAME_FLAG,
  KIND,
  readI64,
  VOID,
  type Words,
} from '../protocol/index.ts'
import { type OnPassedOver, type SnapshotInfo, writeSnapshot } from '../snapshots/index.ts'
import { FrameCapture } from './frame-capture.ts'
import type { Schedule } from './schedule.ts'
import type { Sink } from './sink.ts'
import { type FeedOptions, SinkFeed } from './sink-feed.ts'
import { type LoadedState, loadState } from './state.ts'

/** Where a follower reads and writes. */
export interface FollowerStorages {
  readonly journal: Storage
  readonly archive: Storage
  readonly snapshots: Storage
}

/** What a session is made of. */
export interface SessionOptions {
  readonly storages: FollowerStorages
  readonly sinks: readonly Sink[]
  readonly feed: FeedOptions
  readonly schedule: Schedule
  readonly onPassedOver: OnPassedOver
}

/** See the head of this file. */
export class Session {
  readonly #options: SessionOptions
  readonly #state: LoadedState
  readonly #journal: Storage
  readonly #tail: TailReader
  readonly #capture: FrameCapture
  readonly #feeds: readonly SinkFeed[]
  readonly #words: Words = allocateWords(FRAME_BYTES_MAX)
  readonly #target = { words: this.#words, claim: (): number => 0 }
  /** What the engine has applied to the last frame. */
  #point: LogPoint | undefined
  /** Of that frame. */
  #epoch: number
  #stale: string | undefined

  /** Loads. Throws `JournalVersionError` and errors of the storages. */
  constructor(options: SessionOptions) {
    const { storages, sinks, feed, onPassedOver } = options
    this.#options = options
    this.#capture = new FrameCapture()
    const wanted = Math.min(...sinks.map((sink) => sink.sequence()))
    const sequenceMax = sinks.length === 0 ? undefined : wanted
    const load = (max: number | undefined): LoadedState =>
      loadState({ ...storages, sink: this.#capture, sequenceMax: max, onPassedOver })
    let state = load(sequenceMax)
    this.#journal = new JoinedStorage(storages.journal, storages.archive)
    const from = firstSequence(this.#journal)
    // A sink that nothing reaches back to cannot be fed: the others are, from what there is.
    if (state.snapshot === undefined && from > 1) state = load(undefined)
    this.#state = state
    this.#feeds = sinks.map((sink) => new SinkFeed(sink, state.names, feed))
    for (const one of this.#feeds) {
      if (one.status().sequence >= state.engine.sequence) continue
      one.detach(`what came before sequence ${state.engine.sequence} is there no more`)
    }
    this.#point = state.snapshot
    this.#epoch = state.snapshot?.epoch ?? 0
    this.#tail = new TailReader(this.#journal, state.snapshot)
  }

  get engine(): Engine {
    return this.#state.engine
  }

  /** The snapshot that it began with. */
  get snapshot(): SnapshotInfo | undefined {
    return this.#state.snapshot
  }

  get feeds(): readonly SinkFeed[] {
    return this.#feeds
  }

  /** Why this session cannot go on and another has to begin; undefined where it can. */
  get stale(): string | undefined {
    return this.#stale
  }

  /** Records that are certain to be in the journal and are not applied. */
  behind(): number {
    return recordsBehind(this.#options.storages.journal, this.engine.sequence)
  }

  /** Sequence of the last record in the journal as it is now, certain or not. */
  lastSequence(): number {
    const { sequence } = scanHeaders(this.#journal, undefined, this.#point)
    return Math.max(sequence, this.engine.sequence)
  }

  /**
   * Applies frames until there is no other one, or until `untilMs` on the monotonic clock; gives back
   * how many. Throws `JournalDamage`, `JournalVersionError`, `EngineFault`, errors of the storage.
   */
  apply(untilMs: number): number {
    let frames = 0
    while (this.#stale === undefined) {
      const bytes = this.#tail.next(this.#target)
      if (bytes === 0) break
      this.#stale = this.#surprise()
      if (this.#stale !== undefined) break
      this.#applyFrame(bytes)
      frames++
      if (performance.now() >= untilMs) break
    }
    return frames
  }

  /** Resolves when every sink has room. */
  async room(): Promise<void> {
    for (const feed of this.#feeds) await feed.room()
  }

  /**
   * Writes a snapshot of the state as it is; nothing may be applied meanwhile. Throws errors of the
   * storage, and the signal's reason.
   */
  async writeSnapshot(restMs: number | undefined, signal: AbortSignal): Promise<SnapshotInfo> {
    const point = this.#point
    if (point === undefined || point.sequence !== this.engine.sequence) {
      throw new Error('the journal holds nothing yet that a snapshot could be made of')
    }
    const place = {
      log: point.log,
      chain: point.chain,
      epoch: this.#epoch,
      capacities: this.#state.tables,
      voids: this.#state.voids,
    }
    const options = restMs === undefined ? { signal } : { restMs, signal }
    const info = await writeSnapshot(this.#options.storages.snapshots, this.engine, place, options)
    for (const feed of this.#feeds) feed.forgive()
    return info
  }

  /**
   * Ends it; resolves with the sinks that still had a batch in hand after `waitMs`. The others may
   * be fed by another session.
   */
  async end(waitMs: number): Promise<ReadonlySet<Sink>> {
    this.#tail.close()
    const busy = new Set(this.#options.sinks)
    const ending = this.#feeds.map((feed, n) =>
      feed.end().then(() => busy.delete(this.#options.sinks[n] as Sink)),
    )
    await Promise.race([Promise.all(ending), delay(waitMs, undefined, { ref: false })])
    return busy
  }

  #applyFrame(bytes: number): void {
    const words = this.#words
    const feeds = this.#feeds.filter((feed) => !feed.isDetached)
    if (feeds.length === 0) this.engine.applyFrame(words, 0, false)
    else {
      const frame = this.#capture.apply(this.engine, words, bytes)
      for (const feed of feeds) feed.offer(frame)
    }
    this.#point = this.#tail.point
    this.#epoch = words.u32[FRAME.epoch >>> 2] as number
    this.#options.schedule.applied(words.u32[FRAME.count >>> 2] as number, bytes)
  }

  /** What the frame says that the engine would have had to know from the start. */
  #surprise(): string | undefined {
    const words = this.#words
    const flags = words.u32[FRAME.flags >>> 2] as number
    if ((flags & (FRAME_FLAG.configure | FRAME_FLAG.void)) === 0) return undefined
    const { tables, voids } = this.#state
    let surprise: string | undefined
    forEachRecord(words, 0, (at) => {
      if (words.u8[at] === KIND.void) {
        const sequence = readI64(words, at + VOID.sequence)
        if (!voids.has(sequence)) surprise = `sequence ${sequence} was made void`
      } else if (words.u8[at] === KIND.configure) {
        if (isLarger(capacitiesAfter(tables, words, at), tables))
          surprise = 'capacities were raised'
      }
    })
    return surprise
  }
}

function isLarger(one: Capacities, other: Capacities): boolean {
  const names = Object.keys(one) as (keyof Capacities)[]
  return names.some((name) => one[name] > other[name])
}

function firstSequence(journal: Storage): number {
  const [name] = segmentNames(journal)
  return name === undefined ? 1 : firstSequenceOf(name)
}
