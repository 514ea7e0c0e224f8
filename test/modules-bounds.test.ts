// The modules' host: whose is what, each bound by itself, time, ids. Random use is in modules.test.ts.

import t from 'tap'
import { BookChanges, type Context } from '../engine/index.ts'
import { asOwnedId, formatUuid, idFromText, MODULE_REPLY_BYTES_MAX } from '../protocol/index.ts'
import { core, deskDo, oneCommand, readyDesk, WORLD } from './support/desk-commands.ts'
import { CARDS, desk } from './support/desk-module.ts'
import {
  type CoreCommand,
  type ModuleCommand,
  ModuleEngine,
  stateOf,
} from './support/module-engine.ts'

t.test('what belongs to a module is not for anybody else', async (t) => {
  const engine = readyDesk()
  engine.run(deskDo('hold', 'hold', { ref: 'r', id: 'c1', amount: 40, forMs: 60_000 }))
  const reservation = ownedId(`desk/hold/r/${engine.engine.sequence}`)
  const own = 'desk/card/c1'
  const move = { debitAccount: own, creditAccount: 'world', amount: 1 }
  const back = { debitAccount: 'world', creditAccount: own, amount: 1 }
  const refused: readonly CoreCommand[] = [
    core('transfer', { id: 't1', ...move }),
    core('transfer', { id: 't2', ...back }),
    core('reserve', { id: 'r1', ...move }),
    core('reserve', { id: 'r2', ...back, timeoutMs: 5 }),
    core('set_credit_limit', { id: 'l1', account: own, value: 5 }),
    core('freeze_account', { id: 'f1', account: own }),
    core('unfreeze_account', { id: 'f2', account: own }),
    core('close_account', { id: 'x1', account: own }),
    core('settle', { id: 's1', reservation }),
    core('settle', { id: 's2', reservation, amount: 1, final: false }),
    core('release', { id: 's3', reservation }),
    core('extend', { id: 'e1', reservation, amount: 1 }),
    core('settle', { id: ownedId('desk/hold/r/next'), reservation: 'r9' }),
    core('reserve', { id: reservation, ...back }),
    core('open_account', { id: ownedId('desk/card/c9'), ledger: 7 }),
    core('open_account', { id: 'desk/mine', ledger: 7 }),
    core('open_account', { id: own, ledger: 7 }),
  ]
  const before = engine.query('desk', 'card', ['id'], { id: 'c1' }).reply
  for (const command of refused) {
    const { code, accounts, reservation } = engine.run(command)
    t.equal(code, 'owned_by_module', `${command.core} ${command.fields.id}`)
    t.same([accounts, reservation], [[], undefined], 'and nothing is shown')
  }
  t.same(engine.query('desk', 'card', ['id'], { id: 'c1' }).reply, before)
  const lesser = engine.run(core('settle', { id: 's4', reservation, amount: 41 }))
  t.equal(lesser.code, 'exceeds_reservation', 'what comes first in the list of statuses')
  t.equal(engine.run(core('open_account', { id: 'desktop/x', ledger: 7 })).code, 'ok')
  t.same(engine.engine.checkInvariants(), [])
})

/** The id that a module has for what it names so, as a client would spell it. */
function ownedId(name: string): string {
  return formatUuid(asOwnedId(idFromText(name)))
}

type Work = (ctx: Context) => unknown

function go(id: string, input: object = {}, linked = false): ModuleCommand {
  return { id, module: 'one', command: 'go', fields: ['n'], input: { ...input }, linked }
}

