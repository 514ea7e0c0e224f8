// Segments that are filled ahead: in this thread with a disk that fails, and in a thread of its own
// on a real one.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import {
  allocatePreparerControl,
  FaultyStorage,
  FileStorage,
  isStorageLow,
  MemoryStorage,
  PreparedSegments,
  type PreparerData,
  preparerStats,
  preparerThread,
  runPreparer,
  type Storage,
  segmentName,
  segmentNames,
  stopPreparer,
} from '../journal/index.ts'
import { appendRecords, readJournal, startWriter } from './support/journal.ts'
import { BLOCK, READ_ONLY } from './support/small-journal.ts'

/** A storage that tells of every rename, for a test that has to act on one. */
function watched(inner: Storage, onRename: (to: string) => void): Storage {
  return {
    names: () => inner.names(),
    open: (name, how) => inner.open(name, how),
    createTemporary: (name) => inner.createTemporary(name),
    rename: (from, to) => {
      inner.rename(from, to)
      onRename(to)
    },
    remove: (name) => inner.remove(name),
    syncDirectory: () => inner.syncDirectory(),
  }
}

t.test('a prepared segment is taken by the writer', async (t) => {
  const storage = new MemoryStorage()
  const control = allocatePreparerControl()
  const segments = new PreparedSegments(control)
  t.equal(segments.take(), undefined)
  const { writer } = startWriter(storage, { segmentBytes: 4 * BLOCK, segments })
  const disk = watched(storage, () => stopPreparer(control))
  runPreparer(disk, control, 4 * BLOCK)
  t.same(preparerStats(control), { prepared: 1, errno: 0 })
  t.same(storage.names(), [segmentName(1), 'next.prepared'])
  for (let i = 0; i < 4; i++) appendRecords(writer, 3)
  t.same(segmentNames(storage), [segmentName(1), segmentName(10)])
  t.notOk(storage.names().includes('next.prepared'))
  t.equal(writer.stats.segmentsFilledLate, 0)
  for (let i = 0; i < 3; i++) appendRecords(writer, 3)
  t.equal(writer.stats.segmentsFilledLate, 1, 'without one the writer fills its own')
  t.equal(readJournal(storage, READ_ONLY).end.sequence, 21)
  t.equal(writer.stats.segments, 3)
})

t.test('a preparer without room says so, waits, and says when there is room', async (t) => {
  const low: boolean[] = []
  const inner = new MemoryStorage()
  const control = allocatePreparerControl()
  new PreparedSegments(control).progress(0)
  const disk = new FaultyStorage(inner, [
    { call: 'write', nth: 1, code: 'ENOSPC', bytes: 100 },
    { call: 'sync', nth: 1, code: 'EIO' },
  ])
  const spying = watched(disk, () => stopPreparer(control))
  const { createTemporary } = spying
  spying.createTemporary = (name) => {
    low.push(isStorageLow(control))
    return createTemporary(name)
  }
  const startedAt = performance.now()
  runPreparer(spying, control, 4 * BLOCK)
  t.ok(performance.now() - startedAt > 1_900, 'it waited a second after each error')
  t.same(low, [false, true], 'no room keeps the file, a sync that failed begins another')
  t.equal(isStorageLow(control), false)
  t.same(preparerStats(control), { prepared: 1, errno: 0 })
  t.same(inner.names(), ['next.prepared'])
  t.ok(inner.contents('next.prepared').every((byte) => byte === 0))
  t.equal(inner.contents('next.prepared').length, 4 * BLOCK)
})

t.test('on a real disk, with the preparer in its thread', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-journal-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const segmentBytes = 2_097_152
  const control = allocatePreparerControl()
  const data: PreparerData = { directory, segmentBytes, control }
  const storage = new FileStorage(directory)
  const segments = new PreparedSegments(control)
  const { writer } = startWriter(storage, { segmentBytes, segments })
  const worker = new Worker(preparerThread, { workerData: data })
  const ended = new Promise((resolve) => worker.once('exit', resolve))
  for (let segment = 1; segment <= 3; segment++) {
    for (const until = Date.now() + 20_000; preparerStats(control).prepared < segment; ) {
      if (Date.now() > until) throw new Error('no segment was prepared')
      await delay(1)
    }
    while (writer.stats.segments === segment) appendRecords(writer, 5_000)
  }
  t.equal(writer.stats.segmentsFilledLate, 0)
  writer.seal({ shutdown: true })
  writer.close()
  stopPreparer(control)
  t.equal(await ended, 0)
  t.notOk(storage.names().includes('next.preparing'), 'what it was filling is gone')
  const { end } = readJournal(storage, READ_ONLY)
  t.equal(end.sequence, writer.sequence)
  t.equal(end.shutdown, true)
  t.equal(segmentNames(storage).length, 4)
  const { syncs, frames, syncUs } = writer.stats
  t.ok(syncs === frames && syncUs > 0 && writer.syncTimes.count === syncs)
})
