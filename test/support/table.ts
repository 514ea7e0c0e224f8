// Reads scenarios: aligned text tables of time, command, result and what is there afterwards.
//
//   at | command                      | result             | after
//    5 | reserve r1 acme > bank 60    | ok 60              | acme 100 held 60; r1 held 60
//      | settle s1 r1 40 part         | insufficient_funds |
//
// `at` is ms after `START_MS`; a line without it is in the frame of the line before. A result is
// the code, what was moved, `again` for a replayed outcome, and `#7` for its sequence. Afterwards
// an account is its balance, then `held`, `in`, `limit`, `frozen`, `closed`; a reservation is its
// state and amount, then `settled`, `released`, `until`. What is not said is 0 or not so.

import { CAPACITIES_DEFAULT, type Capacities } from '../../protocol/index.ts'
import { type Command, type PlainRecord, uuidV7 } from './commands.ts'

/** The time that tables count from. */
export const START_MS = 1_700_000_000_000

/** What an outcome must be. */
export interface Expected {
  readonly code: string
  readonly moved: number
  readonly replayed: boolean
  readonly sequence: number | undefined
}

/** One line. `timeMs` is undefined where the line is in the frame of the one before. */
export interface Line {
  readonly text: string
  readonly timeMs: number | undefined
  /** Undefined: a frame without records. */
  readonly record: PlainRecord | undefined
  readonly expected: Expected | undefined
  readonly after: readonly After[]
}

/** What must be there after a frame; `fields` undefined: nothing. */
export interface After {
  readonly id: string
  readonly kind: 'account' | 'reservation'
  readonly fields: Readonly<Record<string, number | string | boolean>> | undefined
}

/** The lines of a table. Throws where one cannot be read. */
export function parseTable(table: string, limits: Partial<Capacities>): Line[] {
  const lines = table.split('\n').filter((line) => line.includes('|'))
  return lines.filter((line) => !/^\s*at\s*\|/.test(line)).map((line) => parseLine(line, limits))
}

function parseLine(text: string, limits: Partial<Capacities>): Line {
  const [at = '', command = '', result = '', after = ''] = text
    .split('|')
    .map((cell) => cell.trim())
  const record = parseCommand(command.split(/\s+/), limits)
  return {
    text: text.trim(),
    timeMs: at === '' ? undefined : START_MS + parseNumber(at),
    record,
    expected: result === '' ? undefined : parseResult(result),
    after: after === '' ? [] : after.split(';').map((one) => parseAfter(one.trim().split(/\s+/))),
  }
}

/** `nil`: no id. `@5:1`: the UUIDv7 of `START_MS` + 5 ms with tag 1. */
function parseId(word: string | undefined): string {
  if (word === undefined) throw new SyntaxError('an id is missing')
  if (word === 'nil') return ''
  const timed = /^@(-?\d+):(\d+)$/.exec(word)
  return timed === null ? word : uuidV7(START_MS + Number(timed[1]), Number(timed[2]))
}

/** `100`, `-5`, `2^51`, `2^51-1`, `-2^51+3`. */
function parseNumber(word: string | undefined): number {
  const match = /^(-?)(\d+)(?:\^(\d+))?([+-]\d+)?$/.exec(word ?? '')
  if (match === null) throw new SyntaxError(`not a number: ${word}`)
  const power = match[3] === undefined ? Number(match[2]) : Number(match[2]) ** Number(match[3])
  return (match[1] === '-' ? -power : power) + Number(match[4] ?? 0)
}

const isNumber = (word: string | undefined): boolean => /^-?\d/.test(word ?? '')

const OPTIONS: Readonly<Record<string, Partial<Command>>> = {
  external: { external: true },
  history: { history: true },
  over: { allowOver: true },
  atmost: { atMost: true },
  part: { final: false },
  linked: { linked: true },
  dry: { dryRun: true },
}

/** `*40`: forty letters. */
function parseText(word = ''): string {
  return word.startsWith('*') ? 'm'.repeat(Number(word.slice(1))) : word
}

/** Options with a value: after the amount, in any order. */
function parseOptions(words: readonly string[]): Partial<Command> {
  const rest = [...words]
  let options: Partial<Command> = isNumber(rest[0]) ? { amount: parseNumber(rest.shift()) } : {}
  while (rest.length > 0) {
    const name = rest.shift() as string
    if (name === 'ledger') options = { ...options, ledger: parseNumber(rest.shift()) }
    else if (name === 'limit') options = { ...options, creditLimit: parseNumber(rest.shift()) }
    else if (name === 'time') options = { ...options, timeoutMs: parseNumber(rest.shift()) }
    else if (name === 'group') options = { ...options, group: parseId(rest.shift()) }
    else if (name === 'metadata') options = { ...options, metadata: parseText(rest.shift()) }
    else if (OPTIONS[name] !== undefined) options = { ...options, ...OPTIONS[name] }
    else throw new SyntaxError(`no option is called ${name}`)
  }
  return options
}

