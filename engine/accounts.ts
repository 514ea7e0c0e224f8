// The accounts' rows. Which changes are allowed is decided elsewhere; here is where a number lies.
//
// hot row (64 bytes): 0 id | 16 ledger slot | 20 flags, place in a chain, high bits of the cold limit
//   | 24 mark, metadataHash | 32 balance, held, incoming, creditLimit
// cold row (16 bytes): 0 creditLimit as first given, low | 4 sequence and time of opening, low | 12 high
//   halves of both
//
// Slots are given in order of opening and never given back, so order of slots is order of creation.

import {
  ACCOUNT_FLAG,
  AccountNames,
  type AccountNamesMemory,
  copyWords,
  FLAG,
  OPEN_ACCOUNT,
  RECORD,
  readF64,
  readI64,
  TAIL_BYTES_MAX,
  type Words,
} from '../protocol/index.ts'
import { allocateLines } from './cache-lines.ts'
import { highHalf, wholeOf } from './halves.ts'
import type { IdHash } from './id-hash.ts'
import { IdIndex, NONE } from './id-index.ts'
import { ACCOUNT_ROW } from './state-layout.ts'

const ROW_BYTES = 64
const COLD_BYTES = 16

/** Where the fields of a hot row lie: words from `slot * 16`, doubles from `slot * 8`. */
const WORD = { ledger: 4, flags: 5, mark: 6, metadataHash: 7 } as const
const DOUBLE = { balance: 4, held: 5, incoming: 6, creditLimit: 7 } as const

/** Where the fields of a cold row lie: words from `slot * 4`. */
const COLD = { limit: 0, sequence: 1, timeMs: 2, highs: 3 } as const

/** Where an account's four numbers begin in its row, for those who read them all at once. */
export const ACCOUNT_NUMBERS = { word: 8, double: 4 } as const

/** Beside the account's own flags: its opening's place in a chain, the high bits of the first limit. */
const CHAIN_PLACE_SHIFT = 8
const CHAIN_PLACE = 0x3
const LIMIT_SHIFT = 12

/** See the head of this file. */
export class Accounts {
  readonly rowWords = ROW_BYTES / 4
  readonly i32: Int32Array
  readonly bytes: number
  readonly names: AccountNames
  readonly f64: Float64Array
  private readonly coldI32: Int32Array
  private readonly coldU32: Uint32Array
  private readonly words: Words
  private readonly index: IdIndex
  /** Bytes of tails in use; the next tail begins here. */
  nameBytes = 0
  count = 0
  #mark = 0

  constructor(hash: IdHash, accountsMax: number, names: AccountNamesMemory) {
    const cold = allocateLines(accountsMax * COLD_BYTES)
    this.coldI32 = cold.i32
    this.coldU32 = cold.u32
    this.words = allocateLines(accountsMax * ROW_BYTES)
    this.i32 = this.words.i32
    this.f64 = this.words.f64
    this.index = new IdIndex(hash, accountsMax, this)
    this.names = new AccountNames(names)
    this.bytes = accountsMax * (ROW_BYTES + COLD_BYTES) + this.index.bytes
  }

  /** The slot of the account whose id, with this hash, is at byte `at` of `words`, or `NONE`. */
  find(words: Words, at: number, hash: number): number {
    const reference = this.index.find(words, at, hash)
    return reference === NONE ? NONE : reference >>> 1
  }

  /** Reads what `find` will need for each of `count` hashes, which it overwrites: entry, then row. */
  touchAll(hashes: Int32Array, count: number): number {
    this.index.guessAll(hashes, count)
    const i32 = this.i32
    let sum = 0
    for (let n = 0; n < count; n++) {
      const reference = hashes[n] as number
      if (reference !== NONE) sum ^= i32[((reference >>> 1) << 4) + WORD.flags] as number
    }
    return sum
  }

  ledger(slot: number): number {
    return this.i32[(slot << 4) + WORD.ledger] as number
  }

  flags(slot: number): number {
    return (this.i32[(slot << 4) + WORD.flags] as number) & 0xff
  }

  setFlags(slot: number, flags: number): void {
    const w = (slot << 4) + WORD.flags
    this.i32[w] = ((this.i32[w] as number) & ~0xff) | flags
  }

