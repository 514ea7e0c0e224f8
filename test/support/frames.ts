// Frames in memory from plain records, and outcomes back to plain objects. Frames have no checksum
// and no chain: the engine reads neither.

import { createHash } from 'node:crypto'
import {
  ACCOUNT_CHANGE,
  allocateWords,
  BYTES_OF_KIND,
  CHECKPOINT,
  COMMAND_NAMES,
  CONFIGURE,
  EXTEND,
  endTail,
  FLAG,
  FRAME,
  FRAME_ALIGN,
  FRAME_MAGIC,
  ID_BYTES,
  idFromText,
  isCanonicalUuid,
  KIND,
  NO_GATEWAY,
  OPEN_ACCOUNT,
  RECORD,
  RESERVE,
  RESOLVE,
  RESOLVE_GROUP,
  RULES_VERSION,
  SET_CREDIT_LIMIT,
  TAIL_TAG,
  TRANSFER,
  VOID,
  type Words,
  writeI64,
  writeTailEntry,
} from '../../protocol/index.ts'
import { type Command, type Frame, isPlainCommand, type Notice } from './commands.ts'

const NOTICE_KINDS = {
  tick: KIND.tick,
  configure: KIND.configure,
  void: KIND.void,
  checkpoint: KIND.checkpoint,
} as const

const NO_ID = new Uint8Array(ID_BYTES)
const knownIds = new Map<string, Uint8Array>([['', NO_ID]])

/** The 16 bytes of an id; '' is nil. */
export function idBytes(id: string): Uint8Array {
  let bytes = knownIds.get(id)
  if (bytes === undefined) {
    bytes = idFromText(id)
    knownIds.set(id, bytes)
  }
  return bytes
}

/** The frame's bytes, with records of gateway slot `gateway` whose tokens count from 0. */
export function encodeFrame(frame: Frame, firstSequence: number, gateway = 1): Words {
  const bytes = frame.records.reduce((sum, record) => sum + recordBytesMax(record), 0)
  const words = allocateWords(Math.ceil((FRAME.bytes + bytes) / FRAME_ALIGN) * FRAME_ALIGN)
  let at: number = FRAME.bytes
  for (const [token, record] of frame.records.entries()) {
    at += isPlainCommand(record)
      ? encodeCommand(words, at, record, gateway, token)
      : encodeNotice(words, at, record, gateway, token)
  }
  words.u32[FRAME.magic >>> 2] = FRAME_MAGIC
  words.u32[FRAME.payloadBytes >>> 2] = at - FRAME.bytes
  words.u32[FRAME.count >>> 2] = frame.records.length
  writeI64(words, FRAME.firstSequence, firstSequence)
  writeI64(words, FRAME.timeMs, frame.timeMs)
  return words
}

function recordBytesMax(record: Command | Notice): number {
  if (!isPlainCommand(record)) return BYTES_OF_KIND[NOTICE_KINDS[record.type]] as number
  const texts = `${record.id}${record.group ?? ''}${record.metadata ?? ''}`
  return (BYTES_OF_KIND[COMMAND_NAMES[record.type]] as number) + Buffer.byteLength(texts) + 24
}

/** Writes one command's record at `at` of memory that is zero there; gives back its length. */
export function encodeCommand(
  words: Words,
  at: number,
  command: Command,
  gateway: number,
  token: number,
): number {
  const kind = COMMAND_NAMES[command.type]
  const fixed = BYTES_OF_KIND[kind] as number
  const tail = writeTail(words.u8, at + fixed, command)
  words.u8[at + RECORD.kind] = kind
  words.u8[at + RECORD.flags] = flagsOf(command)
  words.u16[(at + RECORD.tailBytes) >>> 1] = tail
  words.u16[(at + RECORD.gateway) >>> 1] = gateway
  words.u32[(at + RECORD.token) >>> 2] = token
  words.u32[(at + RECORD.metadataHash) >>> 2] = metadataHash(command.metadata)
  words.u8.set(idBytes(command.id), at + RECORD.id)
  writeFields(words, at, command)
  return fixed + tail
}

