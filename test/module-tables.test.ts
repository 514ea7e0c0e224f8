// Modules' tables, with timers beside them: against plain arrays, through rollbacks, chains and
// restores; what a wrong use says; the canonical bytes, and bytes that are none.

import fc from 'fast-check'
import t from 'tap'
import { EngineFault } from '../engine/fault.ts'
import type { TableSchema } from '../engine/module.ts'
import { ModuleFull, ModuleMisuse } from '../engine/module-errors.ts'
import { ModuleTables } from '../engine/module-tables.ts'
import { ModuleTimers } from '../engine/module-timers.ts'
import type { Words } from '../protocol/index.ts'
import {
  Both,
  call,
  holds,
  importAll,
  join,
  LEFT,
  RIGHT,
  same,
  tablesAndTimers,
} from './support/table-calls.ts'

const RUNS = 1_000 * Number(process.env.HOLDFAST_RUNS ?? 1)

t.setTimeout(120_000 * Math.ceil(RUNS / 1_000))

t.test(`${RUNS} random runs: tables and timers do what arrays do`, async (t) => {
  const property = fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
    const both = new Both()
    for (const step of calls) {
      both.take(step)
      both.check()
    }
  })
  holds(t, property as fc.IRawProperty<unknown>, RUNS)
})

t.test('no two lists of values find the same rows', async (t) => {
  const fields = { key: 'text', a: 'text?', n: 'integer?', b: 'text?', f: 'flag?' } as const
  const indexes = { all: ['a', 'b', 'n', 'f'] } as const
  const schema = { name: 'lists', fields, key: 'key', rowsMax: 10_000, indexes } as const
  const tables = new ModuleTables('test', [schema])
  const table = tables.table(schema)
  const texts = [null, '', ':', '1', '1:', ':1', '0:', '1:1', '2:', '~', '~1:', '-', '1;', '1;~']
  const lists = texts.flatMap((a) =>
    texts.flatMap((b) =>
      [null, 0, 1, -1, 11].flatMap((n) => [null, true, false].map((f) => [a, b, n, f] as const)),
    ),
  )
  tables.begin(1)
  for (const [place, [a, b, n, f]] of lists.entries()) {
    table.insert({ key: String(place), a, n, b, f })
  }
  const found = lists.map((list) =>
    table
      .scan('all', list)
      .map(({ key }) => key)
      .join(),
  )
  t.strictSame(found, Object.keys(lists))
})

/** A row of LEFT or RIGHT. */
function rowOf(key: string) {
  return { key, group: null, place: 'p', count: 3, size: -1, isOpen: true, isLate: null }
}

t.test('rows are frozen, and do not change when they are updated', async (t) => {
  const { tables, left } = tablesAndTimers()
  tables.begin(1)
  const given = { ...rowOf('a') }
  const row = left.insert(given)
  given.place = 'elsewhere'
  t.strictSame(left.get('a'), row)
  t.ok(Object.isFrozen(row))
  t.strictSame(row, rowOf('a'))
  t.strictSame(left.update('a', { place: 'p' }), row, 'no change is no change')
  tables.commit()
  t.ok(Object.isFrozen(left.get('a')), 'one that was made of its bytes is frozen too')
  t.strictSame(Object.keys(left.get('a') ?? {}), Object.keys(LEFT.fields))
  tables.begin(2)
  const moved = left.update('a', { place: 'q' })
  t.ok(Object.isFrozen(moved))
  t.equal(row.place, 'p')
  const { isOpen, ...others } = rowOf('b')
  const shuffled = { isOpen, ...others }
  t.strictSame(Object.keys(left.insert(shuffled)), Object.keys(LEFT.fields))
  tables.rollback()
  t.strictSame(left.get('a'), row)
  t.equal(left.get('b'), undefined)
})

