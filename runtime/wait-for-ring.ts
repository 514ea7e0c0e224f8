// How the journal thread waits for the engine: by saying how empty it wants the ring to be before it
// is rung. Not for anybody else; the engine waits for frames alone.

import type { ThreadBell } from './doorbell.ts'
import type { RingConsumer, RingProducer } from './ring.ts'
import { CONTROL } from './shared-memory.ts'

/** Returns when the engine has left no more than `bytes` bytes in the ring. */
export function waitForRing(
  ring: RingProducer,
  bytes: number,
  bell: ThreadBell,
  control: Int32Array,
): void {
  const isDrained = (): boolean => ring.capacity - ring.free() <= bytes
  Atomics.store(control, CONTROL.ringWanted, bytes)
  while (!isDrained()) bell.wait(isDrained, Infinity)
  Atomics.store(control, CONTROL.ringWanted, -1)
}

/** The engine's part, after every release. */
export function ringIfDrained(ring: RingConsumer, bell: ThreadBell, control: Int32Array): void {
  const wanted = Atomics.load(control, CONTROL.ringWanted)
  if (wanted >= 0 && ring.held() <= wanted) bell.ring()
}
