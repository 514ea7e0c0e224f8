// A hundred calls at once on money for twenty, against a real server: over HTTP, each on a connection of
// its own, and over the stream, each on one of its own too. Every end is sent twice, at once.

import { join } from 'node:path'
import t from 'tap'
import { connect, type Holdfast } from '../client/index.ts'
import { runCommand, SMALL, startServed, temporaryDirectory } from './support/command-line.ts'

const STARTS = 100
const PAID_FOR = 20
const ROUNDS = 5

/** Micro-units for a minute, which is what each call holds and takes. */
const COST = 60_000

t.setTimeout(120_000)

/** What a reply says of interest here. */
interface Said {
  readonly status: number
  readonly code: string
  readonly balance?: number
  readonly reserved?: number
  readonly activeCalls?: number
  readonly cost?: number
}

/** How the same calls are made over HTTP and over the stream. Times at which all are sent at once. */
interface Way {
  readonly name: string
  start(callId: string, customerId: string): Promise<Said>
  end(callId: string, n: number): Promise<Said>
  close(): Promise<void>
}

const SECONDS = 60
const startOf = (callId: string, customerId: string) => ({
  ...{ callId, customerId, destination: '+4930123456', mode: 'max', maxSeconds: SECONDS },
})

function overHttp(url: string): Way {
  const ask = async (path: string, body: object): Promise<Said> => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url + path, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    const said = (await response.json()) as { type?: string }
    const code = response.ok ? 'ok' : String(said.type).replace(/^.*#/, '')
    return { ...said, status: response.status, code }
  }
  return {
    name: 'HTTP',
    start: (callId, customerId) => ask('/v1/calls', startOf(callId, customerId)),
    end: (callId) => ask(`/v1/calls/${callId}/end`, { durationSeconds: SECONDS }),
    close: async () => {},
  }
}

async function overTheStream(url: string): Promise<Way> {
  const all = await Promise.all(Array.from({ length: STARTS }, () => connect(url)))
  let next = 0
  const ask = async (name: string, input: object, n = next++): Promise<Said> => {
    const client = all[n % STARTS] as Holdfast
    return { status: 0, ...(await client.command<Said>('calls', name, input)) } as Said
  }
  return {
    name: 'the stream',
    start: (callId, customerId) => ask('start', startOf(callId, customerId)),
    end: (callId, n) => ask('end', { callId, durationSeconds: SECONDS }, n),
    close: async () => {
      await Promise.all(all.map((client) => client.close()))
    },
  }
}

t.test('a hundred at once on money for twenty, every time', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  const server = await startServed(dataDir, SMALL)
  t.teardown(() => server.stop('SIGKILL'))
  const hf = await connect(server.url)
  const ask = async (name: string, input: object) => {
    const { code } = await hf.command('calls', name, input)
    if (code !== 'ok') throw new Error(`${name} was answered ${code}`)
  }
  const rates = { ratePerMinute: COST, initialIncrement: SECONDS, increment: SECONDS }
  await ask('put_tariff', { tariffId: 'germany', prefix: '49', ...rates })
  for (const way of [overHttp(server.url), await overTheStream(server.url)]) {
    for (let round = 0; round < ROUNDS; round++) {
      const customerId = `${way.name.replace(' ', '-')}-${round}`
      await ask('add_customer', { customerId, currency: 'EUR' })
      await ask('top_up', { customerId, amount: PAID_FOR * COST + COST - 1 })
      const of = async () => (await fetch(`${server.url}/v1/customers/${customerId}`)).json()
      const ids = Array.from({ length: STARTS }, (_, n) => `${customerId}-${n}`)
      const said = await Promise.all(ids.map((callId) => way.start(callId, customerId)))
      const admitted = ids.filter((_, n) => said[n]?.code === 'ok')
      const refused = said.filter(({ code }) => code === 'insufficient_funds')
      t.same([admitted.length, refused.length], [PAID_FOR, STARTS - PAID_FOR], customerId)
      if (way.name === 'HTTP') {
        t.same(
          refused.filter(({ status }) => status !== 402),
          [],
          'each is 402',
        )
      }
      t.match(await of(), { activeCalls: PAID_FOR, reserved: PAID_FOR * COST })
      const twice = [...admitted, ...admitted]
      const ended = await Promise.all(twice.map((callId, n) => way.end(callId, n)))
      t.same(
        ended.filter(({ code, cost }) => code !== 'ok' || cost !== COST),
        [],
        'both ends of each are answered, with the same cost',
      )
      t.match(await of(), { activeCalls: 0, reserved: 0, balance: COST - 1 }, 'charged once')
    }
    await way.close()
  }
  const revenue = await hf.account('calls/revenue/EUR')
  t.match(revenue, { code: 'ok', balance: 2 * ROUNDS * PAID_FOR * COST })
  await hf.close()
  t.equal((await server.stop('SIGTERM')).exitCode, 0)
  t.equal((await runCommand(['verify', '--data-dir', dataDir])).exitCode, 0)
})
