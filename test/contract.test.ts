// One suite over every implementation of `Holdfast`: the engine in this process, the stream and HTTP.
// Each step is held to what must come of it, and the three to each other, member by member.

import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { connect, type Holdfast } from '../client/index.ts'
import { STATUSES } from '../protocol/index.ts'
import { open } from '../runtime/index.ts'
import { startServed, temporaryDirectory } from './support/command-line.ts'
import { BAD_CALLS } from './support/holdfast-bad-calls.ts'
import { SCRIPT, SCRIPT_CAPACITIES } from './support/holdfast-script.ts'
import { httpClient } from './support/http-client.ts'
import { spawnPlain } from './support/plain-process.ts'

t.setTimeout(180_000)

/** Short, for the suite wants to see what is retried. */
const RETRY_MS = 150

/**
 * Codes that the script does not bring about: a damaged client's, what takes a window's time, and those
 * that are shown as the module's own.
 */
const UNREACHED: ReadonlySet<string> = new Set([
  'malformed',
  'id_too_old',
  'reservations_full',
  'exists_with_different_input',
  'module_refused',
])

const SMALL_MODULE = fileURLToPath(new URL('./support/small-module', import.meta.url))

const ARGS = Object.entries(SCRIPT_CAPACITIES).flatMap(([name, value]) => [
  `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
  String(value),
])

type Opener = (t: Test) => Promise<Holdfast>

async function serve(t: Test): Promise<string> {
  const server = await startServed(join(temporaryDirectory(t), 'data'), [
    ...ARGS,
    '--segment-bytes',
    '4194304',
    '--modules',
    SMALL_MODULE,
  ])
  t.teardown(() => server.stop('SIGKILL'))
  return server.url
}

const SUBJECTS: Readonly<Record<string, Opener>> = {
  embedded: (t) =>
    open({
      dataDir: join(temporaryDirectory(t), 'data'),
      capacities: SCRIPT_CAPACITIES,
      modules: [SMALL_MODULE],
      segmentBytes: 4_194_304,
      retryMs: RETRY_MS,
    }),
  stream: async (t) => connect(await serve(t), { retryMs: RETRY_MS }),
  http: async (t) => httpClient(await serve(t)),
}

/** What differs from run to run is replaced, so that results can be compared. */
function masked(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => masked(item))
  if (key === 'sequence' || key === 'digest' || key === 'detail') return key
  if (typeof value === 'string') {
    if (/^\d{4}-\d\d-\d\dT/.test(value)) return 'TIME'
    return /^01[0-9a-f]{6}-[0-9a-f]{4}-7/.test(value) && !value.startsWith('0190') ? 'MADE' : value
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(entries.sort().map(([name, member]) => [name, masked(member, name)]))
}

/** HTTP leaves the time out of a batch's results. */
function comparable(result: unknown): unknown {
  if (!Array.isArray(result)) return masked(result)
  return result.map((one) => masked({ ...one, time: undefined }))
}

const seen = new Map<string, unknown[]>()

for (const [name, opener] of Object.entries(SUBJECTS)) {
  t.test(name, async (t) => {
    const hf = await opener(t)
    const results: unknown[] = []
    const codes = new Set<string>()
    for (const { what, call, expected } of SCRIPT) {
      const result = await call(hf)
      t.match(result, expected, what)
      results.push(comparable(result))
      for (const { code } of [result].flat() as { code: string }[]) codes.add(code)
    }
    seen.set(name, results)
    const missing = STATUSES.filter(({ code, number }) => number < 200 && !UNREACHED.has(code))
    t.strictSame(
      missing.filter(({ code }) => !codes.has(code)).map(({ code }) => code),
      [],
      'every refusal of the engine came up',
    )
    for (const [type, field, call] of BAD_CALLS) {
      const error = await call(hf).then(
        () => undefined,
        (reason: Error) => reason,
      )
      t.match(error, { name: type, message: field }, `${field}`)
    }
    await hf.close()
    await hf.close()
    t.equal(hf.status().state, 'closed')
    await t.rejects(hf.audit(), { name: 'HoldfastClosed' })
    await t.rejects(hf.transfer({ debitAccount: 'a', creditAccount: 'b', amount: 1 }), {
      name: 'HoldfastClosed',
    })
  })
}

t.test('the three say the same', async (t) => {
  const [first, ...others] = [...seen.values()]
  for (const [i, { what }] of SCRIPT.entries()) {
    for (const other of others) t.strictSame(other[i], first?.[i], what)
  }
})

/** Runs an example to its end; gives back what it printed. */
async function runExample(name: string, argument: string): Promise<string> {
  const path = fileURLToPath(new URL(`../examples/${name}.js`, import.meta.url))
  const child = spawnPlain([process.execPath, path, argument], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    printed += chunk
  })
  const [exitCode] = await once(child, 'close')
  return `${printed}${exitCode}`
}

t.test('the examples', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'embedded')
  const embedded = 'call-7: ok\nacme has 19360 available\n0'
  t.equal(await runExample('embedded', dataDir), embedded)
  t.equal(await runExample('embedded', dataDir), embedded, 'again, nothing is done twice')
  const server = await startServed(join(temporaryDirectory(t), 'data'))
  t.teardown(() => server.stop('SIGKILL'))
  const stream = 'held: 1000\npaid: ok, cancelled: ok\nshop: 101 of 599297\n0'
  t.equal(await runExample('stream', server.url), stream)
})
