// What the journal thread does from the moment that it serves: it merges what the gateways queued
// into frames, one at a time on its way to disk, and shows each to the engine when it is on stable
// storage. A frame is whatever queued while the last sync ran.
//
// Nothing here catches an error of the writer: what cannot be written is never published, and the
// thread ends.

import { frameBytes, type JournalWriter } from '../journal/index.ts'
import {
  CHECKPOINT,
  CONFIGURE,
  FRAME,
  FRAME_BYTES_MAX,
  FRAME_FLAG,
  TAIL_BYTES_MAX,
  TICK,
} from '../protocol/index.ts'
import type { FrameClock } from './clock.ts'
import type { CommandSource, OpenFrame } from './command-source.ts'
import { ThreadBell } from './doorbell.ts'
import { putCheckpoint, putConfigure, putTick } from './own-records.ts'
import { ReportReader, type ReportWriter } from './report.ts'
import { RingBroken, type RingProducer } from './ring.ts'
import { CONTROL, ENGINE_REPORT, JOURNAL_REPORT, type SharedMemory } from './shared-memory.ts'
import { waitForRing } from './wait-for-ring.ts'

/** A digest is journaled after so many frames: a replay compares itself every few thousand commands. */
const CHECKPOINT_FRAMES = 64

/** A journal that was idle for so long is sealed, so that its last frame has a witness. */
const SEAL_AFTER_MS = 20

/** Ticks come no closer together: an expiry may be so late while nothing else happens. */
const TICK_EVERY_MS = 10

/** With nothing due the thread sleeps until it is rung; with something due it looks at the clock. */
const DUE_LOOK_MS = 1_000

/** What the loop works with. */
export interface JournalLoopParts {
  readonly shared: SharedMemory
  readonly ring: RingProducer
  readonly sources: CommandSource[]
  readonly writer: JournalWriter
  readonly clock: FrameClock
  readonly report: ReportWriter
  /** Sequence of the last record that the recovery read. */
  readonly sequence: number
  /** What the `configure` record says of the engine's modules. */
  readonly rules: string
  /** A gateway was cut off. */
  readonly onDetached: (slot: number, reason: string) => void
}

/** The loop; `run` returns after a clean stop. */
export class JournalLoop {
  readonly #parts: JournalLoopParts
  #sources: CommandSource[]
  readonly #bell: ThreadBell
  readonly #engineBell: ThreadBell
  readonly #control: Int32Array
  readonly #engine: ReportReader
  #sequence: number
  #isConfigured = false
  #isSealed = false
  #framesToCheckpoint = CHECKPOINT_FRAMES
  /** Sequence that the last checkpoint speaks of. */
  #checkpointed = 0
  /** Of the last frame and of the last tick, on the monotonic clock. */
  #frameAtMs = 0
  #tickAtMs = 0

  constructor(parts: JournalLoopParts) {
    this.#parts = parts
    this.#sources = parts.sources
    this.#bell = new ThreadBell(parts.shared.journalBell)
    this.#engineBell = new ThreadBell(parts.shared.engineBell)
    this.#control = new Int32Array(parts.shared.control)
    this.#engine = new ReportReader(parts.shared.engineReport)
    this.#sequence = parts.sequence
  }

