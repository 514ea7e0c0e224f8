// Commands at a pace, whether answers come or not, and how long each tick's took: from when they were due,
// for a client that is late must not hide a server that is, until the last of them was answered.

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

/**
 * Sends a tick's commands every `TICK_MS` until `end`, and measures the ticks that are due after `begin`.
 * Rejects where a command is refused, and as `begin` and `end` do.
 */
export async function pace(
  { wire, perTick, bytesMax, write }: Paced,
  end: Promise<unknown>,
  begin: Promise<unknown> = Promise.resolve(),
): Promise<Measured> {
  const histogram = createHistogram()
  const state = { sinceMs: Number.POSITIVE_INFINITY, isOver: false, failures: [] as unknown[] }
  const fail = (error: unknown): void => {
    state.failures.push(error)
    state.isOver = true
  }
  begin.then(() => {
    state.sinceMs = performance.now()
  }, fail)
  end.then(() => {
    state.isOver = true
  }, fail)
  const startedMs = performance.now()
  let sent = 0
  let answered = 0
  let measured = 0
  const look = (): void => {
    const whole = sent - Math.ceil(wire.unanswered / perTick)
    for (; answered < whole; answered++) {
      const dueMs = startedMs + answered * TICK_MS
      if (dueMs < state.sinceMs) continue
      histogram.record(Math.max(1, Math.round((performance.now() - dueMs) * 1_000)))
      measured++
    }
  }
  wire.onAnswered = look
  for (; !state.isOver; sent++) {
    const earlyMs = startedMs + sent * TICK_MS - performance.now()
    // Also where it is late: answers come in only while it waits.
    await (earlyMs > 0 ? delay(earlyMs) : takeTurn())
    while (!hasRoom(wire, perTick, bytesMax) && !state.isOver) await turn(wire)
    wire.assertWell()
    if (state.isOver) break
    write()
    wire.flush()
  }
  if (state.failures.length > 0) throw state.failures[0]
  while (answered < sent) await turn(wire)
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

/** Lets answers in. Throws where something went wrong. */
async function turn(wire: Wire): Promise<void> {
  await takeTurn()
  wire.assertWell()
}
