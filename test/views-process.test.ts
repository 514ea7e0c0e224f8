// The views as a process: beside a server under load, killed at random moments, standing still, and the verbs
// that build and check them.

import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { findModules } from '../runtime/index.ts'
import type { ViewsStatus } from '../views/index.ts'
import { viewsPath } from '../views/index.ts'
import {
  runCommand,
  type ServedProcess,
  SMALL,
  startServed,
  statusWhen,
  temporaryDirectory,
} from './support/command-line.ts'
import { generator, makeOrders } from './support/orders.ts'
import { spawnPlain } from './support/plain-process.ts'
import { eventsUntil, get, getLevel, liveEvents } from './support/served-views.ts'
import { dump } from './support/views.ts'

/** Kills of the views' process; `npm run soak` asks for more. */
const ROUNDS = Math.ceil(2.5 * Number(process.env.HOLDFAST_CRASH_ROUNDS ?? 2))

/** Who orders in a round of kills. */
const CUSTOMERS = 1_500

t.setTimeout(120_000 + ROUNDS * 15_000)

const ENTRY = fileURLToPath(new URL('../cli/views-process.js', import.meta.url))

const VIEWED = [...SMALL, '--follower', 'true']

/** What a server says of its views. */
interface Told {
  readonly views: { readonly state: string }
}

/** The views' process of a directory, as a server starts it. */
interface ViewsProcess {
  /** Resolves when it has said so; rejects where it ends before. */
  until(isSo: (status: ViewsStatus) => boolean): Promise<ViewsStatus>
  kill(signal: NodeJS.Signals): Promise<void>
}

