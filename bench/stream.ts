// The whole way over the stream: a server of its own, pairs of a reserve and its settle, each
// acknowledged after its sync. The client is ours, in this process; both share the machine.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { type Command, connect, type Holdfast, id, newId } from '../client/index.ts'
import type { Id } from '../protocol/index.ts'
import { type BenchResult, machineConditions, median } from './result.ts'
import { startServerProcess } from './server-process.ts'

/** What may be set. */
export interface StreamBenchOptions {
  /** Seconds a round; 3 where not given. */
  readonly seconds?: number
  /** Measured rounds of each workload, after one of 1 s that is not counted; 5 where not given. */
  readonly rounds?: number
}

/** Accounts of the second workload. */
const ACCOUNTS = 10_000

/** Commands in one call of `submit`, and calls in flight: together they fill the window. */
const COMMANDS_A_CALL = 1_000
const CALLS_IN_FLIGHT = 16

/** Connections of the latency workload, each with one command at a time. */
const CONNECTIONS = 64

/** Measures. Throws where the server does not start, or answers anything but `ok`. */
export async function benchStream(options: StreamBenchOptions = {}): Promise<BenchResult> {
  const { seconds = 3, rounds = 5 } = options
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
  const server = await startServerProcess(dataDir)
  try {
    const client = await connect(server.url)
    const accounts = await prepareAccounts(client)
    const hot = await measure(client, accounts.slice(0, 1), seconds, rounds)
    const many = await measure(client, accounts, seconds, rounds)
    await client.close()
    const single = await measureSingle(server.url, accounts, seconds * rounds)
    return resultOf(hot, many, single, { seconds, rounds })
  } finally {
    await server.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** One command at a time on each connection. */
interface Single {
  readonly perSecond: number
  readonly latency: RecordableHistogram
}

function resultOf(
  hot: readonly number[],
  many: readonly number[],
  single: Single,
  { seconds, rounds }: Required<StreamBenchOptions>,
): BenchResult {
  const ms = (percentile: number): number => single.latency.percentile(percentile) / 1e6
  return {
    name: 'stream',
    commandsPerSecond: median(hot),
    rounds: [...hot],
    conditions: {
      ...machineConditions(),
      commands: 'pairs of a reserve and its settle, durable before the answer',
      server: 'holdfast serve with its defaults and its follower',
      client: 'holdfast/client on the same machine, one connection',
      commandsPerCall: COMMANDS_A_CALL,
      callsInFlight: CALLS_IN_FLIGHT,
      secondsPerRound: seconds,
      roundsPerWorkload: rounds,
      hotAccounts: 1,
      manyAccounts: ACCOUNTS,
      singleConnections: CONNECTIONS,
      dataDirectory: tmpdir(),
    },
    figures: {
      hotCommandsPerSecond: median(hot),
      manyCommandsPerSecond: median(many),
      manySlowestRound: Math.min(...many),
      singleCommandsPerSecond: single.perSecond,
      singleP50Ms: ms(50),
      singleP99Ms: ms(99),
      singleP999Ms: ms(99.9),
    },
  }
}

/** Buyers, and the shop that they buy from. */
async function prepareAccounts(client: Holdfast): Promise<Id[]> {
  const buyers = Array.from({ length: ACCOUNTS }, (_, i) => id(`buyer-${i}`))
  const opens = buyers.map(
    (buyer): Command => ({ type: 'open_account', id: buyer, ledger: 1, creditLimit: 2 ** 50 }),
  )
  const shop: Command = { type: 'open_account', id: SHOP, ledger: 1, external: true }
  for (const { code } of await client.submit([shop, ...opens])) assertOk(code)
  return buyers
}

const SHOP = id('shop')

function assertOk(code: string): void {
  if (code !== 'ok') throw new Error(`a command was answered ${code}`)
}

/** Commands per second of each round. */
async function measure(
  client: Holdfast,
  accounts: readonly Id[],
  seconds: number,
  rounds: number,
): Promise<number[]> {
  await runRound(client, accounts, 1)
  const rates: number[] = []
  for (let i = 0; i < rounds; i++) rates.push(await runRound(client, accounts, seconds))
  return rates
}

async function runRound(
  client: Holdfast,
  accounts: readonly Id[],
  seconds: number,
): Promise<number> {
  const startMs = performance.now()
  const untilMs = startMs + seconds * 1_000
  let answered = 0
  let next = 0
  const call = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      const commands: Command[] = []
      for (let i = 0; i < COMMANDS_A_CALL; i += 2) {
        const account = accounts[(next++ * 7_919) % accounts.length] as Id
        const reservation = newId()
        commands.push(reserve(reservation, account), settle(newId(), reservation))
      }
      const results = await client.submit(commands)
      for (const { code, replayed } of results) {
        assertOk(code)
        if (replayed) throw new Error('a command was known before')
      }
      answered += results.length
    }
  }
  await Promise.all(Array.from({ length: CALLS_IN_FLIGHT }, call))
  return Math.round((answered * 1_000) / (performance.now() - startMs))
}

function reserve(own: Id, account: Id): Command {
  return { type: 'reserve', id: own, debitAccount: account, creditAccount: SHOP, amount: 10 }
}

function settle(own: Id, reservation: Id): Command {
  return { type: 'settle', id: own, reservation, amount: 7 }
}

/** The time that one command takes while as many connections each wait for theirs. */
async function measureSingle(
  url: string,
  accounts: readonly Id[],
  seconds: number,
): Promise<Single> {
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => connect(url)))
  try {
    await runSingle(clients, accounts, 1)
    return await runSingle(clients, accounts, seconds)
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}

async function runSingle(
  clients: readonly Holdfast[],
  accounts: readonly Id[],
  seconds: number,
): Promise<Single> {
  const latency = createHistogram()
  const startMs = performance.now()
  const untilMs = startMs + seconds * 1_000
  let answered = 0
  const timed = async <R extends { readonly code: string }>(send: () => Promise<R>) => {
    const fromMs = performance.now()
    assertOk((await send()).code)
    latency.record(Math.max(1, Math.round((performance.now() - fromMs) * 1e6)))
    answered++
  }
  await Promise.all(
    clients.map(async (client, i) => {
      const debitAccount = accounts[i % accounts.length] as Id
      while (performance.now() < untilMs) {
        const own = newId()
        const move = { id: own, debitAccount, creditAccount: SHOP, amount: 10 }
        await timed(() => client.reserve(move))
        await timed(() => client.settle({ reservation: own, amount: 7 }))
      }
    }),
  )
  return { perSecond: Math.round((answered * 1_000) / (performance.now() - startMs)), latency }
}
