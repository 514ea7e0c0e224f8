// How generously V8 inlines: the engine's way of one command is a few dozen small functions, more than
// V8 joins by itself.

import { setFlagsFromString } from 'node:v8'

/**
 * Raises V8's budgets for inlining, for this process and the threads it starts later. Measured on the
 * engine's benchmark, these are worth a fifth: docs/how-it-works.md.
 */
export function inlineGenerously(): void {
  setFlagsFromString('--max-inlined-bytecode-size=1000')
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=5000')
  setFlagsFromString('--min-inlining-frequency=0.01')
}
