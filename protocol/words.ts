// Reading and writing fixed layouts in plain memory: one buffer seen as bytes and as 32-bit words.
// Not a codec: what lies where is said by records.ts, outcomes.ts and frames.ts.
//
// Every layout is little-endian and every field is aligned to its size, so that typed arrays read it
// in place. The machines Node runs on are little-endian; `words.ts` asserts it once.

/** One stretch of memory under the views that the layouts need. Offsets are bytes from its start. */
export interface Words {
  readonly u8: Uint8Array
  readonly u16: Uint16Array
  readonly i32: Int32Array
  readonly u32: Uint32Array
  readonly f64: Float64Array
}

const TWO_32 = 4_294_967_296

if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1) {
  throw new Error('Holdfast needs a little-endian machine')
}

/** Views over `bytes` bytes of `buffer` from `offset`; both are multiples of 8. */
export function wordsOver(
  buffer: ArrayBuffer | SharedArrayBuffer,
  offset = 0,
  bytes = buffer.byteLength - offset,
): Words {
  return {
    u8: new Uint8Array(buffer, offset, bytes),
    u16: new Uint16Array(buffer, offset, bytes >>> 1),
    i32: new Int32Array(buffer, offset, bytes >>> 2),
    u32: new Uint32Array(buffer, offset, bytes >>> 2),
    f64: new Float64Array(buffer, offset, bytes >>> 3),
  }
}

/** Fresh memory of `bytes` bytes. */
export function allocateWords(bytes: number): Words {
  return wordsOver(new ArrayBuffer(bytes))
}

/**
 * A signed 64-bit integer at byte `at` (a multiple of 4). Exact within +-2^53, which covers every
 * amount, sequence and time; what lies beyond reads as a number beyond, and so fails its range check.
 */
export function readI64(words: Words, at: number): number {
  const w = at >>> 2
  return (words.i32[w + 1] as number) * TWO_32 + (words.u32[w] as number)
}

/** Writes an integer within +-2^53 as 64 bits at byte `at` (a multiple of 4). */
export function writeI64(words: Words, at: number, value: number): void {
  const w = at >>> 2
  words.i32[w] = value | 0
  words.i32[w + 1] = Math.floor(value / TWO_32)
}

/** The double at byte `at` (a multiple of 8). */
export function readF64(words: Words, at: number): number {
  return words.f64[at >>> 3] as number
}

/** Writes a double at byte `at` (a multiple of 8). */
export function writeF64(words: Words, at: number, value: number): void {
  words.f64[at >>> 3] = value
}

/** Copies `bytes` bytes (a multiple of 4, at multiples of 4) word by word: no view is made. */
export function copyWords(
  from: Words,
  fromAt: number,
  to: Words,
  toAt: number,
  bytes: number,
): void {
  const source = from.i32
  const target = to.i32
  let f = fromAt >>> 2
  let t = toAt >>> 2
  for (const end = f + (bytes >>> 2); f < end; f++, t++) target[t] = source[f] as number
}

/** Whether the 16 bytes at `a` and at `b` (multiples of 4) are the same identifier. */
export function sameId(x: Words, a: number, y: Words, b: number): boolean {
  const i = a >>> 2
  const j = b >>> 2
  const p = x.i32
  const q = y.i32
  return p[i] === q[j] && p[i + 1] === q[j + 1] && p[i + 2] === q[j + 2] && p[i + 3] === q[j + 3]
}

/** Whether the 16 bytes at `at` are all zero: no identifier. */
export function isNoId(words: Words, at: number): boolean {
  const w = at >>> 2
  const i = words.i32
  return i[w] === 0 && i[w + 1] === 0 && i[w + 2] === 0 && i[w + 3] === 0
}
