// The replies that are remembered with modules' outcomes: a ring of bytes in the order of the outcomes. Its
// places count all bytes that were ever remembered, so that they depend on the journal alone.
//
//   0           4
//   +-----------+---------------------------------- - -
//   | u32 bytes | that many bytes of JSON text, then zeros to a multiple of 8
//   +-----------+---------------------------------- - -

import { MODULE_REPLY_BYTES_MAX } from '../protocol/index.ts'

const HEAD_BYTES = 4

/** What the longest reply takes in the ring. */
export const REPLY_ENTRY_BYTES_MAX: number = entryBytes(MODULE_REPLY_BYTES_MAX)

/** The place of an outcome that has no reply. */
export const NO_REPLY = -1

function entryBytes(bytes: number): number {
  return (HEAD_BYTES + bytes + 7) & ~7
}

/** See the head of this file. */
export class ReplyMemory {
  readonly #ring: Uint8Array
  /** The oldest byte that is remembered, and the one after the youngest. */
  #start = 0
  #end = 0

  /** There is room for `bytesMax` bytes, cut to a multiple of 8. */
  constructor(bytesMax: number) {
    this.#ring = new Uint8Array(Math.floor(bytesMax / 8) * 8)
  }

  /** Memory that is reserved. */
  get bytes(): number {
    return this.#ring.length
  }

  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  /** Bytes that are remembered. */
  get used(): number {
    return this.#end - this.#start
  }

  /** Remembers the first `bytes` bytes of `text`, for which there is room; gives back the place. */
  add(text: Uint8Array, bytes: number): number {
    const ring = this.#ring
    const place = this.#end
    let at = place % ring.length
    const put = (byte: number): void => {
      ring[at] = byte
      if (++at === ring.length) at = 0
    }
    for (let n = 0; n < HEAD_BYTES; n++) put((bytes >>> (n * 8)) & 0xff)
    for (let n = 0; n < bytes; n++) put(text[n] as number)
    const length = entryBytes(bytes)
    for (let n = HEAD_BYTES + bytes; n < length; n++) put(0)
    this.#end = place + length
    return place
  }

  /** Bytes of the reply at `place`. */
  bytesAt(place: number): number {
    // Entries lie at multiples of 8, and so does the ring's end: a head is in one piece.
    const at = place % this.#ring.length
    const ring = this.#ring
    return (
      (ring[at] as number) |
      ((ring[at + 1] as number) << 8) |
      ((ring[at + 2] as number) << 16) |
      ((ring[at + 3] as number) << 24)
    )
  }

  /** Copies the reply at `place` to the start of `to`; gives back its bytes. */
  read(place: number, to: Uint8Array): number {
    const ring = this.#ring
    const bytes = this.bytesAt(place)
    let at = (place + HEAD_BYTES) % ring.length
    for (let n = 0; n < bytes; n++) {
      to[n] = ring[at] as number
      if (++at === ring.length) at = 0
    }
    return bytes
  }

  /** Where the entry after the one at `place` begins. */
  after(place: number): number {
    return place + entryBytes(this.bytesAt(place))
  }

  /** Forgets the oldest reply, which is at `place`. */
  forget(place: number): void {
    this.#start = this.after(place)
  }

  /** Takes back every reply from `end` on. */
  truncate(end: number): void {
    this.#end = end
  }

  /** Copies `bytes` bytes from `place` on to `at` of `to`: whole entries or parts of them. */
  copyRaw(place: number, bytes: number, to: Uint8Array, at: number): void {
    const ring = this.#ring
    const from = place % ring.length
    const first = Math.min(bytes, ring.length - from)
    to.set(ring.subarray(from, from + first), at)
    to.set(ring.subarray(0, bytes - first), at + first)
  }

  /** An empty ring begins at `start`. */
  startAt(start: number): void {
    this.#start = start
    this.#end = start
  }

  /** Adds bytes as `copyRaw` gave them; false where there is no room. */
  addRaw(from: Uint8Array): boolean {
    const ring = this.#ring
    if (this.used + from.length > ring.length) return false
    const at = this.#end % ring.length
    const first = Math.min(from.length, ring.length - at)
    ring.set(from.subarray(0, first), at)
    ring.set(from.subarray(first), 0)
    this.#end += from.length
    return true
  }
}
