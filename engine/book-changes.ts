// What a book changed while one frame was applied, for those who keep views of it: accounts opened,
// reservations as they are after the frame, and each change of the accounts whose history is kept. The
// writer has none of this: its book is not a watched one (watched-book.ts).

import {
  ACCOUNT_FLAG,
  BYTES_OF_KIND,
  KIND,
  RECORD,
  readTailEntry,
  TAIL_TAG,
  type Words,
} from '../protocol/index.ts'
import type { Book } from './book.ts'
import type { Core } from './core.ts'
import type { Value } from './module.ts'
import { ReservationList, type ReservationRow } from './reservation-list.ts'
import { SlotPlaces } from './slot-places.ts'

/** An account as it is. */
export interface AccountRow {
  /** Its place, which never changes: the order of opening, from 0. */
  readonly slot: number
  readonly ledger: number
  /** Whether its history is kept. */
  readonly history: boolean
  readonly balance: number
  readonly held: number
  readonly incoming: number
}

/** What changed an account: a record, or what was due before the frame's first one. */
export type ChangeCause = 'record' | 'expiry' | 'timer'

/** What an account was after a command, or after what was due at a frame's time. */
export interface AccountChange {
  readonly slot: number
  /** Of the command's record; of the frame's first record for what was due. */
  readonly sequence: number
  readonly cause: ChangeCause
  /** Journal time, in ms since 1970. */
  readonly timeMs: number
  readonly balance: number
  readonly held: number
  readonly incoming: number
}

/** What one frame changed. */
export interface FrameChanges {
  /** In order of opening. */
  readonly accounts: readonly AccountRow[]
  /** As they are after it, each once, in order of the first change; `isNew`: the frame made it. */
  readonly reservations: ReservationList
  /** Of the accounts with history, in order. */
  readonly history: readonly AccountChange[]
}

type Note = { -readonly [F in keyof AccountChange]: AccountChange[F] }

/** Notes what a watched book does; see the head of this file. */
export class BookChanges {
  #core: Core | undefined
  #firstSequence = 0
  /** Expiries and timers come first, then the frame's records. */
  #cause: ChangeCause = 'timer'
  readonly #opened: number[] = []
  /** Reservations that were touched; by the same places, whether each was made and how its id was spelled. */
  readonly #touched = new SlotPlaces()
  readonly #isMade: boolean[] = []
  readonly #names: (string | undefined)[] = []
  readonly #reservations = new ReservationList()
  #notes: Note[] = []
  /** The last note of each account. */
  readonly #lastNotes = new Map<number, number>()
  /** How many notes and opened accounts there were when the undo log began. */
  #notesBefore = 0
  #openedBefore = 0

  /** Notes what the engine with this core does; gives itself back. */
  attach(core: Core): this {
    this.#core = core
    return this
  }

  /** Before a frame with this first sequence: what was noted is forgotten. */
  begin(firstSequence: number): void {
    this.#firstSequence = firstSequence
    this.#cause = 'timer'
    this.#opened.length = 0
    this.#touched.clear()
    this.#notes = []
    this.#lastNotes.clear()
    this.#notesBefore = 0
    this.#openedBefore = 0
  }

  /** What the frame changed. The list of reservations is filled anew by the next `take`. */
  take(): FrameChanges {
    const { book } = this.#core as Core
    this.#takeReservations(book)
    const accounts = this.#opened.map((slot) => accountRow(book, slot))
    return { accounts, reservations: this.#reservations, history: this.#notes }
  }

  #takeReservations({ reservations }: Book): void {
    const touched = this.#touched
    this.#reservations.clear()
    for (let place = 0; place < touched.count; place++) {
      const slot = touched.slot(place)
      // The slot became another one's, which has a later place; and one that a chain made and took back is none.
      if (touched.find(slot) !== place || reservations.state(slot) === 0) continue
      const isNew = this.#isMade[place] as boolean
      this.#reservations.add(reservations, slot, isNew, this.#names[place])
    }
  }

