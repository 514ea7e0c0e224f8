// The views by themselves: what the sink makes of frames, what pages give, and what the comparison with the
// engine finds.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { SinkFrame } from '../follower/index.ts'
import { AccountNames, allocateAccountNames, idFromText } from '../protocol/index.ts'
import { replayJournal } from '../runtime/index.ts'
import { openForWriting, readMeta, type ViewsDatabase } from '../views/file.ts'
import { checkViews, openViewReader, viewsPath } from '../views/index.ts'
import { ViewPages } from '../views/pages.ts'
import { shapeOf } from '../views/schema.ts'
import { ViewsWriter } from '../views/writer.ts'
import { type Run, runs } from './support/arbitraries.ts'
import type { Command, Frame, Outcome } from './support/commands.ts'
import { SMALL_CAPACITIES } from './support/contract.ts'
import { commandsOf } from './support/drafts.ts'
import { EngineSubject } from './support/engine-subject.ts'
import { Fed, LOG, rowsIn, rowsOneByOne } from './support/fed-views.ts'
import { openPlainJournal } from './support/follower.ts'
import { moduleFrame, type Row, SMALL_VIEW } from './support/module-frames.ts'
import { catchUp, openAccounts, pageOf, startViews, withPages } from './support/views.ts'

const RUNS = 120 * Number(process.env.HOLDFAST_RUNS ?? 1)

t.setTimeout(120_000 + RUNS * 100)

