// Finished calls: their records, kept at hand for a while so that a repeat is answered with the
// same facts, and let go of in order of their ends. Views keep them for good.

import type { Context, Reply } from '../../engine/index.ts'
import { settingsOf } from './common.ts'
import { RECORDS_FORGOTTEN_AT_ONCE, RECORDS_KEPT } from './limits.ts'
import { CALLS, type Call, type CallRecord, CUSTOMERS, type Customer, RECORDS } from './tables.ts'

/** The timer `forget`: one for all records. */
const ALL = 'records'

/** How a call ended, as its record says it. */
export interface Ending {
  readonly state: 'settled' | 'canceled' | 'expired'
  readonly durationSeconds: number
  readonly isReported: boolean
  readonly billedSeconds: number
  readonly cost: number
  readonly uncollected: number
  readonly released: number
  readonly cause: string | null
}

/** The record of the call that ended last under this id. */
export function findRecord(context: Context, callId: string): CallRecord | undefined {
  return context.table(RECORDS).scan('byCall', [callId], 1)[0]
}

/** Makes a record of a live call, which it takes out. Its timers go with it. */
export function closeCall(context: Context, call: Call, ending: Ending): CallRecord {
  const { currency } = context.table(CUSTOMERS).get(call.customerId) as Customer
  context.timers.cancel('validity', call.id)
  context.timers.cancel('terminate', call.id)
  context.table(CALLS).remove(call.id)
  const earlier = findRecord(context, call.id)
  if (earlier !== undefined) context.table(RECORDS).remove(earlier.id)
  makeRoom(context)
  // Field by field: copying objects with names left out costs as much as all the rest of an end.
  return context.table(RECORDS).insert({
    id: String(call.number),
    callId: call.id,
    customerId: call.customerId,
    destination: call.destination,
    mode: call.mode,
    maxSeconds: call.maxSeconds,
    minSeconds: call.minSeconds,
    blockSeconds: call.blockSeconds,
    campaignId: call.campaignId,
    state: ending.state,
    currency,
    tariffId: call.tariffId,
    ratePerMinute: call.ratePerMinute,
    connectFee: call.connectFee,
    initialIncrement: call.initialIncrement,
    increment: call.increment,
    grantedSeconds: call.grantedSeconds,
    finalUnit: call.finalUnit,
    durationSeconds: ending.durationSeconds,
    isReported: ending.isReported,
    billedSeconds: ending.billedSeconds,
    cost: ending.cost,
    uncollected: ending.uncollected,
    released: ending.released,
    cause: ending.cause,
    startedAt: call.startedAt,
    answeredAt: call.answeredAt,
    endedAt: context.now,
    isKept: true,
  })
}

/** Keeps the timer set while there are records, and their number within what is kept. */
function makeRoom(context: Context): void {
  const records = context.table(RECORDS)
  if (records.count === 0) setTimer(context, context.now)
  if (records.count < RECORDS_KEPT) return
  for (const { id } of records.scan('inOrder', [true], 1)) records.remove(id)
}

/** The timer `forget`: takes out what ended long enough ago. */
export function forgetRecords(context: Context): void {
  const records = context.table(RECORDS)
  const keepMs = settingsOf(context).keepSeconds * 1_000
  for (const { id, endedAt } of records.scan('inOrder', [true], RECORDS_FORGOTTEN_AT_ONCE)) {
    if (endedAt + keepMs > context.now) break
    records.remove(id)
  }
  keepFor(context)
}

/** Sets the timer anew for as long as records are kept now, if there are any. */
export function keepFor(context: Context): void {
  const [oldest] = context.table(RECORDS).scan('inOrder', [true], 1)
  if (oldest !== undefined) setTimer(context, oldest.endedAt)
}

function setTimer(context: Context, endedAt: number): void {
  const dueAt = endedAt + settingsOf(context).keepSeconds * 1_000
  context.timers.set('forget', ALL, Math.max(dueAt, context.now + 1))
}

/** What an end or a cancel, said again, is answered. */
export function factsOfEnd(record: CallRecord): Reply {
  const { callId, state, durationSeconds, billedSeconds, cost, released, uncollected } = record
  return {
    code: 'ok',
    callId,
    state,
    durationSeconds,
    billedSeconds,
    cost,
    released,
    uncollected,
  }
}
