// Steps of the script that every implementation of `Holdfast` is held to, and what they share. The
// steps are in holdfast-script.ts and holdfast-submits.ts.

import type { Holdfast } from '../../client/index.ts'

/** One call, and the part of its result that must be so. */
export interface Step {
  readonly what: string
  readonly call: (hf: Holdfast) => Promise<unknown>
  readonly expected: unknown
}

/** Whatever a test moves goes this way. */
export const MOVE = { debitAccount: 'acme', creditAccount: 'bank' } as const

/** A step. */
export function step(what: string, call: Step['call'], expected: unknown): Step {
  return { what, call, expected }
}

/** A call whose refusal has no numbers. */
export function refused(what: string, code: string, call: Step['call']): Step {
  return step(what, call, { code, retryable: code.endsWith('_full') })
}
