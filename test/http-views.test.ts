// What is read from views over HTTP: pages of lists as JSON and CSV, reservations, histories, and events
// as they happen. The views are in memory; the gateway and its sockets are real.

import t, { type Test } from 'tap'
import { idFromText } from '../protocol/index.ts'
import { DirectPipeline, TEST_CAPACITIES, TEST_START_MS } from './support/direct-pipeline.ts'
import { EventListener } from './support/event-listener.ts'
import {
  type Answer,
  type GatewayServer,
  isProblem,
  startGatewayServer,
  untilMetric,
} from './support/gateway-server.ts'
import { MemoryViews } from './support/memory-views.ts'
import { surface } from './support/small-module/routes.ts'
import { rules } from './support/small-module/rules.ts'

/** Clients that do not read are cut after ten seconds, and that is waited for. */
t.setTimeout(90_000)

const TIME = '2027-01-15T08:00:00.000Z'
const AS_OF = { sequence: 10, time: TIME }
const ROW = { id: 'a', coins: 5, size: 50, label: 'kept', openedAt: TEST_START_MS }

async function viewed(test: Test): Promise<{ server: GatewayServer; views: MemoryViews }> {
  const views = new MemoryViews()
  const pipeline = new DirectPipeline(TEST_CAPACITIES, [rules])
  const server = await startGatewayServer({ modules: [surface], views }, pipeline)
  test.teardown(() => server.gateway.close())
  await server.post('/v1/accounts', { id: 'acme', ledger: 1, history: true })
  return { server, views }
}

t.test('a list comes in pages that say what they reflect', async (t) => {
  const { server, views } = await viewed(t)
  views.rows = [ROW, { ...ROW, id: 'b', label: null }, { ...ROW, id: 'c' }]
  const shown = { jarId: 'a', coins: 5, size: 50, label: 'kept', openedAt: TIME }
  const first = await server.get('/v1/jar-list?limit=2&minSequence=7&jarId=e%CC%81&size=50')
  t.equal(first.status, 200)
  t.same(first.body, {
    items: [shown, { ...shown, jarId: 'b', label: null }],
    next: 'Mg',
    asOf: AS_OF,
  })
  t.same(views.asked.at(-1), {
    cursor: undefined,
    limit: 2,
    minSequence: 7,
    module: 'jars',
    table: 'jars',
    filters: { id: '\u00e9', size: '50' },
    where: { field: 'label', values: ['kept'] },
  })
  const second = await server.get('/v1/jar-list?limit=2&cursor=Mg')
  t.same(second.body, { items: [{ ...shown, jarId: 'c' }], next: null, asOf: AS_OF })
  await server.get('/v1/jar-list')
  t.match(views.asked.at(-1), { limit: 50, minSequence: 0 })
  const odd = await server.get('/v1/jar-list?size=51')
  isProblem(t, odd, 400, 'invalid_request')
  t.equal(odd.body.detail, 'size must be one of 50, 100.')
})

t.test('as CSV a list can be opened by a spreadsheet, and does nothing there', async (t) => {
  const { server, views } = await viewed(t)
  const csv = async (accept: string, query = ''): Promise<Answer> =>
    server.get(`/v1/jar-list${query}`, { accept })
  const labels = [
    '=1+1',
    '+1-2',
    '-2+3',
    '@x',
    '\tx',
    '\rx',
    '+49301234',
    'a,b',
    'a"b',
    'a\r\nb',
    ' x',
    "'=1",
    '＝1',
  ]
  views.rows = labels.map((label, i) => ({ ...ROW, coins: -i, label }))
  const { headers, text } = await csv('text/csv')
  t.match(headers.get('content-type'), /^text\/csv; charset=utf-8/)
  t.equal(headers.get('holdfast-sequence'), '10')
  t.equal(headers.get('link'), null)
  const cells = [
    "'=1+1",
    "'+1-2",
    "'-2+3",
    "'@x",
    "'\tx",
    '"\'\rx"',
    '+49301234',
    '"a,b"',
    '"a""b"',
    '"a\r\nb"',
    '" x"',
    "''=1",
    "'＝1",
  ]
  const lines = cells.map((label, i) => `a,${i === 0 ? 0 : -i},50,${label},${TIME}\r\n`)
  t.equal(text, `jarId,coins,size,label,openedAt\r\n${lines.join('')}`)
  const paged = await csv('text/csv;q=1, */*', '?limit=4&size=50')
  t.equal(
    paged.headers.get('link'),
    '</v1/jar-list?limit=4&size=50&cursor=NA>; rel="next"',
    'the next page is named in a header',
  )
  for (const accept of ['text/csv; charset=utf-8', 'TEXT/CSV;header=present;q=0.5']) {
    t.match((await csv(accept)).headers.get('content-type'), /^text\/csv/, accept)
  }
  const json = [
    'application/json, text/csv',
    '*/*',
    'text/html',
    'text/csv;q=0',
    'text/csv;q=0.1, */*',
  ]
  for (const accept of json) {
    t.match((await csv(accept)).headers.get('content-type'), /^application\/json/, accept)
  }
  views.rows = []
  t.equal((await csv('text/csv')).text, 'jarId,coins,size,label,openedAt\r\n')
})

