// The rules of calls on the real engine: customers and their limits, campaigns, events, repeats,
// what is malformed, the routes, and random steps against the plain model.

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { surface } from '../systems/calls/routes.ts'
import { RECORDS } from '../systems/calls/tables.ts'
import { view } from '../systems/calls/views.ts'
import { acme, begin, MAX, MINUTE, NIL, start, toldOf } from './support/calls-acme.ts'
import { CallsEngine, type Input } from './support/calls-engine.ts'
import { CallsModel } from './support/calls-model.ts'
import type { Step } from './support/calls-model-steps.ts'
import { CHANNELS, CUSTOMERS, doStep, named, someStep, TARIFFS } from './support/calls-steps.ts'

t.test("a customer's own limits, in order", async (t) => {
  const calls = begin(1_000_000, MINUTE, { maxChannels: 5, callsPerSecond: 3 })
  const ask = (callId: string) => start(calls, callId, { maxSeconds: 60 }).code
  t.strictSame(['a', 'b', 'c', 'd'].map(ask), ['ok', 'ok', 'ok', 'calls_per_second'])
  calls.wait(0.999)
  t.equal(ask('e'), 'calls_per_second')
  calls.wait(0.001)
  t.strictSame(['f', 'g', 'h'].map(ask), ['ok', 'ok', 'max_channels'])
  t.match(acme(calls), { activeCalls: 5, reserved: 30_000 })
  calls.run('cancel', { callId: 'a' })
  t.equal(ask('i'), 'ok')
  calls.run('change_customer', { customerId: 'acme', suspended: true })
  t.equal(ask('j'), 'customer_suspended')
  t.match(calls.run('answer', { callId: 'b' }), { code: 'ok' }, 'live calls go on')
  t.match(calls.run('end', { callId: 'b', durationSeconds: 5 }), { code: 'ok', cost: 6_000 })
  const free = { customerId: 'acme', suspended: false, maxChannels: null, callsPerSecond: null }
  t.match(calls.run('change_customer', free), { maxChannels: null, suspended: false })
  t.strictSame(['k', 'l', 'm', 'n', 'o'].map(ask), ['ok', 'ok', 'ok', 'ok', 'ok'])
  calls.run('change_customer', { customerId: 'acme', maxChannels: 1 })
  const poor = start(calls, 'p', { minSeconds: 86_400 })
  t.equal(poor.code, 'max_channels', 'rules before funds')
  t.equal(start(calls, 'q', { customerId: 'nobody' }).code, 'customer_not_found')
  t.equal(start(calls, 'r', { destination: '99' }).code, 'destination_unknown')
  const known = { callId: 'k', customerId: 'acme', destination: '15550100', mode: 'max' }
  t.match(calls.run('start', { ...known, maxSeconds: 60 }), { code: 'ok', grantedSeconds: 60 })
  const differs = calls.run('start', { ...known, maxSeconds: 61 })
  t.match(differs, { code: 'exists_with_different_max_seconds' })
})

t.test('customers', async (t) => {
  const calls = begin(0)
  const add = (more: Input) => calls.run('add_customer', { customerId: 'acme', ...more })
  t.match(add({ currency: 'USD' }), { code: 'ok', balance: 0, id: 'acme' }, 'the same again')
  t.match(add({ currency: 'EUR' }), { code: 'exists_with_different_currency' })
  t.match(add({ currency: 'USD', creditLimit: 5 }), { code: 'exists_with_different_credit_limit' })
  t.match(add({ currency: 'USD', lowBalance: 5 }), { code: 'exists_with_different_low_balance' })
  const euro = { customerId: 'euro', currency: 'EUR', creditLimit: 7_000 }
  t.match(calls.run('add_customer', euro), { available: 7_000, currency: 'EUR' })
  t.match(calls.run('top_up', { customerId: 'none', amount: 1 }), { code: 'customer_not_found' })
  const change = { customerId: 'none', suspended: true }
  t.match(calls.run('change_customer', change), { code: 'customer_not_found' })
  t.match(calls.ask('customer', { id: 'none' }), { code: 'customer_not_found' })
  const most = 2 ** 51
  t.match(calls.run('top_up', { customerId: 'acme', amount: most }), { balance: most })
  t.match(calls.run('top_up', { customerId: 'acme', amount: 1 }), { code: 'overflow' })
  t.match(acme(calls), { balance: most }, 'nothing changed')
  t.match(start(calls, 'c', { maxSeconds: 60 }), { code: 'ok' })
})

