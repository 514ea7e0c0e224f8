// Every fixed limit of Holdfast, each with its reason. What an operator may change is in
// `Capacities`; what is a constant here is part of a format or of a promise.

/** Largest amount, balance, held, incoming and credit limit, in smallest units: 2^51. Sums of two of
 * them, and a sum of two compared with a third, stay exact in a double (2^53). */
export const AMOUNT_MAX = 2_251_799_813_685_248

/** Largest total that one ledger may hold: the largest integer that a JSON number carries exactly. */
export const LEDGER_HELD_MAX = Number.MAX_SAFE_INTEGER

/** Ledger numbers are 1 to 2^32-1: one 32-bit word, 0 means none. */
export const LEDGER_MAX = 4_294_967_295

/** Longest `timeoutMs`: 10 years. The expiry wheel spans 2^40 ms (34.8 years). */
export const TIMEOUT_MS_MAX = 315_360_000_000

/** Latest time that is accepted, in ms since 1970: 2^47 (the year 6429); fits the rows' 48 bits. */
export const TIME_MS_MAX = 140_737_488_355_328

/** Highest sequence: what the rows' 48 bits hold, a million records a second for nine years. */
export const SEQUENCE_MAX = 281_474_976_710_655

/** Longest identifier as the caller spells it, in UTF-8 bytes: names a person or a system would use. */
export const ID_BYTES_MAX = 256

/** Longest `metadata` as JSON text, in UTF-8 bytes: what is left of a tail beside two spellings. */
export const METADATA_BYTES_MAX = 496

/** Entries of metadata: the smallest ones, of which no more fit in 496 bytes. */
export const METADATA_ENTRIES_MAX = 99

/** Longest tail of a record: two spellings and metadata, each with its 4-byte head. */
export const TAIL_BYTES_MAX = 1_024

/** Longest packed input of a module's command: a tail's. */
export const MODULE_INPUT_BYTES_MAX = TAIL_BYTES_MAX

/** Longest reply of a module's command or query, as JSON text; it is remembered with the outcome. */
export const MODULE_REPLY_BYTES_MAX = 1_024

/** Ledger operations of one module's command: what one command may do without holding up the others. */
export const MODULE_LEDGER_OPERATIONS_MAX = 256

/** Events of one module's command, and the longest data of one, as JSON text. */
export const MODULE_EVENTS_MAX = 64
export const MODULE_EVENT_BYTES_MAX = 1_024

/** Bytes of a text in a row of a module's table: an id's. */
export const MODULE_TEXT_BYTES_MAX = ID_BYTES_MAX

/** Fields of a command's input, by which a repeated id is compared: a byte for each in the record. */
export const MODULE_FIELDS_MAX = 12

/** Items in one page of a list, and where a caller does not say: a page is read in one go. */
export const VIEW_PAGE_MAX = 200
export const VIEW_PAGE_DEFAULT = 50

/** How long a page waits for the sequence that its caller wants to see, in ms: ten times a view's lag. */
export const VIEW_WAIT_MS = 5_000

/** Longest record without its tail: two cache lines. */
export const RECORD_BYTES_MAX = 128

/** Commands in one batch: 8,192 of the largest core records are about one frame-ring's worth. */
export const BATCH_COMMANDS_MAX = 8_192

/** Linked commands in one chain; they must also fit one frame. */
export const CHAIN_COMMANDS_MAX = 1_024

/** Most that the outcomes of one chain may take in the worst case: a thousand ordinary commands take
 * 0.2 MiB; this leaves room for about twenty that resolve full groups. */
export const CHAIN_OUTCOME_BYTES_MAX = 2_097_152

/** Open reservations in one group: what one command may resolve without holding up the others. */
export const GROUP_RESERVATIONS_MAX = 1_024

/** Largest frame with header and padding: 256 KiB keeps a sync short and a torn tail small. */
export const FRAME_BYTES_MAX = 262_144

/** Frames start and end at multiples of this, so that no later write touches an acknowledged sector. */
export const FRAME_ALIGN = 4_096

/** Default size of a segment file. */
export const SEGMENT_BYTES = 67_108_864

/** Largest HTTP body: a batch of 8,192 commands with ids of ordinary length. */
export const BODY_BYTES_MAX = 4_194_304

