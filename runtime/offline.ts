// A journal read and decided again in the caller's own thread, for those who look at it: replay,
// verify, inspect. Changes nothing in the directory, and works beside a server that is using it.

import type { Engine, Module } from '../engine/index.ts'
import {
  FileStorage,
  forEachRecord,
  JoinedStorage,
  type JournalEnd,
  JournalReader,
  type Storage,
} from '../journal/index.ts'
import {
  type AccountNames,
  allocateWords,
  FLAG,
  FRAME,
  FRAME_BYTES_MAX,
  RECORD,
  readI64,
  recordBytes,
  type Words,
} from '../protocol/index.ts'
import type { OnPassedOver, SnapshotInfo } from '../snapshots/index.ts'
import { archiveDirectory, checkJournalDirectory, journalDirectory } from './data-directory.ts'
import { isLocked } from './lock.ts'
import { beginReplay, type ReplayFrom, type ReplayUntil } from './replay-start.ts'
import { tuneV8 } from './v8-flags.ts'

/** What is replayed, and how. */
export interface ReplayOptions {
  readonly dataDir: string
  readonly until?: ReplayUntil
  /** Another process is writing, so that an unfinished end is no damage. Found out where not given. */
  readonly live?: boolean
  /** Called now and then with the bytes of frames so far and in all. */
  readonly onProgress?: (bytes: number, bytesInAll: number) => void
  /** Called with every frame before it is applied, whole, at 0 of `words`. */
  readonly onFrame?: (words: Words) => void
  /** Called after every frame, and before the first. */
  readonly onApplied?: (engine: Engine) => void
  /** With the first record where not given. */
  readonly from?: ReplayFrom
  /** Hears of snapshots that are not used. */
  readonly onPassedOver?: OnPassedOver
  /** The modules that decided what is replayed; `loadRules` loads them. None where not given. */
  readonly modules?: readonly Module[] | undefined
}

/** What a replay came to. */
export interface Replay {
  readonly engine: Engine
  /** The accounts' spellings. */
  readonly names: AccountNames
  /** What it began with; undefined: with the first record. */
  readonly snapshot: SnapshotInfo | undefined
  /** Commands that were decided: those behind the snapshot. */
  readonly commands: number
  /** Frames that were applied, and their bytes. */
  readonly frames: number
  readonly bytes: number
  readonly seconds: number
  /** Where the journal ends; undefined where `until` came first. */
  readonly end: JournalEnd | undefined
  /** Sequences that a `void` record has every replay skip. */
  readonly voids: ReadonlySet<number>
}

/** Bytes between two calls of `onProgress`. */
const PROGRESS_BYTES = 4_194_304

/** The journal of `dataDir` from its first record on, as far as its archive has what it lacks. */
export function wholeJournal(dataDir: string): Storage {
  const archive = new FileStorage(archiveDirectory(dataDir))
  return new JoinedStorage(new FileStorage(journalDirectory(dataDir)), archive)
}

/**
 * Replays the journal of `dataDir`. Throws `DataDirectoryError`, `JournalDamage`,
 * `JournalVersionError`, `EngineFault`, and errors of the disk.
 */
export function replayJournal(options: ReplayOptions): Replay {
  const { dataDir, until, from = 'start', modules, onProgress, onFrame, onApplied } = options
  tuneV8()
  checkJournalDirectory(dataDir)
  const startedMs = performance.now()
  const live = options.live ?? isLocked(dataDir)
  const storage = wholeJournal(dataDir)
  const onPassedOver = options.onPassedOver ?? (() => {})
  const begun = beginReplay(dataDir, storage, from, until, onPassedOver, { modules })
  const { engine, names, snapshot, survey } = begun
  const commandsBefore = engine.commandCount
  const reader = new JournalReader(storage, { mode: 'readOnly', live, from: snapshot })
  const words = allocateWords(FRAME_BYTES_MAX)
  const target = { words, claim: () => 0 }
  let frames = 0
  let bytes = 0
  let toldBytes = 0
  let isCut = false
  onApplied?.(engine)
  while (!isCut) {
    const read = reader.next(target)
    if (read === 0) break
    onFrame?.(words)
    isCut = until !== undefined && cutFrame(words, until)
    engine.applyFrame(words, 0, false)
    onApplied?.(engine)
    frames++
    bytes += read
    if (bytes - toldBytes < PROGRESS_BYTES) continue
    toldBytes = bytes
    onProgress?.(bytes, survey.bytes)
  }
  onProgress?.(bytes, survey.bytes)
  const end = isCut ? undefined : reader.end
  reader.close()
  const seconds = (performance.now() - startedMs) / 1_000
  const commands = engine.commandCount - commandsBefore
  return { engine, names, snapshot, commands, frames, bytes, seconds, end, voids: survey.voids }
}

/** Takes out of the frame at 0 what `until` leaves out; whether that was anything. */
function cutFrame(words: Words, until: ReplayUntil): boolean {
  const count = words.u32[FRAME.count >>> 2] as number
  const first = readI64(words, FRAME.firstSequence)
  const isLate = readI64(words, FRAME.timeMs) > (until.timeMs ?? Infinity)
  const last = isLate ? 0 : (until.sequence ?? Infinity)
  if (!isLate && first + count - 1 <= last) return false
  let sequence = first
  let kept = 0
  let keptBytes = 0
  forEachRecord(words, 0, (at) => {
    const isLinked = ((words.u8[at + RECORD.flags] as number) & FLAG.linked) !== 0
    if (!isLinked && sequence <= last) {
      kept = sequence - first + 1
      keptBytes = at + recordBytes(words, at) - FRAME.bytes
    }
    sequence++
  })
  words.u32[FRAME.count >>> 2] = kept
  words.u32[FRAME.payloadBytes >>> 2] = keptBytes
  return true
}
