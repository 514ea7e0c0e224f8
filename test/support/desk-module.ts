// A module for tests of the modules' host: cards with money on them and holds that time takes away. It uses
// all that a module may use, and is wrong on purpose where it is told to be.

import type { Context, Module, Reply, TableSchema } from '../../engine/index.ts'

/** Few enough to be all there. */
export const CARDS_MAX = 5

/** The cards. */
export const CARDS = {
  name: 'cards',
  fields: { id: 'text', uses: 'integer', note: 'text?', vip: 'flag' },
  key: 'id',
  rowsMax: CARDS_MAX,
  indexes: { byNote: ['note', 'vip'] },
} as const satisfies TableSchema

/** What is held on them. */
export const HOLDS = {
  name: 'holds',
  fields: { ref: 'text', card: 'text', amount: 'integer' },
  key: 'ref',
  rowsMax: 100,
  indexes: { byCard: ['card'] },
} as const satisfies TableSchema

const LEDGER = 7

/** How `mess` ends. */
export type MessEnd = 'refuse' | 'throw' | 'full' | 'swallow'

function open(ctx: Context, { id, note }: { id: string; note?: string }): Reply {
  const cards = ctx.table(CARDS)
  if (cards.get(id) !== undefined) return { code: 'card_exists' }
  const till = ctx.ledger.openAccount({ id: 'till', ledger: LEDGER, external: true })
  const card = ctx.ledger.openAccount({ id: `card/${id}`, ledger: LEDGER })
  if (till.code !== 'ok' || card.code !== 'ok') return { code: card.code }
  cards.insert({ id, uses: 0, note: note ?? null, vip: note === 'vip' })
  return { code: 'ok', cards: cards.count, likeIt: cards.countOf('byNote', [note ?? null, false]) }
}

function fund(ctx: Context, { id, amount }: { id: string; amount: number }): Reply {
  const cards = ctx.table(CARDS)
  const card = cards.get(id)
  if (card === undefined) return { code: 'no_card' }
  const { code } = ctx.ledger.transfer({ debit: 'till', credit: `card/${id}`, amount })
  if (code !== 'ok') return { code }
  cards.update(id, { uses: card.uses + 1 })
  return { code: 'ok', balance: ctx.ledger.account(`card/${id}`)?.balance ?? -1 }
}

function hold(
  ctx: Context,
  { ref, id, amount, forMs }: { ref: string; id: string; amount: number; forMs: number },
): Reply {
  const holds = ctx.table(HOLDS)
  if (ctx.table(CARDS).get(id) === undefined) return { code: 'no_card' }
  if (holds.get(ref) !== undefined) return { code: 'hold_exists' }
  const tries = ctx.sequence
  const { code } = ctx.ledger.reserve({
    id: `hold/${ref}/${tries}`,
    debit: `card/${id}`,
    credit: 'till',
    amount,
  })
  if (code !== 'ok') return { code }
  holds.insert({ ref, card: `${id}/${tries}`, amount })
  ctx.timers.set('drop', ref, ctx.now + forMs)
  ctx.emit('hold.made', { ref, amount })
  return { code: 'ok', held: ctx.ledger.account(`card/${id}`)?.held ?? -1 }
}

function take(ctx: Context, { ref, amount }: { ref: string; amount: number }): Reply {
  const holds = ctx.table(HOLDS)
  const row = holds.get(ref)
  if (row === undefined) return { code: 'no_hold' }
  const name = `hold/${ref}/${row.card.split('/')[1]}`
  const { code, moved } = ctx.ledger.settle(name, { amount })
  if (code !== 'ok') return { code }
  holds.remove(ref)
  ctx.timers.cancel('drop', ref)
  return { code: 'ok', moved }
}

function mess(ctx: Context, { id, end }: { id: string; end: MessEnd }): Reply {
  const cards = ctx.table(CARDS)
  fund(ctx, { id, amount: 5 })
  ctx.table(HOLDS).insert({ ref: 'mess', card: id, amount: 1 })
  ctx.timers.set('drop', 'mess', ctx.now + 1)
  ctx.emit('mess', { id })
  if (end === 'refuse') return { code: 'messy', id }
  if (end === 'throw') throw new Error('as it was told')
  for (let n = 0; end === 'full'; n++) cards.insert({ id: `x${n}`, uses: n, note: null, vip: true })
  ctx.ledger.openAccount({ id: '', ledger: LEDGER })
  return { code: 'ok' }
}

function trap(ctx: Context, { key, inMs }: { key: string; inMs: number }): Reply {
  ctx.timers.set('fail', key, ctx.now + inMs)
  return { code: 'ok' }
}

function drop(ctx: Context, ref: string): void {
  const holds = ctx.table(HOLDS)
  const row = holds.get(ref)
  if (row === undefined) throw new Error('a timer that was canceled')
  ctx.ledger.release(`hold/${ref}/${row.card.split('/')[1]}`)
  holds.remove(ref)
  ctx.emit('hold.dropped', { ref, at: ctx.now })
  if (ref.endsWith('again')) ctx.timers.set('fail', ref, ctx.now + 1)
}

function fail(ctx: Context, key: string): void {
  ctx.emit('never', { key })
  ctx.table(HOLDS).insert({ ref: `trap ${key}`, card: key, amount: 1 })
  throw new Error('as it was set')
}

function card(ctx: Context, { id }: { id: string }): Reply {
  const row = ctx.table(CARDS).get(id)
  if (row === undefined) return { code: 'no_card' }
  const account = ctx.ledger.account(`card/${id}`)
  return { code: 'ok', uses: row.uses, note: row.note, available: account?.available ?? -1 }
}

function cheat(ctx: Context): Reply {
  ctx.ledger.freeze('till')
  return { code: 'ok' }
}

/** See the head of this file. */
export const desk = {
  name: 'desk',
  version: 1,
  tables: [CARDS, HOLDS],
  commands: { open, fund, hold, take, mess, trap },
  queries: { card, cheat },
  timers: { drop, fail },
} satisfies Module

/** The fields of the commands' inputs, in their order. */
export const DESK_FIELDS: Readonly<Record<string, readonly string[]>> = {
  open: ['id', 'note'],
  fund: ['id', 'amount'],
  hold: ['ref', 'id', 'amount', 'forMs'],
  take: ['ref', 'amount'],
  mess: ['id', 'end'],
  trap: ['key', 'inMs'],
  card: ['id'],
  cheat: [],
}
