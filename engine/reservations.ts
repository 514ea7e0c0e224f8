// The reservations' rows: open ones, and ended ones for as long as they are remembered. A granted
// reserve is remembered by its row, so the row also holds what the command's content was. What lies
// where in a row is reservation-layout.ts's.

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
import { EndedOrder } from './ended-order.ts'
import { highHalf, wholeOf } from './halves.ts'
import { contentHashOfGroup, contentHashOfNumber } from './id-hash.ts'
import {
  CHAIN_PLACE,
  CHAIN_PLACE_SHIFT,
  DOUBLE,
  EXPIRES_SHIFT,
  FLAGS_SHIFT,
  IN_GROUP,
  RESERVATION_ROW_BYTES,
  ROW_WORDS,
  STATE,
  WORD,
  wordOf,
} from './reservation-layout.ts'
import { RESERVATION_ROW } from './state-layout.ts'

/** Rows of up to `reservationsMax` reservations. */
export class Reservations {
  readonly rowWords = ROW_WORDS
  readonly i32: Int32Array
  readonly bytes: number
  private readonly u32: Uint32Array
  private readonly f64: Float64Array
  /** The rows as bytes, for reading ids in place; a row begins at `slot * 112`. */
  readonly words: Words
  #free = 0
  #fresh = 0
  /** Those that ended, in order. */
  readonly ended: EndedOrder
  /** Rows in use: open and ended. */
  count = 0
  open = 0

  constructor(reservationsMax: number) {
    const rows = new ArrayBuffer(reservationsMax * RESERVATION_ROW_BYTES)
    this.words = wordsOver(rows)
    this.i32 = this.words.i32
    this.u32 = this.words.u32
    this.f64 = this.words.f64
    this.ended = new EndedOrder(this)
    this.bytes = rows.byteLength
  }

  debit(slot: number): number {
    return this.i32[wordOf(slot) + WORD.debit] as number
  }

  credit(slot: number): number {
    return this.i32[wordOf(slot) + WORD.credit] as number
  }

  /** One of `RESERVATION_STATE`. */
  state(slot: number): number {
    return (this.i32[wordOf(slot) + WORD.state] as number) & STATE
  }

  /** The record's flags, without `linked`. */
  flags(slot: number): number {
    return ((this.i32[wordOf(slot) + WORD.state] as number) >>> FLAGS_SHIFT) & 0xff
  }

  chainPlace(slot: number): number {
    const word = this.i32[wordOf(slot) + WORD.state] as number
    return (word >>> CHAIN_PLACE_SHIFT) & CHAIN_PLACE
  }

  amount(slot: number): number {
    return this.f64[(wordOf(slot) >>> 1) + DOUBLE.amount] as number
  }

  settled(slot: number): number {
    return this.f64[(wordOf(slot) >>> 1) + DOUBLE.settled] as number
  }

  released(slot: number): number {
    return this.f64[(wordOf(slot) >>> 1) + DOUBLE.released] as number
  }

  /** What is still held for an open reservation. */
  remaining(slot: number): number {
    const f = wordOf(slot) >>> 1
    const f64 = this.f64
    return (
      (f64[f + DOUBLE.amount] as number) -
      (f64[f + DOUBLE.settled] as number) -
      (f64[f + DOUBLE.released] as number)
    )
  }

  /** When it expires, or 0. */
  expiresAt(slot: number): number {
    const w = wordOf(slot)
    const high = (this.i32[w + WORD.state] as number) >>> EXPIRES_SHIFT
    return wholeOf(high, this.u32[w + WORD.expiresAt] as number)
  }

  setAmounts(slot: number, amount: number, settled: number, released: number): void {
    const f = wordOf(slot) >>> 1
    this.f64[f + DOUBLE.amount] = amount
    this.f64[f + DOUBLE.settled] = settled
    this.f64[f + DOUBLE.released] = released
  }

  setExpiresAt(slot: number, timeMs: number): void {
    const w = wordOf(slot)
    const rest = (this.i32[w + WORD.state] as number) & ((1 << EXPIRES_SHIFT) - 1)
    this.i32[w + WORD.state] = rest | (highHalf(timeMs) << EXPIRES_SHIFT)
    this.i32[w + WORD.expiresAt] = timeMs | 0
  }

  /** Sequence of its reserve: no two reservations share one. */
  sequence(slot: number): number {
    const w = wordOf(slot)
    const high = (this.i32[w + WORD.highs] as number) & 0xffff
    return wholeOf(high, this.u32[w + WORD.sequence] as number)
  }

