// The rules of calls on the real engine: what starts, extends, ends, expiries and top-ups come to.
// Limits, campaigns, events and random steps are in calls-customers.test.ts.

import t from 'tap'
import { differenceTitle, STATUS, statusOf } from '../protocol/index.ts'
import { CODES } from '../systems/calls/codes.ts'
import { acme, begin, MINUTE, start, toldOf } from './support/calls-acme.ts'
import type { Input } from './support/calls-engine.ts'

t.test('of a hundred starts at once on money for twenty, twenty get in', async (t) => {
  const calls = begin(20 * 6_000 + 5_999)
  const starts = Array.from({ length: 100 }, (_, n) => {
    const asked = { customerId: 'acme', destination: '15550100', mode: 'max', maxSeconds: 60 }
    return ['start', { callId: `call-${n}`, ...asked }] as const
  })
  const answers = calls.runAll(starts)
  const codes = answers.map(({ code }) => code)
  t.equal(codes.filter((code) => code === 'ok').length, 20)
  t.equal(codes.filter((code) => code === 'insufficient_funds').length, 80)
  t.match(acme(calls), { activeCalls: 20, reserved: 120_000, available: 5_999, balance: 125_999 })
  t.strictSame(toldOf(calls, 'customer.exhausted'), [{ customerId: 'acme', available: 5_999 }])
  for (let n = 0; n < 20; n++) calls.run('end', { callId: `call-${n}`, durationSeconds: 60 })
  t.match(acme(calls), { activeCalls: 0, reserved: 0, available: 5_999, balance: 5_999 })
})

t.test('blocks at 100 a minute on a balance of 250', async (t) => {
  const extend = { callId: 'c', requestSeconds: 60 }
  const cases = [
    { increment: 60, grants: [60, 60], last: 120 },
    { increment: 6, grants: [60, 60, 30], last: 150 },
  ]
  for (const { increment, grants, last } of cases) {
    const calls = begin(250, { ratePerMinute: 100, initialIncrement: 60, increment })
    const first = start(calls, 'c', { mode: 'block', blockSeconds: 60 })
    t.match(first, { grantedSeconds: 60, reserved: 100, finalUnit: false, state: 'authorized' })
    calls.run('answer', { callId: 'c' })
    let total = 60
    for (const [n, granted] of grants.slice(1).entries()) {
      const answer = calls.run('extend', { ...extend, usedSeconds: total })
      total += granted
      const finalUnit = n === grants.length - 2
      t.match(answer, { grantedSeconds: granted, totalGrantedSeconds: total, finalUnit })
    }
    t.equal(total, last)
    const refused = calls.run('extend', { ...extend, usedSeconds: total })
    t.match(refused, { code: 'insufficient_funds', maxAffordableSeconds: 0 }, `60/${increment}`)
    calls.run('end', { callId: 'c', durationSeconds: total })
    t.match(acme(calls), { balance: increment === 6 ? 0 : 50, reserved: 0 })
  }
})

