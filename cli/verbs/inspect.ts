// `holdfast inspect`: an account or a reservation with the records that made it so, or the journal's
// records one by one, each with how it was decided.

import type { Module } from '../../engine/index.ts'
import {
  idFaultWords,
  idFromText,
  KIND,
  OUTCOME,
  STATUS,
  type Words,
} from '../../protocol/index.ts'
import type { Config } from '../config.ts'
import { CliError, EXIT, type ExitCode, usageError } from '../exit-codes.ts'
import { type HistoryEntry, namesId, walkHistory } from '../history.ts'
import { rulesOf } from '../modules.ts'
import { didYouMean } from '../nearest.ts'
import { ask, startCapture } from '../outcome-capture.ts'
import { accountOf, reservationOf } from '../outcome-view.ts'
import { formatTime, grouped, note, print, printJson } from '../output.ts'
import { startSpellings } from '../record-json.ts'
import { watchReplay } from '../watched-replay.ts'
import { noteBeginning, noteEnd } from './replay.ts'

/** What is looked at, and how it is shown. */
export interface InspectOptions {
  /** `account`, `reservation` or `journal`. */
  readonly what: string
  readonly id: string | undefined
  /** journal: sequence of the first record. */
  readonly from: number
  /** Most records to show; for an account and a reservation the latest ones. */
  readonly limit: number | undefined
  readonly json: boolean
}

/** Records shown with an account or reservation where no limit is given. */
const HISTORY_LIMIT = 20

const SUBJECTS = ['account', 'reservation', 'journal']

/** Prints what was asked for; 1 where there is no such account or reservation. */
export async function inspect(config: Config, options: InspectOptions): Promise<ExitCode> {
  const { dataDir } = config
  const modules = await rulesOf(config)
  const { what, id } = options
  if (!SUBJECTS.includes(what)) {
    throw usageError(
      `${what} cannot be inspected${didYouMean(what, SUBJECTS)} (${SUBJECTS.join(', ')})`,
    )
  }
  if (what === 'journal') {
    if (id !== undefined) throw usageError('inspect journal takes no id: name --from SEQUENCE')
    return inspectJournal(dataDir, modules, options)
  }
  if (id === undefined) throw usageError(`inspect ${what} wants an id`)
  const fault = idFaultWords(id)
  if (fault !== undefined) throw usageError(`inspect ${what}: the id ${fault}`)
  const kind = what === 'account' ? KIND.queryAccount : KIND.queryReservation
  return inspectOne(dataDir, modules, kind, { ...options, id })
}

function inspectJournal(
  dataDir: string,
  modules: readonly Module[],
  options: InspectOptions,
): ExitCode {
  const { from, limit = Infinity, json } = options
  const capture = startCapture()
  const show = (entry: HistoryEntry) => (json ? printJson(entry) : print(lineOf(entry)))
  const isWanted = (_: Words, __: number, sequence: number) =>
    sequence >= from && sequence < from + limit
  const walk = walkHistory(capture, startSpellings(), isWanted, show)
  const last = from + limit - 1
  const replayed = watchReplay(dataDir, modules, last, capture.sink, walk.onFrame)
  walk.end()
  noteBeginning(replayed.snapshot)
  noteEnd(replayed)
  return EXIT.fine
}

function inspectOne(
  dataDir: string,
  modules: readonly Module[],
  kind: typeof KIND.queryAccount | typeof KIND.queryReservation,
  options: InspectOptions & { readonly id: string },
): ExitCode {
  const { what, id, limit = HISTORY_LIMIT, json } = options
  const bytes = idFromText(id)
  const capture = startCapture()
  const history: HistoryEntry[] = []
  let records = 0
  const walk = walkHistory(capture, startSpellings(), namesId(bytes), (entry) => {
    records++
    history.push(entry)
    if (history.length > limit) history.shift()
  })
  const replayed = watchReplay(dataDir, modules, Infinity, capture.sink, walk.onFrame)
  walk.end()
  const words = ask(replayed.engine, capture, kind, bytes)
  noteBeginning(replayed.snapshot)
  noteEnd(replayed)
  if (words.u16[OUTCOME.status >>> 1] !== STATUS.ok) {
    throw new CliError(EXIT.failed, `there is no ${what} ${id} as of the journal's end`)
  }
  const { names } = replayed
  const isAccount = kind === KIND.queryAccount
  const resource = isAccount ? accountOf(words, names) : reservationOf(words, names, id)
  const { sequence, timeMs } = replayed.engine
  const asOf = { sequence, time: formatTime(timeMs) }
  if (json) {
    printJson({ ...resource, asOf, records, history })
    return EXIT.fine
  }
  for (const [name, value] of Object.entries({ ...resource, asOf: asOf.sequence })) {
    print(`${name.padEnd(15)}${shown(value)}`)
  }
  print(`\n${history.map(lineOf).join('\n')}`)
  if (records > history.length) {
    note(`the latest ${grouped(history.length)} of ${grouped(records)} records; see --limit`)
  }
  return EXIT.fine
}

function shown(value: unknown): string {
  if (typeof value === 'number') return grouped(value)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** One record on one line: sequence, time, kind, what came of it, and its other fields. */
function lineOf(entry: HistoryEntry): string {
  const { sequence, time, kind, code, moved, void: isVoid, ...fields } = entry
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${shownField(value)}`)
  const outcome = isVoid ? 'void' : code === undefined ? '' : `${code} ${moved}`
  const head = [String(sequence).padStart(9), String(time), kind.padEnd(16), outcome.padEnd(24)]
  return [...head, ...facts].join(' ').trimEnd()
}

function shownField(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
