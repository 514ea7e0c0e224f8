// The ends of calls: reported, canceled before the answer, or expired when nobody said anything.
// Each charges what the tariff says, gives the rest of the hold back and leaves a record.

import type { Context, LedgerResult, Reply } from '../../engine/index.ts'
import { billedSeconds, costOf } from './billing.ts'
import { accountOf, noteGiven, noteTaken, refuse } from './common.ts'
import { contraOf } from './contra.ts'
import { reservationOf } from './live-calls.ts'
import { closeCall, factsOfEnd, findRecord } from './records.ts'
import type { CancelInput, EndInput } from './schemas.ts'
import { CALLS, type Call, type CallRecord, CUSTOMERS, type Customer, RECORDS } from './tables.ts'

/**
 * `end`: charges a call by the duration that the caller reports. What it costs beyond the hold is
 * taken from what is available; what cannot be had is `uncollected`. Said again it gives the facts
 * again. After an expiry it corrects the charge, once. Refusals: `call_not_found`; `call_ended` for
 * a canceled call; `exists_with_different_duration_seconds` with the first one; `overflow` where it would give
 * back more than the customer has room for.
 */
export function end(context: Context, input: EndInput): Reply {
  const { callId, durationSeconds } = input
  const call = context.table(CALLS).get(callId)
  if (call !== undefined) return factsOfEnd(settle(context, call, input))
  const record = findRecord(context, callId)
  if (record === undefined) return refuse('call_not_found')
  const { state, isReported } = record
  if (state === 'canceled') return refuse('call_ended', { state })
  if (!isReported) {
    const corrected = correct(context, record, input)
    return typeof corrected === 'string' ? refuse(corrected) : factsOfEnd(corrected)
  }
  if (record.durationSeconds === durationSeconds) return factsOfEnd(record)
  const first = { durationSeconds: record.durationSeconds }
  return refuse('exists_with_different_duration_seconds', first)
}

function settle(context: Context, call: Call, { durationSeconds, cause }: EndInput): CallRecord {
  const { cost, uncollected, released } = charge(context, call, costOf(call, durationSeconds))
  const record = closeCall(context, call, {
    state: 'settled',
    durationSeconds,
    isReported: true,
    billedSeconds: billedSeconds(call, durationSeconds),
    cost,
    uncollected,
    released,
    cause: cause ?? null,
  })
  note(context, record)
  return record
}

/**
 * An end that came after the expiry: charges what is missing, or gives back what was too much. The record as
 * it is then, or the code of a refusal.
 */
function correct(context: Context, record: CallRecord, input: EndInput): CallRecord | string {
  const { durationSeconds, cause } = input
  const { customerId, currency } = record
  const cost = costOf(record, durationSeconds)
  const paid = record.cost - record.uncollected
  const more = Math.max(0, cost - paid)
  const less = Math.max(0, paid - cost)
  if (less > 0) {
    const contra = contraOf(context, 'revenue', currency, 0)
    if (contra.code !== 'ok') return contra.code
    const [debit, credit] = [contra.account, accountOf(customerId)]
    const { code } = context.ledger.transfer({ debit, credit, amount: less })
    // The customer has had as much since as an account holds.
    if (code !== 'ok') return code
  }
  const corrected = context.table(RECORDS).update(record.id, {
    durationSeconds,
    isReported: true,
    billedSeconds: billedSeconds(record, durationSeconds),
    cost,
    uncollected: more - collect(context, customerId, currency, more),
    released: record.released + less,
    cause: cause ?? null,
  })
  if (less > 0) noteGiven(context, customerId)
  else noteTaken(context, customerId, corrected, corrected.uncollected > 0)
  return corrected
}

/**
 * `cancel`: a call that was not answered, at no cost. Said again it gives the facts again.
 * Refusals: `call_not_found`; `call_answered`; `call_ended` for one that was settled or expired.
 */
export function cancel(context: Context, { callId, cause }: CancelInput): Reply {
  const call = context.table(CALLS).get(callId)
  if (call === undefined) {
    const record = findRecord(context, callId)
    if (record === undefined) return refuse('call_not_found')
    const { state } = record
    return state === 'canceled' ? factsOfEnd(record) : refuse('call_ended', { state })
  }
  if (call.answeredAt !== null) return refuse('call_answered')
  const { cost, uncollected, released } = charge(context, call, 0)
  const record = closeCall(context, call, {
    state: 'canceled',
    durationSeconds: 0,
    isReported: true,
    billedSeconds: 0,
    cost,
    uncollected,
    released,
    cause: cause ?? null,
  })
  note(context, record)
  return factsOfEnd(record)
}

/**
 * The timer `validity`: nobody ended the call. Unanswered, all goes back; answered, it is charged
 * the larger of what was reported and what has passed, at most its grant.
 */
export function expire(context: Context, callId: string): void {
  const call = context.table(CALLS).get(callId)
  if (call === undefined) return
  const { customerId, answeredAt, usedSeconds, grantedSeconds } = call
  const elapsed = answeredAt === null ? 0 : Math.floor((context.now - answeredAt) / 1_000)
  const durationSeconds = Math.min(Math.max(usedSeconds, elapsed), grantedSeconds)
  const billed = billedSeconds(call, durationSeconds)
  const { cost, uncollected, released } = charge(context, call, costOf(call, durationSeconds))
  const record = closeCall(context, call, {
    state: 'expired',
    durationSeconds,
    isReported: false,
    billedSeconds: billed,
    cost,
    uncollected,
    released,
    cause: null,
  })
  context.emit('call.expired', { callId, customerId, billedSeconds: billed, cost, released })
  note(context, record)
}

/** Money came back, or the call took all of its hold and perhaps more. */
function note(context: Context, record: CallRecord): void {
  const { customerId, released, uncollected } = record
  if (released > 0) noteGiven(context, customerId)
  else noteTaken(context, customerId, record, uncollected > 0)
}

/**
 * Takes a cost out of a live call's hold, gives the rest of it back, and takes what is left to pay.
 */
function charge(context: Context, call: Call, cost: number) {
  const { reserved, customerId } = call
  const { currency } = context.table(CUSTOMERS).get(customerId) as Customer
  const held = Math.min(cost, reserved)
  const name = reservationOf(call)
  if (held > 0) must(context.ledger.settle(name, { amount: held }))
  else if (reserved > 0) must(context.ledger.release(name))
  const rest = cost - held
  const uncollected = rest - collect(context, customerId, currency, rest)
  return { cost, uncollected, released: reserved - held }
}

/** Takes up to `amount` of what is available; gives back what there was. */
function collect(context: Context, customerId: string, currency: string, amount: number): number {
  if (amount === 0) return 0
  const contra = contraOf(context, 'revenue', currency, amount)
  if (contra.code !== 'ok') return 0
  const [debit, credit] = [accountOf(customerId), contra.account]
  const { code, moved } = context.ledger.transfer({ debit, credit, amount, atMost: true })
  return code === 'ok' ? moved : 0
}

/** For what cannot be refused while the module's rows and the ledger agree. */
function must({ code }: LedgerResult): void {
  if (code !== 'ok') throw new Error(`the ledger of calls says ${code}`)
}
