// Frames into views.sqlite. One transaction for each batch, with the sequence that it reaches,
// so that nothing is stored twice and nothing is left out, wherever the process ends.

import {
  type AccountChange,
  type AccountRow,
  grownFor,
  type Module,
  ReservationList,
  SlotPlaces,
} from '../engine/index.ts'
import type { SinkFrame } from '../follower/index.ts'
import { forEachRecord } from '../journal/index.ts'
import {
  type AccountNames,
  FRAME,
  KIND,
  MODULE,
  moduleCommandNames,
  NAME_OF_KIND,
  RESERVATION_STATE,
} from '../protocol/index.ts'
import type { ViewsDatabase, ViewsMeta } from './file.ts'
import { ModuleTableWriter } from './module-table-writer.ts'
import { tableName } from './schema.ts'

const INSERT_ACCOUNT = 'INSERT INTO accounts VALUES (?, ?, ?, ?, ?)'
const INSERT_RESERVATION = 'INSERT INTO reservations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'
/** Without the state, which is in two indexes and stays as it is. */
const UPDATE_HELD =
  'UPDATE reservations SET amount = ?, settled = ?, released = ?, expires_ms = ? WHERE number = ?'
const UPDATE_ENDED =
  'UPDATE reservations SET amount = ?, settled = ?, released = ?, expires_ms = ?, ' +
  'state = ?, ended_ms = ? WHERE number = ?'
/** An id may come again once the engine has forgotten it: the newest is meant. */
const FIND_RESERVATION = 'SELECT max(number) FROM reservations WHERE id = ?'
const INSERT_HISTORY = 'INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)'
const INSERT_EVENT = 'INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)'
const UPDATE_START = 'UPDATE meta SET complete_at = ?, voids = ? WHERE one = 1'
const UPDATE_META =
  'UPDATE meta SET log = ?, chain = ?, sequence = ?, time_ms = ?, number = ? WHERE one = 1'

const NUMBERS_AT_FIRST = 65_536

/** What the writer has to know beside the file. */
export interface WriterOptions {
  /** Of the journal, 16 bytes. */
  readonly log: Uint8Array
  /** Whose commands the history calls by their names. */
  readonly modules: readonly Module[]
  /** Called behind every row that is stored: a few microseconds of work each. */
  readonly onPiece?: (() => void) | undefined
}

/** See the head of this file. */
export class ViewsWriter {
  readonly #log: Uint8Array
  readonly #onPiece: (() => void) | undefined
  /** Names of modules' commands by their routes. */
  readonly #commands: ReadonlyMap<number, string>
  readonly #statements: ReturnType<typeof prepare>
  readonly #tables: ReadonlyMap<string, ModuleTableWriter>
  #sequence: number
  #timeMs: number
  /** Of the last frame that was added: its last sequence, its time, the journal's chain behind it. */
  readonly #added = { sequence: 0, timeMs: 0, chain: new Uint8Array(16) }
  #isAdding = false
  /** The number that was given last, in any table. */
  #number: number
  /** Reservations that the batch made or changed, in order, as they were last; in two more by the same places. */
  readonly #pending = new ReservationList()
  readonly #pendingSlots = new SlotPlaces()
  #pendingNumbers = new Float64Array(NUMBERS_AT_FIRST)
  /** Numbers of reservations by their slots in the engine that feeds this; 0 where not known. */
  #numbers = new Float64Array(NUMBERS_AT_FIRST)
  /** An id on its way to SQLite: for one from V8's heap, memory would be made outside of it. */
  readonly #id = new Uint8Array(new ArrayBuffer(16))

