// The stream's connections: how they end, what a client that misbehaves is told, and that nobody else
// notices. What is answered on them is in stream.test.ts.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { STREAM_BACKLOG_BYTES } from '../gateway/limits.ts'
import { CLOSE, KIND, MESSAGE, STREAM_MESSAGE_BYTES_MAX } from '../protocol/index.ts'
import { DEFECTS } from './support/bad-messages.ts'
import { type GatewayServer, seeded, until, untilMetric } from './support/gateway-server.ts'
import {
  commandsMessage,
  message,
  namesMessage,
  queriesMessage,
  streamTo,
  TestStream,
  transfers,
} from './support/stream-client.ts'

/** Deadlines of many seconds are waited for. */
t.setTimeout(120_000)

/** Checks that another client is served, and that the server has logged no fault. */
async function goesOn(t: Test, server: GatewayServer, tag: string): Promise<void> {
  const stream = await streamTo(t, server.url)
  const [answer] = await stream.commands(...transfers(1, tag))
  t.equal(answer?.code, 'ok', `${tag}: another client is served`)
  t.same(server.faults, [])
  await stream.close()
}

t.test('a message that is none ends its connection, and no other', async (t) => {
  const server = await seeded(t)
  const { sequence } = server.pipeline.engine
  const neighbour = await streamTo(t, server.url)
  for (const [name, bytes, says] of DEFECTS) {
    const stream = await streamTo(t, server.url)
    stream.send(bytes)
    const { code, reason } = await stream.end()
    t.equal(code, CLOSE.protocolError, name)
    t.match(reason, says, name)
  }
  const text = await streamTo(t, server.url)
  text.socket.send('{"type":"transfer"}')
  t.equal((await text.end()).code, CLOSE.unsupportedData)
  const long = await streamTo(t, server.url)
  long.send(Buffer.alloc(STREAM_MESSAGE_BYTES_MAX + 1))
  t.equal((await long.end()).code, CLOSE.tooBig)
  const longer = await streamTo(t, server.url)
  longer.send(Buffer.alloc(1_048_576))
  t.ok([1006, CLOSE.tooBig].includes((await longer.end()).code), 'cut off before it is read')
  t.equal(server.pipeline.engine.sequence, sequence, 'nothing of it was journaled')
  t.equal((await neighbour.commands(...transfers(1)))[0]?.code, 'ok')
  const { text: metrics } = await server.get('/metrics')
  t.match(metrics, `stream_closed_total{code="1002"} ${DEFECTS.length}`)
  t.same(server.faults, [])
})

t.test(
  'no bytes throw: they are answered, or end their connection with 1002 or 1008',
  async (t) => {
    const server = await seeded(t)
    let stream = await streamTo(t, server.url)
    const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
    const types = fc.constantFrom(MESSAGE.commands, MESSAGE.queries, MESSAGE.names)
    const framed = fc
      .tuple(types, fc.nat(4), random)
      .map(([type, count, body]) => message(type, count, body))
    const valid = fc.constantFrom(
      commandsMessage(transfers(3)),
      commandsMessage([{ type: 'open_account', id: 'Zoë', ledger: 1, metadata: '{"a":"b"}' }]),
      commandsMessage(transfers(3).map((one, i) => ({ ...one, linked: i < 2 }))),
      queriesMessage([{ kind: KIND.queryAccount, id: 'acme' }, { kind: KIND.queryAudit }]),
      namesMessage([0, 1, 2, 3]),
    )
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
    const mutated = fc.tuple(valid, changes).map(([whole, list]) => {
      const copy = Buffer.from(whole)
      for (const [at, value] of list) copy[at % copy.length] = value
      return copy
    })
    const codes = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(fc.oneof(random, framed, mutated), async (bytes) => {
        const from = stream.messages.length
        const sent =
          (bytes[0] ?? 0) === MESSAGE.names ? 1 : bytes.length >= 18 ? (bytes[2] ?? 0) : 0
        const answered = stream.answers.length
        stream.send(bytes)
        while (stream.closed === undefined) {
          const isNames = bytes[0] === MESSAGE.names && stream.messages.length > from
          if (isNames || stream.answers.length >= answered + Math.max(1, sent)) return true
          await stream.next()
        }
        const { code } = stream.closed
        codes.set(code, (codes.get(code) ?? 0) + 1)
        stream = await streamTo(t, server.url)
        return code === CLOSE.protocolError || code === CLOSE.policyViolation
      }),
      { numRuns: 400 * Number(process.env.HOLDFAST_RUNS ?? 1) },
    )
    t.ok((codes.get(CLOSE.protocolError) ?? 0) > 50, 'many of them were none')
    await goesOn(t, server, 'fuzz')
  },
)

