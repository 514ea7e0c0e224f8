// Modules over HTTP, as callers see them: routes, codes, idempotency, dry runs, batches, the document.
// Over the stand-in pipeline, with the real engine behind it and the small module of test/support.

import t, { type Test } from 'tap'
import { startGateway } from '../gateway/index.ts'
import type { ModuleSurface } from '../protocol/index.ts'
import { DirectPipeline, TEST_CAPACITIES } from './support/direct-pipeline.ts'
import { type GatewayServer, isProblem, startGatewayServer } from './support/gateway-server.ts'
import { surface } from './support/small-module/routes.ts'
import { rules, THROWS_AT } from './support/small-module/rules.ts'

async function jars(test: Test): Promise<GatewayServer> {
  const pipeline = new DirectPipeline(TEST_CAPACITIES, [rules])
  const server = await startGatewayServer({ modules: [surface] }, pipeline)
  test.teardown(() => server.gateway.close())
  test.equal((await server.post('/v1/jars', { id: 'a/b', size: 50 })).status, 201)
  return server
}

const ADD = '/v1/jars/a%2Fb/kinds/penny/add'

t.test('a success has the fields of the module, and those of every success', async (t) => {
  const server = await jars(t)
  const added = await server.post(ADD, { id: 'x1', count: 20 })
  t.equal(added.status, 201)
  const { sequence, time, ...fields } = added.body
  t.same(fields, { code: 'ok', id: 'a/b', kind: 'penny', coins: 20, room: 30 })
  t.equal(sequence, 3)
  t.match(time, /^2027-01-15T08:00:00\.000Z$/)
  const shown = await server.get('/v1/jars/a%2Fb')
  t.equal(shown.status, 200)
  t.same(shown.body, {
    id: 'a/b',
    coins: 20,
    size: 50,
    label: null,
    code: 'ok',
    asOf: { sequence, time },
  })
  t.same(server.faults, [])
})

t.test('a refusal is a problem with the code and the fields of the module', async (t) => {
  const server = await jars(t)
  const full = await server.post(ADD, { id: 'x1', count: 51 })
  t.equal(full.status, 402)
  t.match(full.headers.get('content-type'), /^application\/problem\+json/)
  t.match(full.body, {
    type: '/systems/jars#jar_full',
    title: 'The jar has no room for so many.',
    status: 402,
    code: 'jar_full',
    retryable: false,
    room: 50,
    sequence: 3,
  })
  const again = await server.post(ADD, { id: 'x1', count: 51 })
  t.equal(again.headers.get('idempotent-replayed'), 'true')
  t.same(again.body, full.body, 'a decline is remembered')
  const busy = await server.post('/v1/jars/a%2Fb/empty', undefined)
  t.equal(busy.status, 429)
  t.equal(busy.headers.get('retry-after'), '1')
  t.match(busy.body, { code: 'jar_busy', retryable: true })
  const unlucky = await server.post(ADD, { id: 'x2', count: THROWS_AT })
  isProblem(t, unlucky, 500, 'module_failed')
  t.equal((await server.get('/v1/jars/a%2Fb')).body.coins, 0, 'all of it was undone')
  isProblem(t, await server.get('/v1/accounts/jars'), 404, 'account_not_found')
  const nothing = await server.get('/v1/jars/none')
  t.equal(nothing.status, 404)
  t.match(nothing.body, { code: 'jar_not_found', asOf: { sequence: 6 } })
})

t.test('what belongs to a module is the module’s alone', async (t) => {
  const server = await jars(t)
  const open = { id: 'jars/mine', ledger: 1 }
  isProblem(t, await server.post('/v1/accounts', open), 409, 'owned_by_module')
  const account = `/v1/accounts/${encodeURIComponent('jars/jar/a/b')}`
  t.equal((await server.get(account)).status, 200, 'it may be looked at')
  const frozen = await server.put(`${account}/frozen`, { id: 'f', value: true })
  isProblem(t, frozen, 409, 'owned_by_module')
})

