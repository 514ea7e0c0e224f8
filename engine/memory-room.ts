// What is forgotten, and when: only the oldest, never what is younger than the window.

import { KIND, STATUS, uuidV7TimeMs } from '../protocol/index.ts'
import { forgetReply } from './module-memory.ts'
import { OUTCOME_ROW_BYTES } from './outcome-memory.ts'
import { REPLY_ENTRY_BYTES_MAX } from './reply-memory.ts'
import { RESERVATION_ROW_BYTES } from './reservation-layout.ts'
import { writer } from './writer.ts'

/** How many of each kind one command forgets for age alone: more than it adds, and bounded. */
const FORGOTTEN_PER_COMMAND = 2

/** Forgets some of what is older than the retention; called before each command. */
export function forgetOld(): void {
  const { core } = writer
  const { outcomes, reservations } = core.book
  const limitMs = core.nowMs - core.limits.retentionMs
  for (let n = 0; n < FORGOTTEN_PER_COMMAND; n++) {
    if (outcomes.count === 0 || outcomes.timeMs(outcomes.oldest) > limitMs) break
    forgetOldestOutcomes()
  }
  for (let n = 0; n < FORGOTTEN_PER_COMMAND; n++) {
    const slot = reservations.ended.oldest
    if (slot < 0 || reservations.endedAt(slot) > limitMs) break
    forgetEndedReservation()
  }
}

/** Makes room for `rows` outcomes: `ok`, or `overloaded` where what would go is too young. */
export function makeOutcomeRoom(rows: number): number {
  const { core } = writer
  const { outcomes } = core.book
  const limitMs = core.nowMs - core.limits.windowMs
  while (outcomes.count + rows > core.limits.outcomesMax) {
    if (outcomes.count === 0 || outcomes.timeMs(outcomes.oldest) > limitMs) return STATUS.overloaded
    forgetOldestOutcomes()
  }
  return STATUS.ok
}

/** Makes room for the replies of `count` commands: `ok`, or `overloaded` as for outcomes. */
export function makeReplyRoom(count: number): number {
  const { core } = writer
  const { outcomes, replies } = core.book
  const limitMs = core.nowMs - core.limits.windowMs
  while (replies.used + count * REPLY_ENTRY_BYTES_MAX > core.limits.moduleReplyBytesMax) {
    if (outcomes.count === 0 || outcomes.timeMs(outcomes.oldest) > limitMs) return STATUS.overloaded
    forgetOldestOutcomes()
  }
  return STATUS.ok
}

/**
 * Makes room for `rows` reservations: `ok`; `overloaded` where what would go is too young; or
 * `reservations_full` where there is nothing but open ones.
 */
export function makeReservationRoom(rows: number): number {
  const { core } = writer
  const { reservations } = core.book
  const limitMs = core.nowMs - core.limits.windowMs
  while (reservations.count + rows > core.limits.reservationsMax) {
    const slot = reservations.ended.oldest
    if (slot < 0) return STATUS.reservations_full
    if (reservations.endedAt(slot) > limitMs) return STATUS.overloaded
    forgetEndedReservation()
  }
  return STATUS.ok
}

/** What `makeReservationRoom` would say, with nothing forgotten. */
export function hasReservationRoom(): number {
  const { core } = writer
  const { reservations } = core.book
  const limitMs = core.nowMs - core.limits.windowMs
  // More than one row would have to go where a start has just lowered the limit.
  let rows = reservations.count + 1 - core.limits.reservationsMax
  if (rows <= 0) return STATUS.ok
  for (const slot of reservations.ended.slots()) {
    if (reservations.endedAt(slot) > limitMs) return STATUS.overloaded
    if (--rows === 0) return STATUS.ok
  }
  return STATUS.reservations_full
}

function forgetOldestOutcomes(): void {
  const { core } = writer
  const { outcomes, commands } = core.book
  for (let n = outcomes.oldestRun(); n > 0; n--) {
    const slot = outcomes.oldest
    const idMs = uuidV7TimeMs(outcomes.words, slot * OUTCOME_ROW_BYTES)
    if (idMs > core.forgottenIdMs) core.forgottenIdMs = idMs
    commands.remove(slot * 2 + 1, commands.hashOf(slot * 2 + 1))
    if (outcomes.kind(slot) === KIND.module) forgetReply(core, slot)
    outcomes.dropOldest()
  }
}

function forgetEndedReservation(): void {
  const { core } = writer
  const { reservations, commands } = core.book
  const slot = reservations.ended.oldest
  const idMs = uuidV7TimeMs(reservations.words, slot * RESERVATION_ROW_BYTES)
  if (idMs > core.forgottenIdMs) core.forgottenIdMs = idMs
  commands.remove(slot * 2, commands.hashOf(slot * 2))
  reservations.dropEnded()
}
