// `Holdfast` over HTTP, for the contract suite alone: every method as a request of its own, so that
// the three ways to an engine can be held to one suite. No batching, no retries.

import {
  type AccountResult,
  type AuditResult,
  type Command,
  type Holdfast,
  HoldfastClosed,
  newId,
  type ReservationResult,
  type SubmitOptions,
  type SubmitResult,
} from '../../client/index.ts'
import type { AnyId, CommandName, StatusCode } from '../../protocol/index.ts'
import { jarsCommand, jarsQuery } from './http-jars.ts'

type Input = Readonly<Record<string, unknown>>
type Body = Record<string, unknown>

interface Reply {
  readonly status: number
  readonly replayed: boolean
  readonly body: Body
}

/** Sends one request. */
type Send = (method: string, target: string, body?: unknown, headers?: object) => Promise<Reply>

/** Where a command is sent: method, and path from its input. */
const ROUTES: Readonly<Record<CommandName, readonly [string, (input: Input) => string, string?]>> =
  {
    open_account: ['POST', () => '/v1/accounts'],
    set_credit_limit: [
      'PUT',
      ({ account }) => `/v1/accounts/${path(account)}/credit-limit`,
      'account',
    ],
    freeze_account: ['PUT', ({ account }) => `/v1/accounts/${path(account)}/frozen`, 'account'],
    unfreeze_account: ['PUT', ({ account }) => `/v1/accounts/${path(account)}/frozen`, 'account'],
    close_account: ['PUT', ({ account }) => `/v1/accounts/${path(account)}/closed`, 'account'],
    transfer: ['POST', () => '/v1/transfers'],
    reserve: ['POST', () => '/v1/reservations'],
    settle: [
      'POST',
      ({ reservation }) => `/v1/reservations/${path(reservation)}/settle`,
      'reservation',
    ],
    release: [
      'POST',
      ({ reservation }) => `/v1/reservations/${path(reservation)}/release`,
      'reservation',
    ],
    extend: [
      'POST',
      ({ reservation }) => `/v1/reservations/${path(reservation)}/extend`,
      'reservation',
    ],
    settle_group: ['POST', ({ group }) => `/v1/groups/${path(group)}/settle`, 'group'],
    release_group: ['POST', ({ group }) => `/v1/groups/${path(group)}/release`, 'group'],
  }

/** What the body of a command has beside its input. */
const VALUES: Readonly<Partial<Record<CommandName, unknown>>> = {
  freeze_account: true,
  unfreeze_account: false,
  close_account: true,
}

function path(id: unknown): string {
  return encodeURIComponent(String(id))
}

