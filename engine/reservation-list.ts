// Reservations as they were at some moment: rows in flat memory that is filled again and again. Whoever keeps
// views gets very many of them, and as objects they would keep the garbage collector busy.
//
// row (96 bytes): id 0, slot 16, debit 20, credit 24, state 28, amount 32, settled 40, released 48,
// sequence 56, createdAt 64, expiresAt 72, endedAt 80, isNew 88

import { allocateWords, copyWords, RESERVATION_STATE, type Words } from '../protocol/index.ts'
import { RESERVATION_ROW_BYTES } from './reservation-layout.ts'
import type { Reservations } from './reservations.ts'

const ROW_BYTES = 96
/** Bytes of a row before `isNew`. */
const BYTES_BEFORE_IS_NEW = 88
const ROWS_AT_FIRST = 256

/** Words from a row's first, and doubles. */
const WORD = { slot: 4, debit: 5, credit: 6, state: 7, isNew: 22 } as const
const DOUBLE = {
  amount: 4,
  settled: 5,
  released: 6,
  sequence: 7,
  createdAt: 8,
  expiresAt: 9,
  endedAt: 10,
} as const

/** A reservation as it is. Times in ms since 1970. */
export interface ReservationRow {
  /** Its place in this engine for as long as it is remembered: another engine has it elsewhere. */
  readonly slot: number
  /** 16 bytes. */
  readonly id: Uint8Array
  /** The accounts' places. */
  readonly debit: number
  readonly credit: number
  /** One of `RESERVATION_STATE`. */
  readonly state: number
  readonly amount: number
  readonly settled: number
  readonly released: number
  /** Sequence and time of the record that made it. */
  readonly sequence: number
  readonly createdAt: number
  /** 0: never. */
  readonly expiresAt: number
  /** 0: it is held. */
  readonly endedAt: number
}

/** See the head of this file. Rows are counted from 0; times are in ms since 1970. */
export class ReservationList {
  #words: Words
  readonly #names: (string | undefined)[] = []
  /** Rows that there are. */
  count = 0

  constructor(rows: number = ROWS_AT_FIRST) {
    this.#words = allocateWords(rows * ROW_BYTES)
  }

  /** The list is empty, and keeps its memory. */
  clear(): void {
    this.count = 0
  }

  /** A list of its own with the same rows, and room for no more. */
  copy(): ReservationList {
    const copy = new ReservationList(this.count)
    copyWords(this.#words, 0, copy.#words, 0, this.count * ROW_BYTES)
    for (let n = 0; n < this.count; n++) copy.#names[n] = this.#names[n]
    copy.count = this.count
    return copy
  }

  /** Adds the reservation in `slot` of the book's rows as it is now. */
  add(rows: Reservations, slot: number, isNew: boolean, name: string | undefined): void {
    const n = this.#claim()
    const { i32, f64 } = this.#words
    const at = n * ROW_BYTES
    const w = at >>> 2
    const d = at >>> 3
    copyWords(rows.words, slot * RESERVATION_ROW_BYTES, this.#words, at, 16)
    const state = rows.state(slot)
    i32[w + WORD.slot] = slot
    i32[w + WORD.debit] = rows.debit(slot)
    i32[w + WORD.credit] = rows.credit(slot)
    i32[w + WORD.state] = state
    f64[d + DOUBLE.amount] = rows.amount(slot)
    f64[d + DOUBLE.settled] = rows.settled(slot)
    f64[d + DOUBLE.released] = rows.released(slot)
    f64[d + DOUBLE.sequence] = rows.sequence(slot)
    f64[d + DOUBLE.createdAt] = rows.timeMs(slot)
    f64[d + DOUBLE.expiresAt] = rows.expiresAt(slot)
    f64[d + DOUBLE.endedAt] = state === RESERVATION_STATE.held ? 0 : rows.endedAt(slot)
    i32[w + WORD.isNew] = isNew ? 1 : 0
    this.#names[n] = name
  }

  /** Adds row `n` of another list. */
  append(from: ReservationList, n: number): void {
    const to = this.#claim()
    copyWords(from.#words, n * ROW_BYTES, this.#words, to * ROW_BYTES, ROW_BYTES)
    this.#names[to] = from.#names[n]
  }

  /** Row `at` becomes what row `n` of another list is; `isNew` and `name` stay as they were. */
  update(at: number, from: ReservationList, n: number): void {
    copyWords(from.#words, n * ROW_BYTES, this.#words, at * ROW_BYTES, BYTES_BEFORE_IS_NEW)
  }

  /** Copies the 16 bytes of the id. */
  copyId(n: number, to: Uint8Array): void {
    const { u8 } = this.#words
    const at = n * ROW_BYTES
    for (let i = 0; i < 16; i++) to[i] = u8[at + i] as number
  }

  /** The place in its engine for as long as it is remembered: another engine has it elsewhere. */
  slot(n: number): number {
    return this.#int(n, WORD.slot)
  }

  /** The place of the account that pays. */
  debit(n: number): number {
    return this.#int(n, WORD.debit)
  }

  /** The place of the account that is paid. */
  credit(n: number): number {
    return this.#int(n, WORD.credit)
  }

  /** One of `RESERVATION_STATE`. */
  state(n: number): number {
    return this.#int(n, WORD.state)
  }

  amount(n: number): number {
    return this.#number(n, DOUBLE.amount)
  }

  settled(n: number): number {
    return this.#number(n, DOUBLE.settled)
  }

  released(n: number): number {
    return this.#number(n, DOUBLE.released)
  }

  /** Of the record that made it. */
  sequence(n: number): number {
    return this.#number(n, DOUBLE.sequence)
  }

  /** Journal time of that record. */
  createdAt(n: number): number {
    return this.#number(n, DOUBLE.createdAt)
  }

  /** 0: never. */
  expiresAt(n: number): number {
    return this.#number(n, DOUBLE.expiresAt)
  }

  /** 0: it is held. */
  endedAt(n: number): number {
    return this.#number(n, DOUBLE.endedAt)
  }

  /** Whether the frame made it that the list is of. */
  isNew(n: number): boolean {
    return this.#int(n, WORD.isNew) === 1
  }

  /** How its maker spelled the id, where it is new and that is not the UUID. */
  name(n: number): string | undefined {
    return this.#names[n]
  }

  /** Row `n` as an object. */
  row(n: number): ReservationRow {
    const id = new Uint8Array(16)
    this.copyId(n, id)
    return {
      slot: this.slot(n),
      id,
      debit: this.debit(n),
      credit: this.credit(n),
      state: this.state(n),
      amount: this.amount(n),
      settled: this.settled(n),
      released: this.released(n),
      sequence: this.sequence(n),
      createdAt: this.createdAt(n),
      expiresAt: this.expiresAt(n),
      endedAt: this.endedAt(n),
    }
  }

  #int(n: number, word: number): number {
    return this.#words.i32[((n * ROW_BYTES) >>> 2) + word] as number
  }

  #number(n: number, double: number): number {
    return this.#words.f64[((n * ROW_BYTES) >>> 3) + double] as number
  }

  #claim(): number {
    const n = this.count++
    if ((n + 1) * ROW_BYTES > this.#words.u8.length) {
      const larger = allocateWords(2 * (n + 1) * ROW_BYTES)
      copyWords(this.#words, 0, larger, 0, n * ROW_BYTES)
      this.#words = larger
    }
    return n
  }
}
