// The follower as a process: beside a server under load, killed at random moments, ended with its
// server, stopped by damage; and the verbs that speak to it.

import { ChildProcess } from 'node:child_process'
import {
  existsSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FollowerChild } from '../cli/follower-child.ts'
import { askFollower, controlPath, type FollowerStatus } from '../follower/index.ts'
import { FileStorage } from '../journal/index.ts'
import {
  runCommand,
  type ServedProcess,
  SMALL,
  startFollowing,
  startServed,
  statusWhen,
  temporaryDirectory,
} from './support/command-line.ts'
import { openPlainJournal } from './support/follower.ts'
import { generator, makeOrders } from './support/orders.ts'

/** Kills of a follower; `npm run soak` asks for more. */
const ROUNDS = Math.ceil(2.5 * Number(process.env.HOLDFAST_CRASH_ROUNDS ?? 2))

t.setTimeout(120_000 + ROUNDS * 15_000)

const FOLLOWED = [...SMALL, '--follower', 'true', '--snapshot-every-records', '1000']

/** The server journals its digest after so many frames. */
const CHECKPOINT_FRAMES = 64

type Told = FollowerStatus & { readonly pid: number }

/** What the follower of `dataDir` says, when it says so; rejects where it does not within 90 s. */
async function until(dataDir: string, isSo: (status: Told) => boolean): Promise<Told> {
  const path = String(controlPath(dataDir))
  let status: Told | undefined
  for (const endMs = performance.now() + 90_000; performance.now() < endMs; ) {
    status = (await askFollower(path, 'status').catch(() => undefined)) as Told | undefined
    if (status !== undefined && isSo(status)) return status
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`the follower last said ${JSON.stringify(status)}`)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Resolves when the process is gone; how long that took, in ms. */
async function gone(pid: number): Promise<number> {
  const startMs = performance.now()
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10))
  return performance.now() - startMs
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into replies of every shape.
async function json(t: Test, args: readonly string[]): Promise<any> {
  const ended = await runCommand([...args, '--json'])
  t.equal(ended.exitCode, 0, `${args[0]}: ${ended.stderr}`)
  return JSON.parse(ended.stdout)
}

async function sendOrders(
  server: ServedProcess,
  directory: string,
  customers: number,
  seed: number,
) {
  const file = join(directory, `orders-${customers}-${seed}.ndjson`)
  if (!existsSync(file)) writeFileSync(file, makeOrders(customers, seed).ndjson)
  return runCommand(['send', file, '--url', server.url, '--json'])
}

/** So many frames, each of one transfer between accounts of the orders. */
async function sendFrames(server: ServedProcess, frames: number): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  for (let n = 0; n < frames; n++) {
    const move = { id: `one-${n}`, debitAccount: 'bank', creditAccount: 'acct-0', amount: 1 }
    const init = { method: 'POST', headers, body: JSON.stringify(move) }
    const { status } = await fetch(`${server.url}/v1/transfers`, init)
    if (status !== 201) throw new Error(`a transfer answered ${status}`)
  }
}

