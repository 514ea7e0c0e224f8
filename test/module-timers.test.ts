// Modules' timers alone: many of them against a sorted list, and what a wrong use says.

import fc from 'fast-check'
import t from 'tap'
import { EngineFault } from '../engine/fault.ts'
import { ModuleTimers } from '../engine/module-timers.ts'
import { TIME_MS_MAX } from '../protocol/index.ts'
import { ModelTables } from './support/model-tables.ts'
import { holds, importAll, join, same, tablesAndTimers } from './support/table-calls.ts'

t.test('hundreds of timers fire in order whatever was moved, canceled and undone', async (t) => {
  const step = fc.record({
    what: fc.constantFrom('set', 'set', 'set', 'cancel', 'fire'),
    from: fc.nat(299),
    count: fc.integer({ min: 1, max: 200 }),
    stands: fc.boolean(),
  })
  const property = fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    let timers = new ModuleTimers('test', ['ring', 'end'])
    const model = new ModelTables()
    for (const [n, { what, from, count, stands }] of steps.entries()) {
      if (what === 'fire') {
        for (const { kind, key, dueMs } of model.firing().slice(0, count)) {
          same(timers.takeDue(dueMs - 1), undefined, 'due too early')
          same(timers.takeDue(dueMs)?.key, key, 'what fires')
          model.cancel(kind, key)
        }
        continue
      }
      timers.begin(n, n)
      model.begin(n)
      for (let i = 0; i < count; i++) {
        const [kind, key] = [i % 3 === 0 ? 'ring' : 'end', String((from + i * 7) % 300)]
        const dueMs = 100 + ((i * 37 + from) % 64)
        timers[what as 'set'](kind, key, dueMs)
        model[what as 'set'](kind, key, dueMs)
      }
      if (stands) timers.commit()
      else timers.rollback()
      model.end(stands)
      const bytes = join(timers.exportTimers())
      timers = new ModuleTimers('test', ['ring', 'end'])
      importAll(bytes, (words, at) => timers.importTimer(words, at))
      same(join(timers.exportTimers()).u8, bytes.u8, 'bytes after a restore')
    }
    const fired = Array.from({ length: timers.count }, () => timers.takeDue(1_000))
    same(fired, model.firing(), 'all that fire')
  })
  holds(t, property as fc.IRawProperty<unknown>, 200)
})

t.test('a wrong use of timers says what to do, and changes nothing', async (t) => {
  const { timers } = tablesAndTimers()
  t.throws(() => timers.set('end', 'a', 9), /^test.timers.set: a query changes nothing/)
  t.throws(() => timers.cancel('end', 'a'), /cancel: a query changes nothing/)
  timers.begin(1, 1_000)
  timers.set('end', 'a', 1_001)
  t.throws(() => timers.takeDue(2_000), EngineFault)
  for (const atMs of [
    1_000,
    0,
    -1,
    1_000.5,
    Number.NaN,
    TIME_MS_MAX + 1,
    '1' as unknown as number,
  ]) {
    t.throws(
      () => timers.set('end', 'a', atMs),
      /give a time in ms later than now, 1000, and at most/,
    )
  }
  t.throws(() => timers.set('none', 'a', 2_000), /no handler "none" .*: ring, end$/)
  t.throws(() => timers.set('end', 7 as unknown as string, 2_000), /takes a key, a text, not 7/)
  t.throws(() => timers.set('end', '\udc00', 2_000), /the key of a timer has a half of a surrogate/)
  t.throws(() => timers.cancel('end', 'x'.repeat(257)), /the key of a timer is of 256 bytes/)
  timers.commit()
  t.strictSame([timers.count, timers.nextDueMs], [1, 1_001])
  t.equal(timers.takeDue(1_000), undefined)
  t.match(timers.takeDue(1_001), { kind: 'end', key: 'a', dueMs: 1_001, sequence: 1, index: 0 })
  t.strictSame([timers.count, timers.nextDueMs], [0, Number.POSITIVE_INFINITY])
})
