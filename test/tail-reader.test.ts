// Reading a journal from within: behind a point that a snapshot kept, and behind the back of a writer
// that goes on, dies, or loses power. What a reader from the start makes of a journal is
// journal.test.ts's.

import t, { type Test } from 'tap'
import {
  holdingSegment,
  JoinedStorage,
  JournalDamage,
  JournalMoved,
  JournalReader,
  JournalWriter,
  type LogPoint,
  logOf,
  MemoryStorage,
  recordsBehind,
  scanHeaders,
  segmentName,
  segmentNames,
  TailReader,
} from '../journal/index.ts'
import { allocateWords, FRAME, FRAME_BYTES_MAX, readI64 } from '../protocol/index.ts'
import { hookedStorage } from './support/hooked-storage.ts'
import {
  appendRecords,
  drain,
  readJournal,
  seeded,
  seededBytes,
  startWriter,
} from './support/journal.ts'
import { BLOCK, edit, FIRST, READ_ONLY } from './support/small-journal.ts'

const words = allocateWords(FRAME_BYTES_MAX)
const target = { words, claim: () => 0 }

/** A journal of `frames` frames over many segments, with a seal now and then, and its points. */
function manySegments(frames = 60): { storage: MemoryStorage; points: LogPoint[] } {
  const storage = new MemoryStorage()
  const { writer } = startWriter(storage, { segmentBytes: 6 * BLOCK })
  for (let i = 0; i < frames; i++) {
    appendRecords(writer, 1 + ((i * 37) % 200))
    if (i % 7 === 3) writer.seal({ shutdown: false })
  }
  writer.seal({ shutdown: true })
  writer.close()
  const points: LogPoint[] = []
  const tail = new TailReader(storage)
  while (tail.next(target) > 0) points.push(tail.point as LogPoint)
  tail.close()
  return { storage, points }
}

/** The storage without its first `count` segments. */
function without(storage: MemoryStorage, count: number): MemoryStorage {
  for (const name of segmentNames(storage).slice(0, count)) storage.remove(name)
  return storage
}

function damageFrom(storage: MemoryStorage, from: LogPoint): JournalDamage {
  try {
    readJournal(storage, { ...READ_ONLY, from })
  } catch (error) {
    if (error instanceof JournalDamage) return error
    throw error
  }
  throw new Error('the damage was not found')
}

t.test(
  'a reader from any point gives what comes after it, without the segments before',
  async (t) => {
    const { storage, points } = manySegments()
    const all = readJournal(storage, READ_ONLY)
    t.equal(points.length, 60)
    t.ok(segmentNames(storage).length > 12)
    for (const point of points) {
      const holding = holdingSegment(storage, point.sequence) as string
      const rest = manySegments().storage
      // The same bytes in a storage that lacks everything before.
      for (const name of segmentNames(rest)) {
        if (name < holding) rest.remove(name)
        else rest.damage(name, () => storage.contents(name))
      }
      const wanted = all.frames.filter(({ first }) => first > point.sequence)
      const { frames, end } = readJournal(rest, { ...READ_ONLY, from: point })
      t.same(frames, wanted, `after ${point.sequence}`)
      t.equal(end.sequence, all.end.sequence)
      t.equal(end.frames, wanted.length)
      const { sequence, timeMs, bytes, records, frames: count, shutdown } = end
      const totals = scanHeaders(rest, undefined, point)
      t.same(totals, { sequence, timeMs, bytes, records, frames: count, shutdown })
    }
    t.same(logOf(storage), points[0]?.log)
  },
)

t.test('a writer goes on where a reader from a point came to', async (t) => {
  const { storage, points } = manySegments()
  const from = points.at(-1) as LogPoint
  without(storage, 3)
  const reader = new JournalReader(storage, { mode: 'recover', quarantine: storage, from })
  t.same(
    drain(reader).map(({ count }) => count),
    [0, 0],
    'the seals behind it alone',
  )
  const options = { boot: new Uint8Array(16), segmentBytes: 6 * BLOCK }
  const writer = new JournalWriter(storage, reader.end, options)
  t.equal(appendRecords(writer, 3), BLOCK)
  writer.close()
  const { end } = readJournal(storage, { ...READ_ONLY, from })
  t.equal(end.sequence, from.sequence + 3)
  t.equal(end.timeMs, from.timeMs + 1)
})

