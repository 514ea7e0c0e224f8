// Reserves and settles at a pace, whether answers come or not, and the latencies of their answers. For
// benchmarks that look at what else is going on meanwhile.

import { type Command, type Holdfast, id, newId } from '../client/index.ts'
import {
  allocateWords,
  copyWords,
  createIdCache,
  encodeCommand,
  ID_BYTES,
  type Id,
  KIND,
  RECORD,
  RESERVE,
  RESOLVE,
  type Words,
} from '../protocol/index.ts'
import { type Measured, pace } from './pace.ts'
import { IdSource, type Wire } from './wire.ts'

/** How long the rate is looked for at which the server is full, in ms. */
const SEARCH_MS = 4_000
const BATCH = 2_048
/** Batches in flight while the rate is looked for, and while the state is built. */
const BATCHES_AHEAD = 6
const AMOUNT = 10

/** Opens accounts that may all go below 0. */
export async function openAccounts(holdfast: Holdfast, count: number): Promise<Id[]> {
  const accounts: Id[] = []
  const world = id('world')
  await all(holdfast, [{ type: 'open_account', id: world, ledger: 1, external: true }])
  const waiting: Promise<void>[] = []
  for (let n = 0; n < count; ) {
    const commands: Command[] = []
    for (; commands.length < BATCH && n < count; n++) {
      const account = newId()
      accounts.push(account)
      commands.push({ type: 'open_account', id: account, ledger: 1, creditLimit: 1_000_000_000 })
    }
    waiting.push(all(holdfast, commands))
    if (waiting.length >= BATCHES_AHEAD) await waiting.shift()
  }
  await Promise.all(waiting)
  return accounts
}

/** Submits, and wants `ok` of each. */
async function all(holdfast: Holdfast, commands: readonly Command[]): Promise<void> {
  for (const result of await holdfast.submit(commands)) {
    if (result.code !== 'ok') throw new Error(`a command of the load was refused: ${result.code}`)
  }
}

/** Reserves and settles by turns, over all accounts. */
export class PairLoad {
  readonly #holdfast: Holdfast
  readonly #wire: Wire
  readonly #accounts: readonly Id[]
  readonly #ids = new IdSource()
  /** A reserve and its settle, but for their ids and accounts. */
  readonly #records: Words
  #next = 0

  /** Prepares by `holdfast`; what is measured goes over `wire`. */
  constructor(holdfast: Holdfast, wire: Wire, accounts: readonly Id[]) {
    this.#holdfast = holdfast
    this.#wire = wire
    this.#accounts = accounts
    this.#records = pairOf(accounts[0] as Id)
  }

  /** Makes reservations that stay open. */
  async holdOpen(count: number): Promise<void> {
    const waiting: Promise<void>[] = []
    for (let n = 0; n < count; n += BATCH) {
      const size = Math.min(BATCH, count - n)
      const commands = Array.from({ length: size }, () => this.#reserve(newId()))
      waiting.push(all(this.#holdfast, commands))
      if (waiting.length >= BATCHES_AHEAD) await waiting.shift()
    }
    await Promise.all(waiting)
  }

  /** Commands per second with as many in flight as the server takes. */
  async fullRate(): Promise<number> {
    const startedMs = performance.now()
    const waiting: Promise<void>[] = []
    let commands = 0
    while (performance.now() - startedMs < SEARCH_MS) {
      waiting.push(all(this.#holdfast, this.#pairs(BATCH)))
      commands += BATCH
      if (waiting.length >= BATCHES_AHEAD) await waiting.shift()
    }
    await Promise.all(waiting)
    return Math.round(commands / ((performance.now() - startedMs) / 1_000))
  }

  /** Sends `perTick` commands, an even number, every tick: see `pace`. */
  paced(perTick: number, end: Promise<unknown>, begin?: Promise<unknown>): Promise<Measured> {
    const write = (): void => {
      for (let n = 0; n < perTick; n += 2) this.#writePair()
    }
    const bytesMax = (perTick / 2) * PAIR_BYTES
    return pace({ wire: this.#wire, perTick, bytesMax, write }, end, begin)
  }

  #writePair(): void {
    const wire = this.#wire
    const accounts = this.#accounts
    const n = this.#next++ % accounts.length
    const at = wire.place(PAIR_BYTES)
    const { words } = wire
    copyWords(this.#records, 0, words, at, PAIR_BYTES)
    this.#ids.write(words, at + RECORD.id)
    accounts[n]?.write(words, at + RESERVE.debit)
    accounts[(n + 1) % accounts.length]?.write(words, at + RESERVE.credit)
    const settleAt = at + RESERVE.bytes
    this.#ids.write(words, settleAt + RECORD.id)
    copyWords(words, at + RECORD.id, words, settleAt + RESOLVE.reservation, ID_BYTES)
    wire.add(RESERVE.bytes)
    wire.add(RESOLVE.bytes)
  }

  #pairs(count: number): Command[] {
    const commands: Command[] = []
    for (let n = 0; n < count; n += 2) {
      const reservation = newId()
      commands.push(this.#reserve(reservation), { type: 'settle', id: newId(), reservation })
    }
    return commands
  }

  #reserve(reservation: Id): Command {
    const accounts = this.#accounts
    const n = this.#next++ % accounts.length
    return {
      type: 'reserve',
      id: reservation,
      debitAccount: accounts[n] as Id,
      creditAccount: accounts[(n + 1) % accounts.length] as Id,
      amount: AMOUNT,
    }
  }
}

const PAIR_BYTES = RESERVE.bytes + RESOLVE.bytes

/** The records of a reserve and of its settle; `any` stands for the ids that are filled in. */
function pairOf(any: Id): Words {
  const words = allocateWords(PAIR_BYTES)
  const ids = createIdCache()
  const pair = { id: any, debitAccount: any, creditAccount: any, amount: AMOUNT }
  encodeCommand(words, 0, KIND.reserve, pair, ids)
  encodeCommand(words, RESERVE.bytes, KIND.settle, { id: any, reservation: any }, ids)
  return words
}
