// Random calls of a module's tables and timers, and the pair of the real ones and the model that takes
// them. What must be the same is compared after every call.

import fc from 'fast-check'
import type { Test } from 'tap'
import type { Table, TableSchema, Value } from '../../engine/module.ts'
import { ModuleMisuse } from '../../engine/module-errors.ts'
import { ModuleTables } from '../../engine/module-tables.ts'
import { ModuleTimers } from '../../engine/module-timers.ts'
import { allocateWords, type Words } from '../../protocol/index.ts'
import { ModelTables } from './model-tables.ts'

const fields = {
  key: 'text',
  group: 'text?',
  place: 'text',
  count: 'integer?',
  size: 'integer',
  isOpen: 'flag',
  isLate: 'flag?',
} as const
export const LEFT = {
  name: 'left',
  fields,
  key: 'key',
  rowsMax: 12,
  indexes: {
    byGroup: ['group'],
    byCount: ['count'],
    byLate: ['isLate'],
    byAll: ['place', 'group', 'count', 'isLate'],
    byTwo: ['group', 'place'],
  },
} as const satisfies TableSchema
export const RIGHT = {
  name: 'right',
  fields,
  key: 'key',
  rowsMax: 8,
} as const satisfies TableSchema
export const KINDS = ['ring', 'end']

type Values = Readonly<Record<string, Value>>
type AnyTable = Table<typeof LEFT>

/** Empty ones, of a module called `test`. */
export function tablesAndTimers() {
  const tables = new ModuleTables('test', [LEFT, RIGHT])
  const timers = new ModuleTimers('test', KINDS)
  return { tables, timers, left: tables.table(LEFT), right: tables.table(RIGHT) }
}

/** Chunks as one stretch of memory. */
export function join(chunks: Iterable<Uint8Array>): Words {
  const bytes = Buffer.concat(Array.from(chunks, (chunk) => Buffer.from(chunk)))
  const words = allocateWords(bytes.length)
  words.u8.set(bytes)
  return words
}

/** Reads rows or timers until there are no more bytes. */
export function importAll(words: Words, read: (words: Words, at: number) => number): void {
  for (let at = 0; at < words.u8.length; ) at += read(words, at)
}

/** Texts out of what joined values are made of. */
const tricky = fc.constantFrom(
  '',
  '1',
  '1:',
  '2:1',
  '~',
  ';',
  '+-',
  'a',
  '\u00e9\u{1f600}',
  '\ufeff',
)
const key = fc.constantFrom('k1', 'k2', 'k3', 'k4', 'k5', 'k6')
const count = fc.option(fc.constantFrom(0, -0, 1, 11, -1, Number.MAX_SAFE_INTEGER), { nil: null })
const valuesOf = {
  group: fc.option(tricky, { nil: null }),
  place: tricky,
  count,
  size: fc.constantFrom(0, 7, Number.MIN_SAFE_INTEGER),
  isOpen: fc.boolean(),
  isLate: fc.option(fc.boolean(), { nil: null }),
}
const table = fc.constantFrom('left', 'right')
const kind = fc.constantFrom(...KINDS)
/** A call, at random; among them wrong ones. */
export const call = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constant('insert' as const),
      table,
      values: fc.record({ key, ...valuesOf }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('update' as const),
      table,
      key,
      values: fc.record(valuesOf, { requiredKeys: [] }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('remove' as const), table, key }) },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constant('set' as const),
      kind,
      key,
      afterMs: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('cancel' as const), kind, key }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('begin' as const), by: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('commit' as const) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('rollback' as const) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('fire' as const) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('restore' as const) }) },
)
export type Call = typeof call extends fc.Arbitrary<infer C> ? C : never

/** The tables, the timers and the model, which take the same calls. */
export class Both {
  #real = tablesAndTimers()
  readonly #model = new ModelTables()
  #sequence = 1
  #begun = 0
  #before: Uint8Array = new Uint8Array(0)

