// The engine's tables by themselves, where their layouts have edges: an index whose entries all have one
// home, the order of ending, the highest numbers that rows hold, the hash that a group keeps.

import fc from 'fast-check'
import t from 'tap'
import { EndedOrder } from '../engine/ended-order.ts'
import { IdHash } from '../engine/id-hash.ts'
import { IdIndex, NONE } from '../engine/id-index.ts'
import { Reservations } from '../engine/reservations.ts'
import { CORE_ROW, SECTION_HEAD } from '../engine/state-layout.ts'
import {
  AMOUNT_MAX,
  allocateWords,
  RECORD,
  RESERVATION_STATE,
  RESERVE,
  SEQUENCE_MAX,
  TIME_MS_MAX,
  TIMEOUT_MS_MAX,
  wordsOver,
  writeI64,
} from '../protocol/index.ts'
import type { Command } from './support/commands.ts'
import { SMALL_CAPACITIES } from './support/contract.ts'
import { EngineSubject } from './support/engine-subject.ts'
import { encodeFrame } from './support/frames.ts'

const RUNS = 30 * Number(process.env.HOLDFAST_RUNS ?? 1)
const START_MS = 1_700_000_000_000

/** Hashes that tests choose: the id's first word. */
class ChosenHash extends IdHash {
  override ofWords(i32: Int32Array, w: number): number {
    return i32[w] as number
  }
}

/** Rows whose ids have the hashes that `hashOf` gives, and differ in another word. */
function rowsWith(count: number, hashOf: (n: number) => number) {
  const i32 = new Int32Array(count * 4)
  for (let n = 0; n < count; n++) i32.set([hashOf(n), 0, 0, n + 1], n * 4)
  return { i32, rowWords: 4, words: wordsOver(i32.buffer as ArrayBuffer) }
}

t.test(
  'an index at capacity finds every id, whatever their hashes, round its end too',
  async (t) => {
    const families: Record<string, (n: number) => number> = {
      // The last bucket: all but the first sixteen lie in others, round the end.
      'one home, one tag': () => -1,
      'one home, other tags': (n) => -1 - (n & 63),
      'two homes, far into each other': (n) => ((n & 1) === 0 ? -1 : -60_000_000),
      'close to the end': (n) => -1 - Math.imul(n, 1_000_003) / 16,
      'all over': (n) => Math.imul(n, 0x9e3779b1),
    }
    const rowsMax = 700
    const changes = fc.array(fc.nat(rowsMax * 2 - 1), { minLength: 50, maxLength: 2_000 })
    for (const [name, hashOf] of Object.entries(families)) {
      const { words, ...rows } = rowsWith(rowsMax * 2, hashOf)
      const hash = (n: number) => rows.i32[n * 4] as number
      const property = fc.property(changes, (changed) => {
        const index = new IdIndex(new ChosenHash(1), rowsMax, rows)
        const indexed = new Set<number>()
        const change = (n: number): void => {
          if (indexed.delete(n)) {
            index.remove(n * 2, hash(n))
          } else if (indexed.size < rowsMax) {
            index.insert(n * 2, hash(n))
            indexed.add(n)
          }
        }
        for (let n = 0; n < rowsMax; n++) change(n)
        for (const n of changed) change(n)
        for (let n = 0; n < rowsMax * 2; n++) {
          const found = index.find(words, n * 16, hash(n))
          if (found !== (indexed.has(n) ? n * 2 : NONE)) return false
        }
        for (const n of [...indexed].reverse()) change(n)
        for (let n = 0; n < rowsMax * 2; n++) {
          if (index.find(words, n * 16, hash(n)) !== NONE) return false
        }
        return index.count === 0
      })
      fc.assert(property, { numRuns: RUNS })
      t.pass(name)
    }
  },
)

t.test('what is not indexed cannot be taken out', async (t) => {
  const rows = rowsWith(4, () => 7)
  const index = new IdIndex(new ChosenHash(1), 4, rows)
  index.insert(0, 7)
  t.throws(() => index.remove(2, 7), /is not in its index/)
})

/** Links in plain arrays. */
function linkedRows(count: number) {
  const next = new Int32Array(count)
  return {
    next: (slot: number) => next[slot] as number,
    setNext: (slot: number, link: number) => {
      next[slot] = link
    },
  }
}