t.test('beside a server: it follows, makes snapshots, and ends with it', async (t) => {
  const directory = temporaryDirectory(t)
  const dataDir = join(directory, 'data')
  const server = await startServed(dataDir, FOLLOWED)
  t.teardown(() => server.stop('SIGKILL'))
  t.equal((await sendOrders(server, directory, 1_000, 5)).exitCode, 0)
  await sendFrames(server, CHECKPOINT_FRAMES + 5)
  const made = await json(t, ['snapshot', '--data-dir', dataDir])
  const audit = await (await fetch(`${server.url}/v1/audit`)).json()
  t.equal(made.sequence, (audit as { sequence: number }).sequence, 'all that was acknowledged')
  const replayed = await json(t, ['replay', '--data-dir', dataDir, '--from-start'])
  t.equal(replayed.stateDigest, made.stateDigest)
  const { pid } = await until(dataDir, ({ checkpoints }) => checkpoints > 0)
  t.equal(statSync(join(dataDir, 'follower.sock')).mode & 0o777, 0o600)

  const told = await until(dataDir, ({ isLevel }) => isLevel)
  t.match(told, { pid, state: 'following', behind: 0, snapshot: { sequence: made.sequence } })
  const text = await runCommand(['status', '--url', server.url])
  t.equal(text.exitCode, 0, text.stderr)
  for (const head of [
    'state +serving',
    'sequence +[\\d,]+ at',
    'memory',
    'journal',
    'follower +follow',
  ]) {
    t.match(text.stdout, new RegExp(`^${head}`, 'm'))
  }
  const status = await statusWhen<{ follower: { state: string } }>(
    server,
    ({ follower }) => follower.state === 'following',
  )
  const { sequence, digest } = audit as { sequence: number; digest: string }
  t.match(status, { state: 'serving', sequence, digest, storageLow: false })
  t.match(status.follower, { state: 'following', lagRecords: Number })

  const killed = await server.stop('SIGKILL')
  t.equal(killed.signal, 'SIGKILL')
  t.ok((await gone(pid)) < 3_000, 'kill -9 of the server is the end of its follower')

  const again = await startServed(dataDir, FOLLOWED)
  t.teardown(() => again.stop('SIGKILL'))
  t.match(again.banner, /^recovered +sequence [\d,]+: snapshot at [\d,]+, then \d+ frames?, /m)
  t.match(await (await fetch(`${again.url}/v1/audit`)).json(), { digest })
  const second = await until(dataDir, ({ state }) => state === 'following')
  process.kill(second.pid, 'SIGSTOP')
  const startMs = performance.now()
  t.match(await again.stop('SIGTERM'), { exitCode: 0, stderr: /sealed/ })
  t.ok(performance.now() - startMs < 5_000, 'a follower that stands still does not hold it up')
  t.ok((await gone(second.pid)) < 1_000)
  t.equal((await runCommand(['verify', '--data-dir', dataDir])).exitCode, 0)
})

t.test('a follower that dies is started again; one that finds damage is not', async (t) => {
  const directory = temporaryDirectory(t)
  const dataDir = join(directory, 'data')
  const calm = FOLLOWED.map((arg) => (arg === '1000' ? '1000000' : arg))
  const server = await startServed(dataDir, calm)
  t.teardown(() => server.stop('SIGKILL'))
  t.equal((await sendOrders(server, directory, 500, 5)).exitCode, 0)
  const first = await until(dataDir, ({ isLevel }) => isLevel)
  process.kill(first.pid, 'SIGKILL')
  const second = await until(dataDir, ({ pid, isLevel }) => pid !== first.pid && isLevel)
  t.equal(second.sequence, first.sequence)

  // It has no snapshot: when it is started again, it reads this frame, which the server has read.
  const [name = ''] = readdirSync(join(dataDir, 'journal')).filter((one) => /segment$/.test(one))
  flipBit(join(dataDir, 'journal', name), 2 * 4_096 + 200)
  process.kill(second.pid, 'SIGKILL')
  const followerState = async (): Promise<string> => {
    const reply = await fetch(`${server.url}/v1/status`)
    return ((await reply.json()) as { follower: { state: string } }).follower.state
  }
  while ((await followerState()) !== 'stopped')
    await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal((await sendOrders(server, directory, 50, 6)).exitCode, 0, 'the server goes on')
  const ended = await server.stop('SIGTERM')
  t.equal(ended.exitCode, 0)
  t.match(
    ended.stderr,
    /the follower is gone \(it ended with SIGKILL\); it is started again in 1 s/,
  )
  t.match(ended.stderr, /follower: the journal is damaged in \S+ at offset 8192/)
  t.match(ended.stderr, /THE FOLLOWER FOUND DAMAGE and is not started again/)
})