function temporary(t: { teardown(end: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-views-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** The frames of a random run; accounts keep their history as often as not. */
function framesOf(run: Run): Frame[] {
  const history = true
  const frames: Frame[] = [
    { timeMs: run.startMs, records: [{ type: 'configure', capacities: run.capacities }] },
    {
      timeMs: run.startMs,
      records: [
        { type: 'open_account', id: 'bank', ledger: 1, external: true },
        { type: 'open_account', id: 'acme', ledger: 1, creditLimit: 20, history },
        { type: 'open_account', id: 'shop', ledger: 1, creditLimit: 500, history },
        { type: 'transfer', id: 's1', debit: 'bank', credit: 'acme', amount: 400 },
      ],
    },
  ]
  const sent: Command[] = []
  let timeMs = run.startMs
  for (const step of run.steps) {
    timeMs += step.afterMs
    if (step.kind === 'tick') frames.push({ timeMs, records: [{ type: 'tick' }] })
    if (step.kind !== 'commands') continue
    const commands = commandsOf(step.commands, sent, timeMs)
    frames.push({ timeMs, records: commands })
    sent.push(...commands)
  }
  return frames
}

/** What the history says of each account that outcomes name is what the outcomes say. */
function compareHistory(database: ViewsDatabase, outcomes: readonly Outcome[]): void {
  const last = database.prepare(
    'SELECT balance, held, incoming FROM history WHERE account = ' +
      '(SELECT slot FROM accounts WHERE name = ?) AND sequence <= ? ORDER BY number DESC LIMIT 1',
  )
  for (const { code, replayed, sequence, accounts } of outcomes) {
    if (code !== 'ok' || replayed) continue
    for (const { id, history, balance, held, incoming } of accounts) {
      if (!history) continue
      const said = JSON.stringify(last.get(id, sequence))
      const wanted = JSON.stringify({ balance, held, incoming })
      if (said !== wanted) throw new Error(`${id} at ${sequence}: ${said}, the outcome ${wanted}`)
    }
  }
}

t.test(`${RUNS} random runs: the views hold what the engine holds`, async (t) => {
  const directory = temporary(t)
  let n = 0
  let changes = 0
  let reservations = 0
  const property = fc.property(runs(40), fc.nat(6), (run, everyFrames) => {
    const path = join(directory, `${n++}.sqlite`)
    const database = openForWriting(path, [])
    try {
      const fed = new Fed(database)
      const subject = new EngineSubject(SMALL_CAPACITIES)
      const outcomes: Outcome[] = []
      const frames = framesOf(run)
      for (let at = 0; at < frames.length; at += everyFrames + 1) {
        const some = frames.slice(at, at + everyFrames + 1)
        fed.store(some)
        for (const frame of some) outcomes.push(...subject.apply(frame))
      }
      const { sequence, rows, differences } = checkViews(database, fed.engine, fed.names)
      if (sequence !== subject.sequence) throw new Error(`stored up to ${sequence}`)
      if (differences.length > 0) throw new Error(JSON.stringify(differences))
      const oneByOne = rowsOneByOne(join(directory, `${n++}.sqlite`), frames)
      if (rowsIn(database) !== oneByOne) throw new Error('gathered, they hold something else')
      compareHistory(database, outcomes)
      changes += database.prepare('SELECT count(*) FROM history').pluck().get() as number
      reservations += rows.reservations as number
    } finally {
      database.close()
    }
  })
  const result = fc.check(property, { numRuns: RUNS })
  t.comment(`seed ${result.seed}: ${changes} changes, ${reservations} reservations`)
  if (result.failed) {
    t.comment(fc.defaultReportMessage(result))
    throw result.errorInstance
  }
  t.ok(changes > 5 * RUNS, `${changes} changes in histories`)
  t.ok(reservations > RUNS / 3, `${reservations} reservations`)
})

t.test('a place that one batch has for several reservations, one after the other', (t) => {
  const directory = temporary(t)
  const { reservationsMax, windowMs } = SMALL_CAPACITIES
  const startMs = 1_800_000_000_000
  const frames: Frame[] = [
    { timeMs: startMs, records: [{ type: 'configure', capacities: SMALL_CAPACITIES }] },
    {
      timeMs: startMs,
      records: [
        { type: 'open_account', id: 'bank', ledger: 1, external: true },
        { type: 'open_account', id: 'acme', ledger: 1, creditLimit: 1_000_000, history: true },
      ],
    },
  ]
  const count = 3 * reservationsMax
  for (let n = 0; n < count; n++) {
    const [id, debit, credit] = [`r${n}`, 'acme', 'bank']
    const timeMs = startMs + n * (windowMs + 1_000)
    frames.push(
      { timeMs, records: [{ type: 'reserve', id, debit, credit, amount: 10 + n, timeoutMs: 0 }] },
      { timeMs, records: [{ type: 'settle', id: `s${n}`, reservation: id, amount: n % 7 }] },
    )
  }
  const database = openForWriting(join(directory, 'at-once.sqlite'), [])
  t.teardown(() => database.close())
  new Fed(database).store(frames)
  const stored = database.prepare('SELECT amount, settled FROM reservations ORDER BY number').all()
  const wanted = Array.from({ length: count }, (_, n) => ({ amount: 10 + n, settled: n % 7 }))
  t.same(stored, wanted)
  t.equal(rowsIn(database), rowsOneByOne(join(directory, 'one-by-one.sqlite'), frames))
  t.end()
})

function call(id: string, customer: string, seconds: number | null, done = false): Row {
  return { id, customer, seconds, done }
}

/** The rows that are listed after what `storedByModule` stores. */
const [A1, B, A2] = [call('a', 'acme', 7, true), call('b', 'bob', 5), call('a', 'acme', null)]

/** Pages of views in which a module inserted, changed and took out rows, and told of it. */
function storedByModule(t: Test) {
  const database = openForWriting(join(temporary(t), 'views.sqlite'), shapeOf([SMALL_VIEW]))
  t.teardown(() => database.close())
  const meta = readMeta(database)
  const writer = new ViewsWriter(database, meta, { log: LOG, modules: [] })
  const memory = allocateAccountNames(8, 64)
  const store = (...frames: SinkFrame[]): void => {
    for (const frame of frames) writer.add(frame, new AccountNames(memory))
    writer.store()
  }
  store(
    moduleFrame(1, [['calls', 'a', call('a', 'acme', null)]], [['call.started', { id: 'a' }]]),
    moduleFrame(2, [
      ['calls', 'b', call('b', 'bob', 5)],
      ['calls', 'a', call('a', 'acme', 7, true)],
      ['prices', '49', { prefix: '49', rate: 6_000 }],
    ]),
  )
  store(
    moduleFrame(
      3,
      [
        ['calls', 'a', undefined],
        ['prices', '49', undefined],
        ['prices', '49', undefined],
        ['unknown', 'x', { id: 'x' }],
      ],
      [
        ['call.ended', { id: 'a' }],
        ['call.forgotten', { id: 'a' }],
      ],
    ),
    moduleFrame(4, [['calls', 'a', call('a', 'acme', null)]]),
  )
  const pages = new ViewPages(database, meta)
  const list = (more: object = {}): ReturnType<ViewPages['list']> =>
    pages.list({
      module: 'small',
      table: 'calls',
      filters: {},
      where: undefined,
      cursor: undefined,
      limit: 50,
      minSequence: 0,
      ...more,
    })
  return { pages, list }
}

t.test("modules' rows: inserted, changed, taken out, narrowed down", (t) => {
  const { list } = storedByModule(t)
  const all = pageOf(list())
  t.same(all, { items: [A1, B, A2], next: null, sequence: 4, timeMs: 1_800_000_000_004 })
  t.same(pageOf(list({ filters: { customer: 'acme' } })).items, [A1, A2])
  t.same(pageOf(list({ filters: { customer: 'acme', done: 'true' } })).items, [A1])
  t.same(pageOf(list({ filters: { seconds: '5' } })).items, [B])
  t.same(pageOf(list({ where: { field: 'customer', values: ['bob', 'eve'] } })).items, [B])
  t.same(pageOf(list({ where: { field: 'done', values: ['true'] } })).items, [A1])
  t.same(list({ filters: { seconds: 'five' } }), { refused: 'filter', sequence: 4 })
  t.same(list({ filters: { done: '1' } }), { refused: 'filter', sequence: 4 })
  t.same(list({ filters: { '"; DROP': '1' } }), { refused: 'filter', sequence: 4 })
  t.same(list({ table: 'none' }), { refused: 'unavailable', sequence: 4 })
  t.same(pageOf(list({ table: 'prices' })).items, [], 'a price that is gone is gone')

  t.end()
})

t.test('cursors, and events from a place on', (t) => {
  const { pages, list } = storedByModule(t)
  const first = pageOf(list({ limit: 2 }))
  t.same(first.items, [A1, B])
  t.same(pageOf(list({ limit: 2, cursor: first.next })).items, [A2])
  for (const cursor of [
    '',
    'x',
    'bDE',
    `${first.next}=`,
    Buffer.from('r1').toString('base64url'),
  ]) {
    if (cursor === 'bDE') t.ok('items' in list({ cursor }), 'l1')
    else t.same(list({ cursor }), { refused: 'cursor', sequence: 4 }, JSON.stringify(cursor))
  }

  const events = pages.events({ from: { sequence: 1, index: 1 }, limit: 50 })
  t.match(events, {
    events: [
      { sequence: 3, index: 0, kind: 'call.ended', data: '{"id":"a"}' },
      { sequence: 3, index: 1, kind: 'call.forgotten' },
    ],
    sequence: 4,
  })
  t.match(pages.events({ from: { sequence: 0, index: 0 }, limit: 1 }), {
    events: [{ sequence: 1, index: 0, module: 'small', kind: 'call.started' }],
  })
  t.throws(() =>
    shapeOf([{ module: 'x', tables: [{ ...SMALL_VIEW.tables[0], key: 'no' } as never] }]),
  )
  t.end()
})

t.test('an account: its reservations by state, its history, what another has', async (t) => {
  const dataDir = temporary(t)
  const journal = openPlainJournal(dataDir)
  openAccounts(journal)
  journal.writer.seal({ shutdown: true })
  const sequence = await catchUp(dataDir)
  t.equal(sequence, journal.writer.sequence)
  journal.close()
  withPages(dataDir, (pages) => {
    const page = { cursor: undefined, limit: 50, minSequence: 0 }
    const of = (id: string, more: object = {}) =>
      pageOf(pages.reservations({ account: idFromText(id), state: undefined, ...page, ...more }))
    const whole = of('acme')
    t.match(whole, { next: null, sequence })
    t.match(whole.items, [
      { id: 'r1', state: 'settled', amount: 10, settled: 4, released: 6, expiresAt: null },
      { id: 'r2', state: 'released', settled: 0, released: 20, endedAt: Number },
      { id: 'r3', state: 'expired', released: 30, expiresAt: Number, endedAt: Number },
      { id: 'r4', state: 'held', debitAccount: 'acme', creditAccount: 'bank', endedAt: null },
    ])
    t.same(of('bank').items, whole.items, 'the other side of them')
    for (const { id, state } of whole.items) {
      t.match(of('acme', { state }).items, [{ id, state }])
    }
    const found: string[] = []
    for (let next: string | null | undefined; next !== null; ) {
      const some: ReturnType<typeof of> = of('acme', { cursor: next, limit: 1 })
      found.push(...some.items.map(({ id }) => id))
      next = some.next
    }
    t.same(found, ['r1', 'r2', 'r3', 'r4'])
    t.same(of('nobody').items, [])

    const history = pageOf(pages.history({ account: idFromText('acme'), ...page }))
    const rows = history.items.map(({ command, balance, held }) => `${command} ${balance} ${held}`)
    t.same(rows, [
      'open_account 0 0',
      'transfer 1000 0',
      'reserve 1000 10',
      'reserve 1000 30',
      'reserve 1000 60',
      'expire 1000 30',
      'settle 996 20',
      'release_group 996 0',
      'reserve 996 5',
    ])
    t.same(pageOf(pages.history({ account: idFromText('bank'), ...page })).items, [])
  })
})

t.test('the comparison names what was changed', async (t) => {
  const dataDir = temporary(t)
  const journal = openPlainJournal(dataDir)
  openAccounts(journal)
  journal.trade(5)
  journal.writer.seal({ shutdown: true })
  journal.close()
  const sequence = await catchUp(dataDir)
  const { engine, names } = replayJournal({ dataDir, until: { sequence } })
  const database = new Database(viewsPath(dataDir))
  t.teardown(() => database.close())
  t.match(checkViews(database, engine, names), {
    different: 0,
    rows: { accounts: 2, history: 1, reservations: 16 },
  })
  const changes: readonly (readonly [sql: string, table: string, sentence: RegExp])[] = [
    ["UPDATE accounts SET name = 'x' WHERE slot = 1", 'accounts', /name is "x", .*"acme"/],
    ['DELETE FROM accounts WHERE slot = 1', 'accounts', /no such row/],
    ['UPDATE history SET held = held + 1', 'history', /held is/],
    ['DELETE FROM history', 'history', /no such row/],
    ['UPDATE reservations SET settled = 1 WHERE state = 1', 'reservations', /settled is 1, .* 0/],
    ['UPDATE reservations SET state = 1', 'reservations', /state is 1/],
    ['DELETE FROM reservations', 'reservations', /no such row/],
  ]
  for (const [sql, table, sentence] of changes) {
    database.exec('BEGIN')
    database.exec(sql)
    const { different, differences } = checkViews(database, engine, names)
    database.exec('ROLLBACK')
    t.ok(different > 0, sql)
    t.match(differences[0], { table, sentence })
  }
  t.match(checkViews(database, engine, names), { different: 0 })
  t.throws(() => checkViews(database, new Fed(database).engine, names), /the engine is at 0/)
})

t.test(
  'the reader waits for a sequence, finds a new file, and says when there is none',
  async (t) => {
    const dataDir = temporary(t)
    const entry = new URL('../cli/views-reader-thread.js', import.meta.url)
    const reader = openViewReader(entry, viewsPath(dataDir))
    t.teardown(() => reader.close())
    const account = idFromText('acme')
    const history = (minSequence: number) =>
      reader.history({ account, cursor: undefined, limit: 50, minSequence })
    t.same(await history(0), { refused: 'unavailable', sequence: 0 })
    const journal = openPlainJournal(dataDir)
    t.teardown(() => journal.close())
    openAccounts(journal)
    const { sequence } = journal.writer
    const waiting = history(sequence)
    const many = Array.from({ length: 1_100 }, () => history(sequence))
    const running = startViews(dataDir)
    t.teardown(() => running.stop())
    journal.writer.seal({ shutdown: false })
    t.match(await waiting, { items: { length: 9 }, sequence })
    const answers = await Promise.all(many)
    const refused = answers.filter((answer) => 'refused' in answer).length
    t.equal(refused, 1_100 - 1_023, 'no more than a bound wait')
    t.match(await history(sequence + 1), { refused: 'behind', sequence }, 'after five seconds')
    for (const end of ['', '-wal', '-shm']) rmSync(viewsPath(dataDir) + end, { force: true })
    t.same(await history(0), { refused: 'unavailable', sequence: 0 })
    t.match(await history(sequence), { items: { length: 9 }, sequence }, 'from the new file')
    t.match(await reader.events({ from: { sequence: 0, index: 0 }, limit: 5 }), {
      events: [],
      sequence,
    })
    reader.close()
    t.same(await history(0), { refused: 'unavailable', sequence: 0 })
  },
)
