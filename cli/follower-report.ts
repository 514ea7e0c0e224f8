// What the server's main thread knows of its follower, for its gateways' threads: a report in shared
// memory, from FollowerHealth to FollowerFigures. Nothing else passes this way.

import type { FollowerFigures } from '../gateway/index.ts'
import { allocateReport, ReportReader, ReportWriter } from '../runtime/index.ts'
import type { FollowerHealth } from './follower-child.ts'

const FIELD = { state: 0, sequence: 1, snapshotSequence: 2, snapshotBytes: 3, count: 4 } as const

/** States by their number. */
const STATES: readonly FollowerFigures['state'][] = [
  'off',
  'loading',
  'following',
  'snapshotting',
  'waiting',
  'stopped',
]

/** Memory for it: no follower until something is written. */
export function allocateFollowerReport(): SharedArrayBuffer {
  return allocateReport(FIELD.count)
}

/** The writer: takes what became of the follower. */
export function writeFollowerReport(memory: SharedArrayBuffer): (health: FollowerHealth) => void {
  const report = new ReportWriter(memory)
  return (health) => {
    const status = health.state === 'running' ? health.status : undefined
    const state = health.state === 'running' ? (status?.state ?? 'loading') : health.state
    report.values[FIELD.state] = STATES.indexOf(state)
    if (status !== undefined) {
      report.values[FIELD.sequence] = status.sequence
      report.values[FIELD.snapshotSequence] = status.snapshot?.sequence ?? 0
      report.values[FIELD.snapshotBytes] = status.snapshot?.bytes ?? 0
    }
    report.publish()
  }
}

/** The reader: what it was last. */
export function readFollowerReport(memory: SharedArrayBuffer): () => FollowerFigures {
  const report = new ReportReader(memory)
  return () => {
    const values = report.read()
    const of = (field: number): number => values[field] as number
    return {
      state: STATES[of(FIELD.state)] as FollowerFigures['state'],
      sequence: of(FIELD.sequence),
      snapshotSequence: of(FIELD.snapshotSequence),
      snapshotBytes: of(FIELD.snapshotBytes),
    }
  }
}
