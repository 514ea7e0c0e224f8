// Small journals for tests: records whose every word follows from their sequence, so that a
// reader's result can be checked without remembering what was written.

import {
  type FrameVisit,
  type JournalEnd,
  JournalReader,
  JournalWriter,
  type ReaderOptions,
  type Storage,
  type WriterOptions,
} from '../../journal/index.ts'
import { allocateWords, FRAME, FRAME_BYTES_MAX, readI64, type Words } from '../../protocol/index.ts'

/** Bytes of every record in these journals. */
export const TEST_RECORD_BYTES = 48

/** A frame as a test sees it. */
export interface SeenFrame {
  readonly first: number
  readonly count: number
  readonly flags: number
  readonly bytes: number
}

/** What a reader gave. */
export interface ReadJournal {
  readonly frames: SeenFrame[]
  readonly end: JournalEnd
}

const memory = allocateWords(FRAME_BYTES_MAX)

/** A random sequence of numbers in [0, 1) that a seed repeats (mulberry32, by Tommy Ettinger). */
export function seeded(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Bytes for ids, from a seeded sequence. */
export function seededBytes(random: () => number): (bytes: number) => Uint8Array {
  return (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256))
}

/** Reads to the end; throws where a record is not what was written under its sequence. */
export function readJournal(storage: Storage, options: ReaderOptions): ReadJournal {
  const reader = new JournalReader(storage, options)
  return { frames: drain(reader), end: reader.end }
}

/** Reads what a reader still has. */
export function drain(reader: JournalReader): SeenFrame[] {
  const frames: SeenFrame[] = []
  for (;;) {
    const bytes = reader.next({ words: memory, claim: () => 0 })
    if (bytes === 0) return frames
    frames.push(seenFrame(memory, bytes))
  }
}

function seenFrame(words: Words, bytes: number): SeenFrame {
  const first = readI64(words, FRAME.firstSequence)
  const count = words.u32[FRAME.count >>> 2] as number
  for (let i = 0; i < count; i++) {
    const at = (FRAME.bytes + i * TEST_RECORD_BYTES) >>> 2
    for (let w = 0; w < TEST_RECORD_BYTES / 4; w++) {
      if (words.i32[at + w] !== wordOf(first + i, w)) {
        throw new Error(`record ${first + i} was read with other bytes than it was written with`)
      }
    }
  }
  return { first, count, flags: words.u32[FRAME.flags >>> 2] as number, bytes }
}

function wordOf(sequence: number, word: number): number {
  return Math.imul(sequence, 0x9e3779b1) ^ Math.imul(word + 1, 0x85ebca77)
}

/** Lays `count` records from `first` behind a frame's header at 0; gives back their bytes. */
export function layRecords(words: Words, first: number, count: number): number {
  for (let i = 0; i < count; i++) {
    const at = (FRAME.bytes + i * TEST_RECORD_BYTES) >>> 2
    for (let w = 0; w < TEST_RECORD_BYTES / 4; w++) words.i32[at + w] = wordOf(first + i, w)
  }
  return count * TEST_RECORD_BYTES
}

/** Appends one frame of `count` records; gives back its length. */
export function appendRecords(
  writer: JournalWriter,
  count: number,
  timeMs = writer.timeMs + 1,
  flags = 0,
): number {
  const payloadBytes = layRecords(memory, writer.sequence + 1, count)
  return writer.append(memory, 0, { payloadBytes, count, timeMs, flags })
}

/** Recovers `storage` (quarantine in it too) and opens a writer at its end. */
export function startWriter(
  storage: Storage,
  options: Partial<WriterOptions> & { readonly quarantine?: Storage } = {},
): { readonly writer: JournalWriter; readonly found: ReadJournal } {
  const { quarantine = storage, ...rest } = options
  const found = readJournal(storage, { mode: 'recover', quarantine })
  const boot = rest.boot ?? new Uint8Array(16).fill(7)
  const segmentBytes = rest.segmentBytes ?? 65_536
  return { writer: new JournalWriter(storage, found.end, { ...rest, boot, segmentBytes }), found }
}

/** A visit for `scanHeaders` that collects. */
export function collecting(into: { first: number; flags: number; loaded: boolean }[]): FrameVisit {
  return (frame, load) => {
    const words = load()
    const loaded =
      words !== undefined && readI64(words, FRAME.firstSequence) === frame.firstSequence
    into.push({ first: frame.firstSequence, flags: frame.flags, loaded })
  }
}