/** Deepest nesting of a JSON body: twice what the deepest schema needs. */
export const JSON_DEPTH_MAX = 16

/** Gateways (and so command rings) that one engine serves: a slot is a byte in the sink's tables. */
export const GATEWAYS_MAX = 8

/** Names in each of the two generations of a cache of hashed ids: 8 MB at worst for both. */
export const ID_CACHE_NAMES = 8_192

/** Longest wish to move the test clock in one call: ten years, as for timeouts. */
export const CLOCK_ADVANCE_MS_MAX = TIMEOUT_MS_MAX

/**
 * What an operator may set, journaled by every start as a `configure` record, so that a replay
 * decides with what was in force. Counts are rows.
 */
export interface Capacities {
  /** Accounts, closed ones included: they are never forgotten. */
  readonly accountsMax: number
  /** Ledgers (units of account) in use. */
  readonly ledgersMax: number
  /** Reservations, open ones and those that are remembered after their end. */
  readonly reservationsMax: number
  /** Groups with at least one open reservation. */
  readonly groupsMax: number
  /** Remembered outcomes of commands other than granted reserves (those are reservations' rows). */
  readonly outcomesMax: number
  /** Bytes for the accounts' spellings and metadata. */
  readonly accountNameBytesMax: number
  /** Nothing younger than this is forgotten. */
  readonly windowMs: number
  /** What is older than this is forgotten even where there is room. */
  readonly retentionMs: number
  /** Bytes for the remembered replies of modules' commands. */
  readonly moduleReplyBytesMax: number
}

/**
 * 16 M granted reserves and 16 M other outcomes: 60 s at 500 k commands/s, half of them reserves. Replies
 * of modules: 60 s at 30 k commands/s, of 150 bytes each.
 */
export const CAPACITIES_DEFAULT: Capacities = {
  accountsMax: 1_048_576,
  ledgersMax: 1_024,
  reservationsMax: 16_777_216,
  groupsMax: 1_048_576,
  outcomesMax: 16_777_216,
  accountNameBytesMax: 134_217_728,
  windowMs: 60_000,
  retentionMs: 86_400_000,
  moduleReplyBytesMax: 268_435_456,
}

/** Bytes of modules' replies for each outcome: one in ten of them has a reply of 150 bytes. */
const REPLY_BYTES_PER_OUTCOME = 16

/** However few outcomes are remembered, so much is there for replies: a thousand of the longest. */
const REPLY_BYTES_LEAST = 1_048_576

/**
 * The capacities in force where those in `given` were set: the defaults for the others, but for the replies of
 * modules, which follow `outcomesMax` where it is less than its own default.
 */
export function capacitiesFrom(given: Partial<Capacities>): Capacities {
  const capacities = { ...CAPACITIES_DEFAULT, ...given }
  const scaled = Math.max(capacities.outcomesMax * REPLY_BYTES_PER_OUTCOME, REPLY_BYTES_LEAST)
  const moduleReplyBytesMax = Math.min(scaled, CAPACITIES_DEFAULT.moduleReplyBytesMax)
  return { ...capacities, moduleReplyBytesMax, ...given }
}

/** The largest capacities that the tables' 32-bit slots and byte offsets carry. */
export const CAPACITIES_MAX: Capacities = {
  accountsMax: 16_777_216,
  ledgersMax: 65_536,
  reservationsMax: 30_000_000,
  groupsMax: 16_777_216,
  outcomesMax: 60_000_000,
  accountNameBytesMax: 4_294_967_288,
  windowMs: 3_600_000,
  retentionMs: 2_592_000_000,
  moduleReplyBytesMax: 4_294_967_288,
}

/** The capacities' names in the order of a `configure` record. */
export const CAPACITY_NAMES: readonly (keyof Capacities)[] = [
  'accountsMax',
  'ledgersMax',
  'reservationsMax',
  'groupsMax',
  'outcomesMax',
  'accountNameBytesMax',
  'windowMs',
  'retentionMs',
  'moduleReplyBytesMax',
]

/**
 * The rules by which this build decides. A change of any decision raises it; see I5. Before the
 * first release, 0.1.0, it stays 1, because no journal outlives a version.
 */
export const RULES_VERSION = 1
