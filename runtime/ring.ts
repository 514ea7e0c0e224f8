// A ring of records in shared memory for one producer and one consumer. Not a queue of objects: what
// lies in it are the bytes of protocol/, each record in one piece.
//
//   control (each cursor on a line of its own)         data
//   +----------------+----------------+                +----------+----------+-----+-- - --+------+
//   | head           | tail           |                | record   | record   | ... | free  | skip |
//   +----------------+----------------+                +----------+----------+-----+-- - --+------+
//   0                128              256
//
// Cursors count bytes modulo 2^32 and are published once per batch. A record that does not fit before
// the end of the memory begins at its start; eight zero bytes say so: no command, outcome or frame
// begins with them.

import { type Words, wordsOver } from '../protocol/index.ts'

/** Words of 4 bytes from one cursor to the next: two cache lines, for lines are fetched in pairs. */
const LINE = 32
const HEAD = 0
const TAIL = LINE

/** Records start at multiples of this, so that a skip marker always has room. */
const ALIGN = 8

// Cursors pass 2^31 once in 4 GiB. That is not to be news for V8, which would throw the code of all who use a ring
// away, under load: so it is told at every use that they are integers of 32 bits.

/** The cursor that is `bytes` bytes further than another. */
function further(cursor: number, bytes: number): number {
  return ((cursor | 0) + (bytes | 0)) | 0
}

/**
 * Bytes from one cursor to another that is ahead of it. Not by `>>> 0`, which V8 compiles for operands below 2^31 and
 * compiles again for the first that is not.
 */
function distance(from: number, to: number): number {
  const bytes = ((to | 0) - (from | 0)) | 0
  return bytes < 0 ? bytes + 4_294_967_296 : bytes
}

/** The shared memory of one ring. */
export interface RingMemory {
  readonly control: SharedArrayBuffer
  readonly data: SharedArrayBuffer
}

/** The bytes of a ring are none that its producer may write: its producer is broken. */
export class RingBroken extends Error {
  override readonly name = 'RingBroken'
}

/** Memory for a ring of `bytes` bytes, a power of two from 64 to 2^30. */
export function allocateRing(bytes: number): RingMemory {
  if (bytes < 64 || bytes > 1_073_741_824 || (bytes & (bytes - 1)) !== 0) {
    throw new RangeError(`a ring of ${bytes} bytes: a power of two from 64 to 2^30 is wanted`)
  }
  return {
    control: new SharedArrayBuffer(2 * LINE * 4),
    data: new SharedArrayBuffer(bytes),
  }
}

/** The producer's end. What it writes is seen by the consumer after `publish`. */
export class RingProducer {
  readonly words: Words
  readonly capacity: number
  readonly #control: Int32Array
  readonly #mask: number
  /** Where the next record goes; ahead of the published head by what was committed since. */
  #head: number
  #published: number
  /** The consumer's tail as last seen: read again only when the ring looks full. */
  #tail: number
  #claimed = 0

  constructor(memory: RingMemory) {
    this.words = wordsOver(memory.data)
    this.capacity = memory.data.byteLength
    this.#control = new Int32Array(memory.control)
    this.#mask = this.capacity - 1
    this.#head = Atomics.load(this.#control, HEAD)
    this.#published = this.#head
    this.#tail = Atomics.load(this.#control, TAIL)
  }

