// Loading a snapshot: its state, chunk by chunk, every byte checked before anybody is given it. How the
// chunks are read is chunks.ts's.

import { createHash } from 'node:crypto'
import type { Storage } from '../journal/index.ts'
import { chunksOf } from './chunks.ts'
import { SnapshotDamage } from './errors.ts'
import { BLOCK_BYTES, FOOTER, HEADER, ID_BYTES } from './layout.ts'
import { type OpenSnapshot, openSnapshot } from './open.ts'
import { AheadTaker } from './read-ahead.ts'
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
    const { log, voids } = options
    if (log !== undefined && Buffer.compare(log, info.log) !== 0) {
      throw new SnapshotDamage(name, HEADER.log, 'it is of another journal')
    }
    const missed = voids === undefined ? undefined : findMissedVoid(info, voids)
    if (missed !== undefined) {
      const sentence = `sequence ${missed} was voided after it was made, and it holds its effect`
      throw new SnapshotDamage(name, info.bytes - BLOCK_BYTES + FOOTER.voidCount, sentence)
    }
    importChunks(snapshot, engine, options)
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
  { onProgress, ahead }: LoadOptions,
): void {
  const { info } = snapshot
  const read = { bytes: 0, toldBytes: 0 }
  const taker = ahead?.name === info.name ? new AheadTaker(ahead) : undefined
  try {
    engine.importState(chunksOf(snapshot, told(read, info.bytes, onProgress), taker))
  } catch (error) {
    const { name, kind } = error as { name?: string; kind?: string }
    if (name !== 'EngineFault' || kind !== 'state') throw error
    // Every checksum was right: whoever wrote the file wrote this.
    throw new SnapshotDamage(info.name, read.bytes, (error as Error).message)
  } finally {
    taker?.close()
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
