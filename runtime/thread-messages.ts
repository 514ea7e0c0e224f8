// What threads tell the supervisor, and what it tells the gateways. Commands and outcomes never go
// this way: they have rings.

import type { TableBytes } from '../engine/index.ts'
import type { LogPoint } from '../journal/index.ts'
import type { SnapshotInfo } from '../snapshots/index.ts'
import type { PackedError } from './thread-errors.ts'

/** From any thread to the supervisor. */
export type ThreadMessage =
  /** Journal: every frame was read and applied. */
  | {
      readonly type: 'recovered'
      readonly sequence: number
      readonly frames: number
      readonly records: number
      readonly bytes: number
      readonly quarantined: string | undefined
    }
  /** Engine: the tables are there; what they reserve. */
  | { readonly type: 'allocated'; readonly bytes: TableBytes }
  /**
   * Engine: it holds the state of this snapshot, or none where nothing could be loaded; and what a
   * `configure` record says of its modules.
   */
  | {
      readonly type: 'loaded'
      readonly from: SnapshotInfo | undefined
      readonly rules: string
    }
  /** Engine: what people should read. */
  | { readonly type: 'problem'; readonly sentence: string }
  /** Engine: the first frame of this start was applied. */
  | { readonly type: 'live' }
  /** Journal, engine: what this gateway queued is no record. */
  | { readonly type: 'detached'; readonly slot: number; readonly reason: string }
  /** Journal: the last seal is on stable storage. */
  | { readonly type: 'sealed' }
  /** Gateway: it listens; `info` is for the composition root. */
  | { readonly type: 'ready'; readonly info: unknown }
  /** Gateway: nothing is in flight any more, and every connection is closed. */
  | { readonly type: 'drained' }
  /** Any thread: its last words. */
  | { readonly type: 'failed'; readonly error: PackedError }

/** From the supervisor to the journal's thread, once: where the engine stands, and what it says of its modules. */
export interface JournalOrder {
  /** Where the snapshot stands that the engine has loaded; undefined where it has loaded none. */
  readonly from: LogPoint | undefined
  /** What the `configure` record says of the engine's modules. */
  readonly rules: string
}

/** From the supervisor to a gateway. */
export type GatewayOrder =
  /** Let what is in flight finish, then close everything. */
  | { readonly type: 'drain' }
  /** Close everything now. */
  | { readonly type: 'close' }
  /** A thread behind the rings is gone: say so to everybody who waits. */
  | { readonly type: 'failure'; readonly reason: string }
