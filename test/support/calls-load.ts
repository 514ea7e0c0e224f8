// Scripts of calls made from a seed, each on a customer of its own and step after step, so that what is
// answered depends on the script alone and not on what others do meanwhile. Not a model: what they must
// come to is what another server makes of them.

import type { Holdfast } from '../../client/index.ts'
import { generator } from './orders.ts'

/** One command. */
interface Step {
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
}

/** A customer's commands in order, and the calls in them. */
export interface CallScript {
  readonly customerId: string
  readonly callIds: readonly string[]
  readonly steps: readonly Step[]
}

/** Fields that differ from run to run: times and sequences, and the ids that the client makes. */
const OWN = /^(sequence|time|commandId|replayed|asOf|\w+At|validUntil)$/

const SECONDS = [1, 29, 30, 31, 57, 60, 75, 200, 600]

/** `count` scripts of about `length` steps from `seed`; two in three starts are let in. */
export function makeCallScripts(count: number, length: number, seed: number): CallScript[] {
  const next = generator(seed)
  return Array.from({ length: count }, (_, i) => makeScript(`customer-${i}`, length, next))
}

/** What all scripts need before their first step. */
export async function prepareCalls(hf: Holdfast): Promise<void> {
  const tariffs = [
    { tariffId: 'short', prefix: '49', initialIncrement: 30, increment: 6, ratePerMinute: 6_000 },
    { tariffId: 'long', prefix: '4930', initialIncrement: 60, increment: 60, connectFee: 500 },
  ]
  for (const tariff of tariffs) {
    const { code } = await hf.command('calls', 'put_tariff', { ratePerMinute: 9_000, ...tariff })
    if (code !== 'ok') throw new Error(code)
  }
}

function makeScript(customerId: string, length: number, next: () => number): CallScript {
  const of = <T>(values: readonly T[]): T => values[next() % values.length] as T
  const callIds: string[] = []
  const steps: Step[] = [
    { name: 'add_customer', input: { customerId, currency: of(['EUR', 'USD']), maxChannels: 4 } },
    { name: 'top_up', input: { customerId, amount: 40_000 } },
  ]
  const add = (name: string, input: Readonly<Record<string, unknown>>): void => {
    steps.push({ name, input })
  }
  const start = (): void => {
    const callId = `${customerId}-call-${callIds.length}`
    callIds.push(callId)
    const destination = of(['+4930111', '4989222', '4989333', '7'])
    const more = of([{ mode: 'max' }, { mode: 'block', blockSeconds: 60 }, { mode: 'block' }])
    add('start', { callId, customerId, destination, maxSeconds: of(SECONDS), ...more })
  }
  start()
  while (steps.length < length) {
    const callId = of(callIds.slice(-5))
    const kind = next() % 12
    if (kind < 4) start()
    else if (kind < 6) add('answer', { callId })
    else if (kind < 7)
      add('extend', { callId, usedSeconds: of(SECONDS), requestSeconds: of(SECONDS) })
    else if (kind < 10) add('end', { callId, durationSeconds: of(SECONDS) })
    else if (kind < 11) add('cancel', { callId, cause: 'no answer' })
    else add('top_up', { customerId, amount: 1_000 * of(SECONDS) })
  }
  return { customerId, callIds, steps }
}

/** Plays a script to its end; gives back what each step was answered. */
export async function playScript(
  hf: Holdfast,
  { customerId, steps }: CallScript,
  onAnswer: (replayed: boolean) => void,
): Promise<object[]> {
  const answers: object[] = []
  for (const [i, { name, input }] of steps.entries()) {
    // No UUIDv7: to a clock that stands its time would soon be too far ahead.
    const answer = await hf.command('calls', name, input, { id: `${customerId}/${i}` })
    onAnswer(answer.replayed)
    answers.push(withoutOwn(answer))
  }
  return answers
}

/** Every customer and every call of the scripts as the server knows them. */
export async function stateOfCalls(
  hf: Holdfast,
  scripts: readonly CallScript[],
): Promise<object[]> {
  return Promise.all(
    scripts.map(async ({ customerId, callIds }) => ({
      customer: withoutOwn(await hf.query('calls', 'customer', { id: customerId })),
      calls: await Promise.all(
        callIds.map(async (id) => withoutOwn(await hf.query('calls', 'call', { id }))),
      ),
    })),
  )
}

function withoutOwn(answer: object): object {
  return Object.fromEntries(Object.entries(answer).filter(([name]) => !OWN.test(name)))
}
