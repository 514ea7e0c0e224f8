// Commands at a pace, whether answers come or not as long as the server's window has room, and how long each
// tick's took: from when they were due, for a client that is late must not hide a server that is, until the
// last of them was answered. Node's timers are up to a millisecond late, and that is in every figure.

import { createHistogram } from 'node:perf_hooks'
import { setTimeout as delay, setImmediate as takeTurn } from 'node:timers/promises'
import type { Wire } from './wire.ts'

/** Commands of one tick are sent together. */
export const TICK_MS = 1

/** Latencies of the ticks of one measurement, in ms, and how long it took. */
export interface Measured {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
  readonly seconds: number
  /** Commands that were answered. */
  readonly commands: number
}

/** What is sent. */
export interface Paced {
  readonly wire: Wire
  /** Commands of a tick, and the most bytes that their records take. */
  readonly perTick: number
  readonly bytesMax: number
  /** Adds a tick's commands. */
  readonly write: () => void
}

/** How long no answer at all may come, in ms. */
const SILENCE_MS = 60_000

/**
 * Sends a tick's commands every `TICK_MS` until `end`, those that were due before and found the window full
 * too, and measures the ticks that are due after `begin`. Rejects where a command is refused, where nothing
 * was measured, where a tick is more than the window, and as `begin` and `end` do.
 */
export async function pace(
  { wire, perTick, bytesMax, write }: Paced,
  end: Promise<unknown>,
  begin: Promise<unknown> = Promise.resolve(),
): Promise<Measured> {
  if (perTick < 1 || perTick > wire.windowCommands || bytesMax > wire.windowBytes) {
    throw new RangeError(`${perTick} commands a tick: 1 to ${wire.windowCommands} fit the window`)
  }
  const histogram = createHistogram()
  const never = Number.POSITIVE_INFINITY
  const state = { sinceMs: never, endMs: never, failures: [] as unknown[] }
  const fail = (error: unknown): void => {
    state.failures.push(error)
    state.endMs = 0
  }
  begin.then(() => {
    state.sinceMs = performance.now()
  }, fail)
  end.then(() => {
    state.endMs = Math.min(state.endMs, performance.now())
  }, fail)
  const startedMs = performance.now()
  let sent = 0
  let answered = 0
  let measured = 0
  wire.onAnswered = () => {
    const whole = sent - Math.ceil(wire.unanswered / perTick)
    for (; answered < whole; answered++) {
      const dueMs = startedMs + answered * TICK_MS
      if (dueMs < state.sinceMs) continue
      histogram.record(Math.max(1, Math.round((performance.now() - dueMs) * 1_000)))
      measured++
    }
  }
  for (; startedMs + sent * TICK_MS < state.endMs; sent++) {
    const earlyMs = startedMs + sent * TICK_MS - performance.now()
    // Also where it is late: answers come in only while it waits.
    await (earlyMs > 0 ? delay(earlyMs) : takeTurn())
    while (!hasRoom(wire, perTick, bytesMax)) await wire.someAnswered(SILENCE_MS)
    wire.assertWell()
    write()
    wire.flush()
  }
  while (answered < sent && state.failures.length === 0) await wire.someAnswered(SILENCE_MS)
  if (state.failures.length > 0) throw state.failures[0]
  if (measured === 0) throw new Error('it ended before anything was measured')
  const ms = (percentile: number): number => histogram.percentile(percentile) / 1_000
  return {
    p50Ms: ms(50),
    p99Ms: ms(99),
    p999Ms: ms(99.9),
    maxMs: histogram.max / 1_000,
    seconds: (performance.now() - state.sinceMs) / 1_000,
    commands: measured * perTick,
  }
}

function hasRoom(wire: Wire, commands: number, bytes: number): boolean {
  return (
    wire.unanswered + commands <= wire.windowCommands &&
    wire.unansweredBytes + bytes <= wire.windowBytes
  )
}
