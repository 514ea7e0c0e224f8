// kill -9 of the server at random moments while orders are sent. After each one it recovers, the
// journal verifies, the orders are sent again; in the end nothing is lost and nothing happened twice.
// And SIGTERM before the server serves: recovery is given up, and nothing is lost by that either.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runCommand, SMALL, startServed, temporaryDirectory } from './support/command-line.ts'
import { generator, makeOrders, totalsOf } from './support/orders.ts'

/** Kills; `npm run soak` asks for more. */
const ROUNDS = Number(process.env.HOLDFAST_CRASH_ROUNDS ?? 5)

/** Longest time from the first command to the kill, in ms: about what sending all takes. */
const KILL_AFTER_MS_MAX = 700

t.setTimeout(60_000 + ROUNDS * 15_000)

t.test(`${ROUNDS} kills during a send`, async (t) => {
  const { ndjson, expected } = makeOrders(3_000, 9)
  const directory = temporaryDirectory(t)
  const dataDir = join(directory, 'data')
  const file = join(directory, 'orders.ndjson')
  writeFileSync(file, ndjson)
  const seed = Date.now() % 1_000_000
  t.comment(`moments from seed ${seed}`)
  const next = generator(seed)
  let cut = 0
  let lastSequence = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const server = await startServed(dataDir)
    const sent = runCommand(['send', file, '--url', server.url, '--json'])
    // The moment is what is tested, so there is no event to wait for.
    await new Promise((resolve) => setTimeout(resolve, next() % KILL_AFTER_MS_MAX))
    const killed = await server.stop('SIGKILL')
    t.equal(killed.signal, 'SIGKILL')
    if ((await sent).exitCode !== 0) cut++
    const verified = await runCommand(['verify', '--data-dir', dataDir, '--json'])
    t.equal(verified.exitCode, 0, `round ${round} verifies: ${verified.stderr}`)
    const { sequence } = JSON.parse(verified.stdout)
    t.ok(sequence >= lastSequence, `round ${round}: nothing that was there is gone`)
    lastSequence = sequence
  }
  t.ok(cut > 0, `${cut} of ${ROUNDS} kills cut a send short`)

  const server = await startServed(dataDir)
  t.teardown(() => server.stop('SIGKILL'))
  const last = await runCommand(['send', file, '--url', server.url, '--json'])
  t.equal(last.exitCode, 0, last.stderr)
  t.strictSame(totalsOf(JSON.parse(last.stdout).totals), expected, 'the totals are the same')
  const audit = await (await fetch(`${server.url}/v1/audit`)).json()
  t.match(audit, {
    accounts: expected.accounts,
    openReservations: 0,
    ledgers: [{ held: 0, turnover: String(expected.toppedUp + expected.paidOut) }],
  })
  t.equal((await server.stop('SIGTERM')).exitCode, 0)
  const replayed = await runCommand(['replay', '--data-dir', dataDir, '--json'])
  t.equal(JSON.parse(replayed.stdout).digest, (audit as { digest: string }).digest)
  t.equal((await runCommand(['verify', '--data-dir', dataDir])).exitCode, 0)
})

/** Run by Node before the command: the signal comes as soon as there is somebody to hear it. */
const SIGTERM_AT_ONCE =
  "process.on('newListener',n=>n==='SIGTERM'&&setImmediate(()=>process.kill(process.pid,n)))"

t.test('SIGTERM while the server recovers', async (t) => {
  const directory = temporaryDirectory(t)
  const dataDir = join(directory, 'data')
  const file = join(directory, 'orders.ndjson')
  writeFileSync(file, makeOrders(3_000, 9).ndjson)
  const first = await startServed(dataDir)
  t.equal((await runCommand(['send', file, '--url', first.url])).exitCode, 0)
  const audit = await (await fetch(`${first.url}/v1/audit`)).json()
  await first.stop('SIGKILL')

  const serve = ['serve', '--data-dir', dataDir, '--listen', '127.0.0.1:0', ...SMALL]
  const preload = SIGTERM_AT_ONCE.replaceAll(' ', '%20')
  const environment = { NODE_OPTIONS: `--import=data:text/javascript,${preload}` }
  const given = await runCommand(serve, { environment })
  t.equal(given.exitCode, 0, given.stderr)
  t.match(given.stderr, /SIGTERM: the start was given up/)
  t.match(given.stdout, /^data /m)
  t.notMatch(given.stdout, /^serving/m, 'it never served')

  const second = await startServed(dataDir)
  const { digest } = audit as { digest: string }
  t.match(await (await fetch(`${second.url}/v1/audit`)).json(), { digest }, 'all is there')
  t.equal((await second.stop('SIGTERM')).exitCode, 0)
})