  timeMs(slot: number): number {
    const w = wordOf(slot)
    const high = (this.i32[w + WORD.highs] as number) >>> 16
    return wholeOf(high, this.u32[w + WORD.timeMs] as number)
  }

  /** The amount that its reserve asked for. */
  asked(slot: number): number {
    return this.f64[(wordOf(slot) >>> 1) + DOUBLE.asked] as number
  }

  /** The amount that its reserve held at first. */
  taken(slot: number): number {
    return this.f64[(wordOf(slot) >>> 1) + DOUBLE.taken] as number
  }

  /** When it ended; it has. */
  endedAt(slot: number): number {
    const w = wordOf(slot)
    const high = this.i32[w + WORD.endedAtHigh] as number
    return wholeOf(high, this.u32[w + WORD.endedAt] as number)
  }

  /** The hash of the id of the group that it was made in, or 0; it is in none any more. */
  groupHash(slot: number): number {
    return this.i32[wordOf(slot) + WORD.group] as number
  }

  timeoutHash(slot: number): number {
    return this.i32[wordOf(slot) + WORD.timeoutHash] as number
  }

  metadataHash(slot: number): number {
    return this.i32[wordOf(slot) + WORD.metadataHash] as number
  }

  /** Reads the lines of the row that a settle needs; gives back what has no meaning. */
  touch(slot: number): number {
    const w = wordOf(slot)
    return (this.i32[w] as number) ^ (this.i32[w + WORD.groupPrevious] as number)
  }

  /** Reads all lines of the row, which will be another's. */
  touchWhole(slot: number): number {
    return this.touch(slot) ^ (this.i32[wordOf(slot) + ROW_WORDS - 1] as number)
  }

  next(slot: number): number {
    return this.i32[wordOf(slot) + WORD.next] as number
  }

  setNext(slot: number, link: number): void {
    this.i32[wordOf(slot) + WORD.next] = link
  }

  previous(slot: number): number {
    return this.i32[wordOf(slot) + WORD.previous] as number
  }

  setPrevious(slot: number, link: number): void {
    this.i32[wordOf(slot) + WORD.previous] = link
  }

  /** The slot + 1 of the group that it is in, or 0. */
  group(slot: number): number {
    const w = wordOf(slot)
    const isIn = ((this.i32[w + WORD.state] as number) & IN_GROUP) !== 0
    return isIn ? (this.i32[w + WORD.group] as number) : 0
  }

  enterGroup(slot: number, link: number): void {
    const w = wordOf(slot)
    this.i32[w + WORD.state] = (this.i32[w + WORD.state] as number) | IN_GROUP
    this.i32[w + WORD.group] = link
  }

  /** Its group's id has this hash. */
  leaveGroup(slot: number, groupHash: number): void {
    const w = wordOf(slot)
    this.i32[w + WORD.state] = (this.i32[w + WORD.state] as number) & ~IN_GROUP
    this.i32[w + WORD.group] = groupHash
  }

  groupNext(slot: number): number {
    return this.i32[wordOf(slot) + WORD.groupNext] as number
  }

  setGroupNext(slot: number, link: number): void {
    this.i32[wordOf(slot) + WORD.groupNext] = link
  }

  groupPrevious(slot: number): number {
    return this.i32[wordOf(slot) + WORD.groupPrevious] as number
  }

  setGroupPrevious(slot: number, link: number): void {
    this.i32[wordOf(slot) + WORD.groupPrevious] = link
  }

  /** Fills a row from the reserve record at `at`; the table has room. Gives back its slot. */
  add(
    words: Words,
    at: number,
    debit: number,
    credit: number,
    taken: number,
    sequence: number,
    timeMs: number,
    chainPlace: number,
  ): number {
    const slot = this.#claim()
    const w = wordOf(slot)
    const f = w >>> 1
    const { i32, f64 } = this
    const timeoutMs = readI64(words, at + RESERVE.timeoutMs)
    const expiresAt = timeoutMs === 0 ? 0 : timeMs + timeoutMs
    const flags = (words.u8[at + RECORD.flags] as number) & ~FLAG.linked
    copyWords(words, at + RECORD.id, this.words, slot * RESERVATION_ROW_BYTES, 16)
    i32[w + WORD.debit] = debit
    i32[w + WORD.credit] = credit
    this.setAmounts(slot, taken, 0, 0)
    i32[w + WORD.state] =
      RESERVATION_STATE.held |
      (chainPlace << CHAIN_PLACE_SHIFT) |
      (flags << FLAGS_SHIFT) |
      (highHalf(expiresAt) << EXPIRES_SHIFT)
    i32[w + WORD.expiresAt] = expiresAt | 0
    i32[w + WORD.next] = 0
    i32[w + WORD.previous] = 0
    i32[w + WORD.group] = contentHashOfGroup(words, at + RESERVE.group)
    i32[w + WORD.groupNext] = 0
    i32[w + WORD.groupPrevious] = 0
    this.#setMade(w, sequence, timeMs)
    i32[w + WORD.timeoutHash] = contentHashOfNumber(timeoutMs)
    i32[w + WORD.metadataHash] = words.i32[(at + RECORD.metadataHash) >>> 2] as number
    f64[f + DOUBLE.asked] = readI64(words, at + RESERVE.amount)
    f64[f + DOUBLE.taken] = taken
    this.count++
    this.open++
    return slot
  }

