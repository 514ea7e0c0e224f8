// The rules of calls at their edges: names, accounts that are full, campaigns block by block, and
// what is said of refusals. What is usual is in calls.test.ts and calls-customers.test.ts.

import t from 'tap'
import { Compile } from 'typebox/compile'
import { openApiDocument } from '../gateway/openapi.ts'
import { routeTable } from '../gateway/routes.ts'
import { surface } from '../systems/calls/routes.ts'
import { BODIES } from '../systems/calls/schemas.ts'
import { acme, begin, MAX, MINUTE, NIL, start } from './support/calls-acme.ts'
import type { Input } from './support/calls-engine.ts'

t.test('names that are nearly unnameable', async (t) => {
  const calls = begin(0)
  for (const customerId of ['...', '.a', `${NIL.slice(1)}1`, `${MAX}f`, 'ff', '00']) {
    t.match(calls.run('add_customer', { customerId, currency: 'USD' }), { code: 'ok' }, customerId)
  }
  for (const [name, schema] of Object.entries(BODIES)) {
    if (name !== 'AddCustomer' && name !== 'AddCampaign' && name !== 'StartCall') continue
    const key = name === 'StartCall' ? 'callId' : 'id'
    const { pattern } = (schema.properties as Input)[key] as { pattern: string }
    for (const id of ['.', '..', NIL, MAX]) t.notMatch(id, new RegExp(pattern, 'u'), name)
  }
})

t.test('a currency turns over more than one account holds', async (t) => {
  const calls = begin(0, { ...MINUTE, ratePerMinute: 0, connectFee: 10 ** 15 })
  const most = 2 ** 51
  let paid = 0
  for (let n = 0; n < 8; n++) {
    const amount = n === 0 ? most : 10 ** 15
    t.match(calls.run('top_up', { customerId: 'acme', amount }), { code: 'ok' }, `top-up ${n}`)
    paid += amount
    const callId = `c${n}`
    t.match(start(calls, callId, { maxSeconds: 60 }), { code: 'ok', reserved: 10 ** 15 })
    if (n % 2 === 1) calls.run('cancel', { callId })
    else {
      const ended = calls.run('end', { callId, durationSeconds: 5 })
      t.match(ended, { cost: 10 ** 15, uncollected: 0 })
      paid -= 10 ** 15
    }
    if (n % 2 === 1) {
      start(calls, `d${n}`, { maxSeconds: 60 })
      calls.run('end', { callId: `d${n}`, durationSeconds: 5 })
      paid -= 10 ** 15
    }
  }
  t.match(acme(calls), { balance: paid, reserved: 0 })
  t.match(calls.run('top_up', { customerId: 'acme', amount: most }), { code: 'overflow' })
  t.match(acme(calls), { balance: paid }, 'nothing changed')
  t.strictSame(calls.engine.checkInvariants(), [])
  t.strictSame(calls.replayed(), calls.facts())
})

t.test('a live call grows where its revenue account has no room', async (t) => {
  const calls = begin(10_000)
  const block = { mode: 'block', blockSeconds: 60 }
  t.match(start(calls, 'c', block), { reserved: 6_000 })
  calls.run('add_customer', { customerId: 'rich', currency: 'USD' })
  calls.run('top_up', { customerId: 'rich', amount: 2 ** 51 })
  const connectFee = (2 ** 51 - 6_000) / 4
  calls.run('put_tariff', { tariffId: 'fee', prefix: '2', ...MINUTE, ratePerMinute: 0, connectFee })
  const campaign = { campaignId: 'k', customerId: 'rich', tariffId: 'fee', calls: 4 }
  const filled = calls.run('add_campaign', { ...campaign, maxSeconds: 60 })
  t.match(filled, { admitted: 4, reserved: 2 ** 51 - 6_000 }, 'the account is full')
  calls.run('top_up', { customerId: 'acme', amount: 14_000 })
  const extend = { callId: 'c', usedSeconds: 60, requestSeconds: 60 }
  t.match(calls.run('extend', extend), { code: 'ok', totalGrantedSeconds: 120, reserved: 12_000 })
  t.match(acme(calls), { reserved: 12_000, available: 12_000 })
  const again = { ...extend, usedSeconds: 120 }
  t.match(calls.run('extend', again), { code: 'ok', totalGrantedSeconds: 180 })
  t.match(calls.run('end', { callId: 'c', durationSeconds: 130 }), { cost: 18_000, released: 0 })
  t.match(acme(calls), { balance: 6_000, reserved: 0 })
  t.match(calls.run('close_campaign', { campaignId: 'k' }), { released: 2 ** 51 - 6_000 })
  t.strictSame(calls.engine.checkInvariants(), [])
  t.strictSame(calls.replayed(), calls.facts())
})

