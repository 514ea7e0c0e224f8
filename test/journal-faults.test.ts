// The journal on a disk that fails and in a machine that loses power: what was acknowledged is
// there afterwards, and after an error nothing is acknowledged any more.

import t, { type Test } from 'tap'
import {
  type Fault,
  type FaultyCall,
  FaultyStorage,
  JournalPoisoned,
  type JournalWriter,
  MemoryStorage,
} from '../journal/index.ts'
import { appendRecords, readJournal, seeded, seededBytes, startWriter } from './support/journal.ts'
import { BLOCK, READ_ONLY } from './support/small-journal.ts'

t.setTimeout(180_000)

const CALLS = ['write', 'sync', 'create', 'rename', 'syncDirectory'] as const

/** What a test knows must be in a journal, and what may be. */
interface Promised {
  /** Sequence of the last record that was acknowledged. */
  acknowledged: number
  /** Records that were in flight when it stopped: there all together, or not at all. */
  inFlight: number
}

/** Takes what a recovery found as the new truth; false where it breaks the promise. */
function keeps(promised: Promised, sequence: number): boolean {
  const { acknowledged, inFlight } = promised
  const isKept = sequence === acknowledged || sequence === acknowledged + inFlight
  promised.acknowledged = sequence
  promised.inFlight = 0
  return isKept
}

/** Appends until `frames` are written or an error says stop; gives back the error. */
function appendSome(
  writer: JournalWriter,
  promised: Promised,
  frames: number,
  random: () => number,
): unknown {
  for (let i = 0; i < frames; i++) {
    const isSeal = random() < 0.15
    const count = isSeal ? 0 : 1 + Math.floor(random() * 200)
    try {
      if (isSeal) writer.seal({ shutdown: false })
      else appendRecords(writer, count)
    } catch (error) {
      promised.inFlight = count
      return error
    }
    promised.acknowledged += count
  }
  return undefined
}

/** A fault of any kind at a random call, mostly of the two that every frame makes. */
function randomFault(random: () => number, nthMax: number): Fault {
  const isOfFrame = random() < 0.7
  const call = CALLS[Math.floor(random() * (isOfFrame ? 2 : CALLS.length))] as FaultyCall
  const code = (['EIO', 'ENOSPC', 'EROFS', 'EFBIG'] as const)[Math.floor(random() * 4)]
  const bytes = Math.floor(random() * 3 * BLOCK)
  const nth = 1 + Math.floor(random() * nthMax)
  return code === undefined ? { call, nth, bytes } : { call, nth, code, bytes }
}

/** The power fails, with any of the unsynced sectors and names kept; or the process dies alone. */
function stop(storage: MemoryStorage, random: () => number): void {
  if (random() < 0.2) return
  const share = [0, 0.5, 0.9, 1][Math.floor(random() * 4)] as number
  storage.crash(() => random() < share, Math.floor(random() * (storage.unsyncedNames + 1)))
}

/** Nothing is written or synced any more, whatever is asked. */
function isDead(t: Test, writer: JournalWriter, storage: FaultyStorage): void {
  const before = JSON.stringify(storage.calls)
  t.ok(writer.poisoned instanceof JournalPoisoned)
  t.throws(() => appendRecords(writer, 1), JournalPoisoned)
  t.throws(() => writer.seal({ shutdown: true }), JournalPoisoned)
  t.equal(JSON.stringify(storage.calls), before, 'no call reached the disk')
}

t.test('fifty times crash, recover, append: from forty seeds', async (t) => {
  let torn = 0
  let errors = 0
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed)
    const storage = new MemoryStorage()
    const promised = { acknowledged: 0, inFlight: 0 }
    for (let life = 1; life <= 50; life++) {
      const disk = new FaultyStorage(storage)
      if (random() < 0.25) disk.plan([randomFault(random, 12)])
      const ids = { random: seededBytes(random), segmentBytes: 8 * BLOCK }
      try {
        const { writer, found } = startWriter(disk, ids)
        if (found.end.torn !== undefined) torn++
        if (!keeps(promised, found.end.sequence)) {
          t.fail(`seed ${seed}, life ${life}: ${found.end.sequence} is there`)
        }
        disk.plan(random() < 0.7 ? [randomFault(random, 12)] : [])
        if (appendSome(writer, promised, 1 + Math.floor(random() * 12), random)) errors++
        else if (random() < 0.2) writer.seal({ shutdown: true })
      } catch (error) {
        // A start that met its fault: the journal is as it was, or its tail is settled already.
        const { code } = error as NodeJS.ErrnoException
        if (code === undefined && !(error instanceof JournalPoisoned)) throw error
      }
      stop(storage, random)
    }
    const { end } = readJournal(storage, READ_ONLY)
    t.ok(keeps(promised, end.sequence), `seed ${seed} ends with sequence ${end.sequence}`)
  }
  t.ok(torn > 100, `${torn} torn tails`)
  t.ok(errors > 500, `${errors} lives that ended with an error`)
})

