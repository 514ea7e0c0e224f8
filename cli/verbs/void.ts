// `holdfast void`: appends, offline and under the lock, a record that has every later replay skip one
// command.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { FileStorage, JournalReader, JournalWriter } from '../../journal/index.ts'
import {
  allocateWords,
  FRAME,
  FRAME_BYTES_MAX,
  FRAME_FLAG,
  isCommand,
  KIND,
  NAME_OF_KIND,
  readI64,
  VOID,
  type Words,
  writeI64,
} from '../../protocol/index.ts'
import {
  checkJournalDirectory,
  forEachRecord,
  journalDirectory,
  lockDirectory,
} from '../../runtime/index.ts'
import { CliError, EXIT, type ExitCode } from '../exit-codes.ts'
import { grouped, note } from '../output.ts'

/** Voids the command at `sequence`. Refuses what is not there, is no command, or is void already. */
export async function voidRecord(dataDir: string, sequence: number): Promise<ExitCode> {
  checkJournalDirectory(dataDir)
  const lock = lockDirectory(dataDir)
  try {
    const storage = new FileStorage(journalDirectory(dataDir))
    const quarantine = new FileStorage(join(dataDir, 'quarantine'))
    const reader = new JournalReader(storage, { mode: 'recover', quarantine })
    const kind = findVoidable(reader, sequence)
    const writer = new JournalWriter(storage, reader.end, { boot: randomBytes(16) })
    appendVoid(writer, sequence)
    writer.seal({ shutdown: true })
    writer.close()
    note(`sequence ${grouped(sequence)} (${NAME_OF_KIND[kind]}) is void: every replay skips it`)
    return EXIT.fine
  } finally {
    lock.release()
  }
}

/** Reads the whole journal; gives back the kind of the command at `sequence`. */
function findVoidable(reader: JournalReader, sequence: number): number {
  const words = allocateWords(FRAME_BYTES_MAX)
  const target = { words, claim: () => 0 }
  let kind = 0
  let isVoid = false
  while (reader.next(target) > 0) {
    let at = readI64(words, FRAME.firstSequence)
    forEachRecord(words, 0, (record) => {
      if (at++ === sequence) kind = words.u8[record] as number
      if (isVoidOf(words, record, sequence)) isVoid = true
    })
  }
  const last = reader.end.sequence
  if (sequence > last) throw refused(`there is no sequence ${sequence}: the last one is ${last}`)
  if (!isCommand(kind)) throw refused(`sequence ${sequence} is no command: ${NAME_OF_KIND[kind]}`)
  if (isVoid) throw refused(`sequence ${sequence} is void already`)
  return kind
}

function isVoidOf(words: Words, record: number, sequence: number): boolean {
  return words.u8[record] === KIND.void && readI64(words, record + VOID.sequence) === sequence
}

function appendVoid(writer: JournalWriter, sequence: number): void {
  const words = allocateWords(FRAME_BYTES_MAX)
  const at = FRAME.bytes
  words.u8[at] = KIND.void
  writeI64(words, at + VOID.sequence, sequence)
  writer.append(words, 0, {
    payloadBytes: VOID.bytes,
    count: 1,
    timeMs: writer.timeMs,
    flags: FRAME_FLAG.void,
  })
}

function refused(message: string): CliError {
  return new CliError(EXIT.failed, `${message}; nothing was changed`)
}
