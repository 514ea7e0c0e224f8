// `holdfast views`: builds the views anew, or compares them with a replay of the journal.

import { resolve } from 'node:path'
import { setInterval } from 'node:timers'
import { checkJournalDirectory, DirectoryInUse, replayJournal } from '../../runtime/index.ts'
import {
  checkViews,
  openForReading,
  readMeta,
  type ViewsCheck,
  type ViewsStatus,
  viewsPath,
} from '../../views/index.ts'
import type { Config } from '../config.ts'
import { CliError, EXIT, type ExitCode } from '../exit-codes.ts'
import { rulesOf } from '../modules.ts'
import { counted, grouped, note, print, printJson } from '../output.ts'
import { showViewsProgress } from '../views-progress.ts'
import { ownViews, viewsSettings } from '../views-run.ts'

/** How often the bar moves, in ms. */
const SHOW_EVERY_MS = 200

/** How many differences are named one by one. */
const SHOWN_MAX = 20

/** Builds the views anew from the first record on, and prints what they hold then. */
export async function rebuildViews(config: Config, json: boolean): Promise<ExitCode> {
  const ending = new AbortController()
  process.on('SIGTERM', () => ending.abort())
  process.on('SIGINT', () => ending.abort())
  const startedMs = performance.now()
  const onMessage = (sentence: string): void => note(`holdfast: ${sentence}`)
  const { runner, release } = await ownViews(viewsSettings(config), onMessage).catch(keptAlready)
  const progress = showViewsProgress()
  let status: ViewsStatus | undefined
  const look = (): void => {
    status = runner.status()
    progress.show(status)
  }
  const timer = setInterval(look, SHOW_EVERY_MS)
  try {
    runner.remove()
    const sequence = await runner.catchUp(ending.signal)
    if (sequence === undefined) throw new CliError(EXIT.failed, 'interrupted: run it again')
    const seconds = Number(((performance.now() - startedMs) / 1_000).toFixed(3))
    const recordsPerSecond = Math.round(sequence / seconds)
    if (json) printJson({ sequence, seconds, recordsPerSecond })
    else print(`built up to sequence ${grouped(sequence)} in ${seconds.toFixed(2)} s`)
    return EXIT.fine
  } finally {
    clearInterval(timer)
    progress.stop()
    release()
  }
}

/** Says what to do where a server, or `holdfast follow`, keeps the views. */
function keptAlready(error: unknown): never {
  if (!(error instanceof DirectoryInUse)) throw error
  throw new CliError(
    EXIT.inUse,
    `${error.dataDir} has a process that keeps its views already. Stop the server, or its follower; ` +
      'or delete views.sqlite while it runs, and it builds them anew.',
  )
}

/** Compares every row of the views with the state that a replay comes to at their sequence. */
export async function checkViewsVerb(config: Config, json: boolean): Promise<ExitCode> {
  const dataDir = resolve(config.dataDir)
  checkJournalDirectory(dataDir)
  const path = viewsPath(dataDir)
  const database = openForReading(path)
  if (database === undefined) {
    throw new CliError(EXIT.failed, `${path} cannot be read: run holdfast views rebuild`)
  }
  try {
    // Whoever keeps the views goes on meanwhile; this connection sees them as they are now.
    database.exec('BEGIN')
    const { sequence } = readMeta(database)
    const { engine, names } = replayJournal({
      dataDir,
      modules: await rulesOf(config),
      from: 'newest',
      until: { sequence },
    })
    const check = checkViews(database, engine, names)
    if (json) printJson(check)
    else show(check)
    return check.different === 0 ? EXIT.fine : EXIT.damage
  } finally {
    database.close()
  }
}

function show({ sequence, rows, different, differences }: ViewsCheck): void {
  for (const { table, key, sentence } of differences.slice(0, SHOWN_MAX)) {
    note(`${table} ${key}: ${sentence}`)
  }
  print(`compared at sequence ${grouped(sequence)}`)
  for (const [table, count] of Object.entries(rows)) print(`${table.padEnd(24)}${grouped(count)}`)
  print(different === 0 ? 'no difference' : counted(different, 'difference'))
}
