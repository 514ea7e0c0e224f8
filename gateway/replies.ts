// From an outcome to a reply: which resource a command shows, and what a refusal says.

import {
  type AccountNames,
  accountAt,
  accountsIn,
  availableOf,
  type Capacities,
  type CommandFields,
  formatTime,
  isReplayed,
  KIND,
  limitInUse,
  NAME_OF_KIND,
  OUTCOME,
  OUTCOME_ACCOUNT,
  type ReservationView,
  readF64,
  reservationIn,
  STATUS,
  statusNumber,
  statusOf,
  type Words,
} from '../protocol/index.ts'
import {
  accountMembers,
  accountName,
  auditJson,
  balanceMembers,
  reservationMembers,
  whenMembers,
} from './outcome-json.ts'
import { jsonReply, problemReply, REPLAYED_HEADERS, type Reply } from './problem.ts'

/** One command of a request of its own, as its reply needs it. */
export interface CommandRequest {
  readonly kind: number
  readonly fields: CommandFields
  /** Status of a success. */
  readonly success: 200 | 201
  readonly dryRun: boolean
}

/** What replies draw on beside the outcome. */
export interface ReplyContext {
  readonly names: AccountNames
  readonly capacities: Capacities
}

/** The capacity that an operator would raise, by code. */
const FULL_TABLES: Readonly<Record<string, keyof Capacities>> = {
  overloaded: 'outcomesMax',
  accounts_full: 'accountsMax',
  ledgers_full: 'ledgersMax',
  reservations_full: 'reservationsMax',
  groups_full: 'groupsMax',
}

/** The reply to a single command. */
export function commandReply(
  words: Words,
  at: number,
  request: CommandRequest,
  { names, capacities }: ReplyContext,
): Reply {
  const number = statusNumber(words, at)
  const replayed = isReplayed(words, at)
  const headers = replayed ? REPLAYED_HEADERS : undefined
  const when = request.dryRun
    ? `"dryRun":true,"asOf":{${whenMembers(words, at)}}`
    : whenMembers(words, at)
  if (number !== STATUS.ok) {
    const members = `,${when}${refusalMembers(words, at, number)}`
    const full = FULL_TABLES[statusOf(number).code]
    const detail =
      full === undefined
        ? refusalDetail(words, at, number, request, names)
        : `${statusOf(number).title} ${full} is ${capacities[full]}.`
    return problemReply(statusOf(number), detail, members, headers)
  }
  const resource = resourceMembers(words, at, request, names)
  const moved = readF64(words, at + OUTCOME.moved)
  const accounts = replayed ? '' : `,"accounts":[${accountList(words, at, request, names)}]`
  const body = `{${resource},"code":"ok",${when},"moved":${moved}${accounts}}`
  return jsonReply(request.dryRun ? 200 : request.success, body, headers)
}

/** The reply to a query for an account, a reservation or the audit. */
export function queryReply(
  words: Words,
  at: number,
  kind: number,
  id: string,
  names: AccountNames,
): Reply {
  const number = statusNumber(words, at)
  const asOf = `"asOf":{${whenMembers(words, at)}}`
  if (number !== STATUS.ok) {
    const what = kind === KIND.queryReservation ? 'reservation' : 'account'
    return problemReply(statusOf(number), `There is no ${what} ${quote(id)}.`, `,${asOf}`)
  }
  if (kind === KIND.queryAudit) return jsonReply(200, auditJson(words, at))
  const entry = accountAt(words, at, 0)
  if (kind === KIND.queryAccount) {
    return jsonReply(200, `{${accountMembers(words, entry, id, names)},${asOf}}`)
  }
  return jsonReply(200, `{${storedReservation(words, at, id, names)},${asOf}}`)
}

/** One result of a batch. */
export function batchResult(words: Words, at: number): string {
  const number = statusNumber(words, at)
  const sequence = readF64(words, at + OUTCOME.sequence)
  const moved = readF64(words, at + OUTCOME.moved)
  const replayed = isReplayed(words, at) ? ',"replayed":true' : ''
  const numbers = number === STATUS.ok ? '' : refusalMembers(words, at, number)
  return (
    `{"code":"${statusOf(number).code}","sequence":${sequence}` +
    `,"moved":${moved}${replayed}${numbers}}`
  )
}

/** What a command shows of the resource it changed, without braces. */
function resourceMembers(
  words: Words,
  at: number,
  request: CommandRequest,
  names: AccountNames,
): string {
  const { kind, fields } = request
  if (kind === KIND.transfer) {
    return (
      `"id":${JSON.stringify(fields.id)}` +
      `,"debitAccount":${JSON.stringify(fields.debitAccount)}` +
      `,"creditAccount":${JSON.stringify(fields.creditAccount)}` +
      `,"amount":${fields.amount}`
    )
  }
  const id = fields.account ?? fields.reservation ?? (isGroup(kind) ? fields.group : undefined)
  const shown = id ?? fields.id
  if (accountsIn(words, at) === 0 || isGroup(kind)) return `"id":${JSON.stringify(shown)}`
  if (kind >= KIND.reserve && kind <= KIND.extend) {
    if (kind !== KIND.reserve) return storedReservation(words, at, shown, names)
    const view = reservationIn(words, at) ?? wouldBe(words, at, request)
    if (view === undefined) return `"id":${JSON.stringify(shown)}`
    const { debitAccount, creditAccount } = fields
    return reservationMembers(view, shown, debitAccount as string, creditAccount as string)
  }
  return accountMembers(words, accountAt(words, at, 0), shown, names)
}

/**
 * The reservation that a dry run of a reserve speaks of: none was made, so the outcome has none.
 */
