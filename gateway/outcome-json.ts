// The parts of an outcome as JSON text: accounts, reservations, audit. Built by hand, for
// they are written on every reply. Which parts a reply has is said in replies.ts.

import {
  ACCOUNT_FLAG,
  type AccountNames,
  accountsIn,
  auditDigest,
  formatTime,
  ledgerAt,
  OUTCOME,
  OUTCOME_ACCOUNT,
  OUTCOME_AUDIT,
  OUTCOME_LEDGER,
  type ReservationView,
  readF64,
  slotOf,
  turnoverOf,
  type Words,
} from '../protocol/index.ts'

/** Spelling of the account whose entry is at `entry`. */
export function accountName(words: Words, entry: number, names: AccountNames): string {
  return names.nameOf(slotOf(words, entry))
}

/** `"id":...` to `"creditLimit":...` of the account whose entry is at `entry`, without braces. */
export function balanceMembers(words: Words, entry: number, name: string): string {
  const ledger = words.u32[(entry + OUTCOME_ACCOUNT.ledger) >>> 2] as number
  const balance = readF64(words, entry + OUTCOME_ACCOUNT.balance)
  const held = readF64(words, entry + OUTCOME_ACCOUNT.held)
  const incoming = readF64(words, entry + OUTCOME_ACCOUNT.incoming)
  const limit = readF64(words, entry + OUTCOME_ACCOUNT.creditLimit)
  return (
    `"id":${JSON.stringify(name)},"ledger":${ledger},"balance":${balance}` +
    `,"held":${held},"incoming":${incoming},"available":${balance - held + limit}` +
    `,"creditLimit":${limit}`
  )
}

/** All members of an account as a resource, without braces. */
export function accountMembers(
  words: Words,
  entry: number,
  name: string,
  names: AccountNames,
): string {
  const flags = words.u32[(entry + OUTCOME_ACCOUNT.flags) >>> 2] as number
  const metadata = names.metadataOf(slotOf(words, entry))
  const has = (flag: number) => (flags & flag) !== 0
  const tail = metadata === undefined ? '' : `,"metadata":${metadata}`
  return (
    `${balanceMembers(words, entry, name)},"external":${has(ACCOUNT_FLAG.external)}` +
    `,"frozen":${has(ACCOUNT_FLAG.frozen)},"closed":${has(ACCOUNT_FLAG.closed)}` +
    `,"history":${has(ACCOUNT_FLAG.history)}${tail}`
  )
}

/** All members of a reservation as a resource, without braces. */
export function reservationMembers(
  view: ReservationView,
  id: string,
  debitAccount: string,
  creditAccount: string,
): string {
  const expiresAt = view.expiresAt === 0 ? 'null' : `"${formatTime(view.expiresAt)}"`
  return (
    `"id":${JSON.stringify(id)},"debitAccount":${JSON.stringify(debitAccount)}` +
    `,"creditAccount":${JSON.stringify(creditAccount)},"state":"${view.state}"` +
    `,"amount":${view.amount},"settled":${view.settled},"released":${view.released}` +
    `,"remaining":${view.remaining},"expiresAt":${expiresAt}`
  )
}

/** `"sequence":...,"time":...` of an outcome. */
export function whenMembers(words: Words, at: number): string {
  return (
    `"sequence":${readF64(words, at + OUTCOME.sequence)}` +
    `,"time":"${formatTime(readF64(words, at + OUTCOME.timeMs))}"`
  )
}

/** The audit's answer, whole. */
export function auditJson(words: Words, at: number): string {
  const base = at + OUTCOME.head
  const ledgers: string[] = []
  for (let i = 0; i < accountsIn(words, at); i++) ledgers.push(ledgerJson(words, ledgerAt(at, i)))
  return (
    `{${whenMembers(words, at)},"digest":"${auditDigest(words, at)}"` +
    `,"accounts":${readF64(words, base + OUTCOME_AUDIT.accounts)}` +
    `,"openReservations":${readF64(words, base + OUTCOME_AUDIT.openReservations)}` +
    `,"ledgers":[${ledgers.join(',')}]}`
  )
}

function ledgerJson(words: Words, at: number): string {
  return (
    `{"ledger":${words.u32[(at + OUTCOME_LEDGER.ledger) >>> 2]}` +
    `,"accounts":${readF64(words, at + OUTCOME_LEDGER.accounts)}` +
    `,"turnover":"${turnoverOf(words, at)}","held":${readF64(words, at + OUTCOME_LEDGER.held)}}`
  )
}