t.test('a low balance is told once for each crossing', async (t) => {
  const calls = begin(20_000, MINUTE, { lowBalance: 9_000 })
  const low = () => toldOf(calls, 'customer.low_balance')
  start(calls, 'a', { maxSeconds: 60 })
  t.strictSame(low(), [])
  start(calls, 'b', { maxSeconds: 60 })
  t.strictSame(low(), [{ customerId: 'acme', available: 8_000, lowBalance: 9_000 }])
  start(calls, 'c', { maxSeconds: 60 })
  t.strictSame(low(), [], 'it is below already')
  calls.run('cancel', { callId: 'c' })
  calls.run('cancel', { callId: 'b' })
  t.strictSame(low(), [])
  calls.run('end', { callId: 'a', durationSeconds: 119 })
  t.strictSame(low(), [{ customerId: 'acme', available: 8_000, lowBalance: 9_000 }])
  calls.run('change_customer', { customerId: 'acme', lowBalance: 7_999 })
  calls.run('change_customer', { customerId: 'acme', lowBalance: 8_000 })
  t.strictSame(low(), [{ customerId: 'acme', available: 8_000, lowBalance: 8_000 }])
  calls.run('change_customer', { customerId: 'acme', lowBalance: null })
  start(calls, 'd', { maxSeconds: 60 })
  t.strictSame(low(), [])
})

t.test('an exhausted customer is told of once, until money comes', async (t) => {
  const calls = begin(12_000)
  const exhausted = () => toldOf(calls, 'customer.exhausted')
  start(calls, 'a', { maxSeconds: 60 })
  t.strictSame(exhausted(), [])
  start(calls, 'b', { maxSeconds: 60 })
  t.strictSame(exhausted(), [{ customerId: 'acme', available: 0 }])
  t.equal(start(calls, 'c', { maxSeconds: 60 }).code, 'insufficient_funds')
  t.strictSame(exhausted(), [], 'a refusal changes nothing and says nothing')
  calls.run('top_up', { customerId: 'acme', amount: 5_000 })
  t.strictSame(exhausted(), [])
  calls.run('top_up', { customerId: 'acme', amount: 1_000 })
  start(calls, 'd', { mode: 'block', blockSeconds: 60 })
  t.strictSame(exhausted(), [{ customerId: 'acme', available: 0 }])
})

