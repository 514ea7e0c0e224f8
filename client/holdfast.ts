// The one interface to Holdfast, whether its engine runs in this process or behind a stream: inputs,
// results, options. Not an implementation; that is in front.ts.
//
// Names and shapes are those of the HTTP replies (docs/http.md). A refusal is a value: look at `code`.

import type { AnyId, CommandName, Metadata, StatusCode } from '../protocol/index.ts'

/** A new account. Sent again with the same content, it answers with the account as it is now. */
export interface OpenAccount {
  /** The account's id; a UUIDv7 is made where none is given. */
  readonly id?: AnyId
  /** The unit of account: 1 to 2^32-1. */
  readonly ledger: number
  /** How far below 0 the account may go, 0 to 2^51; 0 where not given. */
  readonly creditLimit?: number
  /** The account stands for the world outside and has no floor. */
  readonly external?: boolean
  /** Views keep its history. */
  readonly history?: boolean
  readonly metadata?: Metadata
}

/** What most commands have. */
interface Identified {
  /** The command's id, its idempotency key; a UUIDv7 is made where none is given. */
  readonly id?: AnyId
}

/** A new credit limit. */
export interface SetCreditLimit extends Identified {
  readonly account: AnyId
  /** 0 to 2^51. */
  readonly value: number
}

/** Something that is done to one account. */
export interface AccountChange extends Identified {
  readonly account: AnyId
}

/** A move of an amount at once. */
export interface Transfer extends Identified {
  readonly debitAccount: AnyId
  readonly creditAccount: AnyId
  /** In smallest units, 1 to 2^51. */
  readonly amount: number
  /** Take what is available up to the amount. */
  readonly atMost?: boolean
}

/** The same move in two steps; `id` is the reservation's. */
export interface Reserve extends Transfer {
  /** How long it lives; 0 or absent: for ever. At most ten years. */
  readonly timeoutMs?: number
  /** Reservations of one group are settled or released together. */
  readonly group?: AnyId
  /** A settle may take more, from what is available. */
  readonly allowOver?: boolean
  readonly metadata?: Metadata
}

/** Posts what was really used. */
export interface Settle extends Identified {
  readonly reservation: AnyId
  /** 0 to 2^51; absent: all that remains. */
  readonly amount?: number
  /** Give the rest back; true where not given. */
  readonly final?: boolean
}

/** Gives back. */
export interface Release extends Identified {
  readonly reservation: AnyId
  /** 1 to 2^51; absent: all that remains. */
  readonly amount?: number
}

/** Holds more, or for longer; one of the two at least. */
export interface Extend extends Identified {
  readonly reservation: AnyId
  readonly amount?: number
  readonly timeoutMs?: number
}

/** Something that is done to all open reservations of a group. */
export interface ResolveGroup extends Identified {
  readonly group: AnyId
}

/** Inputs by the command's name in JSON. */
export interface CommandInputs {
  open_account: OpenAccount
  set_credit_limit: SetCreditLimit
  freeze_account: AccountChange
  unfreeze_account: AccountChange
  close_account: AccountChange
  transfer: Transfer
  reserve: Reserve
  settle: Settle
  release: Release
  extend: Extend
  settle_group: ResolveGroup
  release_group: ResolveGroup
}

/** One command of `submit`: its input with its name in `type`. */
export type Command = {
  [Name in CommandName]: { readonly type: Name } & CommandInputs[Name]
}[CommandName]

/** A place in the journal and its time, RFC 3339 in UTC. */
export interface AsOf {
  readonly sequence: number
  readonly time: string
}

/** An account's money, after the command. */
export interface Balances {
  readonly id: string
  readonly ledger: number
  readonly balance: number
  readonly held: number
  readonly incoming: number
  /** balance - held + creditLimit */
  readonly available: number
  readonly creditLimit: number
}

/** An account. */
export interface AccountFields extends Balances {
  readonly external: boolean
  readonly frozen: boolean
  readonly closed: boolean
  readonly history: boolean
  readonly metadata?: Metadata
}

/** What became of a reservation. */
export type ReservationState = 'held' | 'settled' | 'released' | 'expired'

/** A reservation. */
export interface ReservationFields {
  readonly id: string
  readonly debitAccount: string
  readonly creditAccount: string
  readonly state: ReservationState
  readonly amount: number
  readonly settled: number
  readonly released: number
  /** What is still held. */
  readonly remaining: number
  /** null: never. */
  readonly expiresAt: string | null
}