t.test('the reservations and the history of an account', async (t) => {
  const { server, views } = await viewed(t)
  const one = {
    id: 'r1',
    debitAccount: 'acme',
    creditAccount: 'bank',
    state: 'held' as const,
    amount: 30,
    settled: 10,
    released: 5,
    createdAt: TEST_START_MS,
    expiresAt: null,
    endedAt: null,
  }
  views.held = [one, { ...one, state: 'expired', expiresAt: TEST_START_MS, endedAt: TEST_START_MS }]
  const page = await server.get('/v1/accounts/acme/reservations?state=held&limit=200')
  t.equal(page.status, 200)
  t.same(page.body.items, [
    { ...one, remaining: 15, createdAt: TIME },
    { ...one, state: 'expired', remaining: 0, createdAt: TIME, expiresAt: TIME, endedAt: TIME },
  ])
  t.match(views.asked.at(-1), { account: idFromText('acme'), state: 'held', limit: 200 })
  const change = { sequence: 4, command: 'transfer', balance: 5, held: 0, incoming: 0 }
  views.changes = [{ ...change, timeMs: TEST_START_MS }]
  const history = await server.get('/v1/accounts/acme/history?minSequence=4')
  t.same(history.body, { items: [{ ...change, time: TIME }], next: null, asOf: AS_OF })
  const asked = views.asked.length
  isProblem(t, await server.get('/v1/accounts/nobody/history'), 404, 'account_not_found')
  isProblem(t, await server.get('/v1/accounts/nobody/reservations'), 404, 'account_not_found')
  t.equal(views.asked.length, asked, 'views are asked of accounts alone that there are')
})

t.test('what cannot be read is refused', async (t) => {
  const { server, views } = await viewed(t)
  const asked = views.asked.length
  for (const [query, detail] of [
    ['limit=0', /^limit must be a whole number from 1 to 200/],
    ['limit=201', /^limit /],
    ['limit=1.5', /^limit /],
    ['limit=', /^limit /],
    ['limit=99999999999999999999', /^limit /],
    ['minSequence=-1', /^minSequence /],
    ['minSequence=9007199254740993', /^minSequence /],
    ['cursor=', /^cursor /],
    ['cursor=a%20b', /^cursor /],
    [`cursor=${'a'.repeat(513)}`, /^cursor /],
    ['limit=1&limit=2', /^limit is given twice/],
    ['state=held', /^state is not a parameter/],
    ['__proto__=1', /^__proto__ is not a parameter/],
    ['id=a', /^id is not a parameter/],
    ['jarId=%ff', /percent-encoded/],
    ['%zz=1', /percent-encoded/],
  ] as const) {
    const answer = await server.get(`/v1/jar-list?${query}`)
    isProblem(t, answer, 400, 'invalid_request')
    t.match(answer.body.detail, detail, query)
  }
  isProblem(
    t,
    await server.get('/v1/accounts/acme/reservations?state=open'),
    400,
    'invalid_request',
  )
  t.equal(views.asked.length, asked)
  for (const [refused, status, code] of [
    ['cursor', 400, 'invalid_request'],
    ['filter', 400, 'invalid_request'],
    ['behind', 503, 'view_behind'],
    ['unavailable', 503, 'views_unavailable'],
  ] as const) {
    views.refusal = refused
    for (const path of [
      '/v1/jar-list',
      '/v1/accounts/acme/history',
      '/v1/accounts/acme/reservations',
    ]) {
      const answer = await server.get(`${path}?minSequence=99`)
      isProblem(t, answer, status, code)
      if (code === 'view_behind')
        t.match(answer.body, { viewSequence: 10, detail: /10 and not to 99/ })
    }
  }
  isProblem(t, await server.get('/v1/events'), 503, 'views_unavailable')
  views.refusal = undefined
  t.same(server.faults, [])
  views.error = new Error('the disk is gone')
  isProblem(t, await server.get('/v1/jar-list'), 500, 'internal_error')
  isProblem(t, await server.get('/v1/events'), 500, 'internal_error')
  t.equal(server.faults.length, 2)
})

t.test('without views there is nothing to read from', async (t) => {
  const server = await startGatewayServer(
    { modules: [surface] },
    new DirectPipeline(TEST_CAPACITIES, [rules]),
  )
  t.teardown(() => server.gateway.close())
  for (const path of ['/v1/jar-list', '/v1/events', '/v1/accounts/acme/history']) {
    const answer = await server.get(path)
    isProblem(t, answer, 503, 'views_unavailable')
    t.equal(answer.headers.get('retry-after'), '1')
  }
})