t.test('what a start in max mode is granted', async (t) => {
  const rates = { ratePerMinute: 600, initialIncrement: 30, increment: 6 }
  const cases: readonly (readonly [money: number, tariff: Input, asked: Input, want: Input])[] = [
    [1_000, {}, { maxSeconds: 32 }, { grantedSeconds: 32, reserved: 360, finalUnit: false }],
    [350, {}, { maxSeconds: 32 }, { grantedSeconds: 30, reserved: 300, finalUnit: true }],
    [1_000, {}, {}, { grantedSeconds: 96, reserved: 960, finalUnit: true }],
    [999, { maxDuration: 40 }, {}, { grantedSeconds: 40, reserved: 420, finalUnit: false }],
    [299, {}, {}, { code: 'insufficient_funds', maxAffordableSeconds: 0 }],
    [350, {}, { minSeconds: 31 }, { code: 'insufficient_funds', maxAffordableSeconds: 30 }],
    [360, {}, { minSeconds: 31 }, { grantedSeconds: 36, reserved: 360, finalUnit: true }],
    [9_999_999, {}, { maxSeconds: 604_800 }, { grantedSeconds: 86_400, finalUnit: false }],
    [9_999_999, {}, {}, { grantedSeconds: 86_400, reserved: 864_000, finalUnit: false }],
    [360, { connectFee: 61 }, { maxSeconds: 9 }, { code: 'insufficient_funds' }],
    [360, { connectFee: 60 }, { maxSeconds: 9 }, { grantedSeconds: 9, reserved: 360 }],
    [0, { ratePerMinute: 0 }, { maxSeconds: 77 }, { grantedSeconds: 77, reserved: 0 }],
    [0, { ratePerMinute: 0, connectFee: 1 }, {}, { code: 'insufficient_funds' }],
  ]
  for (const [money, tariff, asked, want] of cases) {
    const calls = begin(money, { ...rates, ...tariff })
    const label = `${money}, ${JSON.stringify(tariff)}, ${JSON.stringify(asked)}`
    const answer = start(calls, 'c', asked)
    t.match(answer, { code: 'ok', ...want }, label)
    if (answer.code === 'ok') t.match(acme(calls), { reserved: answer.reserved, activeCalls: 1 })
    else t.match(acme(calls), { reserved: 0, activeCalls: 0, balance: money }, 'nothing changed')
  }
  const calls = begin(6_000)
  const { validUntil } = start(calls, 'c')
  t.equal(validUntil, '2027-01-15T08:02:00.000Z', 'rings for 120 s')
})

t.test('which tariff a destination has', async (t) => {
  const calls = begin(0)
  const rates = { ratePerMinute: 0, initialIncrement: 1, increment: 1 }
  const put = (tariffId: string, prefix: string, more: Input = {}) =>
    calls.run('put_tariff', { tariffId, prefix, ...rates, ...more })
  t.match(put('49', '+49'), { code: 'ok', id: '49', prefix: '49', currency: null, connectFee: 0 })
  put('4930', '4930')
  put('4930-usd', '4930', { currency: 'USD' })
  put('493012-eur', '493012', { currency: 'EUR' })
  t.match(put('other', '4930'), { code: 'tariff_exists', tariffId: '4930' })
  t.match(put('other', '+4930', { currency: 'USD' }), { tariffId: '4930-usd' })
  t.match(put('4930', '4930'), { code: 'ok' }, 'the same again')
  const tariffOf = (destination: string): unknown => {
    const callId = `to-${destination}`
    const answer = start(calls, callId, { destination })
    return answer.code === 'ok' ? calls.ask('call', { id: callId }).tariffId : answer.code
  }
  t.equal(tariffOf('49'), '49')
  t.equal(tariffOf('+49311'), '49')
  t.equal(tariffOf('4930123'), '4930-usd', "the customer's currency before any, of one length")
  t.equal(tariffOf('+4930123'), '4930-usd')
  t.equal(tariffOf('4'), 'destination_unknown')
  t.equal(tariffOf('777'), 'destination_unknown')
  put('all', '')
  t.equal(tariffOf('778'), 'all')
  t.match(calls.ask('tariff', { id: '49' }), { code: 'ok', prefix: '49', increment: 1 })
  t.match(calls.ask('tariff', { id: 'none' }), { code: 'tariff_not_found' })
  t.equal(put('é'.repeat(49), '9').code, 'invalid_id', '98 bytes in 49 characters')
})

t.test('a live call keeps the tariff that it was let in with', async (t) => {
  const calls = begin(100_000)
  start(calls, 'c', { maxSeconds: 60 })
  calls.run('put_tariff', { tariffId: 'one', prefix: '1', ...MINUTE, ratePerMinute: 60_000 })
  t.match(calls.run('end', { callId: 'c', durationSeconds: 61 }), { cost: 12_000 })
  start(calls, 'd', { maxSeconds: 60 })
  t.match(calls.run('end', { callId: 'd', durationSeconds: 61 }), { cost: 88_000 + 32_000 })
})

