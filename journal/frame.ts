// Filling and checking frames in memory. Knows no files: segments are segment.ts's, and what an
// invalid frame means is the reader's to say.

import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import {
  FRAME,
  FRAME_ALIGN,
  FRAME_BYTES_MAX,
  FRAME_MAGIC,
  RECORD,
  readI64,
  type Words,
  writeI64,
} from '../protocol/index.ts'

/** Bytes of a chain, of an incarnation, of a boot and of a log's id. */
export const CHAIN_BYTES = 16

/** The fields of a frame's header that the caller decides; see `FRAME`. */
export interface FrameFields {
  readonly payloadBytes: number
  readonly count: number
  readonly firstSequence: number
  readonly timeMs: number
  readonly syncedThrough: number
  readonly epoch: number
  readonly flags: number
}

/**
 * What a frame is tied to: the frame before it, the use of the segment, the start of the writer.
 */
export interface FrameLink {
  readonly previousChain: Uint8Array
  readonly incarnationCrc: number
  readonly boot: Uint8Array
}

/** Where a log stands after its last frame: what the next frame has to follow. */
export interface LogState {
  /** Sequence of the last record; 0 in a new log. */
  readonly sequence: number
  /** Time of the last frame, in ms since 1970. */
  readonly timeMs: number
  readonly epoch: number
  /** The last frame's chain; zeros in a new log. */
  readonly chain: Uint8Array
}

/**
 * The place in a log right after one of its records, which was the last of its frame. Whoever kept
 * it (a snapshot, a follower) is a witness that the frame had been synced.
 */
export interface LogPoint {
  /** Sequence of the record, from 1. */
  readonly sequence: number
  /** Time of its frame, in ms since 1970. */
  readonly timeMs: number
  /** Chain of its frame. */
  readonly chain: Uint8Array
  /** Which log it is; see `SEGMENT.log`. */
  readonly log: Uint8Array
}

/** Bytes on disk of a frame with `payloadBytes` of records. */
export function frameBytes(payloadBytes: number): number {
  return (FRAME.bytes + payloadBytes + FRAME_ALIGN - 1) & ~(FRAME_ALIGN - 1)
}

/** The part of every frame's crc that an incarnation gives: CRC-32 over its 16 bytes. */
export function incarnationCrc(incarnation: Uint8Array): number {
  return crc32(incarnation)
}

/**
 * Makes a frame at `at` (a multiple of 8) of the records that lie at `at + FRAME.bytes` already:
 * header, zeros to the end, chain, crc. Gives back its length, a multiple of 4 KiB; the memory has
 * to reach that far.
 */
export function finishFrame(
  words: Words,
  at: number,
  fields: FrameFields,
  link: FrameLink,
): number {
  const { u8, u32 } = words
  const bytes = frameBytes(fields.payloadBytes)
  u32[(at + FRAME.magic) >>> 2] = FRAME_MAGIC
  u32[(at + FRAME.payloadBytes) >>> 2] = fields.payloadBytes
  u32[(at + FRAME.count) >>> 2] = fields.count
  writeI64(words, at + FRAME.firstSequence, fields.firstSequence)
  writeI64(words, at + FRAME.timeMs, fields.timeMs)
  writeI64(words, at + FRAME.syncedThrough, fields.syncedThrough)
  u32[(at + FRAME.epoch) >>> 2] = fields.epoch
  u32[(at + FRAME.flags) >>> 2] = fields.flags
  u8.set(link.previousChain, at + FRAME.previousChain)
  u8.set(link.boot, at + FRAME.boot)
  u8.fill(0, at + FRAME.boot + CHAIN_BYTES, at + FRAME.bytes)
  u8.fill(0, at + FRAME.bytes + fields.payloadBytes, at + bytes)
  u8.set(chainOf(words, at, bytes), at + FRAME.chain)
  u32[(at + FRAME.crc) >>> 2] = headerCrc(words, at, link.incarnationCrc)
  return bytes
}

/**
 * Whether a whole header of this use of the segment lies at `at`: magic and crc. Not the records.
 */
export function isFrame(words: Words, at: number, incarnation: number): boolean {
  return (
    words.u32[(at + FRAME.magic) >>> 2] === FRAME_MAGIC &&
    words.u32[(at + FRAME.crc) >>> 2] === headerCrc(words, at, incarnation)
  )
}

/**
 * Why the header at `at`, which `isFrame` accepted, cannot be the one that follows `state` with
 * `roomBytes` left in the segment; undefined where it is. Lengths come first: nothing is read or
 * allocated by a length that was not checked.
 */
export function frameFault(
  words: Words,
  at: number,
  state: LogState,
  roomBytes: number,
): string | undefined {
  const payloadBytes = words.u32[(at + FRAME.payloadBytes) >>> 2] as number
  const count = words.u32[(at + FRAME.count) >>> 2] as number
  const first = readI64(words, at + FRAME.firstSequence)
  if (payloadBytes > FRAME_BYTES_MAX - FRAME.bytes) {
    return `the frame claims ${payloadBytes} bytes of records, more than a frame may have`
  }
  if (frameBytes(payloadBytes) > roomBytes) return 'the frame reaches beyond its segment'
  if (count * RECORD.bytes > payloadBytes || (count === 0 && payloadBytes > 0)) {
    return `the frame claims ${count} records in ${payloadBytes} bytes`
  }
  if (first !== state.sequence + 1) {
    return `the frame begins with sequence ${first}, and ${state.sequence + 1} is next`
  }
  if (!hasBytes(words.u8, at + FRAME.previousChain, state.chain)) {
    return 'the frame follows another frame than the one before it'
  }
  const timeMs = readI64(words, at + FRAME.timeMs)
  if (timeMs < state.timeMs) return `time goes back from ${state.timeMs} to ${timeMs}`
  if (readI64(words, at + FRAME.syncedThrough) > state.sequence) {
    return 'the frame says that records were synced that come after it'
  }
  if ((words.u32[(at + FRAME.epoch) >>> 2] as number) < state.epoch) return 'the epoch goes back'
  return undefined
}

/**
 * Whether the chain of the frame of `bytes` bytes at `at` is right: all bits from the fields on.
 */
export function hasChain(words: Words, at: number, bytes: number): boolean {
  return hasBytes(words.u8, at + FRAME.chain, chainOf(words, at, bytes))
}

/** Where the log stands after the frame at `at`, which was checked. */
export function stateAfter(words: Words, at: number): LogState {
  const count = words.u32[(at + FRAME.count) >>> 2] as number
  return {
    sequence: readI64(words, at + FRAME.firstSequence) + count - 1,
    timeMs: readI64(words, at + FRAME.timeMs),
    epoch: words.u32[(at + FRAME.epoch) >>> 2] as number,
    chain: words.u8.slice(at + FRAME.chain, at + FRAME.chain + CHAIN_BYTES),
  }
}

/** Whether `wanted` lies at byte `at` of `bytes`. */
export function hasBytes(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false
  return true
}

function chainOf(words: Words, at: number, bytes: number): Uint8Array {
  const digest = hash('sha256', words.u8.subarray(at + FRAME.payloadBytes, at + bytes), 'buffer')
  return digest.subarray(0, CHAIN_BYTES)
}

function headerCrc(words: Words, at: number, incarnation: number): number {
  return crc32(words.u8.subarray(at + FRAME.chain, at + FRAME.bytes), incarnation)
}
