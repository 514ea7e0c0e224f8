// The gateway as a server: batches in pieces, keys, states, faults, sockets, drain.

import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { KeysRequired, ListenFailed } from '../gateway/index.ts'
import { DirectPipeline, TEST_CAPACITIES, TEST_START_MS } from './support/direct-pipeline.ts'
import {
  type Answer,
  isProblem,
  RESERVE,
  STILL_OPEN,
  seeded,
  startGatewayServer,
  topUps,
  until,
} from './support/gateway-server.ts'

const HEAD = 'Host: 127.0.0.1\r\nContent-Type: application/json\r\n'

function post(path: string, body: string, headers = HEAD): string {
  return `POST ${path} HTTP/1.1\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

function codes(answer: Answer): string[] {
  return answer.body.results.map((result: { code: string }) => result.code)
}

t.test('a batch reports every result, in order', async (t) => {
  const { post, get, pipeline } = await seeded(t)
  const reserve = { type: 'reserve', ...RESERVE }
  const mixed = await post('/v1/batches', {
    commands: [
      { ...reserve, id: 'r1', amount: 60 },
      { ...reserve, id: 'r2', amount: 60 },
      { type: 'settle', id: 's1', reservation: 'r1', amount: 70 },
      { type: 'settle', id: 's2', reservation: 'r1', amount: 20, final: false },
      { type: 'extend', id: 'e1', reservation: 'r1', amount: 5 },
      { type: 'release', id: 'l1', reservation: 'r1' },
      { type: 'set_credit_limit', id: 'c1', account: 'acme', value: 11 },
      { type: 'freeze_account', id: 'f1', account: 'acme' },
      { type: 'unfreeze_account', id: 'f2', account: 'acme' },
      { type: 'settle_group', id: 'g1', group: 'none' },
      { type: 'release_group', id: 'g2', group: 'none' },
      { ...reserve, id: 'r1', amount: 60 },
    ],
  })
  t.equal(mixed.status, 200)
  t.match(mixed.body.results, [
    { code: 'ok', sequence: 7, moved: 60 },
    { code: 'insufficient_funds', sequence: 8, moved: 0, available: 50 },
    { code: 'exceeds_reservation', remaining: 60 },
    { code: 'ok', moved: 20 },
    { code: 'ok', moved: 5 },
    { code: 'ok', moved: 45 },
    { code: 'ok' },
    { code: 'ok' },
    { code: 'ok' },
    { code: 'group_not_found' },
    { code: 'group_not_found' },
    { code: 'ok', sequence: 7, moved: 60, replayed: true },
  ])
  pipeline.roomBytes = 1_000
  const large = await post('/v1/batches', { commands: topUps(8_192) })
  t.same(new Set(codes(large)), new Set(['ok']), '8,192 go through a ring that has room for eight')
  const sequences = large.body.results.map((result: { sequence: number }) => result.sequence)
  t.same(
    sequences,
    [...sequences].sort((a, b) => a - b),
  )
  t.equal((await get('/v1/accounts/acme')).body.balance, 80 + 8_192)
})

t.test('a chain is all or nothing', async (t) => {
  const { post, get } = await seeded(t)
  const before = (await get('/v1/accounts/acme')).body.balance
  const broken = {
    linked: true,
    commands: [...topUps(2), { ...topUps(1)[0], id: 'x', creditAccount: 'no' }],
  }
  const failed = await post('/v1/batches', broken)
  isProblem(t, failed, 409, 'credit_account_not_found')
  t.equal(failed.body.failedIndex, 2)
  t.same(codes(failed), ['linked_failed', 'linked_failed', 'credit_account_not_found'])
  t.equal((await get('/v1/accounts/acme')).body.balance, before)
  const again = await post('/v1/batches', broken)
  t.equal(again.headers.get('idempotent-replayed'), 'true')
  t.same(
    again.body.results.map((r: { sequence: number }) => r.sequence),
    failed.body.results.map((r: { sequence: number }) => r.sequence),
  )
  const whole = { linked: true, commands: topUps(1_024, 'c') }
  t.same(new Set(codes(await post('/v1/batches', whole))), new Set(['ok']))
  const replay = await post('/v1/batches', whole)
  t.same([replay.status, replay.headers.get('idempotent-replayed')], [200, 'true'])
  t.equal((await get('/v1/accounts/acme')).body.balance, before + 1_024)
  isProblem(
    t,
    await post('/v1/batches', { linked: true, commands: [...topUps(1, 'c'), ...topUps(1, 'n')] }),
    409,
    'chain_mismatch',
  )
})

t.test('where there is no room the answer is busy, and nothing is lost', async (t) => {
  const { post, get, pipeline } = await seeded(t)
  pipeline.isHeld = true
  pipeline.roomBytes = 0
  const sequence = pipeline.engine.sequence
  const refused = await post('/v1/transfers', {
    id: 'b1',
    debitAccount: 'bank',
    creditAccount: 'acme',
    amount: 1,
  })
  isProblem(t, refused, 503, 'busy')
  t.equal(refused.headers.get('retry-after'), '1')
  isProblem(t, await post('/v1/batches', { linked: true, commands: topUps(3) }), 503, 'busy')
  pipeline.roomBytes = 200
  const pieces = post('/v1/batches', { commands: topUps(20) })
  await until(() => pipeline.submitted === 8)
  const partly = await Promise.race([pieces, post('/v1/batches', { commands: [] })])
  t.equal(partly.status, 400, 'the batch waits')
  pipeline.stateNow = 'draining'
  pipeline.release()
  const result = await pieces
  t.same(
    codes(result),
    [...Array(2).fill('ok'), ...Array(18).fill('busy')],
    'each says what became of it',
  )
  pipeline.stateNow = 'serving'
  t.equal(pipeline.engine.sequence, sequence + 2)
  t.equal((await get('/v1/accounts/acme')).body.balance, 102)
})

t.test('states, storage and failure', async (t) => {
  const server = await seeded(t)
  const { post, get, pipeline } = server
  const reserve = { id: 'r1', ...RESERVE, amount: 1 }
  await post('/v1/reservations', reserve)
  for (const state of ['replaying', 'draining'] as const) {
    pipeline.stateNow = state
    isProblem(t, await post('/v1/reservations', reserve), 503, state)
    isProblem(t, await get('/v1/accounts/acme'), 503, state)
    const ready = await get('/readyz')
    isProblem(t, ready, 503, state)
    t.match(ready.body, { replayedBytes: 512, replayBytes: 1_024, sequence: 7 })
    t.equal((await get('/livez')).status, 200)
  }
  pipeline.stateNow = 'serving'
  t.equal((await get('/readyz')).status, 200)
  pipeline.isStorageLow = true
  isProblem(t, await post('/v1/reservations', { ...reserve, id: 'r2' }), 503, 'storage_low')
  isProblem(t, await post('/v1/accounts', { id: 'a', ledger: 1 }), 503, 'storage_low')
  const settle = { type: 'settle', id: 's1', reservation: 'r1' }
  const mixed = { commands: [...topUps(1), settle, ...topUps(1)] }
  t.same(codes(await post('/v1/batches', mixed)), ['storage_low', 'ok', 'storage_low'])
  isProblem(t, await post('/v1/batches', { ...mixed, linked: true }), 503, 'storage_low')
  t.same(codes(await post('/v1/batches', { commands: topUps(2) })), ['storage_low', 'storage_low'])
  pipeline.isStorageLow = false
  pipeline.isHeld = true
  const submitted = pipeline.submitted
  const waiting = [
    post('/v1/reservations', { ...reserve, id: 'r3' }),
    post('/v1/batches', { commands: topUps(2) }),
    get('/v1/audit'),
  ]
  await until(() => pipeline.submitted === submitted + 3)
  const atOnce = performance.now()
  pipeline.fail('the journal thread died')
  for (const answer of await Promise.all(waiting)) isProblem(t, answer, 503, 'outcome_unknown')
  t.ok(performance.now() - atOnce < 1_000)
  const after = await post('/v1/reservations', { ...reserve, id: 'r4' })
  isProblem(t, after, 503, 'draining')
  t.match(after.body.detail, /the journal thread died/)
  t.same(server.faults, [])
})

t.test('a fault of the gateway is a 500, and the server goes on', async (t) => {
  const server = await seeded(t)
  const { post, get, pipeline } = server
  const { submit } = pipeline
  pipeline.submit = () => {
    throw new Error('broken')
  }
  isProblem(
    t,
    await post('/v1/reservations', { id: 'r1', ...RESERVE, amount: 1 }),
    500,
    'internal_error',
  )
  pipeline.submit = submit
  const { metadataOf } = pipeline.names
  pipeline.names.metadataOf = () => {
    throw new Error('broken too')
  }
  const answer = await get('/v1/accounts/acme')
  isProblem(t, answer, 500, 'internal_error')
  t.notMatch(answer.text, /broken|\.ts|\.js/, 'no stack leaves the server')
  pipeline.names.metadataOf = metadataOf
  t.equal((await get('/v1/accounts/acme')).status, 200)
  t.equal(server.faults.length, 2)
})

t.test('keys, pages of other sites, and addresses', async (t) => {
  const keys = ['hf_one_0123456789abcdef', 'hf_two_0123456789abcdef']
  const server = await startGatewayServer({ keys })
  t.teardown(() => server.gateway.close())
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
  for (const path of ['/livez', '/readyz', '/version'])
    t.equal((await server.get(path)).status, 200)
  for (const path of ['/v1/audit', '/metrics', '/openapi.json', '/nothing']) {
    const refused = await server.get(path)
    isProblem(t, refused, 401, 'unauthorized')
    t.equal(refused.headers.get('www-authenticate'), 'Bearer')
  }
  for (const wrong of [bearer('hf_one'), bearer(''), { authorization: `Basic ${keys[0]}` }]) {
    isProblem(t, await server.get('/v1/audit', wrong), 401, 'unauthorized')
  }
  for (const key of keys) t.equal((await server.get('/v1/audit', bearer(key))).status, 200)
  await t.rejects(startGatewayServer({ host: '0.0.0.0' }), {
    name: 'KeysRequired',
    message: /HOLDFAST_KEYS/,
  })
  await t.rejects(startGatewayServer({ host: '127.example.com' }), KeysRequired)
  const taken = startGatewayServer({ port: server.gateway.port })
  await t.rejects(taken, ListenFailed)
  await t.rejects(startGatewayServer({ port: server.gateway.port }), {
    message: /--listen HOST:PORT/,
  })

  const open = await seeded(t)
  const body = JSON.stringify({ id: 'r1', ...RESERVE, amount: 1 })
  const page = await open.post('/v1/reservations', body, { origin: 'http://evil.example' })
  isProblem(t, page, 403, 'forbidden')
  const rebound = await open.raw('GET /v1/audit HTTP/1.1\r\nHost: evil.example:7700\r\n\r\n', /\}$/)
  t.match(rebound, /^HTTP\/1\.1 403 [\s\S]*"code":"forbidden"/)
  t.equal((await open.post('/v1/reservations', body, { origin: open.url })).status, 201)
})

t.test('the test clock moves by request, and only where there is one', async (t) => {
  const { post, get } = await seeded(t)
  await post('/v1/reservations', { id: 'r1', ...RESERVE, amount: 60, timeoutMs: 1_000 })
  const early = await post('/v1/test/clock', { advanceMs: 999 })
  t.same(early.body, { code: 'ok', sequence: 8, time: new Date(TEST_START_MS + 999).toISOString() })
  t.equal((await get('/v1/reservations/r1')).body.state, 'held')
  await post('/v1/test/clock', { advanceMs: 1 })
  t.match((await get('/v1/reservations/r1')).body, { state: 'expired', released: 60, remaining: 0 })
  for (const advanceMs of [-1, 1.5, '5', 315_360_000_001]) {
    isProblem(t, await post('/v1/test/clock', { advanceMs }), 400, 'invalid_request')
  }
  const server = await startGatewayServer({ testClock: false })
  t.teardown(() => server.gateway.close())
  const noClock = await server.post('/v1/test/clock', { advanceMs: 1 })
  isProblem(t, noClock, 404, 'not_found')
  t.match(noClock.body.detail, 'start the server with HOLDFAST_TEST_CLOCK=1')
})

t.test('sockets that misbehave harm nobody', async (t) => {
  const server = await seeded(t)
  const { pipeline, raw } = server
  const body = JSON.stringify({ id: 'r1', ...RESERVE, amount: 1 })
  const twice = await raw(post('/v1/reservations', body, `${HEAD}Content-Length: 5\r\n`))
  t.match(twice, /^HTTP\/1\.1 400 [\s\S]*more than one Content-Length/)
  t.equal(twice.match(/HTTP\/1\.1/g)?.length, 1, 'what follows is not taken for a request')
  t.equal(twice.match(/^connection: close/gim)?.length, 1, 'a header is said once')
  t.match(
    await raw(post('/v1/reservations', body, `${HEAD}Transfer-Encoding: chunked\r\n`)),
    /^HTTP\/1\.1 400/,
  )
  t.match(
    await raw(`GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'y'.repeat(1_000_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431/,
  )
  const huge =
    'POST /v1/batches HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n{'
  t.match(await raw(huge), /^HTTP\/1\.1 413 /, 'a huge announcement is refused at once')
  const chunk = `${(1_048_576).toString(16)}\r\n${'x'.repeat(1_048_576)}\r\n`
  const endless = `POST /v1/batches HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(20)}`
  const cut = await raw(endless)
  t.notOk(cut.endsWith(STILL_OPEN), 'a body without end is cut off')
  t.notMatch(cut, /HTTP\/1\.1 2/)
  t.equal(pipeline.engine.sequence, 6, 'nothing of it was decided')

  const getWithBody = 'GET /v1/audit HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\nbody'
  const audit = await raw(getWithBody, /\}$/)
  t.match(audit, /^HTTP\/1\.1 200 [\s\S]*"digest"/, 'the body of a GET is passed over')
  const live = 'GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
  const headThenGet = await raw(live.replace('GET', 'HEAD') + live, /"ok"\}$/)
  t.match(
    headThenGet,
    /^HTTP\/1\.1 405 [^{]*\r\n\r\nHTTP\/1\.1 200 /,
    'no body, and the next reply',
  )

  pipeline.isHeld = true
  const gone = connect(server.gateway.port, '127.0.0.1')
  gone.write(post('/v1/reservations', body))
  await until(() => pipeline.submitted === 7)
  gone.destroy()
  const isSeen = /requests_total\{route="\/v1\/reservations",status="499"\} 1/
  for (let text = ''; !isSeen.test(text); ) text = (await server.get('/metrics')).text
  const held = server.get('/v1/accounts/acme')
  pipeline.release()
  t.equal((await held).status, 200, 'an answer that nobody waits for is dropped')

  const greedy = connect(server.gateway.port, '127.0.0.1')
  const closed = new Promise((resolve) => greedy.on('close', resolve))
  greedy.on('error', () => {})
  greedy.pause()
  const before = process.memoryUsage().rss
  for (let i = 0; i < 20_000; i++)
    greedy.write('GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  await closed
  t.ok(process.memoryUsage().rss - before < 100_000_000, 'who never reads is closed, not buffered')
  const { text } = await server.get('/metrics')
  t.match(text, /holdfast_http_buffered_bytes 0/, 'all memory was given back')
  t.match(text, /holdfast_outcomes_total\{code="ok"\} 7/)
  t.match(text, /holdfast_frames_total \d/)
  t.same(server.faults, [])
})

