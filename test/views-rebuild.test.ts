// The views' file over time: built anew wherever it ended, put aside where it is of no use, and kept where
// the journal's first records are gone.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { FileStorage } from '../journal/index.ts'
import { idFromText } from '../protocol/index.ts'
import { listSnapshots } from '../snapshots/index.ts'
import { stopSyncing, syncAll } from '../views/boot.ts'
import { openForReading, openForWriting, removeViews } from '../views/file.ts'
import { ViewsUnreachable, viewsNeedFrom, viewsPath } from '../views/index.ts'
import { directoriesOf, openPlainJournal, startFollower } from './support/follower.ts'
import {
  catchUp,
  compareWithReplay,
  dump,
  openAccounts,
  pageOf,
  startViews,
  withPages,
} from './support/views.ts'

t.setTimeout(120_000)

function temporary(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-views-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

t.test('built anew they are the same, however far they were and wherever they ended', async (t) => {
  const dataDir = temporary(t)
  const journal = openPlainJournal(dataDir, 266_240)
  t.teardown(() => journal.close())
  openAccounts(journal)
  journal.trade(60)
  journal.writer.seal({ shutdown: false })
  await catchUp(dataDir)
  const follower = startFollower(dataDir)
  t.teardown(() => follower.stop())
  for (let i = 0; i < 3; i++) {
    journal.trade(150)
    journal.writer.seal({ shutdown: false })
    await follower.follower.requestSnapshot()
  }
  t.ok(readdirSync(directoriesOf(dataDir).archive).length > 0, 'segments were archived')
  t.equal(listSnapshots(new FileStorage(directoriesOf(dataDir).snapshots)).length, 2)
  // Far behind both snapshots: from the first record, without storing again what is there.
  await catchUp(dataDir)
  const wanted = dump(dataDir)
  // Level with the newest snapshot: from there.
  journal.trade(20)
  journal.writer.seal({ shutdown: false })
  await catchUp(dataDir)
  const further = dump(dataDir)
  t.ok(further.length > wanted.length)
  rmSync(viewsPath(dataDir))
  t.equal(await catchUp(dataDir), journal.writer.sequence)
  t.same(dump(dataDir), further, 'deleted')
  t.match(compareWithReplay(dataDir), { different: 0, differences: [] })

  const running = startViews(dataDir)
  t.teardown(() => running.stop())
  await running.until(({ isLevel }) => isLevel)
  for (const end of ['', '-wal', '-shm']) rmSync(viewsPath(dataDir) + end, { force: true })
  journal.trade(3)
  journal.writer.seal({ shutdown: false })
  const { sequence } = journal.writer
  while (running.messages.length === 0) await running.until(() => true).then(pause)
  await running.until((status) => status.isLevel && status.sequence === sequence)
  t.match(running.messages, [/is not the file any more/])
  t.equal(await running.stop(), undefined)
  t.match(compareWithReplay(dataDir), { different: 0, differences: [] })
})

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20))
}

t.test('a file that is no use is put aside and built anew', async (t) => {
  const dataDir = temporary(t)
  const path = viewsPath(dataDir)
  const journal = openPlainJournal(dataDir)
  openAccounts(journal)
  journal.trade(100)
  journal.writer.seal({ shutdown: true })
  journal.close()
  await catchUp(dataDir)
  const wanted = dump(dataDir)
  const spoil = async (what: string, message: RegExp, spoilIt: () => void): Promise<void> => {
    spoilIt()
    const running = startViews(dataDir)
    await running.until(({ isLevel }) => isLevel)
    t.equal(await running.stop(), undefined, what)
    t.match(running.messages.join(), message, what)
    t.same(dump(dataDir), wanted, what)
  }
  const bytes = (change: (bytes: Buffer) => Buffer): void => {
    writeFileSync(path, change(readFileSync(path)))
  }
  await spoil('garbage', /is damaged .*kept as .*quarantine/, () =>
    bytes(() => Buffer.alloc(9_000, 3)),
  )
  await spoil('a cut file', /is damaged/, () => bytes((all) => all.subarray(0, 4_096 * 3 + 100)))
  await spoil('an empty page', /is damaged/, () => bytes((all) => all.fill(0, 4_096, 8_192)))
  await spoil('another program', /another program's|damaged/, () => {
    rmSync(path)
    const other = new Database(path)
    other.exec('CREATE TABLE meta (one INTEGER)')
    other.close()
  })
  const edit = (sql: string) => () => {
    const database = new Database(path)
    database.exec(sql)
    database.close()
  }
  const zeros = 'zeroblob(16)'
  await spoil('another journal', /of another journal/, edit(`UPDATE meta SET log = ${zeros}`))
  await spoil('another past', /another journal/, edit(`UPDATE meta SET chain = ${zeros}`))
  await spoil('from the future', /ahead of/, edit('UPDATE meta SET sequence = sequence + 9'))
  await spoil('an older version', /version 0/, edit('PRAGMA user_version = 0'))
  await spoil('other tables', /other tables/, edit("UPDATE meta SET shape = '[{}]'"))
  await spoil('an empty file', /^$/, () => writeFileSync(path, ''))
  t.ok(readdirSync(directoriesOf(dataDir).quarantine).length >= 6)
})