t.test('campaigns', async (t) => {
  const calls = begin(100_000)
  const asked = { customerId: 'acme', tariffId: 'one', calls: 20, maxSeconds: 60 }
  const estimate = calls.ask('estimate', asked)
  t.match(estimate, { code: 'ok', admitted: 16, rejected: 4, reserved: 96_000 })
  t.match(acme(calls), { reserved: 0 }, 'an estimate holds nothing')
  const add = (campaignId: string, more: Input = {}) =>
    calls.run('add_campaign', { campaignId, ...asked, ...more })
  const none = { code: 'insufficient_funds', maxAffordableCalls: 16 }
  t.match(add('all', { allOrNothing: true }), none)
  t.match(add('dear', { maxSeconds: 86_400 }), { ...none, maxAffordableCalls: 0 })
  t.match(add('k', { customerId: 'none' }), { code: 'customer_not_found' })
  t.match(add('k', { tariffId: 'none' }), { code: 'tariff_not_found' })
  calls.run('put_tariff', { tariffId: 'euro', prefix: '1', currency: 'EUR', ...MINUTE })
  t.match(add('k', { tariffId: 'euro' }), { code: 'currency_mismatch' })
  t.match(acme(calls), { reserved: 0, available: 100_000 }, 'nothing changed')
  t.match(add('k', { calls: 3 }), { code: 'ok', admitted: 3, rejected: 0, reserved: 18_000 })
  t.match(add('k', { calls: 3 }), { code: 'ok', admitted: 3 }, 'the same again')
  t.match(add('k', { calls: 4 }), { code: 'exists_with_different_calls' })
  t.match(acme(calls), { reserved: 18_000, available: 82_000 })
  const draw = (callId: string, more: Input = {}) =>
    start(calls, callId, { campaignId: 'k', ...more })
  t.match(draw('a'), { code: 'ok', grantedSeconds: 60, reserved: 6_000, finalUnit: false })
  t.match(acme(calls), { reserved: 18_000, available: 82_000 }, 'drawn from the reserve')
  t.match(draw('b', { campaignId: 'none' }), { code: 'campaign_not_found' })
  calls.run('put_tariff', { tariffId: 'two', prefix: '15', ...MINUTE })
  t.match(draw('b'), { code: 'campaign_mismatch' }, 'another tariff')
  t.match(draw('b', { destination: '16' }), { code: 'ok' })
  t.match(draw('c', { destination: '16', mode: 'block', blockSeconds: 20 }), { reserved: 6_000 })
  t.match(draw('d', { destination: '16' }), { code: 'campaign_used_up' })
  t.match(calls.run('end', { callId: 'a', durationSeconds: 61 }), { cost: 12_000, released: 0 })
  t.match(calls.run('cancel', { callId: 'b' }), { released: 6_000 })
  t.match(calls.ask('campaign', { id: 'k' }), { state: 'open', started: 3, reserved: 0 })
  t.match(add('m', { calls: 2 }), { admitted: 2, closesAt: '2027-01-16T08:00:00.000Z' })
  t.match(calls.run('close_campaign', { campaignId: 'm' }), { state: 'closed', released: 12_000 })
  t.match(calls.run('close_campaign', { campaignId: 'm' }), { code: 'ok', released: 12_000 })
  t.match(draw('d', { campaignId: 'm', destination: '16' }), { code: 'campaign_closed' })
  t.match(calls.run('close_campaign', { campaignId: 'none' }), { code: 'campaign_not_found' })
  add('n', { calls: 5 })
  calls.wait(86_399)
  t.match(acme(calls), { reserved: 30_000, balance: 88_000 })
  calls.wait(1)
  t.match(calls.ask('campaign', { id: 'n' }), { state: 'closed', released: 30_000 })
  t.match(acme(calls), { reserved: 0, available: 88_000 })
  calls.wait(86_400)
  t.match(calls.ask('campaign', { id: 'n' }), { code: 'campaign_not_found' }, 'forgotten')
})

t.test('what is malformed is refused before it is journaled', async (t) => {
  const calls = begin(1_000)
  const before = calls.facts()
  const tariff = { tariffId: 't', prefix: '2', ...MINUTE }
  const asked = { customerId: 'acme', tariffId: 'one', calls: 1, maxSeconds: 60 }
  const campaign = { campaignId: 'k', ...asked }
  const begun = { callId: 'c', customerId: 'acme', destination: '1', mode: 'max' }
  const bad: readonly (readonly [Parameters<CallsEngine['run']>[0], Input])[] = [
    ['end', { callId: 'c', durationSeconds: -1 }],
    ['end', { callId: 'c', durationSeconds: 604_801 }],
    ['end', { callId: 'c', durationSeconds: 1.5 }],
    ['end', { callId: 'c' }],
    ['end', { callId: 'c', durationSeconds: 1, cause: 'x'.repeat(65) }],
    ['extend', { callId: 'c', usedSeconds: -1, requestSeconds: 1 }],
    ['extend', { callId: 'c', usedSeconds: 0, requestSeconds: 0 }],
    ['put_tariff', { ...tariff, increment: 0 }],
    ['put_tariff', { ...tariff, initialIncrement: 0 }],
    ['put_tariff', { ...tariff, ratePerMinute: -1 }],
    ['put_tariff', { ...tariff, ratePerMinute: 2 ** 51 }],
    ['put_tariff', { ...tariff, prefix: 'a b' }],
    ['add_campaign', { ...campaign, calls: 0 }],
    ['add_campaign', { ...campaign, calls: 1_000_000 }],
    ['add_campaign', { ...campaign, maxSeconds: 0 }],
    ['start', { ...begun, mode: 'both' }],
    ['start', { ...begun, destination: '' }],
    ['start', { ...begun, maxSeconds: 604_801 }],
    ['start', { ...begun, callId: 'a"b' }],
    ['start', { ...begun, callId: 'x'.repeat(97) }],
    ...['.', '..', NIL, MAX, MAX.toUpperCase()].flatMap((name) => [
      ['start', { ...begun, callId: name }] as const,
      ['start', { ...begun, customerId: name }] as const,
      ['start', { ...begun, campaignId: name }] as const,
      ['add_customer', { customerId: name, currency: 'USD' }] as const,
      ['put_tariff', { ...tariff, tariffId: name }] as const,
      ['add_campaign', { ...campaign, campaignId: name }] as const,
    ]),
    ['start', { ...begun, surprise: true }],
    ['top_up', { customerId: 'acme', amount: 0 }],
    ['top_up', { customerId: 'acme', amount: 2 ** 51 + 1 }],
    ['add_customer', { customerId: 'x', currency: 'US$' }],
    ['add_customer', { customerId: 'x', currency: 'USD', maxChannels: 0 }],
    ['change_settings', { ringingSeconds: 0 }],
  ]
  for (const [command, input] of bad) {
    const { code } = calls.run(command, input)
    t.equal(code, 'invalid_request', `${command} ${JSON.stringify(input)}`.slice(0, 90))
  }
  t.strictSame(calls.facts(), before)
})

