// The shapes of requests and replies, once: compiled to check bodies, and served in /openapi.json.
// What a schema cannot say (bytes of an id, what a UUID is) is checked by `fieldsFault`.

import { type Static, type TProperties, type TSchema, Type } from 'typebox'
import {
  AMOUNT_MAX,
  BATCH_COMMANDS_MAX,
  CLOCK_ADVANCE_MS_MAX,
  type CommandName,
  ID_BYTES_MAX,
  LEDGER_MAX,
  METADATA_BYTES_MAX,
  METADATA_ENTRIES_MAX,
  RESERVATION_STATE_NAMES,
  TIMEOUT_MS_MAX,
  VIEW_PAGE_DEFAULT,
  VIEW_PAGE_MAX,
} from '../protocol/index.ts'

function id(description: string) {
  return Type.String({ minLength: 1, maxLength: ID_BYTES_MAX, description })
}

function amount(minimum: number, description: string) {
  return Type.Integer({ minimum, maximum: AMOUNT_MAX, description })
}

function flag(description: string, byDefault = false) {
  return Type.Optional(Type.Boolean({ default: byDefault, description }))
}

function closed<P extends TProperties>(properties: P, options: Record<string, unknown> = {}) {
  return Type.Object(properties, { additionalProperties: false, ...options })
}

const OWN_ID = id(
  'The idempotency key: the same id with the same content gets the first outcome again.',
)
const METADATA = Type.Optional(
  Type.Object(
    {},
    {
      additionalProperties: Type.String(),
      maxProperties: METADATA_ENTRIES_MAX,
      description: `Strings by name; ${METADATA_BYTES_MAX} bytes at most as JSON.`,
    },
  ),
)
const LEDGER = Type.Integer({
  minimum: 1,
  maximum: LEDGER_MAX,
  description: 'The unit of account.',
})
const TIMEOUT = Type.Integer({ minimum: 0, maximum: TIMEOUT_MS_MAX, default: 0 })
const MORE_TIME = Type.Integer({ minimum: 1, maximum: TIMEOUT_MS_MAX })
const DRY_RUN = flag('Decide and report, change nothing, remember nothing.')
const AT_MOST = flag('Take what is available up to the amount.')

const MOVE = {
  id: OWN_ID,
  debitAccount: id('The account that gives.'),
  creditAccount: id('The account that takes.'),
  amount: amount(1, 'In smallest units.'),
}
const OPEN_ACCOUNT = {
  id: OWN_ID,
  ledger: LEDGER,
  creditLimit: Type.Optional(amount(0, 'How far below 0 the account may go.')),
  external: flag('The account has no floor.'),
  history: flag('Views keep its history.'),
  metadata: METADATA,
}
const TRANSFER = { ...MOVE, atMost: AT_MOST }
const RESERVE = {
  ...MOVE,
  timeoutMs: Type.Optional(TIMEOUT),
  group: Type.Optional(id('Reservations of one group are settled or released together.')),
  allowOver: flag('A settle may take more, from what is available.'),
  atMost: AT_MOST,
  metadata: METADATA,
}
const SETTLE = {
  id: OWN_ID,
  amount: Type.Optional(amount(0, 'Absent: all that remains.')),
  final: flag('Give the rest back.', true),
}
const RELEASE = { id: OWN_ID, amount: Type.Optional(amount(1, 'Absent: all that remains.')) }
const EXTEND = {
  id: OWN_ID,
  amount: Type.Optional(amount(1, 'How much more to hold.')),
  timeoutMs: Type.Optional(MORE_TIME),
}
/** What to say where an extend extends nothing. */
const LACKS = { 'x-lacks': 'an amount, a timeoutMs or both' }
const LIMIT = { value: amount(0, 'The new credit limit.') }

/** Bodies of requests, by the name that the OpenAPI document gives them. */
export const BODY_SCHEMAS = {
  OpenAccount: closed(OPEN_ACCOUNT),
  SetCreditLimit: closed({ id: OWN_ID, ...LIMIT }),
  SetFrozen: closed({ id: OWN_ID, value: Type.Boolean({ description: 'true: frozen.' }) }),
  SetClosed: closed({ id: OWN_ID, value: Type.Literal(true) }),
  Transfer: closed({ ...TRANSFER, dryRun: DRY_RUN }),
  Reserve: closed({ ...RESERVE, dryRun: DRY_RUN }),
  Settle: closed(SETTLE),
  Release: closed(RELEASE),
  Extend: closed(EXTEND, { minProperties: 2, ...LACKS }),
  ResolveGroup: closed({ id: OWN_ID }),
  Batch: closed({
    commands: Type.Array(Type.Unknown(), { minItems: 1, maxItems: BATCH_COMMANDS_MAX }),
    linked: flag('All or nothing.'),
  }),
  AdvanceClock: closed({
    advanceMs: Type.Integer({ minimum: 0, maximum: CLOCK_ADVANCE_MS_MAX }),
  }),
} as const

/** Name of a request body's schema. */
export type BodyName = keyof typeof BODY_SCHEMAS

function command<P extends TProperties>(name: CommandName, properties: P, options = {}) {
  return closed({ type: Type.Literal(name), ...properties }, options)
}

