// From the outcome of a module's command or query to a reply: which code it has, what HTTP says of that
// code, and the module's own fields. Core commands have replies.ts.

import {
  differenceTitle,
  isReplayed,
  KIND,
  OUTCOME,
  readF64,
  readReply,
  STATUS,
  type StatusCode,
  statusNumber,
  statusOf,
  type Words,
} from '../protocol/index.ts'
import { type Action, differenceCode } from '../surface/index.ts'
import { whenMembers } from './outcome-json.ts'
import {
  coreCode,
  jsonReply,
  type ProblemCode,
  REPLAYED_HEADERS,
  type Reply,
  writeProblem,
} from './problem.ts'

/** What was asked, as its reply needs it. */
export interface ModuleAsked {
  readonly action: Action
  /** Status of a success. */
  readonly success: 200 | 201
  /** A query that stands in for a command. */
  readonly isDryRun: boolean
  /** The command's id came from the header `Idempotency-Key`. */
  readonly hasKey: boolean
}

/** What an outcome of a module says: its code, and the module's own fields. */
export interface ModuleVerdict {
  readonly code: ProblemCode
  readonly fields: Readonly<Record<string, unknown>>
}

/** Names in a problem that are HTTP's: a module's field of such a name is not shown there. */
const PROBLEM_NAMES: ReadonlySet<string> = new Set([
  'type',
  'title',
  'status',
  'detail',
  'retryable',
  'sequence',
  'time',
  'asOf',
  'dryRun',
])

/** The code and the fields of the outcome at `at`. */
export function moduleVerdict(words: Words, at: number, action: Action): ModuleVerdict {
  const number = statusNumber(words, at)
  if (number === STATUS.exists_with_different_input) {
    return { code: difference(words, at, action), fields: {} }
  }
  const reply = readReply(words, at)
  const isOwn = reply !== undefined && (number === STATUS.ok || number === STATUS.module_refused)
  if (!isOwn) return { code: coreCode(statusOf(number).code), fields: {} }
  const { code, ...fields } = reply
  return { code: codeOf(action, code), fields }
}

/** What HTTP says of a code of the module; of the core's own where the module does not name it. */
function codeOf({ surface }: Action, code: string): ProblemCode {
  const own = Object.hasOwn(surface.codes, code) ? surface.codes[code] : undefined
  if (own !== undefined) {
    const { status, title, retryable = false } = own
    return { code, title, retryable, http: status, page: `/systems/${surface.module}#${code}` }
  }
  if (Object.hasOwn(STATUS, code)) return coreCode(code as StatusCode)
  return { ...coreCode('module_refused'), code, page: `/systems/${surface.module}#${code}` }
}

function difference(words: Words, at: number, action: Action): ProblemCode {
  const field = readF64(words, at + OUTCOME.moved)
  const name = action.check.fields[field - 1]
  const core = coreCode('exists_with_different_input')
  const code = differenceCode(action, field)
  // The module may refuse by the same code: one sentence for both.
  const { codes } = action.surface
  const own = Object.hasOwn(codes, code) ? codes[code]?.title : undefined
  const title = own ?? (name === undefined ? core.title : differenceTitle(name))
  return { ...core, code, title }
}

/** One result of a batch. */
export function moduleResult(words: Words, at: number, action: Action): string {
  const { code, fields } = moduleVerdict(words, at, action)
  const sequence = readF64(words, at + OUTCOME.sequence)
  const replayed = isReplayed(words, at) ? ',"replayed":true' : ''
  const reply = Object.keys(fields).length === 0 ? '' : `,"reply":${JSON.stringify(fields)}`
  return `{"code":${JSON.stringify(code.code)},"sequence":${sequence},"moved":0${replayed}${reply}}`
}

/** The reply to a module's command or query of its own. */
export function moduleReply(words: Words, at: number, asked: ModuleAsked): Reply {
  const { action, success, isDryRun, hasKey } = asked
  const { code, fields } = moduleVerdict(words, at, action)
  const isReplay = isReplayed(words, at)
  const headers = isReplay ? REPLAYED_HEADERS : undefined
  const isQuery = action.kind === KIND.queryModule
  const dryRun = isDryRun ? '"dryRun":true,' : ''
  const when = isQuery ? `${dryRun}"asOf":{${whenMembers(words, at)}}` : whenMembers(words, at)
  if (code.code === 'ok') {
    return jsonReply(success, `{${membersOf(fields, SUCCESS_NAMES)}"code":"ok",${when}}`, headers)
  }
  const members = membersOf(fields, PROBLEM_NAMES)
  // A key that came again with something else, and not a refusal of the module's own by such a name.
  const isReused = hasKey && statusNumber(words, at) !== STATUS.module_refused
  const shown = isReused && code.code.startsWith('exists_with_different_') ? REUSED : code
  const detail = shown === REUSED ? `${shown.title} ${code.title}` : code.title
  return writeProblem(shown, detail, `,${members}${when}`, headers)
}

const SUCCESS_NAMES: ReadonlySet<string> = new Set(['code', 'sequence', 'time', 'asOf', 'dryRun'])
const REUSED = coreCode('idempotency_key_reused')

/** The fields as JSON text, each with a comma behind it, but for those that are the reply's own. */
function membersOf(fields: Readonly<Record<string, unknown>>, taken: ReadonlySet<string>): string {
  let text = ''
  for (const [name, value] of Object.entries(fields)) {
    if (!taken.has(name)) text += `${JSON.stringify(name)}:${JSON.stringify(value)},`
  }
  return text
}
