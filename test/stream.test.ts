// The stream from outside, as its clients see it: what is answered, in which order, under which
// token. Runs over the stand-in pipeline, with the real engine behind it. Sockets that misbehave and
// the ends of connections are in stream-sockets.test.ts.

import t from 'tap'
import {
  CHAIN_COMMANDS_MAX,
  FLAG,
  KIND,
  MESSAGE,
  RECORD,
  STREAM_MESSAGE_BYTES_MAX,
  STREAM_NAMES_MAX,
  TRANSFER,
  WELCOME,
} from '../protocol/index.ts'
import { BAD_TAILS } from './support/bad-messages.ts'
import type { Command } from './support/commands.ts'
import { TEST_LOG, TEST_START_MS } from './support/direct-pipeline.ts'
import { seeded, until, untilMetric } from './support/gateway-server.ts'
import {
  commandsMessage,
  message,
  recordsOf,
  type StreamAnswer,
  streamTo,
  transfers,
} from './support/stream-client.ts'

/** A deadline of five seconds is waited for. */
t.setTimeout(60_000)

const RESERVE = { type: 'reserve', debit: 'acme', credit: 'bank' } as const

function codes(answers: readonly StreamAnswer[]): string[] {
  return answers.map(({ code }) => code)
}

function tokens(answers: readonly StreamAnswer[]): number[] {
  return answers.map(({ token }) => token)
}

function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i)
}

/** `commands` as one chain. */
function linked(commands: readonly Command[]): Command[] {
  return commands.map((one, i) => ({ ...one, linked: i + 1 < commands.length }))
}

t.test('the welcome says what is granted', async (t) => {
  const server = await seeded(t)
  const { welcome } = await streamTo(t, server.url)
  const word = (at: number) => welcome.u32[at >>> 2]
  t.equal(word(WELCOME.version), 1)
  t.equal(word(WELCOME.windowCommands), 16_384)
  t.equal(word(WELCOME.windowBytes), 2_097_152)
  t.equal(word(WELCOME.messageBytesMax), STREAM_MESSAGE_BYTES_MAX)
  t.equal(word(WELCOME.chainCommandsMax), CHAIN_COMMANDS_MAX)
  t.equal(word(WELCOME.namesMax), STREAM_NAMES_MAX)
  t.same(welcome.u8.slice(WELCOME.log, WELCOME.log + 16), TEST_LOG)
  t.equal(welcome.f64[WELCOME.sequence >>> 3], 6)
  t.equal(welcome.f64[WELCOME.timeMs >>> 3], TEST_START_MS)
  t.equal(word(WELCOME.windowMs), 60_000)
})

t.test('commands are answered in order, each under its token', async (t) => {
  const server = await seeded(t)
  const stream = await streamTo(t, server.url)
  const reserve = { ...RESERVE, id: 'r1', amount: 60, timeoutMs: 1_000 }
  const answers = await stream.commands(
    reserve,
    { ...RESERVE, id: 'r2', amount: 60 },
    { type: 'settle', id: 's1', reservation: 'r1', amount: 70 },
    { type: 'settle', id: 's2', reservation: 'r1', amount: 20, final: false },
    { type: 'set_credit_limit', id: 'c1', account: 'acme', value: 11 },
    { type: 'freeze_account', id: 'f1', account: 'nobody' },
    { ...reserve, amount: 61 },
    { type: 'transfer', id: '', debit: 'acme', credit: 'bank', amount: 1 },
    reserve,
  )
  t.same(codes(answers), [
    'ok',
    'insufficient_funds',
    'exceeds_reservation',
    'ok',
    'ok',
    'account_not_found',
    'exists_with_different_amount',
    'malformed',
    'ok',
  ])
  t.same(tokens(answers), range(1, 9))
  t.same(
    answers.map(({ sequence }) => sequence),
    [...range(7, 8), 7],
  )
  t.match(answers[0], {
    type: 'reserve',
    moved: 60,
    timeMs: TEST_START_MS,
    replayed: false,
    slots: [1, 0],
    reservation: { state: 'held', amount: 60, expiresAt: TEST_START_MS + 1_000 },
    accounts: [{ balance: 100, held: 60, creditLimit: 10 }, { incoming: 60 }],
  })
  t.match(answers[8], { replayed: true, moved: 60 })
  t.equal((await server.get('/v1/accounts/acme')).body.balance, 80)
  t.match((await server.get('/metrics')).text, /outcomes_total\{code="insufficient_funds"\} 1/)
  t.same(server.faults, [])
})

