// What the client keeps to: the server's window in commands and in bytes, the bound on what is
// unanswered, the time within which a command may be sent again, and one question for each name. What
// else it does is in client.test.ts.

import t, { type Test } from 'tap'
import type { Call } from '../client/call.ts'
import type { Carrier } from '../client/carrier.ts'
import { type Command, connect, type Holdfast } from '../client/index.ts'
import { Load } from '../client/load.ts'
import { Names } from '../client/names.ts'
import { OpenCalls } from '../client/open-calls.ts'
import { SlotNames } from '../client/slot-names.ts'
import { allocateWords, ID_BYTES, KIND, MESSAGE_HEAD, NAME_ENTRY } from '../protocol/index.ts'
import { errorOf, MOVE, transfers } from './support/client-calls.ts'
import { fakeStream, welcome } from './support/fake-stream.ts'
import { seeded, until } from './support/gateway-server.ts'

t.setTimeout(120_000)

t.test('the window is kept in bytes too: long commands and many questions', async (t) => {
  const server = await seeded(t)
  const hf = await connect(server.url, { reconnect: false })
  const metadata = { note: 'x'.repeat(450) }
  server.pipeline.isHeld = true
  const commands = Array.from(
    { length: 5_000 },
    (): Command => ({ type: 'reserve', ...MOVE, metadata }),
  )
  const questions = Promise.all(Array.from({ length: 10_000 }, () => hf.account('acme')))
  await until(() => hf.status().inFlight === 10_000)
  const results = hf.submit(commands)
  const dryRuns = Promise.all(
    Array.from({ length: 1_000 }, () => hf.reserve({ ...MOVE, metadata }, { dryRun: true })),
  )
  await until(() => hf.status().waitsFor === 'window')
  // Until the server has read all that was sent, or has had enough.
  for (let read = -1; read !== hf.status().inFlight && hf.status().state === 'open'; ) {
    const { text } = await server.get('/metrics')
    read = Number(/^holdfast_commands_in_flight (\d+)$/m.exec(text)?.[1])
  }
  t.match(hf.status(), { state: 'open', waitsFor: 'window' })
  server.pipeline.release()
  t.equal((await results).length, 5_000)
  t.ok((await questions).every(({ code }) => code === 'ok'))
  t.equal((await dryRuns).length, 1_000)
  t.match(await hf.reserve({ ...MOVE, metadata }), { commandId: String })
  await hf.close()
})

t.test('what is only about to be sent waits for nothing', async (t) => {
  const server = await seeded(t)
  const hf = await connect(server.url, { reconnect: false })
  server.pipeline.isHeld = true
  const first = hf.transfer(MOVE)
  t.match(hf.status(), { waitsFor: 'nothing', reason: '', inFlight: 0, waiting: 1 })
  await until(() => hf.status().inFlight === 1)
  const second = hf.transfer(MOVE)
  t.match(hf.status(), { waitsFor: 'nothing', reason: '', inFlight: 1, waiting: 1 })
  server.pipeline.release()
  t.match(await Promise.all([first, second]), [{ code: 'ok' }, { code: 'ok' }])
  await hf.close()
})

/** A client whose server has gone for good. */
async function abandoned(t: Test): Promise<Holdfast> {
  const fake = await fakeStream(t, {
    onOpen: ({ number, socket }) => {
      if (number === 0) socket.send(welcome({}))
    },
    onRecords: ({ socket }) => socket.terminate(),
  })
  const hf = await connect(fake.url)
  t.match(await errorOf(hf.transfer(MOVE, { timeoutMs: 40 })), { name: 'HoldfastTimeout' })
  await until(() => hf.status().state === 'connecting')
  return hf
}

t.test('without a connection: what is over is dropped, and what waits is bounded', async (t) => {
  const hf = await abandoned(t)
  const held = errorOf(hf.submit(transfers(3), { timeoutMs: 60_000 }))
  const gone = await Promise.allSettled(
    Array.from({ length: 50_000 }, (_, i) =>
      i % 2 === 0
        ? hf.reserve(MOVE, { timeoutMs: 1 + (i % 60) })
        : hf.account('acme', { timeoutMs: 1 + (i % 60) }),
    ),
  )
  t.ok(gone.every(({ status }) => status === 'rejected'))
  await until(() => hf.status().waiting <= 3)
  t.equal(hf.status().waiting, 3, 'those that have time wait on')

  const [one] = transfers(1) as [Command]
  const full = { name: 'HoldfastFull', wasSent: false, message: /524288 commands.*67108864 bytes/ }
  t.match(await errorOf(hf.submit(new Array<Command>(524_286).fill(one))), full)

  const long: Command = { type: 'reserve', ...MOVE, metadata: { note: 'x'.repeat(450) } }
  const tooLong = new Array<Command>(130_000).fill(long)
  t.match(await errorOf(hf.submit(tooLong)), full)
  t.equal(hf.status().waiting, 3, 'nothing of it is kept')
  await hf.close()
  t.match(await held, { name: 'HoldfastClosed' })
})

