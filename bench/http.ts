// The whole way over HTTP: a server of its own in a temporary directory, one reserve a request on
// keep-alive connections, answered after its sync. Clients and server share the machine.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { type BenchResult, machineConditions, median } from './result.ts'
import { startServerProcess } from './server-process.ts'

/** What may be set. */
export interface HttpBenchOptions {
  /** 64 where not given. */
  readonly connections?: number
  /** Seconds a round; 10 where not given. */
  readonly seconds?: number
  /** Measured rounds, after one of 2 s that is not counted; 3 where not given. */
  readonly rounds?: number
}

/** Accounts that the reserves are spread over; the last round's figure hardly depends on it. */
const ACCOUNTS = 1_000

/** Digits of an account's and of a reserve's number: requests keep their length. */
const ACCOUNT_DIGITS = 4
const RESERVE_DIGITS = 9

/** Measures. Throws where the server does not start or answers anything but 201. */
export async function benchHttp(options: HttpBenchOptions = {}): Promise<BenchResult> {
  const { connections = 64, seconds = 10, rounds = 3 } = options
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
  const server = await startServerProcess(dataDir)
  try {
    await prepareAccounts(server.url)
    const reserves = new Reserves()
    await measure(server.url, connections, 2, reserves)
    const results: autocannon.Result[] = []
    for (let i = 0; i < rounds; i++) {
      results.push(await measure(server.url, connections, seconds, reserves))
    }
    await assertReserved(server.url, results)
    return resultOf(results, connections, seconds)
  } finally {
    await server.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

function resultOf(
  results: readonly autocannon.Result[],
  connections: number,
  seconds: number,
): BenchResult {
  const of = (value: (result: autocannon.Result) => number) => median(results.map(value))
  const rates = results.map((result) => Math.round(result['2xx'] / result.duration))
  return {
    name: 'http',
    commandsPerSecond: median(rates),
    rounds: rates,
    conditions: {
      ...machineConditions(),
      request: 'POST /v1/reservations, one reserve, durable before the reply',
      client: 'autocannon on the same machine',
      connections,
      secondsPerRound: seconds,
      accounts: ACCOUNTS,
      dataDirectory: tmpdir(),
    },
    figures: {
      p50Ms: of((result) => result.latency.p50),
      p99Ms: of((result) => result.latency.p99),
      maxMs: of((result) => result.latency.max),
    },
  }
}

async function prepareAccounts(url: string): Promise<void> {
  const commands: Record<string, unknown>[] = [
    { type: 'open_account', id: 'shop', ledger: 1, external: true },
  ]
  for (let i = 0; i < ACCOUNTS; i++) {
    commands.push({ type: 'open_account', id: buyer(i), ledger: 1, creditLimit: 2 ** 50 })
  }
  const response = await fetch(`${url}/v1/batches`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ commands }),
  })
  if (response.status !== 200) throw new Error(`accounts: ${await response.text()}`)
}

/** Each reply that was counted must stand for a reservation of its own: none was a replay. */
async function assertReserved(url: string, results: readonly autocannon.Result[]): Promise<void> {
  const counted = results.reduce((sum, result) => sum + result['2xx'], 0)
  const response = await fetch(`${url}/v1/audit`)
  const { openReservations } = (await response.json()) as { openReservations: number }
  if (openReservations < counted) {
    throw new Error(`${counted} reserves were answered, and ${openReservations} are open`)
  }
}

function buyer(account: number): string {
  return `buyer-${String(account).padStart(ACCOUNT_DIGITS, '0')}`
}

/** A client as autocannon has it, with the method that its types leave out. */
interface BufferedClient extends autocannon.Client {
  /** The bytes of the request that is sent next. */
  getRequestBuffer(): Buffer
}

/**
 * Every request is another reserve. Building one anew costs autocannon as much as the server needs
 * to answer it, so each connection has one request, in which the digits are changed.
 */
class Reserves {
  readonly body: string
  #next = 0

  constructor() {
    const id = `r-${'0'.repeat(RESERVE_DIGITS)}`
    this.body = `{"id":"${id}","debitAccount":"${buyer(0)}","creditAccount":"shop","amount":10}`
  }

  /** Has `client` send a new reserve each time; the one before was answered by then. */
  attach(client: BufferedClient): void {
    const request = client.getRequestBuffer()
    const id = request.indexOf('"r-') + 3
    const account = request.indexOf('"buyer-') + 7
    client.getRequestBuffer = () => {
      const number = this.#next++
      writeDigits(request, id, RESERVE_DIGITS, number)
      writeDigits(request, account, ACCOUNT_DIGITS, (number * 7_919) % ACCOUNTS)
      return request
    }
  }
}

function writeDigits(target: Buffer, at: number, digits: number, value: number): void {
  let rest = value
  for (let i = at + digits - 1; i >= at; i--) {
    target[i] = 0x30 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}

async function measure(
  url: string,
  connections: number,
  duration: number,
  reserves: Reserves,
): Promise<autocannon.Result> {
  const result = await autocannon({
    url: `${url}/v1/reservations`,
    connections,
    duration,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: reserves.body,
    setupClient: (client) => reserves.attach(client as BufferedClient),
  })
  const bad = result.errors + result.timeouts + result.non2xx
  if (bad > 0) throw new Error(`${bad} requests were not answered with 201`)
  return result
}