t.test('ends', async (t) => {
  const calls = begin(20_000, { ...MINUTE, connectFee: 100 })
  const end = (callId: string, durationSeconds: number, cause?: string) =>
    calls.run('end', { callId, durationSeconds, ...(cause === undefined ? {} : { cause }) })
  start(calls, 'short', { maxSeconds: 120 })
  calls.run('answer', { callId: 'short' })
  const ended = end('short', 59, 'hung up')
  const facts = { state: 'settled', billedSeconds: 60, cost: 6_100, released: 6_000 }
  t.match(ended, { code: 'ok', ...facts, uncollected: 0, durationSeconds: 59 })
  t.match(end('short', 59), { code: 'ok', ...facts, replayed: false }, 'said again')
  t.match(end('short', 60), {
    code: 'exists_with_different_duration_seconds',
    durationSeconds: 59,
  })
  t.match(calls.run('cancel', { callId: 'short' }), { code: 'call_ended', state: 'settled' })
  t.match(calls.run('answer', { callId: 'short' }), { code: 'ok', state: 'settled' })
  const extend = { callId: 'short', usedSeconds: 1, requestSeconds: 1 }
  t.match(calls.run('extend', extend), { code: 'call_ended', state: 'settled' })
  t.match(acme(calls), { balance: 13_900, reserved: 0, available: 13_900 })
  start(calls, 'silent', { maxSeconds: 60 })
  calls.run('answer', { callId: 'silent' })
  t.match(end('silent', 0), { billedSeconds: 0, cost: 0, released: 6_100 }, 'no fee either')
  start(calls, 'unanswered', { maxSeconds: 60 })
  t.match(calls.run('cancel', { callId: 'unanswered', cause: 'busy' }), { released: 6_100 })
  t.match(calls.run('cancel', { callId: 'unanswered' }), { code: 'ok', released: 6_100 })
  t.match(end('unanswered', 10), { code: 'call_ended', state: 'canceled' })
  t.match(calls.run('answer', { callId: 'unanswered' }), { code: 'call_ended' })
  t.match(calls.ask('call', { id: 'unanswered' }), { state: 'canceled', cause: 'busy', cost: 0 })
  start(calls, 'long', { maxSeconds: 60 })
  t.match(end('long', 240), { cost: 24_100, released: 0, uncollected: 10_200 })
  t.match(acme(calls), { balance: 0, available: 0 }, 'the rest could not be had')
  start(calls, 'answered', { maxSeconds: 60 })
  for (const command of ['answer', 'cancel'] as const) {
    t.match(calls.run(command, { callId: 'none' }), { code: 'call_not_found' })
  }
  t.match(end('none', 1), { code: 'call_not_found' })
  t.match(calls.ask('call', { id: 'none' }), { code: 'call_not_found' })
})

t.test('credit pays for what goes beyond the hold, down to its limit', async (t) => {
  const calls = begin(6_000, MINUTE, { creditLimit: 9_000 })
  start(calls, 'c', { maxSeconds: 60 })
  calls.run('answer', { callId: 'c' })
  t.match(calls.run('cancel', { callId: 'c' }), { code: 'call_answered' })
  const ended = calls.run('end', { callId: 'c', durationSeconds: 200 })
  t.match(ended, { cost: 24_000, uncollected: 9_000 })
  t.match(acme(calls), { balance: -9_000, available: 0, creditLimit: 9_000 })
  const change = { customerId: 'acme', creditLimit: 8_999 }
  t.match(calls.run('change_customer', change), { code: 'limit_in_use', minimum: 9_000 })
})

