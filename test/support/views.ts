// Views of a data directory in the test's own process, and what their tables hold. For tests.

import { join } from 'node:path'
import type { Module } from '../../engine/index.ts'
import type { ArchivePolicy } from '../../follower/index.ts'
import type { ModuleView, ViewPage, ViewRefusal } from '../../protocol/index.ts'
import { replayJournal } from '../../runtime/index.ts'
import {
  checkViews,
  FileReader,
  openForReading,
  readMeta,
  type ViewPages,
  type ViewsCheck,
  ViewsRunner,
  type ViewsStatus,
  viewsPath,
} from '../../views/index.ts'
import { directoriesOf, type PlainJournal } from './follower.ts'

/** The modules that decide, and what is kept of them. */
export interface Modules {
  readonly modules: readonly Module[]
  readonly views: readonly ModuleView[]
}

const NO_MODULES: Modules = { modules: [], views: [] }

/** Views that are kept, and their end. */
export interface RunningViews {
  readonly runner: ViewsRunner
  readonly messages: string[]
  /** Resolves when they have said so of themselves; rejects where they ended before. */
  until(isSo: (status: ViewsStatus) => boolean): Promise<ViewsStatus>
  /** What `run` came to: undefined, or its error. */
  readonly ended: Promise<Error | undefined>
  stop(): Promise<Error | undefined>
}

/** A runner over `dataDir`, and what it says. */
export function viewsOf(
  dataDir: string,
  of: Modules = NO_MODULES,
  archive: ArchivePolicy = 'keep',
): { readonly runner: ViewsRunner; readonly messages: string[] } {
  const messages: string[] = []
  const runner = new ViewsRunner({
    path: viewsPath(dataDir),
    directories: directoriesOf(dataDir),
    archive,
    ...of,
    onMessage: (sentence) => messages.push(sentence),
  })
  return { runner, messages }
}

/** Keeps the views of `dataDir` until they are stopped. */
export function startViews(
  dataDir: string,
  of: Modules = NO_MODULES,
  archive: ArchivePolicy = 'keep',
): RunningViews {
  const { runner, messages } = viewsOf(dataDir, of, archive)
  const ending = new AbortController()
  let hasEnded = false
  const ended = runner.run(ending.signal).then(
    () => undefined,
    (error: Error) => error,
  )
  void ended.then(() => {
    hasEnded = true
  })
  return {
    runner,
    messages,
    ended,
    async until(isSo) {
      for (;;) {
        const status = runner.status()
        if (isSo(status)) return status
        if (hasEnded) throw new Error(`the views ended: ${await ended}`)
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    },
    stop() {
      ending.abort()
      return ended
    },
  }
}

/** Builds or goes on with the views of `dataDir` until they hold the whole journal; their sequence. */
export async function catchUp(
  dataDir: string,
  of: Modules = NO_MODULES,
  archive: ArchivePolicy = 'keep',
): Promise<number> {
  const { runner } = viewsOf(dataDir, of, archive)
  return (await runner.catchUp(new AbortController().signal)) as number
}

/** What `read` makes of the pages of `dataDir`. */
export function withPages<T>(dataDir: string, read: (pages: ViewPages) => T): T {
  const reader = new FileReader(viewsPath(dataDir))
  try {
    const pages = reader.pages()
    if (pages === undefined) throw new Error('there are no views')
    return read(pages)
  } finally {
    reader.close()
  }
}

/** Every row of every table as text, in order, but for what the file says of itself. */
export function dump(dataDir: string): string[] {
  const database = openForReading(join(dataDir, 'views.sqlite'))
  if (database === undefined) throw new Error('there are no views')
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .pluck()
      .all() as string[]
    return tables.flatMap((table) => {
      const rows = database.prepare(`SELECT * FROM "${table}"`).all() as object[]
      // The journal of this file: how it was written says nothing of its rows.
      const plain = { complete_at: 0, boot: null }
      const shown = table === 'meta' ? rows.map((row) => ({ ...row, ...plain })) : rows
      return shown.map((row) => `${table} ${JSON.stringify(row)}`)
    })
  } finally {
    database.close()
  }
}

/** A page, where one was given. */
export function pageOf<T>(answer: ViewPage<T> | ViewRefusal): ViewPage<T> {
  if ('refused' in answer) throw new Error(`no page: ${answer.refused}`)
  return answer
}

/** Appends what makes two accounts with history, a reservation of each end, and one that is held. */
export function openAccounts(journal: PlainJournal): void {
  const pair = { debit: 'acme', credit: 'bank' } as const
  journal.append([
    { type: 'open_account', id: 'bank', ledger: 1, external: true },
    { type: 'open_account', id: 'acme', ledger: 1, history: true },
    { type: 'transfer', id: 'topup', debit: 'bank', credit: 'acme', amount: 1_000 },
    { type: 'reserve', id: 'r1', ...pair, amount: 10 },
    { type: 'reserve', id: 'r2', ...pair, amount: 20, group: 'g' },
    { type: 'reserve', id: 'r3', ...pair, amount: 30, timeoutMs: 500 },
  ])
  journal.append([
    { type: 'settle', id: 's1', reservation: 'r1', amount: 4 },
    { type: 'release_group', id: 'g1', group: 'g' },
    { type: 'reserve', id: 'r4', ...pair, amount: 5, timeoutMs: 60_000 },
    { type: 'reserve', id: 'r5', ...pair, amount: 5_000 },
    { type: 'transfer', id: 't1', ...pair, amount: 7, linked: true },
    { type: 'transfer', id: 't2', ...pair, amount: 9_000 },
  ])
}

/** What a replay to the views' sequence says of them. */
export function compareWithReplay(dataDir: string, from: 'start' | 'newest' = 'start'): ViewsCheck {
  const database = openForReading(viewsPath(dataDir))
  if (database === undefined) throw new Error('there are no views')
  try {
    const { sequence } = readMeta(database)
    const { engine, names } = replayJournal({ dataDir, until: { sequence }, from })
    return checkViews(database, engine, names)
  } finally {
    database.close()
  }
}
