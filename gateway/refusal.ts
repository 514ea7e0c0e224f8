// A refusal that the gateway itself decides, as a value. Refusals of the engine are outcomes.

import type { StatusCode } from '../protocol/index.ts'

/** Why a request goes no further: a status, and a sentence for people. */
export class Refusal {
  readonly code: StatusCode
  readonly detail: string
  /** `Allow` of a 405. */
  readonly allow: string | undefined

  constructor(code: StatusCode, detail: string, allow?: string) {
    this.code = code
    this.detail = detail
    this.allow = allow
  }
}

/** A refusal with `invalid_request`. */
export function invalid(detail: string): Refusal {
  return new Refusal('invalid_request', detail)
}