/** What every success of a command says beside its resource. */
export interface Decided {
  readonly code: 'ok'
  /** The command's own id: as it was given, or as it was made. */
  readonly commandId: string
  /** Of the record that decided; absent in a dry run, which has `asOf`. */
  readonly sequence?: number
  /** Journal time of that record. */
  readonly time?: string
  /** What really moved. */
  readonly moved: number
  /** This is the first outcome again: nothing was done now. */
  readonly replayed: boolean
  /** Those touched, as they are after; absent in a replay. */
  readonly accounts?: readonly Balances[]
  readonly dryRun?: true
  readonly asOf?: AsOf
}

/** What a refusal says; which numbers there are depends on the code, see docs/http.md. */
export interface Refused {
  readonly code: Exclude<StatusCode, 'ok'>
  readonly commandId: string
  /** One sentence for people. */
  readonly title: string
  /** The same command under the same id may pass later. */
  readonly retryable: boolean
  readonly replayed: boolean
  /** Absent where nothing was journaled. */
  readonly sequence?: number
  readonly time?: string
  /** insufficient_funds: what the debit account has. */
  readonly available?: number
  /** exceeds_reservation: what the reservation still holds. */
  readonly remaining?: number
  /** limit_in_use: the lowest limit that would be taken. */
  readonly minimum?: number
  /** already_settled, already_released, already_expired. */
  readonly state?: ReservationState
  readonly dryRun?: true
  readonly asOf?: AsOf
}

/** A success with what is known of its resource (all of it but in a replay), or a refusal. */
export type Result<Fields> = (Partial<Fields> & { readonly id: string } & Decided) | Refused

/** The answer about one account. */
export type AccountResult = ({ readonly code: 'ok'; readonly asOf: AsOf } & AccountFields) | Missing

/** The answer about one reservation. */
export type ReservationResult =
  | ({ readonly code: 'ok'; readonly asOf: AsOf } & ReservationFields)
  | Missing

/** A question that has no answer: there is no such thing, or the server does not answer now. */
export interface Missing {
  readonly code: Exclude<StatusCode, 'ok'>
  readonly title: string
  readonly retryable: boolean
  readonly asOf?: AsOf
}

/** A transfer as it was asked for. */
export interface TransferFields {
  readonly id: string
  readonly debitAccount: string
  readonly creditAccount: string
  readonly amount: number
}

/** One result of `submit`, in the order of the commands. */
export interface SubmitResult {
  readonly code: StatusCode
  /** The command's own id as it was given, or the UUIDv7 that was made. */
  readonly commandId: AnyId
  /** Absent where nothing was journaled. */
  readonly sequence?: number
  readonly time?: string
  readonly moved: number
  readonly replayed: boolean
  readonly available?: number
  readonly remaining?: number
  readonly minimum?: number
  readonly state?: ReservationState
}

/** The books as a whole. */
export type AuditResult =
  | {
      readonly code: 'ok'
      readonly sequence: number
      readonly time: string
      /** The outcome digest: 16 hexadecimal digits. */
      readonly digest: string
      readonly accounts: number
      readonly openReservations: number
      readonly ledgers: readonly LedgerFields[]
    }
  | Missing

/** One ledger of an audit; `turnover`, what was posted in total, is a decimal string. */
export interface LedgerFields {
  readonly ledger: number
  readonly accounts: number
  readonly turnover: string
  readonly held: number
}

/** Of one call. */
export interface CallOptions {
  /** How long to wait for the answer, counted from the call; then `HoldfastTimeout`. */
  readonly timeoutMs?: number
}

/** Of a call that can be tried out. */
export interface DryRunOptions extends CallOptions {
  /** Decide and report, change nothing, remember nothing. */
  readonly dryRun?: boolean
}

/** Of `submit`. */
export interface SubmitOptions extends CallOptions {
  /** All or nothing: up to 1,024 commands that take effect together. */
  readonly linked?: boolean
}

/** Of `command`. */
export interface CommandOptions extends CallOptions {
  /**
   * The command's id, its idempotency key; a UUIDv7 is made where none is given. HTTP's is
   * `module/<what the route says>`, `calls/end/call-7` for example: give that to mean the same command.
   */
  readonly id?: AnyId
}

