// Modules over the stream, byte by byte as a client in another language has them: inputs as JSON in the
// records' tails, replies as JSON in the outcomes. Over the stand-in pipeline and the small module.

import { hash } from 'node:crypto'
import t, { type Test } from 'tap'
import { KIND, MESSAGE, MODULE_INPUT_BYTES_MAX, readReply, wordsOver } from '../protocol/index.ts'
import type { Command } from './support/commands.ts'
import { DirectPipeline, TEST_CAPACITIES } from './support/direct-pipeline.ts'
import { idBytes } from './support/frames.ts'
import { type GatewayServer, startGatewayServer } from './support/gateway-server.ts'
import { surface } from './support/small-module/routes.ts'
import { rules, THROWS_AT } from './support/small-module/rules.ts'
import {
  commandsMessage,
  message,
  recordsOf,
  type StreamAnswer,
  streamTo,
  type TestStream,
} from './support/stream-client.ts'

/** One record as a client writes it. */
interface Ask {
  /** `jars/add`, or `jars?jar` for a query. */
  readonly what: string
  readonly id?: string
  readonly json: string | Buffer
  readonly token: number
  readonly isLinked?: boolean
  /** Where the tail's bytes are said to be fewer or more. */
  readonly inputBytes?: number
}

/** Written from docs/stream.md alone. */
function record({ what, id, json, token, isLinked = false, inputBytes }: Ask): Buffer {
  const input = Buffer.from(json)
  const tailBytes = (input.length + 7) & ~7
  const bytes = Buffer.alloc(64 + tailBytes)
  bytes.writeUInt8(what.includes('?') ? 35 : 18, 0)
  bytes.writeUInt8(isLinked ? 1 : 0, 1)
  bytes.writeUInt16LE(tailBytes, 2)
  bytes.writeUInt32LE(token, 8)
  if (id !== undefined) bytes.set(idBytes(id), 16)
  bytes.set(hash('sha256', what, 'buffer').subarray(0, 4), 32)
  bytes.writeUInt32LE(inputBytes ?? input.length, 44)
  bytes.set(input, 64)
  return bytes
}

const add = (token: number, id: string, input: object, isLinked = false): Buffer =>
  record({
    what: 'jars/add',
    id,
    json: JSON.stringify({ jar: 'a', kind: 'penny', count: 1, ...input }),
    token,
    isLinked,
  })

const core = (token: number, command: Command): Buffer => recordsOf([command], token)
const commands = (...records: Buffer[]): Buffer =>
  message(MESSAGE.commands, records.length, Buffer.concat(records))
const queries = (...records: Buffer[]): Buffer =>
  message(MESSAGE.queries, records.length, Buffer.concat(records))

/** What an outcome says of a module, or undefined. */
function replyIn({ bytes }: StreamAnswer): unknown {
  const words = wordsOver(Uint8Array.from(bytes).buffer)
  return readReply(words, 0)
}

async function ask(stream: TestStream, bytes: Buffer, count: number): Promise<StreamAnswer[]> {
  const from = stream.answers.length
  stream.send(bytes)
  await stream.until(() => stream.answers.length >= from + count)
  return stream.answers.slice(from)
}

async function jars(test: Test): Promise<{ server: GatewayServer; stream: TestStream }> {
  const pipeline = new DirectPipeline(TEST_CAPACITIES, [rules])
  const server = await startGatewayServer({ modules: [surface] }, pipeline)
  test.teardown(() => server.gateway.close())
  await server.post('/v1/jars', { id: 'a', size: 50 })
  return { server, stream: await streamTo(test, server.url) }
}

const BANK: Command = { type: 'open_account', id: 'bank', ledger: 1, external: true }

t.test('commands of modules and of the core are answered in order', async (t) => {
  const { server, stream } = await jars(t)
  const answers = await ask(
    stream,
    commands(
      add(70, 'x1', { count: 5 }),
      core(71, BANK),
      add(72, 'x2', { count: 46 }),
      add(73, 'x1', { count: 5 }),
      add(74, 'x1', { count: 6 }),
      add(75, 'x3', { count: THROWS_AT }),
      add(76, 'x4', { count: 45 }),
    ),
    7,
  )
  t.same(
    answers.map(({ token, code }) => [token, code]),
    [
      [70, 'ok'],
      [71, 'ok'],
      [72, 'module_refused'],
      [73, 'ok'],
      [74, 'exists_with_different_input'],
      [75, 'module_failed'],
      [76, 'ok'],
    ],
  )
  t.same(answers.map(replyIn), [
    { code: 'ok', id: 'a', kind: 'penny', coins: 5, room: 45 },
    undefined,
    { code: 'jar_full', room: 45 },
    { code: 'ok', id: 'a', kind: 'penny', coins: 5, room: 45 },
    { code: 'exists_with_different_count' },
    { code: 'module_failed' },
    { code: 'ok', id: 'a', kind: 'penny', coins: 50, room: 0 },
  ])
  t.match(answers[3], { replayed: true, sequence: answers[0]?.sequence })
  const [shown] = await ask(
    stream,
    queries(record({ what: 'jars?jar', json: '{"jar":"a"}', token: 9 })),
    1,
  )
  t.match(shown, { token: 9, code: 'ok', sequence: answers[6]?.sequence })
  t.same(replyIn(shown as StreamAnswer), { code: 'ok', id: 'a', coins: 50, size: 50, label: null })
  t.same(server.faults, [])
})

