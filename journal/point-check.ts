// Holding a journal against a place that somebody kept of it: the frame that ends with that record has
// to be there, and to be the same one. Knows no files.

import { hasBytes, type LogPoint, type LogState } from './frame.ts'

/** One point, while frames are read from its segment's start on. */
export class PointCheck {
  readonly #point: LogPoint

  constructor(point: LogPoint) {
    this.#point = point
  }

  /**
   * What is wrong with a frame of `records` records that brought the log to `state`; undefined where
   * nothing is. A seal has no records and says nothing: it may be there or not.
   */
  fault(state: LogState, records: number): string | undefined {
    const { sequence, chain } = this.#point
    if (records === 0 || state.sequence < sequence) return undefined
    const first = state.sequence - records + 1
    if (first > sequence) return undefined
    if (state.sequence > sequence) {
      return `a snapshot was made after sequence ${sequence}, where no frame of the journal ends`
    }
    if (hasBytes(state.chain, 0, chain)) return undefined
    return `a snapshot was made after sequence ${sequence} of a journal that had another frame here`
  }

  /** Whether a frame of `records` records that brought the log to `state` lies behind the point. */
  isPassed(state: LogState, records: number): boolean {
    return state.sequence - records >= this.#point.sequence
  }

  /** What is wrong with a journal that ends at `state`; undefined where it holds the point. */
  endFault(state: LogState): string | undefined {
    const { sequence } = this.#point
    if (state.sequence >= sequence) return undefined
    return (
      `the journal ends after sequence ${state.sequence}, and a snapshot was made after sequence ` +
      `${sequence}, which had been synced by then`
    )
  }
}
