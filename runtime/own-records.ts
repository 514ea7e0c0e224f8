// The records that the journal thread writes itself. They come from no gateway, and nobody waits for
// their outcomes.

import {
  type Capacities,
  CHECKPOINT,
  CONFIGURE,
  KIND,
  NO_GATEWAY,
  RECORD,
  RULES_VERSION,
  TICK,
  writeI64,
} from '../protocol/index.ts'
import type { OpenFrame } from './command-source.ts'
import { ENGINE_REPORT } from './shared-memory.ts'

/**
 * What this start decides by, as the first record of its first frame; `rules` are the lines of the
 * engine's modules.
 */
export function putConfigure(frame: OpenFrame, capacities: Capacities, rules: string): void {
  const text = Buffer.from(rules)
  const tailBytes = (text.length + 7) & ~7
  const at = begin(frame, KIND.configure, CONFIGURE.bytes + tailBytes)
  const { words } = frame
  words.u16[(at + RECORD.tailBytes) >>> 1] = tailBytes
  words.u8.set(text, at + CONFIGURE.bytes)
  writeI64(words, at + CONFIGURE.rulesVersion, RULES_VERSION)
  for (const [name, value] of Object.entries(capacities) as [keyof Capacities, number][]) {
    writeI64(words, at + CONFIGURE[name], value)
  }
}

/** Time passed and something is due: the frame's time says how much. */
export function putTick(frame: OpenFrame): void {
  begin(frame, KIND.tick, TICK.bytes)
}

/** The digest as the engine published it after the record of this sequence. */
export function putCheckpoint(frame: OpenFrame, sequence: number, engine: Float64Array): void {
  const at = begin(frame, KIND.checkpoint, CHECKPOINT.bytes)
  writeI64(frame.words, at + CHECKPOINT.sequence, sequence)
  frame.words.i32[(at + CHECKPOINT.digest) >>> 2] = engine[ENGINE_REPORT.digestA] as number
  frame.words.i32[(at + CHECKPOINT.digest + 4) >>> 2] = engine[ENGINE_REPORT.digestB] as number
}

/** A record of zeros with its kind; gives back where it lies. */
function begin(frame: OpenFrame, kind: number, bytes: number): number {
  const { at } = frame
  if (at + bytes > frame.end) throw new RangeError(`no room for a record of kind ${kind}`)
  frame.words.u8.fill(0, at, at + bytes)
  frame.words.u8[at] = kind
  frame.words.u16[(at + RECORD.gateway) >>> 1] = NO_GATEWAY
  frame.at += bytes
  frame.count++
  return at
}
