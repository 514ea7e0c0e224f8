// What the canonical bytes of modules' rows and timers have in common: texts, and the checks of bytes
// that are read back. A row's or a timer's first u32 is its length, a multiple of 8. A text:
//
//   0           4
//   +-----------+------------------------- - -
//   | u32 bytes | that many bytes of UTF-8, then zeros to a multiple of 8
//   +-----------+------------------------- - -

import { isWellFormedText, MODULE_TEXT_BYTES_MAX, type Words } from '../protocol/index.ts'

/** Length of the longest text's bytes. */
export const TEXT_BYTES_MAX: number = paddedBytes(MODULE_TEXT_BYTES_MAX)

/** What is wrong with `text`, as the end of a sentence, or undefined. */
export function textFault(text: string): string | undefined {
  // A UTF-16 unit is 3 bytes of UTF-8 at most: most texts need not be gone through.
  if (text.length * 3 > MODULE_TEXT_BYTES_MAX && utf8Bytes(text) > MODULE_TEXT_BYTES_MAX) {
    return `is of ${MODULE_TEXT_BYTES_MAX} bytes of UTF-8 at most, not ${utf8Bytes(text)}`
  }
  if (!isWellFormedText(text)) return 'has a half of a surrogate pair: cut texts between characters'
  return undefined
}

/** Length of the bytes that `writeText` writes. */
export function textBytes(text: string): number {
  return paddedBytes(utf8Bytes(text))
}

function utf8Bytes(text: string): number {
  return Buffer.byteLength(text)
}

function paddedBytes(bytes: number): number {
  return (4 + bytes + 7) & ~7
}

/** Writes a text in which there is no fault at `at`, a multiple of 8; gives back where it ends. */
export function writeText({ u8, u32 }: Words, at: number, text: string): number {
  const start = at + 4
  let to = start
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) {
      const utf8 = Buffer.from(text)
      u8.set(utf8, start)
      to = start + utf8.length
      break
    }
    u8[to++] = unit
  }
  u32[at >>> 2] = to - start
  const end = at + paddedBytes(to - start)
  while (to < end) u8[to++] = 0
  return end
}

/**
 * The text at `at`, or undefined where it would end behind `end`. What is no UTF-8 is read as other
 * characters: a caller who must know writes it again and compares.
 */
export function readText({ u8, u32 }: Words, at: number, end: number): string | undefined {
  if (at + 8 > end) return undefined
  const bytes = u32[at >>> 2] as number
  if (bytes > MODULE_TEXT_BYTES_MAX || at + paddedBytes(bytes) > end) return undefined
  return Buffer.from(u8.slice(at + 4, at + 4 + bytes).buffer).toString('utf8')
}

/** Where the text at `at` ends. */
export function endOfText({ u32 }: Words, at: number): number {
  return at + paddedBytes(u32[at >>> 2] as number)
}

/** The text at `at` of what was written here, whose memory is `buffer` too. */
export function ownText({ u32 }: Words, buffer: Buffer, at: number): string {
  return buffer.toString('utf8', at + 4, at + 4 + (u32[at >>> 2] as number))
}

/** Whether the text at `at` is `text`. */
export function isText({ u8, u32 }: Words, at: number, text: string): boolean {
  const start = at + 4
  const bytes = u32[at >>> 2] as number
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return isUtf8(u8, start, bytes, Buffer.from(text))
    if (i >= bytes || u8[start + i] !== unit) return false
  }
  return bytes === text.length
}

function isUtf8(u8: Uint8Array, start: number, bytes: number, text: Uint8Array): boolean {
  if (text.length !== bytes) return false
  for (let i = 0; i < bytes; i++) if (u8[start + i] !== text[i]) return false
  return true
}

/**
 * Length of the row or timer at byte `at`, at least `bytesMin`; 0 where it does not lie wholly in
 * `words`.
 */
export function lengthAt(words: Words, at: number, bytesMin: number): number {
  const left = words.u8.length - at
  const bytes = left < bytesMin ? 0 : (words.u32[at >>> 2] as number)
  return bytes < bytesMin || bytes > left || (bytes & 7) !== 0 ? 0 : bytes
}

/** Whether the `aBytes` at `at` of `a` are the first `bBytes` of `b`. All are multiples of 8. */
export function isSame(a: Words, at: number, aBytes: number, b: Words, bBytes: number): boolean {
  if (aBytes !== bBytes) return false
  const from = at >>> 2
  for (let i = 0; i < aBytes >>> 2; i++) if (a.i32[from + i] !== b.i32[i]) return false
  return true
}
