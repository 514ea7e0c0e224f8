// What is remembered of commands other than granted reserves: under which id, with what content, and
// what came of it. A ring in order of sequence; the oldest are forgotten first, a chain's together.
//
// row (64 bytes), by word:
//    0 id (4)    4 sequence, low    5 time, low    6 high halves of both    7 status, place, kind, flags
//    8 moved (2; for a refusal the metadataHash)   10 amount (2)
//   12 hash of the first id, second id, timeout, group
//
// The first id is the debit account, the account, the reservation or the group, by kind. Amounts are
// kept whole; an id or a timeout that differs is overlooked once in 2^32.

import { copyWords, FLAG, type Words } from '../protocol/index.ts'
import { allocateLines } from './cache-lines.ts'
import { highHalf, wholeOf } from './halves.ts'

const ROW_BYTES = 64
const WORDS_SHIFT = 4
const DOUBLES_SHIFT = 3

/** The content of a command as it is remembered; one object that is filled anew for every command. */
export interface Content {
  kind: number
  /** The record's flags without `linked` and `dryRun`. */
  flags: number
  chainPlace: number
  /** A row of the same chain comes before: members that open or reserve have no row here. */
  continuesChain: boolean
  amount: number
  firstHash: number
  secondHash: number
  timeoutHash: number
  groupHash: number
  metadataHash: number
}

/** Where a command stands in a chain. */
export const CHAIN_PLACE = { alone: 0, first: 1, middle: 2, last: 3 } as const

/** Bit beside the place of a row that is not the first of its chain. */
const CONTINUES = 4

/** Flags that are content. */
export const CONTENT_FLAGS: number = 0xff & ~FLAG.linked & ~FLAG.dryRun

/** Rows of up to `outcomesMax` outcomes. Slots are places in the ring. */
export class OutcomeMemory {
  readonly rowWords = ROW_BYTES / 4
  readonly i32: Int32Array
  readonly bytes: number
  /** The rows as bytes, for reading ids in place; a row begins at `slot * 64`. */
  readonly words: Words
  private readonly u32: Uint32Array
  private readonly f64: Float64Array
  private readonly rowsMax: number
  #oldest = 0
  count = 0

  constructor(outcomesMax: number) {
    this.words = allocateLines(outcomesMax * ROW_BYTES)
    this.i32 = this.words.i32
    this.u32 = this.words.u32
    this.f64 = this.words.f64
    this.rowsMax = outcomesMax
    this.bytes = outcomesMax * ROW_BYTES
  }

  /** The slot of the oldest row; there must be one. */
  get oldest(): number {
    return this.#oldest
  }

  /** The slot that is `n` rows younger than the oldest. */
  slotAt(n: number): number {
    const slot = this.#oldest + n
    return slot >= this.rowsMax ? slot - this.rowsMax : slot
  }

  sequence(slot: number): number {
    const w = slot << WORDS_SHIFT
    return wholeOf((this.i32[w + 6] as number) & 0xffff, this.u32[w + 4] as number)
  }

  timeMs(slot: number): number {
    const w = slot << WORDS_SHIFT
    return wholeOf((this.i32[w + 6] as number) >>> 16, this.u32[w + 5] as number)
  }

  status(slot: number): number {
    return (this.i32[(slot << WORDS_SHIFT) + 7] as number) & 0xff
  }

  chainPlace(slot: number): number {
    return ((this.i32[(slot << WORDS_SHIFT) + 7] as number) >>> 8) & 3
  }

  /** Whether the row before is of the same chain. */
  continuesChain(slot: number): boolean {
    return (((this.i32[(slot << WORDS_SHIFT) + 7] as number) >>> 8) & CONTINUES) !== 0
  }

  kind(slot: number): number {
    return ((this.i32[(slot << WORDS_SHIFT) + 7] as number) >>> 16) & 0xff
  }

  flags(slot: number): number {
    return (this.i32[(slot << WORDS_SHIFT) + 7] as number) >>> 24
  }

  /** What moved; 0 for a refusal. */
  moved(slot: number): number {
    return this.status(slot) === 0 ? (this.f64[(slot << DOUBLES_SHIFT) + 4] as number) : 0
  }

  /** Whether metadata differs; only a refused reserve has any. */
  differsInMetadata(slot: number, hash: number): boolean {
    return this.status(slot) !== 0 && this.f64[(slot << DOUBLES_SHIFT) + 4] !== hash
  }

  amount(slot: number): number {
    return this.f64[(slot << DOUBLES_SHIFT) + 5] as number
  }

  firstHash(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + 12] as number
  }

  secondHash(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + 13] as number
  }

  timeoutHash(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + 14] as number
  }

  groupHash(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + 15] as number
  }

  /** Adds the youngest row; there is room. Gives back its slot. */
  add(
    words: Words,
    idAt: number,
    content: Content,
    status: number,
    moved: number,
    sequence: number,
    timeMs: number,
  ): number {
    const slot = this.slotAt(this.count)
    const w = slot << WORDS_SHIFT
    const f = slot << DOUBLES_SHIFT
    const i32 = this.i32
    copyWords(words, idAt, this.words, slot * ROW_BYTES, 16)
    i32[w + 4] = sequence | 0
    i32[w + 5] = timeMs | 0
    i32[w + 6] = highHalf(sequence) | (highHalf(timeMs) << 16)
    const place = content.chainPlace | (content.continuesChain ? CONTINUES : 0)
    i32[w + 7] = status | (place << 8) | (content.kind << 16) | (content.flags << 24)
    this.f64[f + 4] = status === 0 ? moved : content.metadataHash
    this.f64[f + 5] = content.amount
    i32[w + 12] = content.firstHash
    i32[w + 13] = content.secondHash
    i32[w + 14] = content.timeoutHash
    i32[w + 15] = content.groupHash
    this.count++
    return slot
  }

  /** Copies a row to `at` of `to`; it has nothing in it that is this process's own. */
  copyRow(slot: number, to: Words, at: number): void {
    copyWords(this.words, slot * ROW_BYTES, to, at, ROW_BYTES)
  }

  /**
   * Adds `count` rows as `copyRow` gave them to a ring that began empty; there is room. Gives back the
   * first one's slot.
   */
  restore(rows: Words, at: number, count: number): number {
    const slot = this.count
    this.words.u8.set(rows.u8.subarray(at, at + count * ROW_BYTES), slot * ROW_BYTES)
    this.count += count
    return slot
  }

  /** Rows that belong with the oldest: 1, or as many as its chain has left. */
  oldestRun(): number {
    let n = 1
    while (n < this.count && this.continuesChain(this.slotAt(n))) n++
    return n
  }

  /** Forgets the oldest row; it is out of the index already. */
  dropOldest(): void {
    this.#oldest = this.slotAt(1)
    this.count--
  }

  /** Takes the youngest row back; it is out of the index already. */
  dropYoungest(): void {
    this.count--
  }
}

/** Bytes of a row, for those who read ids in place. */
export const OUTCOME_ROW_BYTES: number = ROW_BYTES
