// Loading a snapshot: its state, chunk by chunk, every byte checked before anybody is given it. Nothing
// is allocated by a number that was not checked.

import { createHash } from 'node:crypto'
import { readAll, type Storage } from '../journal/index.ts'
import { allocateWords } from '../protocol/index.ts'
import { SnapshotDamage } from './errors.ts'
import {
  BLOCK_BYTES,
  CHUNK,
  CHUNK_BYTES_MAX,
  FOOTER,
  HEADER,
  ID_BYTES,
  MAGIC,
  sealedCrc,
  wholeBlocks,
} from './layout.ts'
import { type OpenSnapshot, openSnapshot } from './open.ts'
import type { LoadOptions, SnapshotInfo, StateImporter } from './snapshot.ts'

/** Bytes between two calls of `onProgress`. */
const PROGRESS_BYTES = 33_554_432

/**
 * Header and footer of the snapshot `name`. Throws `SnapshotDamage`, `SnapshotVersionError` and
 * errors of the storage.
 */
export function readSnapshotInfo(storage: Storage, name: string): SnapshotInfo {
  return withSnapshot(storage, name, ({ info }) => info)
}

/**
 * Loads the snapshot `name` into an engine that has applied nothing. Throws `SnapshotDamage`,
 * `SnapshotVersionError`, what the engine throws where the tables are too small or the rules are
 * others (`EngineFault`), and errors of the storage. After any of them the engine is not to be used.
 */
export function loadSnapshot(
  storage: Storage,
  name: string,
  engine: StateImporter,
  options: LoadOptions = {},
): SnapshotInfo {
  return withSnapshot(storage, name, (snapshot) => {
    const { info } = snapshot
    const { log, voids, onProgress } = options
    if (log !== undefined && Buffer.compare(log, info.log) !== 0) {
      throw new SnapshotDamage(name, HEADER.log, 'it is of another journal')
    }
    const missed = voids === undefined ? undefined : findMissedVoid(info, voids)
    if (missed !== undefined) {
      const sentence = `sequence ${missed} was voided after it was made, and it holds its effect`
      throw new SnapshotDamage(name, info.bytes - BLOCK_BYTES + FOOTER.voidCount, sentence)
    }
    importChunks(snapshot, engine, onProgress)
    return info
  })
}

/** The first of `voids` that the snapshot has seen as a command, if any: it is of no use then. */
export function findMissedVoid(
  info: Pick<SnapshotInfo, 'sequence' | 'voids'>,
  voids: Iterable<number>,
): number | undefined {
  const known = new Set(info.voids)
  for (const sequence of voids) {
    if (sequence <= info.sequence && !known.has(sequence)) return sequence
  }
  return undefined
}

/**
 * Checks every byte of the snapshot `name`, and that its state's bytes have the digest that it gives.
 * Throws `SnapshotDamage`, `SnapshotVersionError` and errors of the storage.
 */
export function verifySnapshot(storage: Storage, name: string): SnapshotInfo {
  return withSnapshot(storage, name, (snapshot) => {
    const { info } = snapshot
    const hash = createHash('sha256')
    for (const chunk of chunksOf(snapshot)) hash.update(chunk)
    if (hash.digest('hex').slice(0, ID_BYTES * 2) === info.stateDigest) return info
    const at = info.bytes - BLOCK_BYTES + FOOTER.stateDigest
    throw new SnapshotDamage(name, at, 'the state in it has another digest')
  })
}

/** Checks every byte of a snapshot that still has the name `writing`. Pauses by `pause`. */
export async function checkSnapshot(
  storage: Storage,
  name: string,
  writing: string,
  pause: () => Promise<void>,
): Promise<void> {
  const snapshot = openSnapshot(storage, name, writing)
  try {
    for (const _ of chunksOf(snapshot)) await pause()
  } finally {
    snapshot.file.close()
  }
}

function withSnapshot<T>(storage: Storage, name: string, use: (snapshot: OpenSnapshot) => T): T {
  const snapshot = openSnapshot(storage, name)
  try {
    return use(snapshot)
  } finally {
    snapshot.file.close()
  }
}

function importChunks(
  snapshot: OpenSnapshot,
  engine: StateImporter,
  onProgress: LoadOptions['onProgress'],
): void {
  const { info } = snapshot
  const read = { bytes: 0, toldBytes: 0 }
  try {
    engine.importState(chunksOf(snapshot, told(read, info.bytes, onProgress)))
  } catch (error) {
    const { name, kind } = error as { name?: string; kind?: string }
    if (name !== 'EngineFault' || kind !== 'state') throw error
    // Every checksum was right: whoever wrote the file wrote this.
    throw new SnapshotDamage(info.name, read.bytes, (error as Error).message)
  }
  if (engine.sequence !== info.sequence) {
    const sentence = `the state in it is that of sequence ${engine.sequence}`
    throw new SnapshotDamage(info.name, BLOCK_BYTES, sentence)
  }
  onProgress?.(info.bytes, info.bytes)
}

function told(
  read: { bytes: number; toldBytes: number },
  bytesInAll: number,
  onProgress: LoadOptions['onProgress'],
): (at: number) => void {
  return (at) => {
    read.bytes = at
    if (at - read.toldBytes < PROGRESS_BYTES) return
    read.toldBytes = at
    onProgress?.(at, bytesInAll)
  }
}

/** The state's bytes, chunk by chunk, each checked; good until the next one is asked for. */
function* chunksOf(snapshot: OpenSnapshot, onChunk?: (at: number) => void): Generator<Uint8Array> {
  const { info, file, id, chunks, chunksEnd } = snapshot
  const { name } = info
  const words = allocateWords(Math.min(CHUNK_BYTES_MAX, info.bytes))
  let at = BLOCK_BYTES
  for (let n = 0; n < chunks; n++) {
    onChunk?.(at)
    const read = readAll(file, words.u8, at)
    if (at >= chunksEnd || read < BLOCK_BYTES) {
      throw new SnapshotDamage(name, at, `it ends after ${n} of ${chunks} chunks`)
    }
    if (words.u32[CHUNK.magic >>> 2] !== MAGIC.chunk) {
      throw new SnapshotDamage(name, at, `chunk ${n} is not there`)
    }
    const payloadBytes = words.u32[CHUNK.payloadBytes >>> 2] as number
    const bytes = wholeBlocks(CHUNK.payload + payloadBytes)
    if (bytes > Math.min(read, chunksEnd - at)) {
      throw new SnapshotDamage(name, at + CHUNK.payloadBytes, `chunk ${n} reaches beyond its end`)
    }
    if (words.u32[CHUNK.crc >>> 2] !== sealedCrc(id, words.u8.subarray(CHUNK.number, bytes))) {
      throw new SnapshotDamage(name, at + CHUNK.crc, `chunk ${n} has a wrong checksum`)
    }
    if (words.u32[CHUNK.number >>> 2] !== n) {
      throw new SnapshotDamage(name, at + CHUNK.number, `chunk ${n} is in another's place`)
    }
    at += bytes
    yield words.u8.subarray(CHUNK.payload, CHUNK.payload + payloadBytes)
  }
  if (at !== chunksEnd) {
    throw new SnapshotDamage(name, at, `there are bytes after its ${chunks} chunks`)
  }
}
