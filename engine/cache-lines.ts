// Memory whose rows of 64 bytes are lines of the cache. What takes a line of its own costs one miss; begun
// anywhere else, each row would lie on two.

import { type Words, wordsOver } from '../protocol/index.ts'

/** Bytes of a line of the cache. */
export const LINE_BYTES = 64

/**
 * Where a line begins in a new buffer: a large one is a mapping of its own, whose first 16 bytes are the
 * allocator's (`malloc` of the GNU C library, chunk header). Elsewhere it may be wrong, and costs time alone.
 */
const OFFSET = 48

/** Fresh memory of `bytes` bytes, a multiple of 8, from the start of a line on. */
export function allocateLines(bytes: number): Words {
  return wordsOver(new ArrayBuffer(bytes + OFFSET), OFFSET, bytes)
}
