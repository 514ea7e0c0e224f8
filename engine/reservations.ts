// The reservations' rows: open ones, and ended ones for as long as they are remembered. A granted
// reserve is remembered by its row, so the row also holds what the command's content was.
//
// row (128 bytes), by word:
//    0 id (4)            4 debit, credit slot     6 amount   8 settled   10 released   12 expiresAt
//   14 state, flags, chain place   15 index hash  16 next, previous       18 group's next, previous
//   20 group, its hash   22 timeout's hash       23 metadataHash
//   24 sequence          26 time                 28 asked    30 taken
//
// `next` and `previous` link the expiry wheel's buckets while it is open, `next` the free rows at last;
// the time it ended lies over the group's links. Ended rows stand in a ring in order of ending. A link is
// slot + 1; 0 is none.

import {
  copyWords,
  FLAG,
  RECORD,
  RESERVATION_STATE,
  RESERVE,
  readF64,
  readI64,
  type Words,
  wordsOver,
} from '../protocol/index.ts'
import { contentHashOfGroup, contentHashOfNumber } from './id-hash.ts'
import { RESERVATION_ROW } from './state-layout.ts'

const ROW_BYTES = 128
const WORDS_SHIFT = 5
const DOUBLES_SHIFT = 4

const WORD = {
  debit: 4,
  credit: 5,
  state: 14,
  hash: 15,
  next: 16,
  previous: 17,
  groupNext: 18,
  groupPrevious: 19,
  group: 20,
  groupHash: 21,
  timeoutHash: 22,
  metadataHash: 23,
} as const

const DOUBLE = {
  amount: 3,
  settled: 4,
  released: 5,
  expiresAt: 6,
  endedAt: 9,
  sequence: 12,
  timeMs: 13,
  asked: 14,
  taken: 15,
} as const

const FLAGS_SHIFT = 8
const CHAIN_PLACE_SHIFT = 16

/** Rows of up to `reservationsMax` reservations. */
export class Reservations {
  readonly rowWords = ROW_BYTES / 4
  readonly i32: Int32Array
  readonly bytes: number
  private readonly f64: Float64Array
  /** The rows as bytes, for reading ids in place; a row begins at `slot * 128`. */
  readonly words: Words
  #free = 0
  #fresh = 0
  /** A ring of the slots that ended, the one that did first at `#endedStart`. */
  private readonly ended: Int32Array
  #endedStart = 0
  #endedCount = 0
  /** Rows in use: open and ended. */
  count = 0
  open = 0

  constructor(reservationsMax: number) {
    const rows = new ArrayBuffer(reservationsMax * ROW_BYTES)
    this.words = wordsOver(rows)
    this.i32 = this.words.i32
    this.f64 = this.words.f64
    this.ended = new Int32Array(reservationsMax)
    this.bytes = rows.byteLength + this.ended.byteLength
  }

