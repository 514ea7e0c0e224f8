// What a command must be before it is sent: the gateway's schemas say the same for JSON, in the same
// words. TypeError where a field is of the wrong kind, RangeError where its value is beyond limits.

import {
  AMOUNT_MAX,
  COMMAND_NAMES,
  type CommandName,
  Id,
  idFaultWords,
  KIND,
  LEDGER_MAX,
  METADATA_ENTRIES_MAX,
  metadataFault,
  TIMEOUT_MS_MAX,
} from '../protocol/index.ts'

/** An input of any command, not looked at yet. */
type Unchecked = Readonly<Record<string, unknown>>

/** Fields that a command of each kind may have, beside `id`. */
const FIELDS: Readonly<Record<number, readonly string[]>> = {
  [KIND.openAccount]: ['ledger', 'creditLimit', 'external', 'history', 'metadata'],
  [KIND.setCreditLimit]: ['account', 'value'],
  [KIND.freezeAccount]: ['account'],
  [KIND.unfreezeAccount]: ['account'],
  [KIND.closeAccount]: ['account'],
  [KIND.transfer]: ['debitAccount', 'creditAccount', 'amount', 'atMost'],
  [KIND.reserve]: [
    'debitAccount',
    'creditAccount',
    'amount',
    'atMost',
    'timeoutMs',
    'group',
    'allowOver',
    'metadata',
  ],
  [KIND.settle]: ['reservation', 'amount', 'final'],
  [KIND.release]: ['reservation', 'amount'],
  [KIND.extend]: ['reservation', 'amount', 'timeoutMs'],
  [KIND.settleGroup]: ['group'],
  [KIND.releaseGroup]: ['group'],
}

const KNOWN = new Map(
  Object.entries(FIELDS).map(([kind, names]) => [Number(kind), new Set(['id', ...names])]),
)

/** The kind of a member of `submit`. Throws where it is none; `at` as `commands[3]`. */
export function kindOfMember(command: unknown, index: number): number {
  if (typeof command !== 'object' || command === null || Array.isArray(command)) {
    throw new TypeError(`commands[${index}] must be an object.`)
  }
  const { type } = command as { type?: unknown }
  if (typeof type === 'string' && Object.hasOwn(COMMAND_NAMES, type)) {
    return COMMAND_NAMES[type as CommandName]
  }
  const names = Object.keys(COMMAND_NAMES).join(', ')
  throw new TypeError(`commands[${index}].type must be one of ${names}.`)
}

/** Throws where `input` is no command of this kind. `index`: its place in `submit`; -1 for its own. */
export function checkCommand(kind: number, input: unknown, index: number): void {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new TypeError('The input must be an object.')
  }
  const fields = input as Unchecked
  const known = KNOWN.get(kind) as ReadonlySet<string>
  for (const name in fields) {
    if (!known.has(name) && !(name === 'type' && index >= 0)) {
      throw new TypeError(`${path(name, index)} is not a field of this request.`)
    }
  }
  if (fields.id !== undefined) checkId(fields.id, 'id', index)
  checkFields(kind, fields, index)
}

function checkFields(kind: number, fields: Unchecked, index: number): void {
  switch (kind) {
    case KIND.openAccount:
      checkInteger(fields.ledger, 'ledger', 1, LEDGER_MAX, index)
      if (fields.creditLimit !== undefined) checkAmount(fields.creditLimit, 'creditLimit', 0, index)
      if (fields.external !== undefined) checkFlag(fields.external, 'external', index)
      if (fields.history !== undefined) checkFlag(fields.history, 'history', index)
      if (fields.metadata !== undefined) checkMetadata(fields.metadata, index)
      return
    case KIND.setCreditLimit:
      checkId(fields.account, 'account', index)
      checkAmount(fields.value, 'value', 0, index)
      return
    case KIND.freezeAccount:
    case KIND.unfreezeAccount:
    case KIND.closeAccount:
      checkId(fields.account, 'account', index)
      return
    case KIND.transfer:
      checkMove(fields, index)
      return
    case KIND.reserve:
      checkReserve(fields, index)
      return
    case KIND.settle:
      checkId(fields.reservation, 'reservation', index)
      if (fields.amount !== undefined) checkAmount(fields.amount, 'amount', 0, index)
      if (fields.final !== undefined) checkFlag(fields.final, 'final', index)
      return
    case KIND.release:
      checkId(fields.reservation, 'reservation', index)
      if (fields.amount !== undefined) checkAmount(fields.amount, 'amount', 1, index)
      return
    case KIND.extend:
      checkExtend(fields, index)
      return
    default:
      checkId(fields.group, 'group', index)
  }
}