function wouldBe(
  words: Words,
  at: number,
  { dryRun, fields }: CommandRequest,
): ReservationView | undefined {
  if (!dryRun) return undefined
  const amount = readF64(words, at + OUTCOME.moved)
  const { timeoutMs } = fields
  const nowMs = readF64(words, at + OUTCOME.timeMs)
  const expiresAt = timeoutMs === undefined || timeoutMs === 0 ? 0 : nowMs + timeoutMs
  return { state: 'held', amount, settled: 0, released: 0, remaining: amount, expiresAt }
}

function isGroup(kind: number): boolean {
  return kind === KIND.settleGroup || kind === KIND.releaseGroup
}

/** A reservation whose accounts only the engine knows. */
function storedReservation(words: Words, at: number, id: string, names: AccountNames): string {
  const view = reservationIn(words, at)
  if (view === undefined || accountsIn(words, at) < 2) return `"id":${JSON.stringify(id)}`
  const debit = accountName(words, accountAt(words, at, 0), names)
  const credit = accountName(words, accountAt(words, at, 1), names)
  return reservationMembers(view, id, debit, credit)
}

/** The accounts that a command touched, as its caller spelled them where it named them. */
function accountList(
  words: Words,
  at: number,
  request: CommandRequest,
  names: AccountNames,
): string {
  const { kind, fields } = request
  const count = accountsIn(words, at)
  let list = ''
  for (let i = 0; i < count; i++) {
    const entry = accountAt(words, at, i)
    let name: string | undefined
    if (i === 0) name = fields.debitAccount ?? fields.account
    else if (i === 1) name = fields.creditAccount
    if (kind === KIND.openAccount) name = fields.id
    const json = balanceMembers(words, entry, name ?? accountName(words, entry, names))
    list += i === 0 ? `{${json}}` : `,{${json}}`
  }
  return list
}

/** The numbers that matter for a refusal, each behind a comma. */
function refusalMembers(words: Words, at: number, number: number): string {
  const count = accountsIn(words, at)
  const entry = accountAt(words, at, 0)
  if (number === STATUS.insufficient_funds && count > 0) {
    return `,"available":${availableOf(words, entry)}`
  }
  if (number === STATUS.limit_in_use && count > 0) {
    return `,"minimum":${limitInUse(words, entry)}`
  }
  const view = reservationIn(words, at)
  if (view === undefined) return ''
  if (number === STATUS.exceeds_reservation) return `,"remaining":${view.remaining}`
  return `,"state":"${view.state}"`
}

/** A sentence with the numbers, where the outcome has them; else the status's title. */
function refusalDetail(
  words: Words,
  at: number,
  number: number,
  request: CommandRequest,
  names: AccountNames,
): string {
  const { fields } = request
  const view = reservationIn(words, at)
  if (view !== undefined) {
    const id = quote(fields.reservation ?? fields.id)
    if (number === STATUS.exceeds_reservation) {
      return `Reservation ${id} has ${view.remaining} left; ${fields.amount} was asked for.`
    }
    const when = view.state === 'expired' ? ` It expired at ${formatTime(view.expiresAt)}.` : ''
    return (
      `Reservation ${id} is ${view.state}: ${view.settled} settled, ${view.released} ` +
      `given back.${when}`
    )
  }
  if (accountsIn(words, at) > 0) {
    const detail = accountDetail(words, accountAt(words, at, 0), number, request, names)
    if (detail !== undefined) return detail
  }
  return unnumbered(number, request)
}

function accountDetail(
  words: Words,
  entry: number,
  number: number,
  request: CommandRequest,
  names: AccountNames,
): string | undefined {
  const { fields } = request
  const name = quote(fields.debitAccount ?? fields.account ?? accountName(words, entry, names))
  switch (number) {
    case STATUS.insufficient_funds: {
      const available = availableOf(words, entry)
      return (
        `Account ${name} has ${available} ` +
        `available${fields.amount === undefined ? '' : `; ${fields.amount} was asked for`}.`
      )
    }
    case STATUS.limit_in_use:
      return (
        `Account ${name} uses ${limitInUse(words, entry)} of its limit; ` +
        `${fields.value} was asked for.`
      )
    case STATUS.account_in_use:
      return (
        `Account ${name} has balance ` +
        `${readF64(words, entry + OUTCOME_ACCOUNT.balance)}, held ` +
        `${readF64(words, entry + OUTCOME_ACCOUNT.held)} and incoming ` +
        `${readF64(words, entry + OUTCOME_ACCOUNT.incoming)}: all must be 0.`
      )
    case STATUS.account_frozen:
      return `Account ${name} is frozen: nothing may be debited.`
    default:
      return undefined
  }
}

/** What can be said of a refusal that carries no numbers. */
function unnumbered(number: number, { kind, fields }: CommandRequest): string {
  const title = statusOf(number).title
  switch (number) {
    case STATUS.account_not_found:
      return `There is no account ${quote(fields.account ?? fields.id)}.`
    case STATUS.debit_account_not_found:
      return `There is no account ${quote(fields.debitAccount ?? '')}.`
    case STATUS.credit_account_not_found:
      return `There is no account ${quote(fields.creditAccount ?? '')}.`
    case STATUS.reservation_not_found:
      return `There is no reservation ${quote(fields.reservation ?? '')}.`
    case STATUS.group_not_found:
      return `No open reservation has the group ${quote(fields.group ?? '')}.`
    default:
      return number >= STATUS.exists_with_different_type && number < STATUS.accounts_must_differ
        ? `${title} The request was ${NAME_OF_KIND[kind]} ${quote(fields.id)}.`
        : title
  }
}

function quote(text: string): string {
  return JSON.stringify(text)
}
