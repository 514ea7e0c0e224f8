// HTTP from outside: what each request is answered, and that bad ones change nothing. Runs over
// the stand-in pipeline, with the real engine behind it. Refusals and retries are in
// http-refusals.test.ts, batches, keys, states and sockets in http-server.test.ts.

import t, { type Test } from 'tap'
import Schema from 'typebox/schema'
import { BAD_REQUESTS } from './support/bad-input.ts'
import { TEST_START_MS } from './support/direct-pipeline.ts'
import {
  type Answer,
  type GatewayServer,
  isProblem,
  RESERVE,
  seeded,
  topUps,
} from './support/gateway-server.ts'

t.test('every command that makes something answers with it', async (t) => {
  const server = await seeded(t)
  const { post, get } = server
  const opened = await post('/v1/accounts', {
    id: 'Zoë/1',
    ledger: 1,
    history: true,
    metadata: { b: '2', a: '"', ['__proto__']: 'x' },
  })
  t.equal(opened.status, 201)
  t.equal(opened.headers.get('idempotent-replayed'), null)
  const account = {
    id: 'Zoë/1',
    ledger: 1,
    balance: 0,
    held: 0,
    incoming: 0,
    available: 0,
    creditLimit: 0,
  }
  const flags = { external: false, frozen: false, closed: false, history: true }
  const time = new Date(TEST_START_MS).toISOString()
  const metadata = JSON.parse('{"__proto__":"x","a":"\\"","b":"2"}')
  t.same(opened.body, {
    ...account,
    ...flags,
    metadata,
    code: 'ok',
    sequence: 7,
    time,
    moved: 0,
    accounts: [account],
  })
  const seen = await get(`/v1/accounts/${encodeURIComponent('Zoë/1')}`)
  t.same(seen.body, { ...account, ...flags, metadata, asOf: { sequence: 7, time } })

  const moved = await post('/v1/transfers', {
    id: 't1',
    debitAccount: 'bank',
    creditAccount: 'Zoë/1',
    amount: 7,
  })
  t.equal(moved.status, 201)
  t.equal(moved.body.moved, 7)
  t.match(moved.body, {
    id: 't1',
    debitAccount: 'bank',
    creditAccount: 'Zoë/1',
    amount: 7,
    code: 'ok',
  })
  t.match(moved.body.accounts, [
    { id: 'bank', balance: -107 },
    { id: 'Zoë/1', balance: 7, available: 7 },
  ])

  t.same(server.faults, [])
})

t.test('a reservation answers with what is held, and until when', async (t) => {
  const { post, get, faults } = await seeded(t)
  const time = new Date(TEST_START_MS).toISOString()
  const held = await post('/v1/reservations', {
    id: 'r1',
    ...RESERVE,
    amount: 60,
    timeoutMs: 1_000,
    group: 'g',
  })
  t.equal(held.status, 201)
  const expiresAt = new Date(TEST_START_MS + 1_000).toISOString()
  const reservation = {
    id: 'r1',
    ...RESERVE,
    state: 'held',
    amount: 60,
    settled: 0,
    released: 0,
    remaining: 60,
    expiresAt,
  }
  t.match(held.body, { ...reservation, code: 'ok', sequence: 7, moved: 60 })
  t.match(held.body.accounts, [
    { id: 'acme', held: 60, available: 50 },
    { id: 'bank', incoming: 60 },
  ])
  const look = await get('/v1/reservations/r1')
  t.same(look.body, { ...reservation, asOf: { sequence: 7, time } })
  t.same(faults, [])
})