function startProcess(dataDir: string): ViewsProcess {
  const settings = { dataDir, archive: 'keep', modules: findModules(['calls']) }
  const command = [process.execPath, ENTRY, JSON.stringify({ settings })]
  const child = spawnPlain(command, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let stderr = ''
  let last: ViewsStatus | undefined
  let isEnded = false
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.on('message', ({ status }: { status: ViewsStatus }) => {
    last = status
  })
  const ended = once(child, 'exit').then(() => {
    isEnded = true
  })
  return {
    async until(isSo) {
      for (const endMs = performance.now() + 90_000; performance.now() < endMs; ) {
        if (last !== undefined && isSo(last)) return last
        if (isEnded) throw new Error(`the views ended: ${stderr}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      throw new Error(`the views last said ${JSON.stringify(last)}`)
    },
    async kill(signal) {
      child.kill(signal)
      await ended
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into replies of every shape.
async function json(t: Test, args: readonly string[]): Promise<any> {
  const ended = await runCommand([...args, '--json'])
  t.equal(ended.exitCode, 0, `${args.join(' ')}: ${ended.stderr}`)
  return JSON.parse(ended.stdout)
}

/** Orders whose payers keep their history; others each time, after the first. */
async function sendOrders(
  server: ServedProcess,
  directory: string,
  customers: number,
  seed: number,
) {
  const file = join(directory, `orders-${seed}.ndjson`)
  const { ndjson } = makeOrders(customers, seed)
  const others = ndjson
    .replaceAll(/"(acct|to|order|salary|pay|cancel)-/g, `"$1-${seed}-`)
    .replaceAll(/("id":"acct-[^}]*)}/g, '$1,"history":true}')
  writeFileSync(file, others)
  const sent = await runCommand(['send', file, '--url', server.url, '--json'])
  rmSync(file)
  return sent
}

async function sequenceOf(server: ServedProcess): Promise<number> {
  const audit = await (await fetch(`${server.url}/v1/audit`)).json()
  return (audit as { sequence: number }).sequence
}

/** The process that keeps the views of `dataDir`. */
function viewsPid(dataDir: string): number | undefined {
  const pid = readdirSync('/proc').find((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8')
      return command.includes('views-process') && command.includes(JSON.stringify(dataDir))
    } catch {
      return false
    }
  })
  return pid === undefined ? undefined : Number(pid)
}

/** Whether every thread of a process gives way to all others: `SCHED_IDLE`, or nice 19 without `chrt`. */
function givesWay(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
    // From the third field on; the second one may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [nice, policy] = [Number(fields[16]), Number(fields[38])]
    return policy === 5 || nice === 19
  })
}

t.test('beside a server: lists, the sequence that is waited for, what status says', async (t) => {
  const directory = temporaryDirectory(t)
  const dataDir = join(directory, 'data')
  const server = await startServed(dataDir, VIEWED)
  t.teardown(() => server.stop('SIGKILL'))
  t.equal((await sendOrders(server, directory, 300, 5)).exitCode, 0)
  const sequence = await sequenceOf(server)
  const page = await getLevel(
    server,
    `/v1/accounts/acct-5-7/history?minSequence=${sequence}&limit=2`,
  )
  t.match(page, {
    status: 200,
    items: [
      { command: 'open_account', balance: 0 },
      { command: 'transfer', held: 0 },
    ],
  })
  t.ok(page.asOf.sequence >= sequence)
  const { views } = await statusWhen<Told>(server, ({ views }) => views.state === 'following')
  t.match(views, { state: 'following', sequence: Number, lagRecords: Number })
  const text = await runCommand(['status', '--url', server.url])
  t.match(text.stdout, /^views +following, sequence [\d,]+, [\d,]+ behind$/m)
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  t.match(metrics, /^holdfast_views_up 1$/m)
  t.match(metrics, /^holdfast_views_lag_records \d+$/m)

  const checked = await json(t, ['views', 'check', '--data-dir', dataDir])
  t.match(checked, { different: 0, rows: { accounts: 601, history: 300 } })
  const rebuilt = await runCommand(['views', 'rebuild', '--data-dir', dataDir])
  t.match(rebuilt, { exitCode: 4, stderr: /keeps its views already\. Stop the server/ })

  const pid = Number(viewsPid(dataDir))
  t.ok(givesWay(pid))
  process.kill(pid, 'SIGSTOP')
  t.equal((await sendOrders(server, directory, 200, 6)).exitCode, 0, 'the server does not notice')
  const made = await json(t, ['snapshot', '--data-dir', dataDir])
  t.equal(made.sequence, await sequenceOf(server), 'snapshots do not notice')
  const behind = await get(server, `/v1/accounts/acct-5-7/history?minSequence=${made.sequence}`)
  t.match(behind, { status: 503, code: 'view_behind', retryable: true })
  process.kill(pid, 'SIGKILL')
  const again = await getLevel(server, `/v1/accounts/acct-6-7/history?minSequence=${made.sequence}`)
  t.match(again, { status: 200 }, 'started again, and level')
  t.not(viewsPid(dataDir), pid)

  const startMs = performance.now()
  const ended = await server.stop('SIGTERM')
  t.match(ended, { exitCode: 0, stderr: /the views' process is gone \(it ended with SIGKILL\)/ })
  t.ok(performance.now() - startMs < 5_000)
  t.equal(viewsPid(dataDir), undefined)
  t.equal((await runCommand(['verify', '--data-dir', dataDir])).exitCode, 0)
})

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** What the views have stored; 0 before there are any. */
function storedIn(dataDir: string): number {
  if (!existsSync(viewsPath(dataDir))) return 0
  const database = new Database(viewsPath(dataDir), { readonly: true })
  try {
    return database.prepare('SELECT sequence FROM meta').pluck().get() as number
  } catch {
    // Made, and without tables yet.
    return 0
  } finally {
    database.close()
  }
}

t.test(`${ROUNDS} kills under load: nothing is left out, nothing is stored twice`, async (t) => {
  const directory = temporaryDirectory(t)
  const dataDir = join(directory, 'data')
  // Each round opens accounts of its own, and two for each customer.
  const accountsMax = String(Math.max(65_536, 2 * ROUNDS * (CUSTOMERS + 1)))
  const server = await startServed(dataDir, [...SMALL, '--accounts-max', accountsMax])
  t.teardown(() => server.stop('SIGKILL'))
  const seed = Date.now() % 1_000_000
  t.comment(`moments from seed ${seed}`)
  const next = generator(seed)
  let within = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const before = storedIn(dataDir)
    const sent = sendOrders(server, directory, CUSTOMERS, 100 + round)
    const views = startProcess(dataDir)
    while (storedIn(dataDir) <= before) await pause(2)
    // The moment is what is tested, so there is no event to wait for.
    await pause(next() % 200)
    await views.kill('SIGKILL')
    t.equal((await sent).exitCode, 0, 'the server does not notice')
    const sequence = storedIn(dataDir)
    if (sequence < (await sequenceOf(server))) within++
    const checked = await json(t, ['views', 'check', '--data-dir', dataDir])
    t.match(checked, { sequence, different: 0 })
  }
  t.comment(`${within} of ${ROUNDS} kills came while there was more to store`)
  t.equal((await server.stop('SIGTERM')).exitCode, 0)
  const views = startProcess(dataDir)
  await views.until(({ state, isLevel }) => state === 'following' && isLevel)
  await views.kill('SIGTERM')
  const afterKills = dump(dataDir)
  const rebuilt = await json(t, ['views', 'rebuild', '--data-dir', dataDir])
  t.ok(rebuilt.recordsPerSecond > 0)
  t.same(dump(dataDir), afterKills, 'what a build without a kill comes to')
})

t.test('calls: records, events, the accounts of a module, and what its timers did', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  const server = await startServed(dataDir, VIEWED, { environment: { HOLDFAST_TEST_CLOCK: '1' } })
  t.teardown(() => server.stop('SIGKILL'))
  const ask = async (method: string, path: string, body: object): Promise<void> => {
    const headers = { 'content-type': 'application/json' }
    const init = { method, headers, body: JSON.stringify(body) }
    const reply = await fetch(`${server.url}${path}`, init)
    if (!reply.ok) t.fail(`${method} ${path}: ${reply.status} ${await reply.text()}`)
  }
  const tariff = { prefix: '49', ratePerMinute: 6_000, initialIncrement: 30, increment: 6 }
  const call = { customerId: 'acme', destination: '4930123', mode: 'max', maxSeconds: 60 }
  await ask('POST', '/v1/customers', { id: 'acme', currency: 'EUR', lowBalance: 20_000 })
  await ask('POST', '/v1/customers/acme/topups', { id: 't1', amount: 25_000 })
  await ask('PUT', '/v1/tariffs/de', tariff)
  await ask('POST', '/v1/calls', { callId: 'c1', ...call })
  await ask('POST', '/v1/calls/c1/answer', {})
  await ask('POST', '/v1/calls/c1/end', { durationSeconds: 32 })
  await ask('POST', '/v1/calls', { callId: 'c2', ...call })
  await ask('POST', '/v1/test/clock', { advanceMs: 130_000 })
  const sequence = await sequenceOf(server)
  const records = await getLevel(server, `/v1/call-records?customerId=acme&minSequence=${sequence}`)
  t.match(records, {
    status: 200,
    items: [{ callId: 'c1' }, { callId: 'c2' }],
    next: null,
  })
  const account = encodeURIComponent('calls/customer/acme')
  const reservations = await get(server, `/v1/accounts/${account}/reservations`)
  t.match(
    reservations.items.map(({ id, state }: { id: string; state: string }) => `${id} ${state}`),
    [/^calls\/call\/\d+ settled$/, /^calls\/call\/\d+ released$/],
  )
  const history = await get(server, `/v1/accounts/${account}/history`)
  t.same(
    history.items.map(({ command }: { command: string }) => command),
    ['calls/add_customer', 'calls/top_up', 'calls/start', 'calls/end', 'calls/start', 'timer'],
  )
  t.match(history.items.at(-1), { balance: 25_000 - 3_600, held: 0 })
  const text = await eventsUntil(server, (text) => text.includes('call.expired'))
  t.match(text, /^id: ?\d+\.\d+$/m)
  const checked = await json(t, ['views', 'check', '--data-dir', dataDir])
  t.match(checked, { different: 0, rows: { history: Number, reservations: 2 } })
  t.ok(Object.keys(checked.rows).some((table) => table.startsWith('calls.')))
  t.equal((await server.stop('SIGTERM')).exitCode, 0)
  const before = dump(dataDir)
  await json(t, ['views', 'rebuild', '--data-dir', dataDir])
  t.same(dump(dataDir), before)
})

t.test('more events at once than a page holds: whoever listens has each of them', async (t) => {
  const environment = { HOLDFAST_TEST_CLOCK: '1' }
  const server = await startServed(join(temporaryDirectory(t), 'data'), VIEWED, { environment })
  t.teardown(() => server.stop('SIGKILL'))
  const post = async (path: string, body: object): Promise<void> => {
    const headers = { 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    const reply = await fetch(`${server.url}/v1/${path}`, init)
    if (!reply.ok) t.fail(`${path}: ${reply.status} ${await reply.text()}`)
  }
  const call = { customerId: 'acme', destination: '4930123', mode: 'max', maxSeconds: 60 }
  const started = Array.from({ length: 500 }, (_, n) => ({ ...call, callId: `c${n}` }))
  const tariff = { prefix: '49', ratePerMinute: 60, initialIncrement: 1, increment: 1 }
  await post('customers', { id: 'acme', currency: 'EUR' })
  await post('customers/acme/topups', { id: 't1', amount: 1_000_000 })
  const put = { type: 'calls.put_tariff', id: 'put', input: { tariffId: 'de', ...tariff } }
  const starts = started.map((input, n) => ({ type: 'calls.start', id: `s${n}`, input }))
  await post('batches', { commands: [put, ...starts] })
  const expired = (text: string): number => text.match(/^event: call\.expired$/gm)?.length ?? 0
  const hasAll = (text: string): boolean => expired(text) === 500
  // It listens before they happen, and has no past to read.
  const live = await liveEvents(server)
  await post('test/clock', { advanceMs: 130_000 })
  for (const text of [await live.until(hasAll), await eventsUntil(server, hasAll)]) {
    const ids = text.match(/^id: \d+\.\d+$/gm) ?? []
    t.equal(new Set(ids).size, ids.length, 'each once')
  }
  t.equal((await server.stop('SIGTERM')).exitCode, 0)
})

t.test('the verbs: what they find, and where they refuse', async (t) => {
  const directory = temporaryDirectory(t)
  const dataDir = join(directory, 'data')
  const server = await startServed(dataDir)
  t.teardown(() => server.stop('SIGKILL'))
  t.equal((await sendOrders(server, directory, 50, 3)).exitCode, 0)
  t.match(await get(server, '/v1/accounts/bank/history'), { status: 503 })
  t.equal((await server.stop('SIGTERM')).exitCode, 0)
  const none = await runCommand(['views', 'check', '--data-dir', dataDir])
  t.match(none, { exitCode: 1, stderr: /cannot be read: run holdfast views rebuild/ })
  const built = await runCommand(['views', 'rebuild', '--data-dir', dataDir])
  t.match(built, { exitCode: 0, stdout: /^built up to sequence \d+ in / })
  const database = new Database(viewsPath(dataDir))
  database.exec("UPDATE accounts SET name = 'mallory' WHERE name = 'acct-3-7'")
  database.close()
  const found = await runCommand(['views', 'check', '--data-dir', dataDir])
  t.match(found, {
    exitCode: 3,
    stdout: /1 difference$/m,
    stderr: /accounts acct-3-7: name is "mal/,
  })

  const without = await startServed(dataDir, [...VIEWED, '--views', 'false'])
  t.teardown(() => without.stop('SIGKILL'))
  t.match(await get(without, '/v1/status'), { views: { state: 'off' } })
  t.match(await get(without, '/v1/accounts/bank/history'), { status: 503 })
  t.equal(viewsPid(dataDir), undefined)
  t.equal((await without.stop('SIGTERM')).exitCode, 0)

  const wrong = await runCommand(['views', 'rebuild', '--data-dir', join(directory, 'nowhere')])
  t.equal(wrong.exitCode, 1, wrong.stderr)
})
