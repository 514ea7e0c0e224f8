// Campaigns: money held for many calls of one tariff at once, each call's share at the cost of its
// longest grant. A call that goes block by block keeps its share until it ends; what another call
// does not need of it goes back to the customer, not to the campaign.

import type { Context, Reply } from '../../engine/index.ts'
import { affordableCount, costOf } from './billing.ts'
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
import { campaignReservationOf, undrawnOf } from './open-campaigns.ts'
import type { AddCampaignInput, EstimateInput, IdInput } from './schemas.ts'
import {
  CAMPAIGNS,
  type Campaign,
  CUSTOMERS,
  type Customer,
  TARIFFS,
  type Tariff,
} from './tables.ts'
import { isFor, secondsMaxOf } from './tariffs.ts'
import { timeText } from './time-text.ts'

/** What a campaign would come to. */
interface Plan {
  readonly customer: Customer
  readonly tariff: Tariff
  readonly secondsPerCall: number
  readonly costPerCall: number
  readonly admitted: number
}

/**
 * `add_campaign`: holds money for `calls` calls, or for as many as fit. Refusals:
 * `exists_with_different_*`, `invalid_id`, `customer_not_found`, `tariff_not_found`,
 * `currency_mismatch`, `customer_suspended`, `insufficient_funds` with `maxAffordableCalls` and
 * `available`, and the core's for want of room.
 */
export function addCampaign(context: Context, input: AddCampaignInput): Reply {
  const campaigns = context.table(CAMPAIGNS)
  const known = campaigns.get(input.campaignId)
  if (known !== undefined) return again(known, input)
  if (!isShortId(input.campaignId)) return refuse('invalid_id')
  const plan = planOf(context, input)
  if ('code' in plan) return plan
  const { customer, tariff, secondsPerCall, costPerCall, admitted } = plan
  const { now, sequence } = context
  const reserved = admitted * costPerCall
  if (reserved > 0) {
    const contra = contraOf(context, 'revenue', customer.currency, reserved)
    if (contra.code !== 'ok') return refuse(contra.code)
    const { code } = context.ledger.reserve({
      id: campaignReservationOf(sequence),
      debit: accountOf(customer.id),
      credit: contra.account,
      amount: reserved,
    })
    if (code !== 'ok') return refuse(code)
  }
  const closesAt = now + settingsOf(context).campaignSeconds * 1_000
  context.timers.set('campaign', input.campaignId, closesAt)
  const { ratePerMinute, connectFee, initialIncrement, increment } = tariff
  const campaign = campaigns.insert({
    id: input.campaignId,
    customerId: customer.id,
    tariffId: tariff.id,
    calls: input.calls,
    maxSeconds: input.maxSeconds,
    allOrNothing: input.allOrNothing ?? false,
    number: sequence,
    state: 'open',
    ratePerMinute,
    connectFee,
    initialIncrement,
    increment,
    secondsPerCall,
    costPerCall,
    admitted,
    started: 0,
    released: 0,
    createdAt: now,
    closesAt,
    closedAt: null,
  })
  noteTaken(context, customer.id, tariff, admitted < input.calls)
  return factsOf(campaign)
}

/** `estimate`: what `add_campaign` would come to; holds nothing. */
export function estimateCampaign(context: Context, input: EstimateInput): Reply {
  const plan = planOf(context, input)
  if ('code' in plan) return plan
  const { secondsPerCall, costPerCall, admitted } = plan
  const rejected = input.calls - admitted
  const reserved = admitted * costPerCall
  return { code: 'ok', admitted, rejected, reserved, secondsPerCall, costPerCall }
}

function again(known: Campaign, input: AddCampaignInput): Reply {
  const asked = { ...input, allOrNothing: input.allOrNothing ?? false }
  const fields = ['customerId', 'tariffId', 'calls', 'maxSeconds', 'allOrNothing'] as const
  return differenceOf(known, asked, fields) ?? factsOf(known)
}

function planOf(context: Context, input: EstimateInput): Plan | Reply {
  const customer = context.table(CUSTOMERS).get(input.customerId)
  if (customer === undefined) return refuse('customer_not_found')
  const tariff = context.table(TARIFFS).get(input.tariffId)
  if (tariff === undefined) return refuse('tariff_not_found')
  if (!isFor(tariff, customer.currency)) return refuse('currency_mismatch')
  if (customer.suspended) return refuse('customer_suspended')
  const secondsPerCall = Math.min(input.maxSeconds, secondsMaxOf(tariff))
  const costPerCall = costOf(tariff, secondsPerCall)
  const available = availableOf(context, customer.id)
  const admitted = affordableCount(costPerCall, available, input.calls)
  const isShort = admitted === 0 || (input.allOrNothing === true && admitted < input.calls)
  if (isShort) return refuse('insufficient_funds', { maxAffordableCalls: admitted, available })
  return { customer, tariff, secondsPerCall, costPerCall, admitted }
}

/**
 * `close_campaign`: gives back what no call has drawn; again it gives the facts.
 * `campaign_not_found`.
 */
export function closeCampaign(
  context: Context,
  { campaignId }: { readonly campaignId: string },
): Reply {
  const campaign = context.table(CAMPAIGNS).get(campaignId)
  if (campaign === undefined) return refuse('campaign_not_found')
  return factsOf(campaign.state === 'open' ? close(context, campaign) : campaign)
}

/** The timer `campaign`: its time is up. */
export function endCampaign(context: Context, campaignId: string): void {
  const campaign = context.table(CAMPAIGNS).get(campaignId)
  if (campaign?.state === 'open') close(context, campaign)
}

/** The timer `forget_campaign`. */
export function forgetCampaign(context: Context, campaignId: string): void {
  const campaigns = context.table(CAMPAIGNS)
  if (campaigns.get(campaignId) !== undefined) campaigns.remove(campaignId)
}

function close(context: Context, campaign: Campaign): Campaign {
  const { id, customerId, number } = campaign
  const released = undrawnOf(campaign)
  if (released > 0) {
    const { code } = context.ledger.release(campaignReservationOf(number))
    if (code !== 'ok') throw new Error(`the reserve of campaign ${number} is ${code}`)
  }
  const closedAt = context.now
  context.timers.cancel('campaign', id)
  context.timers.set('forget_campaign', id, closedAt + settingsOf(context).keepSeconds * 1_000)
  const closed = context.table(CAMPAIGNS).update(id, { state: 'closed', released, closedAt })
  if (released > 0) noteGiven(context, customerId)
  return closed
}

/** `campaign`: a campaign as it is, or `campaign_not_found`. */
export function readCampaign(context: Context, { id }: IdInput): Reply {
  const campaign = context.table(CAMPAIGNS).get(id)
  return campaign === undefined ? refuse('campaign_not_found') : factsOf(campaign)
}

function factsOf(campaign: Campaign): Reply {
  const { id, customerId, tariffId, state, calls, admitted, started, secondsPerCall } = campaign
  const { costPerCall, released, createdAt, closesAt, closedAt } = campaign
  return {
    code: 'ok',
    id,
    customerId,
    tariffId,
    state,
    calls,
    admitted,
    rejected: calls - admitted,
    started,
    reserved: undrawnOf(campaign),
    secondsPerCall,
    costPerCall,
    released,
    createdAt: timeText(createdAt),
    closesAt: timeText(closesAt),
    closedAt: closedAt === null ? null : timeText(closedAt),
  }
}