t.test('a repeat under the same id is a replay, declines included', async (t) => {
  const calls = begin(6_000)
  const begun = { callId: 'c', customerId: 'acme', destination: '1', mode: 'max', maxSeconds: 60 }
  const dear = { ...begun, callId: 'd' }
  t.match(calls.run('start', begun, 'start/c'), { code: 'ok', replayed: false })
  t.match(calls.run('start', dear, 'start/d'), { code: 'insufficient_funds', replayed: false })
  calls.run('top_up', { customerId: 'acme', amount: 60_000 }, 'topup/acme/1')
  t.match(calls.run('top_up', { customerId: 'acme', amount: 60_000 }, 'topup/acme/1'), {
    replayed: true,
    balance: 66_000,
  })
  t.match(calls.run('start', begun, 'start/c'), { code: 'ok', replayed: true, reserved: 6_000 })
  t.match(calls.run('start', dear, 'start/d'), { code: 'insufficient_funds', replayed: true })
  const other = { ...begun, destination: '12' }
  t.match(calls.run('start', other, 'start/c'), { code: 'exists_with_different_input', moved: 3 })
  t.match(acme(calls), { balance: 66_000, reserved: 6_000, activeCalls: 1 })
})

t.test('what has ended is known for a day', async (t) => {
  const calls = begin(60_000)
  start(calls, 'early', { maxSeconds: 60 })
  calls.run('end', { callId: 'early', durationSeconds: 1 })
  calls.wait(1_000)
  start(calls, 'late', { maxSeconds: 60 })
  calls.run('end', { callId: 'late', durationSeconds: 1 })
  calls.wait(85_399)
  t.match(start(calls, 'early', { maxSeconds: 60 }), { code: 'ok', state: 'settled', reserved: 0 })
  t.match(start(calls, 'early'), { code: 'exists_with_different_max_seconds' })
  calls.wait(1)
  t.match(calls.ask('call', { id: 'early' }), { code: 'call_not_found' })
  t.match(calls.ask('call', { id: 'late' }), { state: 'settled' })
  t.match(start(calls, 'early', { maxSeconds: 60 }), { state: 'authorized', reserved: 6_000 })
  calls.run('cancel', { callId: 'early' })
  calls.wait(1_000)
  t.match(calls.ask('call', { id: 'late' }), { code: 'call_not_found' })
  t.match(calls.ask('call', { id: 'early' }), { state: 'canceled' }, 'the second of this id')
  calls.wait(90_000)
  t.match(calls.ask('call', { id: 'early' }), { code: 'call_not_found' })
})

