// Which frame may come next.

import { SEQUENCE_MAX, TIME_MS_MAX } from '../protocol/index.ts'
import { EngineFault } from './fault.ts'

/**
 * Throws `EngineFault` where `count` records from sequence `first` on, of time `timeMs`, cannot follow the
 * record `sequence` of time `lastMs`.
 */
export function assertFollows(
  first: number,
  count: number,
  timeMs: number,
  sequence: number,
  lastMs: number,
): void {
  if (first !== sequence + 1) {
    throw new EngineFault('order', first, `a frame after sequence ${sequence}`)
  }
  if (timeMs < lastMs) throw new EngineFault('order', first, 'a frame from the past')
  if (timeMs > TIME_MS_MAX || first + count - 1 > SEQUENCE_MAX) {
    throw new EngineFault('order', first, 'a frame beyond the last time or sequence')
  }
}
