// Looks at the next commands together: hashes their ids once, and touches what they will need, so that
// the cache misses of 64 commands overlap instead of following one another. Changes nothing: a wrong
// guess costs time, never an outcome.

import {
  holdsRecord,
  isCommand,
  KIND,
  RECORD,
  recordBytes,
  TRANSFER,
  type Words,
} from '../protocol/index.ts'
import type { Book } from './book.ts'
import type { Core } from './core.ts'

/** Commands that are looked at together: enough to keep every miss that a core has under way busy. */
const COMMANDS = 64
const HASHES = 3

/** See the head of this file. */
export class Lookahead {
  readonly #book: Book
  readonly #hashes = new Int32Array(COMMANDS * HASHES)
  /** References of the reservations that the commands name; then hashes of what is forgotten next. */
  readonly #named = new Int32Array(COMMANDS)
  #count = 0
  #next = 0
  /** What was read, added up: keeps the reads from being thought useless. */
  #sum = 0

  constructor(book: Book) {
    this.#book = book
  }

  /** Gives the core the hashes of the record at `at`, the next one; looks ahead where it has none. */
  take(core: Core, words: Words, at: number, end: number): void {
    if (this.#next === this.#count) this.#look(core, words, at, end)
    const h = this.#next++ * HASHES
    core.ownHash = this.#hashes[h] as number
    core.firstHash = this.#hashes[h + 1] as number
    core.secondHash = this.#hashes[h + 2] as number
  }

  /** Forgets what was looked at: the next record is not the one after the last. */
  restart(): void {
    this.#next = 0
    this.#count = 0
  }

  #look(core: Core, words: Words, at: number, end: number): void {
    const { hash } = this.#book
    const hashes = this.#hashes
    let place = at
    let count = 0
    while (count < COMMANDS && holdsRecord(words, place, end)) {
      const kind = words.u8[place] as number
      const h = count * HASHES
      if (isCommand(kind)) {
        hashes[h] = hash.ofRecord(words, place + RECORD.id)
        if (kind !== KIND.openAccount) {
          hashes[h + 1] = hash.ofRecord(words, place + TRANSFER.debit)
        }
        if (kind === KIND.transfer || kind === KIND.reserve) {
          hashes[h + 2] = hash.ofRecord(words, place + TRANSFER.credit)
        }
      }
      this.#sum += this.#touchEntries(kind, h, count)
      place += recordBytes(words, place)
      count++
    }
    this.#next = 0
    this.#count = count
    this.#sum += this.#touchRows(count) + this.#touchForgotten(core, count)
  }

  /** Touches the index entries of one command, and the accounts that it names itself. */
  #touchEntries(kind: number, h: number, n: number): number {
    const { commands, accounts } = this.#book
    const hashes = this.#hashes
    this.#named[n] = -1
    let sum = commands.guess(hashes[h] as number)
    if (kind === KIND.transfer || kind === KIND.reserve) {
      sum += accounts.touch(hashes[h + 1] as number) + accounts.touch(hashes[h + 2] as number)
    } else if (kind === KIND.settle || kind === KIND.release || kind === KIND.extend) {
      this.#named[n] = commands.guess(hashes[h + 1] as number)
    }
    return sum
  }

  /** Touches the reservations' rows, both lines of each, then the accounts of both sides. */
  #touchRows(count: number): number {
    const { reservations, accounts } = this.#book
    const named = this.#named
    let sum = 0
    for (let n = 0; n < count; n++) {
      const reference = named[n] as number
      if (reference >= 0 && (reference & 1) === 0) sum += reservations.next(reference >>> 1)
    }
    for (let n = 0; n < count; n++) {
      const reference = named[n] as number
      if (reference < 0 || (reference & 1) === 1) continue
      const slot = reference >>> 1
      sum += accounts.flags(reservations.debit(slot)) + accounts.flags(reservations.credit(slot))
    }
    return sum
  }

  /** Where the memory is about to be full, touches the entries of the rows that will be forgotten. */
  #touchForgotten(core: Core, count: number): number {
    const { outcomes, reservations, commands } = this.#book
    let sum = 0
    if (outcomes.count + count > core.limits.outcomesMax) {
      const oldest = Math.min(count, outcomes.count)
      for (let n = 0; n < oldest; n++) {
        sum += commands.guess(outcomes.hash(outcomes.slotAt(n)))
      }
    }
    if (reservations.count + count > core.limits.reservationsMax) {
      const ended = this.#named
      for (let n = 0; n < count; n++) {
        const slot = reservations.endedSlot(n)
        // Both lines of the row: the hash is in the first, the time of its end in the second.
        ended[n] = slot < 0 ? 0 : reservations.hash(slot)
        if (slot >= 0) sum += reservations.next(slot)
      }
      for (let n = 0; n < count; n++) sum += commands.guess(ended[n] as number)
    }
    return sum
  }
}
