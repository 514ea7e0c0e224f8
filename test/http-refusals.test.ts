// Refusals and retries over HTTP: the numbers and sentences of business refusals, ids used again
// with another content, copies and races.

import t from 'tap'
import { isProblem, RESERVE, seeded } from './support/gateway-server.ts'

/** Method, path, body, then what comes back: status, code, numbers, detail. */
type RefusalLine = [string, string, object, number, string, object, RegExp]

const REFUSALS: RefusalLine[] = [
  [
    'POST',
    '/v1/reservations',
    { ...RESERVE, amount: 91 },
    402,
    'insufficient_funds',
    { available: 90 },
    /"acme" has 90 available; 91 was/,
  ],
  [
    'POST',
    '/v1/transfers',
    { ...RESERVE, amount: 91 },
    402,
    'insufficient_funds',
    { available: 90 },
    /90 available/,
  ],
  [
    'POST',
    '/v1/transfers',
    { ...RESERVE, debitAccount: 'no', amount: 1 },
    404,
    'debit_account_not_found',
    {},
    /no account "no"/,
  ],
  [
    'POST',
    '/v1/transfers',
    { ...RESERVE, creditAccount: 'no', amount: 1 },
    404,
    'credit_account_not_found',
    {},
    /"no"/,
  ],
  [
    'POST',
    '/v1/transfers',
    { ...RESERVE, creditAccount: 'acme', amount: 1 },
    422,
    'accounts_must_differ',
    {},
    /./,
  ],
  [
    'POST',
    '/v1/transfers',
    { ...RESERVE, creditAccount: 'other', amount: 1 },
    422,
    'ledgers_must_match',
    {},
    /./,
  ],
  [
    'POST',
    '/v1/transfers',
    { ...RESERVE, creditAccount: 'shop', amount: 1 },
    409,
    'credit_account_closed',
    {},
    /./,
  ],
  [
    'POST',
    '/v1/reservations/no/settle',
    {},
    404,
    'reservation_not_found',
    {},
    /no reservation "no"/,
  ],
  [
    'POST',
    '/v1/reservations/held/settle',
    { amount: 11 },
    422,
    'exceeds_reservation',
    { remaining: 10 },
    /"held" has 10 left; 11 was/,
  ],
  [
    'POST',
    '/v1/reservations/held/release',
    { amount: 11 },
    422,
    'exceeds_reservation',
    { remaining: 10 },
    /has 10 left/,
  ],
  [
    'POST',
    '/v1/reservations/done/settle',
    {},
    409,
    'already_settled',
    { state: 'settled' },
    /10 settled, 0 given back/,
  ],
  [
    'POST',
    '/v1/reservations/back/settle',
    {},
    409,
    'already_released',
    { state: 'released' },
    /0 settled, 10 given back/,
  ],
  [
    'POST',
    '/v1/reservations/late/settle',
    {},
    409,
    'already_expired',
    { state: 'expired' },
    /expired at 2027-01-15T08:00:00.005Z/,
  ],
  ['POST', '/v1/reservations/held/extend', { timeoutMs: 5 }, 409, 'no_timeout', {}, /./],
  ['PUT', '/v1/accounts/no/credit-limit', { value: 1 }, 404, 'account_not_found', {}, /"no"/],
  [
    'PUT',
    '/v1/accounts/acme/closed',
    { value: true },
    409,
    'account_in_use',
    {},
    /balance 90, held 10/,
  ],
  ['PUT', '/v1/accounts/shop/frozen', { value: true }, 409, 'account_closed', {}, /./],
]

t.test('business refusals carry the numbers that matter', async (t) => {
  const { post, put, get, faults } = await seeded(t)
  for (const [id, action] of [
    ['held', ''],
    ['done', 'settle'],
    ['back', 'release'],
    ['late', ''],
  ] as const) {
    await post('/v1/reservations', { id, ...RESERVE, amount: 10, timeoutMs: id === 'late' ? 5 : 0 })
    if (action !== '') await post(`/v1/reservations/${id}/${action}`, { id: `${id}-end` })
  }
  await post('/v1/test/clock', { advanceMs: 5 })
  const before = (await get('/v1/accounts/acme')).body
  for (const [i, [method, path, fields, status, code, numbers, says]] of REFUSALS.entries()) {
    const body = { id: `refused-${i}`, ...fields }
    const answer = await (method === 'POST' ? post(path, body) : put(path, body))
    isProblem(t, answer, status, code)
    t.match(answer.body, numbers, `${code}: numbers`)
    t.match(answer.body.detail, says, `${code}: detail`)
    t.match(answer.body, { sequence: Number, time: String }, `${code}: is journaled`)
    const again = await (method === 'POST' ? post(path, body) : put(path, body))
    t.same(
      [again.status, again.body.code, again.body.sequence],
      [status, code, answer.body.sequence],
    )
    t.equal(again.headers.get('idempotent-replayed'), 'true')
  }
  const after = (await get('/v1/accounts/acme')).body
  t.same({ ...after, asOf: 0 }, { ...before, asOf: 0 }, 'no balance changed')
  await post('/v1/transfers', { id: 'use-limit', ...RESERVE, amount: 90 })
  await post('/v1/reservations/held/release', { id: 'free' })
  await post('/v1/transfers', { id: 'use-all', ...RESERVE, amount: 10 })
  const limit = await put('/v1/accounts/acme/credit-limit', { id: 'lower', value: 5 })
  isProblem(t, limit, 409, 'limit_in_use')
  t.equal(limit.body.minimum, 10)
  t.same(faults, [])
})

