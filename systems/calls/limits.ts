// Every limit of calls, each with its reason. What an operator may change while the server runs is
// in `SETTINGS_DEFAULT`; the rest is fixed, for a replay must decide as the writer did.

/** Largest amount of the ledger, 2^51: the core's own. */
export const AMOUNT_MAX = 2_251_799_813_685_248

/**
 * Highest rate, in micro-units a minute: 100,000 units. With `FEE_MAX` the dearest call that can be
 * reported stays below `AMOUNT_MAX`, so no cost has to be cut off.
 */
export const RATE_MAX = 100_000_000_000

/** Highest connect fee, in micro-units: a billion units. */
export const FEE_MAX = 1_000_000_000_000_000

/** Longest increment, initial one and grant, in seconds: a day. */
export const GRANT_SECONDS_MAX = 86_400

/** Longest duration that a caller may report, in seconds: a week. */
export const DURATION_SECONDS_MAX = 604_800

/**
 * Longest id of a customer, tariff, call or campaign, in UTF-8 bytes: four of them and all else
 * that is known of a call fit a reply of 1 KiB.
 */
export const ID_BYTES_MAX = 96

/**
 * Longest destination and longest prefix, in characters: a number has 15 digits, a SIP user more.
 */
export const DESTINATION_MAX = 64

/** Most calls a second and most channels that a customer may be limited to. */
export const CALL_LIMIT_MAX = 1_000_000

/** Most calls of one campaign. */
export const CAMPAIGN_CALLS_MAX = 100_000

/** Longest cause of an end, in characters. */
export const CAUSE_MAX = 64

/** The first of the ledgers of calls; a currency's number is added to it. */
export const LEDGER_BASE = 0x43_00_00_00

/** Accounts of one side of a currency that are looked at before another is opened. */
export const CONTRA_TRIED_MAX = 4

/** Most rows: what a table takes before a command is answered `module_full`. */
export const ROWS_MAX = {
  currencies: 1_000,
  customers: 1_000_000,
  tariffs: 100_000,
  calls: 1_000_000,
  campaigns: 100_000,
  records: 200_100,
} as const

/**
 * Finished calls that are kept at hand for repeats; beyond it the oldest leave early. Views keep
 * all.
 */
export const RECORDS_KEPT = 200_000

/** Finished calls that one timer lets go of, so that it does not hold up the writer. */
export const RECORDS_FORGOTTEN_AT_ONCE = 1_000

/** Time limits, in seconds, until `change_settings` says otherwise. */
export const SETTINGS_DEFAULT = {
  /** A call that is neither answered nor canceled expires after this. */
  ringingSeconds: 120,
  /** An answered call expires this long after its grant is used up. */
  graceSeconds: 60,
  /** A campaign is closed after this. */
  campaignSeconds: 86_400,
  /** What has ended is kept for this long, so that a repeat finds it. */
  keepSeconds: 86_400,
} as const

/** Longest time limit that may be set, in seconds: thirty days. */
export const SETTING_SECONDS_MAX = 2_592_000