t.test('a call whose customer can hold no more goes on with what it has', async (t) => {
  const calls = begin(10_000)
  t.match(start(calls, 'c', { maxSeconds: 600 }), { grantedSeconds: 60, reserved: 6_000 })
  calls.run('change_customer', { customerId: 'acme', creditLimit: 2 ** 51 })
  const connectFee = (2 ** 51 - 6_000) / 4
  calls.run('put_tariff', { tariffId: 'fee', prefix: '2', ...MINUTE, ratePerMinute: 0, connectFee })
  const campaign = { campaignId: 'k', customerId: 'acme', tariffId: 'fee', calls: 4 }
  t.match(calls.run('add_campaign', { ...campaign, maxSeconds: 60 }), { admitted: 4 })
  t.match(acme(calls), { reserved: 2 ** 51 }, 'the most that an account can have held')
  const extend = { callId: 'c', usedSeconds: 60, requestSeconds: 60 }
  t.match(calls.run('extend', extend), { code: 'overflow' })
  const toppedUp = calls.run('top_up', { customerId: 'acme', amount: 14_000 })
  t.match(toppedUp, { code: 'ok', extended: [] })
  t.match(acme(calls), { reserved: 2 ** 51, available: 24_000 })
  calls.run('close_campaign', { campaignId: 'k' })
  t.match(calls.run('extend', extend), { code: 'ok', totalGrantedSeconds: 120, reserved: 12_000 })
  t.match(calls.run('end', { callId: 'c', durationSeconds: 61 }), { cost: 12_000, released: 0 })
  t.match(acme(calls), { balance: 12_000, reserved: 0 })
  t.strictSame(calls.engine.checkInvariants(), [])
  t.strictSame(calls.replayed(), calls.facts())
})

t.test("a campaign's share is the call's own, block by block", async (t) => {
  const calls = begin(36_000)
  const asked = { campaignId: 'k', customerId: 'acme', tariffId: 'one', calls: 2, maxSeconds: 180 }
  t.match(calls.run('add_campaign', asked), { reserved: 36_000 })
  const block = { campaignId: 'k', mode: 'block', blockSeconds: 60 }
  const first = start(calls, 'c', block)
  t.match(first, { grantedSeconds: 60, reserved: 18_000, finalUnit: false })
  t.match(acme(calls), { available: 0, reserved: 36_000 }, 'nothing came back')
  const extend = (usedSeconds: number) =>
    calls.run('extend', { callId: 'c', usedSeconds, requestSeconds: 60 })
  t.match(extend(60), { code: 'ok', totalGrantedSeconds: 120, reserved: 18_000, finalUnit: false })
  t.match(extend(120), { totalGrantedSeconds: 180, reserved: 18_000, finalUnit: true })
  t.match(extend(180), { code: 'insufficient_funds', available: 0 })
  calls.run('top_up', { customerId: 'acme', amount: 7_000 })
  t.match(
    extend(180),
    { totalGrantedSeconds: 240, reserved: 24_000 },
    'beyond it what is available',
  )
  t.match(acme(calls), { available: 1_000, reserved: 42_000 })
  t.match(calls.run('end', { callId: 'c', durationSeconds: 70 }), {
    cost: 12_000,
    released: 12_000,
  })
  const long = start(calls, 'd', { campaignId: 'k', maxSeconds: 600 })
  t.match(long, { grantedSeconds: 180, reserved: 18_000, finalUnit: true }, 'more than the share')
  calls.run('add_campaign', { ...asked, campaignId: 'm', calls: 1, maxSeconds: 60 })
  const poor = start(calls, 'e', { campaignId: 'm', minSeconds: 61 })
  t.match(poor, { code: 'insufficient_funds', maxAffordableSeconds: 60, available: 7_000 })
  const wide = start(calls, 'e', { campaignId: 'm', mode: 'block', blockSeconds: 90 })
  t.match(wide, { grantedSeconds: 60, finalUnit: true })
})