/** What one command does, by what it is called, and the status that it comes to. */
function boundCases(): Readonly<Record<string, readonly [string, Work]>> {
  const open = (ctx: Context): void => {
    ctx.ledger.openAccount({ id: 'bank', ledger: 1, external: true })
    ctx.ledger.openAccount({ id: 'x', ledger: 1 })
  }
  const times = (count: number, work: (n: number) => void): void => {
    for (let n = 0; n < count; n++) work(n)
  }
  const move = (ctx: Context) => ctx.ledger.transfer({ debit: 'bank', credit: 'x', amount: 1 })
  const ok = { code: 'ok' }
  const fine =
    (work: (ctx: Context) => unknown): Work =>
    (ctx) => {
      work(ctx)
      return ok
    }
  const operations = (count: number): Work =>
    fine((ctx) => {
      open(ctx)
      times(count - 2, () => move(ctx))
    })
  const events = (count: number): Work => fine((ctx) => times(count, (n) => ctx.emit('e', { n })))
  const says =
    (bytes: number): Work =>
    () => ({ ...ok, x: 'x'.repeat(bytes - 20) })
  const endless: Work = (ctx) => [endless(ctx)]
  const FAILED = 'module_failed'
  return {
    '256 operations': ['ok', operations(256)],
    '257 operations': [FAILED, operations(257)],
    '64 events': ['ok', events(64)],
    '65 events': [FAILED, events(65)],
    'a long event': [FAILED, fine((ctx) => ctx.emit('e', { x: 'é'.repeat(510) }))],
    'an event of no kind': [FAILED, fine((ctx) => ctx.emit('No Kind', {}))],
    'a reply of 1 KiB': ['ok', says(MODULE_REPLY_BYTES_MAX)],
    'a longer reply': [FAILED, says(MODULE_REPLY_BYTES_MAX + 1)],
    'a reply without a code': [FAILED, () => ({ x: 1 })],
    'a code of the server alone': [FAILED, () => ({ code: 'busy' })],
    'another of them': [FAILED, () => ({ code: 'outcome_unknown', x: 1 })],
    'no reply': [FAILED, () => undefined],
    'a fraction in a reply': [FAILED, () => ({ ...ok, x: 0.5 })],
    'a Date in a reply': [FAILED, () => ({ ...ok, x: new Date(0) })],
    'half a character': [FAILED, () => ({ ...ok, x: '\ud800' })],
    'a limit below 0': [FAILED, fine((ctx) => ctx.ledger.setCreditLimit('x', -1))],
    'an id of nothing': [FAILED, fine((ctx) => ctx.ledger.freeze(''))],
    'a timer now': [FAILED, fine((ctx) => ctx.timers.set('later', 'k', ctx.now))],
    'a timer of no kind': [FAILED, fine((ctx) => ctx.timers.set('nope', 'k', ctx.now + 1))],
    'a table of nobody': [FAILED, fine((ctx) => ctx.table({ ...CARDS }))],
    'a stack without end': [FAILED, endless],
    'a refusal': [
      'module_refused',
      (ctx) => {
        open(ctx)
        move(ctx)
        return { code: 'no' }
      },
    ],
  }
}

t.test('the bounds of one command: beyond each it fails, and nothing is left of it', async (t) => {
  for (const [name, [code, work]] of Object.entries(boundCases())) {
    const engine = new ModuleEngine([oneCommand(work)])
    const empty = stateOf(engine.engine).length
    const first = engine.run(go('1'))
    t.equal(first.code, code, name)
    t.equal(first.reply?.code, code === 'module_refused' ? 'no' : code, `${name}: its reply`)
    t.equal(engine.failures.length, code === 'module_failed' ? 1 : 0)
    if (code !== 'ok') {
      const { rows, events } = engine.told()
      t.same([rows, events, engine.engine.accountCount], [[], [], 0])
      t.ok(stateOf(engine.engine).length - empty < 2 * 2_400, 'one outcome and its reply')
    }
    const again = engine.run(go('1'))
    t.match(again, { code, replayed: true, reply: first.reply, sequence: first.sequence })
    t.equal(engine.run(go('1', { n: 5 })).code, 'exists_with_different_input')
    t.equal(engine.replayed().digest, engine.engine.digest)
  }
})

/** Has the first change of the book fail, as an assertion within it would. */
class BrokenBook extends BookChanges {
  override before(): void {
    throw new Error('broken')
  }
}

