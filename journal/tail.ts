// What lies after the last valid frame: looking at it, and putting a torn frame away. Whether it is
// a torn frame or damage is the reader's to decide.

import { FRAME_ALIGN, FRAME_FLAG } from '../protocol/index.ts'
import { JournalDamage } from './errors.ts'
import { isFrame } from './frame.ts'
import { TEMPORARY } from './segment.ts'
import { type OpenSegment, WINDOW_BYTES_FRAMES } from './segment-walk.ts'
import { readAll, type Storage, type StorageFile, storageError, writeAll } from './storage.ts'

/** What was found between a position and the segment's end; -1 where nothing was. */
export interface TailFindings {
  /**
   * First header after the position with this segment's crc: proof that all before it was synced.
   */
  readonly frameAt: number
  /** First block that is not all zeros, and the end of the last one. */
  readonly dirtyFrom: number
  readonly dirtyEnd: number
}

/** A frame that was being written when the machine stopped, and that nobody was told of. */
export interface TornTail {
  readonly file: string
  readonly offset: number
  readonly bytes: number
  /** Sequence that its first record would have had. */
  readonly sequence: number
  /** Name of the file in quarantine that has its bytes now; undefined where nothing was changed. */
  readonly quarantined: string | undefined
}

/** The last valid frame, where it is in the segment that the journal ends in. */
export interface LastFrame {
  readonly position: number
  readonly bytes: number
  /** `FRAME_FLAG`. */
  readonly flags: number
}

/** What an unused stretch of a segment is compared with. */
const ZEROS = new Uint8Array(WINDOW_BYTES_FRAMES)

/** Looks at every block from `from` to the end of the segment. */
export function inspectTail(segment: OpenSegment, from: number): TailFindings {
  const { window, header } = segment
  const chunkBytes = window.words.u8.length
  let frameAt = -1
  let dirtyFrom = -1
  let dirtyEnd = -1
  window.forget()
  for (let p = from; p < header.segmentBytes; ) {
    const bytes = Math.min(chunkBytes, header.segmentBytes - p)
    const at = held(segment, p, bytes)
    // One comparison for all of a clean stretch: most of a segment is not written yet.
    if (Buffer.compare(window.words.u8.subarray(at, at + bytes), ZEROS.subarray(0, bytes)) !== 0) {
      for (let b = 0; b < bytes; b += FRAME_ALIGN) {
        const block = window.words.u8.subarray(at + b, at + b + FRAME_ALIGN)
        if (Buffer.compare(block, ZEROS.subarray(0, FRAME_ALIGN)) === 0) continue
        if (dirtyFrom < 0) dirtyFrom = p + b
        dirtyEnd = p + b + FRAME_ALIGN
        const isLater = frameAt < 0 && p + b > from
        if (isLater && isFrame(window.words, at + b, segment.incarnationCrc)) frameAt = p + b
      }
    }
    p += bytes
  }
  window.forget()
  return { frameAt, dirtyFrom, dirtyEnd }
}

function held(segment: OpenSegment, position: number, bytes: number): number {
  const at = segment.window.hold(position, bytes)
  if (at >= 0) return at
  const place = { file: segment.name, offset: position, sequence: segment.header.firstSequence }
  throw new JournalDamage(place, 'the file was cut while it was read')
}

/**
 * Makes the journal's end ready to be continued, for its owner. Torn bytes go to quarantine and
 * become zeros. The last frame is written again, the same bytes in the same place, for a process
 * that died may have left it in the page cache alone, and a sync that failed nowhere at all (rule
 * 7). All of it is synced when this returns. Gives back the name of the file in quarantine, if
 * there is one.
 */
export function settleTail(
  storage: Storage,
  quarantine: Storage,
  segment: string,
  last: LastFrame | undefined,
  torn: TornTail | undefined,
): string | undefined {
  const isSealed = last !== undefined && (last.flags & FRAME_FLAG.shutdown) !== 0
  if (torn === undefined && (last === undefined || isSealed)) return undefined
  const file = storage.open(segment, { write: true })
  try {
    let kept: string | undefined
    if (torn !== undefined) {
      const bytes = read(file, torn.offset, torn.bytes)
      kept = keep(quarantine, torn, bytes)
      writeAll(file, bytes.fill(0), torn.offset)
    }
    if (last !== undefined) {
      writeAll(file, read(file, last.position, last.bytes), last.position)
    }
    file.sync()
    return kept
  } finally {
    file.close()
  }
}

function read(file: StorageFile, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  if (readAll(file, bytes, position) < length) {
    throw storageError('EIO', 'the segment became shorter while it was read')
  }
  return bytes
}

/** Writes torn bytes to a file of their own, whose name says where they were. */
function keep(quarantine: Storage, torn: TornTail, bytes: Uint8Array): string {
  const stem = `${torn.file}-${torn.offset}`
  const taken = new Set(quarantine.names())
  let name = `${stem}.torn`
  for (let n = 2; taken.has(name); n++) name = `${stem}-${n}.torn`
  const temporary = `${name}${TEMPORARY.preparing}`
  const file = quarantine.createTemporary(temporary)
  try {
    writeAll(file, bytes, 0)
    file.sync()
  } finally {
    file.close()
  }
  quarantine.rename(temporary, name)
  quarantine.syncDirectory()
  return name
}