t.test('the id of what is done is the key', async (t) => {
  const server = await jars(t)
  const first = await server.post(ADD, { id: 'x1', count: 5 })
  const again = await server.post(ADD, { id: 'x1', count: 5 })
  t.equal(again.status, 201)
  t.equal(again.headers.get('idempotent-replayed'), 'true')
  t.same(again.body, first.body)
  for (const [changed, code] of [
    [{ id: 'x1', count: 6 }, 'exists_with_different_count'],
    [{ id: 'x1', count: 5, note: 'n' }, 'exists_with_different_note'],
  ] as const) {
    const other = await server.post(ADD, changed)
    t.equal(other.status, 409)
    t.match(other.body, { code, type: '/docs/statuses#exists_with_different_input' })
    t.match(other.body.title, /^The id was used with another value of `(count|note)`\.$/)
  }
  const kind = await server.post('/v1/jars/a%2Fb/kinds/dime/add', { id: 'x1', count: 5 })
  t.match(kind.body, { code: 'exists_with_different_kind' })
  await server.post('/v1/jars', { id: 'c' })
  const elsewhere = await server.post('/v1/jars/c/kinds/dime/add', { id: 'x1', count: 5 })
  t.equal(elsewhere.status, 201, 'ids are scoped to what they act on')
  const same = await server.post('/v1/jars', { id: 'a/b', size: 50 })
  t.equal(same.headers.get('idempotent-replayed'), 'true')
  t.match((await server.post('/v1/jars', { id: 'a/b' })).body, {
    code: 'exists_with_different_size',
  })
})

t.test('without an id the header is the key, and without that nothing is', async (t) => {
  const server = await jars(t)
  const label = (text: string, key?: string) =>
    server.patch(
      '/v1/jars/a%2Fb',
      { label: text },
      key === undefined ? {} : { 'Idempotency-Key': key },
    )
  const first = await label('one', 'k 1')
  t.equal(first.status, 200)
  const again = await label('one', 'k 1')
  t.equal(again.headers.get('idempotent-replayed'), 'true')
  t.same(again.body, first.body)
  isProblem(t, await label('two', 'k 1'), 422, 'idempotency_key_reused')
  t.equal((await label('two', 'k 2')).headers.get('idempotent-replayed'), null)
  const [one, two] = [await label('three'), await label('three')]
  t.equal(two.headers.get('idempotent-replayed'), null)
  t.equal(two.body.sequence, one.body.sequence + 1)
  isProblem(t, await label('x', 'é'), 400, 'invalid_request')
  isProblem(t, await label('x', 'k'.repeat(257)), 400, 'invalid_request')
  isProblem(t, await label('x', ''), 400, 'invalid_request')
  const emptied = await server.post('/v1/jars/a%2Fb/empty', {}, { 'Idempotency-Key': 'k 1' })
  t.equal(emptied.body.code, 'jar_busy', 'a key is scoped to its command')
})

t.test('a dry run asks, and changes nothing', async (t) => {
  const server = await jars(t)
  const tried = await server.post(ADD, { id: 'x1', count: 20, dryRun: true })
  t.equal(tried.status, 200)
  t.match(tried.body, { code: 'ok', dryRun: true, coins: 20, asOf: { sequence: 2 } })
  const refused = await server.post(ADD, { id: 'x1', count: 51, dryRun: true })
  t.equal(refused.status, 402)
  t.match(refused.body, { code: 'jar_full', dryRun: true, room: 50 })
  t.equal((await server.post(ADD, { id: 'x1', count: 1 })).body.coins, 1)
})

t.test('bad input is refused before anything is journaled', async (t) => {
  const server = await jars(t)
  const { submitted } = server.pipeline
  const cases: readonly (readonly [body: unknown, detail: RegExp])[] = [
    [undefined, /^The body is empty/],
    ['', /^The body is empty/],
    ['{', /^The body is not JSON/],
    ['[]', /JSON object/],
    ['null', /JSON object/],
    [{}, /^id is missing/],
    [{ id: 'x' }, /^count is missing/],
    [{ id: 'x', count: 0 }, /^count must be at least 1/],
    [{ id: 'x', count: -1 }, /^count must be at least 1/],
    ['{"id":"x","count":0.5}', /whole number/],
    ['{"id":"x","count":1e400}', /whole number/],
    ['{"id":"x","count":9007199254740993}', /^count must be at most/],
    [{ id: 'x', count: '5' }, /^count must be a whole number/],
    [{ id: 'x', count: null }, /^count must be a whole number/],
    [{ id: '', count: 5 }, /^id must not be empty/],
    [{ id: 'x'.repeat(129), count: 5 }, /^id must have at most 128/],
    [{ id: 'x', count: 5, cuont: 5 }, /^cuont is not a field/],
    ['{"id":"x","count":5,"__proto__":1}', /^__proto__ is not a field/],
    ['{"id":"x","count":5,"count":5}', /^count is given twice/],
    ['{"id":"x","count":5,"note":"\\ud800"}', /^note has a lone surrogate/],
    ['{"id":"\\udfff","count":5}', /^id has a lone surrogate/],
    [{ id: 'x', count: 5, note: 'n'.repeat(1_024) }, /bytes packed: 1024 at most/],
    [{ id: 'x', count: 5, note: { a: 1 } }, /^note must be a string/],
    ['{"id":"x","count":5,"note":'.concat('['.repeat(50)), /nested deeper/],
    [{ id: 'x', count: 5, dryRun: 'yes' }, /^dryRun must be true or false/],
  ]
  for (const [body, detail] of cases) {
    const answer = await server.post(ADD, body)
    isProblem(t, answer, 400, 'invalid_request')
    t.match(answer.body.detail, detail)
  }
  const bare = await server.post('/v1/jars/a%2Fb/empty', { more: 1 })
  t.match(bare.body, { code: 'invalid_request', detail: 'more is not a field of this request.' })
  const typed = await server.post(ADD, '{}', { 'content-type': 'text/plain' })
  t.match(typed.body, { code: 'invalid_request', detail: /Content-Type/ })
  isProblem(t, await server.post(ADD, 'x'.repeat(4_194_305)), 413, 'payload_too_large')
  t.equal(server.pipeline.submitted, submitted, 'nothing was sent to the journal')
  t.equal((await server.post(ADD, { id: 'x', count: 5 })).status, 201, 'the next good one works')
  t.same(server.faults, [])
})