t.test('the longest names fit every reply and event', async (t) => {
  const calls = new CallsEngine()
  const id = (letter: string) => letter.repeat(96)
  const currency = 'C'.repeat(16)
  const destination = `+${'1'.repeat(63)}`
  const [customerId, tariffId, campaignId] = [id('c'), id('t'), id('k')]
  const limits = { creditLimit: 2 ** 51, callsPerSecond: 1_000_000, maxChannels: 1_000_000 }
  calls.run('add_customer', { customerId, currency, lowBalance: 2 ** 51, ...limits })
  const prefix = destination
  calls.run('put_tariff', { tariffId, prefix, currency, ...MINUTE, maxDuration: 604_800 })
  calls.run('top_up', { customerId, amount: 2 ** 50 })
  const campaign = { campaignId, customerId, tariffId, calls: 2, maxSeconds: 600 }
  t.match(calls.run('add_campaign', campaign), { code: 'ok' })
  const begun = { callId: id('x'), customerId, destination, mode: 'block', campaignId }
  t.match(calls.run('start', begun), { code: 'ok' })
  calls.run('answer', { callId: id('x') })
  t.match(calls.ask('call', { id: id('x') }), { code: 'ok', state: 'answered' })
  calls.wait(400)
  t.match(calls.ask('call', { id: id('x') }), { code: 'ok', state: 'expired' })
  const cause = 'x'.repeat(64)
  t.match(calls.run('end', { callId: id('x'), durationSeconds: 604_800, cause }), { code: 'ok' })
  t.match(calls.ask('call', { id: id('x') }), { code: 'ok', cause })
  t.match(calls.ask('campaign', { id: campaignId }), { code: 'ok' })
  t.match(calls.ask('tariff', { id: tariffId }), { code: 'ok', maxDuration: 604_800 })
  t.equal(calls.engine.failedTimers, 0)
})