t.test(
  'an assertion of the core stops the engine, whatever the handler does about it',
  async (t) => {
    const swallow = (ctx: Context): unknown => {
      ctx.ledger.openAccount({ id: 'bank', ledger: 1, external: true })
      ctx.ledger.openAccount({ id: 'x', ledger: 1 })
      try {
        ctx.ledger.transfer({
          debit: 'bank',
          credit: 'x',
          get amount() {
            return 1
          },
        })
      } catch {}
      return { code: 'ok' }
    }
    const engine = new ModuleEngine([oneCommand(swallow)], {}, [], new BrokenBook())
    t.throws(() => engine.run(go('1')), { name: 'EngineFault', kind: 'invariant' })
  },
)

t.test('a full table is not remembered, and the next try may pass', async (t) => {
  const engine = new ModuleEngine([desk])
  for (let n = 0; n < 5; n++) engine.run(deskDo(`o${n}`, 'open', { id: `k${n}` }))
  const full = engine.run(deskDo('o5', 'open', { id: 'k5' }))
  t.match(full, { code: 'module_full', replayed: false, reply: undefined })
  t.match(engine.run(deskDo('o5', 'open', { id: 'k5' })), { code: 'module_full', replayed: false })
  t.equal(engine.engine.accountCount, 6, 'five cards and the till')
})

t.test('whatever a handler throws, the writer goes on', async (t) => {
  const refuse = (): never => {
    throw new Error('no answer')
  }
  const trap = new Proxy({}, { get: refuse, getPrototypeOf: refuse })
  const odd = [Object.create(null), Symbol('odd'), { toString: 1 }, undefined, 0n, trap]
  const throws = (_: Context, { n }: { n: number }): unknown => {
    throw odd[n]
  }
  const engine = new ModuleEngine([oneCommand(throws as never)])
  for (const n of odd.keys()) t.equal(engine.run(go(`${n}`, { n })).code, 'module_failed')
  t.equal(engine.failures.length, odd.length)
})

t.test('a full table of the core that a module passes on is not remembered either', async (t) => {
  const open = (ctx: Context, { n }: { n: number }): unknown => ({
    code: ctx.ledger.openAccount({ id: `a${n}`, ledger: 1 }).code,
  })
  const engine = new ModuleEngine([oneCommand(open as never)], { accountsMax: 1 })
  t.equal(engine.run(go('1', { n: 1 })).code, 'ok')
  for (let n = 0; n < 2; n++) {
    t.match(engine.run(go('2', { n: 2 })), { code: 'accounts_full', replayed: false })
  }
  t.equal(engine.replayed().digest, engine.engine.digest)
})

t.test(
  'replies are bounded in bytes, and none that is younger than the window is forgotten',
  async (t) => {
    const reply = (_: Context, { n }: { n: number }): unknown => ({
      code: 'ok',
      n,
      x: 'x'.repeat(900),
    })
    const limits = { moduleReplyBytesMax: 4_200, windowMs: 100, retentionMs: 1_000_000 }
    const engine = new ModuleEngine([oneCommand(reply as never)], limits)
    const codes = [1, 2, 3, 4, 5, 6].map((n) => engine.run(go(`${n}`, { n })).code)
    t.same(codes, ['ok', 'ok', 'ok', 'ok', 'overloaded', 'overloaded'])
    t.match(engine.run(go('1', { n: 1 })), { code: 'ok', replayed: true, reply: { n: 1 } })
    t.equal(engine.run(go('5', { n: 5 }), 95).code, 'ok', 'the oldest is older than the window')
    t.match(engine.run(go('1', { n: 1 })), { code: 'ok', replayed: false }, 'it is forgotten')
    for (let n = 10; n < 60; n++) {
      t.equal(engine.run(go(`${n}`, { n }), 101).code, 'ok')
      const known = engine.run(go(`${n - 1}`, { n: n - 1 }), 0)
      if (n > 10) t.match(known, { replayed: true, reply: { n: n - 1, x: 'x'.repeat(900) } })
      if (n % 10 === 0) engine.restart()
    }
    const chain = [1, 2, 3, 4, 5].map((n) => go(`chain ${n}`, { n }, n < 5))
    t.equal(engine.apply(chain, 1_000)[0]?.code, 'overloaded', 'no room for five at worst')
    t.equal(engine.replayed().digest, engine.engine.digest)
    t.equal(stateOf(engine.replayed()), stateOf(engine.engine))
  },
)