  debit(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + WORD.debit] as number
  }

  credit(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + WORD.credit] as number
  }

  /** One of `RESERVATION_STATE`. */
  state(slot: number): number {
    return (this.i32[(slot << WORDS_SHIFT) + WORD.state] as number) & 0xff
  }

  /** The record's flags, without `linked`. */
  flags(slot: number): number {
    return ((this.i32[(slot << WORDS_SHIFT) + WORD.state] as number) >>> FLAGS_SHIFT) & 0xff
  }

  /** The hash under which its id is indexed. */
  hash(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + WORD.hash] as number
  }

  chainPlace(slot: number): number {
    return (this.i32[(slot << WORDS_SHIFT) + WORD.state] as number) >>> CHAIN_PLACE_SHIFT
  }

  amount(slot: number): number {
    return this.f64[(slot << DOUBLES_SHIFT) + DOUBLE.amount] as number
  }

  settled(slot: number): number {
    return this.f64[(slot << DOUBLES_SHIFT) + DOUBLE.settled] as number
  }

  released(slot: number): number {
    return this.f64[(slot << DOUBLES_SHIFT) + DOUBLE.released] as number
  }

  /** What is still held for an open reservation. */
  remaining(slot: number): number {
    const f = slot << DOUBLES_SHIFT
    const f64 = this.f64
    return (
      (f64[f + DOUBLE.amount] as number) -
      (f64[f + DOUBLE.settled] as number) -
      (f64[f + DOUBLE.released] as number)
    )
  }

  expiresAt(slot: number): number {
    return this.f64[(slot << DOUBLES_SHIFT) + DOUBLE.expiresAt] as number
  }

  setAmounts(slot: number, amount: number, settled: number, released: number): void {
    const f = slot << DOUBLES_SHIFT
    this.f64[f + DOUBLE.amount] = amount
    this.f64[f + DOUBLE.settled] = settled
    this.f64[f + DOUBLE.released] = released
  }

  setExpiresAt(slot: number, timeMs: number): void {
    this.f64[(slot << DOUBLES_SHIFT) + DOUBLE.expiresAt] = timeMs
  }

  /** Sequence of its reserve: no two reservations share one. */
  sequence(slot: number): number {
    return this.f64[(slot << DOUBLES_SHIFT) + DOUBLE.sequence] as number
  }

  timeMs(slot: number): number {
    return this.f64[(slot << DOUBLES_SHIFT) + DOUBLE.timeMs] as number
  }

  /** The amount that its reserve asked for. */
  asked(slot: number): number {
    return this.f64[(slot << DOUBLES_SHIFT) + DOUBLE.asked] as number
  }

  /** The amount that its reserve held at first. */
  taken(slot: number): number {
    return this.f64[(slot << DOUBLES_SHIFT) + DOUBLE.taken] as number
  }

  endedAt(slot: number): number {
    return this.f64[(slot << DOUBLES_SHIFT) + DOUBLE.endedAt] as number
  }

  groupHash(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + WORD.groupHash] as number
  }

  timeoutHash(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + WORD.timeoutHash] as number
  }

  metadataHash(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + WORD.metadataHash] as number
  }

  next(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + WORD.next] as number
  }

  setNext(slot: number, link: number): void {
    this.i32[(slot << WORDS_SHIFT) + WORD.next] = link
  }

  previous(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + WORD.previous] as number
  }

  setPrevious(slot: number, link: number): void {
    this.i32[(slot << WORDS_SHIFT) + WORD.previous] = link
  }

  /** The group's slot + 1, or 0. */
  group(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + WORD.group] as number
  }

  setGroup(slot: number, link: number): void {
    this.i32[(slot << WORDS_SHIFT) + WORD.group] = link
  }

  groupNext(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + WORD.groupNext] as number
  }

  setGroupNext(slot: number, link: number): void {
    this.i32[(slot << WORDS_SHIFT) + WORD.groupNext] = link
  }

  groupPrevious(slot: number): number {
    return this.i32[(slot << WORDS_SHIFT) + WORD.groupPrevious] as number
  }

  setGroupPrevious(slot: number, link: number): void {
    this.i32[(slot << WORDS_SHIFT) + WORD.groupPrevious] = link
  }

  /** Fills a row from the reserve record at `at`; the table has room. Gives back its slot. */
  add(
    words: Words,
    at: number,
    hash: number,
    debit: number,
    credit: number,
    taken: number,
    sequence: number,
    timeMs: number,
    chainPlace: number,
  ): number {
    const slot = this.#claim()
    const w = slot << WORDS_SHIFT
    const f = slot << DOUBLES_SHIFT
    const i32 = this.i32
    const f64 = this.f64
    const timeoutMs = readI64(words, at + RESERVE.timeoutMs)
    const flags = (words.u8[at + RECORD.flags] as number) & ~FLAG.linked
    copyWords(words, at + RECORD.id, this.words, slot * ROW_BYTES, 16)
    i32[w + WORD.debit] = debit
    i32[w + WORD.credit] = credit
    f64[f + DOUBLE.amount] = taken
    f64[f + DOUBLE.settled] = 0
    f64[f + DOUBLE.released] = 0
    f64[f + DOUBLE.expiresAt] = timeoutMs === 0 ? 0 : timeMs + timeoutMs
    i32[w + WORD.state] =
      RESERVATION_STATE.held | (flags << FLAGS_SHIFT) | (chainPlace << CHAIN_PLACE_SHIFT)
    i32[w + WORD.hash] = hash
    i32[w + WORD.next] = 0
    i32[w + WORD.previous] = 0
    i32[w + WORD.groupNext] = 0
    i32[w + WORD.groupPrevious] = 0
    i32[w + WORD.group] = 0
    i32[w + WORD.groupHash] = contentHashOfGroup(words, at + RESERVE.group)
    i32[w + WORD.timeoutHash] = contentHashOfNumber(timeoutMs)
    i32[w + WORD.metadataHash] = words.i32[(at + RECORD.metadataHash) >>> 2] as number
    f64[f + DOUBLE.sequence] = sequence
    f64[f + DOUBLE.timeMs] = timeMs
    f64[f + DOUBLE.asked] = readI64(words, at + RESERVE.amount)
    f64[f + DOUBLE.taken] = taken
    this.count++
    this.open++
    return slot
  }

  #claim(): number {
    if (this.#free === 0) return this.#fresh++
    const slot = this.#free - 1
    this.#free = this.next(slot)
    return slot
  }

  /** Gives back the row of a reservation that is open (one that is taken back). */
  dropOpen(slot: number): void {
    this.open--
    this.#giveBack(slot)
  }

  #giveBack(slot: number): void {
    const w = slot << WORDS_SHIFT
    this.i32[w + WORD.state] = 0
    this.i32[w + WORD.next] = this.#free
    this.#free = slot + 1
    this.count--
  }

  /** Ends an open reservation that is in no bucket and no group: it joins the ring of ended ones. */
  end(slot: number, state: number, timeMs: number): void {
    const w = (slot << WORDS_SHIFT) + WORD.state
    this.i32[w] = ((this.i32[w] as number) & ~0xff) | state
    this.f64[(slot << DOUBLES_SHIFT) + DOUBLE.endedAt] = timeMs
    this.ended[this.#endedPlace(this.#endedCount++)] = slot
    this.open--
  }

  /** Takes back `end` of the reservation that ended last. */
  unend(slot: number): void {
    if (this.endedSlot(this.#endedCount - 1) !== slot) {
      throw new Error('only the newest end can be taken back')
    }
    const w = slot << WORDS_SHIFT
    this.i32[w + WORD.state] =
      ((this.i32[w + WORD.state] as number) & ~0xff) | RESERVATION_STATE.held
    this.i32[w + WORD.next] = 0
    this.i32[w + WORD.previous] = 0
    this.#endedCount--
    this.open++
  }

  /** Rows of reservations that ended and are remembered. */
  get endedCount(): number {
    return this.#endedCount
  }

  /** The slot that ended after `n` others which are still remembered, or -1. */
  endedSlot(n: number): number {
    return n < this.#endedCount ? (this.ended[this.#endedPlace(n)] as number) : -1
  }

  #endedPlace(n: number): number {
    const place = this.#endedStart + n
    return place >= this.ended.length ? place - this.ended.length : place
  }

  /** Forgets the reservation that ended first; it is out of the index already. */
  dropEnded(): void {
    const slot = this.endedSlot(0)
    this.#endedStart = this.#endedPlace(1)
    this.#endedCount--
    this.#giveBack(slot)
  }

  /**
   * Adds the reservation of a `RESERVATION_ROW`, for which there is room, in no bucket and no group.
   * Gives back its slot, or -1 where another one has its place in the order of ending.
   */
  restore(row: Words, at: number, hash: number): number {
    const slot = this.#fresh
    const w = slot << WORDS_SHIFT
    const f = slot << DOUBLES_SHIFT
    const { i32 } = this
    copyWords(row, at + RESERVATION_ROW.id, this.words, slot * ROW_BYTES, 56)
    i32[w + WORD.state] = row.i32[(at + RESERVATION_ROW.state) >>> 2] as number
    i32[w + WORD.hash] = hash
    i32[w + WORD.groupHash] = row.i32[(at + RESERVATION_ROW.groupHash) >>> 2] as number
    i32[w + WORD.timeoutHash] = row.i32[(at + RESERVATION_ROW.timeoutHash) >>> 2] as number
    i32[w + WORD.metadataHash] = row.i32[(at + RESERVATION_ROW.metadataHash) >>> 2] as number
    const from = (at + RESERVATION_ROW.sequence) >>> 3
    for (let n = 0; n < 4; n++) this.f64[f + DOUBLE.sequence + n] = row.f64[from + n] as number
    this.#fresh++
    this.count++
    const ended = row.u32[(at + RESERVATION_ROW.ended) >>> 2] as number
    if (ended === 0) {
      this.open++
      return slot
    }
    if (ended > this.ended.length || this.ended[ended - 1] !== 0) return -1
    this.f64[f + DOUBLE.endedAt] = readF64(row, at + RESERVATION_ROW.endedAt)
    this.ended[ended - 1] = slot + 1
    this.#endedCount++
    return slot
  }

  /** After the last `restore`: false where the places in the order of ending have gaps. */
  finishRestore(): boolean {
    for (let n = 0; n < this.#endedCount; n++) {
      if (this.ended[n] === 0) return false
      this.ended[n] = (this.ended[n] as number) - 1
    }
    return true
  }

  /** No slot at or after this one is in use. */
  get slotsEnd(): number {
    return this.#fresh
  }

  /** Slots in use, in no particular order: for audits. */
  *slots(): Generator<number> {
    for (let slot = 0; slot < this.#fresh; slot++) if (this.state(slot) !== 0) yield slot
  }
}

/** Bytes of a row, for those who read ids in place. */
export const RESERVATION_ROW_BYTES: number = ROW_BYTES