t.test('the order of ending is kept: at both ends, ahead, and over a restore', async (t) => {
  const ROWS = 80
  const steps = fc.array(fc.constantFrom('push', 'push', 'pop', 'shift', 'restore'), {
    maxLength: 400,
  })
  const property = fc.property(steps, (taken) => {
    let order = new EndedOrder(linkedRows(ROWS))
    const model: number[] = []
    /** The link to the one before in its list, of sixteen. */
    const before = () => (model.at(-16) ?? -1) + 1
    const free = Array.from({ length: ROWS }, (_, n) => (n * 37) % ROWS)
    for (const step of taken) {
      if (step === 'push' && free.length > 0) {
        const slot = free.shift() as number
        if (order.push(slot) !== before()) return false
        model.push(slot)
      } else if (step === 'pop' && model.length > 0) {
        const slot = model.pop() as number
        order.pop(slot, before())
        free.push(slot)
      } else if (step === 'shift' && model.length > 0) {
        t.equal(order.shift(), model[0])
        free.push(model.shift() as number)
      } else if (step === 'restore') {
        order = new EndedOrder(linkedRows(ROWS))
        order.beginRestore(model.length + 1)
        // As rows come: by slot, and not in order of ending.
        const places = model.map((slot, n) => [slot, n + 1] as const)
        for (const [slot, place] of places.sort((a, b) => a[0] - b[0])) {
          if (!order.restore(slot, place)) return false
        }
        if (!order.finishRestore()) return false
      }
      const ahead = new Int32Array(ROWS)
      order.readOldest(ahead, model.length)
      const isSame = ahead.subarray(0, model.length).every((slot, n) => slot === model[n])
      if (!isSame || order.count !== model.length || order.oldest !== (model[0] ?? -1)) return false
    }
    return [...order.slots()].join() === model.join()
  })
  fc.assert(property, { numRuns: RUNS * 3 })
})

t.test('an order that has gaps, twins or more places than rows is refused', async (t) => {
  const restored = (...places: readonly number[]): boolean => {
    const order = new EndedOrder(linkedRows(9))
    order.beginRestore(3)
    return places.every((place, slot) => order.restore(slot, place)) && order.finishRestore()
  }
  t.ok(restored(3, 1, 2))
  t.notOk(restored(3, 1), 'a gap')
  t.notOk(restored(2, 2), 'twins')
  t.notOk(restored(1, 4), 'beyond')
  const order = new EndedOrder(linkedRows(9))
  t.throws(() => order.pop(0, 0), /only the newest end/)
  order.push(1)
  order.push(2)
  t.throws(() => order.pop(1, 0), /only the newest end/)
})

t.test('a row holds the highest numbers, each by itself', async (t) => {
  const rows = new Reservations(3)
  const record = allocateWords(RESERVE.bytes)
  writeI64(record, RESERVE.amount, AMOUNT_MAX)
  writeI64(record, RESERVE.timeoutMs, TIMEOUT_MS_MAX)
  record.u8[RECORD.flags] = 0xff
  const timeMs = TIME_MS_MAX - TIMEOUT_MS_MAX
  const slots = [0, 1, 2].map((n) =>
    rows.add(record, 0, 7, 8, AMOUNT_MAX - n, SEQUENCE_MAX - n, timeMs, 3),
  )
  t.same(slots, [0, 1, 2])
  const check = (slot: number): void => {
    t.equal(rows.sequence(slot), SEQUENCE_MAX - slot)
    t.equal(rows.timeMs(slot), timeMs)
    t.equal(rows.expiresAt(slot), TIME_MS_MAX)
    t.equal(rows.asked(slot), AMOUNT_MAX)
    t.equal(rows.taken(slot), AMOUNT_MAX - slot)
    t.equal(rows.amount(slot), AMOUNT_MAX - slot)
    t.equal(rows.chainPlace(slot), 3)
    t.equal(rows.flags(slot) | 1, 0xff)
    t.equal(rows.debit(slot), 7)
    t.equal(rows.credit(slot), 8)
    t.equal(rows.group(slot), 0)
  }
  for (const slot of slots) check(slot)
  rows.enterGroup(1, 5)
  t.equal(rows.group(1), 5)
  rows.leaveGroup(1, -9)
  t.equal(rows.groupHash(1), -9)
  const before = rows.end(1, RESERVATION_STATE.expired, TIME_MS_MAX)
  t.equal(rows.state(1), RESERVATION_STATE.expired)
  t.equal(rows.endedAt(1), TIME_MS_MAX)
  for (const slot of slots) check(slot)
  rows.unend(1, before)
  t.equal(rows.state(1), RESERVATION_STATE.held)
  rows.setExpiresAt(1, 1)
  t.equal(rows.expiresAt(1), 1)
  rows.setExpiresAt(1, TIME_MS_MAX)
  for (const slot of slots) check(slot)
  t.equal(rows.open, 3)
})

