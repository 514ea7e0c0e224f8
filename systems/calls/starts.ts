// The start of a call: who may make it, what it may cost at most, and the hold of that before
// anybody's phone rings. Check and hold are one step, so of many starts at once no more get in than
// are paid for.

import type { Context, Reply } from '../../engine/index.ts'
import { affordableSeconds, costOf, type Rates } from './billing.ts'
import {
  accountOf,
  availableOf,
  differenceOf,
  isShortId,
  noteGiven,
  noteTaken,
  refuse,
  settingsOf,
} from './common.ts'
import { contraOf } from './contra.ts'
import { GRANT_SECONDS_MAX } from './limits.ts'
import {
  affordableTotal,
  factsOfCall,
  factsOfEnded,
  isOutOfMoney,
  reservationOf,
} from './live-calls.ts'
import { campaignReservationOf, findOpenCampaign } from './open-campaigns.ts'
import { findRecord } from './records.ts'
import type { StartInput } from './schemas.ts'
import { CALLS, CAMPAIGNS, type Call, type Campaign, CUSTOMERS, type Customer } from './tables.ts'
import { findTariff, secondsMaxOf } from './tariffs.ts'

/** Seconds of a block where the caller does not say. */
const BLOCK_SECONDS_DEFAULT = 60

/** What a repeat of a start is compared by. */
const ASKED = [
  'customerId',
  'destination',
  'mode',
  'maxSeconds',
  'minSeconds',
  'blockSeconds',
  'campaignId',
] as const

/** On what terms a call is let in. */
interface Terms {
  readonly tariffId: string
  readonly rates: Rates
  /** Longest total grant. */
  readonly secondsMax: number
  /** What pays for the first grant. */
  readonly money: number
  readonly campaign: Campaign | undefined
}

/**
 * `start`: lets a call in and holds what its grant costs. Refusals in this order:
 * `exists_with_different_*`, `invalid_id`, `customer_not_found`, `campaign_not_found`,
 * `destination_unknown`, `min_seconds_too_long`, `campaign_mismatch`, `campaign_closed`,
 * `campaign_used_up`, `customer_suspended`, `max_channels`, `calls_per_second`,
 * `insufficient_funds` with `maxAffordableSeconds` and `available`, and the core's for want of room.
 */
export function start(context: Context, input: StartInput): Reply {
  const known = again(context, input)
  if (known !== undefined) return known
  if (!isShortId(input.callId)) return refuse('invalid_id')
  const customer = context.table(CUSTOMERS).get(input.customerId)
  if (customer === undefined) return refuse('customer_not_found')
  const terms = termsOf(context, customer, input)
  if ('code' in terms) return terms
  const code = admit(context, customer)
  if (code !== 'ok') return refuse(code)
  const { rates, secondsMax, campaign } = terms
  const shareSeconds = campaign?.secondsPerCall ?? GRANT_SECONDS_MAX
  const affordable = affordableSeconds(rates, terms.money, shareSeconds)
  if (affordable < (input.minSeconds ?? 1)) {
    const maxAffordableSeconds = Math.min(affordable, secondsMax)
    const available = availableOf(context, customer.id)
    return refuse('insufficient_funds', { maxAffordableSeconds, available })
  }
  const wanted = Math.min(secondsMax, askedSeconds(input, campaign))
  const granted = Math.min(wanted, affordable)
  const cost = costOf(rates, granted)
  // Block by block the share pays for the blocks to come as well.
  const reserved = campaign !== undefined && input.mode === 'block' ? campaign.costPerCall : cost
  const held = hold(context, customer, terms, reserved)
  if (held !== 'ok') return refuse(held)
  const call = letIn(context, input, terms, wanted, granted, reserved)
  if (campaign === undefined) noteTaken(context, customer.id, rates, isOutOfMoney(call))
  else if (reserved < campaign.costPerCall) noteGiven(context, customer.id)
  return factsOfCall(call)
}

/** A call with this id that is live, or ended not long ago. */
function again(context: Context, input: StartInput): Reply | undefined {
  const call = context.table(CALLS).get(input.callId)
  if (call !== undefined) return differenceOf(call, input, ASKED) ?? factsOfCall(call)
  const record = findRecord(context, input.callId)
  if (record === undefined) return undefined
  return differenceOf(record, input, ASKED) ?? factsOfEnded(record)
}

function askedSeconds(
  { mode, maxSeconds, blockSeconds }: StartInput,
  campaign: Campaign | undefined,
): number {
  if (mode === 'block') return blockSeconds ?? BLOCK_SECONDS_DEFAULT
  return maxSeconds ?? campaign?.secondsPerCall ?? GRANT_SECONDS_MAX
}

