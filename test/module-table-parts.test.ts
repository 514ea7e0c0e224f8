// What the tables of modules are made of: memory in pieces, an index of slots, and sets of slots in order
// of creation, each against a plain collection.

import fc from 'fast-check'
import t from 'tap'
import { ModuleFull } from '../engine/module-errors.ts'
import { byteOf, RowMemory } from '../engine/module-row-memory.ts'
import { SlotIndex } from '../engine/module-slot-index.ts'
import { CreationColumns, SlotOrder } from '../engine/module-slot-order.ts'
import { ModuleTables } from '../engine/module-tables.ts'
import { holds, LEFT, same } from './support/table-calls.ts'

t.test('sets of thousands keep their order whatever is taken out and put back', async (t) => {
  const step = fc.record({ from: fc.nat(2_999), count: fc.integer({ min: 1, max: 400 }) })
  const property = fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    const created = new CreationColumns(1_000)
    const order = new SlotOrder(created, 1_000, 1)
    created.grow(3_000)
    order.grow(3_000, 2)
    // Made in another order than that of the slots, some by one record.
    const madeAt = (slot: number) => (slot * 7_919) % 3_001
    for (let slot = 1; slot <= 3_000; slot++) {
      created.set(slot, { sequence: madeAt(slot) >> 2, index: madeAt(slot) & 3 })
    }
    const slotMadeAt = new Map(Array.from({ length: 3_000 }, (_, n) => [madeAt(n + 1), n + 1]))
    const setOf = new Map<number, number>()
    for (const { from, count } of [{ from: 0, count: 1_500 }, ...steps]) {
      for (let i = 0; i < count; i++) {
        // Neighbours in the order, and then places all over.
        const made = 1 + ((from + (count > 200 ? i : i * 997)) % 3_000)
        const slot = slotMadeAt.get(made) ?? 1
        const set = setOf.get(slot)
        if (set !== undefined) order.delete(set, slot)
        if (set === 2) setOf.delete(slot)
        else setOf.set(slot, (set ?? 0) + 1)
        if (set !== 2) order.add((set ?? 0) + 1, slot)
      }
    }
    for (const set of [1, 2]) {
      const expected = [...setOf].flatMap(([slot, own]) => (own === set ? [slot] : []))
      expected.sort((a, b) => madeAt(a) - madeAt(b))
      const found: number[] = []
      for (let slot = order.first(set); slot !== 0; slot = order.next(slot)) found.push(slot)
      same(found, expected, 'the order')
      same([order.count(set), order.last(set)], [expected.length, expected.at(-1) ?? 0], 'ends')
    }
  })
  holds(t, property as fc.IRawProperty<unknown>, 100)
})

t.test('an index of slots finds what is in it, whatever collides', async (t) => {
  // Few hashes, at the end of the index too, so that all of it is about those who are not at home.
  const hashes = [0, 1, -1, -2, 0x7fffffff, 5]
  const step = fc.record({ slot: fc.integer({ min: 1, max: 40 }), grows: fc.boolean() })
  const property = fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const index = new SlotIndex(40)
    const isIn = new Set<number>()
    const hashOf = (slot: number) => hashes[slot % hashes.length] as number
    for (const [n, { slot, grows }] of steps.entries()) {
      if (isIn.delete(slot)) index.delete(hashOf(slot), slot)
      else {
        isIn.add(slot)
        index.add(hashOf(slot), slot)
      }
      if (grows && n % 50 === 49) index.grow(40 + n)
      for (let one = 1; one <= 40; one++) {
        const found = index.find(hashOf(one), { isAt: (at) => at === one })
        same(found, isIn.has(one) ? one : 0, `slot ${one}`)
      }
      same(index.count, isIn.size, 'count')
    }
  })
  holds(t, property as fc.IRawProperty<unknown>, 100)
})