t.test('what is refused, and in whose words', async (t) => {
  const calls = begin(5_999, { ...MINUTE, maxDuration: 100 })
  const none = { code: 'insufficient_funds', available: 5_999 }
  t.match(start(calls, 'a', { maxSeconds: 60 }), { ...none, maxAffordableSeconds: 0 })
  const campaign = { customerId: 'acme', tariffId: 'one', calls: 2, maxSeconds: 60 }
  t.match(calls.run('add_campaign', { campaignId: 'k', ...campaign }), none)
  t.match(calls.ask('estimate', campaign), none)
  t.match(surface.codes.insufficient_funds, { status: 402, title: /customer/ })
  t.match(surface.codes.max_duration?.title, /maxSeconds of the start/)
  const over = { code: 'min_seconds_too_long' }
  t.match(start(calls, 'b', { minSeconds: 61, maxSeconds: 60 }), { ...over, secondsMax: 60 })
  t.match(start(calls, 'c', { minSeconds: 101 }), { ...over, secondsMax: 100 })
  const block = { mode: 'block', minSeconds: 91, maxSeconds: 90 }
  t.match(start(calls, 'd', block), { ...over, secondsMax: 90 })
  t.match(start(calls, 'e', { minSeconds: 100 }), { code: 'insufficient_funds' })
  t.match(start(calls, 'f', { minSeconds: 101, destination: '99' }), {
    code: 'destination_unknown',
  })
  t.match(acme(calls), { balance: 5_999, reserved: 0, activeCalls: 0 })
})

t.test('a refused extend keeps no used seconds', async (t) => {
  const calls = begin(6_000)
  start(calls, 'c', { mode: 'block', blockSeconds: 60 })
  const extend = { callId: 'c', usedSeconds: 60, requestSeconds: 60 }
  t.match(calls.run('extend', extend), { code: 'insufficient_funds', available: 0 })
  t.match(calls.ask('call', { id: 'c' }), { state: 'authorized', usedSeconds: 0 })
})

t.test('the OpenAPI document says what is answered', async (t) => {
  const document = JSON.parse(openApiDocument(routeTable(false, [surface]), '0', false))
  const { responses } = document.paths['/v1/campaigns'].post
  const schemaOf = (status: string) => responses[status].content['application/json'].schema
  const checks = (status: string, reply: Input) => Compile(schemaOf(status)).Check(reply)
  const figures = { admitted: 2, rejected: 0, reserved: 12_000, secondsPerCall: 60 }
  const when = { sequence: 7, time: '2027-01-15T08:00:00.000Z' }
  const tried = { ...figures, costPerCall: 6_000, code: 'ok', dryRun: true, asOf: when }
  t.ok(checks('200', tried), 'a dry run')
  t.notOk(checks('201', tried))
  t.ok(checks('201', { ...figures, code: 'ok', ...when }))
  t.notOk(checks('200', { ...figures, code: 'ok', ...when }))
  const { state } = document.components.schemas.Problem.properties
  t.ok(Compile(state).Check('canceled'), "a refused end names the call's state")
})

t.test('time limits can be set', async (t) => {
  const calls = begin(60_000)
  const defaults = { ringingSeconds: 120, graceSeconds: 60, campaignSeconds: 86_400 }
  t.match(calls.ask('settings', {}), { code: 'ok', ...defaults, keepSeconds: 86_400 })
  const changed = calls.run('change_settings', { ringingSeconds: 10, keepSeconds: 30 })
  t.match(changed, { ...defaults, ringingSeconds: 10, keepSeconds: 30 })
  start(calls, 'c', { maxSeconds: 60 })
  calls.wait(10)
  t.match(calls.ask('call', { id: 'c' }), { state: 'expired' })
  calls.wait(30)
  t.match(calls.ask('call', { id: 'c' }), { code: 'call_not_found' })
  calls.run('change_settings', { keepSeconds: 1_000 })
  for (const keepSeconds of [200, 50]) {
    const id = `d${keepSeconds}`
    start(calls, id)
    t.match(calls.run('cancel', { callId: id }), { state: 'canceled' })
    calls.wait(100)
    calls.run('change_settings', { keepSeconds })
    calls.wait(Math.max(keepSeconds - 100, 1))
    t.match(calls.ask('call', { id }), { code: 'call_not_found' })
  }
})
