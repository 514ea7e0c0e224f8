// A journal of one small segment with frames of one block, ways to damage it, and what a reader
// makes of that. For tests.

import { crc32 } from 'node:zlib'
import type { Test } from 'tap'
import { incarnationCrc, JournalDamage, MemoryStorage, segmentName } from '../../journal/index.ts'
import { FRAME, FRAME_ALIGN, SEGMENT, type Words, wordsOver } from '../../protocol/index.ts'
import { appendRecords, readJournal, startWriter } from './journal.ts'

/** Bytes of a block: what a frame of a few records takes. */
export const BLOCK = FRAME_ALIGN

/** The name of a journal's first segment. */
export const FIRST: string = segmentName(1)

export const READ_ONLY = { mode: 'readOnly' } as const
export const LIVE = { mode: 'readOnly', live: true } as const

/** A journal of one segment with `frames` frames of one block, three records each. */
export function smallJournal(frames: number, seal: 'sealed' | 'open', segmentBytes = 8 * BLOCK) {
  const storage = new MemoryStorage()
  const { writer } = startWriter(storage, { segmentBytes })
  for (let i = 0; i < frames; i++) appendRecords(writer, 3)
  if (seal === 'sealed') writer.seal({ shutdown: true })
  writer.close()
  return storage
}

/** What a reader says: its damage, or how many frames and where it found a torn tail. */
export function verdict(
  storage: MemoryStorage,
  options: typeof READ_ONLY | typeof LIVE = READ_ONLY,
) {
  try {
    const { frames, end } = readJournal(storage, options)
    return { frames: frames.length, torn: end.torn?.offset }
  } catch (error) {
    if (!(error instanceof JournalDamage)) throw error
    return { file: error.file, offset: error.offset, sequence: error.sequence }
  }
}

export function edit(
  storage: MemoryStorage,
  name: string,
  change: (bytes: Uint8Array) => void,
): void {
  storage.damage(name, (bytes) => {
    change(bytes)
    return bytes
  })
}

/** Makes the header at `at` right again after a change, as only its writer could. */
export function reseal(bytes: Uint8Array, at: number): void {
  const words = wordsOver(bytes.buffer as ArrayBuffer)
  const incarnation = bytes.subarray(SEGMENT.incarnation, SEGMENT.incarnation + 16)
  const header = bytes.subarray(at + FRAME.chain, at + FRAME.bytes)
  words.u32[(at + FRAME.crc) >>> 2] = crc32(header, incarnationCrc(incarnation))
}

export function damageOf(t: Test, storage: MemoryStorage, pattern: RegExp): JournalDamage {
  try {
    readJournal(storage, READ_ONLY)
  } catch (error) {
    if (!(error instanceof JournalDamage)) throw error
    t.match(error.message, pattern)
    t.ok(error.message.includes(error.file) && error.message.includes(`${error.offset}`))
    return error
  }
  throw new Error('the damage was not found')
}

export function setU32(words: Words, at: number, value: number): void {
  words.u32[at >>> 2] = value
}
