// The shapes of the inputs and replies of calls, once: what the gateway checks requests by, what
// the OpenAPI document shows, and the types that the rules take in.

import { type Static, type TProperties, Type } from 'typebox'
import {
  AMOUNT_MAX,
  CALL_LIMIT_MAX,
  CAMPAIGN_CALLS_MAX,
  CAUSE_MAX,
  DESTINATION_MAX,
  DURATION_SECONDS_MAX,
  FEE_MAX,
  GRANT_SECONDS_MAX,
  ID_BYTES_MAX,
  RATE_MAX,
  SETTING_SECONDS_MAX,
} from './limits.ts'

function closed<P extends TProperties>(properties: P) {
  return Type.Object(properties, { additionalProperties: false })
}

/** No control characters, and none that JSON would spell with more bytes. */
const PLAIN = '^[^\\u0000-\\u001f"\\\\\\u007f]+$'

/** What no path can name: `.` and `..`, which clients take out of it, and the nil and max UUID. */
const UNNAMEABLE = '^(?!\\.{1,2}$|[0-]{36}$|[Ff-]{36}$)'

function text(pattern: string, description: string) {
  return Type.String({ minLength: 1, maxLength: ID_BYTES_MAX, pattern, description })
}

/** The id of something that has a path. */
function id(description: string) {
  return text(UNNAMEABLE + PLAIN.slice(1), description)
}

function integer(minimum: number, maximum: number, description: string) {
  return Type.Integer({ minimum, maximum, description })
}

function orNull<S extends ReturnType<typeof integer>>(schema: S) {
  return Type.Union([schema, Type.Null()])
}

const AMOUNT = integer(1, AMOUNT_MAX, 'In micro-units.')
const CURRENCY = Type.String({
  minLength: 1,
  maxLength: 16,
  pattern: '^[A-Za-z0-9_-]+$',
  description: 'A currency, such as USD.',
})
const CAUSE = Type.Optional(
  Type.String({ maxLength: CAUSE_MAX, pattern: '^[ -~]*$', description: 'For the record.' }),
)
const CREDIT = integer(0, AMOUNT_MAX, 'How far below 0 the balance may go.')
const CHANNELS = integer(1, CALL_LIMIT_MAX, 'Most live calls at once.')
const PER_SECOND = integer(1, CALL_LIMIT_MAX, 'Most calls let in within a second.')
const LOW = integer(0, AMOUNT_MAX, 'Available at or below it is an event.')
const ID_OF_CUSTOMER = id('The customer.')
const ID_OF_CALL = id('The call.')
const DESTINATION = Type.String({
  minLength: 1,
  maxLength: DESTINATION_MAX,
  pattern: '^\\+?[0-9A-Za-z*#._@:-]+$',
  description: 'The number that is called; a plus sign in front makes no difference.',
})
const TARIFF = {
  prefix: Type.String({
    maxLength: DESTINATION_MAX,
    pattern: '^\\+?[0-9A-Za-z*#._@:-]*$',
    description: 'Destinations that begin with it; empty: all.',
  }),
  currency: Type.Optional(CURRENCY),
  ratePerMinute: integer(0, RATE_MAX, 'Micro-units for 60 seconds.'),
  connectFee: Type.Optional(integer(0, FEE_MAX, 'Micro-units, once.')),
  initialIncrement: integer(1, GRANT_SECONDS_MAX, 'Seconds billed at least.'),
  increment: integer(1, GRANT_SECONDS_MAX, 'Seconds by which is billed from then on.'),
  maxDuration: Type.Optional(integer(1, DURATION_SECONDS_MAX, 'Longest grant, in seconds.')),
}
const LIMITS = {
  creditLimit: Type.Optional(CREDIT),
  maxChannels: Type.Optional(CHANNELS),
  callsPerSecond: Type.Optional(PER_SECOND),
  lowBalance: Type.Optional(LOW),
}
const CHANGES = {
  creditLimit: Type.Optional(CREDIT),
  maxChannels: Type.Optional(orNull(CHANNELS)),
  callsPerSecond: Type.Optional(orNull(PER_SECOND)),
  lowBalance: Type.Optional(orNull(LOW)),
  suspended: Type.Optional(Type.Boolean({ description: 'Starts no calls.' })),
}
const GRANT_SECONDS = Type.Optional(integer(1, GRANT_SECONDS_MAX, 'Seconds.'))
/** Longer than any grant may be: what is too long to be granted is granted in part. */
const ASKED_SECONDS = integer(1, DURATION_SECONDS_MAX, 'Seconds; at most 86,400 are granted.')
const START = {
  customerId: ID_OF_CUSTOMER,
  destination: DESTINATION,
  mode: Type.Enum(['max', 'block']),
  maxSeconds: Type.Optional(ASKED_SECONDS),
  minSeconds: GRANT_SECONDS,
  blockSeconds: GRANT_SECONDS,
  campaignId: Type.Optional(id('The campaign whose reserve pays.')),
}
const EXTEND = {
  usedSeconds: integer(0, DURATION_SECONDS_MAX, 'In total, since the answer.'),
  requestSeconds: integer(1, GRANT_SECONDS_MAX, 'From then on.'),
}
const END = {
  durationSeconds: integer(0, DURATION_SECONDS_MAX, 'From the answer to the end.'),
  cause: CAUSE,
}
const CAMPAIGN = {
  customerId: ID_OF_CUSTOMER,
  tariffId: id('The tariff that the calls will have.'),
  calls: integer(1, CAMPAIGN_CALLS_MAX, 'How many.'),
  maxSeconds: ASKED_SECONDS,
  allOrNothing: Type.Optional(Type.Boolean({ default: false })),
}
const SETTING = Type.Optional(integer(1, SETTING_SECONDS_MAX, 'Seconds.'))
const SETTINGS = {
  ringingSeconds: SETTING,
  graceSeconds: SETTING,
  campaignSeconds: SETTING,
  keepSeconds: SETTING,
}