t.test('the routes', async (t) => {
  const params = { id: 'a/b%c' }
  const query = {}
  const idOf = (path: string, method: string, body: Input) => {
    const route = surface.routes.find((one) => one.path === path && one.method === method)
    return route?.id?.({ params, query, body })
  }
  const id = 'd/e'
  t.equal(idOf('/v1/customers', 'POST', { id }), 'customer/d/e')
  t.equal(idOf('/v1/customers/{id}/topups', 'POST', { id }), 'topup/a%2Fb%25c/d/e')
  t.equal(idOf('/v1/customers/{id}', 'PATCH', { id }), 'change/a%2Fb%25c/d/e')
  t.equal(idOf('/v1/calls', 'POST', { callId: id }), 'start/d/e')
  t.equal(idOf('/v1/calls/{id}/extend', 'POST', { id }), 'extend/a%2Fb%25c/d/e')
  t.equal(idOf('/v1/campaigns', 'POST', { id }), 'campaign/d/e')
  t.equal(idOf('/v1/calls/{id}/end', 'POST', {}), undefined)
  const campaigns = surface.routes.find(({ path }) => path === '/v1/campaigns')
  const dry = { params, query, body: { id: 'k', calls: 1, dryRun: true } }
  t.strictSame(campaigns?.pick(dry), { query: 'estimate' })
  t.strictSame(campaigns?.input(dry), { calls: 1 })
  const wet = { ...dry, body: { id: 'k', calls: 1, dryRun: false } }
  t.strictSame(campaigns?.pick(wet), { command: 'add_campaign' })
  t.strictSame(campaigns?.input(wet), { campaignId: 'k', calls: 1 })
  const readme = readFileSync('systems/calls/README.md', 'utf8')
  const sections = readme.match(/(?<=^### )[a-z_]+$/gm) ?? []
  const codes = Object.keys(surface.codes).filter((code) => !code.startsWith('exists_with_'))
  t.strictSame([...sections].sort(), codes.sort(), 'README.md says what to do about each code')
  for (const [code, { status }] of Object.entries(surface.codes)) {
    const section = readme.split(`### ${code}\n\n`)[1]
    if (section !== undefined) t.equal(section.slice(0, 3), String(status), code)
  }
  for (const { path } of [...surface.routes, ...surface.lists]) t.ok(readme.includes(path), path)
  const [list] = surface.lists
  for (const column of [...Object.keys(list?.columns ?? {}), ...(list?.filters ?? [])]) {
    t.ok(Object.hasOwn(RECORDS.fields, column), `records have ${column}`)
  }
  const [table] = view.tables
  for (const filter of list?.filters ?? []) t.ok(table?.indexes.includes(filter), filter)
  for (const column of list?.times ?? []) t.ok(Object.hasOwn(list?.columns ?? {}, column))
})

/** What differs between the engine and the model after a step; undefined where nothing does. */
function difference(
  calls: CallsEngine,
  model: CallsModel,
  step: Step,
  seen: Set<string>,
): string | undefined {
  const expected = model.do(step)
  seen.add(`${step.is} ${expected?.code}`)
  const answer = doStep(calls, step)
  for (const [name, value] of Object.entries(expected ?? {})) {
    const found = answer?.[name]
    if (name === 'code' && value === 'different') {
      if (!String(found).startsWith('exists_with_different_')) return `code is ${found}`
    } else if (JSON.stringify(found) !== JSON.stringify(value)) {
      return `${name} is ${JSON.stringify(found)}, not ${JSON.stringify(value)}`
    }
  }
  for (const id of CUSTOMERS) {
    const found = calls.ask('customer', { id })
    const { balance, credit } = model.customers.get(id) as { balance: number; credit: number }
    const reserved = model.held(id)
    if (found.balance !== balance) return `${id} has ${found.balance}, not ${balance}`
    if (found.reserved !== reserved) return `${id} holds ${found.reserved}, not ${reserved}`
    if (balance < -credit || model.available(id) < 0) return `${id} is below its limit`
  }
  const [broken] = calls.engine.checkInvariants()
  return broken === undefined ? undefined : `${broken.invariant}: ${broken.detail}`
}

/** What random steps come to often enough to be asked for. */
const MUST_BE_SEEN = [
  ...['start ok', 'start different', 'start insufficient_funds', 'start max_channels'],
  ...[
    'start campaign_mismatch',
    'start min_seconds_too_long',
    'start campaign_used_up',
    'start campaign_closed',
  ],
  ...['answer ok', 'answer call_ended', 'extend ok', 'extend insufficient_funds'],
  ...['extend max_duration', 'extend call_ended', 'end ok', 'end call_ended', 'cancel ok'],
  ...['end exists_with_different_duration_seconds', 'cancel call_answered', 'campaign ok'],
  ...['campaign insufficient_funds', 'close ok', 'credit limit_in_use', 'top_up ok'],
  ...['settled in part', 'settled in full', 'expired in full', 'canceled in full'],
]

t.test('random campaigns come to what the plain model comes to', async (t) => {
  const runs = Number(process.env.HOLDFAST_RUNS ?? 1) * 100
  const seen = new Set<string>()
  fc.assert(
    fc.property(fc.array(someStep, { minLength: 20, maxLength: 90, size: 'max' }), (steps) => {
      const calls = new CallsEngine()
      for (const { maxDuration, id: tariffId, ...tariff } of TARIFFS) {
        calls.run('put_tariff', { tariffId, maxDuration, ...tariff })
      }
      for (const customerId of CUSTOMERS) {
        const limits = { currency: 'USD', maxChannels: CHANNELS }
        calls.run('add_customer', { customerId, ...limits })
      }
      const model = new CallsModel(TARIFFS, CUSTOMERS, CHANNELS, calls.now)
      let topUps = 0
      for (const [n, unnamed] of steps.entries()) {
        const step = named(unnamed, model)
        const wrong = difference(calls, model, step, seen)
        if (wrong !== undefined) throw new Error(`step ${n}, ${JSON.stringify(step)}: ${wrong}`)
        if (step.is === 'top_up') topUps += step.amount
        const last = [...model.records.values()].at(-1)
        seen.add(`${last?.state} ${(last?.uncollected ?? 0) > 0 ? 'in part' : 'in full'}`)
      }
      const left = [...model.customers.values()].reduce((sum, { balance }) => sum + balance, 0)
      if (left + model.charged !== topUps) throw new Error('charges are not what records say')
      if (calls.engine.failedTimers > 0) throw new Error('a timer failed')
      const { digest, state } = calls.replayed()
      const now = calls.facts()
      if (digest !== now.digest || state !== now.state) throw new Error('a replay differs')
    }),
    { numRuns: runs },
  )
  for (const one of MUST_BE_SEEN) t.ok(seen.has(one), `${one} was among them`)
})
