// The interface that the model and the engine share, so that one contract suite runs over both; and
// the model behind it. The engine is in engine-subject.ts.

import type { Capacities } from '../../protocol/index.ts'
import type { AccountView, Frame, Outcome, ReservationView } from './commands.ts'
import { Model } from './model.ts'
import { viewAccount, viewReservation } from './model-state.ts'
import type { AuditView } from './outcomes.ts'

/** What decides frames. */
export interface Subject {
  readonly name: string
  readonly sequence: number
  /** The outcomes of the frame's commands and routed ticks, in order. */
  apply(frame: Frame): Outcome[]
  account(id: string): AccountView | undefined
  reservation(id: string): ReservationView | undefined
  audit(): AuditView
  /** What is broken of I1 to I3. */
  violations(): readonly string[]
}

/** The model as a subject. */
export class ModelSubject implements Subject {
  readonly name = 'model'
  readonly model: Model

  constructor(capacities: Capacities, voided: ReadonlySet<number> = new Set()) {
    this.model = new Model(capacities, voided)
  }

  get sequence(): number {
    return this.model.sequence
  }

  apply(frame: Frame): Outcome[] {
    return this.model.apply(frame)
  }

  account(id: string): AccountView | undefined {
    const { state } = this.model
    return state.accounts.has(id) ? viewAccount(state, id) : undefined
  }

  reservation(id: string): ReservationView | undefined {
    const { state } = this.model
    return state.reservations.has(id) ? viewReservation(state, id) : undefined
  }

  audit(): AuditView {
    const { state } = this.model
    const open = [...state.reservations.values()].filter((row) => row.state === 'held')
    return {
      digest: this.model.digest(),
      accounts: state.accounts.size,
      openReservations: open.length,
      ledgers: [...state.ledgers]
        .map(([ledger, sums]) => ({ ledger, ...sums }))
        .sort((x, y) => x.ledger - y.ledger),
    }
  }

  violations(): readonly string[] {
    return [...this.#overdrafts(), ...this.#imbalances(), ...this.#wrongHolds()]
  }

  /** I1. */
  #overdrafts(): string[] {
    return [...this.model.state.accounts.entries()]
      .filter(([, a]) => a.opened.external !== true && a.balance - a.held + a.creditLimit < 0)
      .map(([id]) => `I1: ${id} is overdrawn`)
  }

  /** I2. */
  #imbalances(): string[] {
    const { state } = this.model
    return [...state.ledgers].flatMap(([ledger, sums]) => {
      const accounts = [...state.accounts.values()].filter((a) => a.opened.ledger === ledger)
      const sum = (field: 'balance' | 'held' | 'incoming') =>
        accounts.reduce((total, account) => total + BigInt(account[field]), 0n)
      const isBalanced = sum('balance') === 0n && sum('held') === sum('incoming')
      return isBalanced && sum('held') === BigInt(sums.held) ? [] : [`I2: ledger ${ledger}`]
    })
  }

  /** I3. */
  #wrongHolds(): string[] {
    const { state } = this.model
    return [...state.accounts].flatMap(([id, account]) => {
      const open = [...state.reservations.values()].filter((row) => row.debit === id)
      const held = open.reduce((total, row) => total + row.remaining, 0)
      return held === account.held ? [] : [`I3: ${id} holds ${account.held}, not ${held}`]
    })
  }
}
