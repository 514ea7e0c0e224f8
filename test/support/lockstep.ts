// One random run through the model and the engine in lockstep. After every frame all that can be
// seen of both must agree, and what must always be true is asserted by its number (design.md,
// section 3).

import assert from 'node:assert/strict'
import type { Capacities } from '../../protocol/index.ts'
import type { Run, Step } from './arbitraries.ts'
import type { Command, Frame, Outcome, PlainRecord } from './commands.ts'
import { isPlainCommand } from './commands.ts'
import { SMALL_CAPACITIES } from './contract.ts'
import { commandsOf } from './drafts.ts'
import { EngineSubject } from './engine-subject.ts'
import { found, viewReservation } from './model-state.ts'
import { ModelSubject } from './subjects.ts'

/** How often what happened, over all runs. */
export class Statistics {
  readonly codes = new Map<string, number>()
  commands = 0
  replays = 0
  expiries = 0
  chains = 0
  restarts = 0
  dryRuns = 0

  count(outcome: Outcome): void {
    if (outcome.type === 'tick') return
    this.commands++
    if (outcome.replayed) this.replays++
    this.codes.set(outcome.code, (this.codes.get(outcome.code) ?? 0) + 1)
  }
}

const SET_UP: readonly Command[] = [
  { type: 'open_account', id: 'bank', ledger: 1, external: true },
  { type: 'open_account', id: 'acme', ledger: 1, creditLimit: 20 },
  { type: 'open_account', id: 'shop', ledger: 1, creditLimit: 500 },
  { type: 'transfer', id: 's1', debit: 'bank', credit: 'acme', amount: 400 },
  { type: 'transfer', id: 's2', debit: 'shop', credit: 'acme', amount: 100 },
  { type: 'open_account', id: 'west', ledger: 1 },
  { type: 'open_account', id: 'ebank', ledger: 2, external: true },
  { type: 'open_account', id: 'euro', ledger: 2 },
]

/** More of every table, as a start with a larger configuration has before its `configure` record. */
function roomier(physical: Capacities): Capacities {
  return {
    ...physical,
    accountsMax: physical.accountsMax + 7,
    ledgersMax: physical.ledgersMax + 7,
    reservationsMax: physical.reservationsMax + 7,
    groupsMax: physical.groupsMax + 7,
    outcomesMax: physical.outcomesMax + 7,
    accountNameBytesMax: physical.accountNameBytesMax + 64,
  }
}

/** The model and the engine, and what was put into them. */
export class Lockstep {
  readonly #physical: Capacities
  readonly #statistics: Statistics
  readonly #frames: Frame[] = []
  readonly #first = new Map<number, Outcome>()
  readonly #model: ModelSubject
  #engine: EngineSubject
  #starts = 1

  constructor(statistics: Statistics, physical: Capacities = SMALL_CAPACITIES) {
    this.#statistics = statistics
    this.#physical = physical
    this.#model = new ModelSubject(physical)
    this.#engine = this.#start()
  }