const ACCOUNT = { account: id('The account.') }
const RESERVATION = { reservation: id('The reservation.') }
const GROUP = { group: id('The group.') }

/**
 * Members of a batch, by `type`: the fields of the single requests, and what those have in paths.
 */
export const COMMAND_SCHEMAS = {
  open_account: command('open_account', OPEN_ACCOUNT),
  set_credit_limit: command('set_credit_limit', { id: OWN_ID, ...ACCOUNT, ...LIMIT }),
  freeze_account: command('freeze_account', { id: OWN_ID, ...ACCOUNT }),
  unfreeze_account: command('unfreeze_account', { id: OWN_ID, ...ACCOUNT }),
  close_account: command('close_account', { id: OWN_ID, ...ACCOUNT }),
  transfer: command('transfer', TRANSFER),
  reserve: command('reserve', RESERVE),
  settle: command('settle', { ...RESERVATION, ...SETTLE }),
  release: command('release', { ...RESERVATION, ...RELEASE }),
  extend: command('extend', { ...RESERVATION, ...EXTEND }, { minProperties: 4, ...LACKS }),
  settle_group: command('settle_group', { id: OWN_ID, ...GROUP }),
  release_group: command('release_group', { id: OWN_ID, ...GROUP }),
} as const satisfies Record<CommandName, TSchema>

const UNITS = Type.Integer({ minimum: -AMOUNT_MAX, maximum: AMOUNT_MAX })
const SEQUENCE = Type.Integer({ minimum: 0, description: 'Position in the journal.' })
const TIME = Type.String({ format: 'date-time', description: 'Journal time, UTC.' })
const COUNT = Type.Integer({ minimum: 0 })
const DIGEST = Type.String({ pattern: '^[0-9a-f]{16}$' })
const AS_OF = closed({ sequence: SEQUENCE, time: TIME })

const BALANCES = {
  id: Type.String(),
  ledger: LEDGER,
  balance: UNITS,
  held: UNITS,
  incoming: UNITS,
  available: Type.Integer({ description: 'balance - held + creditLimit' }),
  creditLimit: UNITS,
}
const ACCOUNT_FIELDS = {
  ...BALANCES,
  external: Type.Boolean(),
  frozen: Type.Boolean(),
  closed: Type.Boolean(),
  history: Type.Boolean(),
  metadata: METADATA,
}
const RESERVATION_FIELDS = {
  id: Type.String(),
  debitAccount: Type.String(),
  creditAccount: Type.String(),
  state: Type.Enum([...RESERVATION_STATE_NAMES.slice(1)]),
  amount: UNITS,
  settled: UNITS,
  released: UNITS,
  remaining: UNITS,
  expiresAt: Type.Union([TIME, Type.Null()]),
}
const DECIDED = {
  code: Type.Literal('ok'),
  sequence: Type.Optional(SEQUENCE),
  time: Type.Optional(TIME),
  asOf: Type.Optional(AS_OF),
  moved: Type.Integer({ minimum: 0, description: 'What really moved.' }),
  dryRun: Type.Optional(Type.Literal(true)),
  accounts: Type.Optional(
    Type.Array(closed(BALANCES), { description: 'As they are after; absent in a replay.' }),
  ),
}
const NUMBERS = {
  available: Type.Optional(UNITS),
  remaining: Type.Optional(UNITS),
  minimum: Type.Optional(UNITS),
  state: Type.Optional(
    Type.String({ description: 'Of the reservation; a module may say others.' }),
  ),
}
const ANY_CODE = Type.String({ description: 'A status of the core, or a code of a module.' })
const RESULT = closed({
  code: ANY_CODE,
  sequence: Type.Optional(SEQUENCE),
  moved: Type.Optional(Type.Integer({ minimum: 0 })),
  replayed: Type.Optional(Type.Literal(true)),
  ...NUMBERS,
  reply: Type.Optional(Type.Object({}, { description: "A module's own fields." })),
})

/**
 * The reply to an account's, a reservation's or a group's command: what is known of the resource.
 */
function reply(fields: TProperties, always: readonly string[]) {
  const known = Object.entries(fields).map(([name, schema]) => [
    name,
    always.includes(name) ? schema : Type.Optional(schema),
  ])
  return closed({ ...(Object.fromEntries(known) as TProperties), ...DECIDED })
}

/** A page of `item`s, and what it reflects. */
function page(item: TSchema) {
  const next = Type.Union([Type.String(), Type.Null()], { description: 'cursor of the next page' })
  return closed({ items: Type.Array(item), next, asOf: AS_OF })
}

/** What replies to commands and queries of modules have beside the module's own fields. */
export const MODULE_REPLY_FIELDS = {
  command: { code: Type.Literal('ok'), sequence: SEQUENCE, time: TIME },
  query: { code: Type.Literal('ok'), dryRun: Type.Optional(Type.Literal(true)), asOf: AS_OF },
} as const

/** A page of a module's list: columns by name, in order. */
export function listPage(columns: readonly string[]) {
  const value = Type.Union([Type.String(), Type.Integer(), Type.Boolean(), Type.Null()])
  return page(closed(Object.fromEntries(columns.map((name) => [name, value]))))
}