t.test('pieces of memory never lie over each other, and are used again', async (t) => {
  const memory = new RowMemory(8_448)
  const pieces: { place: number; bytes: number; mark: number }[] = []
  const fill = ({ place, bytes, mark }: { place: number; bytes: number; mark: number }) => {
    const at = byteOf(place)
    memory.words(place).u8.fill(mark, at, at + bytes)
  }
  let taken = 0
  let highest = 0
  for (let n = 0; n < 40_000; n++) {
    const isFull = taken > 2_000_000
    if (isFull || (n % 3 === 2 && pieces.length > 0)) {
      const [piece] = pieces.splice((n * 7_919) % pieces.length, 1)
      if (piece === undefined) continue
      const at = byteOf(piece.place)
      const { u8 } = memory.words(piece.place)
      const own = u8.subarray(at, at + piece.bytes)
      same(
        own.every((byte) => byte === piece.mark),
        true,
        'the marks of a piece',
      )
      memory.free(piece.place, piece.bytes)
      taken -= piece.bytes
      continue
    }
    const bytes = 8 * (1 + ((n * 31) % (n % 50 === 0 ? 1_056 : 90)))
    const piece = { place: memory.take(bytes), bytes, mark: n & 255 }
    highest = Math.max(highest, piece.place)
    pieces.push(piece)
    fill(piece)
    taken += bytes
  }
  t.ok(highest * 64 < 6_000_000, `2 MB of pieces lie in ${highest * 64} bytes`)
})

t.test(
  'a table grows to all of its rows, and beyond them while removals are not certain',
  async (t) => {
    const schema = { ...LEFT, rowsMax: 20_000 } as const
    const tables = new ModuleTables('test', [schema])
    const table = tables.table(schema)
    const row = (key: string, group: string) => ({
      ...{ key, group, place: 'p', count: 3, size: -1, isOpen: true, isLate: null },
    })
    const fill = (from: number, group: string) => {
      for (let n = from; n < from + schema.rowsMax; n++) table.insert(row(`k${n}`, group))
    }
    tables.begin(1)
    fill(0, 'first')
    tables.commit()
    tables.begin(2)
    for (const { key } of table.scan('byGroup', ['first'])) table.remove(key)
    fill(50_000, 'second')
    t.throws(() => table.insert(row('more', 'second')), ModuleFull)
    t.strictSame([table.countOf('byGroup', ['first']), table.count], [0, schema.rowsMax])
    tables.rollback()
    t.strictSame(
      table.scan('byGroup', ['first']).map(({ key }) => key),
      Array.from({ length: schema.rowsMax }, (_, n) => `k${n}`),
    )
    t.strictSame([table.countOf('byGroup', ['second']), table.get('k50000')], [0, undefined])
    t.strictSame(table.get('k19999'), row('k19999', 'first'))
  },
)

t.test(
  "a handler's object whose own code calls the table is read before anything is changed",
  async (t) => {
    const tables = new ModuleTables('test', [LEFT])
    const table = tables.table(LEFT)
    const row = (key: string, group: string) => ({
      ...{ key, group, place: 'p', count: 3, size: -1, isOpen: true, isLate: null },
    })
    tables.begin(1)
    table.insert(row('x', 'a'))
    table.insert(row('y', 'a'))
    tables.commit()
    tables.begin(2)
    const reads = {
      size: 7,
      get group() {
        return table.get('x')?.key ?? 'none'
      },
    }
    t.match(table.update('y', reads), { key: 'y', group: 'x', size: 7 })
    const removes = {
      get group() {
        table.remove('y')
        return 'b'
      },
    }
    t.throws(() => table.update('y', removes), /there is no row "y"/)
    const inserts = {
      ...row('z', 'c'),
      get place() {
        return table.insert(row('w', 'c')).key
      },
    }
    t.match(table.insert(inserts), { key: 'z', group: 'c', place: 'w' })
    t.strictSame(
      table.scan('byGroup', ['c']).map(({ key }) => key),
      ['w', 'z'],
    )
    tables.rollback()
    t.strictSame(
      table.scan('byGroup', ['a']).map(({ key }) => key),
      ['x', 'y'],
    )
    t.match(table.get('y'), row('y', 'a'))
  },
)