/** Commands by a name: path and body. */
const FIRST: Record<string, [string, object]> = {
  account: ['/v1/accounts', { id: 'a', ledger: 1, creditLimit: 5, metadata: { a: 'b' } }],
  transfer: ['/v1/transfers', { id: 't', ...RESERVE, amount: 5 }],
  reserve: ['/v1/reservations', { id: 'r', ...RESERVE, amount: 5, timeoutMs: 900, group: 'g' }],
  settle: ['/v1/reservations/r/settle', { id: 's', amount: 1, final: false }],
  release: ['/v1/reservations/r/release', { id: 'l', amount: 1 }],
  extend: ['/v1/reservations/r/extend', { id: 'e', amount: 1, timeoutMs: 5 }],
  group: ['/v1/groups/g/settle', { id: 'gs' }],
}

/** Which one, what is changed, the field that must be named, and another path. */
const CHANGES: [string, object, string, string?][] = [
  ['account', { ledger: 2 }, 'ledger'],
  ['account', { external: true }, 'external'],
  ['account', { history: true }, 'history'],
  ['account', { creditLimit: 6 }, 'credit_limit'],
  ['account', { metadata: { a: 'c' } }, 'metadata'],
  ['transfer', { debitAccount: 'bank', creditAccount: 'acme' }, 'debit_account'],
  ['transfer', { creditAccount: 'a' }, 'credit_account'],
  ['transfer', { amount: 6 }, 'amount'],
  ['transfer', { atMost: true }, 'at_most'],
  ['reserve', { amount: 6 }, 'amount'],
  ['reserve', { group: 'h' }, 'group'],
  ['reserve', { timeoutMs: 901 }, 'timeout_ms'],
  ['reserve', { allowOver: true }, 'allow_over'],
  ['reserve', { atMost: true }, 'at_most'],
  ['reserve', { metadata: { x: 'y' } }, 'metadata'],
  ['settle', {}, 'reservation', '/v1/reservations/q/settle'],
  ['settle', { amount: undefined }, 'amount'],
  ['settle', { final: true }, 'final'],
  ['release', { amount: 2 }, 'amount'],
  ['extend', { amount: 2 }, 'amount'],
  ['extend', { timeoutMs: 6 }, 'timeout_ms'],
  ['group', {}, 'group', '/v1/groups/h/settle'],
  ['group', {}, 'type', '/v1/groups/g/release'],
  ['transfer', { amount: 6 }, 'type', '/v1/reservations'],
]

t.test('the same id with another content names the field', async (t) => {
  const { post, put, get } = await seeded(t)
  for (const [path, body] of Object.values(FIRST)) t.ok((await post(path, body)).status < 300, path)
  t.equal((await put('/v1/accounts/acme/credit-limit', { id: 'c', value: 11 })).status, 200)
  const balance = (await get('/v1/accounts/acme')).body.balance
  for (const [name, change, field, elsewhere] of CHANGES) {
    const [path, body] = FIRST[name] as [string, object]
    const answer = await post(elsewhere ?? path, { ...body, ...change })
    isProblem(t, answer, 409, `exists_with_different_${field}`)
  }
  isProblem(
    t,
    await put('/v1/accounts/acme/credit-limit', { id: 'c', value: 12 }),
    409,
    'exists_with_different_value',
  )
  isProblem(
    t,
    await put('/v1/accounts/a/credit-limit', { id: 'c', value: 11 }),
    409,
    'exists_with_different_account',
  )
  t.equal((await get('/v1/accounts/acme')).body.balance, balance, 'nothing moved')
})

t.test('a retry gets the first outcome', async (t) => {
  const { post, get } = await seeded(t)
  const body = { id: 'r1', ...RESERVE, amount: 60 }
  const copies = await Promise.all(Array.from({ length: 50 }, () => post('/v1/reservations', body)))
  const outcomes = new Set(
    copies.map(({ status, body: { code, sequence, time, moved } }) =>
      JSON.stringify([status, code, sequence, time, moved]),
    ),
  )
  t.equal(outcomes.size, 1, '50 copies at once have 50 equal answers')
  t.equal(copies.filter((copy) => copy.headers.get('idempotent-replayed') === 'true').length, 49)
  t.equal(
    copies.filter((copy) => 'accounts' in copy.body).length,
    1,
    'balances are the first one alone',
  )
  t.match((await get('/v1/accounts/acme')).body, { held: 60, available: 50 }, 'one effect')
  await post('/v1/reservations/r1/settle', { id: 's1', amount: 10 })
  const late = await post('/v1/reservations', body)
  t.match(late.body, { code: 'ok', moved: 60, state: 'settled', settled: 10, released: 50 })
  t.equal(late.status, 201)
})

t.test('money for twenty lets twenty through', async (t) => {
  const { post, get } = await seeded(t)
  await post('/v1/transfers', {
    id: 'more',
    debitAccount: 'bank',
    creditAccount: 'acme',
    amount: 90,
  })
  const all = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      post('/v1/reservations', { id: `r${i}`, ...RESERVE, amount: 10 }),
    ),
  )
  t.equal(all.filter((answer) => answer.status === 201).length, 20)
  t.equal(all.filter((answer) => answer.body.code === 'insufficient_funds').length, 80)
  t.match((await get('/v1/accounts/acme')).body, { balance: 190, held: 200, available: 0 })
})
