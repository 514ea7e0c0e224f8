// What the server's main thread knows of its views' process, for its gateways' threads: a report in shared
// memory, from ViewsHealth to ViewsFigures. Nothing else passes this way.

import type { ViewsFigures } from '../gateway/index.ts'
import { allocateReport, ReportReader, ReportWriter } from '../runtime/index.ts'
import type { ViewsHealth } from './views-child.ts'

const FIELD = { state: 0, sequence: 1, count: 2 } as const

/** States by their number. */
const STATES: readonly ViewsFigures['state'][] = [
  'off',
  'loading',
  'building',
  'following',
  'waiting',
  'stopped',
]

/** Memory for it: no views until something is written. */
export function allocateViewsReport(): SharedArrayBuffer {
  return allocateReport(FIELD.count)
}

/** The writer: takes what became of the views' process. */
export function writeViewsReport(memory: SharedArrayBuffer): (health: ViewsHealth) => void {
  const report = new ReportWriter(memory)
  return (health) => {
    const status = health.state === 'running' ? health.status : undefined
    const state = health.state === 'running' ? (status?.state ?? 'loading') : health.state
    report.values[FIELD.state] = STATES.indexOf(state)
    if (status !== undefined && status.state !== 'loading') {
      report.values[FIELD.sequence] = status.sequence
    }
    report.publish()
  }
}

/** The reader: what they were last. */
export function readViewsReport(memory: SharedArrayBuffer): () => ViewsFigures {
  const report = new ReportReader(memory)
  return () => {
    const values = report.read()
    return {
      state: STATES[values[FIELD.state] as number] as ViewsFigures['state'],
      sequence: values[FIELD.sequence] as number,
    }
  }
}
