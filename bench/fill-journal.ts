// A journal of many reserves and settles, written as the journal thread writes it, only sooner. For
// benchmarks that read one.

import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { FileStorage, JournalReader, JournalWriter } from '../journal/index.ts'
import {
  AMOUNT_MAX,
  allocateWords,
  FRAME,
  FRAME_BYTES_MAX,
  readI64,
  type Words,
} from '../protocol/index.ts'
import { journalDirectory } from '../runtime/index.ts'
import { FrameFiller } from './frame-filler.ts'

/** What the journal is to hold. */
export interface FillOptions {
  /** Half reserves and half settles. */
  readonly commands: number
  /** Accounts that they are spread over. */
  readonly accounts: number
  /** Reservations that are open at any time. */
  readonly open: number
  /** Whether the accounts keep their history. */
  readonly history?: boolean
}

const COMMANDS_PER_MS = 500
const FRAMES_AHEAD = 16
const AMOUNT = 10

/** Appends reserves and settles to the journal as a server left it; gives back its frames' bytes. */
export function fillJournal(dataDir: string, options: FillOptions): number {
  const { commands, accounts, open, history = false } = options
  const storage = new FileStorage(journalDirectory(dataDir))
  const quarantine = join(dataDir, 'quarantine')
  mkdirSync(quarantine, { recursive: true })
  const reader = new JournalReader(storage, {
    mode: 'recover',
    quarantine: new FileStorage(quarantine),
  })
  const words = allocateWords(FRAME_BYTES_MAX)
  while (reader.next({ words, claim: () => 0 }) > 0);
  const writer = new JournalWriter(storage, reader.end, { boot: randomBytes(16) })
  const filler = new FrameFiller(FRAMES_AHEAD, COMMANDS_PER_MS, reader.end.timeMs + 1)
  const roomFor = (records: number): void => {
    if (!filler.hasRoom(records)) appendFrames(writer, filler)
  }
  openAccounts(filler, accounts, history, roomFor)
  for (let n = 0; n < open; n++) {
    roomFor(1)
    reserve(filler, n, accounts)
  }
  for (let n = 0; n < (commands - open) / 2; n++) {
    roomFor(2)
    filler.settle(n, n)
    reserve(filler, open + n, accounts)
  }
  appendFrames(writer, filler)
  writer.seal({ shutdown: true })
  writer.close()
  return writer.stats.bytes
}

function openAccounts(
  filler: FrameFiller,
  accounts: number,
  history: boolean,
  roomFor: (records: number) => void,
): void {
  filler.openAccount(0, true)
  for (let n = 1; n <= accounts; n++) {
    roomFor(2)
    filler.openAccount(n, false, history)
    filler.transfer(n, 0, n, Math.floor(AMOUNT_MAX / 2 / accounts))
  }
}

function reserve(filler: FrameFiller, n: number, accounts: number): void {
  const debit = 1 + ((Math.imul(n, 0x9e3779b1) >>> 0) % accounts)
  filler.reserve(n, debit, debit === accounts ? 1 : debit + 1, AMOUNT)
}

function appendFrames(writer: JournalWriter, filler: FrameFiller): void {
  for (const at of filler.finish()) {
    const { words } = filler
    writer.append(words, at, {
      payloadBytes: words.u32[(at + FRAME.payloadBytes) >>> 2] as number,
      count: words.u32[(at + FRAME.count) >>> 2] as number,
      timeMs: timeOf(words, at),
      flags: 0,
    })
  }
  filler.begin()
}

function timeOf(words: Words, at: number): number {
  return readI64(words, at + FRAME.timeMs)
}
