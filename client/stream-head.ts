// The head of a message of the stream, as a client writes it.

import { MESSAGE_HEAD, type Words } from '../protocol/index.ts'

/** Writes the head at byte `at` (a multiple of 8) of `words`. */
export function writeHead(
  words: Words,
  at: number,
  type: number,
  count: number,
  bodyBytes: number,
): void {
  for (let w = at >>> 2; w < (at + MESSAGE_HEAD.bytes) >>> 2; w++) words.u32[w] = 0
  words.u8[at + MESSAGE_HEAD.type] = type
  words.u16[(at + MESSAGE_HEAD.count) >>> 1] = count
  words.u32[(at + MESSAGE_HEAD.bodyBytes) >>> 2] = bodyBytes
}