const ACCOUNT_CHANGES = {
  freeze: 'freeze_account',
  unfreeze: 'unfreeze_account',
  close: 'close_account',
} as const

function parseCommand(
  words: readonly string[],
  limits: Partial<Capacities>,
): PlainRecord | undefined {
  const [verb = '', first, second, third, ...rest] = words
  switch (verb) {
    case 'open':
      return { type: 'open_account', id: parseId(first), ...parseOptions(words.slice(2)) }
    case 'limit': {
      const value = parseNumber(third)
      const account = parseId(second)
      return { type: 'set_credit_limit', id: parseId(first), account, value, ...parseOptions(rest) }
    }
    case 'freeze':
    case 'unfreeze':
    case 'close': {
      const options = parseOptions(words.slice(3))
      return {
        type: ACCOUNT_CHANGES[verb],
        id: parseId(first),
        account: parseId(second),
        ...options,
      }
    }
    case 'transfer':
    case 'reserve': {
      const [credit, ...options] = rest
      const move = { debit: parseId(second), credit: parseId(credit), ...parseOptions(options) }
      return { type: verb, id: parseId(first), ...move }
    }
    case 'settle':
    case 'release':
    case 'extend': {
      const options = parseOptions(words.slice(3))
      return { type: verb, id: parseId(first), reservation: parseId(second), ...options }
    }
    case 'settlegroup':
    case 'releasegroup': {
      const type = verb === 'settlegroup' ? 'settle_group' : 'release_group'
      const group = parseId(second)
      return { type, id: parseId(first), group, ...parseOptions(words.slice(3)) }
    }
    default:
      return parseNotice(verb, words.slice(1), limits)
  }
}

/** `configure windowMs=5` changes some of the scenario's limits. */
function parseNotice(
  verb: string,
  words: readonly string[],
  limits: Partial<Capacities>,
): PlainRecord | undefined {
  if (verb === 'seal') return undefined
  if (verb === 'tick') return { type: 'tick', routed: true }
  if (verb !== 'configure') throw new SyntaxError(`no command is called ${verb}`)
  const changed = words.map((word) => {
    const [name = '', value] = word.split('=')
    if (!(name in CAPACITIES_DEFAULT)) throw new SyntaxError(`no capacity is called ${name}`)
    return [name, parseNumber(value)]
  })
  const capacities = { ...CAPACITIES_DEFAULT, ...limits, ...Object.fromEntries(changed) }
  return { type: 'configure', capacities }
}

function parseResult(text: string): Expected {
  const [code = '', ...words] = text.split(/\s+/)
  const sequence = words.find((word) => word.startsWith('#'))
  return {
    code,
    moved: isNumber(words[0]) ? parseNumber(words[0]) : 0,
    replayed: words.includes('again'),
    sequence: sequence === undefined ? undefined : Number(sequence.slice(1)),
  }
}

function parseAfter(words: readonly string[]): After {
  const [word, first = '', ...rest] = words
  const id = parseId(word)
  if (first === 'unknown') return { id, kind: 'reservation', fields: undefined }
  if (first === 'none') return { id, kind: 'account', fields: undefined }
  return isNumber(first) ? accountAfter(id, first, rest) : reservationAfter(id, first, rest)
}

function accountAfter(id: string, balance: string, words: readonly string[]): After {
  const value = (name: string) =>
    words.includes(name) ? parseNumber(words[words.indexOf(name) + 1]) : 0
  const fields = {
    balance: parseNumber(balance),
    held: value('held'),
    incoming: value('in'),
    creditLimit: value('limit'),
    frozen: words.includes('frozen'),
    closed: words.includes('closed'),
  }
  return { id, kind: 'account', fields }
}

function reservationAfter(id: string, state: string, words: readonly string[]): After {
  const value = (name: string) =>
    words.includes(name) ? parseNumber(words[words.indexOf(name) + 1]) : 0
  const until = value('until')
  const fields = {
    state,
    amount: parseNumber(words[0]),
    settled: value('settled'),
    released: value('released'),
    expiresAt: until === 0 ? 0 : START_MS + until,
  }
  return { id, kind: 'reservation', fields }
}