  /** Serves until it is told to stop; the first frame configures, the last one is a seal. */
  run(): void {
    for (;;) {
      const queued = this.#queuedBytes()
      if (queued > 0 || !this.#isConfigured) this.#writeFrame(queued, false)
      else if (this.#isTickDue()) this.#writeFrame(0, true)
      else if (Atomics.load(this.#control, CONTROL.stopJournal) === 1) break
      else this.#rest()
    }
    this.#seal(true)
  }

  #writeFrame(queued: number, isTick: boolean): void {
    const { ring, clock, writer } = this.#parts
    const own = CONFIGURE.bytes + TAIL_BYTES_MAX + CHECKPOINT.bytes + TICK.bytes
    const wanted = Math.min(frameBytes(own + queued), FRAME_BYTES_MAX)
    const at = this.#claim(wanted)
    const start = at + FRAME.bytes
    const frame: OpenFrame = { words: ring.words, at: start, end: at + wanted, count: 0 }
    let timeMs = clock.nowMs()
    let flags = 0
    if (!this.#isConfigured) {
      putConfigure(frame, this.#parts.shared.capacities, this.#parts.rules)
      flags = FRAME_FLAG.configure
    }
    if (isTick) putTick(frame)
    if (this.#mergeTick(frame)) timeMs = clock.nowMs()
    this.#putCheckpoint(frame)
    this.#merge(frame)
    for (const source of this.#sources) source.release()
    // All that was queued may have been a broken gateway's.
    if (frame.count === 0) return
    const { count } = frame
    const payloadBytes = frame.at - start
    ring.commit(writer.append(ring.words, at, { payloadBytes, count, timeMs, flags }))
    this.#isConfigured = true
    this.#published(count, timeMs, isTick)
  }

  /** The frame is on stable storage: now, and not before, the engine may see it. */
  #published(count: number, timeMs: number, isTick: boolean): void {
    const { ring, report } = this.#parts
    this.#sequence += count
    this.#isSealed = false
    this.#framesToCheckpoint--
    this.#frameAtMs = performance.now()
    if (isTick) {
      this.#tickAtMs = this.#frameAtMs
      report.values[JOURNAL_REPORT.ticks]++
    }
    report.values[JOURNAL_REPORT.sequence] = this.#sequence
    report.values[JOURNAL_REPORT.timeMs] = timeMs
    this.#report()
    ring.publish()
    this.#engineBell.ring()
  }

  /** Room for a frame; while there is none the engine is behind, and gateways will answer `busy`. */
  #claim(bytes: number): number {
    const { ring, report } = this.#parts
    for (;;) {
      const at = ring.claim(bytes)
      if (at >= 0) return at
      report.values[JOURNAL_REPORT.engineWaits]++
      waitForRing(ring, ring.capacity >>> 1, this.#bell, this.#control)
    }
  }

  /** A gateway's tick that is at the front of its ring: it comes first, for it moves the time. */
  #mergeTick(frame: OpenFrame): boolean {
    if (frame.count > 0) return false
    for (const source of this.#sources) {
      if (this.#guarded(source, () => source.isAtTick()) !== true) continue
      this.#parts.clock.advance(source.advanceMs())
      source.takeTick(frame)
      return true
    }
    return false
  }

  /** Turn by turn, until every ring is empty or at a tick, or the frame is full. */
  #merge(frame: OpenFrame): void {
    for (let isMore = true; isMore; ) {
      isMore = false
      for (const source of [...this.#sources]) {
        const end = this.#guarded(source, () => source.take(frame))
        if (end === 'turn over') isMore = true
      }
    }
    // Another gateway is first in the next frame.
    const first = this.#sources.shift()
    if (first !== undefined) this.#sources.push(first)
  }

  #putCheckpoint(frame: OpenFrame): void {
    if (this.#framesToCheckpoint > 0) return
    const values = this.#engine.read()
    const sequence = values[ENGINE_REPORT.sequence] as number
    if (sequence <= this.#checkpointed) return
    putCheckpoint(frame, sequence, values)
    this.#checkpointed = sequence
    this.#framesToCheckpoint = CHECKPOINT_FRAMES
    this.#parts.report.values[JOURNAL_REPORT.checkpoints]++
  }

  #queuedBytes(): number {
    let bytes = 0
    for (const source of [...this.#sources]) {
      this.#guarded(source, () => {
        bytes += source.refresh()
        return 'empty'
      })
    }
    return bytes
  }

  /** What is no record cuts its gateway off; the others are served on. */
  #guarded<T>(source: CommandSource, work: () => T): T | 'detached' {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof RingBroken)) throw error
      this.#sources = this.#sources.filter((other) => other !== source)
      this.#parts.report.values[JOURNAL_REPORT.gatewaysDetached] |= 1 << source.slot
      this.#parts.report.publish()
      this.#parts.onDetached(source.slot, error.message)
      return 'detached'
    }
  }

  #isTickDue(): boolean {
    if (performance.now() - this.#tickAtMs < TICK_EVERY_MS) return false
    return this.#isEngineLevel() && this.#nextDueMs() <= this.#parts.clock.nowMs()
  }

  /** Whether the engine has applied every frame, so that what it says is due is up to date. */
  #isEngineLevel(): boolean {
    return this.#engine.read()[ENGINE_REPORT.sequence] === this.#sequence
  }

  #nextDueMs(): number {
    return this.#engine.values[ENGINE_REPORT.nextDueMs] as number
  }

  /** Nothing to write: seals when it is time to, else sleeps until there is something. */
  #rest(): void {
    const idleMs = performance.now() - this.#frameAtMs
    if (!this.#isSealed && idleMs >= SEAL_AFTER_MS) {
      this.#seal(false)
      return
    }
    const sealInMs = this.#isSealed ? Infinity : SEAL_AFTER_MS - idleMs
    this.#bell.wait(() => this.#isCalled(), Math.min(sealInMs, this.#dueInMs()))
  }

  #isCalled(): boolean {
    for (const source of this.#sources) if (source.hasMore()) return true
    return Atomics.load(this.#control, CONTROL.stopJournal) === 1
  }

  /** When the clock is to be looked at next, in ms. */
  #dueInMs(): number {
    if (!this.#isEngineLevel()) return TICK_EVERY_MS
    const nextDueMs = this.#nextDueMs()
    if (nextDueMs === Infinity) return Infinity
    const inMs = nextDueMs - this.#parts.clock.nowMs()
    const tickInMs = TICK_EVERY_MS - (performance.now() - this.#tickAtMs)
    return Math.min(Math.max(inMs, tickInMs, 1), DUE_LOOK_MS)
  }

  #seal(shutdown: boolean): void {
    this.#parts.writer.seal({ shutdown })
    this.#isSealed = true
    this.#parts.report.values[JOURNAL_REPORT.seals]++
    this.#report()
  }

  #report(): void {
    const { report, writer } = this.#parts
    const { stats } = writer
    report.values[JOURNAL_REPORT.records] = stats.records
    report.values[JOURNAL_REPORT.frames] = stats.frames
    report.values[JOURNAL_REPORT.bytes] = stats.bytes
    report.values[JOURNAL_REPORT.syncs] = stats.syncs
    report.values[JOURNAL_REPORT.syncMicrosLast] = stats.lastSyncUs
    report.values[JOURNAL_REPORT.syncMicrosTotal] = stats.syncUs
    report.values[JOURNAL_REPORT.segmentsFilledLate] = stats.segmentsFilledLate
    report.publish()
  }
}