t.test(
  'creation numbers go on over one sequence, and what is undone gives its own back',
  async (t) => {
    const { tables, timers, left } = tablesAndTimers()
    const begin = (sequence: number) => {
      tables.begin(sequence)
      timers.begin(sequence, 0)
    }
    const end = (how: 'commit' | 'rollback') => {
      tables[how]()
      timers[how]()
    }
    const numbers = (key: string) => {
      left.insert(rowOf(key))
      timers.set('end', key, 50)
      const [row] = tables.changes().slice(-1)
      return [row?.sequence, row?.index]
    }
    begin(1)
    t.strictSame(
      [numbers('a'), numbers('b')],
      [
        [1, 0],
        [1, 1],
      ],
    )
    end('commit')
    begin(1)
    t.strictSame(numbers('c'), [1, 2])
    begin(2)
    t.strictSame(numbers('d'), [2, 0], 'a second member of a chain')
    end('rollback')
    begin(1)
    t.strictSame(numbers('e'), [1, 2])
    end('commit')
    const fired = Array.from({ length: 3 }, () => timers.takeDue(50))
    t.strictSame(
      fired.map((timer) => timer && [timer.key, timer.index]),
      [
        ['a', 0],
        ['b', 1],
        ['e', 2],
      ],
    )
  },
)

t.test('a wrong use of a table says what to do, and changes nothing', async (t) => {
  const { tables, left, right } = tablesAndTimers()
  tables.begin(1)
  left.insert(rowOf('a'))
  tables.commit()
  const before = join(tables.exportRows()).u8
  const any = left as unknown as Record<string, (...values: unknown[]) => unknown>
  const ofLeft = (name: string, ...values: unknown[]) => any[name]?.apply(left, values)
  const wrong: [RegExp, string, ...unknown[]][] = [
    [/^test.left.insert: there is a row "a" already: update it or/, 'insert', rowOf('a')],
    [/^test.left.insert takes an object of fields, not null$/, 'insert', null],
    [
      /^test.left.place takes a text, not undefined: .*"text\?"/,
      'insert',
      { ...rowOf('b'), place: undefined },
    ],
    [/^test.left has no field "more": it has key, group,/, 'insert', { ...rowOf('b'), more: 1 }],
    [/^test.left.size takes an integer .*, not 0.5/, 'insert', { ...rowOf('b'), size: 0.5 }],
    [/^test.left.size takes .*, not 9007199254740992/, 'insert', { ...rowOf('b'), size: 2 ** 53 }],
    [/^test.left.size takes .*, not NaN/, 'insert', { ...rowOf('b'), size: Number.NaN }],
    [/^test.left.isOpen takes a flag, not null/, 'insert', { ...rowOf('b'), isOpen: null }],
    [
      /^test.left.group takes a text or null, not an object/,
      'insert',
      { ...rowOf('b'), group: {} },
    ],
    [/^test.left.place is of 256 bytes .*, not 258/, 'update', 'a', { place: '\u20ac'.repeat(86) }],
    [/^test.left.place has a half of a surrogate pair/, 'update', 'a', { place: '\ud800' }],
    [/^test.left.update: there is no row "b": look with get/, 'update', 'b', {}],
    [/^test.left: the key "a" cannot become "b": remove/, 'update', 'a', { key: 'b' }],
    [/^test.left has no field "more"/, 'update', 'a', { more: 1 }],
    [/^test.left.update takes an object/, 'update', 'a', 7],
    [/^test.left.remove: there is no row undefined/, 'remove'],
    [/^test.left.get takes a key, a text, not 7$/, 'get', 7],
    [/^test.left has no index "byNone": it has byGroup, byCount,/, 'scan', 'byNone', []],
    [
      /^test.left: the index byTwo takes a list of values for group, place$/,
      'scan',
      'byTwo',
      ['a'],
    ],
    [/^test.left: the index byGroup takes a list/, 'countOf', 'byGroup', 'a'],
    [/^test.left.count takes an integer/, 'scan', 'byCount', ['1']],
    [/^test.left.scan takes a limit of 0 or more rows, not -1$/, 'scan', 'byGroup', [null], -1],
  ]
  tables.begin(2)
  for (const [message, name, ...values] of wrong) {
    t.throws(() => ofLeft(name, ...values), { name: 'ModuleMisuse', message }, String(message))
  }
  const noIndex = right as unknown as typeof left
  t.throws(
    () => noIndex.scan('byGroup', [null]),
    /has no index "byGroup": declare it in the schema$/,
  )
  t.throws(() => tables.table({ ...LEFT }), /no table of the schema "left": list this very object/)
  t.strictSame(tables.changes(), [])
  tables.commit()
  t.strictSame(join(tables.exportRows()).u8, before)
  t.throws(() => left.remove('a'), /remove: a query changes nothing: make it a command or a timer/)
  t.throws(() => left.insert(rowOf('b')), /insert: a query changes nothing/)
  t.throws(() => left.update('a', {}), /update: a query changes nothing/)
  t.throws(() => tables.begin(1), EngineFault, 'sequences do not go back')
  const restored = new ModuleTables('test', [LEFT, RIGHT])
  importAll(join(tables.exportRows()), (words, at) => restored.importRow(words, at))
  t.throws(() => restored.begin(0), EngineFault, 'nor behind what was restored')
})

