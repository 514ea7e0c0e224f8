// The engine at its limits: many expiries at once, ids made to collide, many copies of one command,
// the longest chains. Times are of one applyFrame, with nothing in between.

import { randomFillSync } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import t from 'tap'
import { IdHash } from '../engine/id-hash.ts'
import { IdIndex, NONE } from '../engine/id-index.ts'
import {
  CAPACITIES_DEFAULT,
  CHAIN_COMMANDS_MAX,
  capacitiesFrom,
  FRAME,
  RECORD,
  wordsOver,
  writeI64,
} from '../protocol/index.ts'
import type { Command } from './support/commands.ts'
import { SMALL_CAPACITIES } from './support/contract.ts'
import { EngineSubject } from './support/engine-subject.ts'
import { encodeFrame } from './support/frames.ts'
import { ModelSubject } from './support/subjects.ts'

const START_MS = 1_700_000_000_000
const EXPIRIES = 100_000
const ACCOUNTS = 10
const ROUNDS = 5

const median = (values: readonly number[]): number =>
  [...values].sort((x, y) => x - y)[values.length >> 1] as number

/** A UUID whose four words are given. */
function idOf(a: number, b: number, c: number, d: number): string {
  const hex = [a, b, c, d].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function accountsOf(count: number): Command[] {
  const accounts = Array.from({ length: count }, (_, n): Command[] => [
    { type: 'open_account', id: `a${n}`, ledger: 1 },
    { type: 'transfer', id: `t${n}`, debit: 'bank', credit: `a${n}`, amount: EXPIRIES },
  ])
  return [{ type: 'open_account', id: 'bank', ledger: 1, external: true }, ...accounts.flat()]
}

t.test('100,000 reservations due in one millisecond expire before what is decided', async (t) => {
  const rows = { reservationsMax: 131_072, outcomesMax: 1_024, windowMs: 1 }
  const subject = new EngineSubject({ ...SMALL_CAPACITIES, ...rows })
  const { engine } = subject
  subject.apply({ timeMs: START_MS, records: accountsOf(ACCOUNTS) })
  const reserves = Array.from(
    { length: EXPIRIES },
    (_, n): Command => ({
      type: 'reserve',
      id: idOf(n + 1, 0x4000, 0x8000_0000, n),
      debit: `a${n % ACCOUNTS}`,
      credit: 'bank',
      amount: 1 + (Math.floor(n / ACCOUNTS) % 7),
      timeoutMs: 50,
    }),
  )
  const frame = encodeFrame({ timeMs: START_MS, records: reserves }, 1)
  const recordBytes = (frame.u32[FRAME.payloadBytes >>> 2] as number) / EXPIRIES
  const times: number[] = []
  for (let round = 1; round <= ROUNDS; round++) {
    const timeMs = START_MS + round * 1_000
    writeI64(frame, FRAME.firstSequence, engine.sequence + 1)
    writeI64(frame, FRAME.timeMs, timeMs)
    for (let n = 0; n < EXPIRIES; n++) {
      frame.u8[FRAME.bytes + n * recordBytes + RECORD.id + 12] = round
    }
    engine.applyFrame(frame, 0, false)
    t.equal(engine.openReservationCount, EXPIRIES, 'all are open')
    const early: Command = { type: 'freeze_account', id: `f${round}`, account: 'bank' }
    subject.apply({ timeMs: timeMs + 49, records: [{ ...early, account: 'nobody' }] })
    t.equal(engine.openReservationCount, EXPIRIES, 'all are open 1 ms before')
    // The whole balance: refused while a single one is still held.
    const all = { debit: 'a0', credit: 'bank', amount: EXPIRIES }
    const decided: Command = { type: 'transfer', id: `d${round}`, ...all }
    const due = encodeFrame({ timeMs: timeMs + 50, records: [decided] }, engine.sequence + 1)
    const started = performance.now()
    engine.applyFrame(due, 0, false)
    times.push(performance.now() - started)
    t.equal(engine.openReservationCount, 0, 'none is open')
    t.match(subject.account('a0'), { balance: 0, held: 0 })
    t.match(subject.account('a9'), { balance: EXPIRIES, held: 0, incoming: 0 })
    t.match(subject.account('bank'), { incoming: 0, balance: -EXPIRIES * (ACCOUNTS - 1) })
    t.same(subject.violations(), [])
    const back = { debit: 'bank', credit: 'a0', amount: EXPIRIES }
    subject.apply({
      timeMs: timeMs + 50,
      records: [{ type: 'transfer', id: `b${round}`, ...back }],
    })
  }
  t.comment(`${EXPIRIES} expiries: ${times.map((one) => one.toFixed(1)).join(', ')} ms`)
  t.ok(median(times) < 100, `${median(times).toFixed(1)} ms, less than 100`)
})

t.test('ids that differ in few bits cost no more than random ones', async (t) => {
  const count = 30_000
  const timeOf = (ids: (n: number) => string): number => {
    const capacities = { ...SMALL_CAPACITIES, reservationsMax: 65_536, outcomesMax: 1_024 }
    const subject = new EngineSubject(capacities)
    subject.apply({ timeMs: START_MS, records: accountsOf(1) })
    const records = Array.from(
      { length: count },
      (_, n): Command => ({
        type: 'reserve',
        id: ids(n),
        debit: 'a0',
        credit: 'bank',
        amount: 1,
      }),
    )
    const frame = encodeFrame({ timeMs: START_MS, records }, subject.sequence + 1)
    const started = performance.now()
    subject.engine.applyFrame(frame, 0, false)
    const took = performance.now() - started
    t.equal(subject.engine.openReservationCount, count)
    return took
  }
  const random = (n: number) => idOf(Math.imul(n + 1, 0x9e3779b1), 0, Math.imul(n, 0x85ebca77), n)
  const families: Record<string, (n: number) => string> = {
    'the last word counts': (n) => idOf(1, 0, 0, n),
    'the first word counts': (n) => idOf(n + 1, 0, 0, 1),
    'high bits alone': (n) => idOf(1, (n << 16) >>> 0, 0, 0),
    'two words that cancel out': (n) => idOf(n + 1, n + 1, 1, 1),
  }
  timeOf(random)
  const usual = median([timeOf(random), timeOf(random), timeOf(random)])
  for (const [name, ids] of Object.entries(families)) {
    const took = median([timeOf(ids), timeOf(ids), timeOf(ids)])
    t.comment(`${name}: ${took.toFixed(1)} ms, random ids ${usual.toFixed(1)} ms`)
    t.ok(took < usual * 4 + 20, `${name}: of the same order`)
  }
})

t.test('50 copies of a command have one effect and 50 equal answers', async (t) => {
  const subject = new EngineSubject(SMALL_CAPACITIES)
  subject.apply({ timeMs: START_MS, records: accountsOf(1) })
  const move = { debit: 'a0', credit: 'bank', amount: 60_000 }
  const copies: readonly Command[] = [
    { type: 'transfer', id: 'once', ...move },
    { type: 'reserve', id: 'hold', debit: 'bank', credit: 'a0', amount: 5, timeoutMs: 9 },
    { type: 'settle', id: 'end', reservation: 'hold', amount: 3 },
    { type: 'transfer', id: 'never', ...move },
  ]
  for (const copy of copies) {
    const records = Array.from({ length: 50 }, () => copy)
    const outcomes = subject.apply({ timeMs: START_MS + 1, records })
    const [first] = outcomes
    t.equal(first?.replayed, false)
    for (const outcome of outcomes.slice(1)) {
      const { code, sequence, timeMs, moved } = outcome
      t.match(first, { code, sequence, timeMs, moved })
      t.equal(outcome.replayed, true)
    }
  }
  t.match(subject.account('a0'), { balance: EXPIRIES - 60_000 + 3, held: 0, incoming: 0 })
})

t.test('a chain has 1,024 members at most, and outcomes of 2 MiB', async (t) => {
  const capacities = { ...SMALL_CAPACITIES, outcomesMax: 4_096 }
  const subjects = [new EngineSubject(capacities), new ModelSubject(capacities)]
  const chain = (commands: readonly Command[]): Command[] =>
    commands.map((one, i) => ({ ...one, linked: i < commands.length - 1 }))
  const transfers = (count: number, name: string) =>
    Array.from(
      { length: count },
      (_, n): Command => ({
        type: 'transfer',
        id: `${name}${n}`,
        debit: 'bank',
        credit: 'a0',
        amount: 1,
      }),
    )
  const groups = (count: number, name: string) =>
    Array.from(
      { length: count },
      (_, n): Command => ({ type: 'settle_group', id: `${name}${n}`, group: 'g' }),
    )
  const cases: readonly [commands: readonly Command[], codes: readonly string[]][] = [
    [transfers(CHAIN_COMMANDS_MAX, 'm'), ['ok']],
    [transfers(CHAIN_COMMANDS_MAX + 1, 'n'), ['malformed']],
    [groups(21, 'g'), ['group_not_found', 'linked_failed']],
    [groups(22, 'h'), ['malformed']],
  ]
  for (const subject of subjects) subject.apply({ timeMs: START_MS, records: accountsOf(1) })
  for (const [commands, codes] of cases) {
    const frame = { timeMs: START_MS, records: chain(commands) }
    const [engine, model] = subjects.map((subject) => subject.apply(frame))
    t.same(engine, model)
    t.same([...new Set(engine?.map((outcome) => outcome.code))], codes)
  }
  t.same(subjects[0]?.audit(), subjects[1]?.audit())
  t.equal(subjects[0]?.account('a0')?.balance, EXPIRIES + CHAIN_COMMANDS_MAX)
})

t.test(
  'a million accounts, four million reservations and outcomes: 140 MiB under 1 GiB',
  async (t) => {
    const { engine } = new EngineSubject({
      ...CAPACITIES_DEFAULT,
      accountsMax: 1_000_000,
      reservationsMax: 4_000_000,
      outcomesMax: 4_000_000,
      groupsMax: 4_096,
      // Accounts whose ids are UUIDs have no other spelling.
      accountNameBytesMax: 8_388_608,
    })
    const { all } = engine.reservedBytes
    t.ok(all < 1_073_741_824 - 140 * 1_048_576, `${all} bytes`)
    const { outcomesMax } = CAPACITIES_DEFAULT
    t.same(capacitiesFrom({}), CAPACITIES_DEFAULT, 'replies of modules follow the outcomes')
    t.equal(capacitiesFrom({ outcomesMax: 4_000_000 }).moduleReplyBytesMax, 64_000_000)
    t.equal(capacitiesFrom({ outcomesMax: outcomesMax * 2 }).moduleReplyBytesMax, 268_435_456)
    t.equal(capacitiesFrom({ outcomesMax: 16 }).moduleReplyBytesMax, 1_048_576)
    t.equal(
      capacitiesFrom({ outcomesMax: 16, moduleReplyBytesMax: 2 ** 30 }).moduleReplyBytesMax,
      2 ** 30,
    )
  },
)

/** Rows of four words each, which are their random ids. */
function randomRows(count: number): { readonly i32: Int32Array; readonly rowWords: 4 } {
  const i32 = new Int32Array(count * 4)
  const bytes = new Uint8Array(i32.buffer)
  for (let at = 0; at < bytes.length; at += 65_536) {
    randomFillSync(bytes, at, Math.min(65_536, bytes.length - at))
  }
  return { i32, rowWords: 4 }
}

t.test('an index that is restored finds what was entered, and nothing else', async (t) => {
  const hash = new IdHash(1)
  for (const [count, rowsMax] of [
    [1_000, 1_000],
    [65_536, 65_536],
    [70_000, 700_000],
    [200_000, 200_000],
  ] as const) {
    const rows = randomRows(count * 2)
    const words = wordsOver(rows.i32.buffer as ArrayBuffer)
    const index = new IdIndex(hash, rowsMax, rows)
    const hashes = Int32Array.from({ length: count }, (_, n) => hash.ofWords(rows.i32, n * 4))
    // In two parts, as reservations and outcomes are.
    const half = count >>> 1
    t.ok(index.restore(0, hashes.subarray(0, half), half))
    t.ok(index.restore(half * 2, hashes.subarray(half), count - half))
    t.equal(index.count, count)
    const found = (n: number) => index.find(words, n * 16, hash.ofWords(rows.i32, n * 4))
    let wrong = 0
    for (let n = 0; n < count; n++) if (found(n) !== n * 2) wrong++
    for (let n = count; n < count * 2; n++) if (found(n) !== NONE) wrong++
    t.equal(wrong, 0, `${count} of ${rowsMax}`)
    rows.i32.copyWithin(count * 4, 7 * 4, 8 * 4)
    t.notOk(index.restore(count * 2, hashes.subarray(7, 8), 1), 'an id that is there already')
    for (let n = 0; n < count; n += 2) index.remove(n * 2, hashes[n] as number)
    for (let n = 0; n < count; n++) if (found(n) !== (n % 2 === 0 ? NONE : n * 2)) wrong++
    t.equal(wrong, 0, `${count} of ${rowsMax}, every other one removed`)
  }
})

t.test('a state of 100,000 reservations and outcomes knows every id again', async (t) => {
  const rows = { reservationsMax: 131_072, outcomesMax: 131_072, windowMs: 60_000 }
  const capacities = { ...SMALL_CAPACITIES, ...rows }
  const before = new EngineSubject(capacities)
  before.apply({ timeMs: START_MS, records: accountsOf(ACCOUNTS) })
  const held = Array.from(
    { length: 100_000 },
    (_, n): Command => ({
      type: 'reserve',
      id: idOf(n + 1, 0x4000, 0x8000_0000, n),
      debit: `a${n % ACCOUNTS}`,
      credit: 'bank',
      amount: 1,
    }),
  )
  const moved = Array.from(
    { length: 100_000 },
    (_, n): Command => ({
      type: 'transfer',
      id: idOf(n + 1, 0x4001, 0x8000_0000, n),
      debit: 'bank',
      credit: `a${n % ACCOUNTS}`,
      amount: 1,
    }),
  )
  const frames = [...framesOf(held), ...framesOf(moved)]
  for (const records of frames) before.apply({ timeMs: START_MS, records })
  const after = new EngineSubject(capacities)
  after.engine.importState(before.engine.exportState(1_048_576))
  t.equal(after.engine.digest, before.engine.digest)
  let fresh = 0
  for (const records of frames) {
    for (const outcome of after.apply({ timeMs: START_MS, records })) if (!outcome.replayed) fresh++
  }
  t.equal(fresh, 0, 'commands that were taken for new ones')
  t.equal(after.engine.digest, before.engine.digest)
})

/** The commands in frames of a thousand. */
function framesOf(commands: readonly Command[]): Command[][] {
  const frames: Command[][] = []
  for (let n = 0; n < commands.length; n += 1_000) frames.push(commands.slice(n, n + 1_000))
  return frames
}

t.test('two engines at work in one thread by turns decide as each would alone', async (t) => {
  const frames = Array.from({ length: 40 }, (_, n) => ({
    timeMs: START_MS + n,
    records:
      n === 0
        ? accountsOf(2)
        : [1, 2, 3].map(
            (k): Command => ({
              type: 'reserve',
              id: `r${n}-${k}`,
              debit: `a${k % 2}`,
              credit: 'bank',
              amount: n * k,
              timeoutMs: k * 7,
            }),
          ),
  }))
  const alone = new EngineSubject(SMALL_CAPACITIES)
  for (const frame of frames) alone.apply(frame)
  const [left, right] = [
    new EngineSubject(SMALL_CAPACITIES),
    new EngineSubject(SMALL_CAPACITIES, new Set([12])),
  ]
  const rightAlone = new EngineSubject(SMALL_CAPACITIES, new Set([12]))
  for (const frame of frames) rightAlone.apply(frame)
  for (const frame of frames) {
    left.apply(frame)
    right.apply(frame)
    // A question in between puts the other engine to work as well.
    left.account('a0')
  }
  t.same(left.account('a1'), alone.account('a1'))
  t.same(right.account('a1'), rightAlone.account('a1'))
  t.equal(left.engine.digest, alone.engine.digest)
  t.equal(right.engine.digest, rightAlone.engine.digest)
  t.not(left.engine.digest, right.engine.digest)
})
