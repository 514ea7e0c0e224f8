// The first part of the demonstration of calls: a hundred starts at once on money for twenty, put to the
// server that reads, checks and then writes, and to Holdfast. The same requests in the same way.

import { expectOk, type JsonClient, jsonClient } from './json-client.ts'
import { startRacyServer } from './racy-server.ts'
import type { Stage } from './stage.ts'

/** Starts at once, each on a connection of its own. */
export const STARTS = 100

/** Calls that there is money for. */
export const PAID_FOR = 20

/** Micro-units: what a minute costs, which is what each call is let in for and takes. */
const COST = 60_000
const SECONDS = 60

/** What became of the starts with one server. */
export interface RaceResult {
  readonly admitted: number
  readonly refused: number
  /** In micro-units, after every admitted call was ended and charged. */
  readonly balance: number
}

/** Both. */
export interface Race {
  readonly racy: RaceResult
  readonly holdfast: RaceResult
}

/** Runs it against one, then the other. */
export async function runRace(stage: Stage): Promise<Race> {
  const { directory, url } = stage
  const server = await startRacyServer({ directory, balance: PAID_FOR * COST, cost: COST })
  stage.defer(() => server.close())
  const racy = await raceAgainst(stage, server.url, async () => {})
  const holdfast = await raceAgainst(stage, url, setUp)
  return { racy, holdfast }
}

/** What the other server has from the beginning. */
async function setUp(client: JsonClient): Promise<void> {
  const tariff = {
    prefix: '49',
    ratePerMinute: COST,
    initialIncrement: SECONDS,
    increment: SECONDS,
  }
  const topUp = { id: 'topup-1', amount: PAID_FOR * COST }
  expectOk(await client.ask('POST', '/v1/customers', { id: 'acme', currency: 'EUR' }))
  expectOk(await client.ask('PUT', '/v1/tariffs/germany', tariff))
  expectOk(await client.ask('POST', '/v1/customers/acme/topups', topUp))
}

async function raceAgainst(
  stage: Stage,
  url: string,
  prepare: (client: JsonClient) => Promise<void>,
): Promise<RaceResult> {
  const client = jsonClient(url)
  stage.defer(() => client.close())
  await prepare(client)
  const all = Array.from({ length: STARTS }, (_, i) => `race-${i}`)
  // Every connection stands before the first start is sent.
  await Promise.all(all.map(() => client.ask('GET', '/v1/customers/acme')))
  const replies = await Promise.all(
    all.map((callId) => client.ask('POST', '/v1/calls', startOf(callId))),
  )
  const admitted = all.filter((_, i) => replies[i]?.status === 201)
  const refused = replies.filter(({ status }) => status === 402).length
  if (admitted.length + refused < STARTS) throw new Error('a start was neither 201 nor 402')
  const end = { durationSeconds: SECONDS }
  for (const callId of admitted) {
    expectOk(await client.ask('POST', `/v1/calls/${callId}/end`, end))
  }
  const { balance } = expectOk(await client.ask('GET', '/v1/customers/acme'))
  return { admitted: admitted.length, refused, balance: balance as number }
}

function startOf(callId: string): object {
  const mode = 'max'
  return { callId, customerId: 'acme', destination: '+4930123456', mode, maxSeconds: SECONDS }
}
