// Memory for the bytes of a table's rows, outside of the heap that V8 collects: a million rows cost it
// nothing. Pieces of multiples of 64 bytes in pages that are never given back. Knows nothing of rows.

import { allocateWords, type Words } from '../protocol/index.ts'

/** Pieces are of multiples of so many bytes, and a place counts them. */
const UNIT_BITS = 6
const UNIT_BYTES = 1 << UNIT_BITS

/** Units of one page: 1 MiB. */
const PAGE_BITS = 14
const PAGE_UNITS = 1 << PAGE_BITS

/** One page, as numbers and as texts are read. */
interface Page {
  readonly words: Words
  readonly buffer: Buffer
}

/** See the head of this file. A place is a u32; 0 is none. */
export class RowMemory {
  readonly #pages: Page[] = []
  /** By units: the first free piece of that length, whose first u32 is the next one's place. */
  readonly #free: Uint32Array
  /** Free units behind the last piece of the last page. */
  #next = 1
  #left = 0
  #freeUnits = 0

  /** `bytesMax` is the longest piece that will be asked for: at most a page. */
  constructor(bytesMax: number) {
    this.#free = new Uint32Array(unitsOf(bytesMax) + 1)
  }

  /** The memory in which a place lies: its bytes begin at `byteOf(place)`. */
  words(place: number): Words {
    return (this.#pages[place >>> PAGE_BITS] as Page).words
  }

  /** The same as a Buffer. */
  buffer(place: number): Buffer {
    return (this.#pages[place >>> PAGE_BITS] as Page).buffer
  }

  /** A piece of `bytes` bytes, whatever is in it. */
  take(bytes: number): number {
    const units = unitsOf(bytes)
    const free = this.#takeFree(units)
    if (free !== 0) return free
    if (this.#left < units) this.#addPage()
    const place = this.#next
    this.#next += units
    this.#left -= units
    return place
  }

  /** Gives a piece of `bytes` bytes back. */
  free(place: number, bytes: number): void {
    this.#put(place, unitsOf(bytes))
  }

  /** A free piece of so many units, cut off a longer one where there is no other; 0 where none is. */
  #takeFree(units: number): number {
    if (this.#freeUnits < units) return 0
    const free = this.#free
    for (let n = units; n < free.length; n++) {
      const place = free[n] as number
      if (place === 0) continue
      free[n] = this.words(place).u32[byteOf(place) >>> 2] as number
      this.#freeUnits -= n
      if (n > units) this.#put(place + units, n - units)
      return place
    }
    return 0
  }

  #put(place: number, units: number): void {
    this.words(place).u32[byteOf(place) >>> 2] = this.#free[units] as number
    this.#free[units] = place
    this.#freeUnits += units
  }

  #addPage(): void {
    // A place is 32 bits: 256 GiB, more than the longest rows of the largest table need.
    const first = this.#pages.length * PAGE_UNITS
    if (this.#left > 0) this.#put(this.#next, this.#left)
    const words = allocateWords(PAGE_UNITS << UNIT_BITS)
    this.#pages.push({ words, buffer: Buffer.from(words.u8.buffer) })
    // Place 0 is none.
    this.#next = first === 0 ? 1 : first
    this.#left = PAGE_UNITS - (first === 0 ? 1 : 0)
  }
}

/** Where a place begins within its memory, in bytes. */
export function byteOf(place: number): number {
  return (place & (PAGE_UNITS - 1)) << UNIT_BITS
}

function unitsOf(bytes: number): number {
  return (bytes + UNIT_BYTES - 1) >>> UNIT_BITS
}