t.test('every command on what is there answers with what became of it', async (t) => {
  const server = await seeded(t)
  const { post, put, get } = server
  await post('/v1/reservations', { id: 'r1', ...RESERVE, amount: 60, timeoutMs: 1_000, group: 'g' })
  const more = await post('/v1/reservations/r1/extend', { id: 'e1', amount: 5, timeoutMs: 500 })
  t.match(more.body, {
    amount: 65,
    remaining: 65,
    moved: 5,
    expiresAt: new Date(TEST_START_MS + 1_500).toISOString(),
  })
  const part = await post('/v1/reservations/r1/settle', { id: 's1', amount: 20, final: false })
  t.match(part.body, { id: 'r1', state: 'held', settled: 20, remaining: 45, moved: 20, ...RESERVE })
  const back = await post('/v1/reservations/r1/release', { id: 'l1', amount: 5 })
  t.match(back.body, { state: 'held', released: 5, remaining: 40, moved: 5 })
  const nothing = await post('/v1/reservations/r1/settle', { id: 's0', amount: 0, final: false })
  t.match(nothing.body, { state: 'held', remaining: 40, moved: 0, code: 'ok' })
  const group = await post('/v1/groups/g/settle', { id: 'gs' })
  t.match(group.body, { id: 'g', code: 'ok', moved: 40 })
  t.match(group.body.accounts, [{ id: 'acme', balance: 40, held: 0 }, { id: 'bank' }])
  isProblem(t, await post('/v1/groups/g/release', { id: 'gr' }), 404, 'group_not_found')

  t.match((await put('/v1/accounts/acme/credit-limit', { id: 'c1', value: 25 })).body, {
    id: 'acme',
    creditLimit: 25,
    available: 65,
  })
  t.match((await put('/v1/accounts/acme/frozen', { id: 'f1', value: true })).body, { frozen: true })
  isProblem(
    t,
    await post('/v1/reservations', { id: 'r2', ...RESERVE, amount: 1 }),
    409,
    'account_frozen',
  )
  t.match((await put('/v1/accounts/acme/frozen', { id: 'f2', value: false })).body, {
    frozen: false,
  })
  t.match((await put('/v1/accounts/other/closed', { id: 'x1', value: true })).body, {
    id: 'other',
    closed: true,
  })
  const audit = await get('/v1/audit')
  t.match(audit.body, {
    accounts: 4,
    openReservations: 0,
    ledgers: [{ ledger: 1, accounts: 3, turnover: '160', held: 0 }, { ledger: 2 }],
  })
  t.match(audit.body.digest, /^[0-9a-f]{16}$/)
  t.same(server.faults, [])
})

t.test('bad requests are refused with their own sentence and change nothing', async (t) => {
  const server = await seeded(t)
  const before = (await server.get('/v1/audit')).text
  const submitted = server.pipeline.submitted
  for (const bad of BAD_REQUESTS) {
    const { method = 'POST', path = '', body, contentType = 'application/json' } = bad
    const response = await fetch(server.url + path, {
      method,
      ...(method === 'GET' ? {} : { headers: { 'content-type': contentType } }),
      ...(body === undefined || method === 'GET'
        ? {}
        : {
            body:
              typeof body === 'string' || Buffer.isBuffer(body)
                ? (body as string)
                : JSON.stringify(body),
          }),
    })
    const answer = (await response.json()) as { code: string; detail: string }
    t.equal(answer.code, bad.code ?? 'invalid_request', `${bad.name}: code`)
    t.equal(response.status, bad.status ?? 400, `${bad.name}: status`)
    t.match(answer.detail, bad.says, `${bad.name}: detail`)
    t.ok(answer.detail.length < 400, `${bad.name}: a sentence, not an echo`)
  }
  t.equal((await server.put('/v1/transfers', {})).headers.get('allow'), 'POST')
  t.equal(server.pipeline.submitted, submitted, 'nothing was journaled')
  t.equal((await server.get('/v1/audit')).text, before, 'nothing changed')
  const good = await server.post('/v1/reservations', { id: 'good', ...RESERVE, amount: 5 })
  t.equal(good.body.code, 'ok', 'the next good command works')
  t.same(server.faults, [])
})

t.test('a dry run decides and changes nothing', async (t) => {
  const { post, get } = await seeded(t)
  const before = (await get('/v1/audit')).text
  const dry = await post('/v1/reservations', {
    id: 'r1',
    ...RESERVE,
    amount: 60,
    timeoutMs: 5,
    dryRun: true,
  })
  t.equal(dry.status, 200)
  t.match(dry.body, {
    id: 'r1',
    dryRun: true,
    state: 'held',
    amount: 60,
    remaining: 60,
    moved: 60,
    ...RESERVE,
  })
  t.match(dry.body.accounts, [{ id: 'acme', held: 60 }, { id: 'bank' }])
  t.notOk('sequence' in dry.body)
  const refused = await post('/v1/transfers', { id: 't1', ...RESERVE, amount: 600, dryRun: true })
  isProblem(t, refused, 402, 'insufficient_funds')
  t.match(refused.body, { dryRun: true, available: 110 })
  t.equal((await get('/v1/audit')).text, before)
  t.equal(
    (await post('/v1/reservations', { id: 'r1', ...RESERVE, amount: 61 })).status,
    201,
    'the id is free',
  )
})