  chainPlace(slot: number): number {
    const word = this.i32[(slot << 4) + WORD.flags] as number
    return (word >>> CHAIN_PLACE_SHIFT) & CHAIN_PLACE
  }

  isExternal(slot: number): boolean {
    return ((this.i32[(slot << 4) + WORD.flags] as number) & ACCOUNT_FLAG.external) !== 0
  }

  isFrozen(slot: number): boolean {
    return ((this.i32[(slot << 4) + WORD.flags] as number) & ACCOUNT_FLAG.frozen) !== 0
  }

  isClosed(slot: number): boolean {
    return ((this.i32[(slot << 4) + WORD.flags] as number) & ACCOUNT_FLAG.closed) !== 0
  }

  balance(slot: number): number {
    return this.f64[(slot << 3) + DOUBLE.balance] as number
  }

  held(slot: number): number {
    return this.f64[(slot << 3) + DOUBLE.held] as number
  }

  incoming(slot: number): number {
    return this.f64[(slot << 3) + DOUBLE.incoming] as number
  }

  creditLimit(slot: number): number {
    return this.f64[(slot << 3) + DOUBLE.creditLimit] as number
  }

  /** balance - held + creditLimit. */
  available(slot: number): number {
    const f = slot << 3
    const f64 = this.f64
    return (
      (f64[f + DOUBLE.balance] as number) -
      (f64[f + DOUBLE.held] as number) +
      (f64[f + DOUBLE.creditLimit] as number)
    )
  }

  addBalance(slot: number, amount: number): void {
    const f = (slot << 3) + DOUBLE.balance
    this.f64[f] = (this.f64[f] as number) + amount
  }

  addHeld(slot: number, amount: number): void {
    const f = (slot << 3) + DOUBLE.held
    this.f64[f] = (this.f64[f] as number) + amount
  }

  addIncoming(slot: number, amount: number): void {
    const f = (slot << 3) + DOUBLE.incoming
    this.f64[f] = (this.f64[f] as number) + amount
  }

  setCreditLimit(slot: number, value: number): void {
    this.f64[(slot << 3) + DOUBLE.creditLimit] = value
  }

  openedSequence(slot: number): number {
    const w = slot << 2
    const high = (this.coldI32[w + COLD.highs] as number) & 0xffff
    return wholeOf(high, this.coldU32[w + COLD.sequence] as number)
  }

  openedTimeMs(slot: number): number {
    const w = slot << 2
    const high = (this.coldI32[w + COLD.highs] as number) >>> 16
    return wholeOf(high, this.coldU32[w + COLD.timeMs] as number)
  }

  firstCreditLimit(slot: number): number {
    const high = (this.i32[(slot << 4) + WORD.flags] as number) >>> LIMIT_SHIFT
    return wholeOf(high, this.coldU32[(slot << 2) + COLD.limit] as number)
  }

  metadataHash(slot: number): number {
    return this.i32[(slot << 4) + WORD.metadataHash] as number
  }

  /** Adds the account of the open_account record at `at`; there is room. Gives back its slot. */
  open(
    words: Words,
    at: number,
    hash: number,
    ledgerSlot: number,
    sequence: number,
    timeMs: number,
    chainPlace: number,
  ): number {
    const slot = this.count++
    const flags = words.u8[at + RECORD.flags] as number
    const limit = readI64(words, at + OPEN_ACCOUNT.creditLimit)
    copyWords(words, at + RECORD.id, this.words, slot * ROW_BYTES, 16)
    const w = slot << 4
    this.i32[w + WORD.ledger] = ledgerSlot
    this.i32[w + WORD.flags] =
      ((flags & FLAG.external) !== 0 ? ACCOUNT_FLAG.external : 0) |
      ((flags & FLAG.history) !== 0 ? ACCOUNT_FLAG.history : 0) |
      (chainPlace << CHAIN_PLACE_SHIFT) |
      (highHalf(limit) << LIMIT_SHIFT)
    this.i32[w + WORD.mark] = 0
    this.i32[w + WORD.metadataHash] = words.i32[(at + RECORD.metadataHash) >>> 2] as number
    const f = slot << 3
    this.f64[f + DOUBLE.balance] = 0
    this.f64[f + DOUBLE.held] = 0
    this.f64[f + DOUBLE.incoming] = 0
    this.f64[f + DOUBLE.creditLimit] = limit
    this.#setCold(slot, limit, sequence, timeMs)
    const tailBytes = words.u16[(at + RECORD.tailBytes) >>> 1] as number
    this.names.set(
      slot,
      words.u8,
      at + RECORD.id,
      at + OPEN_ACCOUNT.bytes,
      tailBytes,
      this.nameBytes,
    )
    this.nameBytes += tailBytes
    this.index.insert(slot * 2, hash)
    return slot
  }

