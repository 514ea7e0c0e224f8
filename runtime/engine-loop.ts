// What the engine thread does: it applies frames in the order of the journal, hands outcomes to the
// gateways, publishes what it came to, and answers queries between frames. It never waits for anybody
// but for work.

import type { Engine } from '../engine/index.ts'
import { frameBytes } from '../journal/index.ts'
import { FRAME, holdsRecord, RECORD, recordBytes, type Words } from '../protocol/index.ts'
import { ThreadBell } from './doorbell.ts'
import type { OutcomeRouter } from './outcome-router.ts'
import { ReportWriter } from './report.ts'
import { RingBroken, RingConsumer } from './ring.ts'
import { ENGINE_REPORT, type SharedMemory } from './shared-memory.ts'
import { ringIfDrained } from './wait-for-ring.ts'

/** Queries of one gateway that are answered between two frames: reads must not hold up commands. */
const QUERIES_A_TURN = 64

/**
 * Between two wake-ups without work, in ms, where helpers share the core. They give way to all, and still keep it
 * to the next tick where Linux gave it to one of them (follower/rests.ts says when); a thread that wakes on that
 * core takes it at once. The 99th percentile at 100,000 commands/s is 0.87 of that without, with a standard
 * error of 0.05: windows of three seconds by turns on 18 servers (AMD EPYC, two cores, Linux 6.18).
 */
const WAKE_EVERY_MS = 1

/** Wake-ups after the last work: an idle server has none. */
const WAKES_MAX = 20

/** What the loop works with. */
export interface EngineLoopParts {
  readonly shared: SharedMemory
  readonly engine: Engine
  readonly router: OutcomeRouter
  /** Helpers of the server run on this thread's core. */
  readonly sharesCore: boolean
  /** The first frame of this start has been applied. */
  readonly onLive: () => void
  /** A gateway's queries are none; it is not listened to any more. */
  readonly onDetached: (slot: number, reason: string) => void
}

/** One gateway's queries. */
interface QuerySource {
  readonly slot: number
  readonly ring: RingConsumer
}

/** The loop; it runs until its thread is ended, for the engine has nothing that a file wants. */
export class EngineLoop {
  readonly #parts: EngineLoopParts
  readonly #frames: RingConsumer
  #queries: QuerySource[]
  readonly #bell: ThreadBell
  readonly #journalBell: ThreadBell
  readonly #control: Int32Array
  readonly #report: ReportWriter
  readonly #boot: Uint8Array
  #isLive = false

  constructor(parts: EngineLoopParts) {
    const { shared } = parts
    this.#parts = parts
    this.#frames = new RingConsumer(shared.frames)
    this.#queries = shared.gateways.map(({ slot, queries }) => ({
      slot,
      ring: new RingConsumer(queries),
    }))
    this.#bell = new ThreadBell(shared.engineBell)
    this.#journalBell = new ThreadBell(shared.journalBell)
    this.#control = new Int32Array(shared.control)
    this.#report = new ReportWriter(shared.engineReport)
    this.#boot = shared.boot
    this.#report.values[ENGINE_REPORT.tableBytes] = parts.engine.reservedBytes.all
  }

  run(): never {
    const hasWork = (): boolean => this.#frames.hasMore() || this.#hasQueries()
    this.#publish()
    const wakesMax = this.#parts.sharesCore ? WAKES_MAX : 0
    for (let wakes = 0; ; ) {
      const applied = this.#applyFrame()
      const answered = this.#answerQueries()
      if (applied || answered) wakes = 0
      else this.#bell.wait(hasWork, wakes++ < wakesMax ? WAKE_EVERY_MS : Infinity)
    }
  }

  /** Applies the next frame, if there is one, and shows what came of it before its room is given up. */
  #applyFrame(): boolean {
    if (this.#frames.refresh() === 0) return false
    const at = this.#frames.next()
    const { words } = this.#frames
    const bytes = this.#frameBytes(at)
    const isOwn = sameBytes(words, at + FRAME.boot, this.#boot)
    this.#parts.engine.applyFrame(words, at, isOwn)
    this.#report.values[ENGINE_REPORT.frames]++
    this.#frames.advance(bytes)
    this.#publish()
    this.#parts.router.publish()
    this.#frames.release()
    ringIfDrained(this.#frames, this.#journalBell, this.#control)
    if (isOwn && !this.#isLive) {
      this.#isLive = true
      this.#parts.onLive()
    }
    return true
  }

  /** The reader and the writer checked the frame; this checks the ring. */
  #frameBytes(at: number): number {
    const payloadBytes = this.#frames.words.u32[(at + FRAME.payloadBytes) >>> 2] as number
    const bytes = frameBytes(payloadBytes)
    if (bytes <= 0 || at + bytes > this.#frames.end)
      throw new RingBroken(`a frame of ${bytes} bytes at ${at}`)
    return bytes
  }

  #answerQueries(): boolean {
    let answered = 0
    for (const source of this.#queries) answered += this.#answer(source)
    if (answered === 0) return false
    this.#report.values[ENGINE_REPORT.queries] += answered
    this.#publish()
    this.#parts.router.publish()
    return true
  }

  /** Answers one gateway's turn; what is no record is nobody's query. */
  #answer(source: QuerySource): number {
    const { ring, slot } = source
    let answered = 0
    try {
      if (ring.refresh() === 0) return 0
      for (let at = ring.next(); at >= 0 && answered < QUERIES_A_TURN; at = ring.next()) {
        if (!holdsRecord(ring.words, at, ring.end)) throw new RingBroken(`no query at ${at}`)
        if (ring.words.u16[(at + RECORD.gateway) >>> 1] !== slot) {
          throw new RingBroken("a query with another gateway's slot")
        }
        this.#parts.engine.answer(ring.words, at)
        ring.advance(recordBytes(ring.words, at))
        answered++
      }
      ring.release()
    } catch (error) {
      if (!(error instanceof RingBroken)) throw error
      this.#queries = this.#queries.filter((other) => other !== source)
      this.#parts.onDetached(slot, error.message)
    }
    return answered
  }

  #hasQueries(): boolean {
    for (const source of this.#queries) {
      // What is wrong with the ring is found when it is read.
      if (source.ring.hasMore()) return true
    }
    return false
  }

  #publish(): void {
    const { engine, router } = this.#parts
    const { values } = this.#report
    values[ENGINE_REPORT.sequence] = engine.sequence
    values[ENGINE_REPORT.timeMs] = engine.timeMs
    values[ENGINE_REPORT.nextDueMs] = engine.nextDueMs()
    values[ENGINE_REPORT.digestA] = engine.digestA
    values[ENGINE_REPORT.digestB] = engine.digestB
    values[ENGINE_REPORT.outcomesDropped] = router.dropped
    values[ENGINE_REPORT.accounts] = engine.accountCount
    values[ENGINE_REPORT.openReservations] = engine.openReservationCount
    values[ENGINE_REPORT.remembered] = engine.rememberedCount
    values[ENGINE_REPORT.commands] = engine.commandCount
    this.#report.publish()
  }
}

function sameBytes(words: Words, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (words.u8[at + i] !== wanted[i]) return false
  return true
}
