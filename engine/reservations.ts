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
} from '../protocol/index.ts'
import { allocateLines } from './cache-lines.ts'
import { EndedOrder } from './ended-order.ts'
import { highHalf, wholeOf } from './halves.ts'
import { contentHashOfGroup, contentHashOfNumber } from './id-hash.ts'
import {
  ACCOUNT,
  CHAIN_PLACE,
  CHAIN_PLACE_SHIFT,
  COLD,
  COLD_DOUBLE,
  coldWordOf,
  DOUBLE,
  ENDED_SHIFT,
  EXPIRES_SHIFT,
  FLAGS_SHIFT,
  IN_GROUP,
  RESERVATION_BYTES,
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
  private readonly coldI32: Int32Array
  private readonly coldU32: Uint32Array
  private readonly coldF64: Float64Array
  /** The hot rows as bytes, for reading ids in place; a row begins at `slot * RESERVATION_ROW_BYTES`. */
  readonly words: Words
  #free = 0
  #fresh = 0
  /** Those that ended, in order. */
  readonly ended: EndedOrder
  /** Rows in use: open and ended. */
  count = 0
  open = 0

  constructor(reservationsMax: number) {
    this.bytes = reservationsMax * RESERVATION_BYTES
    const hotBytes = reservationsMax * RESERVATION_ROW_BYTES
    const cold = allocateLines(this.bytes - hotBytes)
    this.words = allocateLines(hotBytes)
    this.i32 = this.words.i32
    this.u32 = this.words.u32
    this.f64 = this.words.f64
    this.coldI32 = cold.i32
    this.coldU32 = cold.u32
    this.coldF64 = cold.f64
    this.ended = new EndedOrder(this)
  }

  debit(slot: number): number {
    return (this.i32[wordOf(slot) + WORD.debit] as number) & ACCOUNT
  }

  credit(slot: number): number {
    return (this.i32[wordOf(slot) + WORD.credit] as number) & ACCOUNT
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
    const w = coldWordOf(slot)
    const high = this.coldI32[w + COLD.highs] as number
    return wholeOf(high & 0xffff, this.coldU32[w + COLD.sequence] as number)
  }

  timeMs(slot: number): number {
    const w = coldWordOf(slot)
    const high = (this.coldI32[w + COLD.highs] as number) >>> 16
    return wholeOf(high, this.coldU32[w + COLD.timeMs] as number)
  }

  /** The amount that its reserve asked for. */
  asked(slot: number): number {
    return this.coldF64[(coldWordOf(slot) >>> 1) + COLD_DOUBLE.asked] as number
  }

  /** The amount that its reserve held at first. */
  taken(slot: number): number {
    return this.coldF64[(coldWordOf(slot) >>> 1) + COLD_DOUBLE.taken] as number
  }

  /** When it ended; it has. */
  endedAt(slot: number): number {
    const { u32 } = this
    const w = wordOf(slot)
    const middle = (u32[w + WORD.debit] as number) >>> ENDED_SHIFT
    const high = (u32[w + WORD.credit] as number) >>> ENDED_SHIFT
    return wholeOf((high << 8) | middle, u32[w + WORD.endedAt] as number)
  }

  /** The hash of the id of the group that it was made in, or 0; it is in none any more. */
  groupHash(slot: number): number {
    return this.coldI32[coldWordOf(slot) + COLD.group] as number
  }

  timeoutHash(slot: number): number {
    return this.coldI32[coldWordOf(slot) + COLD.timeoutHash] as number
  }

  metadataHash(slot: number): number {
    return this.coldI32[coldWordOf(slot) + COLD.metadataHash] as number
  }

  /** Reads the line of the hot row; gives back what has no meaning. */
  touch(slot: number): number {
    return this.i32[wordOf(slot)] as number
  }

  /** Reads both rows, which will be another's; gives back what has no meaning. */
  touchWhole(slot: number): number {
    const last = this.coldI32[coldWordOf(slot + 1) - 1] as number
    return this.touch(slot) ^ this.groupHash(slot) ^ last
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
    const isIn = ((this.i32[wordOf(slot) + WORD.state] as number) & IN_GROUP) !== 0
    return isIn ? (this.coldI32[coldWordOf(slot) + COLD.group] as number) : 0
  }

  enterGroup(slot: number, link: number): void {
    const w = wordOf(slot) + WORD.state
    this.i32[w] = (this.i32[w] as number) | IN_GROUP
    this.coldI32[coldWordOf(slot) + COLD.group] = link
  }

  /** Its group's id has this hash. */
  leaveGroup(slot: number, groupHash: number): void {
    const w = wordOf(slot) + WORD.state
    this.i32[w] = (this.i32[w] as number) & ~IN_GROUP
    this.coldI32[coldWordOf(slot) + COLD.group] = groupHash
  }

  groupNext(slot: number): number {
    return this.coldI32[coldWordOf(slot) + COLD.groupNext] as number
  }

  setGroupNext(slot: number, link: number): void {
    this.coldI32[coldWordOf(slot) + COLD.groupNext] = link
  }

  groupPrevious(slot: number): number {
    return this.coldI32[coldWordOf(slot) + COLD.groupPrevious] as number
  }

  setGroupPrevious(slot: number, link: number): void {
    this.coldI32[coldWordOf(slot) + COLD.groupPrevious] = link
  }

  /** Fills both rows from the reserve record at `at`; the table has room. Gives back its slot. */
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
    const c = coldWordOf(slot)
    const { i32, coldI32, coldF64 } = this
    const timeoutMs = readI64(words, at + RESERVE.timeoutMs)
    const expiresAt = timeoutMs === 0 ? 0 : timeMs + timeoutMs
    const flags = (words.u8[at + RECORD.flags] as number) & ~FLAG.linked
    copyWords(words, at + RECORD.id, this.words, slot * RESERVATION_ROW_BYTES, 16)
    i32[w + WORD.debit] = debit
    i32[w + WORD.credit] = credit
    this.setAmounts(slot, taken, 0, 0)
    const rest = (chainPlace << CHAIN_PLACE_SHIFT) | (flags << FLAGS_SHIFT)
    i32[w + WORD.state] = RESERVATION_STATE.held | rest
    this.setExpiresAt(slot, expiresAt)
    i32[w + WORD.next] = 0
    i32[w + WORD.previous] = 0
    coldI32[c + COLD.group] = contentHashOfGroup(words, at + RESERVE.group)
    coldI32[c + COLD.groupNext] = 0
    coldI32[c + COLD.groupPrevious] = 0
    this.#setMade(c, sequence, timeMs)
    coldI32[c + COLD.timeoutHash] = contentHashOfNumber(timeoutMs)
    coldI32[c + COLD.metadataHash] = words.i32[(at + RECORD.metadataHash) >>> 2] as number
    coldF64[(c >>> 1) + COLD_DOUBLE.asked] = readI64(words, at + RESERVE.amount)
    coldF64[(c >>> 1) + COLD_DOUBLE.taken] = taken
    this.count++
    this.open++
    return slot
  }

  /** Sets the sequence and the time of the reserve, in the cold row at word `w`. */
  #setMade(w: number, sequence: number, timeMs: number): void {
    const { coldI32 } = this
    coldI32[w + COLD.sequence] = sequence | 0
    coldI32[w + COLD.timeMs] = timeMs | 0
    coldI32[w + COLD.highs] = highHalf(sequence) | (highHalf(timeMs) << 16)
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

  /** Ends an open reservation that is in no bucket and no group. Gives back what `unend` needs. */
  end(slot: number, state: number, timeMs: number): number {
    const w = wordOf(slot) + WORD.state
    this.i32[w] = ((this.i32[w] as number) & ~STATE) | state
    this.#setEndedAt(slot, timeMs)
    this.open--
    return this.ended.push(slot)
  }

  #setEndedAt(slot: number, timeMs: number): void {
    const { i32 } = this
    const w = wordOf(slot)
    const high = highHalf(timeMs)
    i32[w + WORD.debit] = this.debit(slot) | (high << ENDED_SHIFT)
    i32[w + WORD.credit] = this.credit(slot) | ((high >>> 8) << ENDED_SHIFT)
    i32[w + WORD.endedAt] = timeMs | 0
  }

  /** Takes back `end` of the reservation that ended last, which gave back `before`. */
  unend(slot: number, before: number): void {
    this.ended.pop(slot, before)
    const { i32 } = this
    const w = wordOf(slot)
    i32[w + WORD.debit] = this.debit(slot)
    i32[w + WORD.credit] = this.credit(slot)
    i32[w + WORD.state] = ((i32[w + WORD.state] as number) & ~STATE) | RESERVATION_STATE.held
    i32[w + WORD.next] = 0
    i32[w + WORD.previous] = 0
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
    const c = coldWordOf(slot)
    const { i32, coldI32, coldF64 } = this
    // From the id to what was released it is the same.
    const hotAt = slot * RESERVATION_ROW_BYTES
    copyWords(row, at + RESERVATION_ROW.id, this.words, hotAt, WORD.state * 4)
    const state = row.u32[(at + RESERVATION_ROW.state) >>> 2] as number
    i32[w + WORD.state] =
      (state & STATE) |
      ((state >>> 16) << CHAIN_PLACE_SHIFT) |
      (((state >>> 8) & 0xff) << FLAGS_SHIFT)
    this.setExpiresAt(slot, readF64(row, at + RESERVATION_ROW.expiresAt))
    coldI32[c + COLD.group] = row.i32[(at + RESERVATION_ROW.groupHash) >>> 2] as number
    coldI32[c + COLD.timeoutHash] = row.i32[(at + RESERVATION_ROW.timeoutHash) >>> 2] as number
    coldI32[c + COLD.metadataHash] = row.i32[(at + RESERVATION_ROW.metadataHash) >>> 2] as number
    const sequence = readF64(row, at + RESERVATION_ROW.sequence)
    this.#setMade(c, sequence, readF64(row, at + RESERVATION_ROW.timeMs))
    coldF64[(c >>> 1) + COLD_DOUBLE.asked] = readF64(row, at + RESERVATION_ROW.asked)
    coldF64[(c >>> 1) + COLD_DOUBLE.taken] = readF64(row, at + RESERVATION_ROW.taken)
    this.#fresh++
    this.count++
    const ended = row.u32[(at + RESERVATION_ROW.ended) >>> 2] as number
    if (ended === 0) {
      this.open++
      return slot
    }
    this.#setEndedAt(slot, readF64(row, at + RESERVATION_ROW.endedAt))
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