  take(step: Call): void {
    const { tables, timers } = this.#real
    if (step.what === 'begin') return this.#begin(step.by)
    if (step.what === 'restore') return this.#restore()
    if (step.what === 'fire') return this.#fire()
    if (step.what === 'commit' || step.what === 'rollback') {
      const isRollback = step.what === 'rollback'
      tables[step.what]()
      timers[step.what]()
      if (isRollback && this.#model.isOn)
        same(this.#bytes(), this.#before, 'bytes after a rollback')
      return this.#model.end(!isRollback)
    }
    // Half of what begins by itself goes on with the sequence before, as timers of one frame do.
    if (!this.#model.isOn) this.#begin((this.#begun++ >> 1) & 1)
    if (step.what === 'set') {
      timers.set(step.kind, step.key, this.#sequence + step.afterMs)
      return this.#model.set(step.kind, step.key, this.#sequence + step.afterMs)
    }
    if (step.what === 'cancel') {
      timers.cancel(step.kind, step.key)
      return this.#model.cancel(step.kind, step.key)
    }
    this.#change(step)
  }

  #change(step: Call & { what: 'insert' | 'update' | 'remove' }): void {
    const real = (step.table === 'left' ? this.#real.left : this.#real.right) as AnyTable
    const name = step.what === 'insert' ? step.values.key : step.key
    const isThere = this.#model.find(step.table, name) !== undefined
    if (isThere === (step.what === 'insert')) {
      const act = () =>
        step.what === 'insert'
          ? real.insert(step.values)
          : step.what === 'update'
            ? real.update(name, step.values)
            : real.remove(name)
      return throws(act, ModuleMisuse)
    }
    if (step.what === 'insert') {
      same(real.insert(step.values), plain(step.values), 'what insert gives')
      this.#model.insert(step.table, plain(step.values))
    } else if (step.what === 'update') {
      const before = real.get(name)
      const after = real.update(name, step.values)
      this.#model.update(step.table, name, plain(step.values))
      same(after, this.#model.find(step.table, name)?.values, 'what update gives')
      const differs = JSON.stringify(before) !== JSON.stringify(after)
      if ((before !== after) !== differs) throw new Error('a row changes with its values alone')
    } else {
      real.remove(name)
      this.#model.remove(step.table, name)
    }
  }

  #begin(by: number): void {
    if (!this.#model.isOn) this.#before = this.#bytes()
    this.#sequence += by
    this.#real.tables.begin(this.#sequence)
    this.#real.timers.begin(this.#sequence, this.#sequence)
    this.#model.begin(this.#sequence)
  }

  /** Only between commands, and what comes then has another sequence, as a frame's has. */
  #restore(): void {
    if (this.#model.isOn) return
    const old = this.#real
    const rows = join(old.tables.exportRows())
    const set = join(old.timers.exportTimers())
    same(rows.u8.length, old.tables.exportBytes(), 'exportBytes of the tables')
    same(set.u8.length, old.timers.exportBytes(), 'exportBytes of the timers')
    this.#real = tablesAndTimers()
    importAll(rows, (words, at) => this.#real.tables.importRow(words, at))
    importAll(set, (words, at) => this.#real.timers.importTimer(words, at))
    same(this.#bytes(), Buffer.concat([rows.u8, set.u8]), 'bytes after a restore')
    this.#sequence++
  }

  #fire(): void {
    if (this.#model.isOn) return
    const [due] = this.#model.firing()
    same(this.#real.timers.takeDue((due?.dueMs ?? 9) - 1), undefined, 'due too early')
    const timer = this.#real.timers.takeDue(due?.dueMs ?? 9)
    same(timer && [timer.kind, timer.key], due && [due.kind, due.key], 'what fires')
    if (due !== undefined) this.#model.cancel(due.kind, due.key)
  }

  #bytes(): Uint8Array {
    const { tables, timers } = this.#real
    return Buffer.concat([join(tables.exportRows()).u8, join(timers.exportTimers()).u8])
  }

  check(): void {
    const { tables, timers, left, right } = this.#real
    same(tables.rowCount, this.#model.rows.length, 'rowCount')
    same(left.count + right.count, tables.rowCount, 'count')
    for (const row of this.#model.rows) {
      const real = (row.table === 'left' ? left : right) as AnyTable
      same(real.get(row.key), row.values, 'get')
      if (row.table === 'left') this.#checkScans(row.values)
    }
    this.#checkScans({ key: '', group: null, place: 'nowhere', count: 99, isLate: null })
    const changes = tables
      .changes()
      .map(({ table, key, sequence, index, row }) =>
        row === undefined ? { table, key } : { table, key, sequence, index, values: row },
      )
    same(changes, this.#model.changes(), 'changes')
    const firing = this.#model.firing()
    same(timers.count, firing.length, 'timers')
    same(timers.nextDueMs, firing[0]?.dueMs ?? Number.POSITIVE_INFINITY, 'nextDueMs')
    same(timers.next?.key, firing[0]?.key, 'next')
  }

  #checkScans(values: Values): void {
    for (const [name, names] of Object.entries(LEFT.indexes)) {
      const index = name as keyof typeof LEFT.indexes
      const wanted = names.map((field) => values[field] ?? null)
      const found = this.#model.scan(
        'left',
        Object.fromEntries(names.map((field, n) => [field, wanted[n] as Value])),
      )
      same(this.#real.left.scan(index, wanted), found, `scan ${name}`)
      same(this.#real.left.scan(index, wanted, 1), found.slice(0, 1), `scan ${name} of one`)
      same(this.#real.left.countOf(index, wanted), found.length, `countOf ${name}`)
    }
  }
}

/** -0 is stored as 0. */
function plain(values: Partial<Values>): Values {
  return Object.fromEntries(Object.entries(values).map(([n, v]) => [n, v === 0 ? 0 : v])) as Values
}

/** Throws where two values are not the same; -0 and 0 are not. */
export function same(real: unknown, expected: unknown, what: string): void {
  const [a, b] = [fc.stringify(real), fc.stringify(expected)]
  if (a !== b) throw new Error(`${what}: ${a}, and not ${b}`)
}

function throws(act: () => unknown, type: new (message: string) => Error): void {
  try {
    act()
  } catch (error) {
    if (error instanceof type) return
    throw error
  }
  throw new Error(`did not throw ${type.name}`)
}

/** Fails with what fast-check says, and the seed, where a property does not hold. */
export function holds(t: Test, property: fc.IRawProperty<unknown>, numRuns: number): void {
  const seed = process.env.HOLDFAST_SEED
  const result = fc.check(property as fc.IProperty<unknown>, {
    numRuns,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  })
  t.comment(`seed ${result.seed}, ${result.numRuns} runs`)
  if (result.failed) {
    t.comment(fc.defaultReportMessage(result))
    throw result.errorInstance
  }
  t.pass('holds')
}
