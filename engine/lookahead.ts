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

/**
 * See the head of this file. Hashing comes first and for all; then each kind of touch has a loop of its
 * own with little else in it, for a core looks only a few hundred instructions ahead of a miss.
 */
export class Lookahead {
  readonly #book: Book
  /** By command: the hashes of its own id and of the first and second id that it names. */
  readonly #own = new Int32Array(COMMANDS)
  readonly #first = new Int32Array(COMMANDS)
  readonly #second = new Int32Array(COMMANDS)
  /** Hashes of the accounts that are named, then their references. */
  readonly #accounts = new Int32Array(COMMANDS * 2)
  #accountCount = 0
  /** Hashes of the reservations that are named, then their references. */
  readonly #named = new Int32Array(COMMANDS)
  #namedCount = 0
  /** Hashes of what is forgotten next. */
  readonly #old = new Int32Array(COMMANDS)
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
    const n = this.#next++
    core.ownHash = this.#own[n] as number
    core.firstHash = this.#first[n] as number
    core.secondHash = this.#second[n] as number
  }

  /** Forgets what was looked at: the next record is not the one after the last. */
  restart(): void {
    this.#next = 0
    this.#count = 0
  }

  #look(core: Core, words: Words, at: number, end: number): void {
    const { commands, accounts } = this.#book
    this.#next = 0
    this.#count = this.#hash(words, at, end)
    this.#sum += commands.touchAll(this.#own, this.#count)
    this.#sum += commands.guessAll(this.#named, this.#namedCount)
    this.#sum += accounts.touchAll(this.#accounts, this.#accountCount)
    this.#sum += this.#touchRows() + this.#touchForgotten(core, this.#count)
  }

  /** Hashes the ids of the next commands; gives back how many there are. */
  #hash(words: Words, at: number, end: number): number {
    const { hash } = this.#book
    let place = at
    let count = 0
    this.#accountCount = 0
    this.#namedCount = 0
    for (; count < COMMANDS && holdsRecord(words, place, end); count++) {
      const kind = words.u8[place] as number
      if (isCommand(kind)) {
        this.#own[count] = hash.ofRecord(words, place + RECORD.id)
        if (kind !== KIND.openAccount) this.#hashNamed(words, place, kind, count)
      }
      place += recordBytes(words, place)
    }
    return count
  }

  /** Hashes the ids that the command names, and sorts them by what they name. */
  #hashNamed(words: Words, place: number, kind: number, n: number): void {
    const { hash } = this.#book
    const first = hash.ofRecord(words, place + TRANSFER.debit)
    this.#first[n] = first
    if (kind === KIND.transfer || kind === KIND.reserve) {
      const second = hash.ofRecord(words, place + TRANSFER.credit)
      this.#second[n] = second
      this.#accounts[this.#accountCount++] = first
      this.#accounts[this.#accountCount++] = second
    } else if (kind === KIND.settle || kind === KIND.release || kind === KIND.extend) {
      this.#named[this.#namedCount++] = first
    }
  }

  /** Touches the reservations' rows, both lines of each, then the accounts of both sides. */
  #touchRows(): number {
    const { reservations, accounts } = this.#book
    const named = this.#named
    const count = this.#namedCount
    let sum = 0
    for (let n = 0; n < count; n++) {
      const reference = named[n] as number
      if (reference >= 0 && (reference & 1) === 0) {
        sum += reservations.next(reference >>> 1) + reservations.debit(reference >>> 1)
      }
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
    const old = this.#old
    let sum = 0
    if (outcomes.count + count > core.limits.outcomesMax) {
      const oldest = Math.min(count, outcomes.count)
      for (let n = 0; n < oldest; n++) old[n] = outcomes.hash(outcomes.slotAt(n))
      sum += commands.touchAll(old, oldest)
    }
    if (reservations.count + count > core.limits.reservationsMax) {
      const ended = Math.min(count, reservations.endedCount)
      for (let n = 0; n < ended; n++) {
        const slot = reservations.endedSlot(n)
        // Both lines of the row: the hash is in the first, the time of its end in the second.
        old[n] = reservations.hash(slot)
        sum += reservations.next(slot)
      }
      sum += commands.touchAll(old, ended)
    }
    return sum
  }
}
