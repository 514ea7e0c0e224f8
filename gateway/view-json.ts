// Pages of views as JSON or CSV text. What is read, and when, is in view-carry.ts.

import {
  formatTime,
  type ModuleList,
  type ViewChange,
  type ViewPage,
  type ViewReservation,
  type ViewRow,
  type ViewValue,
} from '../protocol/index.ts'
import { CSV_TYPE, toCsv } from './csv.ts'
import { jsonReply, type Reply } from './problem.ts'

/** `"asOf":{...}` of a page. */
export function asOfMember({ sequence, timeMs }: { sequence: number; timeMs: number }): string {
  return `"asOf":{"sequence":${sequence},"time":"${formatTime(timeMs)}"}`
}

/** A page whose items are JSON texts. */
export function pageReply<Item>(page: ViewPage<Item>, json: (item: Item) => string): Reply {
  const items = page.items.map(json).join(',')
  const next = JSON.stringify(page.next)
  return jsonReply(200, `{"items":[${items}],"next":${next},${asOfMember(page)}}`)
}

/** A page of a module's list as JSON. */
export function listReply(page: ViewPage<ViewRow>, list: ModuleList): Reply {
  const columns = Object.entries(list.columns)
  return pageReply(page, (row) => {
    const members = columns.map(([field, name]) => {
      const value = shown(list, field, name, row[field] ?? null)
      return `${JSON.stringify(name)}:${JSON.stringify(value)}`
    })
    return `{${members.join(',')}}`
  })
}

/**
 * A page of a module's list as CSV. `nextPath`: the target of the next page, which a header names, for
 * the text has no place for it.
 */
export function csvReply(
  page: ViewPage<ViewRow>,
  list: ModuleList,
  nextPath: string | undefined,
): Reply {
  const columns = Object.entries(list.columns)
  const names = columns.map(([, name]) => name)
  const rows = page.items.map((row) =>
    columns.map(([field, name]) => shown(list, field, name, row[field] ?? null)),
  )
  const link = nextPath === undefined ? [] : ['Link', `<${nextPath}>; rel="next"`]
  const headers = ['Holdfast-Sequence', String(page.sequence), ...link]
  return { status: 200, contentType: CSV_TYPE, body: toCsv(names, rows), headers }
}

function shown({ times }: ModuleList, field: string, name: string, value: ViewValue): ViewValue {
  const isTime = times.includes(field) || times.includes(name)
  return isTime && typeof value === 'number' ? formatTime(value) : value
}

/** A reservation of a page. */
export function reservationItem(one: ViewReservation): string {
  const { id, debitAccount, creditAccount, state, amount, settled, released } = one
  const remaining = state === 'held' ? amount - settled - released : 0
  return JSON.stringify({
    id,
    debitAccount,
    creditAccount,
    state,
    amount,
    settled,
    released,
    remaining,
    createdAt: formatTime(one.createdAt),
    expiresAt: one.expiresAt === null ? null : formatTime(one.expiresAt),
    endedAt: one.endedAt === null ? null : formatTime(one.endedAt),
  })
}

/** A change of an account's history. */
export function changeItem({
  sequence,
  timeMs,
  command,
  balance,
  held,
  incoming,
}: ViewChange): string {
  return JSON.stringify({ sequence, time: formatTime(timeMs), command, balance, held, incoming })
}