t.test('calls that nobody ends expire', async (t) => {
  const calls = begin(100_000)
  start(calls, 'ringing', { maxSeconds: 60 })
  calls.wait(119.999)
  t.match(calls.ask('call', { id: 'ringing' }), { state: 'authorized' })
  calls.wait(0.001)
  t.match(calls.ask('call', { id: 'ringing' }), { state: 'expired', cost: 0, released: 6_000 })
  const expired = { callId: 'ringing', customerId: 'acme', billedSeconds: 0, cost: 0 }
  t.match(toldOf(calls, 'call.expired'), [{ ...expired, released: 6_000 }])
  t.match(acme(calls), { activeCalls: 0, reserved: 0, balance: 100_000 })
  start(calls, 'c', { maxSeconds: 90 })
  calls.wait(10)
  const { validUntil } = calls.run('answer', { callId: 'c' })
  t.equal(validUntil, '2027-01-15T08:04:40.000Z', 'the grant and 60 s more')
  t.equal(calls.run('answer', { callId: 'c' }).validUntil, validUntil, 'said again')
  calls.wait(89.999)
  t.strictSame(calls.told(), [])
  calls.wait(0.001)
  const terminate = { callId: 'c', customerId: 'acme', grantedSeconds: 90 }
  t.strictSame(calls.told(), [['call.terminate', terminate]])
  calls.wait(60)
  t.match(calls.ask('call', { id: 'c' }), { state: 'expired', cost: 12_000, durationSeconds: 90 })
  t.match(acme(calls), { balance: 88_000 })
  const late = calls.run('end', { callId: 'c', durationSeconds: 130 })
  t.match(late, { state: 'expired', cost: 18_000, uncollected: 0 }, 'the difference is charged')
  t.match(acme(calls), { balance: 82_000 })
  t.match(calls.run('end', { callId: 'c', durationSeconds: 130 }), { cost: 18_000 })
  const other = calls.run('end', { callId: 'c', durationSeconds: 30 })
  t.match(other, { code: 'exists_with_different_duration_seconds', durationSeconds: 130 })
  start(calls, 'd', { maxSeconds: 90 })
  calls.run('answer', { callId: 'd' })
  calls.wait(1_000)
  const early = calls.run('end', { callId: 'd', durationSeconds: 20 })
  t.match(early, { state: 'expired', cost: 6_000, released: 6_000 }, 'too much was charged')
  t.match(acme(calls), { balance: 76_000 })
  start(calls, 'e', { maxSeconds: 90 })
  calls.run('answer', { callId: 'e' })
  calls.wait(1_000)
  const { balance } = acme(calls)
  calls.run('top_up', { customerId: 'acme', amount: 2 ** 51 - (balance as number) })
  const full = { code: 'overflow' }
  t.match(
    calls.run('end', { callId: 'e', durationSeconds: 20 }),
    full,
    'no room for what comes back',
  )
  t.match(acme(calls), { balance: 2 ** 51 })
  t.match(calls.ask('call', { id: 'e' }), { state: 'expired', durationSeconds: 90 })
})

t.test('used seconds of a call that nobody called answered make it answered', async (t) => {
  const calls = begin(100_000)
  start(calls, 'c', { mode: 'block', blockSeconds: 60 })
  const quiet = calls.run('extend', { callId: 'c', usedSeconds: 0, requestSeconds: 30 })
  t.match(quiet, { code: 'ok', grantedSeconds: 0, totalGrantedSeconds: 60 })
  t.match(calls.ask('call', { id: 'c' }), { state: 'authorized' })
  calls.wait(100)
  calls.run('extend', { callId: 'c', usedSeconds: 55, requestSeconds: 60 })
  const call = calls.ask('call', { id: 'c' })
  t.match(call, { state: 'answered', grantedSeconds: 115, usedSeconds: 55, reserved: 12_000 })
  t.equal(call.answeredAt, '2027-01-15T08:00:45.000Z')
  calls.wait(100)
  const told = ['call.terminate', { callId: 'c', grantedSeconds: 115 }]
  t.match(calls.told(), [told])
  const nothing = calls.run('extend', { callId: 'c', usedSeconds: 56, requestSeconds: 1 })
  t.match(nothing, { code: 'ok', grantedSeconds: 0 })
  t.match(calls.ask('call', { id: 'c' }), { usedSeconds: 56, validUntil: call.validUntil })
  t.strictSame(calls.told(), [], 'it keeps no call alive')
  calls.wait(20)
  t.match(calls.run('end', { callId: 'c', durationSeconds: 61 }), { cost: 12_000 })
})