t.test('after a while an id that is no UUIDv7 is not sent again', async (t) => {
  const fake = await fakeStream(t, {
    windowMs: 400,
    onRecords: ({ number, socket, answer }, records) => {
      // Three quarters of the window are what this is about.
      if (number === 0) setTimeout(() => socket.terminate(), 320)
      else answer(records)
    },
  })
  const hf = await connect(fake.url)
  const own = errorOf(hf.transfer({ ...MOVE, id: 'mine' }))
  const chain = errorOf(
    hf.submit([...transfers(1), { type: 'transfer', id: 'also mine', ...MOVE }], { linked: true }),
  )
  const made = hf.transfer(MOVE)
  const account = hf.submit([{ type: 'open_account', id: 'acme', ledger: 1 }])
  const unknown = { name: 'HoldfastUnknown', wasSent: true, message: /not known.*look/ }
  t.match(await own, unknown)
  t.match(await chain, unknown)
  t.match(await made, { code: 'ok' })
  t.match(await account, [{ code: 'ok' }])
  const again = fake.messages.slice(1).flat()
  t.strictSame(
    again.map(({ kind }) => kind),
    [KIND.transfer, KIND.openAccount],
  )
  await hf.close()
})

/** The server's answer to a question for the names of these slots. */
function namesOf(slots: readonly number[]) {
  const words = allocateWords(slots.length * NAME_ENTRY.bytes)
  for (const [i, slot] of slots.entries()) words.u32[(i * NAME_ENTRY.bytes) >>> 2] = slot
  return { words, end: words.u8.length, count: slots.length }
}

t.test('names are asked for once, one message at a time', async (t) => {
  const names = new SlotNames()
  names.begin(allocateWords(ID_BYTES), 0, 2)
  const asked = (): number[] => {
    const message = names.takeQuestion()
    if (message === undefined) return []
    const body = Buffer.from(message.subarray(MESSAGE_HEAD.bytes))
    return Array.from({ length: body.length / 4 }, (_, i) => body.readUInt32LE(i * 4))
  }
  const arrive = (slots: readonly number[]): number[] => {
    const { words, end, count } = namesOf(slots)
    return names.read(words, 0, end, count)
  }
  names.ask([5, 6, 7])
  t.strictSame(asked(), [5, 6])
  names.ask([5, 6, 7, 8])
  t.strictSame(asked(), [], 'another one is in flight')
  t.strictSame(arrive([5, 6]), [5, 6])
  t.strictSame(asked(), [7, 8])
  t.throws(() => arrive([7]), { name: 'CarrierFault' })
  t.throws(() => arrive([5]), { name: 'CarrierFault', message: /nobody asked/ })

  let retries = 0
  const askNames = (slots: readonly number[]): void => names.ask(slots)
  const waiters = new Names({ askNames, nameOf: () => undefined } as unknown as Carrier)
  waiters.wait([1, 2], { isOver: () => false, retry: () => retries++ })
  waiters.arrived([1])
  t.equal(retries, 0, 'it misses another name')
  waiters.arrived([2])
  t.equal(retries, 1)
})

t.test('as many may be unanswered, and as many bytes', async (t) => {
  const load = new Load()
  load.add(524_287, 67_108_864)
  t.equal(load.refusal(1), undefined)
  t.match(load.refusal(2), { name: 'HoldfastFull', wasSent: false })
  load.add(1, 96)
  t.match(load.refusal(0), { message: /524288 commands and queries, or 67108864 bytes/ })
  load.remove(1, 96)
  t.equal(load.refusal(1), undefined)
})

/** A call that nothing is done for. */
class IdleCall implements Call {
  readonly startedMs = performance.now()
  readonly timeoutMs: number
  readonly isLinked = false
  wasSent = false
  isOver = false
  left = 1

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs
  }

  take(): void {}
  finish(): void {}

  fail(): void {
    this.isOver = true
  }
}

t.test('of thousands of open calls each ends at its own deadline', async (t) => {
  const late: Call[] = []
  let looks = 0
  const open = new OpenCalls(
    (call) => {
      late.push(call)
      call.fail(new Error('late'))
    },
    () => looks++,
  )
  const calls = Array.from(
    { length: 6_000 },
    (_, i) => new IdleCall(i % 2_500 === 1_700 ? 60 : 1e6),
  )
  const short = calls.filter(({ timeoutMs }) => timeoutMs === 60)
  for (const call of calls) open.add(call)
  await until(() => late.length === short.length)
  t.same(late, short)
  t.notOk(open.isEmpty())
  const next = new IdleCall(60)
  open.add(next)
  await until(() => late.length > short.length)
  t.equal(late.at(-1), next, 'what came later, too')
  for (const call of calls) call.isOver = true
  t.ok(open.isEmpty())
  const before = looks
  await until(() => looks > before)
  const last = new IdleCall(1e6)
  open.add(last)
  open.failAll(() => new Error('closed'))
  t.ok(last.isOver)
  t.equal(late.length, short.length + 1)
})
