// Frames into views.sqlite: the sink. One transaction for each batch, with the sequence that it reaches,
// so that nothing is stored twice and nothing is left out, wherever the process ends.

import type { AccountChange, AccountRow, Module, ReservationChange } from '../engine/index.ts'
import type { Sink, SinkBatch, SinkFrame } from '../follower/index.ts'
import { forEachRecord } from '../journal/index.ts'
import {
  type AccountNames,
  FRAME,
  KIND,
  MODULE,
  moduleRoute,
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
const UPDATE_META =
  'UPDATE meta SET log = ?, chain = ?, sequence = ?, time_ms = ?, number = ? WHERE one = 1'

const NUMBERS_AT_FIRST = 65_536

/** What the writer has to know beside the file. */
export interface WriterOptions {
  /** Of the journal, 16 bytes. */
  readonly log: Uint8Array
  /** Whose commands the history calls by their names. */
  readonly modules: readonly Module[]
}

/** What a batch makes of a reservation. */
interface PendingReservation {
  readonly number: number
  /** As it was made, where the batch made it. */
  readonly made: ReservationChange | undefined
  last: ReservationChange
}

/** See the head of this file. */
export class ViewsWriter implements Sink {
  readonly name = 'views'
  readonly #database: ViewsDatabase
  readonly #log: Uint8Array
  /** Names of modules' commands by their routes. */
  readonly #commands: ReadonlyMap<number, string>
  readonly #statements: ReturnType<typeof prepare>
  readonly #tables: ReadonlyMap<string, ModuleTableWriter>
  /** Stores a batch as one transaction. */
  readonly #store: (batch: SinkBatch) => void
  #sequence: number
  /** The number that was given last, in any table. */
  #number: number
  /** Reservations that the batch made or changed, in order; the last one of each slot. */
  #pending: PendingReservation[] = []
  readonly #pendingOf = new Map<number, PendingReservation>()
  /** Numbers of reservations by their slots in the engine that feeds this; 0 where not known. */
  #numbers = new Float64Array(NUMBERS_AT_FIRST)
  /** An id on its way to SQLite: for one from V8's heap, memory would be made outside of it. */
  readonly #id = new Uint8Array(new ArrayBuffer(16))

  /** Goes on in a file that `openForWriting` gave; `meta` is what it says of itself. */
  constructor(database: ViewsDatabase, meta: ViewsMeta, { log, modules }: WriterOptions) {
    this.#database = database
    this.#log = log
    this.#commands = commandNames(modules)
    this.#sequence = meta.sequence
    this.#number = meta.number
    this.#statements = prepare(database)
    const next = (): number => ++this.#number
    this.#tables = new Map(
      meta.shape.map((shape) => [tableName(shape), new ModuleTableWriter(database, shape, next)]),
    )
    this.#store = database.transaction((batch: SinkBatch) => this.#storeFrames(batch))
  }

  sequence(): number {
    return this.#sequence
  }

  /** Throws errors of SQLite: nothing of the batch is stored then, and the writer is of no more use. */
  apply(batch: SinkBatch): void {
    this.#store(batch)
    this.#sequence = batch.lastSequence
  }

  /** Before the first batch: nothing is read before `completeAt`, and `voids` are skipped. */
  begin(completeAt: number, voids: readonly number[]): void {
    const sql = 'UPDATE meta SET complete_at = ?, voids = ? WHERE one = 1'
    this.#database.prepare(sql).run(completeAt, JSON.stringify(voids))
  }

  #storeFrames({ frames, lastSequence, names }: SinkBatch): void {
    for (const frame of frames) this.#storeFrame(frame, names)
    for (const one of this.#pending) this.#storeReservation(one)
    this.#pending = []
    this.#pendingOf.clear()
    const { words, timeMs } = frames.at(-1) as SinkFrame
    const chain = words.u8.slice(FRAME.chain, FRAME.chain + 16)
    this.#statements.meta.run(this.#log, chain, lastSequence, timeMs, this.#number)
  }

  #storeFrame(frame: SinkFrame, names: AccountNames): void {
    for (const account of frame.accounts) this.#addAccount(account, names)
    for (const change of frame.reservations) this.#noteReservation(change)
    if (frame.history.length > 0) {
      const commands = this.#commandsOf(frame)
      for (const change of frame.history) this.#addHistory(change, frame, commands)
    }
    for (const { sequence, index, timeMs, module, kind, data } of frame.events) {
      this.#statements.event.run(sequence, index, timeMs, module, kind, JSON.stringify(data))
    }
    for (const change of frame.rows) this.#tables.get(tableName(change))?.store(change)
  }

  #addAccount({ slot, ledger, history }: AccountRow, names: AccountNames): void {
    const id = names.idOf(slot)
    this.#statements.account.run(slot, id, names.nameOf(slot), ledger, history ? 1 : 0)
  }

  /** One that is made and ends within a batch is one row to insert, with the number it had at first. */
  #noteReservation(change: ReservationChange): void {
    const { slot, isNew } = change
    const known = isNew ? undefined : this.#pendingOf.get(slot)
    if (known !== undefined) {
      known.last = change
      return
    }
    const number = isNew ? ++this.#number : this.#numberOf(change)
    if (isNew) this.#noteNumber(slot, number)
    const made = isNew ? change : undefined
    const pending = { number, made, last: change }
    this.#pending.push(pending)
    // Another one may have had the slot before, and is forgotten: it is stored as it was last.
    this.#pendingOf.set(slot, pending)
  }

  #storeReservation({ number, made, last }: PendingReservation): void {
    if (made !== undefined) return this.#addReservation(number, made.name, last)
    const { state, amount, settled, released, expiresAt, endedAt } = last
    const { held, ended } = this.#statements
    if (state === RESERVATION_STATE.held) held.run(amount, settled, released, expiresAt, number)
    else ended.run(amount, settled, released, expiresAt, state, endedAt, number)
  }

  #addReservation(number: number, name: string | undefined, last: ReservationChange): void {
    const { id, debit, credit, state, amount, settled, released } = last
    const { sequence, createdAt, expiresAt, endedAt } = last
    this.#id.set(id)
    this.#statements.reservation.run(
      number,
      this.#id,
      name ?? null,
      debit,
      credit,
      state,
      amount,
      settled,
      released,
      sequence,
      createdAt,
      expiresAt,
      endedAt,
    )
  }

  #numberOf({ slot, id }: ReservationChange): number {
    const known = this.#numbers[slot] ?? 0
    if (known !== 0) return known
    const number = this.#statements.findReservation.get(id) as number | null
    if (number === null) throw new Error('the views lack a reservation that the engine has')
    this.#noteNumber(slot, number)
    return number
  }

  #noteNumber(slot: number, number: number): void {
    if (slot >= this.#numbers.length) {
      const larger = new Float64Array(Math.max(slot + 1, 2 * this.#numbers.length))
      larger.set(this.#numbers)
      this.#numbers = larger
    }
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

function commandNames(modules: readonly Module[]): ReadonlyMap<number, string> {
  const names = modules.flatMap(({ name: module, commands }) =>
    Object.keys(commands).map(
      (command) => [moduleRoute(module, command), `${module}/${command}`] as const,
    ),
  )
  return new Map(names)
}

function prepare(database: ViewsDatabase) {
  return {
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
