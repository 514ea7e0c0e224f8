// Ledgers (units of account) and their running sums, by which I2 and I3 are asserted after every
// command at constant cost.

import { TURNOVER_UNIT } from '../protocol/index.ts'

/** One ledger's running sums, in smallest units. */
export interface LedgerSums {
  readonly ledger: number
  readonly accounts: number
  /** Posted in total, as a decimal string. */
  readonly turnover: string
  readonly held: number
}

/** A ledger's place in the tables; there is none. */
const NO_LEDGER = -1

/** Rows of up to `ledgersMax` ledgers; slots are given in order of first account. */
export class Ledgers {
  readonly numbers: Uint32Array
  readonly accounts: Float64Array
  /** Sum of balances: 0 between commands (I2). */
  readonly balances: Float64Array
  /** Sum of held. */
  readonly held: Float64Array
  /** Sum of incoming: the same as held between commands (I2). */
  readonly incoming: Float64Array
  /** Sum of what remains of open reservations: the same as held between commands (I3). */
  readonly remaining: Float64Array
  readonly turnoverHigh: Float64Array
  readonly turnoverLow: Float64Array
  readonly bytes: number
  readonly #slots = new Map<number, number>()
  count = 0

  constructor(ledgersMax: number) {
    this.numbers = new Uint32Array(ledgersMax)
    this.accounts = new Float64Array(ledgersMax)
    this.balances = new Float64Array(ledgersMax)
    this.held = new Float64Array(ledgersMax)
    this.incoming = new Float64Array(ledgersMax)
    this.remaining = new Float64Array(ledgersMax)
    this.turnoverHigh = new Float64Array(ledgersMax)
    this.turnoverLow = new Float64Array(ledgersMax)
    this.bytes = ledgersMax * 60
  }

  /** The slot of a ledger's number, or -1. */
  find(number: number): number {
    return this.#slots.get(number) ?? NO_LEDGER
  }

  /** One account more in the ledger, which is made where it is new (there is room). */
  enter(number: number): number {
    let slot = this.find(number)
    if (slot === NO_LEDGER) {
      slot = this.count++
      this.numbers[slot] = number
      this.#slots.set(number, slot)
    }
    this.accounts[slot] = (this.accounts[slot] as number) + 1
    return slot
  }

  /** Adds a ledger as it was, with balances that sum to 0; there is room. */
  restore(number: number, accounts: number, held: number, high: number, low: number): void {
    const slot = this.count++
    this.#slots.set(number, slot)
    this.numbers[slot] = number
    this.accounts[slot] = accounts
    this.held[slot] = held
    this.incoming[slot] = held
    this.remaining[slot] = held
    this.turnoverHigh[slot] = high
    this.turnoverLow[slot] = low
  }

  /** Takes `enter` back. */
  leave(slot: number): void {
    this.accounts[slot] = (this.accounts[slot] as number) - 1
    if (this.accounts[slot] !== 0) return
    if (slot !== this.count - 1) throw new Error('only the newest ledger can be taken back')
    this.#slots.delete(this.numbers[slot] as number)
    this.count--
  }

  /** Counts `amount` as posted; a negative amount takes a posting back. */
  addTurnover(slot: number, amount: number): void {
    let low = (this.turnoverLow[slot] as number) + amount
    if (low >= TURNOVER_UNIT) {
      low -= TURNOVER_UNIT
      this.turnoverHigh[slot] = (this.turnoverHigh[slot] as number) + 1
    } else if (low < 0) {
      low += TURNOVER_UNIT
      this.turnoverHigh[slot] = (this.turnoverHigh[slot] as number) - 1
    }
    this.turnoverLow[slot] = low
  }

  /** The sums of every ledger, for people. */
  sums(): LedgerSums[] {
    return Array.from({ length: this.count }, (_, slot) => {
      const high = BigInt(this.turnoverHigh[slot] as number)
      const low = BigInt(this.turnoverLow[slot] as number)
      return {
        ledger: this.numbers[slot] as number,
        accounts: this.accounts[slot] as number,
        turnover: String(high * BigInt(TURNOVER_UNIT) + low),
        held: this.held[slot] as number,
      }
    })
  }

  /** Whether the running sums say that I2 and I3 hold. */
  isWhole(slot: number): boolean {
    const held = this.held[slot]
    return (
      this.balances[slot] === 0 && held === this.incoming[slot] && held === this.remaining[slot]
    )
  }
}
