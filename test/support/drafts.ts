// Drafts of random runs made into records: repetitions looked up, ids given their times, fields
// that a type does not have left out.

import type { CommandName } from '../../protocol/index.ts'
import type { Draft } from './arbitraries.ts'
import type { Change } from './command-arbitraries.ts'
import { type Command, uuidV7 } from './commands.ts'

const FIELDS: Readonly<Record<CommandName, readonly (keyof Command)[]>> = {
  open_account: ['ledger', 'creditLimit', 'external', 'history', 'metadata'],
  set_credit_limit: ['account', 'value'],
  freeze_account: ['account'],
  unfreeze_account: ['account'],
  close_account: ['account'],
  transfer: ['debit', 'credit', 'amount', 'atMost', 'metadata'],
  reserve: ['debit', 'credit', 'amount', 'atMost', 'timeoutMs', 'group', 'allowOver', 'metadata'],
  settle: ['reservation', 'amount', 'final'],
  release: ['reservation', 'amount'],
  extend: ['reservation', 'amount', 'timeoutMs'],
  settle_group: ['group'],
  release_group: ['group'],
}

const OPTIONS = ['external', 'history', 'allowOver', 'atMost', 'final', 'dryRun'] as const

/** The command with the fields of its type, and options of other types where they are set. */
function clean(command: Command): Command {
  const { type, id } = command
  const fields = FIELDS[type].map((field) => [field, command[field]])
  const options = OPTIONS.filter((option) => command[option] === true).map((one) => [one, true])
  const given = [...fields, ...options].filter(([, value]) => value !== undefined)
  return { type, id, linked: command.linked === true, ...Object.fromEntries(given) }
}

/** One field's other value; now and then another type, or a dry run. */
function changed(command: Command, change: Change | undefined): Command {
  if (change === undefined) return command
  const fields = FIELDS[command.type]
  const field = fields[change.pick % (fields.length + 1)] ?? (change.pick > 90 ? 'dryRun' : 'type')
  return { ...command, [field]: change.values[field as keyof Change['values']] }
}

/** The commands of the drafts, at `timeMs` after those of `before`. */
export function commandsOf(
  drafts: readonly Draft[],
  before: readonly Command[],
  timeMs: number,
): Command[] {
  const sent = [...before]
  for (const draft of drafts) {
    const made = draft.again === 'run' ? runAgain(draft, sent) : oneOf(draft, sent, timeMs)
    sent.push(...made.map(clean))
  }
  return sent.slice(before.length)
}

function oneOf(
  draft: Exclude<Draft, { again: 'run' }>,
  sent: readonly Command[],
  timeMs: number,
): readonly Command[] {
  if (draft.again) {
    const first = sent.at(-draft.back)
    return first === undefined ? [] : [{ ...changed(first, draft.change), linked: false }]
  }
  const { idAgeMs } = draft
  const command = named(draft.command, sent)
  if (idAgeMs === undefined || command.type === 'open_account') return [command]
  return [{ ...command, id: uuidV7(Math.max(1, timeMs - idAgeMs), idAgeMs & 1) }]
}

/** Puts the id of a reserve in place of `last 2`. */
function named(command: Command, sent: readonly Command[]): Command {
  const match = /^last (\d)$/.exec(command.reservation ?? '')
  if (match === null) return command
  const reserves = sent.filter((one) => one.type === 'reserve')
  return { ...command, reservation: reserves.at(-1 - Number(match[1]))?.id ?? 'r1' }
}

/** An even count takes the whole chain, an odd one whatever lies there. */
function runAgain(
  draft: Extract<Draft, { again: 'run' }>,
  sent: readonly Command[],
): readonly Command[] {
  const isWhole = draft.count % 2 === 0
  let start = Math.max(0, sent.length - draft.back)
  while (isWhole && start > 0 && sent[start - 1]?.linked === true) start--
  let end = start + (isWhole ? 1 : draft.count)
  while (end < sent.length && sent[end - 1]?.linked === true) end++
  return sent
    .slice(start, end)
    .map((one, i) => (i === draft.changed ? changed(one, draft.change) : one))
}