t.test('what a connection did not hear is heard on the next', async (t) => {
  const server = await seeded(t)
  const first = await streamTo(t, server.url)
  server.pipeline.isHeld = true
  first.send(commandsMessage(transfers(100), 500))
  await until(() => server.pipeline.submitted === 106)
  first.socket.terminate()
  await untilMetric(server, 'holdfast_stream_connections 0')
  server.pipeline.release()
  const second = await streamTo(t, server.url)
  const again = await second.commands(...transfers(101))
  t.same(new Set(codes(again)), new Set(['ok']))
  t.same(
    again.map(({ replayed }) => replayed),
    [...Array(100).fill(true), false],
    'nothing was lost and nothing happens twice',
  )
  t.equal((await server.get('/v1/accounts/acme')).body.balance, 201)
  t.match((await server.get('/metrics')).text, /holdfast_commands_in_flight 0/, 'tokens are freed')
  t.same(server.faults, [])
})

t.test('a chain is all or nothing, within its message and its limits', async (t) => {
  const server = await seeded(t)
  const stream = await streamTo(t, server.url)
  const broken = [...transfers(2, 'b'), { ...transfers(1, 'x')[0], credit: 'no' } as Command]
  t.same(codes(await stream.commands(...linked(broken))), [
    'linked_failed',
    'linked_failed',
    'credit_account_not_found',
  ])
  const longest = linked(transfers(CHAIN_COMMANDS_MAX, 'c'))
  t.same(new Set(codes(await stream.commands(...longest))), new Set(['ok']))
  const tooLong = linked(transfers(CHAIN_COMMANDS_MAX + 1, 'l'))
  const groups = linked(
    range(0, 22).map((i) => ({ type: 'settle_group', id: `g${i}`, group: 'g' }) as const),
  )
  const submitted = server.pipeline.submitted
  const mixed = await stream.commands(
    ...transfers(1, 'm'),
    ...tooLong,
    ...groups,
    ...linked(broken),
  )
  t.same(codes(mixed), [
    'ok',
    ...Array(CHAIN_COMMANDS_MAX + 1 + 22).fill('chain_too_large'),
    ...['linked_failed', 'linked_failed', 'credit_account_not_found'],
  ])
  t.same(tokens(mixed), range(4 + CHAIN_COMMANDS_MAX, mixed.length))
  t.equal(server.pipeline.submitted, submitted + 1 + 3, 'refused chains go no further')
  t.match(mixed[1], { sequence: 0, timeMs: 0, moved: 0, accounts: [] })
  t.equal((await server.get('/v1/accounts/acme')).body.balance, 100 + CHAIN_COMMANDS_MAX + 1)
  t.same(server.faults, [])
})

t.test('dry runs and queries', async (t) => {
  const server = await seeded(t)
  const stream = await streamTo(t, server.url)
  await stream.commands({ ...RESERVE, id: 'r1', amount: 60 })
  const dry = await stream.dryRuns(
    { ...RESERVE, id: 'd1', amount: 50 },
    { type: 'transfer', id: 'd2', debit: 'acme', credit: 'bank', amount: 51 },
  )
  t.match(dry, [
    { code: 'ok', moved: 50, token: 2, sequence: 7, accounts: [{ held: 110 }, {}] },
    { code: 'insufficient_funds', token: 3 },
  ])
  const [account, reservation, audit, nobody] = await stream.queries(
    { kind: KIND.queryAccount, id: 'acme' },
    { kind: KIND.queryReservation, id: 'r1' },
    { kind: KIND.queryAudit },
    { kind: KIND.queryAccount, id: 'nobody' },
  )
  t.match(account, { code: 'ok', sequence: 7, accounts: [{ balance: 100, held: 60 }] })
  t.match(reservation, { code: 'ok', reservation: { state: 'held', amount: 60 }, slots: [1, 0] })
  t.match(audit, { code: 'ok', sequence: 7 })
  t.equal(audit?.bytes.length, 40 + 32 + 2 * 40)
  t.match(nobody, { code: 'account_not_found' })
  t.equal(server.pipeline.engine.sequence, 7, 'none of it was journaled')
  t.equal((await stream.commands({ ...RESERVE, id: 'd1', amount: 1 }))[0]?.code, 'ok')
  t.same(server.faults, [])
})

