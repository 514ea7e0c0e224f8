// docs/modules.md: its code is taken out of the page, loaded by its specifier, and does what the page says
// and shows.

import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { open } from '../runtime/index.ts'
import { errorOf } from './support/client-calls.ts'
import {
  runCommand,
  type ServedProcess,
  SMALL,
  startServed,
  temporaryDirectory,
} from './support/command-line.ts'
import { DOCUMENTS_URL, examplesIn, filesIn, masked } from './support/doc-examples.ts'
import { SCRIPT_CAPACITIES } from './support/holdfast-script.ts'
import { eventsUntil, getLevel, whileBehind } from './support/served-views.ts'

t.setTimeout(180_000)

const PAGE = readFileSync('docs/modules.md', 'utf8')
const MODULES = ['--modules', 'calls,./parking']

/** Where no lists are looked at. */
const BARE = ['--follower', 'false']

/** A folder with the page's module, as somebody has it who has typed it off. */
function typedOff(t: Test): string {
  const folder = temporaryDirectory(t)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const [name, text] of filesIn(PAGE)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

async function serve(
  t: Test,
  folder: string,
  rest: readonly string[] = [],
): Promise<ServedProcess> {
  const args = [...SMALL, ...MODULES, '--follower', 'true', ...rest]
  const environment = { HOLDFAST_TEST_CLOCK: '1' }
  const server = await startServed(join(folder, 'data'), args, { cwd: folder, environment })
  t.teardown(() => server.stop('SIGKILL'))
  return server
}

/** Changes the rules on the disk. */
function edit(folder: string, from: string, to: string): void {
  const file = join(folder, 'parking/rules.js')
  const text = readFileSync(file, 'utf8')
  if (!text.includes(from)) throw new Error(`the page does not have ${from}`)
  writeFileSync(file, text.replace(from, to))
}

async function ask(
  server: ServedProcess,
  method: string,
  path: string,
  body?: object,
  // biome-ignore lint/suspicious/noExplicitAny: tests look into replies of every shape.
): Promise<any> {
  const headers = { 'content-type': 'application/json' }
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) }
  const reply = await fetch(`${server.url}${path}`, init)
  const replayed = reply.headers.get('idempotent-replayed') === 'true'
  return { http: reply.status, replayed, ...((await reply.json()) as object) }
}

t.test('the curl lines', async (t) => {
  const folder = typedOff(t)
  const server = await serve(t, folder)
  const examples = examplesIn(PAGE)
  t.ok(examples.length >= 8, `${examples.length} examples`)
  const run = promisify(execFile)
  for (const { command, output } of examples) {
    t.match(command, /^curl -s /)
    const asked = () => run('sh', ['-c', command.replaceAll(DOCUMENTS_URL, server.url)])
    // Views that have just begun have only what others leave of their core.
    const { stdout } = await whileBehind(asked, ({ stdout }) =>
      /#view_behind|#views_unavailable/.test(stdout),
    )
    t.equal(masked(stdout), masked(output), command)
  }
  t.equal((await server.stop('SIGTERM')).exitCode, 0)
})

t.test('what the page says of refusals, timers, events and lists', async (t) => {
  const folder = typedOff(t)
  const server = await serve(t, folder)
  const enter = (id: string, plate: string, minutes: number) =>
    ask(server, 'POST', '/v1/parking/visits', { id, plate, minutes })
  const leave = (id: string) => ask(server, 'POST', `/v1/parking/visits/${id}/leave`)
  const payIn = (plate: string, id: string, amount: number) =>
    ask(server, 'POST', `/v1/parking/drivers/${plate}/payments`, { id, amount })
  const advance = (minutes: number) =>
    ask(server, 'POST', '/v1/test/clock', { advanceMs: minutes * 60_000 })

  t.match(await enter('v1', 'A-1', 5), { http: 404, code: 'driver_not_found' })
  t.match(await leave('v2'), { http: 404, code: 'visit_not_found' })
  for (const plate of ['A-1', 'B-2', 'C-3', 'D-4']) {
    t.match(await payIn(plate, '1', 100), { http: 201, available: 100, replayed: false })
  }
  t.match(await payIn('A-1', '1', 100), { http: 201, available: 100, replayed: true })
  t.match(await enter('v1', 'A-1', 5), { http: 404, replayed: true }, 'a refusal is remembered')
  t.match(await enter('v2', 'A-1', 11), { http: 402, code: 'insufficient_funds', available: 100 })
  t.match(await enter('v2', 'A-1', 10), { http: 409, code: 'exists_with_different_minutes' })
  t.match(await enter('v3', 'A-1', 10), { http: 201, held: 100 })
  t.match(await leave('v2'), { http: 404, code: 'visit_not_found', replayed: false })
  t.match(await enter('v4', 'B-2', 3), { http: 201 })
  t.match(await enter('v5', 'C-3', 10), { http: 201 })
  t.match(await enter('v6', 'D-4', 10_000), { http: 400, code: 'invalid_request' })
  t.match(await enter('v7', 'D-4', 20), { http: 409, code: 'car_park_full', cars: 3 })

  await advance(1)
  t.match(await leave('v4'), { http: 200, minutes: 1, paid: 10, owed: 0 })
  t.match(await ask(server, 'GET', '/v1/accounts/parking%2Fdriver%2FB-2'), {
    balance: 90,
    held: 0,
  })
  await advance(11)
  t.match(await ask(server, 'GET', '/v1/parking/visits/v3'), { overdue: true })
  t.match(await leave('v3'), { http: 200, minutes: 12, paid: 100, owed: 20 }, 'and nothing more')
  t.match(await leave('v3'), { http: 200, minutes: 12, paid: 100, owed: 20, replayed: false })

  const { sequence } = await advance(61)
  t.match(await ask(server, 'GET', '/v1/parking/visits/v3'), { http: 404 }, 'the engine forgot it')
  const list = await getLevel(server, `/v1/parking/visits?minSequence=${sequence}`)
  t.match(list.items, [{ id: 'v4' }, { id: 'v3', minutes: 12, paid: 100 }], 'the view did not')
  t.match(
    await ask(server, 'PUT', '/v1/accounts/parking%2Fcash/frozen', { id: 'f', value: true }),
    {
      http: 409,
      code: 'owned_by_module',
    },
  )
  t.match(await ask(server, 'POST', '/v1/accounts', { id: 'parking/mine', ledger: 900 }), {
    code: 'owned_by_module',
  })

  const text = await eventsUntil(server, (text) => text.split('car.overdue').length > 2)
  t.match(text, /"data":\{"id":"v3","plate":"A-1"\}/)
  t.equal((await server.stop('SIGTERM')).exitCode, 0)
  const where = ['--data-dir', join(folder, 'data'), ...MODULES]
  t.equal((await runCommand(['verify', ...where], { cwd: folder })).exitCode, 0)
  t.equal((await runCommand(['views', 'check', ...where], { cwd: folder })).exitCode, 0)
})