t.test('more than the window holds', async (t) => {
  const server = await seeded(t)
  server.pipeline.isHeld = true
  const full = await streamTo(t, server.url)
  for (let i = 0; i < 8; i++) full.send(commandsMessage(transfers(2_048, `w${i}-`)))
  await until(() => server.pipeline.submitted === 6 + 16_384)
  full.send(commandsMessage(transfers(1, 'over')))
  t.match(await full.end(), { code: CLOSE.policyViolation, reason: /window/ })
  server.pipeline.release()
  const heavy = await streamTo(t, server.url)
  server.pipeline.isHeld = true
  const metadata = JSON.stringify({ a: 'x'.repeat(480) })
  const reserves = Array.from({ length: 350 }, (_, i) => ({
    ...({ type: 'reserve', debit: 'acme', credit: 'bank', amount: 1 } as const),
    id: `${'i'.repeat(100)}${i}`,
    metadata,
  }))
  const whole = commandsMessage(reserves)
  t.ok(whole.length > 240_000)
  for (let i = 0; i < 9; i++) heavy.send(whole)
  t.match(await heavy.end(), { code: CLOSE.policyViolation, reason: /window/ }, 'in bytes')
  server.pipeline.release()
  const text = (await server.get('/metrics')).text
  t.match(text, /holdfast_commands_in_flight 0/, 'what nobody waits for is freed when it comes')
  t.match(text, /holdfast_http_buffered_bytes 0/)
  await goesOn(t, server, 'window')
})

t.test('a failure: what is in flight is unknown', async (t) => {
  const server = await seeded(t)
  const stream = await streamTo(t, server.url)
  server.pipeline.isHeld = true
  stream.send(commandsMessage(transfers(3), 7))
  stream.send(queriesMessage([{ kind: KIND.queryAudit }], 10))
  await untilMetric(server, 'holdfast_commands_in_flight 4')
  server.pipeline.fail('the journal thread died')
  t.equal((await stream.end()).code, CLOSE.internalError)
  t.match(stream.answers, [
    { token: 7, code: 'outcome_unknown', sequence: 0, type: 'transfer' },
    { token: 8, code: 'outcome_unknown' },
    { token: 9, code: 'outcome_unknown' },
    { token: 10, code: 'outcome_unknown' },
  ])
  t.same(server.faults, [])
})

t.test('a fault of the gateway ends one connection', async (t) => {
  const server = await seeded(t)
  const stream = await streamTo(t, server.url)
  const { submit } = server.pipeline
  server.pipeline.submit = () => {
    throw new Error('broken')
  }
  stream.send(commandsMessage(transfers(1)))
  const { code, reason } = await stream.end()
  server.pipeline.submit = submit
  t.equal(code, CLOSE.internalError)
  t.notMatch(reason, /broken/, 'no detail leaves the server')
  t.equal(server.faults.splice(0).length, 1)
  await goesOn(t, server, 'fault')
})

t.test('a drain answers what is in flight, refuses the rest, and says 1001', async (t) => {
  const server = await seeded(t)
  const { pipeline, gateway } = server
  const [busy, idle, waiting] = await Promise.all([1, 2, 3].map(() => streamTo(t, server.url)))
  if (busy === undefined || idle === undefined || waiting === undefined) return
  pipeline.isHeld = true
  busy.send(commandsMessage(transfers(2, 'a'), 1))
  await until(() => pipeline.submitted === 8)
  pipeline.roomBytes = 0
  waiting.send(commandsMessage(transfers(2, 'b'), 1))
  await untilMetric(server, 'holdfast_stream_messages_total{direction="in"} 2')
  const drained = gateway.drain()
  t.equal((await idle.end()).code, CLOSE.goingAway)
  t.equal((await waiting.end()).code, CLOSE.goingAway)
  t.match(waiting.answers, [{ code: 'draining' }, { code: 'draining' }])
  busy.send(commandsMessage(transfers(1, 'c'), 3))
  busy.send(queriesMessage([{ kind: KIND.queryAudit }], 4))
  await busy.until(() => busy.answers.length === 1)
  t.match(busy.answers, [{ token: 4, code: 'draining' }])
  pipeline.release()
  t.equal((await busy.end()).code, CLOSE.goingAway)
  t.match(busy.answers.slice(1), [
    { token: 1, code: 'ok' },
    { token: 2, code: 'ok' },
    { token: 3, code: 'draining' },
  ])
  await drained
  t.same(server.faults, [])
})