t.test('paths are walked segment by segment', async (t) => {
  const server = await jars(t)
  for (const path of [
    '/v1/jars/',
    '/v1/jars/a%2Fb/',
    '/v1/jars/a%2Fb/kinds/penny/add/',
    '/v1/jars//kinds/penny/add',
    '/v1/jars/a%2Fb/kinds/penny',
    '/v1/jars/a%2Fb/kinds//add',
    '/v1/nothing/a/b/c/d/e/f',
  ]) {
    isProblem(t, await server.get(path), 404, 'not_found')
  }
  for (const path of [
    '/v1/jars/%ff',
    '/v1/jars/x%',
    `/v1/jars/${'x'.repeat(257)}`,
    '/v1/jars/00000000-0000-0000-0000-000000000000',
  ]) {
    isProblem(t, await server.get(path), 400, 'invalid_request')
  }
  const wrong = await server.put('/v1/jars/a%2Fb', {})
  isProblem(t, wrong, 405, 'method_not_allowed')
  t.equal(wrong.headers.get('allow'), 'GET, PATCH')
  isProblem(t, await server.get('/v1/jars/x?a=%ff'), 400, 'invalid_request')
  isProblem(t, await server.get('/v1/jars/x?a=1&a=2'), 400, 'invalid_request')
  const braces = await server.get('/v1/jars/{id}')
  t.equal(braces.body.code, 'jar_not_found', '{id} is an id like any other')
})

t.test('a batch takes modules’ commands among the core’s', async (t) => {
  const server = await jars(t)
  const add = (id: string, count: number, input = {}) => ({
    type: 'jars.add',
    id,
    input: { jar: 'a/b', kind: 'penny', count, ...input },
  })
  const bank = { type: 'open_account', id: 'bank', ledger: 1, external: true }
  const mixed = await server.post('/v1/batches', { commands: [add('b1', 5), bank, add('b2', 60)] })
  t.equal(mixed.status, 200)
  t.match(mixed.body.results, [
    { code: 'ok', sequence: 3, reply: { coins: 5 } },
    { code: 'ok', sequence: 4 },
    { code: 'jar_full', sequence: 5, reply: { room: 45 } },
  ])
  const again = await server.post('/v1/batches', { commands: [add('b1', 5), add('b2', 61)] })
  t.match(again.body.results, [
    { code: 'ok', replayed: true, sequence: 3 },
    { code: 'exists_with_different_count' },
  ])
  const shop = { ...bank, id: 'shop' }
  const chain = { commands: [shop, add('c1', 1), add('c2', 60)], linked: true }
  const failed = await server.post('/v1/batches', chain)
  t.equal(failed.status, 409)
  t.match(failed.body, {
    code: 'jar_full',
    type: '/systems/jars#jar_full',
    failedIndex: 2,
    results: [{ code: 'linked_failed' }, { code: 'linked_failed' }, { code: 'jar_full' }],
  })
  isProblem(t, await server.get('/v1/accounts/shop'), 404, 'account_not_found')
  t.equal((await server.get('/v1/jars/a%2Fb')).body.coins, 5, 'all or nothing')
  const linked = await server.post('/v1/batches', {
    commands: [shop, add('c3', 1)],
    linked: true,
  })
  t.match(linked.body.results, [{ code: 'ok' }, { code: 'ok', reply: { coins: 6 } }])
  for (const [member, detail] of [
    [{ type: 'jars.add', input: {} }, /^commands\[0\]\.id is missing/],
    [{ type: 'jars.add', id: '', input: {} }, /^commands\[0\]\.id must not be empty/],
    [{ type: 'jars.add', id: 5, input: {} }, /^commands\[0\]\.id must be a string/],
    [{ type: 'jars.add', id: 'x' }, /^commands\[0\]\.input must be an object/],
    [{ ...add('x', 1), more: 1 }, /^commands\[0\]\.more is not a field/],
    [add('x', 0), /^commands\[0\]\.input\.count must be at least 1/],
    [add('x', 1, { more: 1 }), /^commands\[0\]\.input\.more is not a field/],
    [{ type: 'jars.jar', id: 'x', input: { jar: 'a' } }, /^commands\[0\]\.type must be one of/],
    [{ type: 'jugs.add', id: 'x', input: {} }, /^commands\[0\]\.type must be one of/],
  ] as const) {
    const answer = await server.post('/v1/batches', { commands: [member] })
    isProblem(t, answer, 400, 'invalid_request')
    t.match(answer.body.detail, detail)
  }
  t.same(server.faults, [])
})

