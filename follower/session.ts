// One engine that follows the journal from where it was loaded on: frames are applied, sinks are fed,
// snapshots are made of it. When to do which is follower.ts's. It ends, and another one begins, where
// the journal comes to something that the engine would have had to know before.

import { setTimeout as delay } from 'node:timers/promises'
import type { Engine, Module } from '../engine/index.ts'
import { FRAME } from '../protocol/index.ts'
import { type OnPassedOver, type SnapshotInfo, writeSnapshot } from '../snapshots/index.ts'
import { Followed, type FollowerStorages } from './followed.ts'
import { FrameCapture, keptFrame } from './frame-capture.ts'
import { Rests } from './rests.ts'
import type { Schedule } from './schedule.ts'
import type { Sink } from './sink.ts'
import { type FeedOptions, SinkFeed } from './sink-feed.ts'

/** What a session is made of. */
export interface SessionOptions {
  readonly storages: FollowerStorages
  readonly sinks: readonly Sink[]
  readonly modules?: readonly Module[] | undefined
  readonly feed: FeedOptions
  readonly schedule: Schedule
  readonly onPassedOver: OnPassedOver
}

/** See the head of this file. */
export class Session {
  readonly #options: SessionOptions
  readonly #followed: Followed
  readonly #capture = new FrameCapture({ hasOutcomes: true })
  readonly #feeds: readonly SinkFeed[]
  readonly #rests = new Rests()
  /** Whether the last `apply` came to the end of what is certain. */
  #isLevel = false

  /** Loads. Throws `JournalVersionError` and errors of the storages. */
  constructor(options: SessionOptions) {
    const { storages, sinks, modules, feed, onPassedOver } = options
    this.#options = options
    const wanted = Math.min(...sinks.map((sink) => sink.sequence()))
    const isFed = sinks.length > 0
    // A sink that nothing reaches back to cannot be fed: the others are, from what there is.
    this.#followed = new Followed({
      storages,
      sink: this.#capture,
      watch: isFed ? this.#capture : undefined,
      modules,
      sequenceMax: isFed ? wanted : undefined,
      onPassedOver,
    })
    const { engine, names } = this.#followed.state
    this.#feeds = sinks.map((sink) => new SinkFeed(sink, names, feed))
    for (const one of this.#feeds) {
      if (one.status().sequence >= engine.sequence) continue
      one.detach(`what came before sequence ${engine.sequence} is there no more`)
    }
  }

  get engine(): Engine {
    return this.#followed.engine
  }

  /** The snapshot that it began with. */
  get snapshot(): SnapshotInfo | undefined {
    return this.#followed.state.snapshot
  }

  get feeds(): readonly SinkFeed[] {
    return this.#feeds
  }

  /** Why this session cannot go on and another has to begin; undefined where it can. */
  get stale(): string | undefined {
    return this.#followed.stale
  }

  /** Records that are certain to be in the journal and are not applied. */
  behind(): number {
    return this.#followed.behind()
  }

  /** Sequence of the last record in the journal as it is now, certain or not. */
  lastSequence(): number {
    return this.#followed.lastSequence()
  }

  /**
   * Applies frames until there is no other one, or until `untilMs` on the monotonic clock; gives back
   * how many. Throws `JournalDamage`, `JournalVersionError`, `EngineFault`, errors of the storage.
   */
  apply(untilMs: number): number {
    let frames = 0
    this.#rests.begin(this.#isLevel)
    this.#isLevel = false
    do {
      const bytes = this.#followed.next()
      this.#isLevel = bytes === 0
      if (this.#isLevel) break
      this.#applyFrame(bytes)
      frames++
      this.#rests.take()
    } while (performance.now() < untilMs)
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
    const { point, epoch, state } = this.#followed
    if (point === undefined || point.sequence !== this.engine.sequence) {
      throw new Error('the journal holds nothing yet that a snapshot could be made of')
    }
    const place = {
      log: point.log,
      chain: point.chain,
      epoch,
      capacities: state.tables,
      voids: state.voids,
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
    this.#followed.close()
    const busy = new Set(this.#options.sinks)
    const ending = this.#feeds.map((feed, n) =>
      feed.end().then(() => busy.delete(this.#options.sinks[n] as Sink)),
    )
    await Promise.race([Promise.all(ending), delay(waitMs, undefined, { ref: false })])
    return busy
  }

  #applyFrame(bytes: number): void {
    const { words } = this.#followed
    const feeds = this.#feeds.filter((feed) => !feed.isDetached)
    if (feeds.length === 0) this.#capture.pass(this.engine, words)
    else {
      const frame = keptFrame(this.#capture.apply(this.engine, words), bytes)
      for (const feed of feeds) feed.offer(frame)
    }
    this.#followed.applied()
    this.#options.schedule.applied(words.u32[FRAME.count >>> 2] as number, bytes)
  }
}
