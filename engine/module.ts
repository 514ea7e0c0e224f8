// What a module is, as its author sees it: tables, commands, queries, timers, and the context that the
// engine hands to each of them. Types alone; the host that runs modules is in module-host.ts.
//
// A module's rules are a function of its tables, the ledger and the input. They have no clock, no
// randomness and no other state: the engine undoes, snapshots and digests what is here and nothing else.

/** What a field of a row holds. With `?` it may also be null. */
export type FieldType = 'text' | 'integer' | 'flag' | 'text?' | 'integer?' | 'flag?'

/** A table: its fields, which of them is the key, and how rows are found. */
export interface TableSchema {
  /** Unique among the module's tables. */
  readonly name: string
  /**
   * Fields in the order in which snapshots hold them. `text` is up to 256 bytes of UTF-8, `integer`
   * within +-(2^53 - 1), `flag` a boolean.
   */
  readonly fields: Readonly<Record<string, FieldType>>
  /** The field, a text without `?`, that names a row. It never changes. */
  readonly key: string
  /** Most rows. One more throws, and the command is answered `module_full`. */
  readonly rowsMax: number
  /** By name, the fields whose values a scan asks for. */
  readonly indexes?: Readonly<Record<string, readonly string[]>>
}

/** A field's value. */
export type ValueOf<T extends FieldType> = T extends 'text'
  ? string
  : T extends 'integer'
    ? number
    : T extends 'flag'
      ? boolean
      : T extends 'text?'
        ? string | null
        : T extends 'integer?'
          ? number | null
          : boolean | null

/** A row of a table: frozen. It may be another object each time, with the same values. */
export type RowOf<S extends TableSchema> = {
  readonly [F in keyof S['fields']]: ValueOf<S['fields'][F]>
}

/**
 * One table. A wrong use (a key that exists, a field of another type, too many rows) throws: the command
 * is undone and answered `module_failed`, or `module_full`.
 */
export interface Table<S extends TableSchema> {
  readonly count: number
  get(key: string): RowOf<S> | undefined
  /** Adds a row, whose key is new. */
  insert(row: RowOf<S>): RowOf<S>
  /** Changes fields, but for the key, of the row with this key, which is there. */
  update(key: string, changes: Partial<RowOf<S>>): RowOf<S>
  /** Takes out the row with this key, which is there. */
  remove(key: string): void
  /**
   * The rows that have these values in the index's fields, in order of their creation. The table may
   * not change while they are gone through; give `limit` where there may be many.
   */
  scan(index: keyof S['indexes'] & string, values: readonly Value[], limit?: number): RowOf<S>[]
  /** How many rows a scan would give, at once. */
  countOf(index: keyof S['indexes'] & string, values: readonly Value[]): number
}

/** Any field's value. */
export type Value = string | number | boolean | null

/** What a ledger operation came to: a status of the core, and what really moved. */
export interface LedgerResult {
  /** `ok`, `insufficient_funds`, ...: docs/statuses.md. */
  readonly code: string
  /** In the ledger's smallest unit; 0 where nothing did. */
  readonly moved: number
}

/** An account as it is now. Amounts in the ledger's smallest unit. */
export interface LedgerAccount {
  readonly ledger: number
  readonly balance: number
  readonly held: number
  readonly incoming: number
  readonly creditLimit: number
  /** balance - held + creditLimit. */
  readonly available: number
  readonly external: boolean
  readonly frozen: boolean
  readonly closed: boolean
}

/** A reservation as it is now. */
export interface LedgerReservation {
  readonly state: 'held' | 'settled' | 'released' | 'expired'
  readonly amount: number
  readonly settled: number
  readonly released: number
  readonly remaining: number
}

/**
 * The core's commands for a module's own accounts and reservations, whose names are taken below the
 * module's: `customer/acme` in the module `calls` is `calls/customer/acme` to everyone else. A refusal
 * is a value, changes nothing, and the handler goes on. At most 256 operations a command.
 */
