// The one closed list of statuses. Numbers are part of the format and of the digest; they rise in
// order of precedence: when several apply, the lowest is reported (docs/statuses.md).

/** One status: what it is called, what HTTP says of it, and what becomes of the command. */
export interface Status {
  readonly number: number
  /** The name in `code`. */
  readonly code: string
  /** The HTTP status of a single command's reply. */
  readonly http: number
  /** Whether the same command, sent again unchanged, may pass later. */
  readonly retryable: boolean
  /** Whether the outcome is kept under the command's id, so that a retry gets it again. */
  readonly remembered: boolean
  /** One sentence for people: `title` of a problem, first line of the docs page. */
  readonly title: string
}

type Row = readonly [
  number: number,
  code: string,
  http: number,
  remembered: 'kept' | 'not kept',
  title: string,
]

const ENGINE_ROWS = [
  [0, 'ok', 200, 'kept', 'Done.'],
  [1, 'malformed', 400, 'not kept', 'The record has an illegal field.'],
  [
    2,
    'chain_mismatch',
    409,
    'not kept',
    'Some commands of the chain are known and others are not.',
  ],
  [3, 'linked_failed', 409, 'kept', 'Another command of the chain failed, so none took effect.'],
  [8, 'exists_with_different_type', 409, 'not kept', 'The id was used by another type of command.'],
  [9, 'exists_with_different_linked', 409, 'not kept', 'The id was used outside of this chain.'],
  [10, 'exists_with_different_ledger', 409, 'not kept', 'The id exists with another ledger.'],
  [11, 'exists_with_different_external', 409, 'not kept', 'The id exists with another external.'],
  [12, 'exists_with_different_history', 409, 'not kept', 'The id exists with another history.'],
  [13, 'exists_with_different_account', 409, 'not kept', 'The id was used for another account.'],
  [
    14,
    'exists_with_different_debit_account',
    409,
    'not kept',
    'The id was used for another debitAccount.',
  ],
  [
    15,
    'exists_with_different_credit_account',
    409,
    'not kept',
    'The id was used for another creditAccount.',
  ],
  [
    16,
    'exists_with_different_reservation',
    409,
    'not kept',
    'The id was used for another reservation.',
  ],
  [17, 'exists_with_different_group', 409, 'not kept', 'The id was used with another group.'],
  [18, 'exists_with_different_amount', 409, 'not kept', 'The id was used with another amount.'],
  [19, 'exists_with_different_value', 409, 'not kept', 'The id was used with another value.'],
  [
    20,
    'exists_with_different_credit_limit',
    409,
    'not kept',
    'The id exists with another creditLimit.',
  ],
  [
    21,
    'exists_with_different_timeout_ms',
    409,
    'not kept',
    'The id was used with another timeoutMs.',
  ],
  [22, 'exists_with_different_final', 409, 'not kept', 'The id was used with another final.'],
  [
    23,
    'exists_with_different_allow_over',
    409,
    'not kept',
    'The id was used with another allowOver.',
  ],
  [24, 'exists_with_different_at_most', 409, 'not kept', 'The id was used with another atMost.'],
  [25, 'exists_with_different_metadata', 409, 'not kept', 'The id was used with other metadata.'],
  [30, 'id_in_future', 409, 'not kept', 'The time in the UUIDv7 is too far ahead.'],
  [
    31,
    'id_too_old',
    409,
    'not kept',
    'The id is too old to tell whether it was used: look, do not resend.',
  ],
  [32, 'overloaded', 503, 'not kept', 'No room to remember the outcome.'],
  [40, 'accounts_must_differ', 422, 'kept', 'debitAccount and creditAccount are the same.'],
  [41, 'account_not_found', 404, 'kept', 'There is no such account.'],
  [42, 'debit_account_not_found', 404, 'kept', 'There is no such debitAccount.'],
  [43, 'credit_account_not_found', 404, 'kept', 'There is no such creditAccount.'],
  [44, 'reservation_not_found', 404, 'kept', 'There is no such reservation.'],
  [45, 'group_not_found', 404, 'kept', 'No open reservation has this group.'],
  [50, 'already_settled', 409, 'kept', 'The reservation was settled.'],
  [51, 'already_released', 409, 'kept', 'The reservation was released.'],
  [52, 'already_expired', 409, 'kept', 'The reservation has expired.'],
  [53, 'no_timeout', 409, 'kept', 'The reservation has no timeout that could be extended.'],
  [54, 'exceeds_reservation', 422, 'kept', 'The amount is more than what remains reserved.'],
  [60, 'ledgers_must_match', 422, 'kept', 'The accounts are of different ledgers.'],
  [61, 'account_closed', 409, 'kept', 'The account is closed.'],
  [62, 'debit_account_closed', 409, 'kept', 'debitAccount is closed.'],
  [63, 'credit_account_closed', 409, 'kept', 'creditAccount is closed.'],
  [64, 'account_frozen', 409, 'kept', 'The debit account is frozen.'],
  [70, 'insufficient_funds', 402, 'kept', 'The debit account has too little available.'],
  [71, 'overflow', 422, 'kept', 'A balance, a total or a time would pass its limit.'],
  [72, 'limit_in_use', 409, 'kept', 'More of the credit limit is in use.'],
  [73, 'account_in_use', 409, 'kept', 'The account has a balance, or something is held on it.'],
  [80, 'group_full', 409, 'kept', 'The group has as many open reservations as a group may have.'],
  [81, 'accounts_full', 503, 'not kept', 'The table of accounts is full.'],
  [82, 'ledgers_full', 503, 'not kept', 'The table of ledgers is full.'],
  [83, 'groups_full', 503, 'not kept', 'The table of groups is full.'],
  [84, 'reservations_full', 503, 'not kept', 'The table of reservations is full.'],
] as const satisfies readonly Row[]

