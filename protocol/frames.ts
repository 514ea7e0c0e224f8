// The layouts of a segment's header and of a frame's, and the boot's place in them. The bytes that
// the journal writes are the bytes that the engine reads.
//
// A frame is a header of 128 bytes, `payloadBytes` of records, and zeros to a multiple of 4 KiB:
//
//   0           4           8                       24                                             128
//   +-----------+-----------+-----------------------+--------------------------------------- - - --+
//   | magic     | crc32     | chain (16)            | fields, previous chain, boot, zeros           |
//   +-----------+-----------+-----------------------+--------------------------------------- - - --+
//
// chain = first 16 bytes of SHA-256 over everything from byte 24 to the frame's end, padding too.
// crc32 = CRC-32 over the segment's incarnation id (16 bytes), then bytes 8 to 128.

import { FRAME_BYTES_MAX } from './limits.ts'

/** Offsets in a frame's header, in bytes. i64 where not said otherwise. */
export const FRAME = {
  /** u32: 'HFF1'. */
  magic: 0,
  /** u32. */
  crc: 4,
  /** 16 bytes. */
  chain: 8,
  /** u32: bytes of records after the header. */
  payloadBytes: 24,
  /** u32: records. */
  count: 28,
  /** Sequence of the first record (of the next one, in a frame without records). */
  firstSequence: 32,
  /** Milliseconds since 1970 for every record of the frame; never less than the frame before. */
  timeMs: 40,
  /** Every frame up to and with the record of this sequence was synced before this one was written. */
  syncedThrough: 48,
  /** u32: who writes; 1 on a single machine. */
  epoch: 56,
  /** u32: `FRAME_FLAG`. */
  flags: 60,
  /** 16 bytes: the chain of the frame before; zeros for the first of a log. */
  previousChain: 64,
  /** 16 bytes: random for every start of the writer; routes outcomes in that start alone. */
  boot: 80,
  bytes: 128,
} as const

/** Bytes of records that one frame takes beside its header. */
export const FRAME_PAYLOAD_BYTES_MAX = FRAME_BYTES_MAX - FRAME.bytes

/** 'HFF1' as a little-endian word. */
export const FRAME_MAGIC = 0x31464648

/** Bits of a frame's `flags`. */
export const FRAME_FLAG = {
  /** No records: says that all before it was synced. */
  seal: 1,
  /** A seal written by a clean shutdown. */
  shutdown: 2,
  /** Holds a `configure` record. */
  configure: 4,
  /** Holds a `void` record. */
  void: 8,
} as const

/**
 * Offsets in a segment's header, which fills the first 4 KiB of the file. Its crc32 is over bytes 8
 * to 128.
 */
export const SEGMENT = {
  /** u32: 'HFS1'. */
  magic: 0,
  /** u32. */
  crc: 4,
  /** u32: `FORMAT_VERSION`. */
  version: 8,
  /** u32: shard; 0 on a single machine. */
  shard: 12,
  /** i64: size of the file, which never changes. */
  segmentBytes: 16,
  /** i64: sequence of the first record that the segment may hold. */
  firstSequence: 24,
  /** 16 bytes: random, the same in every segment of one log. */
  log: 32,
  /** 16 bytes: random for this use of the file; part of every frame's crc. */
  incarnation: 48,
  /** 16 bytes: the chain of the last frame of the segment before; zeros for the first of a log. */
  chain: 64,
  bytes: 128,
} as const

/** 'HFS1' as a little-endian word. */
export const SEGMENT_MAGIC = 0x31534648

/** Version of segments and frames. Another version is refused with a message. */
export const FORMAT_VERSION = 2

/** Where a segment's first frame begins. */
export const SEGMENT_HEAD_BYTES = 4_096