function checkMove(fields: Unchecked, index: number): void {
  checkId(fields.debitAccount, 'debitAccount', index)
  checkId(fields.creditAccount, 'creditAccount', index)
  checkAmount(fields.amount, 'amount', 1, index)
  if (fields.atMost !== undefined) checkFlag(fields.atMost, 'atMost', index)
}

function checkReserve(fields: Unchecked, index: number): void {
  checkMove(fields, index)
  const { timeoutMs, group, allowOver, metadata } = fields
  if (timeoutMs !== undefined) checkInteger(timeoutMs, 'timeoutMs', 0, TIMEOUT_MS_MAX, index)
  if (group !== undefined) checkId(group, 'group', index)
  if (allowOver !== undefined) checkFlag(allowOver, 'allowOver', index)
  if (metadata !== undefined) checkMetadata(metadata, index)
}

function checkExtend(fields: Unchecked, index: number): void {
  const { amount, timeoutMs } = fields
  checkId(fields.reservation, 'reservation', index)
  if (amount === undefined && timeoutMs === undefined) {
    const subject = index < 0 ? 'The body' : `commands[${index}]`
    throw new TypeError(`${subject} must have an amount, a timeoutMs or both.`)
  }
  if (amount !== undefined) checkAmount(amount, 'amount', 1, index)
  if (timeoutMs !== undefined) checkInteger(timeoutMs, 'timeoutMs', 1, TIMEOUT_MS_MAX, index)
}

/** Throws where `value` is no identifier. */
export function checkId(value: unknown, name: string, index: number): void {
  if (value instanceof Id) return
  if (typeof value !== 'string') {
    throw new TypeError(
      `${path(name, index)} ${value === undefined ? 'is missing' : 'must be a string'}.`,
    )
  }
  const fault = idFaultWords(value)
  if (fault !== undefined) throw new RangeError(`${path(name, index)} ${fault}.`)
}

function checkAmount(value: unknown, name: string, min: number, index: number): void {
  checkInteger(value, name, min, AMOUNT_MAX, index)
}

/** Throws where `value` is no whole number from `min` to `max`. */
export function checkInteger(
  value: unknown,
  name: string,
  min: number,
  max: number,
  index: number,
): void {
  if (typeof value === 'number' && value >= min && value <= max && Number.isInteger(value)) return
  if (value === undefined) throw new TypeError(`${path(name, index)} is missing.`)
  if (typeof value !== 'number') {
    throw new TypeError(`${path(name, index)} must be a whole number.`)
  }
  if (!Number.isInteger(value)) {
    throw new RangeError(`${path(name, index)} must be a whole number, not ${value}.`)
  }
  const bound = value < min ? `at least ${min}` : `at most ${max}`
  throw new RangeError(`${path(name, index)} must be ${bound}.`)
}

/** Throws where `value` is neither true nor false. */
export function checkFlag(value: unknown, name: string, index: number): void {
  if (typeof value === 'boolean') return
  throw new TypeError(`${path(name, index)} must be true or false.`)
}

/** Throws where `options` is no object, or has a member that is none of `names`. */
export function checkNames(options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('The options must be an object.')
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new TypeError(`${name} is no option: ${names.join(', ')}.`)
  }
}

function checkMetadata(value: unknown, index: number): void {
  const at = path('metadata', index)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${at} must be an object.`)
  }
  const entries = Object.entries(value)
  if (entries.length > METADATA_ENTRIES_MAX) {
    throw new RangeError(`${at} has more than ${METADATA_ENTRIES_MAX} entries.`)
  }
  for (const [name, text] of entries) {
    if (typeof text !== 'string') throw new TypeError(`${at}.${name} must be a string.`)
  }
  const fault = metadataFault(value as Readonly<Record<string, string>>)
  if (fault !== undefined) throw new RangeError(index < 0 ? fault : `commands[${index}].${fault}`)
}

function path(name: string, index: number): string {
  return index < 0 ? name : `commands[${index}].${name}`
}