export interface ModuleLedger {
  openAccount(account: {
    readonly id: string
    readonly ledger: number
    readonly creditLimit?: number
    readonly external?: boolean
    readonly history?: boolean
  }): LedgerResult
  setCreditLimit(account: string, value: number): LedgerResult
  freeze(account: string): LedgerResult
  unfreeze(account: string): LedgerResult
  closeAccount(account: string): LedgerResult
  transfer(transfer: {
    readonly debit: string
    readonly credit: string
    readonly amount: number
    readonly atMost?: boolean
  }): LedgerResult
  /** `id` is new among the module's reservations. No timeout: a module uses its timers. */
  reserve(reserve: {
    readonly id: string
    readonly debit: string
    readonly credit: string
    readonly amount: number
    readonly allowOver?: boolean
    readonly atMost?: boolean
  }): LedgerResult
  /** Absent amount: all that remains. `final` (default true): the rest is given back. */
  settle(
    reservation: string,
    options?: { readonly amount?: number; readonly final?: boolean },
  ): LedgerResult
  /** Absent amount: all that remains. */
  release(reservation: string, options?: { readonly amount?: number }): LedgerResult
  /** Holds more. */
  extend(reservation: string, amount: number): LedgerResult
  account(id: string): LedgerAccount | undefined
  reservation(id: string): LedgerReservation | undefined
}

/** Timers, each known by kind and key. They are journaled state like rows. */
export interface Timers {
  /**
   * Has the module's timer handler `kind` called with `key` at `atMs`, which is later than now. One that
   * is set already is moved.
   */
  set(kind: string, key: string, atMs: number): void
  /** Nothing happens where there is none. */
  cancel(kind: string, key: string): void
}

/** What handlers are given. Good until the handler returns. */
export interface Context {
  /** Journal time in ms since 1970; for a timer the time that it was set to. */
  readonly now: number
  /** Sequence of the record that is decided. */
  readonly sequence: number
  readonly ledger: ModuleLedger
  readonly timers: Timers
  table<const S extends TableSchema>(schema: S): Table<S>
  /** Tells the world, once the command stands: `call.expired`. At most 64 a command, 1 KiB each. */
  emit(kind: string, data: Readonly<Record<string, Json>>): void
}

/** What queries are given: the same, but that every change throws. */
export type ReadContext = Context

/** What goes in and out as JSON does. Numbers are integers within +-(2^53 - 1). */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json | undefined }

/**
 * A handler's answer, up to 1 KiB as JSON text. With the code `ok` the command stands; with any other it is a
 * refusal, and everything that the handler did is undone. Refusals are remembered like successes.
 */
export interface Reply {
  readonly code: string
  readonly [field: string]: Json | undefined
}

/** Decides a command. Its input was checked against its schema by whoever took it in. */
export type CommandHandler = (context: Context, input: never) => Reply

/** Answers a query; may change nothing. */
export type QueryHandler = (context: ReadContext, input: never) => Reply

/** Does what was due. One that throws is undone, and not called again. */
export type TimerHandler = (context: Context, key: string) => void

/**
 * A module. `satisfies Module` keeps the handlers' own types. Names are of 1 to 32 letters a to z,
 * digits, `_` and `-`.
 */
export interface Module {
  /** Its accounts and ids live under this name. */
  readonly name: string
  /**
   * The version of its rules: raised when the same journal would be decided otherwise. Journaled by
   * every start; a replay of what another version decided refuses.
   */
  readonly version: number
  readonly tables: readonly TableSchema[]
  readonly commands: Readonly<Record<string, CommandHandler>>
  readonly queries: Readonly<Record<string, QueryHandler>>
  readonly timers: Readonly<Record<string, TimerHandler>>
}

/**
 * Hears what modules make known, in order, once it stands: of each command its rows, then its events. A
 * follower listens; the writer does not.
 */
export interface ModuleObserver {
  /** `index` counts the events of one sequence from 0. */
  event(event: ModuleEvent): void
  /** A row as it is after a command; undefined where it was taken out. Each row once a command. */
  row(change: RowChange): void
}

/** Something that a module made known. */
export interface ModuleEvent {
  readonly module: string
  readonly kind: string
  /** Of the command's record; for a timer of the first record of the frame that it came before. */
  readonly sequence: number
  readonly index: number
  /** The handler's `now`. */
  readonly timeMs: number
  readonly data: Readonly<Record<string, Json>>
}

/** A row that a command changed. */
export interface RowChange {
  readonly module: string
  readonly table: string
  readonly key: string
  readonly row: Readonly<Record<string, Value>> | undefined
  readonly sequence: number
  /** The handler's `now`. */
  readonly timeMs: number
}