function termsOf(context: Context, customer: Customer, input: StartInput): Terms | Reply {
  const { campaignId, mode, minSeconds = 1, maxSeconds = GRANT_SECONDS_MAX } = input
  if (campaignId !== undefined && context.table(CAMPAIGNS).get(campaignId) === undefined) {
    return refuse('campaign_not_found')
  }
  const tariff = findTariff(context, customer.currency, input.destination)
  if (tariff === undefined) return refuse('destination_unknown')
  const longest = Math.min(secondsMaxOf(tariff), maxSeconds)
  if (minSeconds > longest) return refuse('min_seconds_too_long', { secondsMax: longest })
  // Block by block, maxSeconds bounds them all; else it is what is asked for at first.
  const ownMax = mode === 'block' ? maxSeconds : GRANT_SECONDS_MAX
  const secondsMax = Math.min(secondsMaxOf(tariff), ownMax)
  const tariffId = tariff.id
  if (campaignId === undefined) {
    const money = availableOf(context, customer.id)
    return { tariffId, rates: tariff, secondsMax, money, campaign: undefined }
  }
  const campaign = findOpenCampaign(context, campaignId, customer.id, tariffId)
  if ('code' in campaign) return campaign
  return { tariffId, rates: campaign, secondsMax, money: campaign.costPerCall, campaign }
}

/** The customer's own limits; counts the call where they let it in. */
function admit(context: Context, customer: Customer): string {
  const { id, suspended, maxChannels, callsPerSecond } = customer
  if (suspended) return 'customer_suspended'
  const live = context.table(CALLS).countOf('byCustomer', [id])
  if (maxChannels !== null && live >= maxChannels) return 'max_channels'
  if (callsPerSecond === null) return 'ok'
  const second = Math.floor(context.now / 1_000)
  const started = customer.second === second ? customer.startedInSecond : 0
  if (started >= callsPerSecond) return 'calls_per_second'
  context.table(CUSTOMERS).update(id, { second, startedInSecond: started + 1 })
  return 'ok'
}

/** Holds what the grant costs: out of the campaign's reserve, or of what is available. */
function hold(context: Context, customer: Customer, terms: Terms, amount: number): string {
  const { campaign } = terms
  const { ledger, sequence } = context
  if (campaign !== undefined) {
    const { id, started, costPerCall, number } = campaign
    context.table(CAMPAIGNS).update(id, { started: started + 1 })
    if (costPerCall > 0) {
      const { code } = ledger.release(campaignReservationOf(number), { amount: costPerCall })
      if (code !== 'ok') return code
    }
  }
  if (amount === 0) return 'ok'
  const { code, account: credit } = contraOf(context, 'revenue', customer.currency, amount)
  if (code !== 'ok') return code
  const id = reservationOf({ number: sequence, holds: 1 })
  return ledger.reserve({ id, debit: accountOf(customer.id), credit, amount }).code
}

/** Enters the call, ringing. */
function letIn(
  context: Context,
  input: StartInput,
  terms: Terms,
  wantedSeconds: number,
  grantedSeconds: number,
  reserved: number,
): Call {
  const { now, sequence } = context
  const { rates, tariffId, secondsMax } = terms
  const { ratePerMinute, connectFee, initialIncrement, increment } = rates
  const validUntil = now + settingsOf(context).ringingSeconds * 1_000
  context.timers.set('validity', input.callId, validUntil)
  const calls = context.table(CALLS)
  const call = calls.insert({
    id: input.callId,
    customerId: input.customerId,
    destination: input.destination,
    mode: input.mode,
    maxSeconds: input.maxSeconds ?? null,
    minSeconds: input.minSeconds ?? null,
    blockSeconds: input.blockSeconds ?? null,
    campaignId: input.campaignId ?? null,
    number: sequence,
    holds: 1,
    state: 'authorized',
    tariffId,
    ratePerMinute,
    connectFee,
    initialIncrement,
    increment,
    secondsMax,
    wantedSeconds,
    grantedSeconds,
    reserved,
    usedSeconds: 0,
    finalUnit: grantedSeconds < wantedSeconds,
    startedAt: now,
    answeredAt: null,
    validUntil,
  })
  // The last slice of a call that goes block by block is the one after which there is none.
  if (input.mode !== 'block' || grantedSeconds < affordableTotal(context, call)) return call
  return calls.update(call.id, { finalUnit: true })
}
