// Random steps of calling: what may happen, and how each is done on the engine. What a step has to
// come to is in calls-model.ts.

import fc from 'fast-check'
import type { Answer, CallsEngine } from './calls-engine.ts'
import type { CallsModel } from './calls-model.ts'
import type { ModelStart, ModelTariff, Step } from './calls-model-steps.ts'

/** Tariffs with increments that divide nothing, a fee alone, and a free one. */
export const TARIFFS: readonly ModelTariff[] = [
  { prefix: '1', ratePerMinute: 100, connectFee: 0, initialIncrement: 60, increment: 6 },
  { prefix: '2', ratePerMinute: 999, connectFee: 7, initialIncrement: 30, increment: 30 },
  { prefix: '3', ratePerMinute: 0, connectFee: 50, initialIncrement: 1, increment: 1 },
  { prefix: '4', ratePerMinute: 0, connectFee: 0, initialIncrement: 1, increment: 1 },
].map((tariff) => ({ ...tariff, id: `t${tariff.prefix}`, maxDuration: 240 }))
/** Who calls. */
export const CUSTOMERS = ['x', 'y']
/** Live calls of each at once. */
export const CHANNELS = 3

const someCustomer = fc.constantFrom(...CUSTOMERS)
/** A number that `named` makes a call of. */
const someCall = fc.noBias(fc.nat({ max: 999 }).map(String))
const someCampaign = fc.constantFrom('k0', 'k1')
const someSeconds = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(6, 30, 60, 120, 240))
const some = <T extends Step['is'], R>(is: T, fields: { [K in keyof R]: fc.Arbitrary<R[K]> }) =>
  fc.record({ is: fc.constant(is), ...fields }) as unknown as fc.Arbitrary<Step>

const someStart = some('start', {
  call: someCall,
  customer: someCustomer,
  mode: fc.constantFrom('max', 'block'),
  destination: fc.constantFrom('10', '20', '30', '40', '50'),
  seconds: someSeconds,
  min: fc.constantFrom(1, 1, 1, 40),
  campaign: fc.option(someCampaign, { nil: undefined, freq: 3 }),
})
/** Any step. */
export const someStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: someStart },
  {
    weight: 3,
    arbitrary: some('top_up', {
      customer: someCustomer,
      amount: fc.integer({ min: 1, max: 4_000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: some('credit', { customer: someCustomer, value: fc.nat({ max: 3_000 }) }),
  },
  { weight: 3, arbitrary: some('answer', { call: someCall }) },
  {
    weight: 4,
    arbitrary: some('extend', {
      call: someCall,
      used: fc.oneof(fc.constant(0), someSeconds),
      more: someSeconds,
    }),
  },
  {
    weight: 4,
    arbitrary: some('end', { call: someCall, seconds: fc.oneof(fc.constant(0), someSeconds) }),
  },
  { weight: 1, arbitrary: some('cancel', { call: someCall }) },
  {
    weight: 2,
    arbitrary: some('campaign', {
      campaign: someCampaign,
      customer: someCustomer,
      tariff: fc.constantFrom('t1', 't2', 't3', 't4', 't9'),
      calls: fc.integer({ min: 1, max: 6 }),
      seconds: someSeconds,
      isAll: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: some('close', { campaign: someCampaign }) },
  { weight: 2, arbitrary: some('wait', { seconds: fc.integer({ min: 1, max: 400 }) }) },
)

/**
 * The step with its call by name: mostly a live one, for a start mostly a new one, so that not all
 * random steps are about calls that never were.
 */
export function named(step: Step, model: CallsModel): Step {
  if (!('call' in step)) return step
  const pick = Number(step.call)
  const live = [...model.calls.keys()]
  const known = model.calls.size + model.records.size
  if (step.is === 'start') {
    const call = `c${pick % 8 > 0 ? known : pick % (known + 1)}`
    return pick % 4 > 0 ? { ...step, call, ...drawnOf(step.campaign, model) } : { ...step, call }
  }
  if (pick % 8 > 0 && live.length > 0) return { ...step, call: live[pick % live.length] as string }
  return { ...step, call: `c${pick % (known + 1)}` }
}

/** What a start has to say so that it may draw on the campaign; without one nothing. */
function drawnOf(campaign: string | undefined, model: CallsModel): Partial<ModelStart> {
  const known = campaign === undefined ? undefined : model.campaigns.get(campaign)
  if (known === undefined) return { campaign: undefined }
  return { customer: known.customer, destination: `${known.tariff.prefix}0` }
}

/** Does a step on the engine. */
export function doStep(calls: CallsEngine, step: Step): Answer | undefined {
  switch (step.is) {
    case 'top_up':
      return calls.run('top_up', { customerId: step.customer, amount: step.amount })
    case 'credit':
      return calls.run('change_customer', { customerId: step.customer, creditLimit: step.value })
    case 'start': {
      const { call: callId, customer: customerId, mode, destination, seconds, min } = step
      const length = mode === 'max' ? { maxSeconds: seconds } : { blockSeconds: seconds }
      const campaign = step.campaign === undefined ? {} : { campaignId: step.campaign }
      const asked = { callId, customerId, mode, destination, minSeconds: min }
      return calls.run('start', { ...asked, ...length, ...campaign })
    }
    case 'answer':
      return calls.run('answer', { callId: step.call })
    case 'extend': {
      const seconds = { usedSeconds: step.used, requestSeconds: step.more }
      return calls.run('extend', { callId: step.call, ...seconds })
    }
    case 'end':
      return calls.run('end', { callId: step.call, durationSeconds: step.seconds })
    case 'cancel':
      return calls.run('cancel', { callId: step.call })
    case 'campaign': {
      const { campaign: campaignId, customer: customerId, tariff: tariffId } = step
      const asked = { campaignId, customerId, tariffId, calls: step.calls }
      const more = { maxSeconds: step.seconds, allOrNothing: step.isAll }
      return calls.run('add_campaign', { ...asked, ...more })
    }
    case 'close':
      return calls.run('close_campaign', { campaignId: step.campaign })
    case 'wait':
      calls.wait(step.seconds)
      return undefined
  }
}
