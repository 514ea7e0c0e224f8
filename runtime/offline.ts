// A journal read and decided again in the caller's own thread, for those who look at it: replay,
// verify, inspect. Changes nothing in the directory, and works beside a server that is using it.

import { randomBytes } from 'node:crypto'
import { Engine } from '../engine/index.ts'
import { FileStorage, type JournalEnd, JournalReader } from '../journal/index.ts'
import {
  allocateAccountNames,
  allocateWords,
  type Capacities,
  FLAG,
  FRAME,
  FRAME_BYTES_MAX,
  RECORD,
  readI64,
  recordBytes,
  type Words,
} from '../protocol/index.ts'
import { inlineGenerously } from './compiler-flags.ts'
import { checkJournalDirectory, journalDirectory } from './data-directory.ts'
import { isLocked } from './lock.ts'
import { forEachRecord, type JournalSurvey, surveyJournal } from './recovery.ts'

/** Where to stop. */
export interface ReplayUntil {
  /** The last record to apply; a chain that reaches beyond it is left out as a whole. */
  readonly sequence?: number
  /** Nothing later than this is applied, in ms since 1970. */
  readonly timeMs?: number
}

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
}

/** What a replay came to. */
export interface Replay {
  readonly engine: Engine
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

/** What an empty journal is replayed into; every other says itself what tables it needs. */
const SMALLEST: Capacities = {
  accountsMax: 1,
  ledgersMax: 1,
  reservationsMax: 1,
  groupsMax: 1,
  outcomesMax: 1,
  accountNameBytesMax: 8,
  windowMs: 1,
  retentionMs: 1,
}

/**
 * Replays the journal of `dataDir`. Throws `DataDirectoryError`, `JournalDamage`,
 * `JournalVersionError`, `EngineFault`, and errors of the disk.
 */
export function replayJournal(options: ReplayOptions): Replay {
  const { dataDir, until, onProgress, onFrame } = options
  inlineGenerously()
  checkJournalDirectory(dataDir)
  const startedMs = performance.now()
  const live = options.live ?? isLocked(dataDir)
  const storage = new FileStorage(journalDirectory(dataDir))
  const survey = surveyJournal(storage, SMALLEST)
  const engine = replayEngine(survey)
  const reader = new JournalReader(storage, { mode: 'readOnly', live })
  const words = allocateWords(FRAME_BYTES_MAX)
  const target = { words, claim: () => 0 }
  let frames = 0
  let bytes = 0
  let toldBytes = 0
  let isCut = false
  while (!isCut) {
    const read = reader.next(target)
    if (read === 0) break
    onFrame?.(words)
    isCut = until !== undefined && cutFrame(words, until)
    engine.applyFrame(words, 0, false)
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
  return { engine, frames, bytes, seconds, end, voids: survey.voids }
}

function replayEngine({ tables, voids }: JournalSurvey): Engine {
  const engine = new Engine({
    capacities: tables,
    names: allocateAccountNames(tables.accountsMax, tables.accountNameBytesMax),
    seed: randomBytes(4).readUInt32LE(),
    sink: { words: allocateWords(8), at: 0, claim: () => false },
  })
  engine.skip(voids)
  return engine
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