t.test('names of accounts by their slots', async (t) => {
  const server = await seeded(t)
  const stream = await streamTo(t, server.url)
  const uuid = '0190b5a0-7c3e-7a10-8000-0123456789ab'
  const [named, plain] = await stream.commands(
    { type: 'open_account', id: 'Zoë', ledger: 1, metadata: '{"a":"ä","b":"2"}' },
    { type: 'open_account', id: uuid, ledger: 1 },
  )
  t.same([named?.slots, plain?.slots], [[4], [5]])
  const names = await stream.namesOf(5, 4, 6, 4_294_967_295, 1)
  t.match(names, [
    { slot: 5, id: uuid.replaceAll('-', ''), spelling: '', metadata: '' },
    { slot: 4, spelling: 'Zoë', metadata: '{"a":"ä","b":"2"}' },
    { slot: 6, id: '0'.repeat(32), spelling: '', metadata: '' },
    { slot: 4_294_967_295, id: '0'.repeat(32) },
    { slot: 1, spelling: 'acme' },
  ])
  t.equal((await stream.namesOf(...range(0, STREAM_NAMES_MAX))).length, STREAM_NAMES_MAX)
  t.same(server.faults, [])
})

t.test('a tail that could not be shown to others is refused', async (t) => {
  const server = await seeded(t)
  const stream = await streamTo(t, server.url)
  const { submitted } = server.pipeline
  for (const [name, record] of BAD_TAILS) {
    const from = stream.answers.length
    stream.send(message(MESSAGE.commands, 1, record))
    await stream.until(() => stream.answers.length > from)
    t.match(stream.answers.at(-1), { code: 'malformed', sequence: 0, token: 1 }, name)
  }
  const [head, tail] = [recordsOf(linked(transfers(2))), BAD_TAILS[1]?.[1] as Buffer]
  head.writeUInt8(1, head.length - recordsOf(transfers(2).slice(1)).length + 1)
  stream.answers.length = 0
  stream.send(message(MESSAGE.commands, 3, Buffer.concat([head, tail])))
  await stream.until(() => stream.answers.length === 3)
  t.same(codes(stream.answers), ['linked_failed', 'linked_failed', 'malformed'], 'in a chain')
  t.equal(server.pipeline.submitted, submitted, 'none was journaled')
  t.equal((await stream.namesOf(0))[0]?.spelling, 'bank')
  t.same(server.faults, [])
})

t.test('what the gateway refuses is answered in its place', async (t) => {
  const server = await seeded(t)
  const stream = await streamTo(t, server.url)
  await stream.commands({ ...RESERVE, id: 'r1', amount: 60 })
  const { pipeline } = server
  pipeline.isHeld = true
  stream.send(commandsMessage(transfers(2, 'a'), 100))
  await until(() => pipeline.submitted === 9)
  pipeline.isStorageLow = true
  const settle = { type: 'settle', reservation: 'r1', amount: 1, final: false } as const
  const mixed: Command[] = [
    ...transfers(2, 'b'),
    { ...settle, id: 's1' },
    ...transfers(1, 'c'),
    ...linked([{ ...settle, id: 's2' }, ...transfers(1, 'd')]),
    { ...settle, id: 's3' },
    ...transfers(1, 'e'),
  ]
  stream.answers.length = 0
  stream.send(commandsMessage(mixed, 102))
  await until(() => pipeline.submitted === 11)
  stream.send(commandsMessage([{ ...settle, id: 's4' }], 110))
  await until(() => pipeline.submitted === 12)
  t.same(stream.answers, [], 'nothing overtakes what came before')
  pipeline.stateNow = 'draining'
  stream.send(commandsMessage([{ ...settle, id: 's5' }], 111))
  const during = await stream.queries({ kind: KIND.queryAudit })
  t.same(codes(during), ['draining'], 'queries have no place in that order')
  stream.answers.length = 0
  pipeline.release()
  await stream.until(() => stream.answers.length === 12)
  const low = 'storage_low'
  t.same(codes(stream.answers), [
    ...['ok', 'ok', low, low, 'ok', low],
    ...[low, low, 'ok', low, 'ok', 'draining'],
  ])
  t.same(tokens(stream.answers), range(100, 12))
  pipeline.stateNow = 'serving'
  t.match((await server.get('/metrics')).text, /outcomes_total\{code="storage_low"\} 6/)
  t.same(server.faults, [])
})

t.test('many connections at once: each has its own answers, in its own order', async (t) => {
  const server = await seeded(t)
  server.pipeline.roomBytes = 3_000
  const streams = await Promise.all(range(0, 40).map(() => streamTo(t, server.url)))
  await Promise.all(
    streams.map(async (stream, n) => {
      // The tokens are the same on all of them.
      for (let i = 0; i < 5; i++) {
        stream.send(commandsMessage(transfers(50, `${n}-${i}-`), i * 50))
      }
      await stream.until(() => stream.answers.length === 250)
      t.same(tokens(stream.answers), range(0, 250))
      t.same(new Set(codes(stream.answers)), new Set(['ok']))
      const sequences = stream.answers.map(({ sequence }) => sequence)
      t.same(
        sequences,
        [...sequences].sort((a, b) => a - b),
      )
    }),
  )
  t.equal((await server.get('/v1/accounts/acme')).body.balance, 100 + 40 * 250)
  const { text } = await server.get('/metrics')
  t.match(text, /holdfast_stream_connections 40/)
  t.match(text, /holdfast_stream_waiting_bytes 0/)
  t.match(text, /holdfast_stream_messages_total\{direction="in"\} 200/)
  t.same(server.faults, [])
})

