// Where the threads of a server stay: on two cores apart, on any other number wherever the kernel likes; and
// where its helpers go when somebody else keeps their core busy.

import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Starvation } from '../../cli/helper-cores.ts'
import { coresOf, usableCores } from '../../runtime/index.ts'
import {
  runCommand,
  type ServedProcess,
  SMALL,
  startServed,
  temporaryDirectory,
} from '../support/command-line.ts'
import { spawnPlain } from '../support/plain-process.ts'

t.setTimeout(180_000)

/** With a follower and views. */
const FOLLOWED = SMALL.filter((arg, n) => arg !== '--follower' && SMALL[n - 1] !== '--follower')

/** What `/proc` says; nothing of a thread or process that has ended since it was listed. */
function textOf(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    return ''
  }
}

/** `SCHED_IDLE` of Linux: threads that run when no other wants the core. */
const IDLE = 5

/** A thread. */
interface Thread {
  readonly id: number
  /** How the kernel chooses it: 0 for most, or `IDLE`. */
  readonly policy: number
  readonly cores: readonly number[]
  /** Bytes that it wrote to files, pipes and sockets. */
  readonly written: number
  /** How often it left its core by itself. */
  readonly sleeps: number
}

function threadsOf(pid: number): Thread[] {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const of = (file: string, pattern: RegExp): string => {
      return pattern.exec(textOf(`${pid}/task/${thread}/${file}`))?.[1] ?? ''
    }
    const cores = coresOf(of('status', /^Cpus_allowed_list:\s*(\S+)$/m))
    const stat = textOf(`${pid}/task/${thread}/stat`)
    // From the third field on; the second one may hold anything.
    const policy = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38])
    const written = Number(of('io', /^wchar: (\d+)$/m))
    const sleeps = Number(of('status', /^voluntary_ctxt_switches:\s*(\d+)$/m))
    return { id: Number(thread), policy, cores, written, sleeps }
  })
  return threads.filter(({ cores }) => cores.length > 0)
}

/** The processes that a server started and that run one of the helpers' entries. */
function helpersOf(pid: number): number[] {
  const children = textOf(`${pid}/task/${pid}/children`).split(' ').map(Number)
  return children.filter((child) => {
    return child > 0 && /(follower|views)-process/.test(textOf(`${child}/cmdline`))
  })
}

/** Waits until a status page says that both helpers follow. */
async function untilFollowed({ url }: ServedProcess): Promise<void> {
  for (;;) {
    const page = await (await fetch(`${url}/v1/status`)).json()
    const { follower, views } = page as Record<'follower' | 'views', { state: string }>
    if (follower.state === 'following' && views.state === 'following') return
    await delay(50)
  }
}

/** Waits until there are two helpers, whose threads may run on these cores and on no others. */
async function untilHelpersOn({ pid }: ServedProcess, cores: readonly number[]): Promise<void> {
  for (;;) {
    const helpers = helpersOf(pid)
    if (helpers.length === 2 && areOn(helpers, cores)) return
    await delay(10)
  }
}

/** Whether all threads of all these processes may run on these cores, and on no others. */
function areOn(pids: readonly number[], cores: readonly number[]): boolean {
  return pids.every((pid) => coreSets(pid).every((set) => set === String(cores)))
}

/** The cores of each thread of a process, as texts. */
function coreSets(pid: number): string[] {
  return threadsOf(pid).map(({ cores }) => String(cores))
}

/** Has a server carry out one command, the first for this account. */
async function openAccount({ url }: ServedProcess, id: string): Promise<void> {
  const body = JSON.stringify({ id, ledger: 1 })
  const headers = { 'content-type': 'application/json' }
  const reply = await fetch(`${url}/v1/accounts`, { method: 'POST', headers, body })
  if (!reply.ok) throw new Error(`${id} was answered ${reply.status}: ${await reply.text()}`)
}

/** The least that a frame of the journal has, in bytes. */
const FRAME_BYTES_MIN = 4_096

/** The threads of a server that keep to a core each. */
interface Pinned {
  readonly journal: Thread
  readonly engine: Thread
}

