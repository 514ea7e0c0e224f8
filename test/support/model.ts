// The plain, slow model of the engine: frames in, outcomes out. Obvious before fast, and nothing in
// common with the engine's tables: whole commands in Maps, undo by copying everything.

import type { Capacities, StatusCode } from '../../protocol/index.ts'
import type { Command, Frame, Notice, Outcome } from './commands.ts'
import type { Circumstances, Decision } from './model-accounts.ts'
import { isKept, isWhole, keyOf, placeOf, runOf } from './model-chains.ts'
import { differenceOf, isLegal } from './model-content.ts'
import { decide } from './model-decide.ts'
import { ModelDigest } from './model-digest.ts'
import {
  type First,
  firstOf,
  forgetAged,
  makeRoomForReservations,
  makeRoomForRows,
  refuseIdTime,
  resourceOf,
} from './model-memory.ts'
import { expireDue } from './model-reservations.ts'
import { emptyState, found, type ModelState, viewAccount, viewReservation } from './model-state.ts'

/** Decides frames as semantics say, slowly. */
export class Model {
  state: ModelState = emptyState()
  sequence = 0
  timeMs = 0
  /** Reservations that expired so far. */
  expired = 0
  capacities: Capacities
  readonly #digest = new ModelDigest()
  readonly #voided: ReadonlySet<number>

  constructor(capacities: Capacities, voided: ReadonlySet<number> = new Set()) {
    this.capacities = capacities
    this.#voided = voided
  }

  digest(): string {
    return this.#digest.toString()
  }

  /** Decides a frame; gives back the outcomes of its commands and routed ticks in order. */
  apply(frame: Frame): Outcome[] {
    if (frame.records.length === 0) return []
    this.timeMs = frame.timeMs
    this.#expire()
    const outcomes: Outcome[] = []
    for (let i = 0; i < frame.records.length; ) {
      const run = runOf(frame.records, i)
      if (run.length > 0) {
        if (this.#isVoided(run)) this.sequence += run.length
        else outcomes.push(...this.#decideRun(run))
      } else {
        this.sequence += 1
        const isVoided = this.#voided.has(this.sequence)
        if (!isVoided) this.#notice(frame.records[i] as Notice, outcomes)
      }
      i += run.length || 1
    }
    return outcomes
  }

  /** What the transfer or reserve would come to as of the last frame. Changes nothing. */
  dryRun(command: Command): Outcome {
    const before = this.state
    this.state = structuredClone(before)
    const outcome = this.#tryOut(command)
    this.state = before
    return outcome
  }

  #tryOut(command: Command): Outcome {
    const { sequence } = this
    const refuse = (code: StatusCode) => this.#outcome(command.type, { code }, sequence)
    const isDryable = command.type === 'transfer' || command.type === 'reserve'
    if (!isDryable || command.linked === true || !isLegal(command)) return refuse('malformed')
    const known = firstOf(this.state, command)
    if (known !== undefined) {
      const difference = differenceOf(known.command, command)
      return difference === undefined ? this.#replay(command, known) : refuse(difference)
    }
    const idTime = refuseIdTime(this.state, command, this.timeMs, this.capacities)
    if (idTime !== undefined) return refuse(idTime)
    const decision = decide(this.state, command, this.#at(sequence))
    return { ...this.#outcome(command.type, decision, sequence), reservation: undefined }
  }

  #expire(): void {
    expireDue(this.state, this.timeMs, ({ row, amount }) => {
      const debit = viewAccount(this.state, row.debit)
      const credit = viewAccount(this.state, row.credit)
      this.#digest.rollExpiry(row.sequence, amount, debit, credit)
      this.expired += 1
    })
  }

  /** A voided member voids its chain. */
  #isVoided(run: readonly Command[]): boolean {
    return run.some((_, i) => this.#voided.has(this.sequence + 1 + i))
  }

  #notice(notice: Notice, outcomes: Outcome[]): void {
    if (notice.type === 'configure') this.capacities = notice.capacities
    if (notice.type === 'tick' && notice.routed === true) {
      outcomes.push(this.#outcome('tick', { code: 'ok' }, this.sequence))
    }
  }

  #at(sequence: number): Circumstances {
    return { timeMs: this.timeMs, sequence, capacities: this.capacities }
  }

  /** A single command, or commands linked to each other. */
  #decideRun(run: readonly Command[]): Outcome[] {
    forgetAged(this.state, this.timeMs, this.capacities)
    const first = this.sequence + 1
    const outcomes = this.#outcomesOf(run, first)
    this.sequence += run.length
    for (const [i, outcome] of outcomes.entries()) this.#digest.rollOutcome(first + i, outcome)
    return outcomes
  }

  #outcomesOf(run: readonly Command[], first: number): Outcome[] {
    if (!isWhole(run)) return this.#all(run, first, 'malformed')
    return run.length === 1
      ? [this.#decideSingle(run[0] as Command, first)]
      : this.#decideChain(run, first)
  }

  #decideSingle(command: Command, sequence: number): Outcome {
    const refuse = (code: StatusCode) => this.#outcome(command.type, { code }, sequence)
    if (!isLegal(command)) return refuse('malformed')
    const known = firstOf(this.state, command)
    if (known !== undefined) {
      const difference = differenceOf(known.command, command)
      return difference === undefined ? this.#replay(command, known) : refuse(difference)
    }
    const idTime = refuseIdTime(this.state, command, this.timeMs, this.capacities)
    if (idTime !== undefined) return refuse(idTime)
    const rows = command.type === 'open_account' ? 0 : 1
    if (!makeRoomForRows(this.state, rows, this.timeMs, this.capacities)) {
      return refuse('overloaded')
    }
    const decision = decide(this.state, command, this.#at(sequence))
    const outcome = this.#outcome(command.type, decision, sequence)
    if (isKept(outcome.code)) this.#remember(command, outcome, sequence)
    return outcome
  }

