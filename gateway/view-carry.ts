// Carries out what is read from views: pages of lists, of reservations, of histories. Server-sent events
// are in event-hub.ts.

import Negotiator from 'negotiator'
import {
  allocateWords,
  createIdCache,
  encodeQuery,
  idFromText,
  KIND,
  type PageQuery,
  RECORD,
  STATUS,
  statusNumber,
  statusOf,
  toNfc,
  VIEW_PAGE_DEFAULT,
  VIEW_PAGE_MAX,
  VIEW_WAIT_MS,
  type ViewReader,
  type ViewRefusal,
} from '../protocol/index.ts'
import { CSV_TYPE } from './csv.ts'
import type { Exchange } from './http-response.ts'
import { VIEW_DEADLINE_MS, VIEW_REQUESTS_MAX } from './limits.ts'
import type { Line } from './line.ts'
import { problemReply, type Reply } from './problem.ts'
import { parseQuery, type QueryValues, strangerIn } from './query-string.ts'
import { invalid, Refusal } from './refusal.ts'
import { queryReply } from './replies.ts'
import type { ListRoute, ViewRoute } from './routes.ts'
import { singleWaiter } from './single.ts'
import { changeItem, csvReply, listReply, pageReply, reservationItem } from './view-json.ts'

/** A route that is read as pages. */
export type PagedRoute = ListRoute | (ViewRoute & { readonly does: 'reservations' | 'history' })

/** What a request reads: the promise of its reply. */
type Read = () => Promise<Reply>

/** Gives the function that begins a read; undefined where it was begun, else why not. */
export function createViewCarry(line: Line, views: ViewReader | undefined) {
  let open = 0
  const exists = accountCheck(line)
  const begin = (exchange: Exchange, read: Read): void => {
    open++
    withDeadline(read())
      .finally(() => {
        open--
      })
      .then(
        (reply) => exchange.guard(() => exchange.reply(reply)),
        (error: unknown) => exchange.fail(error),
      )
  }
  return (
    exchange: Exchange,
    route: PagedRoute,
    values: readonly string[],
  ): Refusal | undefined => {
    const query = parseQuery(exchange.head.query)
    if (query instanceof Refusal) return query
    const read = readOf(exchange, route, values[0] ?? '', query, views)
    if (read instanceof Refusal) return read
    if (open >= VIEW_REQUESTS_MAX) {
      return new Refusal('busy', `${VIEW_REQUESTS_MAX} pages are being read: ask again.`)
    }
    if (route.does === 'list') begin(exchange, read)
    else return exists(exchange, values[0] as string, () => begin(exchange, read))
    return undefined
  }
}

/**
 * Asks the engine whether there is such an account before its view is asked: a view knows those alone to
 * which something has happened.
 */
function accountCheck(line: Line) {
  const ids = createIdCache()
  const scratch = allocateWords(RECORD.bytes)
  return (exchange: Exchange, id: string, then: () => void): Refusal | undefined => {
    const bytes = encodeQuery(scratch, KIND.queryAccount, id, ids)
    const missing = singleWaiter(exchange, (outcomes, at) =>
      queryReply(outcomes, at, KIND.queryAccount, id, line.pipeline.names),
    )
    const isQueued = line.ask(scratch, bytes, {
      ...missing,
      onOutcome(outcomes, at, token, length, route) {
        if (statusNumber(outcomes, at) === STATUS.ok) then()
        else missing.onOutcome(outcomes, at, token, length, route)
      },
    })
    return isQueued ? undefined : new Refusal('busy', 'There is no room for the query right now.')
  }
}

function readOf(
  exchange: Exchange,
  route: PagedRoute,
  id: string,
  query: QueryValues,
  views: ViewReader | undefined,
): Read | Refusal {
  const names =
    route.does === 'list' ? filterNames(route) : route.does === 'history' ? [] : ['state']
  const stranger = strangerIn(query, [...names, 'cursor', 'limit', 'minSequence'])
  const page = stranger ?? pageOf(query)
  if (page instanceof Refusal) return page
  const state = query.state === undefined ? undefined : STATES.find((one) => one === query.state)
  if (route.does === 'reservations' && query.state !== undefined && state === undefined) {
    return invalid(`state must be one of ${STATES.join(', ')}.`)
  }
  if (views === undefined) return new Refusal('views_unavailable', UNAVAILABLE)
  if (route.does === 'list') {
    const filters = filtersOf(route, query)
    if (filters instanceof Refusal) return filters
    return () => readList(exchange, route, query, page, filters, views)
  }
  const account = idFromText(id)
  if (route.does === 'history') {
    return async () => {
      const answer = await views.history({ ...page, account })
      return 'refused' in answer ? refusalOf(answer, page) : pageReply(answer, changeItem)
    }
  }
  return async () => {
    const answer = await views.reservations({ ...page, account, state })
    return 'refused' in answer ? refusalOf(answer, page) : pageReply(answer, reservationItem)
  }
}