t.test('a drain answers what is in flight and closes the rest', async (t) => {
  const server = await seeded(t)
  const { pipeline, gateway } = server
  const idle = connect(gateway.port, '127.0.0.1')
  await once(idle, 'connect')
  pipeline.isHeld = true
  const last = server.post('/v1/reservations', { id: 'r1', ...RESERVE, amount: 1 })
  await until(() => pipeline.submitted === 7)
  const drained = gateway.drain()
  await t.rejects(fetch(`${server.url}/livez`), 'no new connection is taken')
  idle.write('GET /v1/audit HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  const [reply] = await once(idle, 'data')
  t.match(String(reply), /^HTTP\/1\.1 503 [\s\S]*"code":"draining"/)
  pipeline.release()
  t.equal((await last).status, 201)
  await Promise.all([drained, idle.destroyed || once(idle, 'close')])
  t.pass('drained')
})

t.test('a drain does not wait for bodies that are still arriving', async (t) => {
  const { gateway, get } = await seeded(t)
  const slow = connect(gateway.port, '127.0.0.1')
  slow.write(`POST /v1/transfers HTTP/1.1\r\n${HEAD}Content-Length: 500\r\n\r\n{"id":`)
  const isSeen = /holdfast_http_buffered_bytes 6\n/
  for (let text = ''; !isSeen.test(text); ) text = (await get('/metrics')).text
  const answer = once(slow, 'data')
  await gateway.drain()
  t.match(String(await answer), /^HTTP\/1\.1 503 [\s\S]*"code":"draining"/)
})

t.test('a brace in a path is a character of an id', async (t) => {
  const { get, post, raw } = await seeded(t)
  t.equal((await post('/v1/accounts', { id: '{id}', ledger: 1 })).status, 201)
  t.equal((await get('/v1/accounts/%7Bid%7D')).body.id, '{id}')
  const plain = await raw('GET /v1/accounts/{id} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', /\}$/)
  t.match(plain, /^HTTP\/1\.1 200 [\s\S]*"id":"\{id\}"/)
})

t.test('an operator sees which table is full', async (t) => {
  const capacities = { ...TEST_CAPACITIES, accountsMax: 2 }
  const server = await startGatewayServer({ capacities }, new DirectPipeline(capacities))
  t.teardown(() => server.gateway.close())
  for (const id of ['a', 'b'])
    t.equal((await server.post('/v1/accounts', { id, ledger: 1 })).status, 201)
  const full = await server.post('/v1/accounts', { id: 'c', ledger: 1 })
  isProblem(t, full, 503, 'accounts_full')
  t.match(full.body.detail, /accountsMax is 2/)
})
