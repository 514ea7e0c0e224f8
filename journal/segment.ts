// Segment files: their names, their headers, and how they are filled. What lies in them after the
// header is frame.ts's.

import { crc32 } from 'node:zlib'
import {
  allocateWords,
  FORMAT_VERSION,
  FRAME_ALIGN,
  readI64,
  SEGMENT,
  SEGMENT_HEAD_BYTES,
  SEGMENT_MAGIC,
  type Words,
  writeI64,
} from '../protocol/index.ts'
import { JournalDamage, JournalVersionError } from './errors.ts'
import { CHAIN_BYTES, hasBytes } from './frame.ts'
import { readAll, type Storage, type StorageFile, writeAll } from './storage.ts'

/** Written between two syncs while filling: more would stall the journal's own syncs (1.2 to 29 ms). */
const FILL_BYTES = 1_048_576

/** Written between two pauses while filling: a quarter of a millisecond of a core that others wait for. */
const FILL_PIECE_BYTES = 65_536

/** Suffixes of files that are no segments yet; an owner removes them at its start. */
export const TEMPORARY = { preparing: '.preparing', prepared: '.prepared' } as const

/** What follows the header in its block. */
const HEAD_ZEROS = new Uint8Array(SEGMENT_HEAD_BYTES - SEGMENT.bytes)

const SEGMENT_NAME = /^\d{20}\.segment$/

/** What a segment's header says. */
export interface SegmentHeader {
  readonly segmentBytes: number
  readonly firstSequence: number
  readonly log: Uint8Array
  readonly incarnation: Uint8Array
  readonly chain: Uint8Array
}

/**
 * What a segment has to continue; `log` is undefined before the first segment, the rest where what
 * came before was not read.
 */
export interface SegmentLink {
  readonly firstSequence?: number
  readonly chain?: Uint8Array
  readonly log: Uint8Array | undefined
}

/** The name of the segment whose first record has this sequence. */
export function segmentName(firstSequence: number): string {
  return `${String(firstSequence).padStart(20, '0')}.segment`
}

/** The segments' names in the order of their sequences. */
export function segmentNames(storage: Storage): string[] {
  return storage.names().filter((name) => SEGMENT_NAME.test(name))
}

/** The sequence of the first record that the segment `name` may hold. */
export function firstSequenceOf(name: string): number {
  return Number.parseInt(name, 10)
}

/** The newest segment that can hold the record of this sequence; undefined where none reaches back. */
export function holdingSegment(storage: Storage, sequence: number): string | undefined {
  return segmentNames(storage).findLast((name) => firstSequenceOf(name) <= sequence)
}

/**
 * Which log the segments are of, by the first of them whose header is whole; undefined where there is
 * none. Checks no more than that. A follower may move segments away meanwhile.
 */
export function logOf(storage: Storage): Uint8Array | undefined {
  for (const name of segmentNames(storage)) {
    const file = openIfThere(storage, name)
    if (file === undefined) continue
    try {
      return readSegmentHeader(file, name, { log: undefined }).log
    } catch (error) {
      if (!(error instanceof JournalDamage)) throw error
    } finally {
      file.close()
    }
  }
  return undefined
}

