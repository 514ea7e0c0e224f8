// The route table: what there is, what it takes, what it becomes, what it replies. Both the server
// and /openapi.json are made from it. How requests are carried out is in handlers.ts.

import {
  type CommandFields,
  KIND,
  type ModuleList,
  type ModuleRoute,
  type ModuleSurface,
} from '../protocol/index.ts'
import { compileSchema, type SchemaCheck } from '../surface/index.ts'
import type { BodyName, ReplyName } from './schemas.ts'

/** A checked body: the fields of whichever schema the route names. */
export type CommandBody = CommandFields & { readonly dryRun?: boolean }

/** Where WebSockets are taken. */
export const STREAM_PATH = '/v1/stream'

interface RouteBase {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH'
  /** With names in braces where any segment may be. */
  readonly path: string
  readonly summary: string
  /** Schema of a success; undefined for text. */
  readonly reply?: ReplyName
}

/** One command of its own. */
export interface CommandRoute extends RouteBase {
  readonly does: 'command'
  readonly body: BodyName
  readonly success: 200 | 201
  /** What the body and the id in the path ask for. */
  readonly command: (
    body: CommandBody,
    id: string,
  ) => { readonly kind: number; readonly fields: CommandFields }
}

/** One question to the engine. */
export interface QueryRoute extends RouteBase {
  readonly does: 'query'
  readonly kind: number
}

/** Many commands, or the test clock. */
export interface BodyRoute extends RouteBase {
  readonly does: 'batch' | 'clock'
  readonly body: BodyName
}

/** Something that the gateway knows by itself. */
export interface PageRoute extends RouteBase {
  readonly does: 'stream' | 'live' | 'ready' | 'version' | 'status' | 'metrics' | 'openapi'
  /** Answered without a key. */
  readonly isOpen: boolean
}

/** A command or a query of a module. */
export interface ModuleCallRoute extends RouteBase {
  readonly does: 'module'
  readonly surface: ModuleSurface
  readonly call: ModuleRoute
  /** What the path has in braces. */
  readonly names: readonly string[]
  /** Of the body; where there is to be none, of an empty object. */
  readonly check: SchemaCheck
}

/** Something that is read from a view. */
export interface ViewRoute extends RouteBase {
  readonly does: 'reservations' | 'history' | 'events'
}

/** A module's list, which is read from a view. */
export interface ListRoute extends RouteBase {
  readonly does: 'list'
  readonly surface: ModuleSurface
  readonly list: ModuleList
}

/** One line of the table. */
export type Route =
  | CommandRoute
  | QueryRoute
  | BodyRoute
  | PageRoute
  | ModuleCallRoute
  | ViewRoute
  | ListRoute

type Make = CommandRoute['command']

/** The body is the command. */
const whole =
  (kind: number): Make =>
  (body) => ({ kind, fields: body })

const onAccount =
  (kind: number): Make =>
  (body, id) => ({ kind, fields: { id: body.id, account: id } })

const onReservation =
  (kind: number): Make =>
  (body, id) => ({ kind, fields: { ...body, reservation: id } })

const onGroup =
  (kind: number): Make =>
  (body, id) => ({ kind, fields: { id: body.id, group: id } })

const toLimit: Make = (body, id) => ({
  kind: KIND.setCreditLimit,
  fields: { id: body.id, account: id, value: body.value as number },
})

const toFrozen: Make = (body, id) => ({
  kind: (body.value as unknown) === true ? KIND.freezeAccount : KIND.unfreezeAccount,
  fields: { id: body.id, account: id },
})

function command(
  method: 'POST' | 'PUT',
  path: string,
  body: BodyName,
  reply: ReplyName,
  make: Make,
  summary: string,
): CommandRoute {
  const success = CREATED.has(path) ? 201 : 200
  return { does: 'command', method, path, body, reply, success, command: make, summary }
}

const CREATED: ReadonlySet<string> = new Set(['/v1/accounts', '/v1/transfers', '/v1/reservations'])

const A = '/v1/accounts/{id}'
const R = '/v1/reservations/{id}'
const G = '/v1/groups/{id}'

