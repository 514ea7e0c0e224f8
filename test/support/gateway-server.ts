// A gateway on a free port over the stand-in pipeline, and a client that speaks to it: JSON
// requests by fetch, and raw bytes for what no client would send.

import { connect } from 'node:net'
import type { Test } from 'tap'
import { type Gateway, type GatewayOptions, startGateway } from '../../gateway/index.ts'
import { DirectPipeline, TEST_CAPACITIES } from './direct-pipeline.ts'

/** What came back. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The parsed body; an empty object where it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into replies of every shape.
  readonly body: any
}

/** A running gateway. */
export interface GatewayServer {
  readonly gateway: Gateway
  readonly pipeline: DirectPipeline
  readonly url: string
  /** Faults that the gateway logged. */
  readonly faults: unknown[]
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>
  put(path: string, body: unknown): Promise<Answer>
  patch(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>
  /**
   * Sends these bytes on a connection of their own; what came back until it ended or fell still.
   */
  raw(bytes: string | Buffer, waitFor?: RegExp): Promise<string>
}

/** Resolves at the next turn for which `holds` is true. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

/** Resolves when /metrics shows a line that begins so. */
export async function untilMetric(server: GatewayServer, line: string): Promise<void> {
  for (let text = ''; !text.includes(`\n${line}`); ) text = (await server.get('/metrics')).text
}

/** Starts a gateway; the caller closes it. */
export async function startGatewayServer(
  options: Partial<GatewayOptions> = {},
  pipeline = new DirectPipeline(),
): Promise<GatewayServer> {
  const faults: unknown[] = []
  const gateway = await startGateway({
    pipeline,
    host: '127.0.0.1',
    port: 0,
    keys: [],
    testClock: true,
    version: '0.0.0-test',
    capacities: TEST_CAPACITIES,
    log: { warn: (fields) => faults.push(fields), error: (fields) => faults.push(fields) },
    ...options,
  })
  const url = `http://127.0.0.1:${gateway.port}`
  return {
    gateway,
    pipeline,
    url,
    faults,
    get: (path, headers) => send(url + path, { method: 'GET', ...(headers && { headers }) }),
    post: (path, body, headers) => send(url + path, request('POST', body, headers)),
    put: (path, body) => send(url + path, request('PUT', body)),
    patch: (path, body, headers) => send(url + path, request('PATCH', body, headers)),
    raw: (bytes, waitFor) => sendRaw(gateway.port, bytes, waitFor),
  }
}

/** A string or bytes are sent as they are, anything else as JSON. */
function request(method: string, body: unknown, headers?: Record<string, string>): RequestInit {
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body)
  return {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: (isRaw ? body : JSON.stringify(body)) as string,
  }
}

async function send(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: parsed(text) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

/** Ends what `raw` gives back where the server neither answered as expected nor closed. */
export const STILL_OPEN = '(still open)'

function sendRaw(port: number, bytes: string | Buffer, waitFor?: RegExp): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    const finish = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(received)
    }
    const timer = setTimeout(() => {
      received += STILL_OPEN
      finish()
    }, 5_000)
    socket.on('data', (data) => {
      received += data
      if (waitFor?.test(received)) finish()
    })
    socket.on('error', finish)
    socket.on('close', finish)
  })
}

/**
 * A server with a bank, `acme` on 100 with 10 of limit, a closed shop, and an account of ledger 2.
 */
export async function seeded(
  test: Test,
  options: Partial<GatewayOptions> = {},
): Promise<GatewayServer> {
  const server = await startGatewayServer(options)
  test.teardown(() => server.gateway.close())
  const authorization = options.keys === undefined ? '' : `Bearer ${options.keys[0]}`
  const seed = {
    commands: [
      { type: 'open_account', id: 'bank', ledger: 1, external: true },
      { type: 'open_account', id: 'acme', ledger: 1, creditLimit: 10 },
      { type: 'open_account', id: 'shop', ledger: 1 },
      { type: 'close_account', id: 'shut', account: 'shop' },
      { type: 'open_account', id: 'other', ledger: 2 },
      { type: 'transfer', id: 'top-up', debitAccount: 'bank', creditAccount: 'acme', amount: 100 },
    ],
  }
  const reply = await server.post('/v1/batches', seed, { authorization })
  const codes = reply.body.results.map((result: { code: string }) => result.code)
  test.same(codes, Array(6).fill('ok'), 'the seed is in')
  return server
}

/** Checks that `answer` is a whole problem with this status and code. */
export function isProblem(test: Test, answer: Answer, status: number, code: string): void {
  test.equal(answer.status, status, `${code}: status`)
  test.match(answer.headers.get('content-type'), /^application\/problem\+json/)
  const { type, title, detail, retryable } = answer.body
  test.equal(answer.body.code, code)
  test.equal(answer.body.status, status)
  test.equal(type, `/docs/statuses#${code}`)
  test.ok(typeof title === 'string' && typeof detail === 'string' && detail !== '')
  test.equal(retryable, status === 503)
}

/** A debit of `acme`, without id and amount. */
export const RESERVE = { debitAccount: 'acme', creditAccount: 'bank' }

/** `count` commands of a batch, each a transfer of 1 from the bank to `acme`. */
export function topUps(count: number, tag = 't'): object[] {
  const move = { type: 'transfer', debitAccount: 'bank', creditAccount: 'acme', amount: 1 }
  return Array.from({ length: count }, (_, i) => ({ ...move, id: `${tag}${i}` }))
}