t.test(
  'ids that are taken: by the command itself, by another, by a member of the chain',
  async (t) => {
    const reserve = (ctx: Context, { n }: { n?: number }): unknown => {
      ctx.ledger.openAccount({ id: 'bank', ledger: 1, external: true })
      ctx.ledger.openAccount({ id: 'x', ledger: 1 })
      const both = { debit: 'bank', credit: 'x', amount: 1 }
      const { code } = ctx.ledger.reserve({ id: `own/${n}`, ...both })
      return { code: 'ok', was: code, state: ctx.ledger.reservation(`own/${n}`)?.state ?? null }
    }
    const engine = new ModuleEngine([oneCommand(reserve as never)])
    const taken = { was: 'exists_with_different_type', state: null }
    t.match(engine.run(go(ownedId('one/own/1'), { n: 1 })).reply, taken, 'its own id')
    t.match(engine.run(go('fine', { n: 2 })).reply, { was: 'ok', state: 'held' })
    t.match(engine.run(go('again', { n: 2 })).reply, { ...taken, state: 'held' })
    const members = engine.apply([go('first', { n: 3 }, true), go(ownedId('one/own/3'), { n: 4 })])
    t.same(
      members.map(({ code }) => code),
      ['linked_failed', 'exists_with_different_type'],
    )
    t.equal(engine.run(go('free again', { n: 3 })).reply?.was, 'ok')
    t.same(engine.engine.checkInvariants(), [])
    engine.restart()
    t.equal(engine.engine.openReservationCount, 2)
    t.equal(stateOf(engine.replayed()), stateOf(engine.engine))
  },
)

t.test(
  'reservations of one command have an order of their own, which a restart keeps',
  async (t) => {
    const many = (ctx: Context, { n }: { n: number }): unknown => {
      ctx.ledger.openAccount({ id: 'bank', ledger: 1, external: true })
      ctx.ledger.openAccount({ id: 'x', ledger: 1 })
      for (let i = 0; i < 20; i++) {
        ctx.ledger.reserve({ id: `${n}/${i}`, debit: 'bank', credit: 'x', amount: 1 + i })
      }
      for (let i = 0; i < 20; i += 3) ctx.ledger.release(`${n}/${i}`)
      ctx.timers.set('later', `${n}`, ctx.now + 3)
      return { code: n % 3 === 0 ? 'no' : 'ok' }
    }
    const later = (ctx: Context, key: string): void => {
      for (let i = 0; i < 5; i++) {
        ctx.ledger.reserve({ id: `later ${key}/${i}`, debit: 'bank', credit: 'x', amount: 9 })
      }
    }
    const limits = { reservationsMax: 120, windowMs: 5 }
    const engine = new ModuleEngine([oneCommand(many as never, { timers: { later } })], limits)
    engine.apply([
      core('open_account', { id: 'w', ledger: 1, external: true }),
      core('open_account', { id: 'v', ledger: 1 }),
    ])
    const both = { debitAccount: 'w', creditAccount: 'v', amount: 1, timeoutMs: 4 }
    for (let n = 1; n < 6; n++) {
      engine.apply([core('reserve', { id: `r${n}`, ...both }), go(`${n}`, { n })], 4)
      if (n % 2 === 0) engine.restart()
      t.equal(stateOf(engine.replayed()), stateOf(engine.engine), `after ${n}`)
    }
    t.same(engine.engine.checkInvariants(), [])
  },
)

t.test('queries see what is there, and change nothing', async (t) => {
  const engine = readyDesk()
  const state = stateOf(engine.engine)
  t.match(engine.query('desk', 'card', ['id'], { id: 'c1' }), {
    code: 'ok',
    reply: { code: 'ok', available: 100 },
  })
  t.match(engine.query('desk', 'card', ['id'], { id: 'c9' }), {
    code: 'module_refused',
    reply: { code: 'no_card' },
  })
  t.match(engine.query('desk', 'cheat', [], {}), { code: 'module_failed' })
  t.match(engine.query('desk', 'nothing', [], {}), { code: 'malformed', reply: undefined })
  t.equal(stateOf(engine.engine), state)
})