t.test('events come as they happen, and from where one left off', async (t) => {
  const { server, views } = await viewed(t)
  views.emit(3)
  views.emit(2)
  const now = await new EventListener(server).begun()
  const past = await new EventListener(server, '?from=0').begun()
  const some = await new EventListener(server, '?from=11.2').begun()
  const next = await new EventListener(server, '?from=0', { 'last-event-id': '11.2' }).begun()
  await past.until(() => past.ids.length === 5)
  t.same(past.ids, ['11.0', '11.1', '11.2', '12.0', '12.1'])
  views.emit(1)
  for (const [listener, ids] of [
    [now, ['13.0']],
    [past, ['11.0', '11.1', '11.2', '12.0', '12.1', '13.0']],
    [some, ['11.2', '12.0', '12.1', '13.0']],
    [next, ['12.0', '12.1', '13.0']],
  ] as const) {
    await listener.until(() => listener.ids.length === ids.length)
    t.same(listener.ids, ids)
  }
  t.match(
    past.text,
    /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/event-stream\r\nCache-Control: no-store\r\n/,
  )
  const data = /^event: jar\.coins\ndata: (.*)$/m.exec(now.text)?.[1] ?? ''
  t.same(JSON.parse(data), {
    module: 'jars',
    kind: 'jar.coins',
    sequence: 13,
    index: 0,
    time: TIME,
    data: { n: 5, pad: '' },
  })
  for (const listener of [now, past, some, next]) listener.close()
  await untilMetric(server, 'holdfast_event_clients 0')
  const late = await new EventListener(server).begun()
  views.emit(1)
  await late.until(() => late.ids.length === 1)
  t.same(late.ids, ['14.0'], 'whoever comes later hears what is new then')
  late.close()
  t.same(server.faults, [])
})

/** Read in pages of so many at most. */
async function longPast(t: Test, eventsMax: number): Promise<void> {
  const { server, views } = await viewed(t)
  views.eventsMax = eventsMax
  const live = await new EventListener(server).begun()
  for (let i = 0; i < 100; i++) views.emit(61)
  const listeners = Array.from(
    { length: 12 },
    (_, i) => new EventListener(server, `?from=${11 + i}`),
  )
  views.emit(61)
  const all = views.log.map(({ sequence, index }) => `${sequence}.${index}`)
  for (const [i, listener] of listeners.entries()) {
    await listener.until(() => listener.ids.length >= all.length - 61 * i)
  }
  views.emit(1)
  for (const [i, listener] of listeners.entries()) {
    await listener.until(() => listener.ids.at(-1) === '112.0')
    t.same(listener.ids, [...all.slice(61 * i), '112.0'], 'in order, and nothing twice')
    listener.close()
  }
  views.emit(1_000)
  await live.until(() => live.ids.at(-1) === '113.999')
  t.equal(live.ids.length, views.log.length, 'many at once, for one who listens already')
  live.close()
}

t.test('a long past is read in pages', async (t) => {
  for (const eventsMax of [Infinity, 100]) await longPast(t, eventsMax)
})

t.test('where events begin has to be a place', async (t) => {
  const { server } = await viewed(t)
  for (const query of [
    '?from=',
    '?from=x',
    '?from=1.2.3',
    '?from=-1',
    '?from=1.',
    '?form=1',
    '?from=1&from=2',
  ]) {
    isProblem(t, await server.get(`/v1/events${query}`), 400, 'invalid_request')
  }
  const bad = await server.get('/v1/events', { 'last-event-id': 'x' })
  isProblem(t, bad, 400, 'invalid_request')
  t.match(bad.body.detail, /^Last-Event-ID must be a sequence/)
})

t.test('a client that takes nothing is cut, one that is quiet lives on', async (t) => {
  const { server, views } = await viewed(t)
  const quiet = await new EventListener(server).begun()
  const slow = await new EventListener(server, '?from=0').begun()
  slow.pause()
  for (let i = 0; i < 200; i++) views.emit(64, 1_000)
  await quiet.until(() => quiet.ids.length === 200 * 64)
  const from = quiet.text.length
  await quiet.until(() => quiet.text.slice(from).split('\n:\n').length > 3)
  t.notOk(quiet.isEnded, 'fifteen seconds without an event')
  await untilMetric(server, 'holdfast_event_clients 1')
  slow.resume()
  await slow.ended()
  t.ok(slow.ids.length < 200 * 64)
  views.emit(1)
  await quiet.until(() => quiet.ids.length === 200 * 64 + 1)
  quiet.close()
  t.same(server.faults, [])
})

t.test('a drain sends listeners away, and there are never too many', async (t) => {
  const { server } = await viewed(t)
  const all = Array.from({ length: 1_024 }, () => new EventListener(server))
  await Promise.all(all.map((one) => one.begun()))
  isProblem(t, await server.get('/v1/events'), 503, 'busy')
  await server.gateway.drain()
  await Promise.all(all.map((one) => one.ended()))
  t.pass('all of them have gone')
})
