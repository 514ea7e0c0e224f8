// What HTTP says of the codes of calls: status and sentence. The rules give codes alone.

import type { ModuleCode } from '../../protocol/index.ts'

/** HTTP status and sentence by code; README.md says what to do about each. */
export const CODES: Readonly<Record<string, ModuleCode>> = {
  invalid_id: { status: 400, title: 'The id has more than 96 bytes.' },
  customer_not_found: { status: 404, title: 'There is no such customer.' },
  tariff_not_found: { status: 404, title: 'There is no such tariff.' },
  call_not_found: {
    status: 404,
    title: 'There is no such call, live or ended not long ago: older ones are in /v1/call-records.',
  },
  campaign_not_found: { status: 404, title: 'There is no such campaign.' },
  insufficient_funds: { status: 402, title: 'The customer has too little available for this.' },
  min_seconds_too_long: {
    status: 422,
    title: 'minSeconds is more than maxSeconds, or than the tariff allows.',
  },
  destination_unknown: { status: 404, title: 'No tariff is for this destination.' },
  customer_suspended: {
    status: 409,
    title: 'The customer is suspended: it starts no calls and no campaigns.',
  },
  tariff_exists: { status: 409, title: 'Another tariff has this prefix and currency.' },
  currency_mismatch: { status: 409, title: 'The tariff is of another currency.' },
  campaign_mismatch: {
    status: 409,
    title: 'The campaign is of another customer or another tariff.',
  },
  campaign_closed: { status: 409, title: 'The campaign is closed.' },
  campaign_used_up: { status: 409, title: 'All calls of the campaign were started.' },
  call_ended: { status: 409, title: 'The call has ended.' },
  call_answered: { status: 409, title: 'The call was answered: end it.' },
  max_duration: {
    status: 409,
    title: 'The grant is as long as the tariff, or the maxSeconds of the start, allows.',
  },
  max_channels: { status: 429, title: 'The customer has as many live calls as it may have.' },
  calls_per_second: { status: 429, title: 'The customer starts more calls a second than it may.' },
  ...Object.fromEntries(differences()),
}

/** The fields by which a repeat is told from another with the same id. */
function differences(): [string, ModuleCode][] {
  const names = [
    ...['currency', 'credit_limit', 'max_channels', 'calls_per_second', 'low_balance'],
    ...['customer_id', 'destination', 'mode', 'max_seconds', 'min_seconds', 'block_seconds'],
    ...['campaign_id', 'tariff_id', 'calls', 'all_or_nothing', 'duration_seconds'],
  ]
  return names.map((name) => {
    const field = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
    // As the core says it of its own fields.
    const title = `The id was used with another value of \`${field}\`.`
    return [`exists_with_different_${name}`, { status: 409, title }]
  })
}
