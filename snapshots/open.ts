// Opening a snapshot: its header and footer, checked before anything in them is believed. The chunks
// between are load.ts's.

import { readAll, type Storage, type StorageFile } from '../journal/index.ts'
import {
  allocateWords,
  CAPACITY_NAMES,
  type Capacities,
  readI64,
  type Words,
} from '../protocol/index.ts'
import { SnapshotDamage, SnapshotVersionError } from './errors.ts'
import {
  BLOCK_BYTES,
  FOOTER,
  HEADER,
  headerCrc,
  ID_BYTES,
  MAGIC,
  SNAPSHOT_VERSION,
  sealedCrc,
  wholeBlocks,
} from './layout.ts'
import { snapshotName } from './names.ts'
import type { SnapshotInfo } from './snapshot.ts'

/** An open snapshot, of which header and footer were checked. */
export interface OpenSnapshot {
  readonly info: SnapshotInfo
  readonly file: StorageFile
  /** The file's random id. */
  readonly id: Uint8Array
  readonly chunks: number
  /** Where the chunks end. */
  readonly chunksEnd: number
}

/** Opens the snapshot `name`, whose file may still be called otherwise. */
export function openSnapshot(storage: Storage, name: string, path: string = name): OpenSnapshot {
  const file = storage.open(path, { write: false })
  try {
    const header = readHeader(file, name)
    return readFooter(file, name, header)
  } catch (error) {
    file.close()
    throw error
  }
}

function readHeader(file: StorageFile, name: string): Words {
  const words = allocateWords(BLOCK_BYTES)
  const bytes = readAll(file, words.u8, 0)
  if (bytes < BLOCK_BYTES) throw new SnapshotDamage(name, bytes, 'it ends within its header')
  if (words.u32[HEADER.magic >>> 2] !== MAGIC.header) {
    throw new SnapshotDamage(name, HEADER.magic, 'this is no snapshot')
  }
  if (words.u32[HEADER.crc >>> 2] !== headerCrc(words.u8)) {
    throw new SnapshotDamage(name, HEADER.crc, 'the header has a wrong checksum')
  }
  const version = words.u32[HEADER.version >>> 2] as number
  if (version !== SNAPSHOT_VERSION) throw new SnapshotVersionError(name, version, SNAPSHOT_VERSION)
  const sequence = readI64(words, HEADER.sequence)
  if (name !== snapshotName(sequence)) {
    throw new SnapshotDamage(name, HEADER.sequence, `it is the snapshot of sequence ${sequence}`)
  }
  return words
}

function readFooter(file: StorageFile, name: string, header: Words): OpenSnapshot {
  const id = sliceId(header, HEADER.id)
  const fileBytes = file.size()
  const at = fileBytes - BLOCK_BYTES
  if (at < BLOCK_BYTES || fileBytes % BLOCK_BYTES !== 0) {
    throw new SnapshotDamage(name, fileBytes, 'it ends before its footer')
  }
  const words = allocateWords(BLOCK_BYTES)
  const bytes = readAll(file, words.u8, at)
  if (bytes < BLOCK_BYTES || words.u32[FOOTER.magic >>> 2] !== MAGIC.footer) {
    throw new SnapshotDamage(name, at, 'there is no footer')
  }
  if (words.u32[FOOTER.crc >>> 2] !== sealedCrc(id, words.u8.subarray(FOOTER.chunks))) {
    throw new SnapshotDamage(name, at + FOOTER.crc, 'the footer has a wrong checksum')
  }
  if (readI64(words, FOOTER.fileBytes) !== fileBytes) {
    throw new SnapshotDamage(name, at + FOOTER.fileBytes, 'the footer gives another size')
  }
  const voidCount = words.u32[FOOTER.voidCount >>> 2] as number
  const chunksEnd = at - wholeBlocks(voidCount * 8)
  if (chunksEnd < BLOCK_BYTES) {
    throw new SnapshotDamage(name, at + FOOTER.voidCount, 'there is no room for its voids')
  }
  const voids = readVoids(file, name, id, chunksEnd, words)
  const info = infoFrom(name, header, words, fileBytes, voids)
  return { info, file, id, chunks: words.u32[FOOTER.chunks >>> 2] as number, chunksEnd }
}

function readVoids(
  file: StorageFile,
  name: string,
  id: Uint8Array,
  at: number,
  footer: Words,
): number[] {
  const count = footer.u32[FOOTER.voidCount >>> 2] as number
  const words = allocateWords(wholeBlocks(count * 8))
  const bytes = readAll(file, words.u8, at)
  if (bytes < words.u8.length || footer.u32[FOOTER.voidsCrc >>> 2] !== sealedCrc(id, words.u8)) {
    throw new SnapshotDamage(name, at, 'the list of voids has a wrong checksum')
  }
  return Array.from({ length: count }, (_, n) => readI64(words, n * 8))
}

function infoFrom(
  name: string,
  header: Words,
  footer: Words,
  bytes: number,
  voids: readonly number[],
): SnapshotInfo {
  const capacities = CAPACITY_NAMES.map((capacity, n) => [
    capacity,
    readI64(footer, FOOTER.capacities + n * 8),
  ])
  return {
    name,
    sequence: readI64(footer, FOOTER.sequence),
    timeMs: readI64(footer, FOOTER.timeMs),
    log: sliceId(header, HEADER.log),
    chain: sliceId(footer, FOOTER.chain),
    epoch: footer.u32[FOOTER.epoch >>> 2] as number,
    stateDigest: hexOf(footer, FOOTER.stateDigest, 16),
    outcomeDigest: hexOf(footer, FOOTER.outcomeDigest, 8),
    capacities: Object.fromEntries(capacities) as Capacities,
    voids,
    bytes,
  }
}

function sliceId(words: Words, at: number): Uint8Array {
  return words.u8.slice(at, at + ID_BYTES)
}

function hexOf(words: Words, at: number, bytes: number): string {
  return Buffer.from(words.u8.subarray(at, at + bytes)).toString('hex')
}
