// `holdfast inspect`: an account or a reservation with the records that made it so, or the journal's
// records one by one, each with how it was decided.

import type { Module } from '../../engine/index.ts'
import {
  idFaultWords,
  idFromText,
  KIND,
  moduleCommandNames,
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
import { accountOf, type Resource, reservationOf } from '../outcome-view.ts'
import { formatTime, grouped, note, print, printJson } from '../output.ts'
import { startSpellings } from '../record-json.ts'
import { shownField, startRecordLines } from '../record-lines.ts'
import { watchReplay } from '../watched-replay.ts'
import { noteBeginning, noteBeyond, noteEnd } from './replay.ts'

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

/** What the records that are shown are, by what is looked at. */
const RECORDS = {
  account:
    'records that name this account; what modules did to it is not among them, ' +
    'see its history in views:',
  reservation:
    'records that name this reservation or its group; what modules did to it is not among them:',
} as const

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
  const lines = startRecordLines(print)
  const show = (entry: HistoryEntry) => (json ? printJson(entry) : lines.add(entry))
  const isWanted = (_: Words, __: number, sequence: number) =>
    sequence >= from && sequence < from + limit
  const names = moduleCommandNames(modules)
  const walk = walkHistory(capture, startSpellings(), names, isWanted, show)
  const last = from + limit - 1
  const replayed = watchReplay(dataDir, modules, last, capture.sink, walk.onFrame)
  walk.end()
  lines.end()
  noteBeginning(replayed.snapshot)
  noteEnd(replayed)
  noteBeyond(from, replayed.engine.sequence)
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
  const records: HistoryEntry[] = []
  let recordCount = 0
  const commandNames = moduleCommandNames(modules)
  const walk = walkHistory(capture, startSpellings(), commandNames, namesId(bytes), (entry) => {
    recordCount++
    records.push(entry)
    if (records.length > limit) records.shift()
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
    printJson({ ...resource, asOf, recordCount, records })
    return EXIT.fine
  }
  printResource({ ...resource, asOf: sequence })
  print(`\n${RECORDS[isAccount ? 'account' : 'reservation']}`)
  const lines = startRecordLines(print)
  for (const record of records) lines.add(record)
  lines.end()
  if (recordCount === 0) print('none')
  if (recordCount > records.length) {
    note(`the latest ${grouped(records.length)} of ${grouped(recordCount)} records; see --limit`)
  }
  return EXIT.fine
}

/** The members that say more than that something is not so. */
function printResource(resource: Resource): void {
  const members = Object.entries(resource).filter(([, value]) => value !== false && value !== null)
  const width = Math.max(...members.map(([name]) => name.length))
  for (const [name, value] of members) {
    const text = typeof value === 'number' ? grouped(value) : shownField(value)
    print(`${name.padEnd(width)}  ${text}`)
  }
}
