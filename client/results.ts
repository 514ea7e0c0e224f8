// From an outcome to a result: the same members that the gateway's replies have (docs/http.md), as
// values. What a call is and how its outcome came is elsewhere.

import {
  ACCOUNT_FLAG,
  type AnyId,
  accountAt,
  accountsIn,
  auditDigest,
  availableOf,
  type CommandFields,
  formatTime,
  isReplayed,
  KIND,
  ledgerAt,
  limitInUse,
  type Metadata,
  OUTCOME,
  OUTCOME_ACCOUNT,
  OUTCOME_AUDIT,
  OUTCOME_LEDGER,
  type ReservationView,
  readF64,
  readReply,
  replyFields,
  reservationIn,
  STATUS,
  type StatusCode,
  slotOf,
  statusNumber,
  statusOf,
  turnoverOf,
  type Words,
} from '../protocol/index.ts'
import type { NameOf } from './call.ts'
import { type AccountName, CarrierFault } from './carrier.ts'
import type {
  AccountFields,
  AsOf,
  AuditResult,
  Balances,
  LedgerFields,
  Missing,
  Refused,
  ReservationFields,
  ReservationState,
  SubmitResult,
} from './holdfast.ts'

/** A command of its own, as its result needs it. */
export interface Asked {
  readonly kind: number
  readonly fields: CommandFields<AnyId>
  readonly dryRun: boolean
}

type Members = Record<string, unknown>
type ModuleMembers = Members & { code: string }
type RefusalCode = Exclude<StatusCode, 'ok'>

/** Throws where the bytes from `at` to `end` do not begin with a whole outcome of a known status. */
export function checkOutcome(words: Words, at: number, end: number): void {
  const whole = at + OUTCOME.head <= end
  const bytes = whole ? (words.u32[(at + OUTCOME.bytes) >>> 2] as number) : 0
  if (bytes < OUTCOME.head || (bytes & 7) !== 0 || at + bytes > end) {
    throw new CarrierFault(`an outcome of ${bytes} bytes, where ${end - at} are`)
  }
  const count = accountsIn(words, at)
  const isAudit = words.u8[at + OUTCOME.kind] === KIND.queryAudit
  const last = isAudit ? ledgerAt(at, count) : accountAt(words, at, count)
  if (last > at + bytes && (count > 0 || !isAudit)) {
    throw new CarrierFault(`an outcome of ${bytes} bytes with ${count} entries`)
  }
}

/** One result of `submit`. */
export function submitResult(words: Words, at: number, commandId: AnyId): SubmitResult {
  const number = statusNumber(words, at)
  const sequence = readF64(words, at + OUTCOME.sequence)
  const moved = readF64(words, at + OUTCOME.moved)
  const replayed = isReplayed(words, at)
  if (number === STATUS.ok) {
    const time = formatTime(readF64(words, at + OUTCOME.timeMs))
    return { code: 'ok', commandId, sequence, time, moved, replayed }
  }
  const { code } = statusOf(number)
  const when = sequence === 0 ? undefined : asOf(words, at)
  return { code, commandId, ...when, moved, replayed, ...refusalNumbers(words, at, number) }
}

/** Slots whose names or metadata the result of a command shows beyond what its caller gave. */
export function slotsOfCommand(words: Words, at: number, { kind }: Asked): readonly number[] {
  const isGiven = kind === KIND.openAccount || kind === KIND.transfer || kind === KIND.reserve
  return isGiven ? [] : slotsIn(words, at)
}

/** The result of a command of its own. */
export function commandResult(words: Words, at: number, asked: Asked, nameOf: NameOf): Members {
  const number = statusNumber(words, at)
  const { fields, dryRun } = asked
  const commandId = String(fields.id)
  const replayed = isReplayed(words, at)
  const isJournaled = readF64(words, at + OUTCOME.sequence) !== 0
  const when = dryRun
    ? { dryRun: true as const, asOf: asOf(words, at) }
    : isJournaled
      ? asOf(words, at)
      : undefined
  if (number !== STATUS.ok) {
    const { code, title, retryable } = statusOf(number)
    const numbers = refusalNumbers(words, at, number)
    const refused = { code: code as RefusalCode, commandId, title, retryable, replayed }
    return { ...refused, ...when, ...numbers } satisfies Refused
  }
  const moved = readF64(words, at + OUTCOME.moved)
  const decided = { code: 'ok', commandId, ...when, moved, replayed }
  const resource = resourceOf(words, at, asked, nameOf)
  if (replayed) return { ...resource, ...decided }
  return { ...resource, ...decided, accounts: balancesOf(words, at, asked, nameOf) }
}

/** The result of a module's command. `differenceCode`: as in `ModuleCodec`, of what was asked. */
export function moduleResult(
  words: Words,
  at: number,
  commandId: string,
  differenceCode: (field: number) => string,
): ModuleMembers {
  const result = moduleVerdict(words, at, differenceCode)
  result.commandId = commandId
  addAsOf(result, words, at)
  result.replayed = isReplayed(words, at)
  return result
}

