// A snapshot that another thread reads ahead: the same state, and the same sentences where it is damaged.

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { FileStorage, MemoryStorage } from '../journal/index.ts'
import {
  type Ahead,
  allocateAhead,
  loadSnapshot,
  type ReadAheadData,
  readAhead,
  readAheadThread,
  snapshotName,
} from '../snapshots/index.ts'
import {
  addMany,
  bytesOf,
  configure,
  emptySubject,
  SMALL_RECORDS,
  STATE_CAPACITIES,
  STATE_MS,
  smallState,
  snap,
} from './support/snapshots.ts'

/** Where the chunks of a snapshot begin. */
const BLOCK = 4_096

/** A state of a dozen chunks in a directory: more than there is room for ahead. */
async function largeSnapshot(t: Test) {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-snapshots-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const capacities = { ...STATE_CAPACITIES, reservationsMax: 65_536, outcomesMax: 65_536 }
  const subject = emptySubject(capacities)
  subject.apply({ timeMs: STATE_MS, records: [configure(capacities)] })
  subject.apply({ timeMs: STATE_MS, records: SMALL_RECORDS })
  addMany(subject, 60_000)
  const storage = new FileStorage(directory)
  const info = await snap(storage, subject, { capacities })
  t.ok(info.bytes > 10 * 1_048_576)
  return { directory, storage, subject, info, capacities }
}

t.test('a snapshot that a thread reads ahead is the same state', async (t) => {
  const { directory, storage, subject, info, capacities } = await largeSnapshot(t)
  const ahead = allocateAhead(info.name)
  const workerData: ReadAheadData = { directory, ahead }
  const reader = new Worker(readAheadThread, { workerData })
  const ended = once(reader, 'exit')
  await once(reader, 'online')
  const loaded = emptySubject(capacities)
  t.same(loadSnapshot(storage, info.name, loaded.engine, { ahead }), info)
  t.ok(bytesOf(loaded).equals(bytesOf(subject)))
  t.same(await ended, [0], 'the reader ends by itself')
})

t.test('whatever becomes of the reader, the taker reads on alone', async (t) => {
  const { storage, subject, info, capacities } = await largeSnapshot(t)
  const loadAhead = (ahead: Ahead): void => {
    const loaded = emptySubject(capacities)
    t.same(loadSnapshot(storage, info.name, loaded.engine, { ahead }), info)
    t.ok(bytesOf(loaded).equals(bytesOf(subject)))
  }
  loadAhead(allocateAhead(snapshotName(1)))
  const failed = allocateAhead(info.name)
  t.throws(() => readAhead(new MemoryStorage(), failed), { code: 'ENOENT' })
  loadAhead(failed)
  loadAhead(allocateAhead(info.name))
  const small = smallState()
  const other = await snap(storage, small)
  const foreign = allocateAhead(other.name)
  readAhead(storage, foreign)
  loadAhead({ ...foreign, name: info.name })
})

t.test('damage behind chunks that were read ahead is named as ever', async (t) => {
  const { directory, storage, info, capacities } = await largeSnapshot(t)
  const file = storage.open(info.name, { write: true })
  file.write(Uint8Array.of(0xff, 0xff, 0xff), BLOCK + 5 * 1_048_576 + 4_096)
  file.close()
  const alone = t.throws(() => loadSnapshot(storage, info.name, emptySubject(capacities).engine))
  const ahead = allocateAhead(info.name)
  const workerData: ReadAheadData = { directory, ahead }
  const reader = new Worker(readAheadThread, { workerData })
  await once(reader, 'online')
  const engine = emptySubject(capacities).engine
  const found = t.throws(() => loadSnapshot(storage, info.name, engine, { ahead }))
  t.match(found, { name: 'SnapshotDamage', message: (alone as Error).message })
  await once(reader, 'exit')
})
