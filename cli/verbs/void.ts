// `holdfast void`: appends, offline and under the locks, a record that has every later replay skip one
// command, and sets the snapshots aside that have its effect.

import { randomBytes } from 'node:crypto'
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import {
  CAPACITIES_LEAST,
  FileStorage,
  JournalReader,
  JournalWriter,
  segmentName,
  segmentNames,
} from '../../journal/index.ts'
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
  snapshotsDirectory,
} from '../../runtime/index.ts'
import {
  chooseSnapshots,
  listSnapshots,
  SnapshotDamage,
  type SnapshotInfo,
  snapshotSequence,
  verifySnapshot,
} from '../../snapshots/index.ts'
import { CliError, EXIT, type ExitCode } from '../exit-codes.ts'
import { grouped, note } from '../output.ts'

/** Voids the command at `sequence`. Refuses what is not there, is no command, or is void already. */
export async function voidRecord(dataDir: string, sequence: number): Promise<ExitCode> {
  checkJournalDirectory(dataDir)
  // A follower would go on with the effect of the command, and write it into its next snapshot.
  const locks = [lockDirectory(dataDir)]
  try {
    locks.push(lockDirectory(dataDir, 'follower'))
    locks.push(lockDirectory(dataDir, 'views'))
    const storage = new FileStorage(journalDirectory(dataDir))
    const quarantine = new FileStorage(join(dataDir, 'quarantine'))
    const from = findBasis(dataDir, storage, sequence)
    const reader = new JournalReader(storage, { mode: 'recover', quarantine, from })
    const kind = findVoidable(reader, sequence)
    const writer = new JournalWriter(storage, reader.end, { boot: randomBytes(16) })
    const names = setAside(dataDir, sequence)
    appendVoid(writer, sequence)
    writer.seal({ shutdown: true })
    writer.close()
    for (const name of names) note(`${name} had its effect, and is in quarantine/ now`)
    note(`sequence ${grouped(sequence)} (${NAME_OF_KIND[kind]}) is void: every replay skips it`)
    return EXIT.fine
  } finally {
    for (const lock of locks) lock.release()
  }
}

/**
 * What the next start will replay from: the newest good snapshot before `sequence`, or undefined for
 * the journal's first record. Refuses where there is neither.
 */
function findBasis(
  dataDir: string,
  journal: FileStorage,
  sequence: number,
): SnapshotInfo | undefined {
  const [first] = segmentNames(journal)
  if (first === undefined || first === segmentName(1)) return undefined
  const snapshots = new FileStorage(snapshotsDirectory(dataDir))
  const { candidates } = chooseSnapshots(snapshots, journal, {
    capacities: CAPACITIES_LEAST,
    sequenceMax: sequence - 1,
    onPassedOver: ({ sentence }) => note(`passed over: ${sentence}`),
  })
  const basis = candidates.find(({ name }) => isWhole(snapshots, name))
  if (basis !== undefined) return basis
  throw refused(
    `the journal begins with ${first}, and there is no good snapshot before sequence ${sequence} ` +
      'to go on from without it: move the segments of archive/ back into journal/ first',
  )
}

function isWhole(snapshots: FileStorage, name: string): boolean {
  try {
    verifySnapshot(snapshots, name)
    return true
  } catch (error) {
    if (!(error instanceof SnapshotDamage)) throw error
    note(`passed over: ${error.message}`)
    return false
  }
}

/** Moves the snapshots that have seen `sequence` to quarantine/; gives back their names. */
function setAside(dataDir: string, sequence: number): string[] {
  const directory = snapshotsDirectory(dataDir)
  const snapshots = new FileStorage(directory)
  const names = listSnapshots(snapshots).filter(
    (name) => Number(snapshotSequence(name)) >= sequence,
  )
  if (names.length === 0) return names
  const quarantine = join(dataDir, 'quarantine')
  mkdirSync(quarantine, { recursive: true, mode: 0o700 })
  for (const name of names) renameSync(join(directory, name), join(quarantine, name))
  for (const path of [quarantine, directory, dataDir]) new FileStorage(path).syncDirectory()
  return names
}

/** Reads the journal to its end; gives back the kind of the command at `sequence`. */
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
