// What a module's command or timer did beside its reply, until the digest and the observers have it. One
// object, filled anew for each command; what observers are told waits until the command stands.

import { allocateWords } from '../protocol/index.ts'
import type { Book } from './book.ts'
import type { ModuleEvent, ModuleObserver } from './module.ts'
import { TEXT_BYTES_MAX, writeText } from './module-bytes.ts'
import type { ChangedRow, ModuleTables } from './module-tables.ts'
import type { OutcomeDigest } from './outcome-writer.ts'

/** A timer that was set, or canceled: `atMs` is then -1. */
interface TimerChange {
  readonly kind: string
  readonly key: string
  readonly atMs: number
}

/** See the head of this file. */
export class ModuleEffects {
  /** Handler's `now`, and the record's sequence. */
  timeMs = 0
  sequence = 0
  /** Events of the command that is decided. */
  readonly events: Pick<ModuleEvent, 'kind' | 'data'>[] = []
  readonly #book: Book
  readonly #observer: ModuleObserver | undefined
  readonly #touched: number[] = []
  readonly #timers: TimerChange[] = []
  readonly #text = allocateWords(TEXT_BYTES_MAX)
  /** What observers hear when the command, or its whole chain, stands. */
  #waiting: ((observer: ModuleObserver) => void)[] = []
  /** Events of `#countedSequence` so far. */
  #countedSequence = 0
  #eventCount = 0

  constructor(book: Book, observer: ModuleObserver | undefined) {
    this.#book = book
    this.#observer = observer
  }

  /** Whether somebody wants to know more than the digest does. */
  get isObserved(): boolean {
    return this.#observer !== undefined
  }

  /** Starts a command. */
  begin(sequence: number, timeMs: number): void {
    this.clear()
    this.sequence = sequence
    this.timeMs = timeMs
    this.#book.accounts.beginMarks()
  }

  /** Forgets what the command did: it was undone. */
  clear(): void {
    // To set a length takes a call even where nothing changes.
    if (this.events.length > 0) this.events.length = 0
    if (this.#touched.length > 0) this.#touched.length = 0
    if (this.#timers.length > 0) this.#timers.length = 0
  }

  noteTimer(kind: string, key: string, atMs: number): void {
    this.#timers.push({ kind, key, atMs })
  }

  /** Notes an account that an operation touched. */
  touch(account: number): void {
    if (this.#book.accounts.firstTouch(account)) this.#touched.push(account)
  }

  /** Rolls what the command did into the digest, and hands it over to those who wait for its commit. */
  roll(digest: OutcomeDigest, module: string, tables: ModuleTables): void {
    for (const slot of this.#touched) digest.rollAccount(this.#book, slot, this.sequence)
    for (const change of tables.changes()) {
      digest.rollWords(tables.encoded, tables.encode(change))
      if (this.isObserved) this.#waitRow(module, change)
    }
    for (const { kind, key, atMs } of this.#timers) {
      this.rollText(digest, kind)
      this.rollText(digest, key)
      digest.rollNumber(atMs)
    }
    if (this.isObserved) this.#waitEvents(module)
    this.clear()
  }

  rollText(digest: OutcomeDigest, text: string): void {
    digest.rollWords(this.#text, writeText(this.#text, 0, text))
  }

  #waitRow(module: string, { table, key, row }: ChangedRow): void {
    const { sequence, timeMs } = this
    this.#waiting.push((observer) => observer.row({ module, table, key, row, sequence, timeMs }))
  }

  #waitEvents(module: string): void {
    const { sequence, timeMs } = this
    for (const { kind, data } of this.events) {
      this.#waiting.push((observer) => {
        const index = this.#nextEvent(sequence)
        observer.event({ module, kind, sequence, index, timeMs, data })
      })
    }
  }

  #nextEvent(sequence: number): number {
    if (sequence !== this.#countedSequence) {
      this.#countedSequence = sequence
      this.#eventCount = 0
    }
    return this.#eventCount++
  }

  /** What was rolled stands: observers hear of it. */
  commit(): void {
    const observer = this.#observer
    if (observer === undefined || this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const tell of waiting) tell(observer)
  }

  /** What was rolled does not stand. */
  rollback(): void {
    this.clear()
    this.#waiting = []
  }
}