/** A file that was just listed, for reading; undefined where it was moved or removed since. */
export function openIfThere(storage: Storage, name: string): StorageFile | undefined {
  try {
    return storage.open(name, { write: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  }
}

/** Removes what an earlier owner was preparing. Only for an owner, before it prepares anything. */
export function removeTemporaries(storage: Storage): void {
  for (const name of storage.names()) {
    if (name.endsWith(TEMPORARY.preparing) || name.endsWith(TEMPORARY.prepared)) {
      storage.remove(name)
    }
  }
}

/**
 * Writes zeros over a file, from its start to `bytes`, with a sync after every MiB. `pause` is called with the
 * bytes that are done, after every `FILL_PIECE_BYTES`.
 */
export function fillSegment(
  file: StorageFile,
  bytes: number,
  pause?: (done: number) => void,
): void {
  const zeros = new Uint8Array(Math.min(FILL_PIECE_BYTES, bytes))
  for (let done = 0; done < bytes; ) {
    const length = Math.min(zeros.length, bytes - done)
    writeAll(file, zeros.subarray(0, length), done)
    done += length
    if (done % FILL_BYTES === 0 || done === bytes) file.sync()
    pause?.(done)
  }
}

/**
 * Throws a RangeError unless `bytes` can be a segment's size: the header, one frame, whole blocks.
 */
export function assertSegmentBytes(bytes: number): void {
  if (bytes % FRAME_ALIGN !== 0 || !(bytes >= SEGMENT_HEAD_BYTES + FRAME_ALIGN)) {
    throw new RangeError(`a segment of ${bytes} bytes: whole blocks of 4 KiB, at least two`)
  }
}

/** Writes the header over the first 4 KiB and syncs it. */
export function writeSegmentHeader(file: StorageFile, header: SegmentHeader): void {
  const words = allocateWords(SEGMENT_HEAD_BYTES)
  words.u32[SEGMENT.magic >>> 2] = SEGMENT_MAGIC
  words.u32[SEGMENT.version >>> 2] = FORMAT_VERSION
  writeI64(words, SEGMENT.segmentBytes, header.segmentBytes)
  writeI64(words, SEGMENT.firstSequence, header.firstSequence)
  words.u8.set(header.log, SEGMENT.log)
  words.u8.set(header.incarnation, SEGMENT.incarnation)
  words.u8.set(header.chain, SEGMENT.chain)
  words.u32[SEGMENT.crc >>> 2] = headerCrc(words)
  writeAll(file, words.u8, 0)
  file.sync()
}

/**
 * Reads and checks the header of the segment `name`, which has to continue `link`. Throws
 * `JournalDamage` or `JournalVersionError`.
 */
export function readSegmentHeader(
  file: StorageFile,
  name: string,
  link: SegmentLink,
): SegmentHeader {
  const words = allocateWords(SEGMENT_HEAD_BYTES)
  const bytes = readAll(file, words.u8, 0)
  const fault = headerFault(words, bytes)
  if (fault !== undefined) throw damage(name, link, fault)
  const version = words.u32[SEGMENT.version >>> 2] as number
  if (version !== FORMAT_VERSION) throw new JournalVersionError(name, version, FORMAT_VERSION)
  const header = {
    segmentBytes: readI64(words, SEGMENT.segmentBytes),
    firstSequence: readI64(words, SEGMENT.firstSequence),
    log: words.u8.slice(SEGMENT.log, SEGMENT.log + CHAIN_BYTES),
    incarnation: words.u8.slice(SEGMENT.incarnation, SEGMENT.incarnation + CHAIN_BYTES),
    chain: words.u8.slice(SEGMENT.chain, SEGMENT.chain + CHAIN_BYTES),
  }
  const broken = sizeFault(header, file.size()) ?? linkFault(words, header, name, link)
  if (broken !== undefined) throw damage(name, link, broken)
  return header
}

function headerFault(words: Words, bytes: number): string | undefined {
  if (bytes < SEGMENT_HEAD_BYTES) return `the file ends after ${bytes} bytes, within its header`
  if (words.u32[SEGMENT.magic >>> 2] !== SEGMENT_MAGIC) return 'this is no segment of a journal'
  if (words.u32[SEGMENT.crc >>> 2] !== headerCrc(words)) return 'the header has a wrong checksum'
  if (Buffer.compare(words.u8.subarray(SEGMENT.bytes), HEAD_ZEROS) !== 0) {
    return 'the header is followed by bytes that nobody wrote'
  }
  return undefined
}

function sizeFault(header: SegmentHeader, fileBytes: number): string | undefined {
  const { segmentBytes } = header
  if (segmentBytes % FRAME_ALIGN !== 0 || segmentBytes < SEGMENT_HEAD_BYTES + FRAME_ALIGN) {
    return `the header claims a size of ${segmentBytes} bytes`
  }
  // Filled and synced before the header was written: a shorter file was cut, not torn.
  if (fileBytes !== segmentBytes) {
    return `the file has ${fileBytes} bytes, and its header says ${segmentBytes}`
  }
  return undefined
}

function linkFault(
  words: Words,
  header: SegmentHeader,
  name: string,
  link: SegmentLink,
): string | undefined {
  if (name !== segmentName(header.firstSequence)) {
    return `the file holds the segment from sequence ${header.firstSequence}`
  }
  if (link.log !== undefined && !hasBytes(words.u8, SEGMENT.log, link.log)) {
    return 'the segment is of another log'
  }
  if (link.firstSequence !== undefined && header.firstSequence !== link.firstSequence) {
    return (
      `the segment begins with sequence ${header.firstSequence}, ` +
      `and ${link.firstSequence} is next: records between are missing, or are there twice`
    )
  }
  if (link.chain !== undefined && !hasBytes(words.u8, SEGMENT.chain, link.chain)) {
    return 'the segment follows another frame than the last one before it'
  }
  return undefined
}

function headerCrc(words: Words): number {
  return crc32(words.u8.subarray(SEGMENT.version, SEGMENT.bytes))
}

function damage(name: string, link: SegmentLink, sentence: string): JournalDamage {
  const sequence = link.firstSequence ?? firstSequenceOf(name)
  return new JournalDamage({ file: name, offset: 0, sequence }, sentence)
}
