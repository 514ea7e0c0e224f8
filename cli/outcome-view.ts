// An engine's answer to a query about one account or reservation, as the resource that HTTP shows.

import { accountMembers, accountName, reservationMembers } from '../gateway/index.ts'
import { type AccountNames, accountAt, reservationIn, type Words } from '../protocol/index.ts'

/** A resource's fields in the order in which they are shown. */
export type Resource = Readonly<Record<string, unknown>>

/** The account that the outcome at 0 is about. */
export function accountOf(words: Words, names: AccountNames): Resource {
  const entry = accountAt(words, 0, 0)
  return JSON.parse(`{${accountMembers(words, entry, accountName(words, entry, names), names)}}`)
}

/** The reservation that the outcome at 0 is about, under the id as it was asked for. */
export function reservationOf(words: Words, names: AccountNames, id: string): Resource {
  const view = reservationIn(words, 0)
  if (view === undefined) throw new Error('the answer about a reservation has none')
  const debit = accountName(words, accountAt(words, 0, 0), names)
  const credit = accountName(words, accountAt(words, 0, 1), names)
  return JSON.parse(`{${reservationMembers(view, id, debit, credit)}}`)
}