  #decideChain(run: readonly Command[], first: number): Outcome[] {
    const chain = run.map((command, i) => ({ ...command, place: placeOf(i, run.length) }))
    const refuse = (i: number, code: StatusCode) => this.#failAt(chain, first, i, code)

    const malformed = run.findIndex((command) => !isLegal(command))
    if (malformed >= 0) return refuse(malformed, 'malformed')
    if (new Set(chain.map(keyOf)).size < chain.length) {
      return this.#all(chain, first, 'chain_mismatch')
    }
    const known = chain.map((command) => firstOf(this.state, command))
    const unknown = chain.filter((c, i) => known[i] === undefined && c.type !== 'open_account')
    if (known.some((one) => one !== undefined)) {
      if (unknown.length > 0) return this.#all(chain, first, 'chain_mismatch')
      return this.#replayChain(chain, known, first)
    }
    for (const [i, command] of chain.entries()) {
      const code = refuseIdTime(this.state, command, this.timeMs, this.capacities)
      if (code !== undefined) return refuse(i, code)
    }
    if (!makeRoomForRows(this.state, unknown.length, this.timeMs, this.capacities)) {
      return refuse(0, 'overloaded')
    }
    const reserves = chain.flatMap((command, i) => (command.type === 'reserve' ? [i] : []))
    const full = makeRoomForReservations(this.state, reserves.length, this.#at(first))
    if (full !== undefined) return refuse(reserves[0] as number, full)
    return this.#decideMembers(chain, first)
  }

  /** All take effect, or none does. */
  #decideMembers(chain: readonly Command[], first: number): Outcome[] {
    const before = structuredClone(this.state)
    let outcomes: Outcome[] = []
    for (const [i, command] of chain.entries()) {
      const decision = decide(this.state, command, this.#at(first + i))
      if (decision.code !== 'ok') {
        this.state = before
        outcomes = this.#failAt(chain, first, i, decision.code)
        if (!isKept(decision.code)) return outcomes
        break
      }
      outcomes.push(this.#outcome(command.type, decision, first + i))
    }
    for (const [i, outcome] of outcomes.entries()) {
      this.#remember(chain[i] as Command, outcome, first)
    }
    return outcomes
  }

  #replayChain(
    chain: readonly Command[],
    known: readonly (First | undefined)[],
    first: number,
  ): Outcome[] {
    for (const [i, one] of known.entries()) {
      const difference = one && differenceOf(one.command, chain[i] as Command)
      if (difference !== undefined) return this.#failAt(chain, first, i, difference)
    }
    // Where its first member was when the chain was decided, as each remembered member tells.
    const hasFailed = known.some((one) => one !== undefined && one.code !== 'ok')
    // I7: a chain that passed opened its accounts, so one that is not there was not in it.
    if (!hasFailed && known.includes(undefined)) return this.#all(chain, first, 'chain_mismatch')
    const starts = known.flatMap((one, i) => {
      const isLater = hasFailed && chain[i]?.type === 'open_account'
      return one === undefined || isLater
        ? []
        : [{ sequence: one.sequence - i, timeMs: one.timeMs }]
    })
    const start = found(starts[0], 'remembered member')
    if (starts.some((other) => other.sequence !== start.sequence)) {
      return this.#all(chain, first, 'chain_mismatch')
    }
    return chain.map((command, i) => {
      const one = known[i]
      if (one !== undefined && !(hasFailed && command.type === 'open_account')) {
        return this.#replay(command, one)
      }
      const { sequence, timeMs } = start
      const code = 'linked_failed'
      return this.#replay(command, { command, code, sequence: sequence + i, timeMs, moved: 0 })
    })
  }

  /** Keeps the outcome, unless the account or the reservation itself is what is remembered. */
  #remember(command: Command, outcome: Outcome, chain: number): void {
    if (command.type === 'open_account') return
    if (command.type === 'reserve' && outcome.code === 'ok') return
    const { code, sequence, timeMs, moved } = outcome
    this.state.rows.set(command.id, { command, code, sequence, timeMs, moved, chain })
  }

  #outcome(type: Outcome['type'], decision: Decision, sequence: number): Outcome {
    const { reservation } = decision
    return {
      type,
      code: decision.code,
      replayed: false,
      sequence,
      timeMs: this.timeMs,
      moved: decision.moved ?? 0,
      resolved: decision.resolved ?? 0,
      reservation: reservation === undefined ? undefined : viewReservation(this.state, reservation),
      accounts: (decision.accounts ?? []).map((id) => viewAccount(this.state, id)),
    }
  }

  /** The first outcome again; an `ok` with what its resource is by now. */
  #replay(command: Command, known: First): Outcome {
    const { code, sequence, timeMs, moved } = known
    const decision = code === 'ok' ? resourceOf(this.state, command) : {}
    const outcome = this.#outcome(command.type, { ...decision, code, moved }, sequence)
    return { ...outcome, replayed: true, timeMs }
  }

  /** Member `failed` has the code, the others failed with it. */
  #failAt(chain: readonly Command[], first: number, failed: number, code: StatusCode): Outcome[] {
    return chain.map((command, i) =>
      this.#outcome(command.type, { code: i === failed ? code : 'linked_failed' }, first + i),
    )
  }

  #all(chain: readonly Command[], first: number, code: StatusCode): Outcome[] {
    return chain.map((command, i) => this.#outcome(command.type, { code }, first + i))
  }
}
