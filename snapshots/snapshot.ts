// What a snapshot is to those who use it: what it says of itself, what it is taken of, what it is
// loaded into. No bytes here: layout.ts has them.

import type { Capacities } from '../protocol/index.ts'
import type { Ahead } from './read-ahead.ts'

/** What a snapshot says of itself in its header and footer. */
export interface SnapshotInfo {
  /** Name of the file. */
  readonly name: string
  /** Sequence of the last record that was applied. */
  readonly sequence: number
  /** Journal time of the last frame with records, in ms since 1970. */
  readonly timeMs: number
  /** 16 bytes: the log that it is a state of; see `SEGMENT.log`. */
  readonly log: Uint8Array
  /** 16 bytes: chain of the last frame that was applied, which the journal has to hold. */
  readonly chain: Uint8Array
  /** Epoch of that frame. */
  readonly epoch: number
  /** First 16 bytes of SHA-256 over the state's bytes, as 32 hexadecimal digits. */
  readonly stateDigest: string
  /** The outcome digest, as 16 hexadecimal digits. */
  readonly outcomeDigest: string
  /** The largest of every capacity in force so far: tables to load it into are at least as large. */
  readonly capacities: Capacities
  /** Voided sequences at or before `sequence`, ascending: the state is without them. */
  readonly voids: readonly number[]
  /** Size of the file. */
  readonly bytes: number
}

/** Where in its journal a state stands, for `writeSnapshot`; the engine knows the rest. */
export interface SnapshotPlace {
  /** As in `SnapshotInfo`. */
  readonly log: Uint8Array
  readonly chain: Uint8Array
  readonly epoch: number
  readonly capacities: Capacities
  /** Every voided sequence that is known; those after the state's own are left out. */
  readonly voids: Iterable<number>
}

/**
 * A state to take a snapshot of: an `Engine`. It may not change from the first chunk to the last.
 */
export interface StateSource {
  readonly sequence: number
  readonly timeMs: number
  /** The outcome digest, as 16 hexadecimal digits. */
  readonly digest: string
  /**
   * The state's bytes in chunks of `chunkBytes` at most, which lie at multiples of 8 and are good
   * until the next one is asked for.
   */
  exportState(chunkBytes: number): Iterable<Uint8Array>
}

/** What a state is loaded into: an `Engine` that has applied nothing yet. */
export interface StateImporter {
  readonly sequence: number
  /**
   * Takes over the state whose chunks these are, as `exportState` made them. Throws where they are
   * no state, or none that there is room for; the engine is not to be used after that.
   */
  importState(chunks: Iterable<Uint8Array>): void
}

/** How a snapshot is written. */
export interface WriteOptions {
  /**
   * Least milliseconds between one MiB and the next, written or read back, so that the journal's own
   * syncs find the disk free; `REST_MS` where not given. 0 only lets other work of the thread have its
   * turn.
   */
  readonly restMs?: number
  /** Aborted, it removes what it wrote and throws the signal's reason. */
  readonly signal?: AbortSignal
  /** Called after every MiB with the bytes of the file so far. */
  readonly onProgress?: (bytes: number) => void
}

/** How a snapshot is loaded. */
export interface LoadOptions {
  /** The log that it must be of; any log where not given. */
  readonly log?: Uint8Array
  /** Voided sequences: a snapshot that has seen one of them as a command is refused. */
  readonly voids?: ReadonlySet<number>
  /** Where another thread reads its chunks ahead; one of another name is left alone. */
  readonly ahead?: Ahead | undefined
  /** Called now and then with the bytes read so far and in all. */
  readonly onProgress?: (bytes: number, bytesInAll: number) => void
}

/** What `pruneSnapshots` did, by name, newest first. */
export interface Pruned {
  readonly kept: readonly string[]
  readonly removed: readonly string[]
}
