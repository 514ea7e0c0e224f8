// Texts in memory: read and written in place, without a copy on the way. What lies where is said by
// the layouts.

import { isUtf8 } from 'node:buffer'

/** Views of memory that texts were read from or written to: such memory is used again and again. */
const BUFFERS = new WeakMap<Uint8Array, Buffer>()

function bufferOver(u8: Uint8Array): Buffer {
  const known = BUFFERS.get(u8)
  if (known !== undefined) return known
  const buffer = Buffer.from(u8.buffer, u8.byteOffset, u8.length)
  BUFFERS.set(u8, buffer)
  return buffer
}

/** The UTF-8 from `from` to `end`; what is none becomes U+FFFD. The memory may be shared by threads. */
export function readText(u8: Uint8Array, from: number, end: number): string {
  return bufferOver(u8).toString('utf8', from, end)
}

/** The UTF-8 from `from` to `end`, in memory of this thread's own; undefined where it is none. */
export function readUtf8(u8: Uint8Array, from: number, end: number): string | undefined {
  let bits = 0
  for (let i = from; i < end; i++) bits |= u8[i] as number
  const buffer = bufferOver(u8)
  if (bits < 0x80) return buffer.toString('latin1', from, end)
  return isUtf8(buffer.subarray(from, end)) ? buffer.toString('utf8', from, end) : undefined
}

/** Writes `text` as UTF-8 at `at`, where there is room for it; its length in bytes. */
export function writeText(u8: Uint8Array, at: number, text: string): number {
  return bufferOver(u8).write(text, at)
}

/** Whether all of `text` is ASCII, as most is: then its UTF-8 is as long as the text. */
export function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}

/** `text` in Unicode's NFC, which ASCII is: to know that is cheaper than to normalize it. */
export function toNfc(text: string): string {
  return isAscii(text) ? text : text.normalize('NFC')
}
