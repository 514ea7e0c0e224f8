// What the start of a call needs to know of campaigns. Their commands are in campaigns.ts.

import type { Context, Reply } from '../../engine/index.ts'
import { refuse } from './common.ts'
import { CAMPAIGNS, type Campaign } from './tables.ts'

/** The name of a campaign's reservation, below the module's. */
export function campaignReservationOf(number: number): string {
  return `campaign/${number}`
}

/** What of a campaign's reserve no call has drawn. */
export function undrawnOf({ state, admitted, started, costPerCall }: Campaign): number {
  return state === 'open' ? (admitted - started) * costPerCall : 0
}

/**
 * The campaign, known to be there, for one more call of this customer on this tariff; else
 * `campaign_mismatch`, `campaign_closed` or `campaign_used_up`.
 */
export function findOpenCampaign(
  context: Context,
  campaignId: string,
  customerId: string,
  tariffId: string,
): Campaign | Reply {
  const campaign = context.table(CAMPAIGNS).get(campaignId) as Campaign
  const isSame = campaign.customerId === customerId && campaign.tariffId === tariffId
  if (!isSame) return refuse('campaign_mismatch')
  if (campaign.state !== 'open') return refuse('campaign_closed')
  return campaign.started >= campaign.admitted ? refuse('campaign_used_up') : campaign
}
