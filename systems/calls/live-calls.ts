// Live calls from their start on: the answer, more seconds, and what is known of them. How a call
// is let in is in starts.ts, how it ends in endings.ts.

import type { Context, Json, Reply } from '../../engine/index.ts'
import { affordableSeconds, costOf } from './billing.ts'
import { accountOf, availableOf, noteTaken, refuse, settingsOf } from './common.ts'
import { contraOf } from './contra.ts'
import { AMOUNT_MAX } from './limits.ts'
import { factsOfEnd, findRecord } from './records.ts'
import type { ExtendInput, IdInput } from './schemas.ts'
import { CALLS, type Call, type CallRecord, CUSTOMERS, type Customer } from './tables.ts'
import { timeText } from './time-text.ts'

/** The name of a call's reservation, below the module's: it is never used again. */
export function reservationOf({ number, holds }: Pick<Call, 'number' | 'holds'>): string {
  return holds === 1 ? `call/${number}` : `call/${number}/${holds}`
}

/** The latest time at which an answered call with this grant ends by itself. */
function validUntilOf(context: Context, answeredAt: number, grantedSeconds: number): number {
  const spoken = Math.max(answeredAt + grantedSeconds * 1_000, context.now)
  return spoken + settingsOf(context).graceSeconds * 1_000
}

/** Sets an answered call's timers by its grant; the call as it is then. */
function schedule(context: Context, call: Call, answeredAt: number): Call {
  const { id, grantedSeconds } = call
  const validUntil = validUntilOf(context, answeredAt, grantedSeconds)
  const terminateAt = Math.max(answeredAt + grantedSeconds * 1_000, context.now + 1)
  context.timers.set('terminate', id, terminateAt)
  context.timers.set('validity', id, validUntil)
  return context.table(CALLS).update(id, { state: 'answered', answeredAt, validUntil })
}

/**
 * `answer`: the call is connected. Said again it gives the facts again. Refusals: `call_not_found`;
 * `call_ended` with the `state`, for a call that ended unanswered.
 */
export function answer(context: Context, { callId }: { readonly callId: string }): Reply {
  const call = context.table(CALLS).get(callId)
  if (call !== undefined) {
    return factsOfCall(call.answeredAt === null ? schedule(context, call, context.now) : call)
  }
  const record = findRecord(context, callId)
  if (record === undefined) return refuse('call_not_found')
  if (record.answeredAt === null) return refuse('call_ended', { state: record.state })
  return factsOfEnded(record)
}

/**
 * `extend`: more seconds for a live call, out of what is held for it already, as of a campaign's
 * share, and then of what its customer has available. `usedSeconds` is
 * the total since the answer; the new total is used + requested, at most what the tariff and the
 * money allow, and costs the difference of the totals' costs. Used seconds of a call that nobody
 * called answered make it an answered one. Refusals: `call_not_found`; `call_ended`; `max_duration`
 * where the grant is as long as the tariff, or the start's own `maxSeconds`, allows;
 * `insufficient_funds` with `available` where nothing more is affordable. A refused one changes
 * nothing, and its used seconds are not kept.
 */
export function extend(context: Context, input: ExtendInput): Reply {
  const { callId, usedSeconds, requestSeconds } = input
  const call = context.table(CALLS).get(callId)
  if (call === undefined) {
    const record = findRecord(context, callId)
    return record === undefined
      ? refuse('call_not_found')
      : refuse('call_ended', { state: record.state })
  }
  const { grantedSeconds, secondsMax } = call
  const wanted = Math.min(usedSeconds + requestSeconds, secondsMax)
  const isMore = usedSeconds + requestSeconds > grantedSeconds
  if (isMore && grantedSeconds >= secondsMax) return refuse('max_duration', { secondsMax })
  const affordable = affordableTotal(context, call)
  if (isMore && affordable <= grantedSeconds) {
    const available = availableOf(context, call.customerId)
    return refuse('insufficient_funds', { maxAffordableSeconds: 0, available })
  }
  const total = Math.max(grantedSeconds, Math.min(wanted, affordable))
  const grown = grow(context, call, total, affordable, Math.max(wanted, call.wantedSeconds))
  if (typeof grown === 'string') return refuse(grown)
  const used = Math.max(usedSeconds, call.usedSeconds)
  const noted = context.table(CALLS).update(callId, { usedSeconds: used })
  const { now } = context
  // Nobody said when: as long ago as the caller reports, and not before the call was let in.
  const answeredAt = call.answeredAt ?? Math.max(call.startedAt, now - used * 1_000)
  // One that grants nothing keeps no call alive.
  const isDue = noted.answeredAt === null ? used > 0 : total > grantedSeconds
  if (isDue) schedule(context, noted, answeredAt)
  noteTaken(context, call.customerId, call, isOutOfMoney(grown))
  return {
    code: 'ok',
    callId,
    grantedSeconds: total - grantedSeconds,
    totalGrantedSeconds: total,
    reserved: grown.reserved,
    finalUnit: grown.finalUnit,
  }
}

/** The longest total grant that what is held for the call and what is available pay for. */
export function affordableTotal(context: Context, call: Call): number {
  const money = call.reserved + availableOf(context, call.customerId)
  return affordableSeconds(call, Math.min(money, AMOUNT_MAX), call.secondsMax)
}