/** The answer to a module's query. */
export function moduleAnswer(words: Words, at: number): ModuleMembers {
  const answer = moduleVerdict(words, at, () => 'malformed')
  if (readF64(words, at + OUTCOME.sequence) !== 0) answer.asOf = asOf(words, at)
  return answer
}

/** An object of its own: what the reply has, then the code, which the reply has where there is one. */
function moduleVerdict(
  words: Words,
  at: number,
  differenceCode: (field: number) => string,
): ModuleMembers {
  const reply = readReply(words, at)
  const verdict = (reply === undefined ? {} : replyFields(reply)) as ModuleMembers
  verdict.code = reply === undefined ? codeWithoutReply(words, at, differenceCode) : reply.code
  return verdict
}

function codeWithoutReply(
  words: Words,
  at: number,
  differenceCode: (field: number) => string,
): string {
  const number = statusNumber(words, at)
  if (number !== STATUS.exists_with_different_input) return statusOf(number).code
  return differenceCode(readF64(words, at + OUTCOME.moved))
}

/** The answer about an account or a reservation. */
export function lookedUp(
  words: Words,
  at: number,
  kind: number,
  id: string,
  nameOf: NameOf,
): Members {
  const missing = missingOf(words, at)
  if (missing !== undefined) return { ...missing }
  const found =
    kind === KIND.queryAccount
      ? foundAccount(words, at, id, nameOf)
      : storedReservation(words, at, id, nameOf)
  return { code: 'ok', ...found, asOf: asOf(words, at) }
}

/** Slots of all accounts in a success. */
export function slotsIn(words: Words, at: number): readonly number[] {
  if (statusNumber(words, at) !== STATUS.ok) return []
  const slots: number[] = []
  for (let i = 0; i < accountsIn(words, at); i++) slots.push(slotOf(words, accountAt(words, at, i)))
  return slots
}

/** The audit. */
export function auditResult(words: Words, at: number): AuditResult {
  const missing = missingOf(words, at)
  if (missing !== undefined) return missing
  const base = at + OUTCOME.head
  const ledgers: LedgerFields[] = []
  for (let i = 0; i < accountsIn(words, at); i++) {
    const entry = ledgerAt(at, i)
    ledgers.push({
      ledger: words.u32[(entry + OUTCOME_LEDGER.ledger) >>> 2] as number,
      accounts: readF64(words, entry + OUTCOME_LEDGER.accounts),
      turnover: turnoverOf(words, entry),
      held: readF64(words, entry + OUTCOME_LEDGER.held),
    })
  }
  return {
    code: 'ok',
    ...asOf(words, at),
    digest: auditDigest(words, at),
    accounts: readF64(words, base + OUTCOME_AUDIT.accounts),
    openReservations: readF64(words, base + OUTCOME_AUDIT.openReservations),
    ledgers,
  }
}

function missingOf(words: Words, at: number): Missing | undefined {
  const number = statusNumber(words, at)
  if (number === STATUS.ok) return undefined
  const { code, title, retryable } = statusOf(number)
  const missing = { code: code as RefusalCode, title, retryable }
  if (readF64(words, at + OUTCOME.sequence) === 0) return missing
  return { ...missing, asOf: asOf(words, at) }
}

/** Adds the members of `asOf` where the outcome was journaled. */
function addAsOf(members: Members, words: Words, at: number): void {
  const sequence = readF64(words, at + OUTCOME.sequence)
  if (sequence === 0) return
  members.sequence = sequence
  members.time = formatTime(readF64(words, at + OUTCOME.timeMs))
}

function asOf(words: Words, at: number): AsOf {
  return {
    sequence: readF64(words, at + OUTCOME.sequence),
    time: formatTime(readF64(words, at + OUTCOME.timeMs)),
  }
}

/** What a command shows of the resource that it changed. */
function resourceOf(words: Words, at: number, asked: Asked, nameOf: NameOf): Members {
  const { kind, fields } = asked
  if (kind === KIND.transfer) {
    const { id, debitAccount, creditAccount, amount } = fields
    return {
      id: String(id),
      debitAccount: String(debitAccount),
      creditAccount: String(creditAccount),
      amount,
    }
  }
  const isGroup = kind === KIND.settleGroup || kind === KIND.releaseGroup
  const id = String(fields.account ?? fields.reservation ?? (isGroup ? fields.group : fields.id))
  if (accountsIn(words, at) === 0 || isGroup) return { id }
  if (kind < KIND.reserve) {
    const entry = accountAt(words, at, 0)
    const { metadata } = kind === KIND.openAccount ? fields : shownName(words, entry, nameOf)
    return { ...accountFields(words, entry, id, metadata) }
  }
  if (kind !== KIND.reserve) return storedReservation(words, at, id, nameOf)
  const view = reservationIn(words, at) ?? wouldBe(words, at, asked)
  if (view === undefined) return { id }
  const { debitAccount, creditAccount } = fields
  return { ...reservationFields(view, id, String(debitAccount), String(creditAccount)) }
}

