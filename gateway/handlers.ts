// Carries requests out: one function for each thing that a route may do. From the body of a
// request to a record on the line, or to a reply at once.

import {
  allocateWords,
  type Capacities,
  createIdCache,
  encodeCommand,
  encodeQuery,
  encodeTick,
  FLAG,
  fieldsFault,
  KIND,
  RECORD,
  RECORD_BYTES_MAX,
  STATUS,
  statusNumber,
  statusOf,
  TAIL_BYTES_MAX,
  type ViewReader,
} from '../protocol/index.ts'
import type { Actions } from '../surface/index.ts'
import { type Batch, checkBatch, encodeBatch, kindOf, linkChain } from './batch.ts'
import { BatchRun } from './batch-run.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { EventHub } from './event-hub.ts'
import type { Exchange } from './http-response.ts'
import { contentTypeRefusal, parseJsonBody } from './json-body.ts'
import type { Line } from './line.ts'
import { createModuleCarry } from './module-carry.ts'
import { whenMembers } from './outcome-json.ts'
import { jsonReply, problemReply, refusalReply } from './problem.ts'
import { invalid, Refusal } from './refusal.ts'
import { type CommandRequest, commandReply, queryReply } from './replies.ts'
import type {
  BodyRoute,
  CommandBody,
  CommandRoute,
  ListRoute,
  ModuleCallRoute,
  QueryRoute,
  Route,
  ViewRoute,
} from './routes.ts'
import { singleWaiter } from './single.ts'
import { bodyFault } from './validation.ts'
import { createViewCarry, type PagedRoute } from './view-carry.ts'

/** What carrying out needs. */
export interface Workplace {
  readonly line: Line
  readonly budget: ByteBudget
  readonly capacities: Capacities
  readonly actions: Actions
  readonly views: ViewReader | undefined
  readonly events: EventHub
}

/** A route that reaches the engine or a view. */
export type CarriedRoute =
  | CommandRoute
  | QueryRoute
  | BodyRoute
  | ModuleCallRoute
  | ListRoute
  | ViewRoute

/**
 * Carries one request out; replies now or when its outcomes are there. `values`: what the path has where
 * its template has braces.
 */
export type Carry = (exchange: Exchange, route: CarriedRoute, values: readonly string[]) => void

const CARRIED: ReadonlySet<Route['does']> = new Set<Route['does']>([
  'command',
  'query',
  'batch',
  'clock',
  'module',
  'list',
  'reservations',
  'history',
  'events',
])

/** Whether the route is one that reaches the engine or a view. */
export function isCarried(route: Route): route is CarriedRoute {
  return CARRIED.has(route.does)
}

/** Replies with a refusal that the gateway decided. */
export function refuse(exchange: Exchange, { code, detail, allow }: Refusal): void {
  if (code === 'unauthorized') {
    return exchange.reply(refusalReply(code, detail, ['WWW-Authenticate', 'Bearer']))
  }
  exchange.reply(refusalReply(code, detail, allow === undefined ? undefined : ['Allow', allow]))
}

const BUSY = new Refusal('busy', 'There is no room for the command right now: send it again.')

/** The one function that carries requests out on `line`. */
export function createCarry(workplace: Workplace): Carry {
  const { line, actions, views, events } = workplace
  const command = commandCarrier(workplace)
  const query = queryCarrier(line)
  const batch = batchCarrier(workplace)
  const clock = clockCarrier(line)
  const module = createModuleCarry(line, actions)
  const pages = createViewCarry(line, views)
  return (exchange, route, values) => {
    const [id = ''] = values
    const refusal = line.stateRefusal()
    if (refusal !== undefined) return refuse(exchange, refusal)
    if (route.does === 'query') return query(exchange, route, id)
    if (route.does === 'events') return unless(exchange, events.open(exchange))
    if (isPaged(route)) return unless(exchange, pages(exchange, route, values))
    if (route.method === 'GET') {
      return unless(exchange, module(exchange, route as ModuleCallRoute, values, undefined))
    }
    const wrong = contentTypeRefusal(exchange.head.contentType)
    if (wrong !== undefined) return refuse(exchange, wrong)
    exchange.readBody((bytes) => {
      // A module's command may have a body without fields, and so none.
      const isNone = bytes.length === 0 && route.does === 'module'
      const body = isNone ? { value: undefined } : parseJsonBody(bytes)
      if (body instanceof Refusal) return refuse(exchange, body)
      // Reading took time: what was so at the head may not be so any more.
      const late = line.stateRefusal()
      if (late !== undefined) return refuse(exchange, late)
      if (route.does === 'command') command(exchange, route, id, body.value)
      else if (route.does === 'module') {
        unless(exchange, module(exchange, route, values, body.value))
      } else if (route.does === 'batch') batch(exchange, body.value)
      else clock(exchange, body.value)
    })
  }
}

