// A batch's body on its way to records: every member is checked before the first is queued.
// Queueing and results are in batch-run.ts.

import {
  allocateWords,
  BATCH_COMMANDS_MAX,
  CHAIN_COMMANDS_MAX,
  CHAIN_OUTCOME_BYTES_MAX,
  COMMAND_NAMES,
  type CommandFields,
  type CommandName,
  copyWords,
  encodeCommand,
  FLAG,
  FRAME_PAYLOAD_BYTES_MAX,
  fieldsFault,
  type IdCache,
  idFaultWords,
  idFromText,
  KIND,
  outcomeBytesMax,
  RECORD,
  RECORD_BYTES_MAX,
  TAIL_BYTES_MAX,
  type Words,
} from '../protocol/index.ts'
import { type Action, type Actions, inputFault, isObject, writeAction } from '../surface/index.ts'
import { invalid, Refusal } from './refusal.ts'
import type { BatchBody } from './schemas.ts'
import { bodyFault, commandFault } from './validation.ts'

/** Records back to back, and where each begins. */
export interface EncodedBatch {
  readonly words: Words
  /** Begin of each record, then the end of the last. */
  readonly offsets: Uint32Array
  /** Number of each record's command in the request: some may have been left out. */
  readonly members: Uint32Array
  /** What the member of each number asks of a module; undefined for the core's commands. */
  readonly actions: readonly (Action | undefined)[]
}

/** One member as it was checked: a command of the core, or `module.command` with its input. */
type Member = (CommandFields & { readonly type: CommandName }) | ModuleMember

interface ModuleMember {
  readonly type: string
  readonly id: string
  readonly input: Readonly<Record<string, unknown>>
}

/** A checked batch. */
export interface Batch {
  readonly commands: readonly Member[]
  /** As in `EncodedBatch`. */
  readonly actions: readonly (Action | undefined)[]
  readonly linked: boolean
}

/** The kind of a member. */
export function kindOf({ type }: Member): number {
  return Object.hasOwn(COMMAND_NAMES, type) ? COMMAND_NAMES[type as CommandName] : KIND.module
}

/** The batch in a parsed body, or the refusal of it as a whole, which names the member at fault. */
export function checkBatch(value: unknown, actions: Actions): Batch | Refusal {
  const count = lengthOf(value)
  if (count > BATCH_COMMANDS_MAX) {
    return new Refusal(
      'batch_too_large',
      `The batch has ${count} commands: ${BATCH_COMMANDS_MAX} at most.`,
    )
  }
  const fault = bodyFault('Batch', value)
  if (fault !== undefined) return invalid(fault)
  const { commands, linked } = value as BatchBody
  if (linked === true && count > CHAIN_COMMANDS_MAX) {
    return new Refusal(
      'chain_too_large',
      `The chain has ${count} commands: ${CHAIN_COMMANDS_MAX} at most.`,
    )
  }
  const asked = new Array<Action | undefined>(count)
  for (let i = 0; i < count; i++) {
    const path = `commands[${i}]`
    const member = commands[i]
    const action = isObject(member) ? actions.commandOf(String(member.type)) : undefined
    asked[i] = action
    const fault =
      action === undefined
        ? (commandFault(member, path) ?? fieldsFault(member as CommandFields, `${path}.`))
        : moduleFault(action, member as Readonly<Record<string, unknown>>, path)
    if (fault !== undefined) return invalid(fault)
  }
  return { commands: commands as readonly Member[], actions: asked, linked: linked === true }
}

const MODULE_FIELDS: ReadonlySet<string> = new Set(['type', 'id', 'input'])

/** What is wrong with a module's command as a member, or undefined. */
function moduleFault(
  action: Action,
  member: Readonly<Record<string, unknown>>,
  path: string,
): string | undefined {
  for (const name of Object.keys(member)) {
    if (!MODULE_FIELDS.has(name))
      return `${path}.${name.slice(0, 60)} is not a field of this request.`
  }
  const { id, input } = member
  if (id === undefined) return `${path}.id is missing.`
  if (typeof id !== 'string') return `${path}.id must be a string.`
  const fault = idFaultWords(id)
  if (fault !== undefined) return `${path}.id ${fault}.`
  return inputFault(action, input, `${path}.input`)
}

function lengthOf(value: unknown): number {
  const commands = (value as { commands?: unknown } | null)?.commands
  return Array.isArray(commands) ? commands.length : 0
}

/** Records of the batch's members for which `isTaken` holds. */
export function encodeBatch(
  batch: Batch,
  ids: IdCache,
  isTaken: (kind: number) => boolean,
): EncodedBatch {
  const { commands, actions } = batch
  let words = allocateWords(commands.length * 160)
  const offsets = new Uint32Array(commands.length + 1)
  const members = new Uint32Array(commands.length)
  let at = 0
  let count = 0
  for (let i = 0; i < commands.length; i++) {
    const command = commands[i] as Member
    const kind = kindOf(command)
    if (!isTaken(kind)) continue
    if (at + RECORD_BYTES_MAX + TAIL_BYTES_MAX > words.u8.length) words = grown(words, at)
    members[count] = i
    at += encodeMember(words, at, command, actions[i], ids)
    offsets[++count] = at
  }
  return {
    words,
    offsets: offsets.subarray(0, count + 1),
    members: members.subarray(0, count),
    actions,
  }
}

function encodeMember(
  words: Words,
  at: number,
  member: Member,
  action: Action | undefined,
  ids: IdCache,
): number {
  if (action === undefined) {
    return encodeCommand(words, at, kindOf(member), member as CommandFields, ids)
  }
  const { id, input } = member as ModuleMember
  return writeAction(words, at, action, idFromText(id), input)
}

function grown(words: Words, used: number): Words {
  const larger = allocateWords(words.u8.length * 2 + RECORD_BYTES_MAX + TAIL_BYTES_MAX)
  copyWords(words, 0, larger, 0, used)
  return larger
}

/**
 * Flags the records as one chain, or says that they or their outcomes take too much room for one.
 */
export function linkChain({ words, offsets, members }: EncodedBatch): Refusal | undefined {
  const bytes = offsets[members.length] as number
  if (bytes > FRAME_PAYLOAD_BYTES_MAX) {
    return new Refusal(
      'chain_too_large',
      `The chain has ${bytes} bytes of records: ${FRAME_PAYLOAD_BYTES_MAX} at most.`,
    )
  }
  let outcomeBytes = 0
  for (let i = 0; i < members.length; i++) {
    // The engine, which decides on the same sum, counts no audits: there are none in a chain.
    outcomeBytes += outcomeBytesMax(words.u8[offsets[i] as number] as number, 0)
  }
  if (outcomeBytes > CHAIN_OUTCOME_BYTES_MAX) {
    return new Refusal(
      'chain_too_large',
      `The outcomes of the chain could take ${outcomeBytes} bytes: ` +
        `${CHAIN_OUTCOME_BYTES_MAX} at most, which is about 20 commands for groups.`,
    )
  }
  for (let i = 0; i + 1 < members.length; i++) {
    const flags = (offsets[i] as number) + RECORD.flags
    words.u8[flags] = (words.u8[flags] as number) | FLAG.linked
  }
  return undefined
}