/** Inputs of commands, by name. */
export const COMMAND_INPUTS = {
  add_customer: closed({ customerId: ID_OF_CUSTOMER, currency: CURRENCY, ...LIMITS }),
  change_customer: closed({ customerId: ID_OF_CUSTOMER, ...CHANGES }),
  top_up: closed({ customerId: ID_OF_CUSTOMER, amount: AMOUNT }),
  put_tariff: closed({ tariffId: id('The tariff.'), ...TARIFF }),
  start: closed({ callId: ID_OF_CALL, ...START }),
  answer: closed({ callId: ID_OF_CALL }),
  extend: closed({ callId: ID_OF_CALL, ...EXTEND }),
  end: closed({ callId: ID_OF_CALL, ...END }),
  cancel: closed({ callId: ID_OF_CALL, cause: CAUSE }),
  add_campaign: closed({ campaignId: id('The campaign.'), ...CAMPAIGN }),
  close_campaign: closed({ campaignId: id('The campaign.') }),
  change_settings: closed(SETTINGS),
} as const

const BY_ID = closed({ id: id('What is asked for.') })

/** Inputs of queries, by name. */
export const QUERY_INPUTS = {
  customer: BY_ID,
  tariff: BY_ID,
  call: BY_ID,
  campaign: BY_ID,
  estimate: closed(CAMPAIGN),
  settings: closed({}),
} as const

const OWN_ID = text(
  PLAIN,
  'The idempotency key: the same id with the same content gets the first outcome.',
)

/** Bodies of requests: the inputs without what is in the path, and with the idempotency key. */
export const BODIES = {
  AddCustomer: closed({
    id: id('The customer; its own idempotency key.'),
    currency: CURRENCY,
    ...LIMITS,
  }),
  ChangeCustomer: closed({ id: OWN_ID, ...CHANGES }),
  TopUp: closed({ id: OWN_ID, amount: AMOUNT }),
  PutTariff: closed(TARIFF),
  StartCall: COMMAND_INPUTS.start,
  ExtendCall: closed({ id: OWN_ID, ...EXTEND }),
  EndCall: closed(END),
  CancelCall: closed({ cause: CAUSE }),
  AddCampaign: closed({
    id: id('The campaign; its own idempotency key.'),
    ...CAMPAIGN,
    dryRun: Type.Optional(Type.Boolean({ default: false, description: 'Say what would be.' })),
  }),
  ChangeSettings: closed(SETTINGS),
} as const

