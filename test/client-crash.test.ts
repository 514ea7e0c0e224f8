// kill -9 under load, seen from clients: a server that is killed and started again while four clients
// go on by themselves, and a process with an engine of its own. Nothing acknowledged is lost, nothing
// happens twice, and every call gets its answer.

import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { type Command, connect, type Holdfast, type HoldfastStatus } from '../client/index.ts'
import { open } from '../runtime/index.ts'
import { SMALL, startServed, temporaryDirectory } from './support/command-line.ts'
import { freePort } from './support/free-port.ts'
import { SCRIPT_CAPACITIES } from './support/holdfast-script.ts'
import { generator } from './support/orders.ts'
import { spawnPlain } from './support/plain-process.ts'

/** Kills; `npm run soak` asks for more. */
const ROUNDS = Number(process.env.HOLDFAST_CRASH_ROUNDS ?? 3)

const CLIENTS = 4
const COMMANDS_A_CALL = 200

/** Longest time between two kills, in ms, beside what a start takes. */
const KILL_AFTER_MS_MAX = 400

const EMBEDDED = fileURLToPath(new URL('./support/embedded-process.js', import.meta.url))

/** As much as there may be in the segments of a test. */
const OPTIONS = {
  capacities: { ...SCRIPT_CAPACITIES, outcomesMax: 262_144 },
  segmentBytes: 4_194_304,
}

t.setTimeout(60_000 + ROUNDS * 15_000)

/** A client that calls without a pause until it is told to stop. */
interface Worker {
  readonly account: string
  readonly hf: Holdfast
  readonly losses: HoldfastStatus[]
  /** Transfers that were answered `ok`. */
  answered: number
  replayed: number
  done: Promise<void>
}

async function startWorker(url: string, account: string, isOver: () => boolean): Promise<Worker> {
  const losses: HoldfastStatus[] = []
  const onWait = (status: HoldfastStatus): void => {
    if (status.waitsFor === 'connection') losses.push(status)
  }
  const hf = await connect(url, { timeoutMs: 60_000, retryMs: 60_000, onWait })
  const worker: Worker = { account, hf, losses, answered: 0, replayed: 0, done: Promise.resolve() }
  worker.done = work(worker, isOver)
  return worker
}

async function work(worker: Worker, isOver: () => boolean): Promise<void> {
  const { hf, account } = worker
  const move = { debitAccount: 'bank', creditAccount: account, amount: 1 }
  while (!isOver()) {
    const commands = Array.from(
      { length: COMMANDS_A_CALL },
      (): Command => ({ type: 'transfer', ...move }),
    )
    const [many, single, chain] = await Promise.all([
      hf.submit(commands),
      hf.transfer(move),
      hf.submit(commands.slice(0, 3), { linked: true }),
    ])
    for (const { code, replayed } of [...many, single, ...chain]) {
      if (code !== 'ok') throw new Error(`a transfer was answered ${code}`)
      worker.answered++
      if (replayed) worker.replayed++
    }
  }
}

t.test(`${ROUNDS} kills of a server under ${CLIENTS} clients`, async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  const args = [...SMALL, '--listen', `127.0.0.1:${await freePort()}`]
  let server = await startServed(dataDir, args)
  t.teardown(() => server.stop('SIGKILL'))
  const { url } = server
  const first = await connect(url)
  await first.openAccount({ id: 'bank', ledger: 1, external: true })
  const names = Array.from({ length: CLIENTS }, (_, i) => `client ${i}`)
  for (const id of names) await first.openAccount({ id, ledger: 1 })
  await first.close()

  let isOver = false
  const workers = await Promise.all(names.map((name) => startWorker(url, name, () => isOver)))
  const seed = Date.now() % 1_000_000
  t.comment(`moments from seed ${seed}`)
  const next = generator(seed)
  for (let round = 1; round <= ROUNDS; round++) {
    // The moment is what is tested, so there is no event to wait for.
    await new Promise((resolve) => setTimeout(resolve, 100 + (next() % KILL_AFTER_MS_MAX)))
    await server.stop('SIGKILL')
    server = await startServed(dataDir, args)
  }
  isOver = true
  await Promise.all(workers.map(({ done }) => done))

  const look = await connect(url)
  let total = 0
  for (const { account, answered, losses, hf } of workers) {
    const found = await look.account(account)
    t.match(found, { code: 'ok', balance: answered }, `${account}: none lost, none twice`)
    t.ok(losses.length > 0 && answered > 0, `${account} was told of a loss, and went on`)
    t.match(hf.status(), { inFlight: 0, waiting: 0 })
    total += answered
    await hf.close()
  }
  t.match(await look.audit(), { code: 'ok', ledgers: [{ turnover: String(total) }] })
  t.ok(workers.some(({ replayed }) => replayed > 0) || ROUNDS < 10, 'some answers came by a retry')
  t.comment(
    `${total} transfers, ${workers.reduce((sum, { replayed }) => sum + replayed, 0)} replayed`,
  )
  await look.close()
})

