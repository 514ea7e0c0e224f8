// The chunks of an open snapshot: each is read whole and checked before anybody is given it. Nothing is
// believed by a number that was not checked.

import { readAll } from '../journal/index.ts'
import { allocateWords, type Words } from '../protocol/index.ts'
import { SnapshotDamage } from './errors.ts'
import { BLOCK_BYTES, CHUNK, CHUNK_BYTES_MAX, MAGIC, sealedCrc, wholeBlocks } from './layout.ts'
import type { OpenSnapshot } from './open.ts'
import type { AheadTaker } from './read-ahead.ts'

/**
 * Reads chunk `n` at `at` of the file to 0 of `words`, which hold the largest or the whole file; gives back its
 * bytes in the file. Throws `SnapshotDamage` and errors of the storage.
 */
export function readChunk(snapshot: OpenSnapshot, n: number, at: number, words: Words): number {
  const { info, file, id, chunks, chunksEnd } = snapshot
  const { name } = info
  const read = readAll(file, words.u8, at)
  if (at >= chunksEnd || read < BLOCK_BYTES) {
    throw new SnapshotDamage(name, at, `it ends after ${n} of ${chunks} chunks`)
  }
  if (words.u32[CHUNK.magic >>> 2] !== MAGIC.chunk) {
    throw new SnapshotDamage(name, at, `chunk ${n} is not there`)
  }
  const bytes = chunkBytes(words)
  if (bytes > Math.min(read, chunksEnd - at)) {
    throw new SnapshotDamage(name, at + CHUNK.payloadBytes, `chunk ${n} reaches beyond its end`)
  }
  if (words.u32[CHUNK.crc >>> 2] !== sealedCrc(id, words.u8.subarray(CHUNK.number, bytes))) {
    throw new SnapshotDamage(name, at + CHUNK.crc, `chunk ${n} has a wrong checksum`)
  }
  if (words.u32[CHUNK.number >>> 2] !== n) {
    throw new SnapshotDamage(name, at + CHUNK.number, `chunk ${n} is in another's place`)
  }
  return bytes
}

function chunkBytes(words: Words): number {
  return wholeBlocks(CHUNK.payload + (words.u32[CHUNK.payloadBytes >>> 2] as number))
}

/**
 * The state's bytes, chunk by chunk, each checked; good until the next one is asked for. Those that were read
 * ahead are taken. `onChunk` hears where each begins.
 */
export function* chunksOf(
  snapshot: OpenSnapshot,
  onChunk?: (at: number) => void,
  ahead?: AheadTaker,
): Generator<Uint8Array> {
  const { info, id, chunks, chunksEnd } = snapshot
  const own = allocateWords(Math.min(CHUNK_BYTES_MAX, info.bytes))
  let at = BLOCK_BYTES
  for (let n = 0; n < chunks; n++) {
    onChunk?.(at)
    const taken = ahead?.take(n, id)
    at += taken === undefined ? readChunk(snapshot, n, at, own) : chunkBytes(taken)
    const words = taken ?? own
    const payloadBytes = words.u32[CHUNK.payloadBytes >>> 2] as number
    yield words.u8.subarray(CHUNK.payload, CHUNK.payload + payloadBytes)
  }
  if (at !== chunksEnd) {
    const sentence = `there are bytes after its ${chunks} chunks`
    throw new SnapshotDamage(info.name, at, sentence)
  }
}
