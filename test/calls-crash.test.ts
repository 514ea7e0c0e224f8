// kill -9 of a server under a load of calls. In the end every command was answered, and every call, every
// customer and every sum is as on a server that nobody killed.

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import { connect } from '../client/index.ts'
import {
  type CallScript,
  makeCallScripts,
  playScript,
  prepareCalls,
  stateOfCalls,
} from './support/calls-load.ts'
import {
  runCommand,
  type ServedProcess,
  SMALL,
  startServed,
  temporaryDirectory,
} from './support/command-line.ts'
import { freePort } from './support/free-port.ts'
import { generator } from './support/orders.ts'

/** Kills; `npm run soak` asks for more. */
const ROUNDS = Number(process.env.HOLDFAST_CRASH_ROUNDS ?? 3)

/** Customers at once, and steps of each between two kills. */
const CUSTOMERS = 60
const STEPS_A_ROUND = 40

/** Longest time from the answer that a kill waits for to the kill, in ms: some rounds of answers. */
const KILL_AFTER_MS_MAX = 25

/** Late enough that all which ring have expired, and those that are answered. */
const EXPIRED_MS = 3_600_000

t.setTimeout(120_000 + ROUNDS * 20_000)

/** Times come from a clock that stands, so that expiries are the same in both. */
const CLOCK = { environment: { HOLDFAST_TEST_CLOCK: '1' } }

/** What a run came to. */
interface Run {
  readonly answers: readonly object[]
  readonly live: readonly object[]
  readonly expired: readonly object[]
  readonly audit: object
  readonly replayed: number
}

/** What is done to a server under load. */
type Disturb = (answered: number, server: ServedProcess) => Promise<ServedProcess> | undefined

async function run(
  t: Test,
  scripts: readonly CallScript[],
  disturb: Disturb,
  args: readonly string[],
  dataDir: string,
): Promise<Run> {
  let server = await startServed(dataDir, args, CLOCK)
  t.teardown(() => server.stop('SIGKILL'))
  const hf = await connect(server.url, { timeoutMs: 60_000, retryMs: 60_000 })
  await prepareCalls(hf)
  let answered = 0
  let replayed = 0
  let disturbed: Promise<void> | undefined
  const onAnswer = (isReplayed: boolean): void => {
    answered++
    if (isReplayed) replayed++
    if (disturbed !== undefined) return
    disturbed = disturb(answered, server)?.then((next) => {
      server = next
      disturbed = undefined
    })
  }
  const answers = await Promise.all(scripts.map((script) => playScript(hf, script, onAnswer)))
  await disturbed
  const live = await stateOfCalls(hf, scripts)
  const body = JSON.stringify({ advanceMs: EXPIRED_MS })
  const headers = { 'content-type': 'application/json' }
  const moved = await fetch(`${server.url}/v1/test/clock`, { method: 'POST', headers, body })
  t.equal(moved.status, 200)
  const expired = await stateOfCalls(hf, scripts)
  const { sequence, time, digest, ...audit } = { ...(await hf.audit()) } as Record<string, unknown>
  await hf.close()
  t.equal((await server.stop('SIGTERM')).exitCode, 0)
  const verified = await runCommand(['verify', '--data-dir', dataDir])
  t.equal(verified.exitCode, 0, verified.stderr)
  return { answers: answers.flat(), live, expired, audit, replayed }
}

t.test(`${ROUNDS} kills under ${CUSTOMERS} customers that call`, async (t) => {
  const seed = Date.now() % 1_000_000
  t.comment(`scripts and moments from seed ${seed}`)
  const next = generator(seed)
  const scripts = makeCallScripts(CUSTOMERS, STEPS_A_ROUND * ROUNDS, seed)
  const directory = temporaryDirectory(t)

  let kills = 0
  const [first = 0, ...later] = moments(next)
  let due = first
  const args = [...SMALL, '--listen', `127.0.0.1:${await freePort()}`]
  const dataDir = join(directory, 'killed')
  const restart = async (server: ServedProcess): Promise<ServedProcess> => {
    // With the answer itself, none of those that it came with would be on their way.
    await delay(next() % KILL_AFTER_MS_MAX)
    await server.stop('SIGKILL')
    return startServed(dataDir, args, CLOCK)
  }
  const kill: Disturb = (answered, server) => {
    if (answered < due) return undefined
    kills++
    due = later.shift() ?? Number.POSITIVE_INFINITY
    return restart(server)
  }
  const killed = await run(t, scripts, kill, args, dataDir)
  t.equal(kills, ROUNDS)
  const left = await run(t, scripts, () => undefined, SMALL, join(directory, 'left'))
  t.equal(left.replayed, 0)
  t.ok(killed.replayed > 0 || ROUNDS < 10, 'some answers came by a retry')

  t.same(differenceOf(killed.answers, left.answers), NONE, 'every answer')
  t.same(differenceOf(killed.live, left.live), NONE, 'every customer and call')
  t.same(differenceOf(killed.expired, left.expired), NONE, 'and after the last has expired')
  t.strictSame(killed.audit, left.audit, 'the sums')
  const codes = new Set(left.answers.map((answer) => (answer as { code: string }).code))
  for (const code of ['ok', 'insufficient_funds', 'max_channels', 'call_ended']) {
    t.ok(codes.has(code), `${code} is among the answers`)
  }
  const states = new Set(
    left.expired.flatMap(({ calls }: { calls?: { state?: string }[] }) =>
      (calls ?? []).map(({ state }) => state ?? 'declined'),
    ),
  )
  t.same([...states].sort(), ['canceled', 'declined', 'expired', 'settled'])
  t.comment(`${left.answers.length} commands, ${killed.replayed} answered by a retry`)
})

const NONE = { lengths: 'the same', first: undefined }

/** Where two long lists differ first; to compare them whole takes tap minutes. */
function differenceOf(one: readonly object[], other: readonly object[]): object {
  const at = one.findIndex((value, i) => !isDeepStrictEqual(value, other[i]))
  const first = at < 0 ? undefined : { at, one: one[at], other: other[at] }
  const lengths = one.length === other.length ? 'the same' : `${one.length} and ${other.length}`
  return { lengths, first }
}

/** How many answers each kill waits for: one in each part of the load. */
function moments(next: () => number): number[] {
  const part = CUSTOMERS * STEPS_A_ROUND
  return Array.from({ length: ROUNDS }, (_, i) => i * part + (next() % Math.floor(part * 0.9)) + 1)
}