t.test('a signal that cannot be sent is not the end of a follower', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'none')
  const settings = {
    snapshotEveryRecords: 1e9,
    modules: [],
    snapshotEverySeconds: 300,
    archive: 'keep',
    views: false,
  } as const
  const prototype = ChildProcess.prototype as ChildProcess & { spawn(how: object): number }
  const { spawn } = prototype
  const { execPath } = process
  let child: ChildProcess | undefined
  prototype.spawn = function (how) {
    child = this
    return spawn.call(this, how)
  }
  t.teardown(() => {
    prototype.spawn = spawn
    process.execPath = execPath
  })
  const start = () => {
    const states: string[] = []
    const messages: string[] = []
    const follower = new FollowerChild(
      { dataDir, ...settings },
      {
        onMessage: (sentence) => messages.push(sentence),
        onHealth: ({ state }) => states.push(state),
      },
    )
    return { follower, states, messages }
  }
  const running = start()
  const pid = child?.pid
  child?.emit('error', new Error('kill EPERM'))
  t.same(running.states, ['running'], 'there is one, and no other one is started')
  t.same(running.messages, [`the follower, process ${pid}: kill EPERM`])
  await running.follower.stop()
  t.notOk(isAlive(Number(pid)))

  process.execPath = join(dataDir, 'no-such-program')
  const none = start()
  while (none.messages.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  t.same(none.states, ['running', 'waiting'])
  t.match(none.messages, [/the follower is gone \(spawn .*ENOENT\); it is started again in 1 s/])
  await none.follower.stop()
})

function flipBit(path: string, offset: number): void {
  const descriptor = openSync(path, 'r+')
  const byte = new Uint8Array(1)
  readSync(descriptor, byte, 0, 1, offset)
  byte[0] = (byte[0] as number) ^ 1
  writeSync(descriptor, byte, 0, 1, offset)
}

t.test(`${ROUNDS} kills of a follower, within snapshots too`, async (t) => {
  const directory = temporaryDirectory(t)
  const dataDir = join(directory, 'data')
  const server = await startServed(dataDir)
  t.teardown(() => server.stop('SIGKILL'))
  const seed = Date.now() % 1_000_000
  t.comment(`moments from seed ${seed}`)
  const next = generator(seed)
  const args = ['--snapshot-every-records', '200', '--archive', 'keep']
  // A state that takes some time to write.
  t.equal((await sendOrders(server, directory, 3_000, 99)).exitCode, 0)
  let within = 0
  let lastSequence = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const sent = sendOrders(server, directory, 400, 100 + round)
    const follower = await startFollowing(dataDir, args)
    // The moment is what is tested, so there is no event to wait for.
    await new Promise((resolve) => setTimeout(resolve, next() % 700))
    t.equal((await follower.stop('SIGKILL')).signal, 'SIGKILL')
    if (namesIn(dataDir).some((name) => !name.endsWith('.snapshot'))) within++
    t.equal((await sent).exitCode, 0, 'the server does not notice')
    await checkSnapshots(t, dataDir)
    const newest = Math.max(0, ...snapshotSequences(dataDir))
    t.ok(newest >= lastSequence, 'what there was is there')
    lastSequence = newest
  }
  t.comment(`${within} of ${ROUNDS} kills left a snapshot half written`)
  const follower = await startFollowing(dataDir, args)
  const made = await json(t, ['snapshot', '--data-dir', dataDir])
  const replayed = await json(t, ['replay', '--data-dir', dataDir, '--from-start'])
  t.equal(made.sequence, replayed.sequence)
  t.equal(made.stateDigest, replayed.stateDigest)
  t.equal((await follower.stop('SIGTERM')).exitCode, 0)
  t.same(
    namesIn(dataDir).filter((name) => !name.endsWith('.snapshot')),
    [],
    'nothing half written is left',
  )
  const audit = await (await fetch(`${server.url}/v1/audit`)).json()
  t.equal((await server.stop('SIGTERM')).exitCode, 0)
  const again = await startServed(dataDir)
  t.teardown(() => again.stop('SIGKILL'))
  t.match(again.banner, /snapshot at/)
  const { digest } = audit as { digest: string }
  t.match(await (await fetch(`${again.url}/v1/audit`)).json(), { digest })
})

/** What lies among the snapshots; nothing, before the first. */
function namesIn(dataDir: string): string[] {
  return new FileStorage(join(dataDir, 'snapshots')).names()
}

function snapshotSequences(dataDir: string): number[] {
  return namesIn(dataDir)
    .filter((name) => name.endsWith('.snapshot'))
    .map((name) => Number.parseInt(name, 10))
}

/** Verify holds every snapshot against a replay. */
async function checkSnapshots(t: Test, dataDir: string): Promise<void> {
  const verified = await runCommand(['verify', '--data-dir', dataDir])
  t.equal(verified.exitCode, 0, verified.stderr)
}