/** Whether it was money, and not the tariff, that made this grant the last. */
export function isOutOfMoney({ finalUnit, grantedSeconds, secondsMax }: Call): boolean {
  return finalUnit && grantedSeconds < secondsMax
}

/** Holds what a longer total grant costs more; the call as it is then, or the code of a refusal. */
function grow(
  context: Context,
  call: Call,
  total: number,
  affordable: number,
  wantedSeconds: number,
): Call | string {
  const reserved = Math.max(call.reserved, costOf(call, total))
  const held = reserved > call.reserved ? holdMore(context, call, reserved) : call
  if (typeof held === 'string') return held
  const finalUnit = total >= affordable
  const changes = { grantedSeconds: total, reserved, finalUnit, wantedSeconds }
  return context.table(CALLS).update(call.id, changes)
}

/**
 * Holds `reserved` for the call in place of what it holds, in the same reservation or, where its
 * revenue account has no room, in another. The call as it is then, or the code of a refusal.
 */
function holdMore(context: Context, call: Call, reserved: number): Call | string {
  const { ledger } = context
  const name = reservationOf(call)
  const { code } = ledger.extend(name, reserved - call.reserved)
  if (code === 'ok') return call
  if (code !== 'overflow') return code
  const { currency } = context.table(CUSTOMERS).get(call.customerId) as Customer
  const contra = contraOf(context, 'revenue', currency, reserved)
  if (contra.code !== 'ok') return contra.code
  const holds = call.holds + 1
  const id = reservationOf({ number: call.number, holds })
  const [debit, credit] = [accountOf(call.customerId), contra.account]
  const released = ledger.release(name)
  if (released.code !== 'ok') return released.code
  const more = ledger.reserve({ id, debit, credit, amount: reserved })
  const held = context.table(CALLS).update(call.id, { holds })
  if (more.code === 'ok') return held
  // It was not the revenue account that had no room: what was held is held again.
  const same = ledger.reserve({ id, debit, credit, amount: call.reserved })
  if (same.code !== 'ok') throw new Error(`the hold of call ${call.number} is ${same.code}`)
  return more.code
}

/**
 * After a top-up: where exactly one call of the customer is live and has less than it wanted, gives
 * it more, up to that. With several none grows by itself.
 */
export function growLoneCall(context: Context, customerId: string): Json[] {
  const calls = context.table(CALLS)
  if (calls.countOf('byCustomer', [customerId]) !== 1) return []
  const [call] = calls.scan('byCustomer', [customerId], 1)
  if (call === undefined || call.grantedSeconds >= call.wantedSeconds) return []
  const affordable = affordableTotal(context, call)
  const total = Math.min(call.wantedSeconds, affordable)
  if (total <= call.grantedSeconds) return []
  const grown = grow(context, call, total, affordable, call.wantedSeconds)
  // No room for the sums of it: the call goes on with what it has.
  if (typeof grown === 'string') return []
  if (grown.answeredAt !== null) schedule(context, grown, grown.answeredAt)
  const { finalUnit } = grown
  const totalGrantedSeconds = total
  const grantedSeconds = total - call.grantedSeconds
  const facts = { callId: call.id, customerId, grantedSeconds, totalGrantedSeconds, finalUnit }
  context.emit('call.granted_changed', facts)
  noteTaken(context, customerId, call, isOutOfMoney(grown))
  return [{ callId: call.id, totalGrantedSeconds }]
}

/** The timer `terminate`: the grant is used up; whoever carries the call is to end it. */
export function terminate(context: Context, callId: string): void {
  const call = context.table(CALLS).get(callId)
  if (call === undefined) return
  const { customerId, grantedSeconds } = call
  context.emit('call.terminate', { callId, customerId, grantedSeconds })
}

/** `call`: a call as it is, live or ended not long ago, or `call_not_found`. */
export function readCall(context: Context, { id }: IdInput): Reply {
  const call = context.table(CALLS).get(id)
  if (call !== undefined) {
    const { usedSeconds } = call
    return { ...factsOfCall(call), ...askedOf(call), usedSeconds }
  }
  const record = findRecord(context, id)
  if (record === undefined) return refuse('call_not_found')
  const { cause, endedAt } = record
  const facts = { ...factsOfEnded(record), ...factsOfEnd(record) }
  return { ...facts, ...askedOf(record), cause, endedAt: timeText(endedAt) }
}

function askedOf(call: Call | CallRecord) {
  const { customerId, destination, mode, campaignId, tariffId, startedAt } = call
  return { customerId, destination, mode, campaignId, tariffId, startedAt: timeText(startedAt) }
}

/** What a start and an answer are answered. */
export function factsOfCall(call: Call): Reply {
  const { id, state, grantedSeconds, reserved, answeredAt, validUntil, finalUnit } = call
  return {
    code: 'ok',
    callId: id,
    state,
    grantedSeconds,
    reserved,
    finalUnit,
    answeredAt: answeredAt === null ? null : timeText(answeredAt),
    validUntil: timeText(validUntil),
  }
}

/** The same of a call that has ended since: it holds nothing, and was valid until its end. */
export function factsOfEnded(record: CallRecord): Reply {
  const { callId, state, grantedSeconds, finalUnit, answeredAt, endedAt } = record
  return {
    code: 'ok',
    callId,
    state,
    grantedSeconds,
    reserved: 0,
    finalUnit,
    answeredAt: answeredAt === null ? null : timeText(answeredAt),
    validUntil: timeText(endedAt),
  }
}
