// Rests in the work of follower and views: whoever is level leaves the core again and again, and whoever is
// behind works on. Linux counts how often a thread slept: a few times more than it meant to, for V8's garbage.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Rests } from '../follower/index.ts'
import { Schedule } from '../follower/schedule.ts'
import { Session } from '../follower/session.ts'
import { FileStorage } from '../journal/index.ts'
import { viewsPath } from '../views/index.ts'
import { ViewsSession } from '../views/session.ts'
import { directoriesOf, openPlainJournal, type PlainJournal } from './support/follower.ts'

/** Frames of some tens of microseconds' work each: many times what a rest waits for. */
const FRAMES = 2_000

/** How often this thread has left its core by itself. */
function sleeps(): number {
  const [, count] = /^voluntary_ctxt_switches:\s*(\d+)$/m.exec(
    readFileSync('/proc/thread-self/status', 'utf8'),
  ) as RegExpExecArray
  return Number(count)
}

function sleepsIn(work: () => void): number {
  const before = sleeps()
  work()
  return sleeps() - before
}

function journalIn(t: Test): { dataDir: string; journal: PlainJournal; grow: () => void } {
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-rests-'))
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }))
  const journal = openPlainJournal(dataDir, 67_108_864)
  t.teardown(() => journal.close())
  const grow = (): void => {
    journal.trade(FRAMES)
    journal.writer.seal({ shutdown: false })
  }
  grow()
  return { dataDir, journal, grow }
}

t.test('a rest comes after a third of a millisecond, and none to who is behind', async (t) => {
  const rests = new Rests()
  const pieces = (): void => {
    for (let n = 0; n < 100; n++) {
      const untilMs = performance.now() + 0.35
      while (performance.now() < untilMs);
      rests.take()
    }
  }
  const atFirst = sleepsIn(pieces)
  rests.begin(true)
  const level = sleepsIn(pieces)
  t.ok(level >= 80, `${level} rests in 100 pieces of work`)
  rests.begin(false)
  const behind = sleepsIn(pieces)
  t.ok(atFirst < 50 && behind < 50, `${atFirst} and ${behind} of one that is behind`)
  rests.begin(true)
  const inShort = sleepsIn(() => {
    for (let n = 0; n < 100; n++) rests.take()
  })
  t.ok(inShort < 50, `${inShort} where there was no work between`)
})

t.test('a follower rests while it is level', async (t) => {
  const { dataDir, journal, grow } = journalIn(t)
  const directories = directoriesOf(dataDir)
  const session = new Session({
    storages: {
      journal: new FileStorage(directories.journal),
      archive: new FileStorage(directories.archive),
      snapshots: new FileStorage(directories.snapshots),
    },
    sinks: [],
    feed: { holdMs: 1, onDetached() {} },
    schedule: new Schedule({ everyRecords: 1e9, everyMs: 1e9 }, 0),
    onPassedOver: ({ sentence }) => t.fail(sentence),
  })
  const applyAll = (): void => {
    session.apply(Number.POSITIVE_INFINITY)
  }
  const behind = sleepsIn(applyAll)
  t.equal(session.engine.sequence, journal.writer.sequence)
  grow()
  const level = sleepsIn(applyAll)
  t.equal(session.engine.sequence, journal.writer.sequence)
  t.ok(level >= 20 && behind < level / 2, `${level} rests when level, ${behind} when behind`)
  grow()
  session.apply(performance.now() + 1)
  const late = sleepsIn(applyAll)
  t.ok(late < level / 2, `${late} where the time was up before all was applied`)
  await session.end(0)
})

t.test('views rest while they are level', async (t) => {
  const { dataDir, journal, grow } = journalIn(t)
  const session = new ViewsSession({
    path: viewsPath(dataDir),
    directories: directoriesOf(dataDir),
    archive: 'keep',
    shapes: [],
    modules: [],
    onMessage: (sentence) => t.fail(sentence),
  })
  t.teardown(() => session.close())
  const storeAll = (): void => {
    while (session.applyBatch() > 0);
  }
  const behind = sleepsIn(() => {
    session.applyBatch()
  })
  storeAll()
  grow()
  const level = sleepsIn(() => {
    session.applyBatch()
  })
  storeAll()
  t.equal(session.sequence, journal.writer.sequence)
  t.ok(level >= 20 && behind < level / 2, `${level} rests when level, ${behind} when behind`)
})