t.test('the verbs where there is nothing to speak to', async (t) => {
  const directory = temporaryDirectory(t)
  const dataDir = join(directory, 'data')
  const server = await startServed(dataDir)
  t.teardown(() => server.stop('SIGKILL'))
  t.equal((await sendOrders(server, directory, 100, 7)).exitCode, 0)
  const alone = await runCommand(['snapshot', '--data-dir', dataDir])
  t.match(alone, { exitCode: 4, stderr: /a server runs on it without a follower/ })

  const follower = await startFollowing(dataDir)
  const second = await runCommand(['follow', '--data-dir', dataDir])
  t.match(second, { exitCode: 4, stderr: /has a follower already/ })
  const asked = await runCommand(['snapshot', '--data-dir', dataDir])
  t.match(asked, { exitCode: 0, stdout: /^sequence +\d[\s\S]*^stateDigest +[0-9a-f]{32}$/m })
  t.equal((await server.stop('SIGTERM')).exitCode, 0)
  const beside = await json(t, ['snapshot', '--data-dir', dataDir])
  t.equal((await follower.stop('SIGTERM')).exitCode, 0)
  const offline = await json(t, ['snapshot', '--data-dir', dataDir])
  t.equal(offline.stateDigest, beside.stateDigest, 'nothing came in between')

  const refused = await runCommand(['status', '--url', server.url])
  t.match(refused, { exitCode: 1, stderr: /does not answer \(ECONNREFUSED\)/ })
  const key = 'a-key-of-16-characters-or-more'
  const keyed = await startServed(dataDir, SMALL, { environment: { HOLDFAST_KEYS: key } })
  t.teardown(() => keyed.stop('SIGKILL'))
  const stranger = await runCommand(['status', '--url', keyed.url])
  t.match(stranger, { exitCode: 1, stderr: /answered 401: name the key/ })
  const known = await runCommand(['status', '--url', keyed.url, '--key', key, '--json'])
  t.match(JSON.parse(known.stdout), { state: 'serving', follower: { state: 'off' } })
})

t.test('a journal that says something else ends it with 3', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  const journal = openPlainJournal(dataDir)
  journal.trade(5)
  const { sequence } = journal.writer
  journal.append([{ type: 'checkpoint', sequence }])
  journal.writer.seal({ shutdown: true })
  journal.close()
  const follower = await runCommand(['follow', '--data-dir', dataDir])
  t.equal(follower.exitCode, 3)
  t.match(follower.stderr, /the outcomes differ from those that were journaled \(sequence \d+\)/)
})

t.test('without its first segments and without a snapshot nothing starts', async (t) => {
  const directory = temporaryDirectory(t)
  const dataDir = join(directory, 'data')
  const journal = openPlainJournal(dataDir, 1_048_576)
  for (let i = 0; i < 3; i++) {
    journal.trade(300)
    journal.writer.seal({ shutdown: false })
    t.equal((await runCommand(['snapshot', '--data-dir', dataDir])).exitCode, 0)
  }
  journal.close()
  t.ok(readdirSync(join(dataDir, 'archive')).length > 0)
  const replayed = await json(t, ['replay', '--data-dir', dataDir, '--from-start'])
  for (const name of readdirSync(join(dataDir, 'snapshots'))) {
    writeFileSync(join(dataDir, 'snapshots', name), 'gone')
  }
  const refused = await runCommand([
    'serve',
    '--data-dir',
    dataDir,
    '--listen',
    '127.0.0.1:0',
    ...SMALL,
  ])
  t.equal(refused.exitCode, 3)
  t.match(
    refused.stderr,
    /passed over: .*\n.*passed over: [\s\S]*segments before it are missing.*archive\//,
  )
  const { cp } = await import('node:fs/promises')
  await cp(join(dataDir, 'archive'), join(dataDir, 'journal'), { recursive: true })
  const server = await startServed(dataDir)
  t.teardown(() => server.stop('SIGKILL'))
  const { digest } = (await (await fetch(`${server.url}/v1/audit`)).json()) as { digest: string }
  t.equal(digest, replayed.digest, 'with what the archive had it does')
})
