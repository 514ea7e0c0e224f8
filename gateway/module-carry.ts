// Carries requests for modules out: from a route of a module's surface to a record on the line. The
// module's functions say what is asked for; what they are given was checked.

import { v4 as uuidV4 } from 'uuid'
import {
  allocateWords,
  asOwnedId,
  ID_BYTES,
  idFromText,
  isWellFormedText,
  type ModuleRequest,
  RECORD_BYTES_MAX,
  TAIL_BYTES_MAX,
} from '../protocol/index.ts'
import {
  type Action,
  type Actions,
  inputFault,
  isObject,
  schemaFault,
  writeAction,
} from '../surface/index.ts'
import type { Exchange } from './http-response.ts'
import type { Line } from './line.ts'
import { type ModuleAsked, moduleReply } from './module-replies.ts'
import { parseQuery } from './query-string.ts'
import { invalid, Refusal } from './refusal.ts'
import type { ModuleCallRoute } from './routes.ts'
import { singleWaiter } from './single.ts'

/** What a request asks for, checked. */
interface Wanted {
  readonly action: Action
  readonly input: Readonly<Record<string, unknown>>
  /** The command's 16 bytes; zeros for a query. */
  readonly id: Uint8Array
  readonly asked: ModuleAsked
}

const NO_ID = new Uint8Array(ID_BYTES)

/**
 * Gives the function that carries one request out: undefined where it is on its way, else why not.
 * `body` is the parsed body; undefined where there is none.
 */
export function createModuleCarry(line: Line, actions: Actions) {
  const scratch = allocateWords(RECORD_BYTES_MAX + TAIL_BYTES_MAX)
  return (
    exchange: Exchange,
    route: ModuleCallRoute,
    values: readonly string[],
    body: unknown,
  ): Refusal | undefined => {
    const wanted = wantedBy(exchange, route, values, body, actions)
    if (wanted instanceof Refusal) return wanted
    const { action, input, id, asked } = wanted
    const bytes = writeAction(scratch, 0, action, id, input)
    const waiter = singleWaiter(exchange, (outcomes, at) => moduleReply(outcomes, at, asked))
    const isQueued =
      id === NO_ID ? line.ask(scratch, bytes, waiter) : line.submit(scratch, bytes, 1, waiter)
    if (isQueued) return undefined
    line.countRefused('busy')
    return new Refusal('busy', 'There is no room for the command right now: send it again.')
  }
}

function wantedBy(
  { head }: Exchange,
  route: ModuleCallRoute,
  values: readonly string[],
  body: unknown,
  actions: Actions,
): Wanted | Refusal {
  const { call, surface, names, check } = route
  const query = parseQuery(head.query)
  if (query instanceof Refusal) return query
  const fields = body === undefined ? {} : body
  const fault = schemaFault(check, fields)
  if (fault !== undefined) {
    const isMissing = body === undefined && call.body !== undefined
    return invalid(isMissing ? 'The body is empty: a JSON object is asked for.' : fault)
  }
  const params = Object.fromEntries(names.map((name, i) => [name, values[i] as string]))
  const request: ModuleRequest = { params, query, body: fields as ModuleRequest['body'] }
  const picked = atOnce(route, 'pick', call.pick(request))
  if (!isObject(picked)) throw new Error(`pick of ${nameOf(route)} gives no object`)
  const action =
    'command' in picked
      ? actions.command(surface.module, picked.command)
      : actions.query(surface.module, picked.query)
  if (action === undefined || ('command' in picked && call.method === 'GET')) {
    throw new Error(`${nameOf(route)} picks what it cannot have`)
  }
  const input = atOnce(route, 'input', call.input(request))
  // The caller's own fields were looked at before: these are the module's.
  if (!isObject(input)) throw new Error(`input of ${nameOf(route)} gives no object`)
  const stray = Object.keys(input).find((name) => !action.check.names.has(name))
  if (stray !== undefined) {
    throw new Error(`input of ${nameOf(route)} gives ${stray}, which ${action.name} does not have`)
  }
  const wrong = inputFault(action, input)
  if (wrong !== undefined) return invalid(wrong)
  if ('query' in picked) return { action, input, id: NO_ID, asked: asQuery(action, call.method) }
  const id = idOf(head.idempotencyKey, route, action, request)
  if (id instanceof Refusal) return id
  const hasKey = call.id === undefined && head.idempotencyKey !== undefined
  const asked = { action, success: call.success, isDryRun: false, hasKey }
  return { action, input, id, asked }
}

/** A route for the log. */
function nameOf({ call }: ModuleCallRoute): string {
  return `${call.method} ${call.path}`
}

/** What a function of a route gave, which is no promise: nobody waits for one, or hears of its rejection. */
function atOnce<T>(route: ModuleCallRoute, name: string, given: T): T {
  if (!(given instanceof Promise)) return given
  given.catch(() => {})
  throw new Error(`${name} of ${nameOf(route)} gives a promise: it answers at once`)
}

/** A query that another method than GET asks is a dry run. */
function asQuery(action: Action, method: string): ModuleAsked {
  return { action, success: 200, isDryRun: method !== 'GET', hasKey: false }
}

const KEY = /^[\x20-\x7e]{1,256}$/

/**
 * The command's id: by what it acts on, by the caller's key, or a fresh one. No core command may have
 * one of the first two.
 */
function idOf(
  key: string | undefined,
  route: ModuleCallRoute,
  action: Action,
  request: ModuleRequest,
): Uint8Array | Refusal {
  const { call, surface } = route
  const { module } = surface
  if (call.id !== undefined) {
    const own: unknown = atOnce(route, 'id', call.id(request))
    // Whatever else it is would be one text for many commands, and all would get the first one's outcome.
    if (typeof own !== 'string' || own === '') {
      throw new Error(`id of ${nameOf(route)} gives no text, or an empty one`)
    }
    const text = `${module}/${own}`
    if (!isWellFormedText(text)) return invalid('id has a lone surrogate, which is no text.')
    return asOwnedId(idFromText(text))
  }
  // Not a UUIDv7: its time would be this machine's, and journal time may be another's.
  if (key === undefined) return uuidV4({}, new Uint8Array(ID_BYTES))
  if (!KEY.test(key)) return invalid('Idempotency-Key must be 1 to 256 printable ASCII characters.')
  return asOwnedId(idFromText(`${module}/${action.name}/key/${key}`))
}
