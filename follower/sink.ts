// What a sink is: something that is fed with what happened, in order, such as a broker of messages. This file has
// no behaviour: how sinks are fed is sink-feed.ts's. A server's follower has none yet, and the views, which have a
// process of their own, take frames as they are captured.

import type { FrameChanges, ModuleEvent, RowChange } from '../engine/index.ts'
import type { AccountNames, Words } from '../protocol/index.ts'

/**
 * One frame and what the engine made of it. The outcomes say what clients were told; what is in
 * `FrameChanges` says what became of accounts and reservations, by whatever cause: a command, a group's, a
 * module's, an expiry.
 */
export interface SinkFrame extends FrameChanges {
  /** The frame as the journal holds it, its header at 0; but `RECORD.token` counts its records from 0. */
  readonly words: Words
  readonly firstSequence: number
  /** Records; record n has the sequence `firstSequence + n`. */
  readonly count: number
  readonly timeMs: number
  /** Outcomes back to back, in order: `OUTCOME.token` says of which record. */
  readonly outcomes: Words
  readonly outcomeBytes: number
  /** What modules made known, in order; `sequence` and `index` are in no other event of the journal. */
  readonly events: readonly ModuleEvent[]
  /** Rows of modules' tables after each command that changed them, in order. */
  readonly rows: readonly RowChange[]
}

/** Some frames in a row. */
export interface SinkBatch {
  readonly frames: readonly SinkFrame[]
  /** Sequence of the last record: what the sink has stored when it has stored this. */
  readonly lastSequence: number
  /** The accounts' spellings by the slots that outcomes name. */
  readonly names: AccountNames
}

/** See the head of this file. */
export interface Sink {
  /** For people: `events`. */
  readonly name: string
  /**
   * Sequence of the last record whose effects it has stored; 0 in a new one. Kept in the same
   * transaction as they are, so that none is stored twice. Asked once, at the start.
   */
  sequence(): number
  /**
   * Stores a batch, which comes right after the one before. The next one comes when this has
   * resolved; if it throws or rejects, no other comes. The batch is the sink's to keep.
   */
  apply(batch: SinkBatch): void | Promise<void>
}

/** How a sink is doing. */
export interface SinkStatus {
  readonly name: string
  /** Sequence up to which it is done. */
  readonly sequence: number
  /** Why it gets nothing any more; undefined while it does. */
  readonly detached: string | undefined
}
