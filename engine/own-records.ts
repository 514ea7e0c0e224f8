// The engine's own records: configurations, voids, checkpoints and ticks. They are in no digest and
// nobody's outcome, but for the tick of a clock that somebody moved.

import {
  CHECKPOINT,
  KIND,
  NO_GATEWAY,
  OUTCOME,
  RECORD,
  readI64,
  VOID,
  type Words,
} from '../protocol/index.ts'
import { readConfiguration } from './configuration.ts'
import type { Core } from './core.ts'
import { FrameDigests } from './frame-digests.ts'
import { rulesIn } from './module-rules.ts'
import { type OutcomeSink, writeHead } from './outcome-writer.ts'

/** What these records leave behind, beside the limits in the core. */
export class OwnRecords {
  readonly frameDigests = new FrameDigests()
  /** Voided records of which the `void` record is still to come: checkpoints between knew them. */
  readonly passedOver = new Set<number>()
  readonly #core: Core
  readonly #sink: OutcomeSink

  constructor(core: Core, sink: OutcomeSink) {
    this.#core = core
    this.#sink = sink
  }

  /** Applies the record at `at`; throws `EngineFault` where this engine had decided otherwise. */
  apply(words: Words, at: number, kind: number, sequence: number, isRouted: boolean): void {
    if (kind === KIND.configure) {
      this.#core.limits = readConfiguration(words, at, sequence, this.#core.book)
      this.#core.modules.registry.enforce(rulesIn(words, at), sequence)
    } else if (kind === KIND.void) {
      this.passedOver.delete(readI64(words, at + VOID.sequence))
    } else if (kind === KIND.checkpoint) {
      this.#compare(words, at)
    } else if (kind === KIND.tick && isRouted) {
      this.#answerTick(words, at, sequence)
    }
  }

  #compare(words: Words, at: number): void {
    if (this.passedOver.size > 0) return
    const digest = (at + CHECKPOINT.digest) >>> 2
    this.frameDigests.compare(
      readI64(words, at + CHECKPOINT.sequence),
      words.i32[digest] as number,
      words.i32[digest + 1] as number,
    )
  }

  #answerTick(words: Words, at: number, sequence: number): void {
    const gateway = words.u16[(at + RECORD.gateway) >>> 1] as number
    if (gateway === NO_GATEWAY || !this.#sink.claim(gateway, OUTCOME.head)) return
    const { decision, nowMs } = this.#core
    decision.begin(sequence, nowMs)
    const token = words.u32[(at + RECORD.token) >>> 2] as number
    writeHead(this.#sink.words, this.#sink.at, decision, KIND.tick, token, OUTCOME.head)
  }
}
