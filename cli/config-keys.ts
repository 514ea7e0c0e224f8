// The one list of what can be configured: names, kinds, defaults, limits and help. How the layers
// are read is in config.ts.

import {
  CAPACITIES_DEFAULT,
  CAPACITIES_MAX,
  type Capacities,
  FRAME_ALIGN,
  SEGMENT_BYTES,
} from '../protocol/index.ts'

/** What a key's value is. */
export type KeyKind = 'text' | 'integer' | 'boolean' | 'keys' | 'list'

/** One key of the configuration. */
export interface ConfigKey {
  /** In holdfast.toml; the flag is its kebab-case, the variable HOLDFAST_ and its SNAKE_CASE. */
  readonly name: string
  readonly kind: KeyKind
  readonly fallback: string | number | boolean | readonly string[]
  /** For integers: least and largest. */
  readonly min?: number
  readonly max?: number
  /** For integers: what the value must be a multiple of. */
  readonly multipleOf?: number
  /** For texts: the values that are allowed. */
  readonly oneOf?: readonly string[]
  /** Not a flag: what must not be seen in a list of processes, or is not meant for one start. */
  readonly noFlag?: true
  /** Not in the file: what must be asked for at each start. */
  readonly noFile?: true
  readonly help: string
}

/** The shortest key that is accepted, in characters. */
export const KEY_CHARACTERS_MIN = 16

/** The smallest segment: the header, the largest frame and room for small ones beside it. */
export const SEGMENT_BYTES_MIN = 1_048_576

/** The largest segment: 1 GiB keeps the scan after a crash short. */
const SEGMENT_BYTES_MAX = 1_073_741_824

/** Capacities below these leave nothing to work with; the window may be 0 in no case. */
const CAPACITIES_MIN: Capacities = {
  accountsMax: 16,
  ledgersMax: 1,
  reservationsMax: 16,
  groupsMax: 1,
  outcomesMax: 1_024,
  accountNameBytesMax: 4_096,
  windowMs: 1_000,
  retentionMs: 1_000,
  moduleReplyBytesMax: 1_048_576,
}

const CAPACITY_HELP: Readonly<Record<keyof Capacities, string>> = {
  accountsMax: 'accounts, closed ones included',
  ledgersMax: 'ledgers',
  reservationsMax: 'reservations, open ones and remembered ones',
  groupsMax: 'groups with an open reservation',
  outcomesMax: 'remembered outcomes',
  accountNameBytesMax: "bytes for the accounts' spellings and metadata",
  windowMs: 'no outcome younger than this is forgotten, in ms',
  retentionMs: 'outcomes older than this are forgotten, in ms',
  moduleReplyBytesMax: 'bytes for the remembered replies of modules',
}

const CAPACITY_NAMES = Object.keys(CAPACITIES_DEFAULT) as (keyof Capacities)[]

/** Every key, in the order in which `config print` shows them. */
export const CONFIG_KEYS: readonly ConfigKey[] = [
  { name: 'dataDir', kind: 'text', fallback: './data', help: 'the data directory' },
  {
    name: 'listen',
    kind: 'text',
    fallback: '127.0.0.1:7700',
    help: 'host:port to serve HTTP at; port 0 takes any free one',
  },
  {
    name: 'keys',
    kind: 'keys',
    fallback: [],
    noFlag: true,
    help: `bearer keys of ${KEY_CHARACTERS_MIN} characters or more; none: loopback only`,
  },
  {
    name: 'url',
    kind: 'text',
    fallback: 'http://127.0.0.1:7700',
    help: 'the server that send and status talk to',
  },
  ...CAPACITY_NAMES.map((name) => ({
    name,
    kind: 'integer' as const,
    fallback: CAPACITIES_DEFAULT[name],
    min: CAPACITIES_MIN[name],
    max: CAPACITIES_MAX[name],
    help: CAPACITY_HELP[name],
  })),
  {
    name: 'modules',
    kind: 'list',
    fallback: ['calls'],
    help: 'modules by name or path, separated by commas; "" for none',
  },
  {
    name: 'segmentBytes',
    kind: 'integer',
    fallback: SEGMENT_BYTES,
    min: SEGMENT_BYTES_MIN,
    max: SEGMENT_BYTES_MAX,
    multipleOf: FRAME_ALIGN,
    help: 'size of new journal segments',
  },
  {
    name: 'follower',
    kind: 'boolean',
    fallback: true,
    help: 'whether serve starts a follower, which makes snapshots',
  },
  {
    name: 'views',
    kind: 'boolean',
    fallback: true,
    help: 'whether serve and follow keep views for lists; none without a follower',
  },
  {
    name: 'snapshotEveryRecords',
    kind: 'integer',
    fallback: 1_000_000,
    min: 1,
    max: 1_000_000_000,
    help: 'a snapshot is due after so many records',
  },
  {
    name: 'snapshotEverySeconds',
    kind: 'integer',
    fallback: 300,
    min: 1,
    max: 86_400,
    help: 'or after so long, if there were any, in s',
  },
  {
    name: 'archive',
    kind: 'text',
    fallback: 'keep',
    oneOf: ['keep', 'drop'],
    help: 'what becomes of segments older than the snapshots: kept in archive/, or dropped',
  },
  {
    name: 'pinThreads',
    kind: 'boolean',
    fallback: true,
    help: 'whether, on two cores, engine and helpers keep to one and the journal to the other',
  },
  {
    name: 'acceptTimeJump',
    kind: 'boolean',
    fallback: false,
    noFile: true,
    help: 'start although the clock went forward far since the last frame',
  },
  {
    name: 'testClock',
    kind: 'boolean',
    fallback: false,
    noFlag: true,
    noFile: true,
    help: 'journal time moves only by POST /v1/test/clock',
  },
  {
    name: 'logLevel',
    kind: 'text',
    fallback: 'warn',
    oneOf: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    help: 'what is logged to stderr',
  },
]

/** A key's command line flag: `--data-dir`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** A key's environment variable: `HOLDFAST_DATA_DIR`. */
export function variableOf(name: string): string {
  return `HOLDFAST_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

/** The key with this name. Throws on a name that is none: a mistake in the code. */
export function configKey(name: string): ConfigKey {
  const key = CONFIG_KEYS.find((one) => one.name === name)
  if (key === undefined) throw new RangeError(`no key has the name ${name}`)
  return key
}
