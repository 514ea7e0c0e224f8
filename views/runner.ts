// Keeps the views of one data directory: a session after the other, each where the one before cannot go
// on, and a new file where the old one is of no use. It never writes to the journal, and nobody waits for
// it. Which process runs it is cli/'s.

import { setImmediate as turn } from 'node:timers/promises'
import type { Module } from '../engine/index.ts'
import type { ArchivePolicy, FollowerDirectories } from '../follower/index.ts'
import { logOf } from '../journal/index.ts'
import type { ModuleView } from '../protocol/index.ts'
import { isDamage, ViewsUnusable } from './errors.ts'
import { putViewsAside, removeViews } from './file.ts'
import { shapeOf } from './schema.ts'
import { assertBuildable, type ViewsPlace, ViewsSession, wholeJournal } from './session.ts'

/**
 * Waits between two looks when all that was certain is stored, in ms. While news keep coming it lets them
 * gather: one large transaction costs half of what many small ones do. Who waits with `minSequence` waits as
 * much longer.
 */
const GATHER_MS = 50
const GATHER_MS_MAX = 200
const REST_MS = 20
const REST_MS_IDLE = 100

/** A journal without news for so long is idle, in ms. */
const IDLE_AFTER_MS = 1_000

/** How often it is looked whether the file and the journal's beginning are still there, in ms. */
const LOOK_EVERY_MS = 1_000

/** What views are made of. */
export interface ViewsOptions {
  /** Of views.sqlite. */
  readonly path: string
  readonly directories: FollowerDirectories
  /** What becomes of segments that snapshots stand in for: where they are dropped, every write is synced. */
  readonly archive: ArchivePolicy
  /** The modules that decide what is followed, and what is kept of them. */
  readonly modules: readonly Module[]
  readonly views: readonly ModuleView[]
  /** Hears what people should read. */
  readonly onMessage: (sentence: string) => void
}

/** How the views are doing. */
export interface ViewsStatus {
  /** `building`: nothing is read from them yet. */
  readonly state: 'loading' | 'building' | 'following'
  /** Sequence of the last record that is stored. */
  readonly sequence: number
  /** Journal time there, in ms since 1970; 0 where nothing is stored. */
  readonly timeMs: number
  /** Sequence of the last record that the journal held when the file was opened. */
  readonly target: number
  /** Whether all that is certain was stored when it last looked. */
  readonly isLevel: boolean
}

/** See the head of this file. */
export class ViewsRunner {
  readonly #place: ViewsPlace
  #session: ViewsSession | undefined
  #isLevel = false
  #wake = (): void => {}

  /** Throws `RangeError` where a module's view is wrong. */
  constructor({ views, ...options }: ViewsOptions) {
    this.#place = { ...options, shapes: shapeOf(views) }
  }

  /** How they are doing. */
  status(): ViewsStatus {
    const session = this.#session
    const { sequence = 0, timeMs = 0, target = 0, completeAt = 0 } = session ?? {}
    const state =
      session === undefined ? 'loading' : sequence < completeAt ? 'building' : 'following'
    return { state, sequence, timeMs, target, isLevel: this.#isLevel }
  }

  /**
   * Follows until `signal` says so. Rejects with `ViewsUnreachable`, `JournalDamage`,
   * `JournalVersionError`, `EngineFault` (its state differs from what the journal says it was), errors of
   * SQLite and of the disk.
   */
  async run(signal: AbortSignal): Promise<void> {
    const wake = (): void => this.#wake()
    signal.addEventListener('abort', wake)
    try {
      while (!signal.aborted) await this.#runSession(signal, () => false)
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }

  /**
   * Follows until the views hold what is certain of what the journal held when this began, or until
   * `signal` says so; gives back their sequence, or undefined in that case. Rejects as `run` does.
   */
  async catchUp(signal: AbortSignal): Promise<number | undefined> {
    let reached: number | undefined
    const isEnough = ({ sequence, target }: ViewsStatus): boolean => {
      // Of the last frame nobody knows for certain that it was synced, where its writer was killed.
      if (sequence >= target || this.#isLevel) reached = sequence
      return reached !== undefined
    }
    while (!signal.aborted && reached === undefined) await this.#runSession(signal, isEnough)
    return reached
  }

  /** Makes the file anew: what is there goes, if it can be built again. Not while `run` is under way. */
  remove(): void {
    assertBuildable(this.#place.directories, 'the views are to be built anew')
    removeViews(this.#place.path)
  }

  async #runSession(
    signal: AbortSignal,
    isEnough: (status: ViewsStatus) => boolean,
  ): Promise<void> {
    try {
      const session = await this.#begin(signal)
      if (session !== undefined) await this.#follow(session, signal, isEnough)
    } catch (error) {
      if (!(error instanceof ViewsUnusable) && !isDamage(error)) throw error
      this.#end()
      this.#discard(error as Error)
    } finally {
      this.#end()
    }
  }

  #end(): void {
    this.#session?.close()
    this.#session = undefined
    this.#isLevel = false
  }

  /** Undefined where the end came before there was a journal. */
  async #begin(signal: AbortSignal): Promise<ViewsSession | undefined> {
    const journal = wholeJournal(this.#place.directories)
    while (logOf(journal) === undefined) {
      await this.#rest(REST_MS_IDLE, signal)
      if (signal.aborted) return undefined
    }
    this.#session = new ViewsSession(this.#place)
    return this.#session
  }

  async #follow(
    session: ViewsSession,
    signal: AbortSignal,
    isEnough: (status: ViewsStatus) => boolean,
  ): Promise<void> {
    const { onMessage, path } = this.#place
    let newsMs = performance.now()
    let lookedMs = newsMs
    while (!signal.aborted && session.stale === undefined) {
      const startedMs = performance.now()
      const frames = session.applyBatch()
      const now = performance.now()
      this.#isLevel = session.isLevel
      if (isEnough(this.status())) break
      if (frames > 0) newsMs = now
      const restMs = this.#restMs(frames, now - startedMs, now - newsMs)
      await (restMs === 0 ? turn() : this.#rest(restMs, signal))
      if (now - lookedMs < LOOK_EVERY_MS) continue
      lookedMs = now
      if (session.isThere()) {
        session.chooseSyncs()
        continue
      }
      onMessage(`${path} is not the file any more that the views were written to: they begin anew`)
      return
    }
    if (session.stale === undefined) session.settle()
    else onMessage(`${session.stale}: the views load their state anew`)
  }

  /**
   * After a batch of so many frames that took so long, and so long after the last news. The longer a batch
   * took the more is gathered for the next: pages that are written once for many rows are less for the disk,
   * which is the journal's too.
   */
  #restMs(frames: number, tookMs: number, silentMs: number): number {
    if (!this.#isLevel) return 0
    if (frames > 0) return Math.min(Math.max(GATHER_MS, tookMs), GATHER_MS_MAX)
    return silentMs > IDLE_AFTER_MS ? REST_MS_IDLE : REST_MS
  }

  /** The file is of no use: it goes out of the way, if the journal still has all that was in it. */
  #discard(error: Error): void {
    const { path, directories, onMessage } = this.#place
    const isUnusable = error instanceof ViewsUnusable
    const reason = isUnusable ? error.message : `${path} is damaged (${error.message})`
    assertBuildable(directories, reason)
    if (isUnusable && error.isOutdated) {
      removeViews(path)
      onMessage(`${reason}: the views are built anew from the journal`)
    } else {
      const to = putViewsAside(path, directories.quarantine)
      onMessage(`${reason}: it is kept as ${to}, and the views are built anew from the journal`)
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