  /** Applies one frame to both and compares all that can be seen. */
  apply(timeMs: number, records: readonly PlainRecord[]): Outcome[] {
    const frame = { timeMs, records }
    const before = this.#model.model.expired
    const first = this.#model.sequence + 1
    this.#frames.push(frame)
    const outcomes = this.#model.apply(frame)
    assert.deepEqual(this.#engine.apply(frame), outcomes)
    this.#compareState(timeMs, records.length > 0)
    this.#assertChains(records, outcomes)
    this.#assertOnce(outcomes, records, first)
    for (const outcome of outcomes) this.#statistics.count(outcome)
    this.#statistics.expiries += this.#model.model.expired - before
    return outcomes
  }

  /** Compares what both say the command would come to; later frames show that nothing changed. */
  tryOut(command: Command): void {
    assert.deepEqual(this.#engine.dryRun(command), this.#model.model.dryRun(command))
    this.#statistics.dryRuns++
  }

  /**
   * I5: other engines come to the same state, one by the same frames, one from the state's bytes with
   * more room. The second goes on every other time: what it does is compared like all else.
   */
  restart(): void {
    const replayed = this.#start()
    for (const frame of this.#frames) replayed.replay(frame)
    const imported = this.#start(roomier(this.#physical))
    imported.importFrom(this.#engine)
    for (const engine of [replayed, imported]) {
      assert.deepEqual(engine.audit(), this.#engine.audit())
      assert.equal(engine.digest(), this.#model.model.digest())
      assert.deepEqual(engine.stateBytes(), this.#engine.stateBytes())
      assert.deepEqual(engine.violations(), [])
    }
    this.#engine = this.#statistics.restarts % 2 === 0 ? imported : replayed
    this.#statistics.restarts++
  }

  /** A replay that skips some records comes to what the model comes to without them. */
  replayWithout(voided: ReadonlySet<number>): void {
    const model = new ModelSubject(this.#physical, voided)
    let engine = new EngineSubject(this.#physical, voided, 99)
    for (const [n, frame] of this.#frames.entries()) {
      assert.deepEqual(engine.apply(frame), model.apply(frame))
      if (n !== this.#frames.length >>> 1) continue
      const imported = new EngineSubject(this.#physical, voided, 100)
      imported.importFrom(engine)
      assert.deepEqual(imported.stateBytes(), engine.stateBytes())
      engine = imported
    }
    assert.deepEqual(engine.audit(), model.audit())
    assert.deepEqual(engine.violations(), [])
  }

  get sequence(): number {
    return this.#model.sequence
  }

  #start(capacities: Capacities = this.#physical): EngineSubject {
    return new EngineSubject(capacities, new Set(), 0x9e37_79b9 * this.#starts++)
  }

  #compareState(timeMs: number, hasRecords: boolean): void {
    const engine = this.#engine
    const model = this.#model
    // The digest covers every decision so far; the audit adds the ledgers' sums.
    assert.deepEqual(engine.audit(), model.audit())
    // I1, I2 and I3 from all rows, of the engine by its own audit and of the model by its sums.
    assert.deepEqual(engine.violations(), [])
    assert.deepEqual(model.violations(), [])
    for (const id of model.model.state.accounts.keys()) {
      assert.deepEqual(engine.account(id), model.account(id))
    }
    for (const [id, { reserved }] of model.model.state.reservations) {
      const view = found(engine.reservation(id), id)
      assert.deepEqual(view, viewReservation(model.model.state, id))
      // I8: nothing that is due is still held.
      const isDue = view.state === 'held' && view.expiresAt > 0 && view.expiresAt <= timeMs
      if (hasRecords) assert.equal(isDue, false, `I8: ${id} is due`)
      // I9: what was settled and given back is what was reserved; only an over-capture takes more.
      const resolved = view.settled + view.released
      if (view.state === 'held') assert.ok(resolved < view.amount, `I9: ${id} has nothing left`)
      else if (reserved.allowOver !== true) assert.equal(resolved, view.amount, `I9: ${id}`)
      else assert.ok(resolved >= view.amount, `I9: ${id} lost something`)
    }
    // I12: no table is fuller than it was made.
    const { accountCount, openReservationCount, rememberedCount } = engine.engine
    const { accountsMax, reservationsMax, outcomesMax } = this.#physical
    assert.ok(accountCount <= accountsMax && openReservationCount <= reservationsMax, 'I12')
    assert.ok(rememberedCount <= outcomesMax + reservationsMax - openReservationCount, 'I12')
  }

  /** I7: all members of a chain are `ok`, or none is. */
  #assertChains(records: readonly PlainRecord[], outcomes: readonly Outcome[]): void {
    const answered = records.filter((one) => isPlainCommand(one) || one.type === 'tick')
    let passed: boolean | undefined
    for (const [i, record] of answered.entries()) {
      const isOk = outcomes[i]?.code === 'ok'
      if (passed !== undefined) assert.equal(isOk, passed, 'I7: a chain was half done')
      const isLinked = isPlainCommand(record) && record.linked === true
      if (isLinked && passed === undefined) this.#statistics.chains++
      passed = isLinked ? isOk : undefined
    }
  }

  /** I6: a replayed outcome is the one that its sequence had, under the same id. */
  #assertOnce(outcomes: readonly Outcome[], records: readonly PlainRecord[], first: number): void {
    const answered = records
      .map((record, i) => ({ record, sequence: first + i }))
      .filter(({ record }) => isPlainCommand(record) || record.type === 'tick')
    for (const [i, outcome] of outcomes.entries()) {
      const sequence = answered[i]?.sequence as number
      if (!outcome.replayed) {
        assert.equal(outcome.sequence, sequence)
        this.#first.set(sequence, outcome)
        continue
      }
      const { code, moved, timeMs } = found(this.#first.get(outcome.sequence), 'first outcome')
      const again = { code: outcome.code, moved: outcome.moved, timeMs: outcome.timeMs }
      assert.deepEqual(again, { code, moved, timeMs }, 'I6')
    }
  }
}

/** Takes a run through both; throws where they part. */
export function takeRun(run: Run, statistics: Statistics, timeMaxMs: number): void {
  const both = new Lockstep(statistics)
  const sent: Command[] = []
  let timeMs = run.startMs
  both.apply(timeMs, [{ type: 'configure', capacities: run.capacities }])
  if (run.isSetUp) both.apply(timeMs, SET_UP)
  for (const step of run.steps) {
    timeMs = Math.min(timeMs + step.afterMs, timeMaxMs)
    if (step.kind === 'restart') both.restart()
    else if (step.kind !== 'commands') both.apply(timeMs, recordsOf(step, both.sequence))
    else {
      const commands = commandsOf(step.commands, sent, timeMs)
      const [first] = commands
      const isDryable = first?.type === 'transfer' || first?.type === 'reserve'
      if (isDryable && first.dryRun !== true) both.tryOut(first)
      both.apply(timeMs, commands)
      sent.push(...commands)
    }
  }
  both.restart()
  const voided = run.voided.map((part) => 1 + Math.floor((part * both.sequence) / 1_000))
  if (voided.length > 0) both.replayWithout(new Set(voided))
}

function recordsOf(step: Step, sequence: number): PlainRecord[] {
  switch (step.kind) {
    case 'configure':
      return [{ type: 'configure', capacities: step.capacities }]
    case 'tick':
      return [{ type: 'tick', routed: true }]
    case 'checkpoint':
      return [{ type: 'tick' }, { type: 'void', sequence: sequence + 1 }]
    default:
      return []
  }
}