t.test('a grant is never longer than the tariff allows', async (t) => {
  const calls = begin(1_000_000, { ...MINUTE, maxDuration: 100 })
  const first = start(calls, 'c', { mode: 'block', blockSeconds: 90 })
  t.match(first, { grantedSeconds: 90, finalUnit: false })
  const more = calls.run('extend', { callId: 'c', usedSeconds: 90, requestSeconds: 60 })
  t.match(more, { grantedSeconds: 10, totalGrantedSeconds: 100, finalUnit: true })
  const none = calls.run('extend', { callId: 'c', usedSeconds: 100, requestSeconds: 60 })
  t.match(none, { code: 'max_duration', secondsMax: 100 })
  t.strictSame(toldOf(calls, 'customer.exhausted'), [], 'there is money')
  start(calls, 'd', { mode: 'block', maxSeconds: 70 })
  const bounded = calls.run('extend', { callId: 'd', usedSeconds: 60, requestSeconds: 60 })
  t.match(bounded, { totalGrantedSeconds: 70, finalUnit: true }, 'nor than what was asked for')
})

t.test('a top-up lets a lone call grow', async (t) => {
  const calls = begin(6_000)
  const first = start(calls, 'c', { maxSeconds: 150 })
  t.match(first, { grantedSeconds: 60, finalUnit: true })
  calls.run('answer', { callId: 'c' })
  calls.told()
  const topUp = (amount: number) => calls.run('top_up', { customerId: 'acme', amount })
  t.match(topUp(5_999), { extended: [], available: 5_999 })
  const extended = [{ callId: 'c', totalGrantedSeconds: 120 }]
  t.match(topUp(1), { extended, balance: 12_000, available: 0 })
  t.match(toldOf(calls, 'call.granted_changed'), [
    { callId: 'c', grantedSeconds: 60, totalGrantedSeconds: 120, finalUnit: true },
  ])
  t.match(topUp(60_000), { extended: [{ callId: 'c', totalGrantedSeconds: 150 }] })
  t.match(calls.ask('call', { id: 'c' }), { grantedSeconds: 150, finalUnit: false })
  calls.wait(149.999)
  t.strictSame(toldOf(calls, 'call.terminate'), [], 'the time to end it moved')
  calls.wait(0.001)
  t.equal(toldOf(calls, 'call.terminate').length, 1)
  t.match(topUp(60_000), { extended: [] }, 'it has all that it wanted')
  const several = begin(12_000)
  start(several, 'a', { maxSeconds: 60 })
  start(several, 'b', { maxSeconds: 600 })
  t.match(several.run('top_up', { customerId: 'acme', amount: 60_000 }), { extended: [] })
  const more = several.run('extend', { callId: 'b', usedSeconds: 60, requestSeconds: 60 })
  t.match(more, { code: 'ok', totalGrantedSeconds: 120 }, 'but each may ask')
})

t.test('codes: a repeat with another content is told as the core tells it', async (t) => {
  const { title } = statusOf(STATUS.exists_with_different_debit_account)
  t.equal(title, differenceTitle('debitAccount'))
  const prefix = 'exists_with_different_'
  const differences = Object.entries(CODES).filter(([name]) => name.startsWith(prefix))
  t.ok(differences.length > 10)
  for (const [name, { title }] of differences) {
    const field = name
      .slice(prefix.length)
      .replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
    t.equal(title, differenceTitle(field))
  }
})