  #setCold(slot: number, limit: number, sequence: number, timeMs: number): void {
    const w = slot << 2
    this.coldI32[w + COLD.limit] = limit | 0
    this.coldI32[w + COLD.sequence] = sequence | 0
    this.coldI32[w + COLD.timeMs] = timeMs | 0
    this.coldI32[w + COLD.highs] = highHalf(sequence) | (highHalf(timeMs) << 16)
  }

  /** Adds the account of an `ACCOUNT_ROW`, for which there is room; `restoreIds` follows. */
  restore(row: Words, at: number): void {
    const slot = this.count
    const tailBytes = row.u32[(at + ACCOUNT_ROW.tailBytes) >>> 2] as number
    copyWords(row, at + ACCOUNT_ROW.id, this.words, slot * ROW_BYTES, 16)
    const w = slot << 4
    this.i32[w + WORD.ledger] = row.i32[(at + ACCOUNT_ROW.ledger) >>> 2] as number
    const limit = readF64(row, at + ACCOUNT_ROW.firstCreditLimit)
    const flags = row.i32[(at + ACCOUNT_ROW.flags) >>> 2] as number
    this.i32[w + WORD.flags] = flags | (highHalf(limit) << LIMIT_SHIFT)
    this.i32[w + WORD.metadataHash] = row.i32[(at + ACCOUNT_ROW.metadataHash) >>> 2] as number
    const from = (at + ACCOUNT_ROW.balance) >>> 3
    const f = (slot << 3) + DOUBLE.balance
    for (let n = 0; n < 4; n++) this.f64[f + n] = row.f64[from + n] as number
    this.#setCold(
      slot,
      limit,
      readF64(row, at + ACCOUNT_ROW.openedSequence),
      readF64(row, at + ACCOUNT_ROW.openedTimeMs),
    )
    this.names.place(slot, row.u8, at + ACCOUNT_ROW.id, tailBytes, this.nameBytes)
    this.nameBytes += tailBytes
    this.count++
  }

  /** Indexes the last `count` accounts that were restored; false where an id is there already. */
  restoreIds(hashes: Int32Array, count: number): boolean {
    return this.index.restore((this.count - count) * 2, hashes, count)
  }

  /** Takes back the account that was opened last. */
  unopen(slot: number, nameBytes: number): void {
    if (slot !== this.count - 1) throw new Error('only the newest account can be taken back')
    this.index.remove(slot * 2, this.index.hashOf(slot * 2))
    this.nameBytes = nameBytes
    this.count--
  }

  /** Whether the tails' memory, of which `bytesMax` may be used, has room for the record's tail. */
  hasNameRoom(words: Words, at: number, bytesMax: number): boolean {
    const tailBytes = words.u16[(at + RECORD.tailBytes) >>> 1] as number
    return (
      tailBytes <= TAIL_BYTES_MAX &&
      this.nameBytes + tailBytes <= Math.min(bytesMax, this.names.tailBytesMax)
    )
  }

  /** Starts a round of `firstTouch`. */
  beginMarks(): void {
    this.#mark = (this.#mark + 1) | 0
    if (this.#mark !== 0) return
    for (let slot = 0; slot < this.count; slot++) this.i32[(slot << 4) + WORD.mark] = 0
    this.#mark = 1
  }

  /** Whether this is the first time that `slot` comes up in this round. */
  firstTouch(slot: number): boolean {
    const w = (slot << 4) + WORD.mark
    if (this.i32[w] === this.#mark) return false
    this.i32[w] = this.#mark
    return true
  }

  /** Where the row's four numbers begin in `i32`. */
  numbersWord(slot: number): number {
    return (slot << 4) + ACCOUNT_NUMBERS.word
  }

  /** The row's id as words, for digests. */
  copyId(slot: number, to: Words, toAt: number): void {
    copyWords(this.words, slot * ROW_BYTES, to, toAt, 16)
  }
}