t.test('a journal that does not hold the point is damaged', async (t) => {
  const { storage, points } = manySegments()
  const middle = points[30] as LogPoint
  const other = { ...middle, chain: Uint8Array.from(middle.chain, (byte) => byte ^ 1) }
  t.match(damageFrom(storage, other).message, /of a journal that had another frame here/)
  const within = { ...middle, sequence: middle.sequence - 1 }
  t.match(damageFrom(storage, within).message, /where no frame of the journal ends/)
  const foreign = { ...middle, log: new Uint8Array(16) }
  t.match(damageFrom(storage, foreign).message, /another log/)
  const last = points.at(-1) as LogPoint
  const later = { ...last, sequence: last.sequence + 1 }
  const early = damageFrom(storage, later)
  t.match(early.message, /ends after sequence \d+, and a snapshot was made after sequence/)
  t.equal(early.file, segmentNames(storage).at(-1))

  const first = points[0] as LogPoint
  const gone = damageFrom(without(storage, 1), first)
  t.match(gone.message, /segment that holds it is missing.*archive\//)
  t.throws(() => readJournal(storage, READ_ONLY), /segments before it are missing.*archive\//)
  t.throws(() => new TailReader(storage).next(target), /segments before it are missing/)
  t.match(damageFrom(new MemoryStorage(), first).message, /there is no segment at all/)
})

t.test('a torn frame behind the point is cut off, the one before it is not', async (t) => {
  const storage = new MemoryStorage()
  const { writer } = startWriter(storage)
  for (let i = 0; i < 3; i++) appendRecords(writer, 3)
  writer.close()
  const tail = new TailReader(storage)
  while (tail.next(target) > 0);
  const point = tail.point as LogPoint
  t.equal(point.sequence, 6, 'the last frame is not certain')
  edit(storage, FIRST, (bytes) => bytes.fill(1, 3 * BLOCK + 300, 3 * BLOCK + 350))
  t.equal(readJournal(storage, { ...READ_ONLY, from: point }).end.torn?.offset, 3 * BLOCK)
  edit(storage, FIRST, (bytes) => bytes.fill(0, 2 * BLOCK + 64, 4 * BLOCK))
  t.match(damageFrom(storage, point).message, /ends after sequence 3, and a snapshot/)
})

/** A tail that is read to its end whenever the writer has done anything. */
function watched(storage: MemoryStorage, segmentBytes: number) {
  const seen = { sequence: 0, frames: 0, looks: 0 }
  let writer: JournalWriter | undefined
  const tail = new TailReader(storage)
  const look = (step: string): void => {
    seen.looks++
    while (tail.next(target) > 0) {
      const first = readI64(words, FRAME.firstSequence)
      if (first !== seen.sequence + 1) throw new Error(`${first} after ${seen.sequence}`)
      seen.sequence = first + (words.u32[FRAME.count >>> 2] as number) - 1
      seen.frames++
    }
    const durable = writer?.sequence ?? 0
    if (seen.sequence > durable) throw new Error(`${seen.sequence} of ${durable}, ${step}`)
  }
  const hooked = hookedStorage(storage, look)
  const reader = new JournalReader(hooked, { mode: 'recover', quarantine: storage })
  while (reader.next(target) > 0);
  writer = new JournalWriter(hooked, reader.end, { boot: new Uint8Array(16), segmentBytes })
  return { writer, tail, seen, look }
}

t.test('a tail gives nothing that was not synced, and all that was', async (t) => {
  for (const segmentBytes of [4 * BLOCK, 64 * BLOCK, 256 * BLOCK]) {
    const { writer, seen, look, tail } = watched(new MemoryStorage(), segmentBytes)
    for (let i = 0; i < 150; i++) {
      const before = writer.sequence
      appendRecords(writer, 1 + ((i * 53) % 160))
      look('after a frame')
      t.ok(seen.sequence >= before, 'all but the last frame')
      if (i % 11 !== 0) continue
      writer.seal({ shutdown: false })
      look('after a seal')
      t.equal(seen.sequence, writer.sequence, 'a seal makes the last one certain')
    }
    t.ok(seen.looks > 600, `${seen.looks} looks, ${seen.frames} frames`)
    tail.close()
    writer.close()
  }
})

t.test('a tail stays when the writer dies within a frame and another goes on', async (t) => {
  const random = seeded(4)
  for (let round = 0; round < 60; round++) {
    const storage = new MemoryStorage()
    const tail = new TailReader(storage)
    t.equal(tail.next(target), 0, 'there is no journal yet')
    let given = 0
    const read = (): void => {
      while (tail.next(target) > 0) given = tail.point?.sequence ?? 0
    }
    for (let life = 0; life < 4; life++) {
      // Every so manieth step of the writer is its last; what it wrote stays in the page cache.
      let steps = 8 + Math.floor(random() * 60)
      const mortal = hookedStorage(storage, () => {
        read()
        if (steps-- === 0) throw new Error('killed')
      })
      try {
        const reader = new JournalReader(mortal, { mode: 'recover', quarantine: storage })
        while (reader.next(allocated()) > 0);
        const options = {
          boot: new Uint8Array(16),
          segmentBytes: 8 * BLOCK,
          random: seededBytes(random),
        }
        const writer = new JournalWriter(mortal, reader.end, options)
        for (;;) appendRecords(writer, 1 + Math.floor(random() * 300))
      } catch (error) {
        if (!/killed/.test(String(error))) throw error
      }
      read()
    }
    const { writer } = startWriter(storage, { segmentBytes: 8 * BLOCK })
    writer.seal({ shutdown: true })
    read()
    if (given !== writer.sequence) t.fail(`round ${round}: ${given} of ${writer.sequence}`)
    tail.close()
    writer.close()
  }
})

/** A target of its own: the tail reads into the other one in between. */
function allocated() {
  return { words: allocateWords(FRAME_BYTES_MAX), claim: () => 0 }
}

t.test('what a tail gave is there after a power cut', async (t) => {
  const random = seeded(11)
  let points = 0
  for (let round = 0; round < 120; round++) {
    const storage = new MemoryStorage()
    let tail = new TailReader(storage)
    let kept: LogPoint | undefined
    let steps = 12 + Math.floor(random() * 120)
    const mortal = hookedStorage(storage, () => {
      while (tail.next(target) > 0) kept = tail.point
      if (steps-- === 0) throw new Error('the power failed')
    })
    try {
      const { writer } = startWriter(mortal, { quarantine: storage, segmentBytes: 8 * BLOCK })
      for (;;) appendRecords(writer, 1 + Math.floor(random() * 300))
    } catch (error) {
      if (!/power/.test(String(error))) throw error
    }
    tail.close()
    storage.crash(() => random() < 0.5, Math.floor(random() * 3))
    if (kept === undefined) continue
    points++
    const from = kept
    const reader = new JournalReader(storage, { mode: 'recover', quarantine: storage, from })
    while (reader.next(target) > 0);
    tail = new TailReader(storage, from)
    while (tail.next(target) > 0);
    if ((tail.point?.sequence ?? 0) < from.sequence) t.fail('it went back')
    tail.close()
  }
  t.ok(points > 60, `${points} points survived`)
})

t.test('a tail finds damage', async (t) => {
  const cases: [what: string, harm: (bytes: Uint8Array) => void, RegExp][] = [
    [
      'a flipped bit in the middle',
      (bytes) => {
        bytes[2 * BLOCK + 200] = (bytes[2 * BLOCK + 200] as number) ^ 1
      },
      /came after it/,
    ],
    ['a frame that is zeros', (bytes) => bytes.fill(0, 2 * BLOCK, 3 * BLOCK), /came after it/],
    [
      'a frame twice',
      (bytes) => bytes.copyWithin(3 * BLOCK, 2 * BLOCK, 3 * BLOCK),
      /begins with sequence 2, and 40 is next/,
    ],
  ]
  for (const [what, harm, message] of cases) {
    const { storage } = manySegments(12)
    storage.damage(FIRST, (bytes) => bytes)
    edit(storage, FIRST, harm)
    t.throws(() => readAll(storage), message, what)
  }
  const { storage, points } = manySegments(12)
  const last = points.at(-1) as LogPoint
  const later = { ...last, sequence: last.sequence + 5 }
  t.throws(() => readAll(storage, later), /and a snapshot was made after sequence/)
})

/** Reads until nothing comes any more, a second long: some damage is looked for now and then only. */
function readAll(storage: MemoryStorage, from?: LogPoint): void {
  const tail = new TailReader(storage, from)
  const untilMs = performance.now() + 1_500
  while (performance.now() < untilMs) while (tail.next(target) > 0);
  tail.close()
}

/** `storage`, of which `count` segments are moved away right after the `nth` listing of names. */
function retiring(storage: MemoryStorage, count: number, nth: number, archive?: MemoryStorage) {
  let listings = 0
  const names = (): string[] => {
    const listed = MemoryStorage.prototype.names.call(storage)
    if (++listings === nth) {
      for (const name of listed.slice(0, count)) {
        if (archive !== undefined) copy(storage, archive, name)
        storage.remove(name)
      }
    }
    return listed
  }
  return Object.assign(Object.create(storage) as MemoryStorage, {
    names,
    open: storage.open.bind(storage),
  })
}

function copy(from: MemoryStorage, to: MemoryStorage, name: string): void {
  const file = to.createTemporary(name)
  file.write(from.contents(name), 0)
  file.close()
}

t.test('segments that a follower moves away while others read', async (t: Test) => {
  const made = (): MemoryStorage => manySegments().storage
  const { storage, points } = manySegments()
  const { end } = readJournal(storage, READ_ONLY)
  const all = segmentNames(storage).length
  t.same(logOf(retiring(storage, 5, 1)), points[0]?.log, 'the next one says it too')
  t.equal(logOf(retiring(made(), all, 1)), undefined)

  const live = { ...READ_ONLY, live: true } as const
  let moved = 0
  // The first listing finds out that there is a journal; without its start it is refused as such.
  for (let nth = 2; nth <= 2 * all; nth++) {
    const joined = () => {
      const archive = new MemoryStorage()
      return new JoinedStorage(retiring(made(), 5, nth, archive), archive)
    }
    t.equal(readJournal(joined(), live).end.sequence, end.sequence, 'to the archive')
    t.equal(scanHeaders(joined()).sequence, end.sequence)
    const read = (): unknown => readJournal(retiring(made(), 5, nth), live).end.sequence
    try {
      t.equal(read(), end.sequence)
    } catch (error) {
      moved++
      t.type(error, JournalMoved, `listing ${nth}: ${error}`)
    }
  }
  t.ok(moved >= 5, `${moved} readers came too late for what was dropped`)
})

t.test('the archive and the journal are one to a reader', async (t: Test) => {
  const { storage, points } = manySegments()
  const all = readJournal(storage, READ_ONLY)
  const archive = new MemoryStorage()
  const joined = new JoinedStorage(storage, archive)
  for (const name of segmentNames(storage).slice(0, 5)) {
    copy(storage, archive, name)
    storage.remove(name)
  }
  t.same(readJournal(joined, READ_ONLY).frames, all.frames)
  const from = points[2] as LogPoint
  t.equal(readJournal(joined, { ...READ_ONLY, from }).end.sequence, all.end.sequence)
  t.throws(() => joined.open(segmentName(1), { write: true }), /EROFS/)
  t.throws(() => joined.createTemporary('x'), /EROFS/)
  t.throws(() => joined.rename('x', 'y'), /EROFS/)
  t.throws(() => joined.remove('x'), /EROFS/)
  t.throws(() => joined.open('none', { write: false }), /ENOENT/)
  t.ok(recordsBehind(storage, 1) > 0)
  t.equal(recordsBehind(storage, all.end.sequence), 0)
  t.equal(recordsBehind(new MemoryStorage(), 0), 0)
})