t.test('every call of a run fails once', async (t) => {
  const frames = 14
  const clean = new FaultyStorage(new MemoryStorage())
  const open = (disk: FaultyStorage) => startWriter(disk, { segmentBytes: 5 * BLOCK })
  appendSome(open(clean).writer, { acknowledged: 0, inFlight: 0 }, frames, seeded(5))
  let runs = 0
  for (const call of CALLS) {
    for (let nth = 1; nth <= clean.calls[call]; nth++) {
      for (const bytes of call === 'write' ? [0, 1, 700, BLOCK] : [0]) {
        const random = seeded(5)
        const inner = new MemoryStorage()
        const disk = new FaultyStorage(inner, [{ call, nth, code: 'EIO', bytes }])
        const promised = { acknowledged: 0, inFlight: 0 }
        try {
          const { writer } = open(disk)
          const error = appendSome(writer, promised, frames, random)
          t.ok(error instanceof JournalPoisoned, `${call} ${nth} fails the append`)
          isDead(t, writer, disk)
        } catch (error) {
          t.match(error, { code: 'EIO' }, `${call} ${nth} fails the start`)
        }
        inner.crash(() => random() < 0.5, Math.floor(random() * (inner.unsyncedNames + 1)))
        const { writer, found } = open(new FaultyStorage(inner))
        t.ok(keeps(promised, found.end.sequence), `what was acknowledged is there`)
        appendRecords(writer, 3)
        t.equal(readJournal(inner, READ_ONLY).end.sequence, promised.acknowledged + 3)
        runs++
      }
    }
  }
  t.ok(runs > 80, `${runs} runs`)
})

t.test('a sync that fails is never asked again, though it would say OK', async (t) => {
  const inner = new MemoryStorage()
  const disk = new FaultyStorage(inner)
  const { writer } = startWriter(disk)
  appendRecords(writer, 2)
  disk.plan([{ call: 'sync', nth: 1, code: 'EIO' }])
  t.throws(() => appendRecords(writer, 3), { name: 'JournalPoisoned', message: /EIO/ })
  t.equal(writer.sequence, 2)
  t.equal(disk.calls.sync, 1)
  isDead(t, writer, disk)
  t.equal(disk.calls.sync, 1)

  t.test('and a start writes again what only the page cache may have', async (t) => {
    const { found } = startWriter(inner)
    t.equal(found.end.sequence, 5, 'the frame is read, though nothing of it is on the media')
    inner.crash(() => false)
    t.equal(readJournal(inner, READ_ONLY).end.sequence, 5, 'it is on the media now')
  })
})

t.test('the last frame is written again after an unclean end, and only then', async (t) => {
  const disk = new FaultyStorage(new MemoryStorage())
  const first = startWriter(disk).writer
  appendRecords(first, 2)
  disk.plan([])
  startWriter(disk).writer.seal({ shutdown: true })
  t.same([disk.calls.write, disk.calls.sync], [2, 2], 'the frame, then the seal')
  disk.plan([])
  startWriter(disk)
  t.same([disk.calls.write, disk.calls.sync], [0, 0])
})

t.test('short writes are completed', async (t) => {
  const inner = new MemoryStorage()
  const disk = new FaultyStorage(inner)
  const { writer } = startWriter(disk)
  disk.plan(
    Array.from({ length: 30 }, (_, i) => ({
      call: 'write' as const,
      nth: i + 1,
      bytes: 1_000 + i,
    })),
  )
  appendRecords(writer, 300)
  t.equal(disk.calls.write, 17)
  t.equal(disk.calls.sync, 1)
  inner.crash(() => false)
  t.equal(readJournal(inner, READ_ONLY).end.sequence, 300)
})

t.test('a start that dies at any of its calls can be started again', async (t) => {
  const tornJournal = () => {
    const inner = new MemoryStorage()
    const disk = new FaultyStorage(inner)
    const { writer } = startWriter(disk)
    appendRecords(writer, 50)
    disk.plan([{ call: 'write', nth: 1, code: 'EIO', bytes: 5_000 }])
    t.throws(() => appendRecords(writer, 300), JournalPoisoned)
    inner.createTemporary('next.preparing').close()
    return inner
  }
  const clean = new FaultyStorage(tornJournal())
  t.equal(startWriter(clean).found.end.torn?.bytes, 2 * BLOCK)
  for (const call of ['write', 'sync', 'create', 'rename', 'syncDirectory'] as const) {
    for (let nth = 1; nth <= clean.calls[call]; nth++) {
      const inner = tornJournal()
      const random = seeded(nth)
      t.throws(() => startWriter(new FaultyStorage(inner, [{ call, nth, code: 'EIO' }])), 'EIO')
      inner.crash(() => random() < 0.5, nth % 2)
      const { writer, found } = startWriter(inner)
      t.equal(found.end.sequence, 50)
      t.notOk(inner.names().includes('next.preparing'), 'leftovers are gone')
      appendRecords(writer, 1)
      t.same(readJournal(inner, READ_ONLY).end.torn, undefined)
    }
  }
})