const COUNT = Type.Integer({ minimum: 0 })
const UNITS = Type.Integer({ minimum: -AMOUNT_MAX })
const TEXT = Type.String()
const FLAG = Type.Boolean()
const TIME = Type.String({ format: 'date-time', description: 'Journal time, UTC.' })
const COUNT_OR_NULL = Type.Union([COUNT, Type.Null()])
const TEXT_OR_NULL = Type.Union([TEXT, Type.Null()])
const TIME_OR_NULL = Type.Union([TIME, Type.Null()])
/** States of finished calls. */
export const ENDED_STATES: readonly ['settled', 'canceled', 'expired'] = [
  'settled',
  'canceled',
  'expired',
]
const CALL_STATE = Type.Enum(['authorized', 'answered', ...ENDED_STATES])

const STARTED = {
  callId: TEXT,
  state: CALL_STATE,
  grantedSeconds: COUNT,
  reserved: COUNT,
  finalUnit: FLAG,
  answeredAt: TIME_OR_NULL,
  validUntil: TIME,
}
const ENDED = {
  callId: TEXT,
  state: CALL_STATE,
  durationSeconds: COUNT,
  billedSeconds: COUNT,
  cost: COUNT,
  released: COUNT,
  uncollected: COUNT,
}

/** Replies, by what they are of. */
export const REPLIES = {
  Customer: closed({
    id: TEXT,
    currency: TEXT,
    balance: UNITS,
    reserved: COUNT,
    available: COUNT,
    creditLimit: COUNT,
    activeCalls: COUNT,
    suspended: FLAG,
    maxChannels: COUNT_OR_NULL,
    callsPerSecond: COUNT_OR_NULL,
    lowBalance: COUNT_OR_NULL,
  }),
  ToppedUp: closed({
    customerId: TEXT,
    balance: UNITS,
    available: COUNT,
    extended: Type.Array(closed({ callId: TEXT, totalGrantedSeconds: COUNT })),
  }),
  Tariff: closed({
    id: TEXT,
    prefix: TEXT,
    currency: TEXT_OR_NULL,
    ratePerMinute: COUNT,
    connectFee: COUNT,
    initialIncrement: COUNT,
    increment: COUNT,
    maxDuration: COUNT_OR_NULL,
  }),
  StartedCall: closed(STARTED),
  ExtendedCall: closed({
    callId: TEXT,
    grantedSeconds: COUNT,
    totalGrantedSeconds: COUNT,
    reserved: COUNT,
    finalUnit: FLAG,
  }),
  EndedCall: closed(ENDED),
  Call: Type.Partial(
    closed({
      ...STARTED,
      ...ENDED,
      customerId: TEXT,
      destination: TEXT,
      mode: TEXT,
      campaignId: TEXT_OR_NULL,
      tariffId: TEXT,
      usedSeconds: COUNT,
      startedAt: TIME,
      endedAt: TIME,
      cause: TEXT_OR_NULL,
    }),
  ),
  Campaign: Type.Partial(
    closed({
      id: TEXT,
      customerId: TEXT,
      tariffId: TEXT,
      state: Type.Enum(['open', 'closed']),
      calls: COUNT,
      admitted: COUNT,
      rejected: COUNT,
      started: COUNT,
      reserved: COUNT,
      secondsPerCall: COUNT,
      costPerCall: COUNT,
      released: COUNT,
      createdAt: TIME,
      closesAt: TIME,
      closedAt: TIME_OR_NULL,
    }),
  ),
  Settings: closed({
    ringingSeconds: COUNT,
    graceSeconds: COUNT,
    campaignSeconds: COUNT,
    keepSeconds: COUNT,
  }),
} as const

type Inputs = typeof COMMAND_INPUTS

/** Inputs as the rules take them in. */
export type AddCustomerInput = Static<Inputs['add_customer']>
export type ChangeCustomerInput = Static<Inputs['change_customer']>
export type TopUpInput = Static<Inputs['top_up']>
export type PutTariffInput = Static<Inputs['put_tariff']>
export type StartInput = Static<Inputs['start']>
export type ExtendInput = Static<Inputs['extend']>
export type EndInput = Static<Inputs['end']>
export type CancelInput = Static<Inputs['cancel']>
export type AddCampaignInput = Static<Inputs['add_campaign']>
export type EstimateInput = Static<typeof QUERY_INPUTS.estimate>
export type IdInput = Static<typeof BY_ID>
export type SettingsInput = Static<Inputs['change_settings']>
