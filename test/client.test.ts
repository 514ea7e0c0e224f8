// The client of the stream by itself, against servers that do what no good server does; and its flow
// of records over a pipeline that can be held still. What every implementation does is in
// contract.test.ts, kills of a real server in client-crash.test.ts.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import {
  type Command,
  connect,
  Front,
  type HoldfastStatus,
  HoldfastUnreachable,
  PipelineCarrier,
} from '../client/index.ts'
import { KIND, STATUS } from '../protocol/index.ts'
import { errorOf, MOVE, transfers } from './support/client-calls.ts'
import { DirectPipeline } from './support/direct-pipeline.ts'
import { type FakeRecord, fakeStream, outcomes, welcome } from './support/fake-stream.ts'

t.setTimeout(120_000)

function idsOf(commands: readonly Command[]): string[] {
  return commands.map(({ id }) => String(id).replaceAll('-', ''))
}

t.test('no server: the error says where, why, and what to do', async (t) => {
  const error = await errorOf(connect('ws://127.0.0.1:1', { connectTimeoutMs: 100 }))
  t.type(error, HoldfastUnreachable)
  t.match(error.message, /^ws:\/\/127\.0\.0\.1:1\/v1\/stream: no connection within 100 ms/)
  t.match(error.message, /ECONNREFUSED.*start the server with `holdfast serve`/)
  for (const url of ['nowhere', 'ftp://x', '']) {
    t.match(await errorOf(connect(url)), { name: 'TypeError', message: /^url must/ })
  }
})

t.test('a server that says nothing: not to the handshake, not after it', async (t) => {
  const open = new Set<Socket>()
  const mute = createServer((socket) => open.add(socket))
  mute.listen(0, '127.0.0.1')
  await once(mute, 'listening')
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    mute.close()
  })
  const { port } = mute.address() as AddressInfo
  const first = await errorOf(connect(`ws://127.0.0.1:${port}`, { connectTimeoutMs: 150 }))
  t.match(first, { name: 'HoldfastUnreachable', message: /no connection within 150 ms/ })
  const { url } = await fakeStream(t, { onOpen: () => {} })
  const second = await errorOf(connect(url, { connectTimeoutMs: 150 }))
  t.match(second, { name: 'HoldfastUnreachable', message: /no connection within 150 ms/ })
})

t.test('what trying again would not mend is said at once', async (t) => {
  const cases: readonly (readonly [number, string, RegExp])[] = [
    [401, 'unauthorized', /give the right one as `key`/],
    [403, 'forbidden', /host name/],
    [404, 'not_found', /is it a Holdfast server/],
  ]
  for (const [refusal, reason, message] of cases) {
    const { url } = await fakeStream(t, { refusal })
    t.match(await errorOf(connect(url)), { name: 'HoldfastUnreachable', reason, message })
  }
  const { url } = await fakeStream(t, { version: 9 })
  t.match(await errorOf(connect(url)), {
    reason: 'version',
    message: /version 9 of the stream, and this client version 1: update the client/,
  })
})

t.test('no answer: the outcome is unknown, and the error says so', async (t) => {
  const { url } = await fakeStream(t, { onRecords: () => {} })
  const hf = await connect(url, { timeoutMs: 60_000 })
  const error = await errorOf(hf.transfer(MOVE, { timeoutMs: 60 }))
  t.match(error, { name: 'HoldfastTimeout', wasSent: true, message: /within 60 ms.*same id/ })
  t.match(await errorOf(hf.account('acme', { timeoutMs: 60 })), { name: 'HoldfastTimeout' })
  t.equal(hf.status().inFlight, 2, 'the window stays taken')
  await hf.close()
})

t.test('the window is kept, and what waits says for what', async (t) => {
  let held: FakeRecord[] = []
  let release = (): void => {}
  const fake = await fakeStream(t, {
    windowCommands: 10,
    onRecords: (connection, records) => {
      held.push(...records)
      if (held.length > 10) t.fail(`${held.length} in flight`)
      release = () => {
        const answered = held
        held = []
        connection.answer(answered)
      }
      if (fake.messages.length > 1) release()
    },
  })
  const heard: HoldfastStatus[] = []
  const told = new Promise<void>((resolve) => {
    connect(fake.url, {
      onWait: (status) => {
        heard.push(status)
        resolve()
      },
    }).then(async (hf) => {
      const results = hf.submit(transfers(35))
      await told
      t.match(hf.status(), { state: 'open', waitsFor: 'window', inFlight: 10, waiting: 25 })
      release()
      t.equal((await results).length, 35)
      await hf.close()
      done()
    })
  })
  let done = (): void => {}
  await new Promise<void>((resolve) => {
    done = resolve
  })
  t.match(heard[0], { waitsFor: 'window', reason: /10 commands are in flight/ })
})