  /** Before any change: where the undo log is empty, what comes may be taken back. */
  before({ undo }: Book): void {
    if (!undo.isOn || undo.count > 0) return
    this.#notesBefore = this.#notes.length
    this.#openedBefore = this.#opened.length
  }

  /** All since the undo log began was taken back. */
  takenBack(): void {
    this.#notes.length = Math.min(this.#notes.length, this.#notesBefore)
    this.#opened.length = Math.min(this.#opened.length, this.#openedBefore)
  }

  /** A reservation is about to expire, or did. */
  expiring(isExpiry: boolean): void {
    this.#cause = isExpiry ? 'expiry' : 'timer'
  }

  /** What was due is done. */
  recordsBegin(): void {
    this.#cause = 'record'
  }

  opened(slot: number): void {
    this.#opened.push(slot)
    this.account(slot)
  }

  /** An account's numbers changed. */
  account(slot: number): void {
    const { book, sequence, nowMs } = this.#core as Core
    const { accounts } = book
    if ((accounts.flags(slot) & ACCOUNT_FLAG.history) === 0) return
    const at = Math.max(sequence, this.#firstSequence)
    const cause = this.#cause
    let note = this.#notes[this.#lastNotes.get(slot) ?? -1]
    const isSame = note?.slot === slot && note.sequence === at && note.cause === cause
    if (note === undefined || !isSame) {
      note = { slot, sequence: at, cause, timeMs: nowMs, balance: 0, held: 0, incoming: 0 }
      this.#lastNotes.set(slot, this.#notes.push(note) - 1)
    }
    note.balance = accounts.balance(slot)
    note.held = accounts.held(slot)
    note.incoming = accounts.incoming(slot)
  }

  /** A reservation was made from the reserve record at `at`. */
  made(slot: number, words: Words, at: number): void {
    const tailBytes = words.u16[(at + RECORD.tailBytes) >>> 1] as number
    const tailAt = at + (BYTES_OF_KIND[KIND.reserve] as number)
    const name =
      tailBytes === 0 ? undefined : readTailEntry(words.u8, tailAt, tailBytes, TAIL_TAG.id)
    // The slot may have been another one's, which was forgotten: it comes last now.
    this.#touch(slot, true, name)
  }

  /** A reservation changed. */
  reservation(slot: number): void {
    if (this.#touched.find(slot) < 0) this.#touch(slot, false, undefined)
  }

  #touch(slot: number, isMade: boolean, name: string | undefined): void {
    const place = this.#touched.add(slot)
    this.#isMade[place] = isMade
    this.#names[place] = name
  }
}

/** A state's rows. */
export interface StateRows {
  /** In order of opening. */
  accounts(): Iterable<AccountRow>
  /** Open ones and those that ended and are remembered, in no particular order. */
  reservations(): Iterable<ReservationRow>
  /** Of the modules' tables, in order of the modules' names, of their tables and of creation. */
  modules(): Iterable<ModuleRow>
}

/** A row of a module's table. */
export interface ModuleRow {
  readonly module: string
  readonly table: string
  readonly key: string
  readonly row: Readonly<Record<string, Value>>
}

/** The rows of the engine with this core, which may not change while they are gone through. */
export function rowsOf({ book, modules }: Core): StateRows {
  return {
    *accounts() {
      for (let slot = 0; slot < book.accounts.count; slot++) yield accountRow(book, slot)
    },
    *reservations() {
      const { reservations } = book
      const one = new ReservationList(1)
      for (const slot of reservations.slots()) {
        one.clear()
        one.add(reservations, slot, false, undefined)
        yield one.row(0)
      }
    },
    *modules() {
      for (const { module, tables } of modules.registry.hosted) {
        for (const row of tables.rows()) yield { module: module.name, ...row }
      }
    },
  }
}

function accountRow({ accounts, ledgers }: Book, slot: number): AccountRow {
  return {
    slot,
    ledger: ledgers.numbers[accounts.ledger(slot)] as number,
    history: (accounts.flags(slot) & ACCOUNT_FLAG.history) !== 0,
    balance: accounts.balance(slot),
    held: accounts.held(slot),
    incoming: accounts.incoming(slot),
  }
}