async function backlogOf(server: GatewayServer): Promise<number> {
  const { text } = await server.get('/metrics')
  return Number(/^holdfast_stream_backlog_bytes (\d+)/m.exec(text)?.[1])
}

/** A client that reads nothing and has sent commands until the server took in no more. */
async function greedyClient(t: Test, server: GatewayServer): Promise<TestStream> {
  const greedy = await streamTo(t, server.url)
  greedy.socket.pause()
  for (let i = 0; (await backlogOf(server)) <= STREAM_BACKLOG_BYTES; i++) {
    const { submitted } = server.pipeline
    greedy.send(commandsMessage(transfers(2_000, `g${i % 8}-`)))
    await until(() => server.pipeline.submitted > submitted)
  }
  return greedy
}

/** What the gateway holds for streams: what they have not taken, and what waits for that. */
const HELD_BYTES = /^holdfast_(?:stream_backlog|stream_waiting|http_buffered)_bytes (\d+)/gm

t.test('a client that never reads is closed, and costs little until then', async (t) => {
  const server = await seeded(t)
  const greedy = await greedyClient(t, server)
  const since = performance.now()
  const { submitted } = server.pipeline
  for (let i = 0; i < 7; i++) greedy.send(commandsMessage(transfers(2_000, `h${i}-`)))
  for (let i = 0; i < 60; i++) greedy.send(namesMessage([0, 1, 2, 3]))
  await untilMetric(server, 'holdfast_stream_waiting_bytes 1')
  t.equal(server.pipeline.submitted, submitted, 'nothing more of it is taken in')
  const neighbour = await streamTo(t, server.url)
  let heldBytes = 0
  for (;;) {
    const { text } = await server.get('/metrics')
    if (/closed_total\{code="1008"\} 1/.test(text)) break
    const held = [...text.matchAll(HELD_BYTES)].reduce((sum, [, bytes]) => sum + Number(bytes), 0)
    heldBytes = Math.max(heldBytes, held)
    const [answer] = await neighbour.commands(...transfers(1, `n${neighbour.answers.length}`))
    if (answer?.code !== 'ok') t.fail('others are served meanwhile')
  }
  const tookMs = performance.now() - since
  t.ok(tookMs > 8_000 && tookMs < 25_000, `it had its time: ${tookMs} ms`)
  t.ok(heldBytes > STREAM_BACKLOG_BYTES, `${heldBytes} bytes were held for it`)
  t.ok(heldBytes < 8 * 1_048_576, `${heldBytes} bytes were held for it`)
  const { text } = await server.get('/metrics')
  t.match(text, /holdfast_stream_backlog_bytes 0/)
  t.match(text, /holdfast_http_buffered_bytes 0/)
  greedy.socket.terminate()
  await goesOn(t, server, 'reader')
})

t.test('a client that reads again gets all of it', async (t) => {
  const server = await seeded(t)
  const greedy = await greedyClient(t, server)
  const { submitted } = server.pipeline
  greedy.send(commandsMessage(transfers(2_000, 'last'), 1_000_000))
  greedy.send(namesMessage([1]))
  await untilMetric(server, 'holdfast_stream_waiting_bytes 1')
  greedy.socket.resume()
  await greedy.until(() => greedy.answers.length === submitted - 6 + 2_000)
  await greedy.until(() => greedy.names.length === 1)
  t.match(greedy.answers.at(-1), { token: 1_001_999, code: 'ok' })
  t.match((await server.get('/metrics')).text, /holdfast_stream_backlog_bytes 0/)

  const again = await greedyClient(t, server)
  for (let i = 0; i < 65; i++) again.send(namesMessage([1]))
  await untilMetric(server, 'holdfast_stream_closed_total{code="1008"} 1')
  again.socket.resume()
  t.match(await again.end(), { code: CLOSE.policyViolation, reason: /names/ })
  await goesOn(t, server, 'again')
})

