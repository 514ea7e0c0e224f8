// Events that a view has more of than a page holds: page after page, each of them once.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import {
  AccountNames,
  allocateAccountNames,
  type EventPlace,
  VIEW_PAGE_MAX,
} from '../protocol/index.ts'
import { openForWriting, readMeta } from '../views/file.ts'
import { ViewPages } from '../views/index.ts'
import { ViewsWriter } from '../views/writer.ts'
import { LOG } from './support/fed-views.ts'
import { moduleFrame } from './support/module-frames.ts'

t.test('events of one command beyond a page, and of the next one', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-views-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const database = openForWriting(join(directory, 'views.sqlite'), [])
  t.teardown(() => database.close())
  const meta = readMeta(database)
  const writer = new ViewsWriter(database, meta, { log: LOG, modules: [] })
  const names = new AccountNames(allocateAccountNames(8, 64))
  const wanted: string[] = []
  for (const [sequence, count] of [
    [1, VIEW_PAGE_MAX],
    [2, 0],
    [3, 2 * VIEW_PAGE_MAX + 50],
    [4, 50],
    [5, 0],
  ] as const) {
    writer.add(moduleFrame(sequence, [], Array(count).fill(['call.expired', {}])), names)
    for (let index = 0; index < count; index++) wanted.push(`${sequence}.${index}`)
  }
  writer.store()
  const pages = new ViewPages(database, meta)
  for (const limit of [1_000, VIEW_PAGE_MAX, 7]) {
    const seen: string[] = []
    let from: EventPlace = { sequence: 0, index: 0 }
    for (let hasMore = true; hasMore; ) {
      const page = pages.events({ from, limit })
      if ('refused' in page) throw new Error(page.refused)
      t.ok(page.events.length <= Math.min(limit, VIEW_PAGE_MAX))
      seen.push(...page.events.map(({ sequence, index }) => `${sequence}.${index}`))
      ;({ hasMore, next: from } = page)
    }
    t.same(seen, wanted, `pages of ${limit}: each once, in order`)
    t.same(from, { sequence: 6, index: 0 }, 'behind all that was applied')
  }
})
