// Writing a snapshot: paced, under a temporary name, and read back before it has its own.

import { createHash, type Hash, randomBytes } from 'node:crypto'
import { setTimeout as sleep, setImmediate as takeTurn } from 'node:timers/promises'
import { type Storage, type StorageFile, writeAll } from '../journal/index.ts'
import { allocateWords, CAPACITY_NAMES, type Words, writeI64 } from '../protocol/index.ts'
import {
  BLOCK_BYTES,
  CHUNK,
  CHUNK_BYTES_MAX,
  FOOTER,
  HEADER,
  headerCrc,
  ID_BYTES,
  MAGIC,
  SNAPSHOT_VERSION,
  sealedCrc,
  wholeBlocks,
} from './layout.ts'
import { checkSnapshot, readSnapshotInfo } from './load.ts'
import { removeLeftovers, snapshotName, WRITING } from './names.ts'
import type { SnapshotInfo, SnapshotPlace, StateSource, WriteOptions } from './snapshot.ts'

/** Least rest between two MiB: with it the journal's own syncs stay at 4 to 5 ms. */
export const REST_MS = 10

/** A rest is so many times as long as the work before it: nine tenths of disk and core are the server's. */
const REST_TO_WORK = 9

/** Longest rest, in ms: a GiB then takes a minute of rest at most, however busy the machine is. */
const REST_MS_MAX = 50

/** A file that is being written. */
interface Draft {
  readonly file: StorageFile
  readonly id: Uint8Array
  readonly words: Words
  readonly hash: Hash
  chunks: number
  /** Bytes of the file so far. */
  bytes: number
}

/**
 * Writes the state of `source`, which may not change meanwhile, as the snapshot of its sequence.
 * When the promise is kept, the snapshot was read back and is durable under its name; where it is
 * broken, the older ones are as they were. For one writer at a time, the owner of the directory, who
 * calls `pruneSnapshots` afterwards. Throws errors of the storage, the signal's reason, and
 * `SnapshotDamage` where what is read back is not what was written.
 */
export async function writeSnapshot(
  storage: Storage,
  source: StateSource,
  place: SnapshotPlace,
  options: WriteOptions = {},
): Promise<SnapshotInfo> {
  options.signal?.throwIfAborted()
  removeLeftovers(storage)
  const name = snapshotName(source.sequence)
  const writing = `${name}${WRITING}`
  const file = storage.createTemporary(writing)
  try {
    try {
      await fill(file, source, place, options)
    } finally {
      file.close()
    }
    await checkSnapshot(storage, name, writing, pacer(options))
    storage.rename(writing, name)
  } catch (error) {
    storage.remove(writing)
    throw error
  }
  storage.syncDirectory()
  return readSnapshotInfo(storage, name)
}

async function fill(
  file: StorageFile,
  source: StateSource,
  place: SnapshotPlace,
  options: WriteOptions,
): Promise<void> {
  const { onProgress } = options
  const pause = pacer(options)
  const draft: Draft = {
    file,
    id: randomBytes(ID_BYTES),
    words: allocateWords(CHUNK_BYTES_MAX),
    hash: createHash('sha256'),
    chunks: 0,
    bytes: 0,
  }
  writeHeader(draft, source.sequence, place.log)
  for (const payload of source.exportState(CHUNK_BYTES_MAX - CHUNK.payload)) {
    writeChunk(draft, payload)
    onProgress?.(draft.bytes)
    await pause()
  }
  const voids = [...new Set(place.voids)].filter((sequence) => sequence <= source.sequence)
  const voidsCrc = writeVoids(
    draft,
    voids.sort((a, b) => a - b),
  )
  writeFooter(draft, source, place, voids.length, voidsCrc)
  onProgress?.(draft.bytes)
}

