// The model's view of a command's content: whether it is legal, and in what it differs from the one
// that was first sent under its id. Compares whole commands, never hashes.

import { AMOUNT_MAX, LEDGER_MAX, type StatusCode, TIMEOUT_MS_MAX } from '../../protocol/index.ts'
import type { Command } from './commands.ts'

type Option = 'external' | 'history' | 'allowOver' | 'atMost' | 'final'

const OPTIONS: readonly Option[] = ['external', 'history', 'allowOver', 'atMost', 'final']

/** Whether every field is legal and the command carries no option of another type. */
export function isLegal(command: Command): boolean {
  if (command.id === '' || command.dryRun === true) return false
  const amount = command.amount ?? 0
  const timeoutMs = command.timeoutMs ?? 0
  switch (command.type) {
    case 'open_account': {
      const ledger = command.ledger ?? 0
      return (
        hasOnly(command, 'external', 'history') &&
        within(ledger, 1, LEDGER_MAX) &&
        within(command.creditLimit ?? 0, 0, AMOUNT_MAX)
      )
    }
    case 'set_credit_limit':
      return hasOnly(command) && isId(command.account) && within(command.value ?? 0, 0, AMOUNT_MAX)
    case 'freeze_account':
    case 'unfreeze_account':
    case 'close_account':
      return hasOnly(command) && isId(command.account)
    case 'transfer':
      return hasOnly(command, 'atMost') && isMove(command)
    case 'reserve':
      return (
        hasOnly(command, 'atMost', 'allowOver') &&
        isMove(command) &&
        within(timeoutMs, 0, TIMEOUT_MS_MAX)
      )
    case 'settle':
      return hasOnly(command, 'final') && isId(command.reservation) && within(amount, 0, AMOUNT_MAX)
    case 'release':
      return (
        hasOnly(command) &&
        isId(command.reservation) &&
        (command.amount === undefined || within(amount, 1, AMOUNT_MAX))
      )
    case 'extend':
      return (
        hasOnly(command) &&
        isId(command.reservation) &&
        within(amount, 0, AMOUNT_MAX) &&
        within(timeoutMs, 0, TIMEOUT_MS_MAX) &&
        amount + timeoutMs > 0
      )
    case 'settle_group':
    case 'release_group':
      return hasOnly(command) && isId(command.group)
  }
}

function hasOnly(command: Command, ...legal: readonly Option[]): boolean {
  return OPTIONS.every((option) => command[option] !== true || legal.includes(option))
}

function isMove(command: Command): boolean {
  return isId(command.debit) && isId(command.credit) && within(command.amount ?? 0, 1, AMOUNT_MAX)
}

function isId(id: string | undefined): boolean {
  return id !== undefined && id !== ''
}

function within(value: number, min: number, max: number): boolean {
  return value >= min && value <= max
}

type Difference = readonly [field: (command: Command) => unknown, code: StatusCode]

const DIFFERENCES: readonly Difference[] = [
  [typeOf, 'exists_with_different_type'],
  [(c) => c.place, 'exists_with_different_linked'],
  [(c) => c.ledger, 'exists_with_different_ledger'],
  [(c) => c.external === true, 'exists_with_different_external'],
  [(c) => c.history === true, 'exists_with_different_history'],
  [(c) => c.account, 'exists_with_different_account'],
  [(c) => c.debit, 'exists_with_different_debit_account'],
  [(c) => c.credit, 'exists_with_different_credit_account'],
  [(c) => c.reservation, 'exists_with_different_reservation'],
  [(c) => c.group ?? '', 'exists_with_different_group'],
  [amountOf, 'exists_with_different_amount'],
  [setValueOf, 'exists_with_different_value'],
  [(c) => c.creditLimit ?? 0, 'exists_with_different_credit_limit'],
  [(c) => c.timeoutMs ?? 0, 'exists_with_different_timeout_ms'],
  [(c) => c.final ?? true, 'exists_with_different_final'],
  [(c) => c.allowOver === true, 'exists_with_different_allow_over'],
  [(c) => c.atMost === true, 'exists_with_different_at_most'],
  [(c) => c.metadata, 'exists_with_different_metadata'],
]

/** Freezing and unfreezing are one type that sets one of two values. */
function typeOf(command: Command): string {
  return command.type === 'unfreeze_account' ? 'freeze_account' : command.type
}

function setValueOf(command: Command): unknown {
  if (command.type === 'freeze_account') return true
  return command.type === 'unfreeze_account' ? false : (command.value ?? 0)
}

/** A settle or release without amount differs from one of any amount. */
function amountOf(command: Command): unknown {
  const isResolve = command.type === 'settle' || command.type === 'release'
  return isResolve ? (command.amount ?? 'all') : (command.amount ?? 0)
}

/**
 * The lowest-numbered difference of `again` from `first`, or undefined where they are the same.
 * Both are legal, and their `place` says where they stood in a chain.
 */
export function differenceOf(first: Command, again: Command): StatusCode | undefined {
  if (typeOf(first) !== typeOf(again)) return 'exists_with_different_type'
  const comparesMetadata = first.type === 'open_account' || first.type === 'reserve'
  for (const [field, code] of DIFFERENCES) {
    if (code === 'exists_with_different_metadata' && !comparesMetadata) continue
    if (field(first) !== field(again)) return code
  }
  return undefined
}
