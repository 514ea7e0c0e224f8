// `open` as programs call it. What an embedded engine is made of, embedded.ts, is loaded when one is opened: a
// server needs neither the client's front nor the compiler of schemas, and starts without them.

import type { FrontOptions, Holdfast } from '../client/index.ts'
import type { Capacities } from '../protocol/index.ts'

/** What an embedded engine is opened with. */
export interface OpenOptions extends FrontOptions {
  /** The data directory; made where there is none. One process at a time may have it open. */
  readonly dataDir: string
  /** Those that differ from the defaults (docs/limits.md). */
  readonly capacities?: Partial<Capacities>
  /** Modules by their specifiers: `calls`, or the path of a folder with rules.js and routes.js. */
  readonly modules?: readonly string[]
  /** Size of new segments in bytes: a multiple of 4 KiB, 266,240 at least; 64 MiB where not given. */
  readonly segmentBytes?: number
  /** Believe the wall clock, however far ahead of the journal it is. */
  readonly acceptTimeJump?: boolean
  /** Hears what people should read and what does not end the engine. */
  readonly onProblem?: (sentence: string) => void
  /** Gives up an opening that has not ended yet. */
  readonly signal?: AbortSignal
}

/**
 * Opens the engine on a data directory; resolves when it has recovered and serves. Rejects as
 * `startServer` does, and with `TypeError` and `RangeError` for options that cannot be meant.
 *
 * What was acknowledged is on disk. A process that ends without `close()`, however it ends, loses
 * nothing of it: the next `open` recovers. Calls that are open keep the process alive, an idle engine
 * does not.
 */
export async function open(options: OpenOptions): Promise<Holdfast> {
  const { openEmbedded } = await import('./embedded.ts')
  return openEmbedded(options)
}