/** Makes what rests between two MiB: as `restMs` says, and by how long the work since the last rest took. */
function pacer({ restMs = REST_MS, signal }: WriteOptions): () => Promise<void> {
  const how = signal === undefined ? {} : { signal }
  let sinceMs = performance.now()
  return async () => {
    const workMs = performance.now() - sinceMs
    const ms = Math.max(restMs, Math.min(workMs * REST_TO_WORK, REST_MS_MAX))
    try {
      if (restMs > 0) await sleep(ms, undefined, how)
      else await takeTurn(undefined, how)
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
    sinceMs = performance.now()
  }
}

function writeHeader(draft: Draft, sequence: number, log: Uint8Array): void {
  const { words } = draft
  words.u32[HEADER.magic >>> 2] = MAGIC.header
  words.u32[HEADER.version >>> 2] = SNAPSHOT_VERSION
  writeI64(words, HEADER.sequence, sequence)
  words.u8.set(log, HEADER.log)
  words.u8.set(draft.id, HEADER.id)
  words.u32[HEADER.crc >>> 2] = headerCrc(words.u8)
  write(draft, BLOCK_BYTES)
}

function writeChunk(draft: Draft, payload: Uint8Array): void {
  const { words, id } = draft
  const end = CHUNK.payload + payload.length
  const bytes = wholeBlocks(end)
  draft.hash.update(payload)
  words.u32[CHUNK.magic >>> 2] = MAGIC.chunk
  words.u32[CHUNK.number >>> 2] = draft.chunks++
  words.u32[CHUNK.payloadBytes >>> 2] = payload.length
  words.u8.set(payload, CHUNK.payload)
  words.u8.fill(0, end, bytes)
  words.u32[CHUNK.crc >>> 2] = sealedCrc(id, words.u8.subarray(CHUNK.number, bytes))
  write(draft, bytes)
}

/** Gives back the checksum of the list. */
function writeVoids(draft: Draft, voids: readonly number[]): number {
  const list = allocateWords(wholeBlocks(voids.length * 8))
  for (const [n, sequence] of voids.entries()) writeI64(list, n * 8, sequence)
  writeAll(draft.file, list.u8, draft.bytes)
  draft.bytes += list.u8.length
  return sealedCrc(draft.id, list.u8)
}

function writeFooter(
  draft: Draft,
  source: StateSource,
  place: SnapshotPlace,
  voidCount: number,
  voidsCrc: number,
): void {
  const { words, id } = draft
  words.u8.fill(0, 0, BLOCK_BYTES)
  words.u32[FOOTER.magic >>> 2] = MAGIC.footer
  words.u32[FOOTER.chunks >>> 2] = draft.chunks
  words.u32[FOOTER.epoch >>> 2] = place.epoch
  writeI64(words, FOOTER.sequence, source.sequence)
  writeI64(words, FOOTER.timeMs, source.timeMs)
  words.u8.set(place.chain, FOOTER.chain)
  words.u8.set(draft.hash.digest().subarray(0, ID_BYTES), FOOTER.stateDigest)
  words.u8.set(Buffer.from(source.digest, 'hex'), FOOTER.outcomeDigest)
  writeI64(words, FOOTER.fileBytes, draft.bytes + BLOCK_BYTES)
  words.u32[FOOTER.voidCount >>> 2] = voidCount
  words.u32[FOOTER.voidsCrc >>> 2] = voidsCrc
  for (const [n, name] of CAPACITY_NAMES.entries()) {
    writeI64(words, FOOTER.capacities + n * 8, place.capacities[name])
  }
  words.u32[FOOTER.crc >>> 2] = sealedCrc(id, words.u8.subarray(FOOTER.chunks, BLOCK_BYTES))
  write(draft, BLOCK_BYTES)
}

/** Writes the first `bytes` of the memory at the file's end, and syncs them. */
function write(draft: Draft, bytes: number): void {
  writeAll(draft.file, draft.words.u8.subarray(0, bytes), draft.bytes)
  draft.file.sync()
  draft.bytes += bytes
}