t.test('what was made void is in no view', async (t) => {
  const dataDir = temporary(t)
  const journal = openPlainJournal(dataDir)
  openAccounts(journal)
  journal.writer.seal({ shutdown: true })
  await catchUp(dataDir)
  const ids = (): string[] =>
    withPages(dataDir, (pages) => {
      const account = idFromText('acme')
      const query = { account, state: undefined, cursor: undefined, limit: 50, minSequence: 0 }
      return pageOf(pages.reservations(query)).items.map(({ id }) => id)
    })
  t.same(ids(), ['r1', 'r2', 'r3', 'r4'])
  // The configuration, two accounts, a top-up, and then r1.
  journal.append([{ type: 'void', sequence: 5 }])
  journal.writer.seal({ shutdown: true })
  journal.close()
  for (const message of [/holds sequence 5, which was made void: the views are built anew/, /^$/]) {
    const running = startViews(dataDir)
    await running.until(({ isLevel }) => isLevel)
    t.equal(await running.stop(), undefined)
    t.match(running.messages.join(), message)
    t.same(ids(), ['r2', 'r3', 'r4'])
    t.match(compareWithReplay(dataDir), { different: 0, differences: [] })
  }
})

/** Changes the file of views that nobody keeps, and lets another one have been its last boot. */
function leave(path: string, sql: string): void {
  const database = new Database(path)
  database.exec(sql)
  database.close()
}

const MALLORY = "UPDATE accounts SET name = 'mallory' WHERE name = 'acme'"
const OTHER_BOOT = "UPDATE meta SET boot = '00000000-0000-4000-8000-000000000000'"

/** What the file says of the boot it is written under. */
function bootOf(path: string): unknown {
  const database = new Database(path, { readonly: true })
  try {
    return database.prepare('SELECT boot FROM meta').pluck().get()
  } finally {
    database.close()
  }
}

t.test('what a power cut may have taken something from is built anew', async (t) => {
  const dataDir = temporary(t)
  const path = viewsPath(dataDir)
  const journal = openPlainJournal(dataDir, 266_240)
  t.teardown(() => journal.close())
  openAccounts(journal)
  journal.trade(150)
  journal.writer.seal({ shutdown: false })
  const thisBoot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const running = startViews(dataDir)
  t.teardown(() => running.stop())
  await running.until(({ isLevel }) => isLevel)
  t.equal(bootOf(path), thisBoot)
  t.equal(await running.stop(), undefined)
  t.equal(bootOf(path), null, 'closed in order')
  const wanted = dump(dataDir)
  const goOn = async (sql: string): Promise<string[]> => {
    leave(path, sql)
    const again = startViews(dataDir)
    await again.until(({ isLevel }) => isLevel)
    t.equal(await again.stop(), undefined)
    return again.messages
  }
  t.same(await goOn(MALLORY), [])
  t.match(dump(dataDir).join(), /mallory/, 'taken as it was: it had been closed in order')
  t.same(await goOn(`UPDATE meta SET boot = '${thisBoot}'`), [])
  t.same(await goOn(`UPDATE meta SET boot = '${thisBoot} ending'`), [])
  t.match(dump(dataDir).join(), /mallory/, 'taken: whoever was killed was of this boot')

  leave(path, OTHER_BOOT)
  t.equal(openForReading(path), undefined, 'nobody reads it')
  const messages = await goOn(OTHER_BOOT)
  t.match(messages, [/was not closed in order before the machine was .*built anew/])
  t.equal(messages.length, 1)
  t.same(dump(dataDir), wanted)
  t.notOk(
    existsSync(directoriesOf(dataDir).quarantine) &&
      readdirSync(directoriesOf(dataDir).quarantine).length > 0,
  )

  const primary = startViews(dataDir, undefined, 'drop')
  t.teardown(() => primary.stop())
  await primary.until(({ isLevel }) => isLevel)
  t.equal(bootOf(path), null, 'with drop it is written with syncs')
  await primary.stop()
  leave(path, `UPDATE meta SET boot = '${thisBoot}'`)
  await catchUp(dataDir, undefined, 'drop')
  t.equal(bootOf(path), null, 'what was written without is synced first')

  const further = startViews(dataDir)
  t.teardown(() => further.stop())
  await further.until(({ isLevel }) => isLevel)
  t.equal(bootOf(path), thisBoot)
  const { journal: segments } = directoriesOf(dataDir)
  rmSync(join(segments, readdirSync(segments).sort()[0] as string))
  while (bootOf(path) !== null) await further.until(() => true).then(pause)
  t.equal(await further.stop(), undefined, 'synced from when the first records are gone')
})