t.test('a defect, and other versions of the rules', async (t) => {
  const folder = typedOff(t)
  const page = readFileSync(join(folder, 'parking/rules.js'), 'utf8')
  edit(folder, "if (driver === undefined) return { code: 'driver_not_found' }", '')
  const server = await serve(t, folder, BARE)
  const visit = { id: 'v1', plate: 'A-1', minutes: 5 }
  const failed = await ask(server, 'POST', '/v1/parking/visits', visit)
  // The hold is refused, and then the reply reads a driver that is not there.
  t.match(failed, { http: 500, code: 'module_failed' })
  t.match(await ask(server, 'POST', '/v1/parking/visits', visit), { http: 500, replayed: true })
  const ended = await server.stop('SIGTERM')
  t.match(ended.stderr, /Cannot read properties of undefined/)

  writeFileSync(join(folder, 'parking/rules.js'), page.replace('version: 1', 'version: 2'))
  const where = ['--data-dir', join(folder, 'data'), ...MODULES]
  const refused = await runCommand(['replay', ...where], { cwd: folder })
  const [line = ''] = /^holdfast: decided with the modules.*2: /m.exec(PAGE) ?? []
  t.ok(line !== '' && refused.stderr.startsWith(line), refused.stderr)
  t.equal(refused.exitCode, 1)

  edit(folder, 'version: 2', 'version: 1')
  t.equal((await runCommand(['snapshot', ...where], { cwd: folder })).exitCode, 0)
  edit(folder, 'version: 1', 'version: 2')
  const second = await serve(t, folder, BARE)
  const mended = await ask(second, 'POST', '/v1/parking/visits', { ...visit, id: 'v2' })
  t.match(mended, { http: 404, code: 'driver_not_found' })
  await ask(second, 'POST', '/v1/parking/drivers/A-1/payments', { id: '1', amount: 100 })
  t.match(await ask(second, 'POST', '/v1/parking/visits', { ...visit, id: 'v3' }), { http: 201 })
  t.match(await ask(second, 'POST', '/v1/parking/visits/v3/leave'), { http: 200 })
  t.equal((await second.stop('SIGTERM')).exitCode, 0)

  const snapshot = () => runCommand(['snapshot', ...where], { cwd: folder })
  t.equal((await snapshot()).exitCode, 0)
  edit(folder, 'version: 2', 'version: 3')
  edit(folder, 'tables: [STAYS, VISITS]', "tables: [STAYS, VISITS, { ...VISITS, name: 'more' }]")
  const third = await serve(t, folder, BARE)
  t.match(await ask(third, 'GET', '/v1/parking/visits/v3'), { paid: 10 }, 'another table')
  t.equal((await third.stop('SIGTERM')).exitCode, 0)

  t.equal((await snapshot()).exitCode, 0)
  edit(folder, 'version: 3', 'version: 4')
  edit(folder, "    leftAt: 'integer',", "    leftAt: 'integer',\n    place: 'integer?',")
  t.match(
    (await errorOf(serve(t, folder, BARE))).message,
    /decided with the modules/,
    'other fields',
  )
})

t.test('the embedded way', async (t) => {
  const folder = typedOff(t)
  const hf = await open({
    dataDir: join(folder, 'data'),
    capacities: SCRIPT_CAPACITIES,
    segmentBytes: 4_194_304,
    modules: ['calls', join(folder, 'parking')],
  })
  const visit = { id: 'v1', plate: 'B-7', minutes: 30 }
  t.match(await hf.command('parking', 'enter', visit), { code: 'driver_not_found' })
  t.match(await hf.command('parking', 'pay_in', { plate: 'B-7', amount: 300 }), { available: 300 })
  t.match(await hf.command('parking', 'enter', visit), { code: 'ok', held: 300 })
  t.match(await hf.query('parking', 'visit', { id: 'v1' }), { overdue: false })
  await hf.close()
})
