// Commands and queries of modules through the client: what is no call, what a lost connection does to
// them, and what an embedded engine finds of them. What they answer is held to the contract suite.

import { once } from 'node:events'
import { type AddressInfo, connect as connectTo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { connect } from '../client/index.ts'
import { open } from '../runtime/index.ts'
import { temporaryDirectory } from './support/command-line.ts'
import { DirectPipeline, TEST_CAPACITIES } from './support/direct-pipeline.ts'
import {
  type GatewayServer,
  startGatewayServer,
  until,
  untilMetric,
} from './support/gateway-server.ts'
import { surface } from './support/small-module/routes.ts'
import { rules } from './support/small-module/rules.ts'

const SMALL_MODULE = fileURLToPath(new URL('./support/small-module', import.meta.url))

async function serve(test: Test): Promise<GatewayServer> {
  const pipeline = new DirectPipeline(TEST_CAPACITIES, [rules])
  const server = await startGatewayServer({ modules: [surface] }, pipeline)
  test.teardown(() => server.gateway.close())
  return server
}

t.test('calls that no program can have meant', async (t) => {
  const { url } = await serve(t)
  const hf = await connect(url)
  t.teardown(() => hf.close())
  const bad = <T>(value: unknown): T => value as T
  await t.rejects(hf.command(bad(1), 'open', {}), { name: 'TypeError', message: /^module must/ })
  await t.rejects(hf.command('jars', bad(undefined), {}), { message: /^name must be a string/ })
  for (const input of [null, undefined, 5, 'x', []]) {
    const message = 'The input must be an object.'
    await t.rejects(hf.command('jars', 'open', bad(input)), { name: 'TypeError', message })
    await t.rejects(hf.query('jars', 'jar', bad(input)), { name: 'TypeError', message })
  }
  await t.rejects(hf.command('jars', 'open', { jar: 1n }), { name: 'TypeError' })
  await t.rejects(hf.command('jars', 'open', {}, { id: '' }), { message: /^id must not be empty/ })
  await t.rejects(hf.command('jars', 'open', {}, bad({ dryRun: true })), { name: 'TypeError' })
  for (const [module, name] of [
    ['jugs', 'open'],
    ['jars', 'jar'],
    ['jars', '__proto__'],
  ] as const) {
    t.match(await hf.command(module, name, {}), { code: 'invalid_request', detail: /No module/ })
  }
  t.match(await hf.query('jars', 'open', { jar: 'a' }), { code: 'invalid_request' })
})

t.test('an input that calls while it is written does not mix with what it calls', async (t) => {
  const { url } = await serve(t)
  const hf = await connect(url)
  t.teardown(() => hf.close())
  let inner: Promise<unknown> = Promise.resolve()
  const jar = {
    toJSON(): string {
      inner = hf.command('jars', 'open', { jar: 'inner jar' }, { id: 'inner' })
      return 'outer'
    },
  }
  const outer = hf.command('jars', 'open', { jar }, { id: 'outer' })
  t.match(await outer, { code: 'ok', commandId: 'outer', replayed: false })
  t.match(await inner, { code: 'ok', commandId: 'inner', replayed: false })
  const input = { jar: 'outer' }
  t.match(await hf.command('jars', 'open', input, { id: 'outer' }), { code: 'ok', replayed: true })
  t.match(await hf.query('jars', 'jar', { jar: 'inner jar' }), { code: 'ok' })
})

/** A way to `url` whose connections can be cut: its own URL, and the cut. */
async function wayTo(test: Test, url: string): Promise<{ url: string; cut: () => void }> {
  const sockets = new Set<Socket>()
  const way = createServer((socket) => {
    const onward = connectTo(Number(new URL(url).port), '127.0.0.1')
    for (const one of [socket, onward]) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => sockets.delete(one))
    }
    socket.pipe(onward).pipe(socket)
  })
  way.listen(0, '127.0.0.1')
  await once(way, 'listening')
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  test.teardown(() => {
    cut()
    way.close()
  })
  return { url: `http://127.0.0.1:${(way.address() as AddressInfo).port}`, cut }
}

t.test('what is unanswered is sent again on the next connection', async (t) => {
  const server = await serve(t)
  const way = await wayTo(t, server.url)
  const hf = await connect(way.url)
  t.teardown(() => hf.close())
  await hf.command('jars', 'open', { jar: 'a' })
  const { pipeline } = server
  pipeline.isHeld = true
  const before = pipeline.submitted
  const input = { jar: 'a', kind: 'penny', count: 2 }
  const calls = Array.from({ length: 20 }, () => hf.command('jars', 'add', input))
  await until(() => pipeline.submitted === before + 20)
  way.cut()
  await untilMetric(server, 'holdfast_stream_connections 0')
  pipeline.release()
  const results = await Promise.all(calls)
  t.same(
    results.map(({ code, replayed, coins }) => [code, replayed, coins]),
    Array.from({ length: 20 }, (_, i) => ['ok', true, 2 * i + 2]),
  )
  t.match(await hf.query('jars', 'jar', { jar: 'a' }), { coins: 40 })
})

t.test('an embedded engine finds its modules and what they did', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  const options = { dataDir, segmentBytes: 4_194_304, capacities: TEST_CAPACITIES }
  const first = await open({ ...options, modules: [SMALL_MODULE] })
  await first.command('jars', 'open', { jar: 'a', size: 9 })
  await first.close()
  await t.rejects(open({ ...options, modules: ['no-such-module'] }), { name: 'ModuleLoadError' })
  await t.rejects(open({ ...options, modules: 'calls' as never }), { name: 'TypeError' })
  const second = await open({ ...options, modules: [SMALL_MODULE] })
  t.match(await second.query('jars', 'jar', { jar: 'a' }), { code: 'ok', size: 9 })
  await second.close()
})