const GATEWAY_ROWS = [
  [200, 'invalid_request', 400, 'not kept', 'The request is not what the schema asks for.'],
  [201, 'unauthorized', 401, 'not kept', 'The request carries no valid key.'],
  [202, 'not_found', 404, 'not kept', 'There is no such route.'],
  [203, 'method_not_allowed', 405, 'not kept', 'The route does not take this method.'],
  [204, 'payload_too_large', 413, 'not kept', 'The body is larger than the limit.'],
  [205, 'batch_too_large', 413, 'not kept', 'The batch has more commands than the limit.'],
  [206, 'chain_too_large', 413, 'not kept', 'The chain is longer than the limit.'],
  [207, 'busy', 503, 'not kept', 'The server has no room for the command right now.'],
  [208, 'replaying', 503, 'not kept', 'The server is still rebuilding its state.'],
  [209, 'draining', 503, 'not kept', 'The server is shutting down.'],
  [210, 'storage_low', 503, 'not kept', 'The disk has no room for new reservations.'],
  [211, 'outcome_unknown', 503, 'not kept', 'The server stopped before it knew the outcome.'],
  [212, 'internal_error', 500, 'not kept', 'The server met a fault of its own.'],
  [213, 'forbidden', 403, 'not kept', 'The request comes from a web page of another origin.'],
] as const satisfies readonly Row[]

/** The name of any status. */
export type StatusCode = (typeof ENGINE_ROWS)[number][1] | (typeof GATEWAY_ROWS)[number][1]

/** The name of a status that the engine decides. */
export type EngineStatusCode = (typeof ENGINE_ROWS)[number][1]

/** All statuses in order of their numbers. */
export const STATUSES: readonly Status[] = [...ENGINE_ROWS, ...GATEWAY_ROWS].map(
  ([number, code, http, remembered, title]) => ({
    number,
    code,
    http,
    retryable: http === 503,
    remembered: remembered === 'kept',
    title,
  }),
)

/** Numbers by name, for code that decides: `STATUS.insufficient_funds`. */
export const STATUS: Readonly<Record<StatusCode, number>> = Object.fromEntries(
  STATUSES.map((status) => [status.code, status.number]),
) as Record<StatusCode, number>

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

/** 1 for the numbers of statuses that are remembered: a table for the engine's hot path. */
export const IS_REMEMBERED: Uint8Array = Uint8Array.from(BY_NUMBER, (status) =>
  status?.remembered ? 1 : 0,
)