t.test(
  'a lost connection: what is unanswered goes again, in order, under the same ids',
  async (t) => {
    const commands = transfers(5)
    const chain = transfers(3)
    const fake = await fakeStream(t, {
      onRecords: ({ number, socket, answer }, records) => {
        if (number > 0) return answer(records)
        // Two of the five and one of the chain's three: the chain must come again as a whole.
        if (records.some(({ linked }) => linked)) {
          answer([...records.slice(0, 2)])
          socket.terminate()
        }
      },
    })
    const hf = await connect(fake.url)
    const first = hf.submit(commands)
    const second = hf.submit(chain, { linked: true })
    const third = hf.transfer({ ...MOVE, id: 'last' })
    t.equal((await first).length, 5)
    t.strictSame(
      (await second).map(({ code }) => code),
      ['ok', 'ok', 'ok'],
    )
    t.match(await third, { code: 'ok', commandId: 'last' })
    const again = fake.messages.slice(1).flat()
    t.strictSame(
      again.slice(0, 6).map(({ id }) => id),
      [...idsOf(commands).slice(2), ...idsOf(chain)],
    )
    t.strictSame(
      again.slice(3, 6).map(({ linked }) => linked),
      [true, true, false],
    )
    t.equal(again.length, 7)
    await hf.close()
  },
)

t.test('a chain that was answered in part goes again as a whole', async (t) => {
  const chain = transfers(3)
  const fake = await fakeStream(t, {
    onRecords: ({ number, socket, answer }, records) => {
      if (number > 0) return answer(records)
      answer(records.slice(0, 1))
      socket.close(1001)
    },
  })
  const hf = await connect(fake.url)
  const results = await hf.submit(chain, { linked: true })
  t.strictSame(
    results.map(({ code }) => code),
    ['ok', 'ok', 'ok'],
  )
  t.strictSame(
    fake.messages[1]?.map(({ id }) => id),
    idsOf(chain),
  )
  await hf.close()
})

t.test('"not now" is retried for a while, then given back', async (t) => {
  let refusals = 3
  const fake = await fakeStream(t, {
    onRecords: ({ answer }, records) => {
      const isQuery = records[0]?.kind === KIND.queryAccount
      const status = isQuery ? STATUS.account_not_found : STATUS.ok
      answer(records, refusals-- > 0 ? STATUS.busy : status)
    },
  })
  const hf = await connect(fake.url, { retryMs: 5_000 })
  t.match(await hf.transfer(MOVE), { code: 'ok' })
  t.equal(fake.messages.length, 4)
  refusals = 2
  const chained = await hf.submit(transfers(2), { linked: true })
  t.strictSame(
    chained.map(({ code }) => code),
    ['ok', 'ok'],
  )
  refusals = 1
  t.match(await hf.account('acme'), { code: 'account_not_found', asOf: undefined })
  await hf.close()
  refusals = Number.POSITIVE_INFINITY
  const impatient = await connect(fake.url, { retryMs: 0 })
  t.match(await impatient.transfer(MOVE), { code: 'busy', retryable: true, sequence: undefined })
  t.match(await impatient.submit(transfers(2), { linked: true }), [
    { code: 'busy' },
    { code: 'busy' },
  ])
  await impatient.close()
})

t.test('garbage from the server never reaches a call', async (t) => {
  let garbage = (_records: readonly FakeRecord[]): Buffer | string => ''
  let rounds = 0
  const fake = await fakeStream(t, {
    onRecords: ({ socket, answer }, records) => {
      if (rounds-- > 0) socket.send(garbage(records))
      else answer(records)
    },
  })
  const hf = await connect(fake.url, { timeoutMs: 5_000 })
  const bytes = fc.uint8Array({ maxLength: 200 })
  const mutation = fc.record({ at: fc.nat(200), xor: fc.integer({ min: 1, max: 255 }) })
  const input = fc.oneof(
    bytes.map((data) => () => Buffer.from(data)),
    fc.constant(() => 'text'),
    fc.constant(() => welcome({})),
    fc
      .array(mutation, { minLength: 1, maxLength: 3 })
      .map((changes) => (records: readonly FakeRecord[]) => {
        const message = outcomes(records, 0)
        for (const { at, xor } of changes) {
          // Neither what a number is, which cannot be checked, nor what the client does not read.
          const place = [20, 0, 2, 4, 5, 6, 16, 17, 18, 19, 48, 49, 50, 52, 53][at % 15] as number
          message[place] = (message[place] as number) ^ xor
        }
        return message
      }),
  )
  await fc.assert(
    fc.asyncProperty(input, async (make) => {
      garbage = make
      rounds = 1
      const result = await hf.transfer(MOVE)
      return typeof result.code === 'string'
    }),
    { numRuns: 60 },
  )
  t.equal((await hf.transfer(MOVE)).code, 'ok')
  await hf.close()
})

