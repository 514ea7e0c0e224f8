// What an engine says and does while it applies one frame, kept for sinks: an outcome sink without
// gateways, what its book changed, and what its modules made known. Knows nothing of who reads it.

import {
  BookChanges,
  type Engine,
  type ModuleEvent,
  type ModuleObserver,
  type OutcomeSink,
  type RowChange,
} from '../engine/index.ts'
import { forEachRecord } from '../journal/index.ts'
import {
  allocateWords,
  copyWords,
  FRAME,
  OUTCOME_BYTES_MAX,
  RECORD,
  readI64,
  type Words,
} from '../protocol/index.ts'
import type { SinkFrame } from './sink.ts'

/** Outcomes of most frames fit into so much; it grows where one does not. */
const OUTCOMES_BYTES = 262_144

/** What nobody asked for takes no memory. */
const NO_OUTCOMES: Words = allocateWords(0)

/** See the head of this file. The engine is made with it as its sink, its changes and its observer. */
export class FrameCapture implements OutcomeSink {
  words: Words = allocateWords(OUTCOMES_BYTES)
  at = 0
  /** For the engine's options. */
  readonly changes = new BookChanges()
  readonly #hasOutcomes: boolean
  #bytes = 0
  #events: ModuleEvent[] = []
  #rows: RowChange[] = []

  /** For the engine's options. What changes reservations and accounts is in `changes` anyway. */
  readonly observer: ModuleObserver = {
    event: (event) => this.#events.push(event),
    row: (change) => this.#rows.push(change),
  }

  /** `hasOutcomes`: what clients were told is wanted too. */
  constructor({ hasOutcomes }: { readonly hasOutcomes: boolean }) {
    this.#hasOutcomes = hasOutcomes
  }

  claim(_gateway: number, bytes: number): boolean {
    if (this.#bytes + bytes > this.words.u8.length) this.#grow(bytes)
    this.at = this.#bytes
    this.#bytes += bytes
    return true
  }

  /**
   * Applies the frame at 0 of `words`, whose tokens it replaces. What it gives back lies in memory that the
   * next frame is read to and captured in: `keptFrame` makes it one's own.
   */
  apply(engine: Engine, words: Words): SinkFrame {
    let token = 0
    forEachRecord(words, 0, (at) => {
      words.u32[(at + RECORD.token) >>> 2] = token++
    })
    const firstSequence = readI64(words, FRAME.firstSequence)
    this.#bytes = 0
    this.#events = []
    this.#rows = []
    this.changes.begin(firstSequence)
    engine.applyFrame(words, 0, this.#hasOutcomes)
    return {
      ...this.changes.take(),
      words,
      firstSequence,
      count: words.u32[FRAME.count >>> 2] as number,
      timeMs: readI64(words, FRAME.timeMs),
      outcomes: this.words,
      outcomeBytes: this.#bytes,
      events: this.#events,
      rows: this.#rows,
    }
  }

  /** Applies a frame that nobody wants to know of. */
  pass(engine: Engine, words: Words): void {
    engine.applyFrame(words, 0, false)
    this.changes.begin(0)
    this.#events = []
    this.#rows = []
  }

  #grow(bytes: number): void {
    const larger = allocateWords(2 * (this.words.u8.length + Math.max(bytes, OUTCOME_BYTES_MAX)))
    copyWords(this.words, 0, larger, 0, this.#bytes)
    this.words = larger
  }
}

/** A captured frame, of `bytes` bytes in the journal, as somebody may keep it. */
export function keptFrame(frame: SinkFrame, bytes: number): SinkFrame {
  return {
    ...frame,
    words: copied(frame.words, bytes),
    reservations: frame.reservations.copy(),
    outcomes: frame.outcomeBytes === 0 ? NO_OUTCOMES : copied(frame.outcomes, frame.outcomeBytes),
  }
}

function copied(words: Words, bytes: number): Words {
  const copy = allocateWords(bytes)
  copy.u8.set(words.u8.subarray(0, bytes))
  return copy
}
