// The writer at work: what the engine that decides right now stands on, in a constant of this module.
// One thread runs one engine, and V8 takes what hangs off a module's constant, and was never set twice,
// for constants too: no loads, no checks of what an object is (docs/how-it-works.md). A second engine in
// the same thread is decided as rightly, and more slowly.

import type { Core } from './core.ts'
import type { OutcomeDigest, OutcomeSink } from './outcome-writer.ts'

/** What the functions that decide stand on. */
export interface Writer {
  core: Core
  sink: OutcomeSink
  digest: OutcomeDigest
}

/** See the head of this file. Empty until the first engine is put to work. */
export const writer = {} as Writer

/** Puts an engine's parts to work; each of its ways in does this first. */
export function putToWork(parts: Writer): void {
  if (writer.core === parts.core) return
  writer.core = parts.core
  writer.sink = parts.sink
  writer.digest = parts.digest
}
