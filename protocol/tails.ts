// The optional tail of a record: the caller's spellings and metadata, which the engine skips and
// keeps only for accounts. Entries follow each other, then zeros to a multiple of 8:
//
//   0        1        2               4
//   +--------+--------+---------------+--------------------------- - -
//   | tag    | 0      | bytes         | that many bytes of UTF-8
//   +--------+--------+---------------+--------------------------- - -

import { TAIL_BYTES_MAX } from './limits.ts'

/** What an entry of a tail is. 0 ends the tail. */
export const TAIL_TAG = { end: 0, id: 1, metadata: 2, group: 3 } as const

/** An entry's tag. */
export type TailTag = (typeof TAIL_TAG)[keyof typeof TAIL_TAG]

/** Length of an entry's head. */
export const TAIL_HEAD_BYTES = 4

/**
 * Appends one entry at `at`, 1 KiB at most from `start`; gives back where it ends. The caller has
 * checked that text is within its limit.
 */
export function writeTailEntry(u8: Uint8Array, at: number, tag: TailTag, text: Uint8Array): number {
  u8[at] = tag
  u8[at + 1] = 0
  u8[at + 2] = text.length & 0xff
  u8[at + 3] = text.length >>> 8
  u8.set(text, at + TAIL_HEAD_BYTES)
  return at + TAIL_HEAD_BYTES + text.length
}

/** Zeros from `at` to the next multiple of 8 counted from `start`; gives back the tail's length. */
export function endTail(u8: Uint8Array, start: number, at: number): number {
  const bytes = (at - start + 7) & ~7
  u8.fill(0, at, start + bytes)
  if (bytes > TAIL_BYTES_MAX)
    throw new RangeError(`a tail of ${bytes} bytes: ${TAIL_BYTES_MAX} at most`)
  return bytes
}

/** The text of the first entry with `tag` in a tail of `bytes` bytes at `at`, or undefined. */
export function readTailEntry(
  u8: Uint8Array,
  at: number,
  bytes: number,
  tag: TailTag,
): string | undefined {
  const end = at + bytes
  let entry = at
  while (entry + TAIL_HEAD_BYTES <= end && u8[entry] !== TAIL_TAG.end) {
    const textAt = entry + TAIL_HEAD_BYTES
    const textEnd = textAt + (u8[entry + 2] as number) + (u8[entry + 3] as number) * 256
    if (textEnd > end) return undefined
    if (u8[entry] === tag) return Buffer.from(u8.slice(textAt, textEnd).buffer).toString('utf8')
    entry = textEnd
  }
  return undefined
}
