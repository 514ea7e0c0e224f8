// What makes commands of a frame a chain, as the model sees it. Decides nothing.

import {
  CHAIN_COMMANDS_MAX,
  CHAIN_OUTCOME_BYTES_MAX,
  COMMAND_NAMES,
  IS_REMEMBERED,
  outcomeBytesMax,
  STATUS,
  type StatusCode,
} from '../../protocol/index.ts'
import { type Command, isPlainCommand, type PlainRecord } from './commands.ts'

/** The commands from `start` on that are linked to each other, or the one that is not. */
export function runOf(records: readonly PlainRecord[], start: number): Command[] {
  const run: Command[] = []
  for (const record of records.slice(start)) {
    if (!isPlainCommand(record)) break
    run.push(record)
    if (record.linked !== true) break
  }
  return run
}

/** Whether the run ends within its frame, and is as short as a chain must be. */
export function isWhole(run: readonly Command[]): boolean {
  const outcomeBytes = run.reduce((sum, c) => sum + outcomeBytesMax(COMMAND_NAMES[c.type], 0), 0)
  if (run.length > CHAIN_COMMANDS_MAX || outcomeBytes > CHAIN_OUTCOME_BYTES_MAX) return false
  return run.at(-1)?.linked !== true
}

export function placeOf(i: number, length: number): 'first' | 'middle' | 'last' {
  if (i === 0) return 'first'
  return i === length - 1 ? 'last' : 'middle'
}

/** Accounts' ids are apart from commands' ids. */
export function keyOf(command: Command): string {
  return `${command.type === 'open_account' ? 'account' : 'command'} ${command.id}`
}

export function isKept(code: StatusCode): boolean {
  return IS_REMEMBERED[STATUS[code]] === 1
}