const COMMAND_ROUTES: readonly CommandRoute[] = [
  command(
    'POST',
    '/v1/accounts',
    'OpenAccount',
    'AccountChanged',
    whole(KIND.openAccount),
    'Open an account',
  ),
  command(
    'PUT',
    `${A}/credit-limit`,
    'SetCreditLimit',
    'AccountChanged',
    toLimit,
    'Set the credit limit',
  ),
  command('PUT', `${A}/frozen`, 'SetFrozen', 'AccountChanged', toFrozen, 'Freeze or unfreeze'),
  command(
    'PUT',
    `${A}/closed`,
    'SetClosed',
    'AccountChanged',
    onAccount(KIND.closeAccount),
    'Close an account for good',
  ),
  command(
    'POST',
    '/v1/transfers',
    'Transfer',
    'Transferred',
    whole(KIND.transfer),
    'Move an amount at once',
  ),
  command(
    'POST',
    '/v1/reservations',
    'Reserve',
    'ReservationChanged',
    whole(KIND.reserve),
    'Hold an amount',
  ),
  command(
    'POST',
    `${R}/settle`,
    'Settle',
    'ReservationChanged',
    onReservation(KIND.settle),
    'Post what was used',
  ),
  command(
    'POST',
    `${R}/release`,
    'Release',
    'ReservationChanged',
    onReservation(KIND.release),
    'Give back what was held',
  ),
  command(
    'POST',
    `${R}/extend`,
    'Extend',
    'ReservationChanged',
    onReservation(KIND.extend),
    'Hold more, or longer',
  ),
  command(
    'POST',
    `${G}/settle`,
    'ResolveGroup',
    'GroupResolved',
    onGroup(KIND.settleGroup),
    'Settle every open reservation of a group',
  ),
  command(
    'POST',
    `${G}/release`,
    'ResolveGroup',
    'GroupResolved',
    onGroup(KIND.releaseGroup),
    'Release every open reservation of a group',
  ),
]

const OTHER_ROUTES: readonly Route[] = [
  {
    does: 'batch',
    method: 'POST',
    path: '/v1/batches',
    body: 'Batch',
    reply: 'BatchResults',
    summary: 'Many commands, in order; linked: all or nothing',
  },
  {
    does: 'query',
    method: 'GET',
    path: A,
    kind: KIND.queryAccount,
    reply: 'Account',
    summary: 'An account as it is now',
  },
  {
    does: 'query',
    method: 'GET',
    path: R,
    kind: KIND.queryReservation,
    reply: 'Reservation',
    summary: 'A reservation as it is now',
  },
  {
    does: 'query',
    method: 'GET',
    path: '/v1/audit',
    kind: KIND.queryAudit,
    reply: 'Audit',
    summary: 'The outcome digest and the running sums',
  },
  {
    does: 'reservations',
    method: 'GET',
    path: `${A}/reservations`,
    reply: 'ReservationPage',
    summary: 'Reservations of an account, oldest first, from a view',
  },
  {
    does: 'history',
    method: 'GET',
    path: `${A}/history`,
    reply: 'HistoryPage',
    summary: 'What became of an account that was opened with history, from a view',
  },
  {
    does: 'events',
    method: 'GET',
    path: '/v1/events',
    summary: 'What modules made known, as server-sent events, from a view',
  },
  page('stream', STREAM_PATH, 'A WebSocket: commands in, outcomes out, see docs/stream.md', false),
  page('status', '/v1/status', 'What the server says of itself', false, 'Status'),
  page('openapi', '/openapi.json', 'This document', false),
  page('metrics', '/metrics', 'Figures for Prometheus', false),
  page('live', '/livez', 'Whether the process answers', true, 'Alive'),
  page('ready', '/readyz', 'Whether commands are taken', true, 'Ready'),
  page('version', '/version', 'What runs here', true, 'Version'),
]

function page(
  does: PageRoute['does'],
  path: string,
  summary: string,
  isOpen: boolean,
  reply?: ReplyName,
): PageRoute {
  const route = { does, method: 'GET', path, summary, isOpen } as const
  return reply === undefined ? route : { ...route, reply }
}

/** Where the test clock is moved, where it is one. */
export const CLOCK_PATH = '/v1/test/clock'

const CLOCK_ROUTE: Route = {
  does: 'clock',
  method: 'POST',
  path: CLOCK_PATH,
  body: 'AdvanceClock',
  reply: 'Clock',
  summary: 'Move the test clock',
}

/** The routes that exist: the core's, those of `modules`, and the test clock's where there is one. */
export function routeTable(
  testClock: boolean,
  modules: readonly ModuleSurface[],
): readonly Route[] {
  const routes = [...COMMAND_ROUTES, ...OTHER_ROUTES, ...modules.flatMap(moduleRoutes)]
  return testClock ? [...routes, CLOCK_ROUTE] : routes
}

function moduleRoutes(surface: ModuleSurface): Route[] {
  const calls = surface.routes.map((call): Route => {
    const { method, path, summary } = call
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)
    const check = compileSchema(call.body ?? { type: 'object' })
    return { does: 'module', method, path, summary, surface, call, names, check }
  })
  const lists = surface.lists.map((list): Route => {
    const { path, summary } = list
    return { does: 'list', method: 'GET', path, summary, surface, list }
  })
  return [...calls, ...lists]
}
