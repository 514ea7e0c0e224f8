// The messages that the server makes itself: welcome, names, and an outcome's head for what never
// reached the engine. Outcomes of the engine are copied as they are, see stream-outbox.ts.

import {
  type AccountNames,
  allocateWords,
  CHAIN_COMMANDS_MAX,
  MESSAGE,
  MESSAGE_HEAD,
  NAME_ENTRY,
  OUTCOME,
  type Pipeline,
  STREAM_MESSAGE_BYTES_MAX,
  STREAM_NAMES_MAX,
  STREAM_VERSION,
  WELCOME,
  type Words,
  writeF64,
  writeMessageHead,
} from '../protocol/index.ts'
import { STREAM_WINDOW_BYTES, STREAM_WINDOW_COMMANDS } from './limits.ts'

/** The first message of every connection; `windowMs` is the capacity of this name. */
export function welcomeMessage(pipeline: Pipeline, windowMs: number): Uint8Array {
  const words = allocateWords(MESSAGE_HEAD.bytes + WELCOME.bytes)
  const { u32, u8 } = words
  const at = MESSAGE_HEAD.bytes
  const { sequence, timeMs } = pipeline.progress()
  writeMessageHead(words, 0, MESSAGE.welcome, 1, WELCOME.bytes)
  u32[(at + WELCOME.version) >>> 2] = STREAM_VERSION
  u32[(at + WELCOME.windowCommands) >>> 2] = STREAM_WINDOW_COMMANDS
  u32[(at + WELCOME.windowBytes) >>> 2] = STREAM_WINDOW_BYTES
  u32[(at + WELCOME.messageBytesMax) >>> 2] = STREAM_MESSAGE_BYTES_MAX
  u32[(at + WELCOME.chainCommandsMax) >>> 2] = CHAIN_COMMANDS_MAX
  u32[(at + WELCOME.namesMax) >>> 2] = STREAM_NAMES_MAX
  u8.set(pipeline.log(), at + WELCOME.log)
  writeF64(words, at + WELCOME.sequence, sequence)
  writeF64(words, at + WELCOME.timeMs, timeMs)
  u32[(at + WELCOME.windowMs) >>> 2] = windowMs
  return u8
}

/** The names of the accounts whose `count` slots `asked` begins with. */
export function namesMessage(names: AccountNames, asked: Words, count: number): Uint8Array {
  const entries: NameEntry[] = []
  let bytes = 0
  for (let i = 0; i < count; i++) {
    const entry = nameEntry(names, asked.u32[i] as number)
    entries.push(entry)
    bytes += entry.bytes
  }
  const words = allocateWords(MESSAGE_HEAD.bytes + bytes)
  writeMessageHead(words, 0, MESSAGE.names, count, bytes)
  let at: number = MESSAGE_HEAD.bytes
  for (const { slot, id, spelling, metadata, bytes: length } of entries) {
    words.u32[(at + NAME_ENTRY.slot) >>> 2] = slot
    words.u16[(at + NAME_ENTRY.spellingBytes) >>> 1] = spelling.length
    words.u16[(at + NAME_ENTRY.metadataBytes) >>> 1] = metadata.length
    words.u8.set(id, at + NAME_ENTRY.id)
    words.u8.set(spelling, at + NAME_ENTRY.bytes)
    words.u8.set(metadata, at + NAME_ENTRY.bytes + spelling.length)
    at += length
  }
  return words.u8
}

interface NameEntry {
  readonly slot: number
  readonly id: Uint8Array
  readonly spelling: Uint8Array
  readonly metadata: Uint8Array
  readonly bytes: number
}

function nameEntry(names: AccountNames, slot: number): NameEntry {
  const spelling = Buffer.from(names.spellingOf(slot) ?? '')
  const metadata = Buffer.from(names.metadataOf(slot) ?? '')
  const bytes = NAME_ENTRY.bytes + ((spelling.length + metadata.length + 7) & ~7)
  return { slot, id: names.idOf(slot), spelling, metadata, bytes }
}

/** Writes the outcome of a record that was not journaled at `at`: its head, sequence and time 0. */
export function writeRefusal(
  { u8, u16, u32 }: Words,
  at: number,
  status: number,
  kind: number,
  token: number,
): void {
  u8.fill(0, at, at + OUTCOME.head)
  u32[(at + OUTCOME.token) >>> 2] = token
  u16[(at + OUTCOME.status) >>> 1] = status
  u8[at + OUTCOME.kind] = kind
  u32[(at + OUTCOME.bytes) >>> 2] = OUTCOME.head
}