  /** Goes on in a file that `openForWriting` gave; `meta` is what it says of itself. */
  constructor(database: ViewsDatabase, meta: ViewsMeta, options: WriterOptions) {
    const { log, modules, onPiece } = options
    this.#log = log
    this.#onPiece = onPiece
    this.#commands = moduleCommandNames(modules)
    this.#sequence = meta.sequence
    this.#timeMs = meta.timeMs
    this.#number = meta.number
    this.#statements = prepare(database)
    const next = (): number => ++this.#number
    this.#tables = new Map(
      meta.shape.map((shape) => [tableName(shape), new ModuleTableWriter(database, shape, next)]),
    )
  }

  /** Sequence of the last record that is stored; 0 in a new file. */
  get sequence(): number {
    return this.#sequence
  }

  /** Journal time of the last frame that is stored. */
  get timeMs(): number {
    return this.#timeMs
  }

  /** Before the first batch: nothing is read before `completeAt`, and `voids` are skipped. */
  noteStart(completeAt: number, voids: readonly number[]): void {
    this.#statements.start.run(completeAt, JSON.stringify(voids))
  }

  /**
   * Adds the frame after the one before to the batch; nothing of it is needed afterwards. A transaction is open
   * from the first `add` to `store`. Throws errors of SQLite: the writer is of no more use then, and closing
   * the file rolls the batch back.
   */
  add(frame: SinkFrame, names: AccountNames): void {
    if (!this.#isAdding) this.#statements.begin.run()
    this.#isAdding = true
    for (const account of frame.accounts) this.#addAccount(account, names)
    this.#noteReservations(frame.reservations)
    if (frame.history.length > 0) {
      const commands = this.#commandsOf(frame)
      for (const change of frame.history) {
        this.#addHistory(change, frame, commands)
        this.#onPiece?.()
      }
    }
    for (const { sequence, index, timeMs, module, kind, data } of frame.events) {
      this.#statements.event.run(sequence, index, timeMs, module, kind, JSON.stringify(data))
      this.#onPiece?.()
    }
    for (const change of frame.rows) {
      this.#tables.get(tableName(change))?.store(change)
      this.#onPiece?.()
    }
    this.#noteAdded(frame)
  }

  /** Stores the batch, if there is one. Throws as `add` does. */
  store(): void {
    if (!this.#isAdding) return
    for (let place = 0; place < this.#pending.count; place++) {
      this.#storeReservation(place)
      this.#onPiece?.()
    }
    this.#pending.clear()
    this.#pendingSlots.clear()
    const { sequence, timeMs, chain } = this.#added
    this.#statements.meta.run(this.#log, chain, sequence, timeMs, this.#number)
    this.#statements.commit.run()
    this.#isAdding = false
    this.#sequence = sequence
    this.#timeMs = timeMs
  }

  #noteAdded({ words, firstSequence, count, timeMs }: SinkFrame): void {
    this.#added.sequence = firstSequence + count - 1
    this.#added.timeMs = timeMs
    for (let i = 0; i < 16; i++) this.#added.chain[i] = words.u8[FRAME.chain + i] as number
  }

  #addAccount({ slot, ledger, history }: AccountRow, names: AccountNames): void {
    const id = names.idOf(slot)
    this.#statements.account.run(slot, id, names.nameOf(slot), ledger, history ? 1 : 0)
  }

  /** One that is made and ends within a batch is one row to insert, with the number it had at first. */
  #noteReservations(changed: ReservationList): void {
    for (let n = 0; n < changed.count; n++) {
      const slot = changed.slot(n)
      const isNew = changed.isNew(n)
      const known = isNew ? -1 : this.#pendingSlots.find(slot)
      if (known >= 0) {
        this.#pending.update(known, changed, n)
        continue
      }
      const number = isNew ? ++this.#number : this.#numberOf(changed, n)
      if (isNew) this.#noteNumber(slot, number)
      // Another one may have had the slot before, and is forgotten: it is stored as it was last.
      const place = this.#pendingSlots.add(slot)
      this.#pendingNumbers = grownFor(this.#pendingNumbers, place)
      this.#pendingNumbers[place] = number
      this.#pending.append(changed, n)
    }
  }

  #storeReservation(place: number): void {
    const rows = this.#pending
    const number = this.#pendingNumbers[place] as number
    if (rows.isNew(place)) return this.#insertReservation(number, place)
    const amount = rows.amount(place)
    const settled = rows.settled(place)
    const released = rows.released(place)
    const expiresAt = rows.expiresAt(place)
    const state = rows.state(place)
    const { held, ended } = this.#statements
    if (state === RESERVATION_STATE.held) held.run(amount, settled, released, expiresAt, number)
    else ended.run(amount, settled, released, expiresAt, state, rows.endedAt(place), number)
  }

  #insertReservation(number: number, place: number): void {
    const rows = this.#pending
    rows.copyId(place, this.#id)
    this.#statements.reservation.run(
      number,
      this.#id,
      rows.name(place) ?? null,
      rows.debit(place),
      rows.credit(place),
      rows.state(place),
      rows.amount(place),
      rows.settled(place),
      rows.released(place),
      rows.sequence(place),
      rows.createdAt(place),
      rows.expiresAt(place),
      rows.endedAt(place),
    )
  }

  #numberOf(changed: ReservationList, n: number): number {
    const slot = changed.slot(n)
    const known = this.#numbers[slot] ?? 0
    if (known !== 0) return known
    changed.copyId(n, this.#id)
    const number = this.#statements.findReservation.get(this.#id) as number | null
    if (number === null) throw new Error('the views lack a reservation that the engine has')
    this.#noteNumber(slot, number)
    return number
  }

  #noteNumber(slot: number, number: number): void {
    this.#numbers = grownFor(this.#numbers, slot)
    this.#numbers[slot] = number
  }

  #addHistory(
    { slot, sequence, cause, timeMs, balance, held, incoming }: AccountChange,
    frame: SinkFrame,
    commands: readonly string[],
  ): void {
    const command =
      cause === 'record'
        ? (commands[sequence - frame.firstSequence] as string)
        : cause === 'expiry'
          ? 'expire'
          : 'timer'
    const number = ++this.#number
    this.#statements.history.run(slot, number, sequence, timeMs, command, balance, held, incoming)
  }

  /** What each record of the frame asks for, by name. */
  #commandsOf({ words }: SinkFrame): string[] {
    const commands: string[] = []
    forEachRecord(words, 0, (at) => {
      const kind = words.u8[at] as number
      const route = words.i32[(at + MODULE.route) >>> 2] as number
      const name = kind === KIND.module ? this.#commands.get(route) : undefined
      commands.push(name ?? (NAME_OF_KIND[kind] as string))
    })
    return commands
  }
}

function prepare(database: ViewsDatabase) {
  return {
    begin: database.prepare('BEGIN'),
    commit: database.prepare('COMMIT'),
    start: database.prepare(UPDATE_START),
    account: database.prepare(INSERT_ACCOUNT),
    reservation: database.prepare(INSERT_RESERVATION),
    held: database.prepare(UPDATE_HELD),
    ended: database.prepare(UPDATE_ENDED),
    findReservation: database.prepare(FIND_RESERVATION).pluck(),
    history: database.prepare(INSERT_HISTORY),
    event: database.prepare(INSERT_EVENT),
    meta: database.prepare(UPDATE_META),
  }
}