t.test('close: what is in flight finishes, and nothing new begins', async (t) => {
  let finish = (): void => {}
  const arrived = new Promise<void>((resolve) => {
    fakeStream(t, {
      onRecords: ({ answer }, records) => {
        finish = () => answer(records)
        resolve()
      },
    }).then(async ({ url }) => {
      const hf = await connect(url)
      const call = hf.transfer(MOVE)
      await arrived
      const closing = hf.close()
      t.equal(hf.close(), closing)
      t.match(await errorOf(hf.transfer(MOVE)), { name: 'HoldfastClosed', wasSent: false })
      finish()
      t.match(await call, { code: 'ok' })
      await closing
      t.equal(hf.status().state, 'closed')
      ended()
    })
  })
  let ended = (): void => {}
  await new Promise<void>((resolve) => {
    ended = resolve
  })
})

t.test('close without a connection: what waits is told so at once', async (t) => {
  const fake = await fakeStream(t, {
    onOpen: ({ number, socket }) => {
      if (number === 0) socket.send(welcome({}))
    },
    onRecords: ({ socket }) => socket.terminate(),
  })
  const hf = await connect(fake.url)
  const call = errorOf(hf.transfer(MOVE))
  while (hf.status().state !== 'connecting') await new Promise((resolve) => setImmediate(resolve))
  t.match(hf.status(), { waitsFor: 'connection', reason: /the connection broke/ })
  await hf.close()
  t.match(await call, { name: 'HoldfastClosed', wasSent: true, message: /same id/ })
})

function overPipeline(options = {}): { hf: Front; pipeline: DirectPipeline } {
  const pipeline = new DirectPipeline()
  return { pipeline, hf: new Front(new PipelineCarrier(pipeline, async () => {}), options) }
}

t.test('over a pipeline: no room, no disk, no thread', async (t) => {
  const { hf, pipeline } = overPipeline({ retryMs: 200 })
  await hf.opened
  await hf.submit([
    { type: 'open_account', id: 'bank', ledger: 1, external: true },
    { type: 'open_account', id: 'acme', ledger: 1 },
  ])
  t.match(await hf.reserve({ id: 'r', ...MOVE }), { code: 'ok' })

  pipeline.roomBytes = 2_000
  const many = await hf.submit(transfers(5_000).slice(0, 20))
  t.ok(many.every(({ code }) => code === 'ok'))

  pipeline.roomBytes = 4_194_304
  pipeline.isStorageLow = true
  t.match(await hf.transfer(MOVE), { code: 'storage_low', retryable: true })
  t.strictSame(
    (await hf.submit([...transfers(2), { type: 'settle', reservation: 'r', amount: 0 }])).map(
      ({ code }) => code,
    ),
    ['storage_low', 'storage_low', 'ok'],
    'what gives back goes on',
  )
  t.strictSame(
    (await hf.submit(transfers(2), { linked: true })).map(({ code }) => code),
    ['storage_low', 'storage_low'],
  )
  const later = hf.transfer(MOVE)
  pipeline.isStorageLow = false
  t.match(await later, { code: 'ok' }, 'room came in time')

  pipeline.isHeld = true
  const call = errorOf(hf.transfer(MOVE))
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  pipeline.fail('the journal thread failed: EIO')
  t.match(await call, { name: 'HoldfastFailed', message: /EIO.*same ids/ })
  t.match(await errorOf(hf.audit()), { name: 'HoldfastFailed' })
  t.equal(hf.status().state, 'failed')
  await hf.close()
})

t.test('a client that closes waits for nothing', async (t) => {
  const { url } = await fakeStream(t)
  const hf = await connect(url)
  const closing = hf.close()
  t.match(hf.status(), { state: 'closing', waitsFor: 'nothing', reason: '' })
  await closing
})

t.test('options that cannot be meant', async (t) => {
  for (const options of [{ timeoutMs: 0 }, { retryMs: -1 }, { timeoutMs: 1.5 }]) {
    t.match(await errorOf(connect('ws://127.0.0.1:1', options)), { name: 'RangeError' })
  }
  const { hf } = overPipeline()
  t.match(await errorOf(hf.transfer(MOVE, { timeout: 5 } as never)), { message: /^timeout is not/ })
  t.match(await errorOf(hf.settle({ reservation: 'r' }, { dryRun: true } as never)), {
    message: /^dryRun is not an option/,
  })
  await hf.close()
})