/** What a module answered to a command. */
export type ModuleResult<Fields = Readonly<Record<string, unknown>>> = Partial<Fields> & {
  /** `ok`, a code of the module, or a status of the core. */
  readonly code: string
  readonly commandId: string
  /** This is the first outcome again: nothing was done now. */
  readonly replayed: boolean
  /** Absent where nothing was journaled. */
  readonly sequence?: number
  readonly time?: string
  /** invalid_request: what is wrong with the input. */
  readonly detail?: string
}

/** What a module answered to a query. */
export type ModuleAnswer<Fields = Readonly<Record<string, unknown>>> = Partial<Fields> & {
  readonly code: string
  /** Absent where nobody was asked. */
  readonly asOf?: AsOf
  readonly detail?: string
}

/** What an instance is doing, and what its calls wait for. */
export interface HoldfastStatus {
  readonly state: 'connecting' | 'open' | 'closing' | 'closed' | 'failed'
  /** When that began, RFC 3339. */
  readonly since: string
  /** `connection`: none right now; `window`: as much is in flight as may be; `server`: it is busy. */
  readonly waitsFor: 'nothing' | 'connection' | 'window' | 'server'
  /** Why, in words, where it waits. */
  readonly reason: string
  /** Commands and queries that were sent and not answered yet. */
  readonly inFlight: number
  /** Those that were not sent yet. */
  readonly waiting: number
}

/** What both kinds of instances take. */
export interface FrontOptions {
  /** How long a call waits for its answer; 30,000 ms where not given. */
  readonly timeoutMs?: number
  /**
   * How long `busy`, `overloaded`, `replaying`, `draining` and `storage_low` are retried within that
   * time before they are given back as values; 10,000 ms where not given, 0 for not at all.
   */
  readonly retryMs?: number
  /** Hears when calls begin to wait for something else than their answer, and when no longer. */
  readonly onWait?: (status: HoldfastStatus) => void
}

/**
 * Reserve first, settle later. Every method may be called at any time and as often as one likes: calls
 * of one turn of the event loop travel together, and commands are decided in the order of the calls.
 * Rejects with `TypeError` or `RangeError` for what could not have been meant, and with the errors of
 * errors.ts.
 */
export interface Holdfast {
  openAccount(input: OpenAccount, options?: CallOptions): Promise<Result<AccountFields>>
  setCreditLimit(input: SetCreditLimit, options?: CallOptions): Promise<Result<AccountFields>>
  freeze(input: AccountChange, options?: CallOptions): Promise<Result<AccountFields>>
  unfreeze(input: AccountChange, options?: CallOptions): Promise<Result<AccountFields>>
  closeAccount(input: AccountChange, options?: CallOptions): Promise<Result<AccountFields>>
  transfer(input: Transfer, options?: DryRunOptions): Promise<Result<TransferFields>>
  reserve(input: Reserve, options?: DryRunOptions): Promise<Result<ReservationFields>>
  settle(input: Settle, options?: CallOptions): Promise<Result<ReservationFields>>
  release(input: Release, options?: CallOptions): Promise<Result<ReservationFields>>
  extend(input: Extend, options?: CallOptions): Promise<Result<ReservationFields>>
  settleGroup(input: ResolveGroup, options?: CallOptions): Promise<Result<{ readonly id: string }>>
  releaseGroup(input: ResolveGroup, options?: CallOptions): Promise<Result<{ readonly id: string }>>
  /** Many commands at once; the cheapest way. Resolves when every one has its result. */
  submit(commands: readonly Command[], options?: SubmitOptions): Promise<SubmitResult[]>
  account(id: AnyId, options?: CallOptions): Promise<AccountResult>
  reservation(id: AnyId, options?: CallOptions): Promise<ReservationResult>
  audit(options?: CallOptions): Promise<AuditResult>
  /**
   * A command of a module that the server has loaded: `command('calls', 'start', {...})`. An input that
   * is not as the module asks for is `invalid_request`, as a value.
   */
  command<Fields = Readonly<Record<string, unknown>>>(
    module: string,
    name: string,
    input: object,
    options?: CommandOptions,
  ): Promise<ModuleResult<Fields>>
  /** A query of a module. */
  query<Fields = Readonly<Record<string, unknown>>>(
    module: string,
    name: string,
    input: object,
    options?: CallOptions,
  ): Promise<ModuleAnswer<Fields>>
  status(): HoldfastStatus
  /**
   * Takes nothing new, lets what is in flight finish for some seconds, then closes; what is still open
   * then rejects with `HoldfastClosed`. Every call gives the same promise.
   */
  close(): Promise<void>
}