t.test('a chain may hold commands of both', async (t) => {
  const { server, stream } = await jars(t)
  const failed = await ask(
    stream,
    commands(
      core(1, { ...BANK, linked: true }),
      add(2, 'c1', { count: 5 }, true),
      add(3, 'c2', { count: 50 }),
      add(4, 'c3', {}),
    ),
    4,
  )
  t.same(
    failed.map(({ code }) => code),
    ['linked_failed', 'linked_failed', 'module_refused', 'ok'],
  )
  t.equal((await server.get('/v1/accounts/bank')).status, 404)
  const passed = await ask(
    stream,
    commands(core(5, { ...BANK, id: 'other', linked: true }), add(6, 'c4', { count: 2 })),
    2,
  )
  t.same(
    passed.map(({ code }) => code),
    ['ok', 'ok'],
  )
  t.match(replyIn(passed[1] as StreamAnswer), { coins: 3 })
})

t.test('what is no input is refused in its place, and says why', async (t) => {
  const { server, stream } = await jars(t)
  const { submitted } = server.pipeline
  const long = JSON.stringify({ jar: 'a', kind: 'penny', count: 1, note: 'n'.repeat(970) })
  t.ok(long.length <= MODULE_INPUT_BYTES_MAX)
  const cases: readonly (readonly [ask: Omit<Ask, 'token'>, detail: RegExp])[] = [
    [{ what: 'jars/nothing', json: '{}' }, /No module that is loaded/],
    [{ what: 'jugs/add', json: '{}' }, /No module that is loaded/],
    [{ what: 'jars/add', json: '' }, /inputBytes/],
    [{ what: 'jars/add', json: '{}', inputBytes: 9 }, /inputBytes/],
    [{ what: 'jars/add', json: '{}'.padEnd(16), inputBytes: 2 }, /inputBytes/],
    [{ what: 'jars/add', json: '{' }, /not JSON/],
    [{ what: 'jars/add', json: '5' }, /JSON object/],
    [{ what: 'jars/add', json: Buffer.from([0x22, 0xff, 0x22]) }, /not UTF-8/],
    [{ what: 'jars/add', json: '{"jar":"a","jar":"b"}' }, /given twice/],
    [{ what: 'jars/add', json: '{"jar":"a","kind":"p"}' }, /^count is missing/],
    [{ what: 'jars/add', json: '{"jar":"a","kind":"p","count":1.0}' }, /whole number/],
    [{ what: 'jars/add', json: '{"jar":"a","kind":"p","count":1,"x":1}' }, /^x is not a field/],
    [{ what: 'jars/add', json: '['.repeat(40) }, /nested deeper/],
  ]
  const bad = cases.map(([one], i) => record({ ...one, id: `bad${i}`, token: 100 + i }))
  const answers = await ask(
    stream,
    commands(add(1, 'g1', {}), ...bad, add(2, 'g2', {})),
    bad.length + 2,
  )
  t.same(
    answers.map(({ token, code }) => [token, code]),
    [[1, 'ok'], ...bad.map((_, i) => [100 + i, 'invalid_request']), [2, 'ok']],
  )
  for (const [i, [, detail]] of cases.entries()) {
    const reply = replyIn(answers[i + 1] as StreamAnswer)
    t.match(reply, { code: 'invalid_request', detail })
  }
  t.equal(server.pipeline.submitted, submitted + 2)
  const full = record({ what: 'jars/add', id: 'long', json: long, token: 3 })
  t.match(await ask(stream, commands(full), 1), [{ code: 'ok', token: 3 }])
  const [wrong, right] = await ask(
    stream,
    queries(
      record({ what: 'jars?jar', json: '{}', token: 5 }),
      record({ what: 'jars?jar', json: '{"jar":"none"}', token: 6 }),
    ),
    2,
  )
  t.match(replyIn(wrong as StreamAnswer), { code: 'invalid_request', detail: 'jar is missing.' })
  t.match(replyIn(right as StreamAnswer), { code: 'jar_not_found' })
  const chain = await ask(
    stream,
    commands(add(7, 'k1', {}, true), add(8, 'k2', { count: 0 }, true), add(9, 'k3', {})),
    3,
  )
  t.same(
    chain.map(({ code }) => code),
    ['linked_failed', 'invalid_request', 'linked_failed'],
  )
  t.same(chain.map(replyIn), [
    undefined,
    { code: 'invalid_request', detail: 'count must be at least 1.' },
    undefined,
  ])
  t.equal((await server.get('/v1/jars/a')).body.coins, 3)
  t.same(server.faults, [])
})