t.test('frames beyond the last time or sequence stop the engine', async (t) => {
  const frameOf = (timeMs: number) =>
    encodeFrame({ timeMs, records: [{ type: 'open_account', id: 'a', ledger: 1 }] }, 1)
  const apply = (timeMs: number): void => {
    new EngineSubject(SMALL_CAPACITIES).engine.applyFrame(frameOf(timeMs), 0, false)
  }
  apply(TIME_MS_MAX)
  t.throws(() => apply(TIME_MS_MAX + 1), { name: 'EngineFault', kind: 'order' })
  const [state] = new EngineSubject(SMALL_CAPACITIES).engine.exportState(1_048_576)
  const words = wordsOver(Uint8Array.from(state as Uint8Array).buffer)
  const importAt = (sequence: number): EngineSubject => {
    words.f64[(SECTION_HEAD.bytes + CORE_ROW.sequence) >>> 3] = sequence
    const subject = new EngineSubject(SMALL_CAPACITIES)
    subject.engine.importState([words.u8])
    return subject
  }
  const next: Command = { type: 'open_account', id: 'a', ledger: 1 }
  const last = importAt(SEQUENCE_MAX - 1)
  t.match(last.apply({ timeMs: START_MS, records: [next] }), [{ sequence: SEQUENCE_MAX }])
  const copy = new EngineSubject(SMALL_CAPACITIES)
  copy.importFrom(last)
  t.same(copy.stateBytes(), last.stateBytes())
  const after = { name: 'EngineFault', kind: 'order' }
  t.throws(() => last.apply({ timeMs: START_MS, records: [{ ...next, id: 'b' }] }), after)
  t.throws(() => importAt(SEQUENCE_MAX + 1), { name: 'EngineFault', kind: 'state' })
})

t.test(
  'a group keeps the hash of its id for those in it, and gives it to those who leave',
  async (t) => {
    const subject = new EngineSubject(SMALL_CAPACITIES)
    const apply = (...records: readonly Command[]) =>
      subject.apply({ timeMs: START_MS, records }).map(({ code }) => code)
    apply(
      { type: 'open_account', id: 'bank', ledger: 1, external: true },
      { type: 'open_account', id: 'a', ledger: 1 },
    )
    const held = (id: string, group?: string): Command => ({
      type: 'reserve',
      id,
      debit: 'bank',
      credit: 'a',
      amount: 5,
      ...(group === undefined ? {} : { group }),
    })
    const isRemembered = (what: string): void => {
      t.same(apply(held('r1', 'g'), held('r2', 'g'), held('r3')), ['ok', 'ok', 'ok'], what)
      t.same(apply(held('r1', 'h'), held('r2'), held('r3', 'g')), Array(3).fill(other), what)
      const copy = new EngineSubject(SMALL_CAPACITIES)
      copy.importFrom(subject)
      t.same(copy.stateBytes(), subject.stateBytes(), what)
      t.same(subject.violations(), [])
    }
    const other = 'exists_with_different_group'
    isRemembered('open')
    const linked = true
    // The chain empties the group, makes another in its row and in that of a reservation, and fails.
    const failed = apply(
      { type: 'settle', id: 's1', reservation: 'r1', linked },
      { type: 'release', id: 's2', reservation: 'r2', linked },
      { ...held('r4', 'i'), linked },
      { type: 'release_group', id: 's3', group: 'i', linked },
      { ...held('r5', 'g'), linked },
      { type: 'settle', id: 's4', reservation: 'nobody' },
    )
    t.equal(failed.at(-1), 'reservation_not_found')
    isRemembered('after a chain that failed')
    t.same(apply({ type: 'settle', id: 's5', reservation: 'r1' }), ['ok'])
    isRemembered('one has left')
    t.same(apply({ type: 'settle_group', id: 's6', group: 'g' }), ['ok'])
    isRemembered('nobody is in it')
    t.same(apply(held('r6', 'g'), { type: 'release', id: 's7', reservation: 'r3' }), ['ok', 'ok'])
    isRemembered('it is there again')
  },
)