/**
 * Told apart by what they do for a command: the journal writes a frame, and the engine, which wakes
 * for it, does not. Fails where these are not two threads, and no others.
 */
async function pinnedOf(t: Test, server: ServedProcess): Promise<Pinned> {
  const before = new Map(threadsOf(server.pid).map((thread) => [thread.id, thread]))
  await openAccount(server, 'to-tell-apart')
  // A thread has woken where it sleeps again, which may be after the answer.
  await delay(100)
  const pinned = threadsOf(server.pid).filter(({ cores }) => cores.length === 1)
  t.equal(pinned.length, 2, 'only engine and journal: all other threads may use both')
  const hasFrame = ({ id, written }: Thread): boolean =>
    written - (before.get(id)?.written ?? 0) >= FRAME_BYTES_MIN
  const hasWoken = ({ id, sleeps }: Thread): boolean => sleeps > (before.get(id)?.sleeps ?? 0)
  const journal = pinned.find(hasFrame)
  const engine = pinned.find((thread) => !hasFrame(thread) && hasWoken(thread))
  if (journal && engine) return { journal, engine }
  throw new Error(
    `one is to write a frame, one to wake: ${JSON.stringify({ before: [...before], pinned })}`,
  )
}

/** How often a thread woke in the half second after a command, and in the one after that. */
async function wakesAfterWork(server: ServedProcess, id: number): Promise<number[]> {
  const sleeps = (): number =>
    threadsOf(server.pid).find((one) => one.id === id)?.sleeps ?? Number.NaN
  const before = sleeps()
  await openAccount(server, 'acme')
  await delay(500)
  const between = sleeps()
  await delay(500)
  return [between - before, sleeps() - between]
}

const own = usableCores()

/** What runs a command on so many of the cores that there are. */
const onCores = (count: number): string[] => ['taskset', '-c', own.slice(0, count).join(',')]

t.test('the list of cores is read as the kernel writes it', async (t) => {
  t.same(coresOf('0'), [0])
  t.same(coresOf('0-1'), [0, 1])
  t.same(coresOf('3,7'), [3, 7])
  t.same(coresOf('0-2,5,8-9'), [0, 1, 2, 5, 8, 9])
  t.same(coresOf(''), [])
})

t.test('on two cores engine and helpers keep to one, the journal to the other', async (t) => {
  if (own.length < 2) return t.fail('this machine has one core: the test needs two')
  const server = await startServed(temporaryDirectory(t), FOLLOWED, { wrapper: onCores(2) })
  t.teardown(() => server.stop('SIGKILL'))
  const { journal, engine } = await pinnedOf(t, server)
  t.same(new Set([...journal.cores, ...engine.cores]), new Set(own.slice(0, 2)))
  // One of V8's own would get nothing of two busy cores, and the thread whose heap it sweeps would
  // ask without a pause whether it has: three seconds of a start, measured.
  const giveWay = threadsOf(server.pid).filter(({ policy }) => policy === IDLE)
  t.same(giveWay, [], 'no thread that the server waits for gives way')
  // From their beginning: later on they may be anywhere, where others keep this machine busy.
  await untilHelpersOn(server, engine.cores)
  await untilFollowed(server)
  const [atWork, idle] = await wakesAfterWork(server, engine.id)
  t.ok(atWork >= 15, `the engine woke ${atWork} times after its last work`)
  t.ok(idle < 10, `and ${idle} times in half a second without any`)
  t.equal((await server.stop()).exitCode, 0)
  const alone = await startServed(temporaryDirectory(t), SMALL, { wrapper: onCores(2) })
  t.teardown(() => alone.stop('SIGKILL'))
  const [unshared] = await wakesAfterWork(alone, (await pinnedOf(t, alone)).engine.id)
  t.ok(unshared >= 1 && unshared < 15, `it woke ${unshared} times where no helper shares its core`)
  t.equal((await alone.stop()).exitCode, 0)
})