/** The server at `url` behind the interface. */
export function httpClient(url: string): Holdfast {
  let isClosed = false
  const send = async (
    method: string,
    target: string,
    body?: unknown,
    headers = {},
  ): Promise<Reply> => {
    if (isClosed) throw new HoldfastClosed(false)
    const response = await fetch(url + target, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? undefined : { body: JSON.stringify(body) }),
    })
    const replayed = response.headers.get('idempotent-replayed') === 'true'
    return { status: response.status, replayed, body: (await response.json()) as Body }
  }
  const command = async (name: CommandName, input: unknown, options?: unknown): Promise<never> => {
    if (typeof input !== 'object' || input === null)
      throw new TypeError('The input must be an object.')
    const fields = { ...input, id: (input as Input).id ?? newId() } as Input & { id: AnyId }
    const [method, target, inPath] = ROUTES[name]
    const body: Body = { ...fields }
    if (inPath !== undefined) delete body[inPath]
    if (Object.hasOwn(VALUES, name)) body.value = VALUES[name]
    if ((options as Input | undefined)?.dryRun === true) body.dryRun = true
    const reply = await send(method, target(fields), body)
    return commandResult(reply, String(fields.id)) as never
  }
  const lookUp = async (target: string): Promise<Body> => {
    const { status, body } = await send('GET', target)
    refuseBad(status, body)
    return body.code === undefined ? { code: 'ok', ...body } : plain(body)
  }
  return {
    openAccount: (input) => command('open_account', input),
    setCreditLimit: (input) => command('set_credit_limit', input),
    freeze: (input) => command('freeze_account', input),
    unfreeze: (input) => command('unfreeze_account', input),
    closeAccount: (input) => command('close_account', input),
    transfer: (input, options) => command('transfer', input, options),
    reserve: (input, options) => command('reserve', input, options),
    settle: (input) => command('settle', input),
    release: (input) => command('release', input),
    extend: (input) => command('extend', input),
    settleGroup: (input) => command('settle_group', input),
    releaseGroup: (input) => command('release_group', input),
    submit: (commands, options) => submit(send, commands, options),
    account: async (id) => (await lookUp(`/v1/accounts/${path(id)}`)) as never as AccountResult,
    reservation: async (id) =>
      (await lookUp(`/v1/reservations/${path(id)}`)) as never as ReservationResult,
    audit: async () => (await lookUp('/v1/audit')) as never as AuditResult,
    command: (_module, name, input, options) => moduleCommand(send, name, input, options?.id),
    query: (_module, name, input) => moduleQuery(send, name, input),
    status: () => ({
      state: isClosed ? 'closed' : 'open',
      since: new Date().toISOString(),
      waitsFor: 'nothing',
      reason: '',
      inFlight: 0,
      waiting: 0,
    }),
    close: async () => {
      isClosed = true
    },
  }
}

async function submit(
  send: Send,
  commands: readonly Command[],
  options: SubmitOptions = {},
): Promise<SubmitResult[]> {
  if (!Array.isArray(commands)) throw new TypeError('commands must be a list.')
  if (commands.length === 0) return []
  const all = commands.map((one) =>
    typeof one === 'object' && one !== null ? { ...one, id: one.id ?? newId() } : one,
  )
  const linked = options.linked === true
  const { status, body } = await send('POST', '/v1/batches', { commands: all, linked })
  const ids = all.map((one) => String(one.id))
  if (body.results === undefined) {
    refuseBad(status, body)
    return ids.map((commandId) => ({
      code: body.code as StatusCode,
      commandId,
      moved: 0,
      replayed: false,
    }))
  }
  return (body.results as SubmitResult[]).map((result, i) => ({
    ...result,
    commandId: ids[i] as string,
    replayed: result.replayed ?? false,
  }))
}

function commandResult({ status, replayed, body }: Reply, commandId: string): Body {
  refuseBad(status, body)
  return { ...plain(body), commandId, replayed }
}

/** A problem without what HTTP adds for people. */
function plain(body: Body): Body {
  const { type: _type, status: _status, detail: _detail, ...rest } = body
  return rest
}

async function moduleCommand(
  send: Send,
  name: string,
  input: object,
  id: AnyId = newId(),
): Promise<never> {
  const { method, target, body, headers } = jarsCommand(name, input, String(id))
  const reply = await send(method, target, body, headers)
  return { ...moduleBody(reply.body), commandId: String(id), replayed: reply.replayed } as never
}

async function moduleQuery(send: Send, name: string, input: object): Promise<never> {
  const { method, target, body } = jarsQuery(name, input)
  return moduleBody((await send(method, target, body)).body) as never
}

/** What a module answered, without what HTTP adds; `detail` is HTTP's but for what is no input. */
function moduleBody(body: Body): Body {
  const { type: _type, status: _status, title: _title, retryable: _retryable, ...rest } = body
  const { detail, dryRun: _dryRun, ...plain } = rest
  return body.code === 'invalid_request' ? { ...plain, detail } : plain
}

/** What a program could not have meant is an error of the same class as elsewhere. */
function refuseBad(status: number, body: Body): void {
  if (body.code !== 'invalid_request' || status !== 400) return
  const detail = String(body.detail)
  const isKind =
    /must be (a whole number\.|a string|true or false|an object|a list|one of)|missing|is not a field|must have an amount/
  throw isKind.test(detail) ? new TypeError(detail) : new RangeError(detail)
}