t.test('texts that grow in NFC are asked for in NFC', async (t) => {
  const { stream } = await jars(t)
  // U+FB2C becomes three characters of two bytes each.
  const note = '\ufb2c'.repeat(40)
  const [grown, composed] = await ask(
    stream,
    commands(add(1, 'n1', { note }), add(2, 'n2', { note: note.normalize('NFC') })),
    2,
  )
  t.match(replyIn(grown as StreamAnswer), { code: 'invalid_request', detail: /NFC/ })
  t.equal(composed?.code, 'ok')
})

t.test('the window counts what was sent, whatever it becomes', async (t) => {
  const { server, stream } = await jars(t)
  // Of 1,000 bytes some 40 are left when they are packed; 20 times 256 of them are twice the window.
  const json = JSON.stringify({ jar: 'a', kind: 'penny', count: 1 }).padEnd(1_000)
  const many = Array.from({ length: 240 }, (_, i) =>
    record({ what: 'jars/add', id: `w${i}`, json, token: i }),
  )
  for (let i = 0; i < 20; i++) {
    const answers = await ask(stream, commands(...many), many.length)
    t.equal(answers.length, many.length)
  }
  t.equal(stream.closed, undefined)
  t.same(server.faults, [])
})

t.test('with the room used up they wait, and keep their order', async (t) => {
  const { server, stream } = await jars(t)
  server.pipeline.roomBytes = 400
  server.pipeline.isHeld = true
  const from = stream.answers.length
  for (let i = 0; i < 10; i++) {
    stream.send(
      commands(
        add(3 * i + 1, `r${i}`, { count: 1 }),
        add(3 * i + 2, `s${i}`, { count: 0 }),
        core(3 * i + 3, { ...BANK, id: `bank${i}` }),
      ),
    )
  }
  setImmediate(() => server.pipeline.release())
  await stream.until(() => stream.answers.length >= from + 30)
  const answers = stream.answers.slice(from)
  t.same(
    answers.map(({ token }) => token),
    Array.from({ length: 30 }, (_, i) => i + 1),
  )
  t.same(
    answers.slice(0, 3).map(({ code }) => code),
    ['ok', 'invalid_request', 'ok'],
  )
})

t.test('a record of a module that is none ends the connection', async (t) => {
  const { server } = await jars(t)
  const good = add(1, 'x', {})
  const patched = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(good)
    bytes.writeUInt8(value, at)
    return bytes
  }
  for (const [bytes, reason] of [
    [message(MESSAGE.commands, 1, patched(2, 3)), /Record 0 is cut short/],
    [message(MESSAGE.commands, 1, patched(2, 200)), /Record 0 is cut short/],
    [
      message(MESSAGE.commands, 1, Buffer.concat([good, Buffer.alloc(8)])),
      /follow the last record/,
    ],
    [message(MESSAGE.commands, 2, good), /Record 1 is cut short/],
    [message(MESSAGE.commands, 1, patched(1, 128)), /no command/],
    [message(MESSAGE.queries, 1, good), /no query/],
    [message(MESSAGE.queries, 1, patched(0, KIND.queryModule).fill(1, 1, 2)), /no query/],
    [commands(patched(1, 1)), /chain does not end/],
  ] as const) {
    const stream = await streamTo(t, server.url)
    stream.send(bytes)
    t.match(await stream.end(), { code: 1002, reason })
  }
  t.same(server.faults, [])
})

t.test('a gateway without modules knows none', async (t) => {
  const server = await startGatewayServer()
  t.teardown(() => server.gateway.close())
  const stream = await streamTo(t, server.url)
  const [refused] = await ask(stream, commands(add(1, 'x', {})), 1)
  t.match(refused, { code: 'invalid_request', sequence: 0 })
  t.match(await ask(stream, commandsMessage([BANK], 2), 1), [{ code: 'ok', token: 2 }])
})