t.test('syncs are left out only where it is known, and known only when all is synced', (t) => {
  const path = join(temporary(t), 'views.sqlite')
  const database = openForWriting(path, [])
  t.teardown(() => database.close())
  database.pragma('busy_timeout = 10')
  const syncs = (): unknown => database.pragma('synchronous', { simple: true })
  const [OFF, FULL] = [0, 2]
  const reader = new Database(path, { readonly: true })
  t.teardown(() => reader.close())
  const whileRead = (work: () => void): void => {
    reader.exec('BEGIN')
    reader.prepare('SELECT * FROM meta').get()
    database.exec('UPDATE meta SET time_ms = time_ms + 1')
    work()
    reader.exec('COMMIT')
  }
  t.equal(syncs(), FULL)
  whileRead(() => stopSyncing(database))
  t.same([syncs(), bootOf(path)], [FULL, null], 'its log could not be copied')
  stopSyncing(database)
  t.equal(syncs(), OFF)
  t.equal(typeof bootOf(path), 'string')
  whileRead(() => t.notOk(syncAll(database)))
  t.match(bootOf(path), /^[0-9a-f-]{36} ending$/)
  t.equal(syncs(), FULL)
  t.ok(syncAll(database))
  t.same([syncs(), bootOf(path)], [FULL, null])
  t.ok(syncAll(database), 'nothing to do')
  t.end()
})

t.test('where the first records were dropped, views are kept, and not given up', async (t) => {
  const dataDir = temporary(t)
  const path = viewsPath(dataDir)
  const journal = openPlainJournal(dataDir, 266_240)
  t.teardown(() => journal.close())
  const follower = startFollower(dataDir, { archive: 'drop' })
  t.teardown(() => follower.stop())
  for (let i = 0; i < 3; i++) {
    journal.trade(150)
    journal.writer.seal({ shutdown: false })
    await catchUp(dataDir).catch(() => {})
    await follower.follower.requestSnapshot()
  }
  const before = dump(dataDir)
  journal.trade(5)
  journal.writer.seal({ shutdown: false })
  t.equal(await catchUp(dataDir), journal.writer.sequence, 'they go on from a snapshot')
  t.ok(dump(dataDir).length > before.length)
  t.match(compareWithReplay(dataDir, 'newest'), { different: 0 })
  t.equal(bootOf(path), null, 'synced, whatever becomes of segments now')

  const database = new Database(path)
  database.pragma('user_version = 99')
  database.close()
  await t.rejects(catchUp(dataDir), ViewsUnreachable)
  await t.rejects(catchUp(dataDir), { message: /version 99.*cannot be built.*dropped/ })
  t.ok(existsSync(path), 'the file stays')
  rmSync(path)
  await t.rejects(catchUp(dataDir), { message: /there are no views, and they cannot be built/ })
  t.notOk(existsSync(path))
})

t.test('what is dropped is kept until the views have it', async (t) => {
  const dataDir = temporary(t)
  const path = viewsPath(dataDir)
  const directories = directoriesOf(dataDir)
  const journal = openPlainJournal(dataDir, 266_240)
  t.teardown(() => journal.close())
  const keepFrom = (): number | undefined => viewsNeedFrom(path, directories)
  const follower = startFollower(dataDir, { archive: 'drop', keepFrom })
  t.teardown(() => follower.stop())
  const grow = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      journal.trade(150)
      journal.writer.seal({ shutdown: false })
      await follower.follower.requestSnapshot()
    }
  }
  const snapshots = (): number => listSnapshots(new FileStorage(directories.snapshots)).length
  const first = (): string | undefined => readdirSync(directories.journal).sort()[0]
  const start = first()
  await grow()
  t.equal(keepFrom(), 0, 'they are still to be built')
  t.equal(first(), start)
  t.equal(snapshots(), 2)
  const sequence = await catchUp(dataDir)
  t.equal(keepFrom(), sequence)
  await grow()
  t.not(first(), start, 'what they have may go')
  t.equal(snapshots(), 3, 'the one that they go on from stays')
  t.equal(await catchUp(dataDir), journal.writer.sequence)
  await grow()
  await catchUp(dataDir)
  t.match(compareWithReplay(dataDir, 'newest'), { different: 0 })
  await grow()
  await catchUp(dataDir)
  await follower.follower.requestSnapshot()
  removeViews(path)
  t.equal(keepFrom(), undefined, 'nothing is kept for what nobody can build')
})
