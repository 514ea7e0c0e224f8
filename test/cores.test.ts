// Where the threads of a server stay: on two cores apart, on any other number wherever the kernel likes; and
// where its helpers go when somebody else keeps their core busy.

import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Starvation } from '../cli/helper-cores.ts'
import { connect } from '../client/index.ts'
import { coresOf, usableCores } from '../runtime/index.ts'
import {
  runCommand,
  type ServedProcess,
  SMALL,
  startServed,
  temporaryDirectory,
} from './support/command-line.ts'
import { spawnPlain } from './support/plain-process.ts'

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

/** A thread. */
interface Thread {
  readonly cores: readonly number[]
  /** Bytes that it wrote to files, pipes and sockets. */
  readonly written: number
}

function threadsOf(pid: number): Thread[] {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const of = (file: string, pattern: RegExp): string => {
      return pattern.exec(textOf(`${pid}/task/${thread}/${file}`))?.[1] ?? ''
    }
    const cores = coresOf(of('status', /^Cpus_allowed_list:\s*(\S+)$/m))
    return { cores, written: Number(of('io', /^wchar: (\d+)$/m)) }
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

/** Where the threads of follower and views may run once both follow: they were told where to stay before. */
async function helperCores({ url, pid }: ServedProcess): Promise<Set<string>> {
  for (;;) {
    const page = await (await fetch(`${url}/v1/status`)).json()
    const { follower, views } = page as Record<'follower' | 'views', { state: string }>
    if (follower.state === 'following' && views.state === 'following') break
    await delay(50)
  }
  return new Set(helpersOf(pid).flatMap((helper) => coreSets(helper)))
}

/** The cores of each thread of a process, as texts. */
function coreSets(pid: number): string[] {
  return threadsOf(pid).map(({ cores }) => String(cores))
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
  const pinned = threadsOf(server.pid).filter(({ cores }) => cores.length === 1)
  // Only engine and journal: all other threads may use both. The journal has written its first frame.
  const [journal, engine] = pinned.sort((a, b) => b.written - a.written)
  t.equal(pinned.length, 2)
  t.same(new Set(pinned.flatMap(({ cores }) => cores)), new Set(own.slice(0, 2)))
  t.ok(journal && journal.written >= 4_096)
  t.same(await helperCores(server), new Set([String(engine?.cores)]))
  t.equal((await server.stop()).exitCode, 0)
})

t.test('the kernel chooses on one core, and where it is told that it may', async (t) => {
  const alone = await startServed(temporaryDirectory(t), SMALL, { wrapper: onCores(1) })
  t.teardown(() => alone.stop('SIGKILL'))
  t.same(new Set(coreSets(alone.pid)), new Set([String(own[0])]))
  t.equal((await alone.stop()).exitCode, 0)
  const args = [...FOLLOWED, '--pin-threads', 'false']
  const free = await startServed(temporaryDirectory(t), args, { wrapper: onCores(2) })
  t.teardown(() => free.stop('SIGKILL'))
  const both = new Set([String(own.slice(0, 2))])
  t.same(await helperCores(free), both)
  t.same(new Set(coreSets(free.pid)), both)
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

/** Moves money in as many transfers as a batch takes, again and again, until it is so. */
async function loadUntil({ url }: ServedProcess, isSo: () => boolean): Promise<void> {
  const hf = await connect(url)
  await hf.openAccount({ id: 'from', ledger: 1, external: true })
  await hf.openAccount({ id: 'to', ledger: 1 })
  while (!isSo()) {
    const transfer = { debitAccount: 'from', creditAccount: 'to', amount: 1 }
    await Promise.all(Array.from({ length: 5_000 }, () => hf.transfer(transfer)))
  }
  await hf.close()
}

t.test('the same with processes', async (t) => {
  if (own.length < 2) return t.fail('this machine has one core: the test needs two')
  const server = await startServed(temporaryDirectory(t), FOLLOWED, { wrapper: onCores(2) })
  t.teardown(() => server.stop('SIGKILL'))
  const [home] = await helperCores(server)
  const helpers = helpersOf(server.pid)
  const areFree = () => helpers.every((pid) => coreSets(pid).every((set) => set.includes(',')))
  const areHome = () => helpers.every((pid) => coreSets(pid).every((set) => set === home))
  t.equal(areHome(), true)
  const leave = occupy(t, Number(home))
  // Some work for them, and then none for the server.
  await loadUntil(server, () => true)
  const hf = await connect(server.url)
  for (let n = 0; !areFree(); n++) {
    await hf.openAccount({ id: `more-${n}`, ledger: 1 })
    await delay(10)
  }
  await hf.close()
  t.equal(helpers.length, 2)
  t.same(helpersOf(server.pid), helpers)
  leave()
  await loadUntil(server, areHome)
  t.equal((await server.stop()).exitCode, 0)
})