/** Every reply of a walk over all routes fits the schema that the document gives for it. */
async function walk(
  t: Test,
  server: GatewayServer,
  check: (route: string, answer: Answer) => void,
) {
  const { post, put, get } = server
  const reserve = { ...RESERVE, amount: 10, group: 'g' }
  for (let i = 0; i < 4; i++) await post('/v1/reservations', { id: `r${i}`, ...reserve })
  check(
    'post /v1/accounts',
    await post('/v1/accounts', { id: 'n', ledger: 1, metadata: { a: 'b' } }),
  )
  check('post /v1/transfers', await post('/v1/transfers', { id: 't', ...RESERVE, amount: 1 }))
  for (const dryRun of [true, false, false]) {
    check('post /v1/reservations', await post('/v1/reservations', { id: 'r9', ...reserve, dryRun }))
  }
  check(
    'post /v1/reservations',
    await post('/v1/reservations', { id: 'ra', ...reserve, amount: 999 }),
  )
  check('post /v1/reservations/{id}/settle', await post('/v1/reservations/r0/settle', { id: 's' }))
  check('post /v1/reservations/{id}/settle', await post('/v1/reservations/r0/settle', { id: 's2' }))
  check(
    'post /v1/reservations/{id}/release',
    await post('/v1/reservations/r1/release', { id: 'l' }),
  )
  check(
    'post /v1/reservations/{id}/extend',
    await post('/v1/reservations/r2/extend', { id: 'e', amount: 1 }),
  )
  check('post /v1/groups/{id}/settle', await post('/v1/groups/g/settle', { id: 'gs' }))
  await post('/v1/reservations', { id: 'rb', ...reserve })
  check('post /v1/groups/{id}/release', await post('/v1/groups/g/release', { id: 'gr' }))
  check(
    'put /v1/accounts/{id}/credit-limit',
    await put('/v1/accounts/acme/credit-limit', { id: 'c', value: 9 }),
  )
  check(
    'put /v1/accounts/{id}/frozen',
    await put('/v1/accounts/acme/frozen', { id: 'f', value: true }),
  )
  check(
    'put /v1/accounts/{id}/closed',
    await put('/v1/accounts/n/closed', { id: 'x', value: true }),
  )
  check('post /v1/batches', await post('/v1/batches', { commands: topUps(2) }))
  const broken = [...topUps(1, 'z'), { type: 'settle', id: 'zz', reservation: 'no' }]
  check('post /v1/batches', await post('/v1/batches', { linked: true, commands: broken }))
  check('post /v1/test/clock', await post('/v1/test/clock', { advanceMs: 1 }))
  check('get /v1/stream', await get('/v1/stream'))
  check('get /v1/accounts/{id}', await get('/v1/accounts/acme'))
  check('get /v1/accounts/{id}', await get('/v1/accounts/no'))
  check('get /v1/reservations/{id}', await get('/v1/reservations/r2'))
  const pages = [
    '/v1/audit',
    '/v1/status',
    '/openapi.json',
    '/metrics',
    '/livez',
    '/readyz',
    '/version',
    '/v1/accounts/{id}/reservations',
    '/v1/accounts/{id}/history',
    '/v1/events',
  ]
  for (const path of pages) {
    check(`get ${path}`, await get(path))
  }
  t.same(server.faults, [])
}

t.test('the OpenAPI document says what comes back', async (t) => {
  const server = await seeded(t)
  const document = (await server.get('/openapi.json')).body
  t.equal(document.openapi, '3.1.0')
  const names = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)]
  for (const [, name] of names)
    t.ok(name !== undefined && name in document.components.schemas, name)
  const routes = Object.entries<object>(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  )
  const seen = new Set<string>()
  await walk(t, server, (route, answer) => {
    seen.add(route)
    const [method = '', path = ''] = route.split(' ')
    const { responses } = document.paths[path][method]
    const response =
      responses[answer.status] ?? (answer.status >= 400 ? responses.default : undefined)
    t.ok(response, `${route}: ${answer.status} is in the document`)
    const type = (answer.headers.get('content-type') ?? '').split(';')[0] as string
    const schema = response?.content[type]?.schema
    t.ok(schema, `${route}: ${type} is in the document`)
    if (schema === undefined || type === 'text/plain') return
    const whole =
      '$ref' in schema ? document.components.schemas[schema.$ref.split('/').at(-1)] : schema
    t.ok(Schema.Check(whole, answer.body), `${route}: ${answer.text.slice(0, 200)}`)
  })
  t.same([...seen].sort(), routes.sort(), 'every route was walked')
})