t.test('the kernel chooses on one core, and where it is told that it may', async (t) => {
  const alone = await startServed(temporaryDirectory(t), SMALL, { wrapper: onCores(1) })
  t.teardown(() => alone.stop('SIGKILL'))
  t.same(new Set(coreSets(alone.pid)), new Set([String(own[0])]))
  t.equal((await alone.stop()).exitCode, 0)
  const args = [...FOLLOWED, '--pin-threads', 'false']
  const free = await startServed(temporaryDirectory(t), args, { wrapper: onCores(2) })
  t.teardown(() => free.stop('SIGKILL'))
  const both = own.slice(0, 2)
  await untilFollowed(free)
  t.ok(areOn(helpersOf(free.pid), both))
  t.ok(areOn([free.pid], both))
  t.equal((await free.stop()).exitCode, 0)
  const wrong = await runCommand(['serve', '--pin-threads', 'maybe'])
  t.equal(wrong.exitCode, 2)
  t.match(wrong.stderr, /--pin-threads/)
})

t.test(
  'a helper that starves beside an idle server may run anywhere, until the server has work',
  async (t) => {
    const starvation = new Starvation()
    const starved = { share: 0.003, isWaiting: true, serverShare: 0.1 }
    const told = [1, 2, 3].map(() => starvation.note(starved))
    t.same(told, [false, false, false])
    t.equal(starvation.note({ ...starved, share: 0.3 }), false, 'it had its share: counted anew')
    t.equal(starvation.note({ ...starved, isWaiting: false }), false, 'it wants nothing')
    t.same(
      [1, 2, 3, 4].map(() => starvation.note(starved)),
      [false, false, false, true],
    )
    t.equal(starvation.note({ ...starved, share: 0.9 }), true, 'it stays so')
    t.equal(starvation.note({ ...starved, serverShare: 0.6 }), false, 'the syncs come first')
    const busy = { ...starved, serverShare: 0.9 }
    t.same([1, 2, 3, 4, 5].map(() => starvation.note(busy)).includes(true), false)
  },
)

/** Keeps a core busy until the test, or what it gives back is called, ends that. */
function occupy(t: Test, core: number): () => void {
  const loop = [process.execPath, '-e', 'for (;;) {}']
  const child = spawnPlain(['taskset', '-c', String(core), ...loop], { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  return () => child.kill('SIGKILL')
}

/** Has a server decide the same batch over and over, until it is so: its own part of that is the larger one. */
async function loadUntil({ url }: ServedProcess, isSo: () => boolean): Promise<void> {
  const commands = Array.from({ length: 5_000 }, (_, n) => ({
    type: 'open_account',
    id: `account-${n}`,
    ledger: 1,
  }))
  const body = JSON.stringify({ commands })
  while (!isSo()) {
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(`${url}/v1/batches`, { method: 'POST', headers, body })
    if (!reply.ok) throw new Error(`the batch was answered ${reply.status}: ${await reply.text()}`)
    await reply.arrayBuffer()
  }
}

t.test('the same with processes', async (t) => {
  if (own.length < 2) return t.fail('this machine has one core: the test needs two')
  const server = await startServed(temporaryDirectory(t), FOLLOWED, { wrapper: onCores(2) })
  t.teardown(() => server.stop('SIGKILL'))
  await untilFollowed(server)
  const helpers = helpersOf(server.pid)
  const both = own.slice(0, 2)
  const homeOf = (): number | undefined => both.find((core) => areOn(helpers, [core]))
  await loadUntil(server, () => homeOf() !== undefined)
  const leave = occupy(t, Number(homeOf()))
  // Something to do for them, and next to nothing for the server.
  for (let n = 0; !areOn(helpers, both); n++) {
    const command = { type: 'open_account', id: `more-${n}`, ledger: 1 }
    const body = JSON.stringify({ commands: [command] })
    const headers = { 'content-type': 'application/json' }
    await fetch(`${server.url}/v1/batches`, { method: 'POST', headers, body })
    await delay(10)
  }
  leave()
  await loadUntil(server, () => homeOf() !== undefined)
  t.same(helpersOf(server.pid), helpers)
  t.equal(helpers.length, 2)
  t.equal((await server.stop()).exitCode, 0)
})
