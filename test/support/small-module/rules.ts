// A module that is as small as one can be and still has everything: a table, an account of its own, an
// event, a timer, refusals, and a handler that throws. For tests of what stands around modules.

import type { Context, Module, ReadContext, Reply } from '../../../engine/index.ts'

const JARS = {
  name: 'jars',
  fields: { id: 'text', coins: 'integer', size: 'integer', label: 'text?', openedAt: 'integer' },
  key: 'id',
  rowsMax: 8,
} as const

/** A count that makes the handler throw. */
export const THROWS_AT = 13

function open(context: Context, input: { jar: string; size?: number }): Reply {
  const jars = context.table(JARS)
  if (jars.get(input.jar) !== undefined) return { code: 'jar_exists' }
  const size = input.size ?? 100
  context.ledger.openAccount({ id: `jar/${input.jar}`, ledger: 7, external: true })
  jars.insert({ id: input.jar, coins: 0, size, label: null, openedAt: context.now })
  return { code: 'ok', id: input.jar, coins: 0, size }
}

function add(context: Context, input: { jar: string; kind: string; count: number }): Reply {
  const jars = context.table(JARS)
  const jar = jars.get(input.jar)
  if (jar === undefined) return { code: 'jar_not_found' }
  if (input.count === THROWS_AT) throw new Error('unlucky')
  const room = jar.size - jar.coins
  if (input.count > room) return { code: 'jar_full', room }
  const { coins } = jars.update(jar.id, { coins: jar.coins + input.count })
  if (coins === jar.size) context.emit('jar.full', { jar: jar.id, coins })
  context.emit('jar.coins', { jar: jar.id, kind: input.kind, coins })
  return { code: 'ok', id: jar.id, kind: input.kind, coins, room: jar.size - coins }
}

function wouldAdd(context: ReadContext, input: { jar: string; count: number }): Reply {
  const jar = context.table(JARS).get(input.jar)
  if (jar === undefined) return { code: 'jar_not_found' }
  const room = jar.size - jar.coins
  if (input.count > room) return { code: 'jar_full', room }
  return { code: 'ok', id: jar.id, coins: jar.coins + input.count }
}

function label(context: Context, input: { jar: string; label: string }): Reply {
  const jars = context.table(JARS)
  if (jars.get(input.jar) === undefined) return { code: 'jar_not_found' }
  jars.update(input.jar, { label: input.label })
  return { code: 'ok', id: input.jar, label: input.label }
}

function empty(context: Context, input: { jar: string }): Reply {
  const jars = context.table(JARS)
  const jar = jars.get(input.jar)
  if (jar === undefined) return { code: 'jar_not_found' }
  if (jar.coins === 0) return { code: 'jar_busy' }
  jars.update(jar.id, { coins: 0 })
  return { code: 'ok', id: jar.id, taken: jar.coins }
}

function jar(context: ReadContext, input: { jar: string }): Reply {
  const row = context.table(JARS).get(input.jar)
  if (row === undefined) return { code: 'jar_not_found' }
  return { code: 'ok', id: row.id, coins: row.coins, size: row.size, label: row.label }
}

/** See the head of this file. */
export const rules = {
  name: 'jars',
  version: 1,
  tables: [JARS],
  commands: { open, add, label, empty },
  queries: { jar, would_add: wouldAdd },
  timers: {},
} satisfies Module
