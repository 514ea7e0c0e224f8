// The contract suite: runs a scenario over any subjects, frame by frame, and says where one of them
// departs from the table or from the others.

import assert from 'node:assert/strict'
import { CAPACITIES_DEFAULT, type Capacities } from '../../protocol/index.ts'
import type { Outcome, PlainRecord } from './commands.ts'
import type { Subject } from './subjects.ts'
import { type After, type Line, parseTable } from './table.ts'

/** A scenario, and the limits it runs under. */
export interface Scenario {
  readonly name: string
  readonly limits?: Partial<Capacities>
  readonly table: string
}

/** Limits that make small tables; a scenario or a property changes some. */
export const SMALL_CAPACITIES: Capacities = {
  ...CAPACITIES_DEFAULT,
  accountsMax: 64,
  ledgersMax: 8,
  reservationsMax: 64,
  groupsMax: 32,
  outcomesMax: 256,
  accountNameBytesMax: 16_384,
}

/** The limits of a scenario. */
export function capacitiesOf(scenario: Scenario): Capacities {
  return { ...SMALL_CAPACITIES, ...scenario.limits }
}

/** Runs the scenario over all subjects in lockstep; gives back the codes that occurred. */
export function runScenario(scenario: Scenario, subjects: readonly Subject[]): string[] {
  const frames = framesOf(parseTable(scenario.table, capacitiesOf(scenario)))
  return frames.flatMap((lines) => runFrame(lines, subjects))
}

function framesOf(lines: readonly Line[]): Line[][] {
  const frames: Line[][] = []
  for (const line of lines) {
    if (line.timeMs !== undefined) frames.push([line])
    else frames.at(-1)?.push(line)
  }
  return frames
}

function runFrame(lines: readonly Line[], subjects: readonly Subject[]): string[] {
  const timeMs = lines[0]?.timeMs as number
  const records = lines.flatMap((line): PlainRecord[] => (line.record ? [line.record] : []))
  const all = subjects.map((subject) => {
    const where = `${subject.name}: ${lines.at(-1)?.text}`
    const outcomes = subject.apply({ timeMs, records })
    checkOutcomes(lines, outcomes, subject.name)
    for (const line of lines) for (const one of line.after) checkAfter(one, subject, line)
    assert.deepEqual(subject.violations(), [], where)
    return { outcomes, audit: subject.audit(), sequence: subject.sequence }
  })
  for (const one of all) assert.deepEqual(one, all[0], `after ${lines.at(-1)?.text}`)
  return (all[0]?.outcomes ?? []).map((outcome) => outcome.code)
}

function checkOutcomes(
  lines: readonly Line[],
  outcomes: readonly Outcome[],
  subject: string,
): void {
  const answered = lines.filter((line) => line.expected !== undefined)
  assert.equal(outcomes.length, answered.length, `${subject}: ${lines[0]?.text}`)
  for (const [i, line] of answered.entries()) {
    const { code, moved, replayed, sequence } = outcomes[i] as Outcome
    const found = { code, moved, replayed, sequence: line.expected?.sequence && sequence }
    assert.deepEqual(found, line.expected, `${subject}: ${line.text}`)
  }
}

function checkAfter(after: After, subject: Subject, line: Line): void {
  const { id, fields } = after
  const found = after.kind === 'account' ? subject.account(id) : subject.reservation(id)
  const where = `${subject.name}: ${id} after ${line.text}`
  if (fields === undefined || found === undefined) {
    assert.equal(found, fields, where)
    return
  }
  const names = Object.keys(fields) as (keyof typeof found)[]
  assert.deepEqual(Object.fromEntries(names.map((name) => [name, found[name]])), fields, where)
}