t.test('the document holds what the module has', async (t) => {
  const server = await jars(t)
  const { paths } = (await server.get('/openapi.json')).body
  const add = paths['/v1/jars/{id}/kinds/{kind}/add'].post
  t.equal(add.operationId, 'postJarsByIdKindsByKindAdd')
  t.match(add.parameters, [
    { name: 'id', in: 'path' },
    { name: 'kind', in: 'path' },
  ])
  t.match(add.requestBody.content['application/json'].schema.properties, { count: { minimum: 1 } })
  t.match(add.responses, { 201: {}, 200: { description: 'A dry run' } })
  t.match(add.responses.default.description, /jar_full 402/)
  t.match(paths['/v1/jars/{id}'].patch.parameters, [{ name: 'id' }, { name: 'Idempotency-Key' }])
  t.match(paths['/v1/jars/{id}'].get.responses[200].content['application/json'].schema, {
    properties: { coins: {}, asOf: {} },
    required: ['id', 'code', 'asOf'],
  })
  t.same(
    paths['/v1/jar-list'].get.parameters.map(({ name }: { name: string }) => name),
    ['jarId', 'size', 'cursor', 'limit', 'minSequence'],
  )
})

t.test('modules that do not go together are refused at the start', async (t) => {
  const start = (modules: readonly ModuleSurface[]) =>
    startGateway({
      pipeline: new DirectPipeline(),
      host: '127.0.0.1',
      port: 0,
      keys: [],
      testClock: false,
      version: '0',
      capacities: TEST_CAPACITIES,
      modules,
      log: { warn() {}, error() {} },
    })
  const [route] = surface.routes
  const taken = { ...surface, routes: [{ ...route, method: 'GET', path: '/v1/accounts/{name}' }] }
  await t.rejects(start([taken as ModuleSurface]), {
    name: 'RouteTaken',
    message: 'routes.js of the module jars: GET /v1/accounts/{name} is there already, in the core',
  })
  await t.rejects(start([surface, surface]), { name: 'TypeError', message: /loaded twice/ })
  await t.rejects(start([{ ...surface, module: 'Jars' }]), { message: /no name of a module/ })
})

/** The small module, where the route that opens a jar has these. */
function opensBy(changes: object): ModuleSurface {
  const routes = surface.routes.map((route) =>
    route.path === '/v1/jars' ? { ...route, ...changes } : route,
  )
  return { ...surface, routes }
}

t.test('what a function of a route may not give is a fault, and nothing is done', async (t) => {
  const wrong: readonly (readonly [said: RegExp, changes: object])[] = [
    [/id of POST \/v1\/jars gives no text/, { id: () => undefined }],
    [/gives no text/, { id: () => null }],
    [/gives no text/, { id: () => 5 }],
    [/gives no text/, { id: () => ({ toString: () => 'x' }) }],
    [/gives no text/, { id: () => ['x'] }],
    [/or an empty one/, { id: () => '' }],
    [/id of .* gives a promise/, { id: async () => 'x' }],
    [/id of .* gives a promise/, { id: () => Promise.reject(new Error('stray')) }],
    [/pick of .* gives no object/, { pick: () => undefined }],
    [/pick of .* gives a promise/, { pick: async () => Promise.reject(new Error('stray')) }],
    [/input of .* gives a promise/, { input: async () => ({}) }],
    [/input of .* gives no object/, { input: () => undefined }],
    [/input of .* gives jarr, which open does not have/, { input: () => ({ jarr: 'x' }) }],
  ]
  for (const [said, changes] of wrong) {
    const pipeline = new DirectPipeline(TEST_CAPACITIES, [rules])
    const server = await startGatewayServer({ modules: [opensBy(changes)] }, pipeline)
    for (const id of ['a', 'b']) {
      isProblem(t, await server.post('/v1/jars', { id }), 500, 'internal_error')
      t.equal((await server.get(`/v1/jars/${id}`)).status, 404, 'nothing was done')
    }
    t.match(server.faults, [{ err: { message: said } }, { err: { message: said } }], String(said))
    server.gateway.close()
  }
})