t.test('an engine that is closed at any moment', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  const given = new AbortController()
  given.abort()
  t.match(await errorOf(open({ dataDir, ...OPTIONS, signal: given.signal })), {
    name: 'StartAborted',
  })
  let acknowledged = 0
  for (let round = 0; round < 4; round++) {
    const hf = await open({ dataDir, ...OPTIONS })
    t.match(await errorOf(open({ dataDir, ...OPTIONS })), { name: 'DirectoryInUse' })
    await hf.openAccount({ id: 'bank', ledger: 1, external: true })
    await hf.openAccount({ id: 'a', ledger: 1 })
    const calls = Array.from({ length: 50 }, () => hf.submit(moves(40)))
    if (round > 0) await calls[round]
    const [ended] = await Promise.all([Promise.allSettled(calls), hf.close(), hf.close()])
    for (const call of ended) {
      if (call.status === 'fulfilled') acknowledged += call.value.length
      else t.match(call.reason, { name: 'HoldfastClosed' })
    }
    await t.rejects(hf.audit(), { name: 'HoldfastClosed' })
  }
  t.equal(acknowledged, 4 * 50 * 40, 'what was in flight was answered')
  const hf = await open({ dataDir, ...OPTIONS })
  t.match(await hf.account('a'), { balance: acknowledged })
  await hf.close()
  for (const [options, error] of BAD_OPTIONS) {
    t.match(await errorOf(open({ dataDir, ...options } as never)), error)
  }
})

const BAD_OPTIONS: readonly (readonly [object, object])[] = [
  [{ dataDir: '' }, { name: 'TypeError', message: /^dataDir/ }],
  [{ segmentBytes: 5 }, { name: 'RangeError', message: /^segmentBytes/ }],
  [{ capacities: { accountMax: 5 } }, { name: 'TypeError', message: /^capacities.accountMax/ }],
  [{ capacities: { accountsMax: 0 } }, { name: 'RangeError', message: /^capacities.accountsMax/ }],
  [{ timeoutMs: 0 }, { name: 'RangeError', message: /^timeoutMs/ }],
]

function moves(count: number): Command[] {
  return Array.from({ length: count }, () => ({
    type: 'transfer',
    debitAccount: 'bank',
    creditAccount: 'a',
    amount: 1,
  }))
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'fulfilled',
    (error: unknown) => error,
  )
}

t.test('a process with an engine of its own: killed, and ended without a close', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  let acknowledged = await untilKilled(t, dataDir)
  acknowledged = Math.max(acknowledged, await untilKilled(t, dataDir))
  const child = spawnPlain([process.execPath, EMBEDDED, dataDir, 'idle'], { stdio: 'pipe' })
  const [exitCode] = await once(child, 'exit')
  t.equal(exitCode, 0, 'an idle engine does not keep its process')
  const hf = await open({ dataDir, ...OPTIONS })
  const found = await hf.account('a')
  if (found.code !== 'ok') throw new Error(found.code)
  t.ok(found.balance >= acknowledged, `${found.balance} of at least ${acknowledged}`)
  t.ok(acknowledged > 0)
  await hf.close()
})

/** Runs a process that counts what it was acknowledged, and kills it; gives back the count. */
async function untilKilled(t: Test, dataDir: string): Promise<number> {
  const child = spawnPlain([process.execPath, EMBEDDED, dataDir, 'load'], { stdio: 'pipe' })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  let balance = 0
  let seen = 0
  for await (const line of lines) {
    balance = Number(line)
    if (++seen === 20) child.kill('SIGKILL')
  }
  return balance
}