function isPaged(route: CarriedRoute): route is PagedRoute {
  return route.does === 'list' || route.does === 'reservations' || route.does === 'history'
}

/** Refuses, unless there is nothing to refuse. */
function unless(exchange: Exchange, refusal: Refusal | undefined): void {
  if (refusal !== undefined) refuse(exchange, refusal)
}

function commandCarrier({ line, capacities }: Workplace) {
  const ids = createIdCache()
  const scratch = allocateWords(RECORD_BYTES_MAX + TAIL_BYTES_MAX)
  const context = { names: line.pipeline.names, capacities }
  return (exchange: Exchange, route: CommandRoute, id: string, value: unknown): void => {
    const fault = bodyFault(route.body, value)
    if (fault !== undefined) return refuse(exchange, invalid(fault))
    const body = value as CommandBody
    const { kind, fields } = route.command(body, id)
    const wrong = fieldsFault(fields)
    if (wrong !== undefined) return refuse(exchange, invalid(wrong))
    const dryRun = body.dryRun === true
    const refusal = dryRun ? undefined : line.kindRefusal(kind)
    if (refusal !== undefined) {
      line.countRefused(refusal.code)
      return refuse(exchange, refusal)
    }
    const bytes = encodeCommand(scratch, 0, kind, fields, ids)
    if (dryRun) scratch.u8[RECORD.flags] = (scratch.u8[RECORD.flags] as number) | FLAG.dryRun
    const request: CommandRequest = { kind, fields, success: route.success, dryRun }
    const waiter = singleWaiter(exchange, (outcomes, at) =>
      commandReply(outcomes, at, request, context),
    )
    const isQueued = dryRun
      ? line.ask(scratch, bytes, waiter)
      : line.submit(scratch, bytes, 1, waiter)
    if (isQueued) return
    line.countRefused('busy')
    refuse(exchange, BUSY)
  }
}

function queryCarrier(line: Line) {
  const ids = createIdCache()
  const scratch = allocateWords(RECORD.bytes)
  return (exchange: Exchange, { kind }: QueryRoute, id: string): void => {
    const bytes = encodeQuery(scratch, kind, kind === KIND.queryAudit ? undefined : id, ids)
    const waiter = singleWaiter(exchange, (outcomes, at) =>
      queryReply(outcomes, at, kind, id, line.pipeline.names),
    )
    if (!line.ask(scratch, bytes, waiter)) refuse(exchange, BUSY)
  }
}

function clockCarrier(line: Line) {
  const scratch = allocateWords(RECORD_BYTES_MAX)
  return (exchange: Exchange, value: unknown): void => {
    const fault = bodyFault('AdvanceClock', value)
    if (fault !== undefined) return refuse(exchange, invalid(fault))
    const bytes = encodeTick(scratch, (value as { advanceMs: number }).advanceMs)
    const waiter = singleWaiter(exchange, (outcomes, at) => {
      const number = statusNumber(outcomes, at)
      const when = whenMembers(outcomes, at)
      if (number === STATUS.ok) return jsonReply(200, `{"code":"ok",${when}}`)
      return problemReply(statusOf(number), 'The clock was not moved.', `,${when}`)
    })
    if (!line.submit(scratch, bytes, 1, waiter)) refuse(exchange, BUSY)
  }
}

function batchCarrier({ line, budget, actions }: Workplace) {
  const ids = createIdCache()
  return (exchange: Exchange, value: unknown): void => {
    const batch = checkBatch(value, actions)
    if (batch instanceof Refusal) return refuse(exchange, batch)
    const leftOut = refusedMembers(line, batch)
    if (leftOut instanceof Refusal) return refuse(exchange, leftOut)
    const encoded = encodeBatch(batch, ids, (kind) => line.kindRefusal(kind) === undefined)
    const tooLong = batch.linked ? linkChain(encoded) : undefined
    if (tooLong !== undefined) return refuse(exchange, tooLong)
    if (!budget.take(encoded.words.u8.length)) return refuse(exchange, BUSY)
    new BatchRun(exchange, line, budget, encoded, batch.linked, leftOut).start()
  }
}

/**
 * Results of the members that may not come in now, '' for all others; or, where they are linked,
 * the refusal of the whole.
 */
function refusedMembers(line: Line, batch: Batch): string[] | Refusal {
  const results: string[] = []
  for (const member of batch.commands) {
    const refusal = line.kindRefusal(kindOf(member))
    if (refusal !== undefined) {
      if (batch.linked) return refusal
      line.countRefused(refusal.code)
    }
    results.push(refusal === undefined ? '' : `{"code":"${refusal.code}"}`)
  }
  return results
}