/** The reservation that a dry run of a reserve speaks of: none was made, so the outcome has none. */
function wouldBe(words: Words, at: number, { dryRun, fields }: Asked): ReservationView | undefined {
  if (!dryRun) return undefined
  const amount = readF64(words, at + OUTCOME.moved)
  const { timeoutMs = 0 } = fields
  const expiresAt = timeoutMs === 0 ? 0 : readF64(words, at + OUTCOME.timeMs) + timeoutMs
  return { state: 'held', amount, settled: 0, released: 0, remaining: amount, expiresAt }
}

/** A reservation whose accounts only the engine knows. */
function storedReservation(words: Words, at: number, id: string, nameOf: NameOf): Members {
  const view = reservationIn(words, at)
  if (view === undefined || accountsIn(words, at) < 2) return { id }
  const debit = nameAt(words, accountAt(words, at, 0), nameOf).id
  const credit = nameAt(words, accountAt(words, at, 1), nameOf).id
  return { ...reservationFields(view, id, debit, credit) }
}

function reservationFields(
  view: ReservationView,
  id: string,
  debitAccount: string,
  creditAccount: string,
): ReservationFields {
  const { state, amount, settled, released, remaining, expiresAt } = view
  return {
    id,
    debitAccount,
    creditAccount,
    state: state as ReservationState,
    amount,
    settled,
    released,
    remaining,
    expiresAt: expiresAt === 0 ? null : formatTime(expiresAt),
  }
}

function foundAccount(words: Words, at: number, id: string, nameOf: NameOf): AccountFields {
  const entry = accountAt(words, at, 0)
  return accountFields(words, entry, id, shownName(words, entry, nameOf).metadata)
}

/** The name with its metadata as a value. */
function shownName(words: Words, entry: number, nameOf: NameOf): { readonly metadata?: Metadata } {
  const { metadata } = nameAt(words, entry, nameOf)
  return metadata === undefined ? {} : { metadata: JSON.parse(metadata) }
}

function accountFields(
  words: Words,
  entry: number,
  id: string,
  metadata: Metadata | undefined,
): AccountFields {
  const flags = words.u32[(entry + OUTCOME_ACCOUNT.flags) >>> 2] as number
  const hasSome = metadata !== undefined && Object.keys(metadata).length > 0
  return {
    ...balances(words, entry, id),
    external: (flags & ACCOUNT_FLAG.external) !== 0,
    frozen: (flags & ACCOUNT_FLAG.frozen) !== 0,
    closed: (flags & ACCOUNT_FLAG.closed) !== 0,
    history: (flags & ACCOUNT_FLAG.history) !== 0,
    ...(hasSome ? { metadata: { ...metadata } } : undefined),
  }
}

function balances(words: Words, entry: number, id: string): Balances {
  return {
    id,
    ledger: words.u32[(entry + OUTCOME_ACCOUNT.ledger) >>> 2] as number,
    balance: readF64(words, entry + OUTCOME_ACCOUNT.balance),
    held: readF64(words, entry + OUTCOME_ACCOUNT.held),
    incoming: readF64(words, entry + OUTCOME_ACCOUNT.incoming),
    available: availableOf(words, entry),
    creditLimit: readF64(words, entry + OUTCOME_ACCOUNT.creditLimit),
  }
}

/** The accounts that a command touched, as its caller spelled them where it named them. */
function balancesOf(words: Words, at: number, asked: Asked, nameOf: NameOf): Balances[] {
  const { kind, fields } = asked
  const list: Balances[] = []
  for (let i = 0; i < accountsIn(words, at); i++) {
    const entry = accountAt(words, at, i)
    let name: AnyId | undefined
    if (i === 0) name = fields.debitAccount ?? fields.account
    else if (i === 1) name = fields.creditAccount
    if (kind === KIND.openAccount) name = fields.id
    list.push(balances(words, entry, String(name ?? nameAt(words, entry, nameOf).id)))
  }
  return list
}

function nameAt(words: Words, entry: number, nameOf: NameOf): AccountName {
  const name = nameOf(slotOf(words, entry))
  if (name === undefined) throw new Error(`the account ${slotOf(words, entry)} has no name yet`)
  return name
}

/** The numbers that matter for a refusal. */
function refusalNumbers(words: Words, at: number, number: number): Partial<Refused> | undefined {
  const count = accountsIn(words, at)
  const entry = accountAt(words, at, 0)
  if (number === STATUS.insufficient_funds && count > 0) {
    return { available: availableOf(words, entry) }
  }
  if (number === STATUS.limit_in_use && count > 0) return { minimum: limitInUse(words, entry) }
  const view = reservationIn(words, at)
  if (view === undefined) return undefined
  if (number === STATUS.exceeds_reservation) return { remaining: view.remaining }
  return { state: view.state as ReservationState }
}