t.test('what was due comes in order of time, and tells when it was', async (t) => {
  const engine = readyDesk()
  engine.apply([
    deskDo('h1', 'hold', { ref: 'late', id: 'c1', amount: 1, forMs: 30 }),
    deskDo('h2', 'hold', { ref: 'early again', id: 'c1', amount: 1, forMs: 10 }),
    deskDo('h3', 'hold', { ref: 'late too', id: 'c1', amount: 1, forMs: 30 }),
    core('reserve', {
      id: 'r',
      debitAccount: 'world',
      creditAccount: 'a',
      amount: 1,
      timeoutMs: 20,
    }),
  ])
  const setMs = engine.now
  t.equal(engine.engine.nextDueMs(), setMs + 10)
  engine.told()
  const [held] = engine.apply(
    [deskDo('h4', 'hold', { ref: 'x', id: 'c1', amount: 1, forMs: 9 })],
    40,
  )
  t.equal(held?.code, 'ok')
  const { sequence } = held as { sequence: number }
  t.same(
    engine
      .told()
      .events.map(({ kind, data, timeMs, index, ...at }) => [
        kind,
        data.ref,
        timeMs - setMs,
        at.sequence - sequence,
        index,
      ]),
    [
      ['hold.dropped', 'early again', 10, 0, 0],
      ['hold.dropped', 'late', 30, 0, 1],
      ['hold.dropped', 'late too', 30, 0, 2],
      ['hold.made', 'x', 40, 0, 3],
    ],
  )
  t.equal(engine.engine.failedTimers, 1, 'the one that the first one set')
  t.equal(engine.failures.length, 1)
  engine.apply(['tick'], 9)
  t.match(engine.told(), {
    rows: [{ module: 'desk', table: 'holds', key: 'x', row: undefined }],
    events: [{ kind: 'hold.dropped', sequence: sequence + 1, index: 0 }],
  })
  t.equal(engine.engine.nextDueMs(), Number.POSITIVE_INFINITY)
  t.equal(engine.replayed().digest, engine.engine.digest)
})

t.test('a command that was voided is passed over by every replay', async (t) => {
  const engine = readyDesk()
  const funded = engine.run(deskDo('bad', 'fund', { id: 'c1', amount: 5_000 }))
  engine.run(deskDo('more', 'fund', { id: 'c1', amount: 1 }))
  const voided = new ModuleEngine([desk], {}, [funded.sequence])
  voided.apply(WORLD)
  voided.run(deskDo('open', 'open', { id: 'c1' }))
  voided.run(deskDo('fund', 'fund', { id: 'c1', amount: 100 }))
  voided.run(deskDo('bad', 'fund', { id: 'c1', amount: 5_000 }))
  t.match(voided.run(deskDo('more', 'fund', { id: 'c1', amount: 1 })).reply, { balance: 101 })
  voided.run({ void: funded.sequence })
  t.equal(stateOf(voided.replayed()), stateOf(voided.engine))
})

t.test('input that is none, and commands of nobody', async (t) => {
  const engine = readyDesk()
  t.equal(engine.run({ ...go('g'), module: 'nobody' }).code, 'malformed')
  const long = { ...deskDo('l', 'open', { id: 'c2', note: 'x'.repeat(1_100) }) }
  t.throws(() => engine.run(long), { message: /bytes packed: 1024 at most/ })
  const twice = deskDo('nfc', 'fund', { id: 'c1', amount: 1 })
  t.equal(engine.run(twice).code, 'ok')
  const composed = deskDo('é 1', 'open', { id: 'é', note: 'e\u0301' })
  t.equal(engine.run(composed).code, 'ok')
  const spelled = deskDo('é 1', 'open', { id: 'e\u0301', note: 'é' })
  t.match(engine.run(spelled), { code: 'ok', replayed: true }, 'texts are compared in NFC')
})