t.test('a flood does not keep the others out', async (t) => {
  const server = await seeded(t)
  const [flood, other] = [await streamTo(t, server.url), await streamTo(t, server.url)]
  server.pipeline.roomBytes = 20_000
  for (let i = 0; i < 10; i++) flood.send(commandsMessage(transfers(1_600, `f${i}-`)))
  await flood.until(() => flood.answers.length > 0)
  await other.commands(...transfers(1, 'one'))
  const before = flood.answers.length
  t.ok(before < 8_000, `one command waits for its turn and not for all: ${before} were before it`)
  await flood.until(() => flood.answers.length === 16_000)
  t.same(new Set(codes(flood.answers)), new Set(['ok']))
  t.same(server.faults, [])
})

t.test('streams leave room in the rings for HTTP', async (t) => {
  const server = await seeded(t)
  const { pipeline } = server
  pipeline.isHeld = true
  const streams = await Promise.all(range(0, 3).map(() => streamTo(t, server.url)))
  for (const [n, stream] of streams.entries()) {
    for (let i = 0; i < 8; i++) stream.send(commandsMessage(transfers(2_000, `${n}-${i}-`)))
  }
  await untilMetric(server, 'holdfast_stream_messages_total{direction="in"} 24')
  const taken = pipeline.submitted - 6
  t.ok(taken >= 30_000 && taken < 36_000, `${taken} of 48,000 are in flight`)
  const http = server.post('/v1/transfers', {
    id: 'h',
    debitAccount: 'bank',
    creditAccount: 'acme',
    amount: 1,
  })
  await until(() => pipeline.submitted === taken + 7)
  pipeline.release()
  t.equal((await http).status, 201)
  await Promise.all(streams.map((one) => one.until(() => one.answers.length === 16_000)))
  t.equal((await server.get('/v1/accounts/acme')).body.balance, 100 + 48_000 + 1)
  t.same(server.faults, [])
})

t.test('the id of ones is no id anywhere in a record', async (t) => {
  const server = await seeded(t)
  const stream = await streamTo(t, server.url)
  const { submitted } = server.pipeline
  const ones = Buffer.alloc(16, 0xff)
  for (const at of [RECORD.id, TRANSFER.debit, TRANSFER.credit]) {
    const record = recordsOf(transfers(1))
    ones.copy(record, at)
    const from = stream.answers.length
    stream.send(message(MESSAGE.commands, 1, record))
    await stream.until(() => stream.answers.length > from)
    t.match(stream.answers.at(-1), { code: 'malformed', sequence: 0 }, `at ${at}`)
    record.writeUInt8(FLAG.dryRun, 1)
    stream.send(message(MESSAGE.queries, 1, record))
    await stream.until(() => stream.answers.length > from + 1)
    t.match(stream.answers.at(-1), { code: 'malformed', sequence: 0 }, `a dry run's at ${at}`)
  }
  t.equal(server.pipeline.submitted, submitted, 'none was journaled')
  const other = await streamTo(t, server.url)
  t.same(codes(await other.commands(...transfers(1))), ['ok'])
  t.same(server.faults, [])
})

t.test('without room for long the answer is busy, and the next one passes', async (t) => {
  const server = await seeded(t)
  const stream = await streamTo(t, server.url)
  const { pipeline } = server
  pipeline.roomBytes = 0
  const since = performance.now()
  const waiting = stream.commands(...linked(transfers(2)), ...transfers(3, 'u'))
  stream.send(commandsMessage(transfers(1, 'v'), 50))
  const busy = await waiting
  t.ok(performance.now() - since > 4_900, 'it waited as long as docs/stream.md says')
  t.same(codes(busy), Array(5).fill('busy'))
  await stream.until(() => stream.answers.length === 6)
  pipeline.roomBytes = 4_194_304
  t.same(codes(await stream.commands(...transfers(3, 'u'))), ['ok', 'ok', 'ok'])
  const { text } = await server.get('/metrics')
  t.match(text, /outcomes_total\{code="busy"\} 6/)
  t.match(text, /holdfast_http_buffered_bytes 0/)
  t.same(server.faults, [])
})
