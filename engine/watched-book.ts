// A book that has every change noted, for engines that views are fed from. It decides nothing, and the
// writer's book is a plain one, which pays nothing for it.

import type { AccountNamesMemory, Capacities, Words } from '../protocol/index.ts'
import { Book } from './book.ts'
import type { BookChanges } from './book-changes.ts'

/** What a book is made of. */
export interface BookOptions {
  readonly capacities: Capacities
  readonly names: AccountNamesMemory
  readonly seed: number
  /** The engine's modules; without any there is no memory for their replies. */
  readonly modules?: readonly unknown[] | undefined
  /** Where changes are noted; not given: nobody wants to know. */
  readonly changes?: BookChanges | undefined
}

/** A book, watched where somebody wants to know what changes. */
export function makeBook({ capacities, names, seed, changes, modules = [] }: BookOptions): Book {
  const hasModules = modules.length > 0
  return changes === undefined
    ? new Book(capacities, names, seed, hasModules)
    : new WatchedBook(capacities, names, seed, hasModules, changes)
}

/** See the head of this file; each method does what `Book`'s does. */
class WatchedBook extends Book {
  readonly #changes: BookChanges

  constructor(
    capacities: Capacities,
    names: AccountNamesMemory,
    seed: number,
    hasModules: boolean,
    changes: BookChanges,
  ) {
    super(capacities, names, seed, hasModules)
    this.#changes = changes
  }

  override openAccount(
    words: Words,
    at: number,
    hash: number,
    sequence: number,
    timeMs: number,
    place: number,
  ): number {
    this.#changes.before(this)
    const slot = super.openAccount(words, at, hash, sequence, timeMs, place)
    this.#changes.opened(slot)
    return slot
  }

  override setCreditLimit(account: number, value: number): void {
    this.#changes.before(this)
    super.setCreditLimit(account, value)
    this.#changes.account(account)
  }

  override setFlags(account: number, flags: number): void {
    this.#changes.before(this)
    super.setFlags(account, flags)
    this.#changes.account(account)
  }

  override hold(debit: number, credit: number, amount: number): void {
    this.#changes.before(this)
    super.hold(debit, credit, amount)
    this.#changes.account(debit)
    this.#changes.account(credit)
  }

  override post(debit: number, credit: number, amount: number): void {
    this.#changes.before(this)
    super.post(debit, credit, amount)
    this.#changes.account(debit)
    this.#changes.account(credit)
  }

  override addReservation(
    words: Words,
    at: number,
    hash: number,
    debit: number,
    credit: number,
    taken: number,
    sequence: number,
    timeMs: number,
    place: number,
  ): number {
    this.#changes.before(this)
    const slot = super.addReservation(
      words,
      at,
      hash,
      debit,
      credit,
      taken,
      sequence,
      timeMs,
      place,
    )
    this.#changes.made(slot, words, at)
    return slot
  }

  override setAmounts(slot: number, amount: number, settled: number, released: number): void {
    this.#changes.before(this)
    super.setAmounts(slot, amount, settled, released)
    this.#changes.reservation(slot)
  }

  override setExpiresAt(slot: number, expiresAt: number): void {
    this.#changes.before(this)
    super.setExpiresAt(slot, expiresAt)
    this.#changes.reservation(slot)
  }

  override end(slot: number, state: number, timeMs: number): void {
    this.#changes.before(this)
    super.end(slot, state, timeMs)
    this.#changes.reservation(slot)
  }

  override expire(slot: number, timeMs: number): number {
    this.#changes.expiring(true)
    const rest = super.expire(slot, timeMs)
    this.#changes.expiring(false)
    this.#changes.reservation(slot)
    return rest
  }

  override rollback(): void {
    const wasChanged = this.undo.count > 0
    super.rollback()
    if (wasChanged) this.#changes.takenBack()
  }
}