const STATES = ['held', 'settled', 'released', 'expired'] as const
const UNAVAILABLE = 'There is no view to read from right now; what is asked for by its id goes on.'

/** A list's parameters are called as its columns are. */
function filterNames({ list }: ListRoute): string[] {
  return list.filters.map((field) => list.columns[field] ?? field)
}

/** What the query says of the list's filters, or what is wrong with that. */
function filtersOf({ list }: ListRoute, query: QueryValues): Record<string, string> | Refusal {
  const { values = {}, columns } = list
  const filters: Record<string, string> = {}
  for (const field of list.filters) {
    const name = columns[field] ?? field
    const asked = query[name]
    if (asked === undefined) continue
    // As ids are, which most of these texts are.
    const value = toNfc(asked)
    const known = values[field]
    if (known !== undefined && !known.includes(value)) {
      return invalid(`${name} must be one of ${known.join(', ')}.`)
    }
    filters[field] = value
  }
  return filters
}

async function readList(
  exchange: Exchange,
  { list, surface, path }: ListRoute,
  query: QueryValues,
  page: PageQuery,
  filters: Readonly<Record<string, string>>,
  views: ViewReader,
): Promise<Reply> {
  const { module } = surface
  const answer = await views.list({
    ...page,
    module,
    table: list.table,
    filters,
    where: list.where,
  })
  if ('refused' in answer) return refusalOf(answer, page)
  if (!wantsCsv(exchange.head.accept)) return listReply(answer, list)
  const nextQuery = new URLSearchParams({ ...query, cursor: answer.next ?? '' })
  return csvReply(answer, list, answer.next === null ? undefined : `${path}?${nextQuery}`)
}

/** Whether the client likes CSV better than JSON; who takes neither has JSON. */
function wantsCsv(accept: string): boolean {
  return new Negotiator({ headers: { accept } }).mediaType(TYPES) === CSV_TYPE
}

/** With their parameters, so that a client may ask for those as well. */
const TYPES = ['application/json; charset=utf-8', CSV_TYPE]

/** Which page the query asks for, or what is wrong with it. */
function pageOf({ cursor, limit, minSequence }: QueryValues): PageQuery | Refusal {
  const count = limit === undefined ? VIEW_PAGE_DEFAULT : wholeNumber(limit)
  if (count === undefined || count < 1 || count > VIEW_PAGE_MAX) {
    return invalid(`limit must be a whole number from 1 to ${VIEW_PAGE_MAX}.`)
  }
  const sequence = minSequence === undefined ? 0 : wholeNumber(minSequence)
  if (sequence === undefined) return invalid('minSequence must be a whole number from 0.')
  if (cursor !== undefined && !/^[\w-]{1,512}$/.test(cursor)) return invalid(BAD_CURSOR)
  return { cursor, limit: count, minSequence: sequence }
}

const BAD_CURSOR = 'cursor is not the next of any page of this list.'

/** The number that the text is, or undefined where it is none up to 2^53 - 1. */
export function wholeNumber(text: string): number | undefined {
  if (!/^(0|[1-9]\d{0,15})$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}

/** What is said where a reader has no page. */
export function refusalOf({ refused, sequence }: ViewRefusal, page?: PageQuery): Reply {
  const invalidRequest = statusOf(STATUS.invalid_request)
  switch (refused) {
    case 'cursor':
      return problemReply(invalidRequest, BAD_CURSOR)
    case 'filter':
      return problemReply(invalidRequest, 'The value of a filter is none that its field can have.')
    case 'behind': {
      const detail =
        `The view has come to ${sequence} and not to ${page?.minSequence ?? 0} ` +
        `within ${VIEW_WAIT_MS} ms.`
      return problemReply(statusOf(STATUS.view_behind), detail, `,"viewSequence":${sequence}`)
    }
    default:
      return problemReply(statusOf(STATUS.views_unavailable), UNAVAILABLE)
  }
}

/** A reader that does not answer is as good as none. */
async function withDeadline(read: Promise<Reply>): Promise<Reply> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Reply>((resolve) => {
    timer = setTimeout(
      () => resolve(refusalOf({ refused: 'unavailable', sequence: 0 })),
      VIEW_DEADLINE_MS,
    )
  })
  try {
    return await Promise.race([read, late])
  } finally {
    clearTimeout(timer)
  }
}