/** A connection that has become a WebSocket and sends bytes by hand. */
async function rawStream(t: Test, server: GatewayServer): Promise<Socket> {
  const socket = connect(server.gateway.port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  socket.write(
    'GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
  await once(socket, 'data')
  return socket
}

t.test('half messages and idle connections disturb nobody', async (t) => {
  const server = await seeded(t)
  const worker = await streamTo(t, server.url)
  const sockets = await Promise.all(Array.from({ length: 1_000 }, () => rawStream(t, server)))
  await untilMetric(server, 'holdfast_stream_connections 1001')
  // A frame's head that announces 200,000 bytes, and ten of them.
  const half = Buffer.alloc(24)
  half.set([0x82, 0xff, 0, 0, 0, 0, 0, 3, 0x0d, 0x40])
  const before = process.memoryUsage().rss
  for (const socket of sockets.slice(0, 500)) socket.write(half)
  for (let i = 0; i < 20; i++) {
    const answers = await worker.commands(...transfers(1_000, `i${i}-`))
    t.ok(answers.every(({ code }) => code === 'ok'))
  }
  t.ok(process.memoryUsage().rss - before < 150_000_000, 'memory is touched as it is filled')
  for (const socket of sockets) socket.destroy()
  await untilMetric(server, 'holdfast_stream_connections 1')
  const left = /holdfast_http_connections (\d+)/.exec((await server.get('/metrics')).text)?.[1]
  t.ok(Number(left) < 20, `${left} connections are left`)
  await goesOn(t, server, 'idle')
})

t.test('frames that RFC 6455 forbids', async (t) => {
  const server = await seeded(t)
  const bad: readonly (readonly [string, number[]])[] = [
    ['without a mask', [0x82, 0x01, 0x00]],
    ['a reserved bit', [0xc2, 0x80, 0, 0, 0, 0]],
    ['a reserved opcode', [0x83, 0x80, 0, 0, 0, 0]],
    ['a long ping', [0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0]],
    ['a continuation of nothing', [0x80, 0x80, 0, 0, 0, 0]],
    ['a negative length', [0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ]
  for (const [name, bytes] of bad) {
    const socket = await rawStream(t, server)
    socket.write(Buffer.concat([Buffer.from(bytes), Buffer.alloc(16)]))
    socket.resume()
    await once(socket, 'close')
    t.pass(`${name}: closed`)
  }
  const flood = await rawStream(t, server)
  const pings = Buffer.concat(Array(50_000).fill(Buffer.from([0x89, 0x80, 0, 0, 0, 0])))
  flood.resume()
  flood.write(pings)
  await goesOn(t, server, 'pings')
})

t.test('who may connect', async (t) => {
  const keys = ['hf_one_0123456789abcdef']
  const closed = await seeded(t, { keys })
  const refused = async (url: string, headers: Record<string, string>, path?: string) => {
    const stream = new TestStream(url, headers, path)
    const status = new Promise((resolve) => {
      stream.socket.on('unexpected-response', (_request, response) => resolve(response.statusCode))
      stream.socket.on('open', () => resolve('open'))
    })
    const result = await status
    stream.socket.terminate()
    return result
  }
  const bearer = { authorization: `Bearer ${keys[0]}` }
  t.equal(await refused(closed.url, {}), 401)
  t.equal(await refused(closed.url, { authorization: 'Bearer hf_no' }), 401)
  t.equal(await refused(closed.url, bearer), 'open')
  t.equal(await refused(closed.url, { ...bearer, origin: 'http://evil.example' }), 403)
  t.equal(await refused(closed.url, { ...bearer, origin: closed.url }), 'open')
  t.equal(await refused(closed.url, bearer, '/v1/streams'), 404)
  const open = await seeded(t)
  t.equal(await refused(open.url, { host: 'evil.example:7700' }), 403)
  t.equal(await refused(open.url, { origin: 'null' }), 403)
  for (const state of ['replaying', 'draining'] as const) {
    open.pipeline.stateNow = state
    t.equal(await refused(open.url, {}), 503)
  }
  open.pipeline.stateNow = 'serving'
  const plain = await open.get('/v1/stream')
  t.same([plain.status, plain.body.code], [426, 'invalid_request'])
  t.equal(plain.headers.get('upgrade'), 'websocket')
  t.equal((await open.post('/v1/stream', {})).status, 405)
  t.same([...closed.faults, ...open.faults], [])
})
