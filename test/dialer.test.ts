// examples/dialer.ts as a person runs it, with a server that is killed under it and started again.

import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { connect } from '../client/index.ts'
import { runCommand, SMALL, startServed, temporaryDirectory } from './support/command-line.ts'
import { freePort } from './support/free-port.ts'
import { spawnPlain } from './support/plain-process.ts'

const DIALER = fileURLToPath(new URL('../examples/dialer.js', import.meta.url))

/** Calls that are placed; the fiftieth and those behind it come after the restart. */
const CALLS = 60

/** Micro-units that the example pays in. */
const PAID_IN = 1_000_000

t.setTimeout(120_000)

t.test('the dialler and a server that is killed', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  const args = [...SMALL, '--listen', `127.0.0.1:${await freePort()}`]
  let server = await startServed(dataDir, args)
  t.teardown(() => server.stop('SIGKILL'))
  const command = [process.execPath, DIALER, server.url, String(CALLS)]
  const child = spawnPlain(command, { stdio: 'pipe' })
  t.teardown(() => child.kill('SIGKILL'))
  const closed = once(child, 'close')
  const waits: string[] = []
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
    waits.push(line)
  })
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    lines.push(line)
    if (lines.length > 1) continue
    t.equal(line, 'the first call has ended')
    await server.stop('SIGKILL')
    server = await startServed(dataDir, args)
  }
  t.same(await closed, [0, null], waits.join('\n'))
  t.ok(
    waits.some((line) => line.startsWith('waits for connection: ')),
    'it was told of the loss',
  )
  const [, ended = '', left = ''] = lines
  const cost = Number(/cost (\d+)$/.exec(ended)?.[1])
  t.equal(ended, `ended ${CALLS}, refused 0, cut short 0, cost ${cost}`)
  t.equal(left, `acme has ${PAID_IN - cost}, 0 calls live`)

  const hf = await connect(server.url)
  const revenue = await hf.account('calls/revenue/EUR')
  t.match(revenue, { code: 'ok', balance: cost }, 'every end was charged, and charged once')
  t.match(await hf.account('calls/customer/acme'), { balance: PAID_IN - cost, held: 0 })
  t.match(await hf.audit(), { openReservations: 0 })
  await hf.close()
  t.equal((await server.stop('SIGTERM')).exitCode, 0)
  t.equal((await runCommand(['verify', '--data-dir', dataDir])).exitCode, 0)
})
