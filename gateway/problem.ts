// Refusals as application/problem+json (RFC 9457).

import { STATUS, type Status, type StatusCode, statusOf } from '../protocol/index.ts'
import { RETRY_AFTER_SECONDS } from './limits.ts'

/** Content type of every refusal. */
export const PROBLEM_TYPE = 'application/problem+json'

/** Content type of everything else that is JSON. */
const JSON_TYPE = 'application/json'

/** A whole HTTP reply, ready to be written. */
export interface Reply {
  readonly status: number
  readonly contentType: string
  readonly body: string
  /** Names and values in turn. */
  readonly headers: readonly string[]
  /** Close the connection behind the reply. */
  readonly close?: boolean
}

const NO_HEADERS: readonly string[] = []
const RETRY_AFTER = ['Retry-After', String(RETRY_AFTER_SECONDS)] as const

/** Headers of every reply that gives a first outcome again. */
export const REPLAYED_HEADERS: readonly string[] = ['Idempotent-Replayed', 'true']

/** A reply with JSON text. */
export function jsonReply(status: number, body: string, headers = NO_HEADERS): Reply {
  return { status, contentType: JSON_TYPE, body, headers }
}

/** What HTTP says of a status of the core. */
export function coreCode(code: StatusCode): ProblemCode {
  const { title, retryable, http } = statusOf(STATUS[code])
  return { code, title, retryable, http, page: `/docs/statuses#${code}` }
}

/**
 * The reply for a status. `members` is what the body holds beside the members that all problems
 * have, as JSON text that begins with a comma, or ''. `http` stands in where HTTP has a better one.
 */
export function problemReply(
  { code }: Status,
  detail: string,
  members = '',
  headers = NO_HEADERS,
  http?: number,
): Reply {
  const known = coreCode(code)
  return writeProblem(http === undefined ? known : { ...known, http }, detail, members, headers)
}

/** What a problem says of its code. */
export interface ProblemCode {
  readonly code: string
  readonly title: string
  readonly retryable: boolean
  readonly http: number
  /** Where the code is explained: the problem's `type`. */
  readonly page: string
}

/** The reply for any code, a module's among them; `members` as for `problemReply`. */
export function writeProblem(
  { code, title, retryable, http, page }: ProblemCode,
  detail: string,
  members = '',
  headers = NO_HEADERS,
): Reply {
  const body =
    `{"type":${JSON.stringify(page)},"title":${JSON.stringify(title)},"status":${http}` +
    `,"detail":${JSON.stringify(detail)},"code":${JSON.stringify(code)}` +
    `,"retryable":${retryable}${members}}`
  const all = http === 503 || retryable ? [...headers, ...RETRY_AFTER] : headers
  return { status: http, contentType: PROBLEM_TYPE, body, headers: all }
}

/** The reply for a status that the gateway decided. */
export function refusalReply(code: StatusCode, detail: string, headers = NO_HEADERS): Reply {
  return problemReply(statusOf(STATUS[code]), detail, '', headers)
}
