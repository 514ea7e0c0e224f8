// Where the threads of a server stay: on two cores apart, on any other number wherever the kernel likes.

import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { allowedCores } from '../runtime/index.ts'
import { runCommand, SMALL, startServed, temporaryDirectory } from './support/command-line.ts'

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
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => ({
    cores: allowedCores(textOf(`${pid}/task/${thread}/status`)),
    written: Number(/^wchar: (\d+)$/m.exec(textOf(`${pid}/task/${thread}/io`))?.[1]),
  }))
  return threads.filter(({ cores }) => cores.length > 0)
}

/** The processes that a server started and that run one of the helpers' entries. */
function helpersOf(pid: number): number[] {
  const children = textOf(`${pid}/task/${pid}/children`).split(' ').map(Number)
  return children.filter((child) => {
    return child > 0 && /(follower|views)-process/.test(textOf(`${child}/cmdline`))
  })
}

/** Waits for follower and views, until their threads are where they are to be. */
async function helperCores(
  pid: number,
  areSettled: (cores: string[]) => boolean,
): Promise<string[]> {
  for (;;) {
    const helpers = helpersOf(pid)
    const cores = helpers.flatMap((helper) =>
      threadsOf(helper).map((thread) => String(thread.cores)),
    )
    if (helpers.length === 2 && areSettled(cores)) return cores
    await delay(50)
  }
}

const own = allowedCores(textOf('self/status'))

/** What runs a command on so many of the cores that there are. */
const onCores = (count: number): string[] => ['taskset', '-c', own.slice(0, count).join(',')]

t.test('the list of cores is read as the kernel writes it', async (t) => {
  const of = (list: string): number[] => allowedCores(`Name:\tx\nCpus_allowed_list:\t${list}\n`)
  t.same(of('0'), [0])
  t.same(of('0-1'), [0, 1])
  t.same(of('3,7'), [3, 7])
  t.same(of('0-2,5,8-9'), [0, 1, 2, 5, 8, 9])
  t.same(allowedCores('Name:\tx\n'), [])
})

t.test(
  'on two cores the engine and the helpers keep to one, the journal to the other',
  async (t) => {
    if (own.length < 2) return t.fail('this machine has one core: the test needs two')
    const server = await startServed(temporaryDirectory(t), FOLLOWED, { wrapper: onCores(2) })
    t.teardown(() => server.stop('SIGKILL'))
    const pinned = threadsOf(server.pid).filter(({ cores }) => cores.length === 1)
    // Only engine and journal: all other threads may use both. The journal has written its first frame.
    const [journal, engine] = pinned.sort((a, b) => b.written - a.written)
    t.equal(pinned.length, 2)
    t.same(pinned.flatMap(({ cores }) => cores).sort(), own.slice(0, 2))
    t.ok(journal && journal.written >= 4_096)
    const wanted = String(engine?.cores)
    const helpers = await helperCores(server.pid, (cores) => cores.every((one) => one === wanted))
    t.same(new Set(helpers), new Set([wanted]))
    t.equal((await server.stop()).exitCode, 0)
  },
)

t.test('the kernel chooses on one core, and where it is told that it may', async (t) => {
  const alone = await startServed(temporaryDirectory(t), SMALL, { wrapper: onCores(1) })
  t.same(new Set(threadsOf(alone.pid).flatMap(({ cores }) => cores)), new Set(own.slice(0, 1)))
  t.equal((await alone.stop()).exitCode, 0)
  const free = await startServed(temporaryDirectory(t), [...FOLLOWED, '--pin-threads', 'false'])
  const helpers = await helperCores(free.pid, () => true)
  const all = [...threadsOf(free.pid).map(({ cores }) => String(cores)), ...helpers]
  t.same(new Set(all), new Set([String(own)]))
  t.equal((await free.stop()).exitCode, 0)
  const wrong = await runCommand(['serve', '--pin-threads', 'maybe'])
  t.equal(wrong.exitCode, 2)
  t.match(wrong.stderr, /--pin-threads/)
})
