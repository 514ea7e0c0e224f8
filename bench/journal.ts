// The journal alone: reserves and settles copied into frames of 256 KiB, as the journal's thread
// copies them from a gateway's ring, finished, written and synced. No engine, no gateway.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  FileStorage,
  fillSegment,
  JournalReader,
  JournalWriter,
  type SegmentSource,
} from '../journal/index.ts'
import {
  copyWords,
  FLAG,
  FRAME,
  FRAME_BYTES_MAX,
  KIND,
  RECORD,
  RESERVE,
  RESOLVE,
  recordBytes,
  SEGMENT_BYTES,
  SEGMENT_HEAD_BYTES,
  type Words,
  wordsOver,
  writeI64,
} from '../protocol/index.ts'
import { type BenchResult, machineConditions, median } from './result.ts'

/** What may be set; the rest is as the live journal has it. */
export interface JournalBenchOptions {
  /** Where the temporary directory goes; the operating system's place where not given. */
  readonly dir?: string
  /** At least 5, the default. */
  readonly rounds?: number
  /** Frames of 256 KiB a round; 480 where not given (126 MB, two segments). */
  readonly framesPerRound?: number
}

/** A settle carries its reservation's spelling in a tail, so that records are 80 and 96 bytes. */
const SETTLE_TAIL_BYTES = 24

/** Bytes of records that wait, as in a gateway's ring. */
const SOURCE_BYTES = 1_048_576

interface Round {
  readonly records: number
  readonly bytes: number
  readonly seconds: number
  readonly syncs: number
  readonly syncP50Us: number
  readonly syncP99Us: number
  readonly syncSeconds: number
}

/** Measures; takes some seconds a round, most of them for filling the segments beforehand. */
export async function benchJournal(options: JournalBenchOptions = {}): Promise<BenchResult> {
  const frames = options.framesPerRound ?? 480
  const count = Math.max(5, options.rounds ?? 5)
  const rounds: Round[] = []
  for (let i = 0; i < count; i++) rounds.push(await measureRound(options.dir ?? tmpdir(), frames))
  const rates = rounds.map((round) => Math.round(round.records / round.seconds))
  const of = (value: (round: Round) => number) => median(rounds.map(value))
  return {
    name: 'journal',
    commandsPerSecond: median(rates),
    rounds: rates,
    conditions: {
      ...machineConditions(),
      directory: options.dir ?? tmpdir(),
      records: 'reserve of 96 bytes and settle of 80 bytes by turns',
      recordBytes: (RESERVE.bytes + RESOLVE.bytes + SETTLE_TAIL_BYTES) / 2,
      recordsPerSync: Math.round(of((round) => round.records / round.syncs)),
      frameBytes: FRAME_BYTES_MAX,
      segmentBytes: SEGMENT_BYTES,
      segments: 'filled before the clock starts',
      syncP50Ms: of((round) => round.syncP50Us) / 1_000,
      syncP99Ms: of((round) => round.syncP99Us) / 1_000,
      rounds: count,
      recordsPerRound: rounds[0]?.records ?? 0,
    },
    figures: {
      megabytesPerSecond: Math.round(of((round) => round.bytes / round.seconds / 1_000_000)),
      shareOfTimeInSync: Number(of((round) => round.syncSeconds / round.seconds).toFixed(3)),
    },
  }
}

async function measureRound(parent: string, frames: number): Promise<Round> {
  const directory = mkdtempSync(join(parent, 'holdfast-bench-'))
  try {
    const storage = new FileStorage(directory)
    const reader = new JournalReader(storage, { mode: 'recover', quarantine: storage })
    const memory = sharedWords(FRAME_BYTES_MAX)
    const source = sharedWords(SOURCE_BYTES)
    reader.next({ words: memory, claim: () => 0 })
    const framesPerSegment = Math.floor((SEGMENT_BYTES - SEGMENT_HEAD_BYTES) / FRAME_BYTES_MAX)
    const segments = filledSegments(storage, Math.ceil(frames / framesPerSegment))
    const writer = new JournalWriter(storage, reader.end, { boot: randomBytes(16), segments })
    const sourceBytes = fillSource(source)
    // The first frames are for the compiler.
    writeFrames(writer, source, sourceBytes, memory, 8)
    writer.syncTimes.reset()
    const before = { ...writer.stats }
    const startedAt = performance.now()
    const records = writeFrames(writer, source, sourceBytes, memory, frames - 8)
    const seconds = (performance.now() - startedAt) / 1_000
    writer.close()
    return {
      records,
      seconds,
      bytes: writer.stats.bytes - before.bytes,
      syncs: writer.stats.syncs - before.syncs,
      syncP50Us: writer.syncTimes.percentile(50),
      syncP99Us: writer.syncTimes.percentile(99),
      syncSeconds: (writer.stats.syncUs - before.syncUs) / 1_000_000,
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Reserves and settles by turns, back to back; gives back how many bytes of them there are. */
function fillSource(source: Words): number {
  let at = 0
  for (let i = 0; ; i++) {
    const isReserve = i % 2 === 0
    const tailBytes = isReserve ? 0 : SETTLE_TAIL_BYTES
    const bytes = isReserve ? RESERVE.bytes : RESOLVE.bytes + tailBytes
    if (at + bytes > source.u8.length) return at
    source.u8[at] = isReserve ? KIND.reserve : KIND.settle
    source.u8[at + RECORD.flags] = isReserve ? 0 : FLAG.final
    source.u16[(at + RECORD.tailBytes) >>> 1] = tailBytes
    writeI64(source, at + RECORD.id, i + 1)
    writeI64(source, at + (isReserve ? RESERVE.amount : RESOLVE.reservation), i + 1)
    at += bytes
  }
}

/** Writes full frames, record by record from the source round and round; gives back the records. */
function writeFrames(
  writer: JournalWriter,
  source: Words,
  sourceBytes: number,
  memory: Words,
  frames: number,
): number {
  let from = 0
  let records = 0
  for (let f = 0; f < frames; f++) {
    let at: number = FRAME.bytes
    let count = 0
    for (;;) {
      if (from === sourceBytes) from = 0
      const bytes = recordBytes(source, from)
      if (at + bytes > FRAME_BYTES_MAX) break
      copyWords(source, from, memory, at, bytes)
      from += bytes
      at += bytes
      count++
    }
    const payloadBytes = at - FRAME.bytes
    writer.append(memory, 0, { payloadBytes, count, timeMs: Date.now(), flags: 0 })
    records += count
  }
  return records
}

/** Segments that lie ready: what the preparer's thread has done in time. */
function filledSegments(storage: FileStorage, count: number): SegmentSource {
  const names: string[] = []
  for (let i = 0; i < count; i++) {
    const name = `bench-${i}.prepared`
    const file = storage.createTemporary(name)
    fillSegment(file, SEGMENT_BYTES)
    file.close()
    names.push(name)
  }
  return { take: () => names.shift(), progress: () => {} }
}

function sharedWords(bytes: number): Words {
  return wordsOver(new SharedArrayBuffer(bytes))
}
