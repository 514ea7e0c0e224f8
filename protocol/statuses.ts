// The one closed list of statuses. Numbers are part of the format and of the digest; they rise in
// order of precedence: when several apply, the lowest is reported (docs/statuses.md).

/**
 * Numbers by name, for code that decides: `STATUS.insufficient_funds`. Below 200 the engine's, from 200
 * the gateway's, which are never journaled.
 */
export const STATUS = {
  ok: 0,
  malformed: 1,
  chain_mismatch: 2,
  linked_failed: 3,
  exists_with_different_type: 8,
  exists_with_different_linked: 9,
  exists_with_different_ledger: 10,
  exists_with_different_external: 11,
  exists_with_different_history: 12,
  exists_with_different_account: 13,
  exists_with_different_debit_account: 14,
  exists_with_different_credit_account: 15,
  exists_with_different_reservation: 16,
  exists_with_different_group: 17,
  exists_with_different_amount: 18,
  exists_with_different_value: 19,
  exists_with_different_credit_limit: 20,
  exists_with_different_timeout_ms: 21,
  exists_with_different_final: 22,
  exists_with_different_allow_over: 23,
  exists_with_different_at_most: 24,
  exists_with_different_metadata: 25,
  exists_with_different_input: 26,
  id_in_future: 30,
  id_too_old: 31,
  overloaded: 32,
  accounts_must_differ: 40,
  account_not_found: 41,
  debit_account_not_found: 42,
  credit_account_not_found: 43,
  reservation_not_found: 44,
  group_not_found: 45,
  already_settled: 50,
  already_released: 51,
  already_expired: 52,
  no_timeout: 53,
  exceeds_reservation: 54,
  ledgers_must_match: 60,
  account_closed: 61,
  debit_account_closed: 62,
  credit_account_closed: 63,
  account_frozen: 64,
  owned_by_module: 65,
  insufficient_funds: 70,
  overflow: 71,
  limit_in_use: 72,
  account_in_use: 73,
  group_full: 80,
  accounts_full: 81,
  ledgers_full: 82,
  groups_full: 83,
  reservations_full: 84,
  module_full: 85,
  module_failed: 86,
  module_refused: 87,
  invalid_request: 200,
  unauthorized: 201,
  not_found: 202,
  method_not_allowed: 203,
  payload_too_large: 204,
  batch_too_large: 205,
  chain_too_large: 206,
  busy: 207,
  replaying: 208,
  draining: 209,
  storage_low: 210,
  outcome_unknown: 211,
  internal_error: 212,
  forbidden: 213,
  idempotency_key_reused: 214,
  views_unavailable: 215,
  view_behind: 216,
} as const

/** The name of any status. */
export type StatusCode = keyof typeof STATUS

/** The names that the gateway gives by itself. */
export type GatewayStatusCode =
  | 'invalid_request'
  | 'unauthorized'
  | 'not_found'
  | 'method_not_allowed'
  | 'payload_too_large'
  | 'batch_too_large'
  | 'chain_too_large'
  | 'busy'
  | 'replaying'
  | 'draining'
  | 'storage_low'
  | 'outcome_unknown'
  | 'idempotency_key_reused'
  | 'views_unavailable'
  | 'view_behind'

/** The names that the engine decides. */
export type EngineStatusCode = Exclude<StatusCode, GatewayStatusCode>

/** One status: what it is called, what HTTP says of it, and what becomes of the command. */
export interface Status {
  readonly number: number
  /** The name in `code`. */
  readonly code: StatusCode
  /** The HTTP status of a single command's reply. */
  readonly http: number
  /** Whether the same command, sent again unchanged, may pass later. */
  readonly retryable: boolean
  /** Whether the outcome is kept under the command's id, so that a retry gets it again. */
  readonly remembered: boolean
  /** One sentence for people: `title` of a problem, first line of the docs page. */
  readonly title: string
}

type Row = readonly [http: number, remembered: 'kept' | 'not kept', title: string]

/** What is said where an id comes again with another value of a field, by a module's name for it as well. */
export function differenceTitle(field: string): string {
  return `The id was used with another value of \`${field}\`.`
}