t.test('a full table throws ModuleFull until a row is removed', async (t) => {
  const { tables, right } = tablesAndTimers()
  tables.begin(1)
  for (let n = 0; n < RIGHT.rowsMax; n++) right.insert(rowOf(`k${n}`))
  t.throws(() => right.insert(rowOf('more')), ModuleFull)
  t.throws(() => right.insert(rowOf('more')), /test.right has its 8 rows: remove some, or raise/)
  t.throws(() => right.insert(rowOf('k1')), ModuleMisuse, 'a key that exists comes first')
  right.remove('k3')
  right.insert(rowOf('more'))
  t.equal(right.count, 8)
})

t.test('a schema that is wrong throws before the first command', async (t) => {
  const wrong: [RegExp, Record<string, unknown>][] = [
    [/name the table in 1 to 32 letters/, { name: 'Left' }],
    [/rowsMax is 0: give an integer from 1 to 8388608/, { rowsMax: 0 }],
    [/rowsMax is 8388609/, { rowsMax: 8_388_609 }],
    [/0 fields: declare 1 to 32/, { fields: {} }],
    [
      /33 fields/,
      { fields: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`f${n}`, 'text'])) },
    ],
    [/name the field "7" in/, { fields: { key: 'text', 7: 'text' } }],
    [/name the field "__proto__" in/, { fields: JSON.parse('{"key":"text","__proto__":"text"}') }],
    [
      /size is of type "double": text, integer or flag/,
      { fields: { key: 'text', size: 'double' } },
    ],
    [/the key "none" is to be one of the fields/, { key: 'none' }],
    [/the key "size" is to be one of the fields, of type "text"/, { key: 'size' }],
    [/the key "group" is to be/, { key: 'group' }],
    [/name the index "by all" in/, { indexes: { 'by all': ['size'] } }],
    [/the index by is of no fields/, { indexes: { by: [] } }],
    [/the index by names a field twice/, { indexes: { by: ['size', 'size'] } }],
    [/the index by is of "none", no field/, { indexes: { by: ['none'] } }],
  ]
  for (const [message, change] of wrong) {
    const schema = { ...LEFT, ...change } as TableSchema
    t.throws(() => new ModuleTables('test', [schema]), { name: 'ModuleMisuse', message })
  }
  t.throws(() => new ModuleTables('test', [LEFT, { ...LEFT }]), /two tables of one name/)
})