/** Parameters of pages, as they stand in the query of the URL. */
export const PAGE_PARAMETERS = {
  cursor: Type.String({ description: '`next` of the page before.' }),
  limit: Type.Integer({ minimum: 1, maximum: VIEW_PAGE_MAX, default: VIEW_PAGE_DEFAULT }),
  minSequence: Type.Integer({ minimum: 0, description: 'Wait until the view reflects it.' }),
} as const

/** Of the page of an account's reservations. */
export const STATE_PARAMETER = { state: RESERVATION_FIELDS.state } as const

/** Of the stream of events. */
export const EVENTS_PARAMETERS = {
  from: Type.String({ description: 'Begin here: a sequence, or sequence.index.' }),
} as const

/** Bodies of replies, by the name that the OpenAPI document gives them. */
export const REPLY_SCHEMAS = {
  Account: closed({ ...ACCOUNT_FIELDS, asOf: AS_OF }),
  AccountChanged: reply(ACCOUNT_FIELDS, ['id']),
  Transferred: reply(MOVE, Object.keys(MOVE)),
  Reservation: closed({ ...RESERVATION_FIELDS, asOf: AS_OF }),
  ReservationChanged: reply(RESERVATION_FIELDS, ['id']),
  ReservationPage: page(
    closed({
      ...RESERVATION_FIELDS,
      createdAt: TIME,
      endedAt: Type.Union([TIME, Type.Null()]),
    }),
  ),
  HistoryPage: page(
    closed({
      sequence: SEQUENCE,
      time: TIME,
      command: Type.String(),
      balance: UNITS,
      held: UNITS,
      incoming: UNITS,
    }),
  ),
  GroupResolved: reply({ id: Type.String() }, ['id']),
  BatchResults: closed({ results: Type.Array(RESULT) }),
  Audit: closed({
    sequence: SEQUENCE,
    time: TIME,
    digest: DIGEST,
    accounts: Type.Integer({ minimum: 0 }),
    openReservations: Type.Integer({ minimum: 0 }),
    ledgers: Type.Array(
      closed({
        ledger: LEDGER,
        accounts: Type.Integer({ minimum: 0 }),
        turnover: Type.String({ pattern: '^[0-9]+$', description: 'Posted in total.' }),
        held: Type.Integer({ minimum: 0 }),
      }),
    ),
  }),
  Clock: closed({ code: Type.Literal('ok'), sequence: SEQUENCE, time: TIME }),
  Alive: closed({ status: Type.Literal('ok') }),
  Ready: closed({ status: Type.Literal('ready'), sequence: SEQUENCE, time: TIME }),
  Status: closed({
    state: Type.Enum(['serving', 'replaying', 'draining']),
    version: Type.String(),
    uptimeSeconds: COUNT,
    sequence: SEQUENCE,
    time: TIME,
    digest: DIGEST,
    replayedBytes: COUNT,
    replayBytes: COUNT,
    accounts: COUNT,
    openReservations: COUNT,
    remembered: COUNT,
    commands: COUNT,
    commandsInFlight: COUNT,
    memory: closed({ tableBytes: COUNT, ringBytes: COUNT, residentBytes: COUNT }),
    journal: closed({
      sequence: SEQUENCE,
      lagRecords: COUNT,
      frames: COUNT,
      bytes: COUNT,
      syncs: COUNT,
      syncSeconds: Type.Number({ minimum: 0 }),
    }),
    storageLow: Type.Boolean(),
    follower: closed({
      state: Type.Enum(['off', 'loading', 'following', 'snapshotting', 'waiting', 'stopped']),
      sequence: SEQUENCE,
      lagRecords: COUNT,
      snapshotSequence: SEQUENCE,
      snapshotBytes: COUNT,
    }),
    views: closed({
      state: Type.Enum(['off', 'loading', 'building', 'following', 'waiting', 'stopped']),
      sequence: SEQUENCE,
      lagRecords: COUNT,
    }),
  }),
  Version: closed({
    name: Type.Literal('holdfast'),
    version: Type.String(),
    node: Type.String(),
    formatVersion: Type.Integer(),
    rulesVersion: Type.Integer(),
  }),
} as const

/** Name of a reply's schema. */
export type ReplyName = keyof typeof REPLY_SCHEMAS

/** Every refusal: RFC 9457, with the numbers that matter for its code. */
export const PROBLEM_SCHEMA = Type.Object({
  type: Type.String({ description: 'The page of the code.' }),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: ANY_CODE,
  retryable: Type.Boolean({ description: 'The same request may pass later.' }),
  sequence: Type.Optional(SEQUENCE),
  time: Type.Optional(TIME),
  ...NUMBERS,
  dryRun: Type.Optional(Type.Literal(true)),
  asOf: Type.Optional(AS_OF),
  failedIndex: Type.Optional(Type.Integer({ minimum: 0 })),
  results: Type.Optional(Type.Array(RESULT)),
})

/** A checked batch. */
export type BatchBody = Static<typeof BODY_SCHEMAS.Batch>