const ROWS: Readonly<Record<StatusCode, Row>> = {
  ok: [200, 'kept', 'Done.'],
  malformed: [400, 'not kept', 'The record has an illegal field.'],
  chain_mismatch: [
    409,
    'not kept',
    'The chain is not the one that its ids are known from, or names an id twice.',
  ],
  linked_failed: [409, 'kept', 'Another command of the chain failed, so none took effect.'],
  exists_with_different_type: [409, 'not kept', 'The id was used by another type of command.'],
  exists_with_different_linked: [
    409,
    'not kept',
    'The id was used at another place in a chain, or alone.',
  ],
  exists_with_different_ledger: [409, 'not kept', differenceTitle('ledger')],
  exists_with_different_external: [409, 'not kept', differenceTitle('external')],
  exists_with_different_history: [409, 'not kept', differenceTitle('history')],
  exists_with_different_account: [409, 'not kept', differenceTitle('account')],
  exists_with_different_debit_account: [409, 'not kept', differenceTitle('debitAccount')],
  exists_with_different_credit_account: [409, 'not kept', differenceTitle('creditAccount')],
  exists_with_different_reservation: [409, 'not kept', differenceTitle('reservation')],
  exists_with_different_group: [409, 'not kept', differenceTitle('group')],
  exists_with_different_amount: [409, 'not kept', differenceTitle('amount')],
  exists_with_different_value: [409, 'not kept', differenceTitle('value')],
  exists_with_different_credit_limit: [409, 'not kept', differenceTitle('creditLimit')],
  exists_with_different_timeout_ms: [409, 'not kept', differenceTitle('timeoutMs')],
  exists_with_different_final: [409, 'not kept', differenceTitle('final')],
  exists_with_different_allow_over: [409, 'not kept', differenceTitle('allowOver')],
  exists_with_different_at_most: [409, 'not kept', differenceTitle('atMost')],
  exists_with_different_metadata: [409, 'not kept', differenceTitle('metadata')],
  exists_with_different_input: [409, 'not kept', 'The id was used with another input.'],
  id_in_future: [409, 'not kept', 'The time in the UUIDv7 is too far ahead.'],
  id_too_old: [
    409,
    'not kept',
    'The id is too old to tell whether it was used: look, do not resend.',
  ],
  overloaded: [503, 'not kept', 'No room to remember the outcome.'],
  accounts_must_differ: [422, 'kept', 'debitAccount and creditAccount are the same.'],
  account_not_found: [404, 'kept', 'There is no such account.'],
  debit_account_not_found: [404, 'kept', 'There is no such debitAccount.'],
  credit_account_not_found: [404, 'kept', 'There is no such creditAccount.'],
  reservation_not_found: [404, 'kept', 'There is no such reservation.'],
  group_not_found: [404, 'kept', 'No open reservation has this group.'],
  already_settled: [409, 'kept', 'The reservation was settled.'],
  already_released: [409, 'kept', 'The reservation was released.'],
  already_expired: [409, 'kept', 'The reservation has expired.'],
  no_timeout: [409, 'kept', 'The reservation has no timeout that could be extended.'],
  exceeds_reservation: [422, 'kept', 'The amount is more than what remains reserved.'],
  ledgers_must_match: [422, 'kept', 'The accounts are of different ledgers.'],
  account_closed: [409, 'kept', 'The account is closed.'],
  debit_account_closed: [409, 'kept', 'debitAccount is closed.'],
  credit_account_closed: [409, 'kept', 'creditAccount is closed.'],
  account_frozen: [409, 'kept', 'The debit account is frozen.'],
  owned_by_module: [409, 'kept', 'The account or reservation belongs to a module.'],
  insufficient_funds: [402, 'kept', 'The debit account has too little available.'],
  overflow: [422, 'kept', 'A balance, a total or a time would pass its limit.'],
  limit_in_use: [409, 'kept', 'The credit limit cannot go below what is in use of it.'],
  account_in_use: [409, 'kept', 'The account has a balance, or something is held on it.'],
  group_full: [409, 'kept', 'The group has as many open reservations as a group may have.'],
  accounts_full: [503, 'not kept', 'The table of accounts is full.'],
  ledgers_full: [503, 'not kept', 'The table of ledgers is full.'],
  groups_full: [503, 'not kept', 'The table of groups is full.'],
  reservations_full: [503, 'not kept', 'The table of reservations is full.'],
  module_full: [503, 'not kept', 'A table of the module is full.'],
  module_failed: [500, 'kept', 'The rules of the module failed, and were undone.'],
  module_refused: [409, 'kept', 'The module refused, with a code of its own.'],
  invalid_request: [400, 'not kept', 'The request is not what the schema asks for.'],
  unauthorized: [401, 'not kept', 'The request carries no valid key.'],
  not_found: [404, 'not kept', 'There is no such route.'],
  method_not_allowed: [405, 'not kept', 'The route does not take this method.'],
  payload_too_large: [413, 'not kept', 'The body is larger than the limit.'],
  batch_too_large: [413, 'not kept', 'The batch has more commands than the limit.'],
  chain_too_large: [413, 'not kept', 'The chain is longer than the limit.'],
  busy: [503, 'not kept', 'The server has no room for the command right now.'],
  replaying: [503, 'not kept', 'The server is still rebuilding its state.'],
  draining: [503, 'not kept', 'The server is shutting down.'],
  storage_low: [503, 'not kept', 'The disk has no room for new reservations.'],
  outcome_unknown: [503, 'not kept', 'The server stopped before it knew the outcome.'],
  internal_error: [500, 'not kept', 'The server met a fault of its own.'],
  forbidden: [
    403,
    'not kept',
    'The request comes from a web page of another origin, or names a host that is not this one.',
  ],
  idempotency_key_reused: [422, 'not kept', 'The Idempotency-Key was used with another request.'],
  views_unavailable: [503, 'not kept', 'There is no view to read from right now.'],
  view_behind: [503, 'not kept', 'The view has not come as far as was asked for.'],
}

/** All statuses in order of their numbers. */
export const STATUSES: readonly Status[] = (Object.keys(STATUS) as StatusCode[]).map((code) => {
  const [http, remembered, title] = ROWS[code]
  return {
    number: STATUS[code],
    code,
    http,
    retryable: http === 503,
    remembered: remembered === 'kept',
    title,
  }
})

const BY_NUMBER: readonly (Status | undefined)[] = byNumber()

function byNumber(): (Status | undefined)[] {
  const table = new Array<Status | undefined>(256).fill(undefined)
  for (const status of STATUSES) table[status.number] = status
  return table
}

/** The status with this number. Throws on a number that is none: bytes of another version. */
export function statusOf(number: number): Status {
  const status = BY_NUMBER[number]
  if (status === undefined) throw new RangeError(`no status has the number ${number}`)
  return status
}

/** Numbers of the statuses that say "not now": the same record may pass a moment later. */
export const NOT_NOW: ReadonlySet<number> = new Set([
  STATUS.busy,
  STATUS.overloaded,
  STATUS.replaying,
  STATUS.draining,
  STATUS.storage_low,
  STATUS.outcome_unknown,
])

/** 1 for the numbers of statuses that are remembered: a table for the engine's hot path. */
export const IS_REMEMBERED: Uint8Array = Uint8Array.from(BY_NUMBER, (status) =>
  status?.remembered ? 1 : 0,
)
