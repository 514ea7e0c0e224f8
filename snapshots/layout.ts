// Where the parts of a snapshot's file lie, as docs/formats.md draws them, and their checksums. Knows
// neither files nor what a state is.
//
//   0          4,096                                                          bytes - 4,096    bytes
//   +----------+-----------------+-----------------+- - -+--------------------+----------------+
//   | header   | chunk 0         | chunk 1         |     | voids, if any      | footer         |
//   +----------+-----------------+-----------------+- - -+--------------------+----------------+
//
// Every part fills whole blocks of 4 KiB, zeros last. Every checksum but the header's begins with the
// file's random id, so that bytes of another file never pass.

import { crc32 } from 'node:zlib'

/** Parts begin and end at multiples of this: no write touches a block that was synced before. */
export const BLOCK_BYTES = 4_096

/** Offsets in the header. */
export const HEADER = {
  /** u32: 'HFN1'. */
  magic: 0,
  /** u32: CRC-32 of bytes 8 to 4,096. */
  crc: 4,
  /** u32: `SNAPSHOT_VERSION`. */
  version: 8,
  /** i64. */
  sequence: 16,
  /** 16 bytes. */
  log: 32,
  /** 16 bytes: random for this file; part of every other checksum in it. */
  id: 48,
} as const

/** Offsets in a chunk. */
export const CHUNK = {
  /** u32: 'HFC1'. */
  magic: 0,
  /** u32: CRC-32 of the file's id, then byte 8 to the chunk's end. */
  crc: 4,
  /** u32: counts the chunks, from 0. */
  number: 8,
  /** u32: bytes of the state. */
  payloadBytes: 12,
  payload: 16,
} as const

/** Offsets in the footer. */
export const FOOTER = {
  /** u32: 'HFE1'. */
  magic: 0,
  /** u32: CRC-32 of the file's id, then bytes 8 to 4,096. */
  crc: 4,
  /** u32. */
  chunks: 8,
  /** u32. */
  epoch: 12,
  /** i64: the same as in the header. */
  sequence: 16,
  /** i64. */
  timeMs: 24,
  /** 16 bytes. */
  chain: 32,
  /** 16 bytes. */
  stateDigest: 48,
  /** 8 bytes, as the digest is shown. */
  outcomeDigest: 64,
  /** i64: size of the file. */
  fileBytes: 80,
  /** u32: voided sequences, each an i64, in the blocks before the footer. */
  voidCount: 88,
  /** u32: CRC-32 of the file's id, then those blocks. */
  voidsCrc: 92,
  /** Nine i64, in the order of `CAPACITY_NAMES`. */
  capacities: 96,
} as const

/** The parts' magics as little-endian words: 'HFN1', 'HFC1', 'HFE1'. */
export const MAGIC = { header: 0x314e4648, chunk: 0x31434648, footer: 0x31454648 } as const

/** Version of the file, and of the state's bytes in it. Another one is refused with a message. */
export const SNAPSHOT_VERSION = 2

/** Largest chunk with head and padding: what is written between two syncs. */
export const CHUNK_BYTES_MAX = 1_048_576

/** Bytes of the file's id, of a log's, of a chain, and of a state digest. */
export const ID_BYTES = 16

/** `bytes`, and zeros to the end of the block. */
export function wholeBlocks(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES
}

/** CRC-32 of the file's id, then of `bytes`. */
export function sealedCrc(id: Uint8Array, bytes: Uint8Array): number {
  return crc32(bytes, crc32(id))
}

/** CRC-32 of a header's block. */
export function headerCrc(block: Uint8Array): number {
  return crc32(block.subarray(HEADER.version, BLOCK_BYTES))
}
