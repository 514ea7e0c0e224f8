// What V8 is told for this process: how generously it inlines, for the engine's way of one command is a few dozen
// small functions, more than V8 joins by itself; and that it does not collect heaps only to make them smaller.

import { setFlagsFromString } from 'node:v8'

/**
 * Sets V8's flags for the threads that this process starts later, and those for inlining for the calling one as
 * well. What inlining is worth: docs/how-it-works.md.
 *
 * The memory reducer collects a heap that grows slowly up to three times in a row, some seconds after the load
 * began. It saves a few MiB; each time V8 throws away compiled code of the hot path that refers to what was
 * collected, and compiling it again takes 50 to 100 ms of a core: 30 to 40 ms at the 99th percentile, measured
 * with 350,000 commands a second on two cores.
 */
export function tuneV8(): void {
  setFlagsFromString('--max-inlined-bytecode-size=1000')
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=5000')
  setFlagsFromString('--min-inlining-frequency=0.01')
  setFlagsFromString('--no-memory-reducer')
}