  /**
   * The place of `bytes` bytes in one piece (a multiple of 8, at most half of the ring), or -1 when
   * there is no room. The claim is forgotten unless `commit` follows.
   */
  claim(bytes: number): number {
    if (bytes <= 0 || bytes % ALIGN !== 0 || bytes > this.capacity >>> 1) {
      throw new RangeError(`a claim of ${bytes} bytes in a ring of ${this.capacity}`)
    }
    let at = this.#head & this.#mask
    const toEnd = this.capacity - at
    const wraps = bytes > toEnd
    if (!this.#hasRoom(wraps ? toEnd + bytes : bytes)) return -1
    if (wraps) {
      this.words.i32[at >>> 2] = 0
      this.words.i32[(at >>> 2) + 1] = 0
      this.#head = further(this.#head, toEnd)
      at = 0
    }
    this.#claimed = bytes
    return at
  }

  /** Keeps the first `bytes` bytes (a multiple of 8) of the last claim. */
  commit(bytes: number): void {
    if (bytes > this.#claimed || bytes % ALIGN !== 0) {
      throw new RangeError(`${bytes} bytes committed of ${this.#claimed} claimed`)
    }
    this.#head = further(this.#head, bytes)
    this.#claimed = 0
  }

  /** Shows the consumer what was committed; gives back whether there was anything new. */
  publish(): boolean {
    if (this.#published === this.#head) return false
    this.#published = this.#head
    Atomics.store(this.#control, HEAD, this.#head)
    return true
  }

  /** Bytes that are free now, in two pieces at most. */
  free(): number {
    this.#tail = Atomics.load(this.#control, TAIL)
    return this.capacity - distance(this.#tail, this.#head)
  }

  /** Whether the consumer has released all that was committed. */
  isEmpty(): boolean {
    return this.free() === this.capacity
  }

  #hasRoom(bytes: number): boolean {
    if (this.capacity - distance(this.#tail, this.#head) >= bytes) return true
    return this.free() >= bytes
  }
}

/** The consumer's end. What it read is free for the producer after `release`. */
export class RingConsumer {
  readonly words: Words
  readonly capacity: number
  /** Where the piece that `next` gave back ends at the latest: a record may not go beyond. */
  end = 0
  readonly #control: Int32Array
  readonly #mask: number
  /** The next byte to read; ahead of the released tail by what was read since. */
  #cursor: number
  #released: number
  /** The producer's head as last seen. */
  #head: number

  constructor(memory: RingMemory) {
    this.words = wordsOver(memory.data)
    this.capacity = memory.data.byteLength
    this.#control = new Int32Array(memory.control)
    this.#mask = this.capacity - 1
    this.#cursor = Atomics.load(this.#control, TAIL)
    this.#released = this.#cursor
    this.#head = this.#cursor
  }

  /** Looks at the producer's head: how many bytes are there to read, skipped ones included. */
  refresh(): number {
    this.#head = Atomics.load(this.#control, HEAD)
    const unread = distance(this.#cursor, this.#head)
    if (unread > this.capacity || unread % ALIGN !== 0) {
      throw new RingBroken(`the head is ${unread} bytes ahead in a ring of ${this.capacity}`)
    }
    return unread
  }

  /** Whether the producer's head differs from where reading stands: a cheap look, before sleeping. */
  hasMore(): boolean {
    return Atomics.load(this.#control, HEAD) !== this.#cursor
  }

  /** The place of the next record of what `refresh` saw, or -1 after the last; `end` bounds it. */
  next(): number {
    const unread = distance(this.#cursor, this.#head)
    if (unread === 0) return -1
    const at = this.#cursor & this.#mask
    const word = at >>> 2
    if (((this.words.i32[word] as number) | (this.words.i32[word + 1] as number)) !== 0) {
      this.end = Math.min(at + unread, this.capacity)
      return at
    }
    const toEnd = this.capacity - at
    // A producer skips only to write a record at the start, and publishes both together.
    if (toEnd >= unread || at === 0) throw new RingBroken(`a skip marker at ${at} leads nowhere`)
    this.#cursor = further(this.#cursor, toEnd)
    return this.next()
  }

  /** Goes on behind the record of `bytes` bytes that `next` gave back. */
  advance(bytes: number): void {
    if (bytes <= 0 || bytes % ALIGN !== 0 || bytes > distance(this.#cursor, this.#head)) {
      throw new RingBroken(`a record of ${bytes} bytes at ${this.#cursor & this.#mask}`)
    }
    this.#cursor = further(this.#cursor, bytes)
  }

  /** Where reading stands, for `rewind`; valid until `release`. */
  mark(): number {
    return this.#cursor
  }

  /** Reads again from `mark`. */
  rewind(mark: number): void {
    this.#cursor = mark
  }

  /** Gives the producer the room of all that was read. */
  release(): void {
    if (this.#released === this.#cursor) return
    this.#released = this.#cursor
    Atomics.store(this.#control, TAIL, this.#cursor)
  }

  /** Bytes that the producer had published by the last `refresh` and that are not released. */
  held(): number {
    return distance(this.#released, this.#head)
  }
}
