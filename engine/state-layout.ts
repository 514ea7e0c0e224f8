// The state as bytes: which sections it has, and what lies where in a row of each. The same state
// gives the same bytes in every engine: rows are in order of creation, and slots, links and hashes of
// one process are left out. docs/formats.md says the same for people.
//
// A section is a head of 16 bytes, u32 what, u32 bytes of a row, f64 rows, and then its rows. All
// sections are there, in the order of their numbers. Numbers are doubles where not said otherwise.

/** What a section is; its first word. */
export const SECTION = {
  core: 1,
  passedOver: 2,
  ledgers: 3,
  accounts: 4,
  tails: 5,
  reservations: 6,
  groups: 7,
  outcomes: 8,
  modules: 9,
  replies: 10,
  moduleRows: 11,
  moduleTimers: 12,
} as const

/** Offsets in a section's head. */
export const SECTION_HEAD = { what: 0, rowBytes: 4, rows: 8, bytes: 16 } as const

/** The only row of the core. */
export const CORE_ROW = {
  rulesVersion: 0,
  sequence: 8,
  timeMs: 16,
  commands: 24,
  /** The highest time of a UUIDv7 that was forgotten, or -1. */
  forgottenIdMs: 32,
  /** Two words. */
  digest: 40,
  /** The capacities in force, in the order of `CAPACITY_NAMES`. */
  limits: 48,
  bytes: 120,
} as const

/** The sequence of a voided record whose `void` record is still to come. Ascending. */
export const PASSED_OVER_ROW = { sequence: 0, bytes: 8 } as const

/** A ledger, in order of its first account. */
export const LEDGER_ROW = {
  /** u32; the word behind it is 0. */
  number: 0,
  accounts: 8,
  held: 16,
  turnoverHigh: 24,
  turnoverLow: 32,
  bytes: 40,
} as const

/** An account, in order of opening. */
export const ACCOUNT_ROW = {
  id: 0,
  /** u32: the ledger's place among the ledgers, from 0. */
  ledger: 16,
  /** u32: `ACCOUNT_FLAG`, and from bit 8 the opening's place in its chain. */
  flags: 20,
  balance: 24,
  held: 32,
  incoming: 40,
  creditLimit: 48,
  firstCreditLimit: 56,
  openedSequence: 64,
  openedTimeMs: 72,
  /** u32. */
  metadataHash: 80,
  /** u32: bytes of its tail; the tails follow one another in the order of the accounts. */
  tailBytes: 84,
  bytes: 88,
} as const

/** Eight bytes of tails. */
export const TAIL_ROW = { bytes: 8 } as const

/** A reservation, in order of sequence. */
export const RESERVATION_ROW = {
  id: 0,
  /** u32: the accounts' places among the accounts, from 0. */
  debit: 16,
  credit: 20,
  amount: 24,
  settled: 32,
  released: 40,
  expiresAt: 48,
  /** u32: `RESERVATION_STATE`, from bit 8 the record's flags, from bit 16 its place in its chain. */
  state: 56,
  /** u32: how many ended before it that are still remembered, plus 1; 0 while it is open. */
  ended: 60,
  /** 0 while it is open. */
  endedAt: 64,
  /** u32: the group's place among the groups, plus 1; 0 where it is in none. */
  group: 72,
  /** u32, as the next two. */
  groupHash: 76,
  timeoutHash: 80,
  metadataHash: 84,
  sequence: 88,
  timeMs: 96,
  asked: 104,
  taken: 112,
  bytes: 120,
} as const

/** A group's id, in order of its oldest open reservation. */
export const GROUP_ROW = { id: 0, bytes: 16 } as const

/** A remembered outcome, from the oldest on: the row of outcome-memory.ts as it is. */
export const OUTCOME_ROW = { id: 0, bytes: 64 } as const

/** Eight bytes of what follows one another in items of any length; see module-state.ts. */
export const BYTES_ROW = { bytes: 8 } as const

/** The modules' own section: doubles, then the lines `name@version` of those in force, and zeros. */
export const MODULES_HEAD = {
  failedTimers: 0,
  /** Bytes of replies that were forgotten: the place of the first one in the section of replies. */
  repliesStart: 8,
  ruleBytes: 16,
  rules: 24,
} as const

/** What an engine itself keeps of the state, beside its tables. */
export interface Progress {
  readonly sequence: number
  readonly timeMs: number
  readonly commandCount: number
  readonly digestA: number
  readonly digestB: number
  readonly passedOver: Iterable<number>
}
