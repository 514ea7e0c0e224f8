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
} from '../protocol/index.ts'
import { type Batch, checkBatch, encodeBatch, kindOf, linkChain } from './batch.ts'
import { BatchRun } from './batch-run.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { Exchange } from './http-response.ts'
import { contentTypeRefusal, parseJsonBody } from './json-body.ts'
import type { Line } from './line.ts'
import { whenMembers } from './outcome-json.ts'
import { jsonReply, problemReply, refusalReply } from './problem.ts'
import { invalid, Refusal } from './refusal.ts'
import { type CommandRequest, commandReply, queryReply } from './replies.ts'
import type { BodyRoute, CommandBody, CommandRoute, QueryRoute, Route } from './routes.ts'
import { singleWaiter } from './single.ts'
import { bodyFault } from './validation.ts'

/** What carrying out needs. */
export interface Workplace {
  readonly line: Line
  readonly budget: ByteBudget
  readonly capacities: Capacities
}

/** A route that reaches the engine. */
export type LineRoute = CommandRoute | QueryRoute | BodyRoute

/** Carries one request out; replies now or when its outcomes are there. */
export type Carry = (exchange: Exchange, route: LineRoute, id: string) => void

/** Whether the route is one that reaches the engine. */
export function isLineRoute(route: Route): route is LineRoute {
  return (
    route.does === 'command' ||
    route.does === 'query' ||
    route.does === 'batch' ||
    route.does === 'clock'
  )
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
  const { line } = workplace
  const command = commandCarrier(workplace)
  const query = queryCarrier(line)
  const batch = batchCarrier(workplace)
  const clock = clockCarrier(line)
  return (exchange, route, id) => {
    const refusal = line.stateRefusal()
    if (refusal !== undefined) return refuse(exchange, refusal)
    if (route.does === 'query') return query(exchange, route, id)
    const wrong = contentTypeRefusal(exchange.head.contentType)
    if (wrong !== undefined) return refuse(exchange, wrong)
    exchange.readBody((bytes) => {
      const body = parseJsonBody(bytes)
      if (body instanceof Refusal) return refuse(exchange, body)
      // Reading took time: what was so at the head may not be so any more.
      const late = line.stateRefusal()
      if (late !== undefined) return refuse(exchange, late)
      if (route.does === 'command') command(exchange, route, id, body.value)
      else if (route.does === 'batch') batch(exchange, body.value)
      else clock(exchange, body.value)
    })
  }
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

function batchCarrier({ line, budget }: Workplace) {
  const ids = createIdCache()
  return (exchange: Exchange, value: unknown): void => {
    const batch = checkBatch(value)
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
