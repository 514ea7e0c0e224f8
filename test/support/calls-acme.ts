// The customer `acme` and its calls, for tests of the rules of calls.

import { type Answer, CallsEngine, type Input } from './calls-engine.ts'

/** Ids that no path can name. */
export const NIL = '00000000-0000-0000-0000-000000000000'
/** The other one. */
export const MAX = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
/** 6,000 for each begun minute. */
export const MINUTE = { ratePerMinute: 6_000, initialIncrement: 60, increment: 60 }

/** An engine with the customer `acme`, a tariff for `1...`, and this much money. */
export function begin(amount: number, tariff: Input = MINUTE, customer: Input = {}): CallsEngine {
  const calls = new CallsEngine()
  calls.run('add_customer', { customerId: 'acme', currency: 'USD', ...customer })
  calls.run('put_tariff', { tariffId: 'one', prefix: '1', ...tariff })
  if (amount > 0) calls.run('top_up', { customerId: 'acme', amount })
  calls.told()
  return calls
}

/** Has `acme` start a call to `1...`. */
export function start(calls: CallsEngine, callId: string, more: Input = {}): Answer {
  const input = { callId, customerId: 'acme', destination: '15550100', mode: 'max', ...more }
  return calls.run('start', input)
}

/** The customer `acme` as it is. */
export const acme = (calls: CallsEngine): Answer => calls.ask('customer', { id: 'acme' })

/** The events of one kind. */
export function toldOf(calls: CallsEngine, kind: string): Input[] {
  return calls.told().flatMap(([one, data]) => (one === kind ? [data] : []))
}