t.test('the bytes of a row, of a removal and of a timer', async (t) => {
  const { tables, timers, right } = tablesAndTimers()
  const hex = (chunks: Iterable<Uint8Array>) => Buffer.from(join(chunks).u8).toString('hex')
  const encoded = () =>
    tables.changes().map((change) => {
      const bytes = tables.encode(change)
      return Buffer.from(tables.encoded.u8.subarray(0, bytes)).toString('hex')
    })
  tables.begin(5)
  right.insert({ ...rowOf('ab'), place: '\u00e9' })
  const row = [
    '40000000 01000000 0000000000001440 00000000 42000000',
    '02000000 61620000 02000000 c3a90000 0000000000000840 000000000000f0bf 01000000 00000000',
  ]
  const expected = row.join('').replaceAll(' ', '')
  t.strictSame(encoded(), [expected])
  tables.commit()
  t.equal(hex(tables.exportRows()), expected)
  tables.begin(6)
  right.remove('ab')
  const head = '20000000 01000000 0000000000001440 00000000 ffffffff'
  t.strictSame(encoded(), [`${head} 02000000 61620000`.replaceAll(' ', '')])
  timers.begin(5, 0)
  timers.set('end', 'k', 1_000)
  const timer =
    '28000000 00000000 0000000000001440 0000000000408f40 03000000 656e6400 01000000 6b000000'
  t.equal(hex(timers.exportTimers()), timer.replaceAll(' ', ''))
})

t.test('bytes in which a bit is turned are no state, or are the bytes of another', async (t) => {
  const { tables, timers, left, right } = tablesAndTimers()
  tables.begin(3)
  timers.begin(3, 0)
  left.insert({ ...rowOf('a'), group: '\u20ac', isLate: true })
  left.insert({ ...rowOf('b'), count: null })
  right.insert({ ...rowOf('a'), place: '' })
  timers.set('ring', 'a', 1_000)
  timers.set('end', '\u{1f600}', 70_000)
  const readRows = (words: Words) => {
    const other = new ModuleTables('test', [LEFT, RIGHT])
    importAll(words, (from, at) => other.importRow(from, at))
    return join(other.exportRows()).u8
  }
  const readTimers = (words: Words) => {
    const other = new ModuleTimers('test', ['ring', 'end'])
    importAll(words, (from, at) => other.importTimer(from, at))
    return join(other.exportTimers()).u8
  }
  for (const [whole, read] of [
    [join(tables.exportRows()), readRows],
    [join(timers.exportTimers()), readTimers],
  ] as const) {
    t.strictSame(read(whole), whole.u8)
    let faults = 0
    for (let bit = 0; bit < whole.u8.length * 8; bit++) {
      const turned = join([whole.u8])
      turned.u8[bit >>> 3] = (turned.u8[bit >>> 3] as number) ^ (1 << (bit & 7))
      try {
        // The order of tables in what is written is theirs, whatever it was in what was read.
        same(read(turned).toSorted(), turned.u8.toSorted(), `bit ${bit}`)
      } catch (error) {
        if (!(error instanceof EngineFault && error.kind === 'state')) throw error
        faults++
      }
    }
    t.ok(faults > whole.u8.length, `${faults} of ${whole.u8.length * 8} turned bits are faults`)
    for (let bytes = 8; bytes < whole.u8.length; bytes += 8) {
      const cut = join([whole.u8.subarray(0, bytes)])
      try {
        same(Buffer.compare(read(cut), cut.u8), 0, 'whole rows')
      } catch (error) {
        if (!(error instanceof EngineFault && error.kind === 'state')) throw error
      }
    }
    t.throws(() => read(join([whole.u8, whole.u8])), EngineFault, 'rows that come twice')
    const first = whole.u32[0] as number
    const swapped = join([whole.u8.subarray(first), whole.u8.subarray(0, first)])
    t.throws(() => read(swapped), /that is not where it belongs/)
  }
})

t.test('the oldest of many are taken out one by one, each found by a scan for one', async (t) => {
  const schema = { ...LEFT, rowsMax: 100_000 } as const
  const tables = new ModuleTables('test', [schema])
  const table = tables.table(schema)
  const rows = 60_000
  let steps = 0
  for (let n = 0; n < rows; n++) {
    tables.begin(n)
    table.insert(rowOf(`k${n}`))
    tables.commit()
  }
  // With a walk over what was taken out before, this would be two thousand million steps.
  for (let n = 0; n < rows; n++) {
    tables.begin(rows + n)
    const [oldest] = table.scan('byGroup', [null], 1)
    if (oldest?.key === `k${n}`) steps++
    table.remove(`k${n}`)
    tables.commit()
  }
  t.equal(steps, rows)
  t.equal(tables.rowCount, 0)
})
