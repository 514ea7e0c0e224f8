// What stands between those who have commands (a gateway, a program that embeds the engine) and the
// threads that journal and decide them. One interface; the threads and their rings are behind it.

import type { AccountNames } from './account-names.ts'
import type { Words } from './words.ts'

/** What the server is doing, as `/readyz` and refusals say it. */
export type PipelineState = 'replaying' | 'serving' | 'draining' | 'failed'

/** Progress of the recovery, for `/readyz` and for the line that a start prints. */
export interface PipelineProgress {
  /** Sequence that the engine has applied. */
  readonly sequence: number
  /** Journal time of the last frame, in ms since 1970. */
  readonly timeMs: number
  /** The outcome digest after it, as 16 hexadecimal digits. */
  readonly digest: string
  /** Bytes of frames read so far and in all while replaying. */
  readonly replayedBytes: number
  readonly replayBytes: number
}

/** One gateway's way to the journal and the engine. Never blocks, never throws for lack of room. */
export interface Pipeline {
  /**
   * Queues `count` records that lie back to back in `records` from 0 to `bytes`, all or none; linked
   * ones reach one frame. Tokens, flags and ids are the caller's; the gateway slot is filled in here.
   * False when the ring or the room for outcomes is used up: nothing was taken, answer `busy`.
   * The records are copied before this returns.
   */
  submit(records: Words, bytes: number, count: number): boolean
  /** Asks the engine: a query record, or a command with `FLAG.dryRun`. False as for `submit`. */
  query(record: Words, bytes: number): boolean
  /** Makes what was queued visible and wakes who sleeps; call it once when a turn's work is queued. */
  flush(): void
  /** Called for every outcome in order, with the place of its head; valid until it returns. */
  onOutcome: (outcomes: Words, at: number) => void
  /** Called once when a thread behind the rings has died: what is in flight stays unknown. */
  onFailure: (reason: string) => void
  state(): PipelineState
  /** The disk has no room for the next segment: reserves, transfers and new accounts are refused. */
  storageLow(): boolean
  progress(): PipelineProgress
  /**
   * 16 bytes: which journal this is. Accounts' slots are good for as long as it is the same; zeros
   * while replaying.
   */
  log(): Uint8Array
  /** Figures of the journal and the engine for `/metrics`, by name, see docs/metrics.md. */
  stats(): Readonly<Record<string, number>>
  readonly names: AccountNames
}