  /** Sets the sequence and the time of the reserve, in the row at word `w`. */
  #setMade(w: number, sequence: number, timeMs: number): void {
    const i32 = this.i32
    i32[w + WORD.sequence] = sequence | 0
    i32[w + WORD.timeMs] = timeMs | 0
    i32[w + WORD.highs] = highHalf(sequence) | (highHalf(timeMs) << 16)
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
    const w = wordOf(slot)
    this.i32[w + WORD.state] = 0
    this.i32[w + WORD.next] = this.#free
    this.#free = slot + 1
    this.count--
  }

  /** Ends an open reservation that is in no bucket and no group: it joins those that ended. */
  end(slot: number, state: number, timeMs: number): void {
    const w = wordOf(slot)
    this.i32[w + WORD.state] = ((this.i32[w + WORD.state] as number) & ~STATE) | state
    this.#setEndedAt(w, timeMs)
    this.ended.push(slot)
    this.open--
  }

  #setEndedAt(w: number, timeMs: number): void {
    this.i32[w + WORD.endedAt] = timeMs | 0
    this.i32[w + WORD.endedAtHigh] = highHalf(timeMs)
  }

  /** Takes back `end` of the reservation that ended last. */
  unend(slot: number): void {
    this.ended.pop(slot)
    const w = wordOf(slot)
    this.i32[w + WORD.state] =
      ((this.i32[w + WORD.state] as number) & ~STATE) | RESERVATION_STATE.held
    this.i32[w + WORD.next] = 0
    this.i32[w + WORD.previous] = 0
    this.open++
  }

  /** Forgets the reservation that ended first; it is out of the index already. */
  dropEnded(): void {
    this.#giveBack(this.ended.shift())
  }

  /**
   * Adds the reservation of a `RESERVATION_ROW`, for which there is room, in no bucket and no group.
   * Gives back its slot, or -1 where it cannot have its place in the order of ending, of which
   * `ended.beginRestore` and `ended.finishRestore` are told.
   */
  restore(row: Words, at: number): number {
    const slot = this.#fresh
    const w = wordOf(slot)
    const f = wordOf(slot) >>> 1
    const { i32, f64 } = this
    // From the id to what was released it is the same.
    copyWords(
      row,
      at + RESERVATION_ROW.id,
      this.words,
      slot * RESERVATION_ROW_BYTES,
      WORD.state * 4,
    )
    const state = row.u32[(at + RESERVATION_ROW.state) >>> 2] as number
    i32[w + WORD.state] =
      (state & STATE) |
      ((state >>> 16) << CHAIN_PLACE_SHIFT) |
      (((state >>> 8) & 0xff) << FLAGS_SHIFT)
    this.setExpiresAt(slot, readF64(row, at + RESERVATION_ROW.expiresAt))
    i32[w + WORD.group] = row.i32[(at + RESERVATION_ROW.groupHash) >>> 2] as number
    i32[w + WORD.timeoutHash] = row.i32[(at + RESERVATION_ROW.timeoutHash) >>> 2] as number
    i32[w + WORD.metadataHash] = row.i32[(at + RESERVATION_ROW.metadataHash) >>> 2] as number
    const sequence = readF64(row, at + RESERVATION_ROW.sequence)
    this.#setMade(w, sequence, readF64(row, at + RESERVATION_ROW.timeMs))
    f64[f + DOUBLE.asked] = readF64(row, at + RESERVATION_ROW.asked)
    f64[f + DOUBLE.taken] = readF64(row, at + RESERVATION_ROW.taken)
    this.#fresh++
    this.count++
    const ended = row.u32[(at + RESERVATION_ROW.ended) >>> 2] as number
    if (ended === 0) {
      this.open++
      return slot
    }
    this.#setEndedAt(w, readF64(row, at + RESERVATION_ROW.endedAt))
    return this.ended.restore(slot, ended) ? slot : -1
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