function flagsOf(command: Command): number {
  const resolves = command.type === 'settle' || command.type === 'release'
  const final = command.final ?? command.type === 'settle'
  return (
    (command.linked === true ? FLAG.linked : 0) |
    (command.external === true ? FLAG.external : 0) |
    (command.history === true ? FLAG.history : 0) |
    (command.allowOver === true ? FLAG.allowOver : 0) |
    (command.atMost === true ? FLAG.atMost : 0) |
    (resolves && command.amount !== undefined ? FLAG.hasAmount : 0) |
    (final ? FLAG.final : 0) |
    (command.dryRun === true ? FLAG.dryRun : 0)
  )
}

function metadataHash(metadata: string | undefined): number {
  if (metadata === undefined) return 0
  return createHash('sha256').update(metadata).digest().readUInt32LE(0)
}

function writeTail(u8: Uint8Array, start: number, command: Command): number {
  let at = start
  const spelled = (tag: 1 | 2 | 3, text: string) => {
    at = writeTailEntry(u8, at, tag, Buffer.from(text))
  }
  if (command.id !== '' && !isCanonicalUuid(command.id)) spelled(TAIL_TAG.id, command.id)
  if (command.metadata !== undefined) spelled(TAIL_TAG.metadata, command.metadata)
  if (command.type === 'reserve' && command.group) spelled(TAIL_TAG.group, command.group)
  return endTail(u8, start, at)
}

function writeFields(words: Words, at: number, command: Command): void {
  const id = (offset: number, text = '') => words.u8.set(idBytes(text), at + offset)
  const number = (offset: number, value = 0) => writeI64(words, at + offset, value)
  switch (command.type) {
    case 'open_account':
      words.u32[(at + OPEN_ACCOUNT.ledger) >>> 2] = command.ledger ?? 0
      number(OPEN_ACCOUNT.creditLimit, command.creditLimit)
      break
    case 'set_credit_limit':
      id(SET_CREDIT_LIMIT.account, command.account)
      number(SET_CREDIT_LIMIT.value, command.value)
      break
    case 'freeze_account':
    case 'unfreeze_account':
    case 'close_account':
      id(ACCOUNT_CHANGE.account, command.account)
      break
    case 'transfer':
    case 'reserve':
      id(TRANSFER.debit, command.debit)
      id(TRANSFER.credit, command.credit)
      number(TRANSFER.amount, command.amount)
      if (command.type === 'transfer') break
      number(RESERVE.timeoutMs, command.timeoutMs)
      id(RESERVE.group, command.group)
      break
    case 'settle':
    case 'release':
      id(RESOLVE.reservation, command.reservation)
      number(RESOLVE.amount, command.amount)
      break
    case 'extend':
      id(EXTEND.reservation, command.reservation)
      number(EXTEND.amount, command.amount)
      number(EXTEND.timeoutMs, command.timeoutMs)
      break
    case 'settle_group':
    case 'release_group':
      id(RESOLVE_GROUP.group, command.group)
      break
  }
}

function encodeNotice(
  words: Words,
  at: number,
  notice: Notice,
  gateway: number,
  token: number,
): number {
  const kind = NOTICE_KINDS[notice.type]
  words.u8[at] = kind
  const isRouted = notice.type === 'tick' && notice.routed === true
  words.u16[(at + RECORD.gateway) >>> 1] = isRouted ? gateway : NO_GATEWAY
  words.u32[(at + RECORD.token) >>> 2] = token
  if (notice.type === 'void') writeI64(words, at + VOID.sequence, notice.sequence)
  if (notice.type === 'checkpoint') writeI64(words, at + CHECKPOINT.sequence, notice.sequence)
  if (notice.type === 'configure') {
    const { capacities } = notice
    writeI64(words, at + CONFIGURE.rulesVersion, RULES_VERSION)
    writeI64(words, at + CONFIGURE.accountsMax, capacities.accountsMax)
    writeI64(words, at + CONFIGURE.ledgersMax, capacities.ledgersMax)
    writeI64(words, at + CONFIGURE.reservationsMax, capacities.reservationsMax)
    writeI64(words, at + CONFIGURE.groupsMax, capacities.groupsMax)
    writeI64(words, at + CONFIGURE.outcomesMax, capacities.outcomesMax)
    writeI64(words, at + CONFIGURE.accountNameBytesMax, capacities.accountNameBytesMax)
    writeI64(words, at + CONFIGURE.windowMs, capacities.windowMs)
    writeI64(words, at + CONFIGURE.retentionMs, capacities.retentionMs)
    writeI64(words, at + CONFIGURE.moduleReplyBytesMax, capacities.moduleReplyBytesMax)
  }
  return BYTES_OF_KIND[kind] as number
}
