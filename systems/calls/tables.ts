// The tables of calls: all the state that the module has. What the fields mean is said here; who
// changes them is in the files of the commands.

import type { RowOf, TableSchema } from '../../engine/index.ts'
import { ROWS_MAX } from './limits.ts'

/** The time limits in force, in seconds; one row at most, and without it the defaults. */
export const SETTINGS = {
  name: 'settings',
  key: 'id',
  rowsMax: 1,
  fields: {
    id: 'text',
    ringingSeconds: 'integer',
    graceSeconds: 'integer',
    campaignSeconds: 'integer',
    keepSeconds: 'integer',
  },
} as const satisfies TableSchema

/** Currencies in order of their first mention, which numbers their ledgers. */
export const CURRENCIES = {
  name: 'currencies',
  key: 'code',
  rowsMax: ROWS_MAX.currencies,
  fields: {
    /** Empty: tariffs of any currency. */
    code: 'text',
    number: 'integer',
    /** How many revenue accounts it has; 0: none was needed yet. */
    revenues: 'integer',
    /** How many accounts that top-ups come from. */
    topups: 'integer',
    /** Characters of the longest prefix that a tariff of it ever had: where a search begins. */
    prefixMax: 'integer',
  },
} as const satisfies TableSchema

/** Who pays. Money is on the account `customer/<id>`. */
export const CUSTOMERS = {
  name: 'customers',
  key: 'id',
  rowsMax: ROWS_MAX.customers,
  fields: {
    id: 'text',
    currency: 'text',
    suspended: 'flag',
    /** Live calls at once; null: no limit. */
    maxChannels: 'integer?',
    callsPerSecond: 'integer?',
    /** Available at or below it is an event; null: none is wanted. */
    lowBalance: 'integer?',
    /** Whether available is at or below it, so that each crossing is told once. */
    isLow: 'flag',
    /** Whether a grant left nothing for the next, told once too. */
    isExhausted: 'flag',
    /** The second of the journal, since 1970, in which `startedInSecond` were admitted. */
    second: 'integer',
    startedInSecond: 'integer',
  },
} as const satisfies TableSchema

const RATES = {
  ratePerMinute: 'integer',
  connectFee: 'integer',
  initialIncrement: 'integer',
  increment: 'integer',
} as const

/** What calls to a prefix cost. */
export const TARIFFS = {
  name: 'tariffs',
  key: 'id',
  rowsMax: ROWS_MAX.tariffs,
  fields: {
    id: 'text',
    /** Without a plus sign. */
    prefix: 'text',
    /** Empty: any. */
    currency: 'text',
    ...RATES,
    /** Longest grant; null: `GRANT_SECONDS_MAX`. */
    maxDuration: 'integer?',
  },
  indexes: { byPrefix: ['currency', 'prefix'] },
} as const satisfies TableSchema

/**
 * What was asked for at the start, by which a repeat is told from another call with the same id.
 */
const ASKED = {
  customerId: 'text',
  destination: 'text',
  mode: 'text',
  maxSeconds: 'integer?',
  minSeconds: 'integer?',
  blockSeconds: 'integer?',
  campaignId: 'text?',
} as const

/** Live calls: `authorized` or `answered`. */
export const CALLS = {
  name: 'calls',
  key: 'id',
  rowsMax: ROWS_MAX.calls,
  fields: {
    id: 'text',
    ...ASKED,
    /** The sequence of the start: names the reservation `call/<number>` and the record. */
    number: 'integer',
    /** How often its hold was made: beyond 1 the reservation is `call/<number>/<holds>`. */
    holds: 'integer',
    state: 'text',
    tariffId: 'text',
    ...RATES,
    /** Longest total grant: the tariff's as it was at the start. */
    secondsMax: 'integer',
    /** What it would be granted if the money were there. */
    wantedSeconds: 'integer',
    grantedSeconds: 'integer',
    /**
     * What is held: the cost of what was granted, or the whole share of a campaign where the call
     * goes block by block and has not used it up; 0: a free call, without a reservation.
     */
    reserved: 'integer',
    /** The most that an extend reported. */
    usedSeconds: 'integer',
    finalUnit: 'flag',
    startedAt: 'integer',
    answeredAt: 'integer?',
    validUntil: 'integer',
  },
  indexes: { byCustomer: ['customerId'] },
} as const satisfies TableSchema

/** Finished calls: `settled`, `canceled` or `expired`, in order of their ends. */
export const RECORDS = {
  name: 'records',
  key: 'id',
  rowsMax: ROWS_MAX.records,
  fields: {
    /** The call's number as text: a caller may use a call id again after a long time. */
    id: 'text',
    callId: 'text',
    ...ASKED,
    state: 'text',
    currency: 'text',
    tariffId: 'text',
    ...RATES,
    grantedSeconds: 'integer',
    finalUnit: 'flag',
    /** What the caller reported, or what an expiry charged. */
    durationSeconds: 'integer',
    /** Whether a caller reported it: an expired call can still be ended once. */
    isReported: 'flag',
    billedSeconds: 'integer',
    /** What the tariff says. */
    cost: 'integer',
    /** What of it could not be had. */
    uncollected: 'integer',
    /** What was given back of what was held. */
    released: 'integer',
    cause: 'text?',
    startedAt: 'integer',
    answeredAt: 'integer?',
    endedAt: 'integer',
    /** True for all: the index that finds the oldest of them. */
    isKept: 'flag',
  },
  indexes: { byCall: ['callId'], inOrder: ['isKept'] },
} as const satisfies TableSchema

/** Reserves for many calls at once. */
export const CAMPAIGNS = {
  name: 'campaigns',
  key: 'id',
  rowsMax: ROWS_MAX.campaigns,
  fields: {
    id: 'text',
    customerId: 'text',
    tariffId: 'text',
    calls: 'integer',
    maxSeconds: 'integer',
    allOrNothing: 'flag',
    /** The sequence that made it: names the reservation `campaign/<number>`. */
    number: 'integer',
    /** `open` or `closed`. */
    state: 'text',
    ...RATES,
    /** Longest grant of each call. */
    secondsPerCall: 'integer',
    /** Cost of `secondsPerCall`: each call's share of the reserve. */
    costPerCall: 'integer',
    admitted: 'integer',
    started: 'integer',
    /** What the closing gave back. */
    released: 'integer',
    createdAt: 'integer',
    closesAt: 'integer',
    closedAt: 'integer?',
  },
} as const satisfies TableSchema

/** A customer as it is. */
export type Customer = RowOf<typeof CUSTOMERS>
/** A tariff as it is. */
export type Tariff = RowOf<typeof TARIFFS>
/** A live call. */
export type Call = RowOf<typeof CALLS>
/** A finished call. */
export type CallRecord = RowOf<typeof RECORDS>
/** A campaign. */
export type Campaign = RowOf<typeof CAMPAIGNS>
