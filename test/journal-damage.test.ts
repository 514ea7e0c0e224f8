// What is not as it was written is found: every single bit of a small journal, every length it can
// be cut to, and frames and segments that are whole but not in their place.

import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import {
  JournalVersionError,
  MemoryStorage,
  scanHeaders,
  segmentName,
  segmentNames,
} from '../journal/index.ts'
import {
  FRAME,
  FRAME_BYTES_MAX,
  SEGMENT,
  type Words,
  wordsOver,
  writeI64,
} from '../protocol/index.ts'
import { appendRecords, readJournal, startWriter } from './support/journal.ts'
import {
  BLOCK,
  damageOf,
  edit,
  FIRST,
  LIVE,
  reseal,
  setU32,
  smallJournal,
  verdict,
} from './support/small-journal.ts'

// Hundreds of thousands of readings: some seconds on a machine that is free, more on one that is not.
t.setTimeout(180_000)

/** Flips every bit of the blocks from `from` to `to` and asks what was made of it. */
function flipAll(
  t: Test,
  storage: MemoryStorage,
  name: string,
  from: number,
  to: number,
  wanted: (offset: number) => object,
): number {
  let flips = 0
  let bytes = new Uint8Array(0)
  storage.damage(name, (seen) => {
    bytes = seen.slice()
    return bytes
  })
  // Nobody looks at the stacks of these errors, and they would take as long as the reading.
  const stackTraceLimit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  for (let offset = from; offset < to; offset++) {
    const expected = JSON.stringify(wanted(offset))
    for (let bit = 0; bit < 8; bit++) {
      bytes[offset] = (bytes[offset] as number) ^ (1 << bit)
      const got = JSON.stringify(verdict(storage))
      if (got !== expected) t.fail(`bit ${bit} of byte ${offset}: ${got}, wanted ${expected}`)
      bytes[offset] = (bytes[offset] as number) ^ (1 << bit)
      flips++
    }
  }
  Error.stackTraceLimit = stackTraceLimit
  t.match(verdict(storage), { torn: undefined }, 'all bits are back')
  return flips
}

t.test(
  'every flipped bit is found in a journal of four frames that was not shut down',
  async (t) => {
    const storage = smallJournal(4, 'open', 6 * BLOCK)
    const flips = flipAll(t, storage, FIRST, 0, 6 * BLOCK, (offset) => {
      const block = Math.floor(offset / BLOCK)
      if (block === 0) return { file: FIRST, offset: 0, sequence: 1 }
      const sequence = 1 + 3 * (block - 1)
      if (block < 4) return { file: FIRST, offset: block * BLOCK, sequence }
      // Nothing proves that the last frame was synced; behind it, where nothing is yet, likewise.
      return block === 4 ? { frames: 3, torn: 4 * BLOCK } : { frames: 4, torn: 5 * BLOCK }
    })
    t.equal(flips, 6 * BLOCK * 8)
  },
)

t.test('every flipped bit is found in the last frame before a seal, and in the seal', async (t) => {
  const storage = smallJournal(2, 'sealed', 4 * BLOCK)
  const flips = flipAll(t, storage, FIRST, 2 * BLOCK, 4 * BLOCK, (offset) =>
    offset < 3 * BLOCK
      ? { file: FIRST, offset: 2 * BLOCK, sequence: 4 }
      : { frames: 2, torn: 3 * BLOCK },
  )
  t.equal(flips, 2 * BLOCK * 8)
})

t.test(
  'every flipped bit is found in the last frame and the unused end of a segment before the last',
  async (t) => {
    const storage = new MemoryStorage()
    const { writer } = startWriter(storage, { segmentBytes: 3 * BLOCK })
    appendRecords(writer, 3)
    appendRecords(writer, 100)
    writer.close()
    t.same(segmentNames(storage), [FIRST, segmentName(4)])
    const flips = flipAll(t, storage, FIRST, BLOCK, 3 * BLOCK, (offset) =>
      offset < 2 * BLOCK
        ? { file: FIRST, offset: BLOCK, sequence: 1 }
        : { file: FIRST, offset: 2 * BLOCK, sequence: 4 },
    )
    t.equal(flips, 2 * BLOCK * 8)
  },
)

t.test('a file that was cut at any byte of its last two frames is damage', async (t) => {
  const storage = smallJournal(3, 'open', 4 * BLOCK)
  const whole = storage.contents(FIRST)
  for (let end = 2 * BLOCK; end < 4 * BLOCK; end++) {
    storage.damage(FIRST, () => whole.slice(0, end))
    const found = verdict(storage)
    if (!('file' in found)) t.fail(`cut at ${end}: not found`)
  }
  storage.damage(FIRST, () => Uint8Array.of(...whole, ...new Uint8Array(BLOCK)))
  damageOf(t, storage, /has 20480 bytes, and its header says 16384/)
  storage.damage(FIRST, () => whole.slice(0, 100))
  damageOf(t, storage, /ends after 100 bytes, within its header/)
  storage.damage(FIRST, () => new Uint8Array(0))
  damageOf(t, storage, /ends after 0 bytes/)
})

/** The frame of one block that begins with the block `n`. */
function frame(bytes: Uint8Array, n: number): Uint8Array {
  return bytes.slice(n * BLOCK, (n + 1) * BLOCK)
}

t.test('damage: a torn frame, then a valid one', async (t) => {
  const storage = smallJournal(4, 'open')
  edit(storage, FIRST, (bytes) => bytes.fill(0xee, 3 * BLOCK + 512, 4 * BLOCK))
  const damage = damageOf(t, storage, /do not match.*frame at offset 16384 came after/)
  t.same([damage.offset, damage.sequence], [3 * BLOCK, 7])
})

t.test('damage: a page of zeros', async (t) => {
  const storage = smallJournal(4, 'open')
  edit(storage, FIRST, (bytes) => bytes.fill(0, 2 * BLOCK, 3 * BLOCK))
  t.equal(damageOf(t, storage, /no valid frame, and the frame at/).sequence, 4)
})

t.test('damage: two frames that changed places', async (t) => {
  const storage = smallJournal(4, 'open')
  edit(storage, FIRST, (bytes) => {
    const second = frame(bytes, 2)
    bytes.set(frame(bytes, 3), 2 * BLOCK)
    bytes.set(second, 3 * BLOCK)
  })
  t.equal(damageOf(t, storage, /begins with sequence 7, and 4 is next/).offset, 2 * BLOCK)
})

t.test('damage: a frame that is there twice', async (t) => {
  const storage = smallJournal(3, 'open')
  edit(storage, FIRST, (bytes) => bytes.set(frame(bytes, 3), 4 * BLOCK))
  t.equal(damageOf(t, storage, /begins with sequence 7, and 10 is next/).offset, 4 * BLOCK)
  const far = smallJournal(3, 'open')
  edit(far, FIRST, (bytes) => bytes.set(frame(bytes, 3), 6 * BLOCK))
  t.equal(damageOf(t, far, /frame at offset 24576 came after/).offset, 4 * BLOCK)
})

t.test('damage: a frame of another log', async (t) => {
  const storage = smallJournal(4, 'open')
  const other = smallJournal(4, 'open').contents(FIRST)
  edit(storage, FIRST, (bytes) => bytes.set(frame(other, 2), 2 * BLOCK))
  t.equal(damageOf(t, storage, /no valid frame/).sequence, 4)
  const last = smallJournal(4, 'open')
  edit(last, FIRST, (bytes) => bytes.set(frame(other, 4), 4 * BLOCK))
  t.same(verdict(last), { frames: 3, torn: 4 * BLOCK }, 'as the last one it is torn bytes')
})

t.test('damage: bytes far behind the end', async (t) => {
  const storage = smallJournal(1, 'open', 128 * BLOCK)
  edit(storage, FIRST, (bytes) => {
    bytes[2 * BLOCK + FRAME_BYTES_MAX] = 1
  })
  t.equal(damageOf(t, storage, /nobody wrote/).offset, 2 * BLOCK + FRAME_BYTES_MAX)
})

t.test('damage: bytes behind a torn frame whose length is known', async (t) => {
  const storage = smallJournal(2, 'open')
  edit(storage, FIRST, (bytes) => {
    bytes[2 * BLOCK + 200] = 0xaa
    bytes[4 * BLOCK] = 1
  })
  damageOf(t, storage, /nobody wrote/)
})

t.test('damage: a frame under a right checksum that cannot be', async (t) => {
  type Change = (words: Words, at: number) => void
  const cases: [RegExp, Change][] = [
    [
      /claims 4294967295 bytes/,
      (w, at) => w.u32.fill(0xffffffff, (at + 24) >>> 2, (at + 28) >>> 2),
    ],
    [/more than a frame may have/, (w, at) => setU32(w, at + FRAME.payloadBytes, 262_017)],
    [/beyond its segment/, (w, at) => setU32(w, at + FRAME.payloadBytes, 262_016)],
    [/beyond its segment/, (w, at) => setU32(w, at + FRAME.payloadBytes, 5 * BLOCK)],
    [/claims 99 records/, (w, at) => setU32(w, at + FRAME.count, 99)],
    [/claims 4294967295 records/, (w, at) => setU32(w, at + FRAME.count, 0xffffffff)],
    [/claims 0 records in 144/, (w, at) => setU32(w, at + FRAME.count, 0)],
    [/sequence 5, and 4 is next/, (w, at) => writeI64(w, at + FRAME.firstSequence, 5)],
    [/sequence -1, and 4 is next/, (w, at) => writeI64(w, at + FRAME.firstSequence, -1)],
    [/time goes back from 1 to 0/, (w, at) => writeI64(w, at + FRAME.timeMs, 0)],
    [/synced that come after/, (w, at) => writeI64(w, at + FRAME.syncedThrough, 4)],
    [/epoch goes back/, (w, at) => setU32(w, at + FRAME.epoch, 0)],
    [/follows another frame/, (w, at) => setU32(w, at + FRAME.previousChain, 5)],
  ]
  for (const [pattern, change] of cases) {
    const storage = smallJournal(2, 'open', 6 * BLOCK)
    edit(storage, FIRST, (bytes) => {
      change(wordsOver(bytes.buffer as ArrayBuffer), 2 * BLOCK)
      reseal(bytes, 2 * BLOCK)
    })
    const damage = damageOf(t, storage, pattern)
    t.same([damage.offset, damage.sequence], [2 * BLOCK, 4])
  }
})

t.test('damage: lengths without a right checksum lead nowhere', async (t) => {
  for (const bytes of [0xffffffff, 0x7fffffff, FRAME_BYTES_MAX, 8_192]) {
    const storage = smallJournal(2, 'open')
    edit(storage, FIRST, (file) => {
      setU32(wordsOver(file.buffer as ArrayBuffer), 2 * BLOCK + FRAME.payloadBytes, bytes)
    })
    t.same(verdict(storage), { frames: 1, torn: 2 * BLOCK })
  }
})

/** Three segments of two frames each; gives the names. */
function threeSegments(storage: MemoryStorage): [string, string, string] {
  const { writer } = startWriter(storage, { segmentBytes: 3 * BLOCK })
  for (let i = 0; i < 6; i++) appendRecords(writer, 3)
  writer.close()
  return segmentNames(storage) as [string, string, string]
}

t.test('segments: one is missing', async (t) => {
  const storage = new MemoryStorage()
  const [, second, third] = threeSegments(storage)
  storage.remove(second)
  t.same(damageOf(t, storage, /begins with sequence 13, and 7 is next/).file, third)
  t.equal(scanHeaders(storage).sequence, 6, 'the headers alone go as far')
  storage.remove(FIRST)
  t.same(damageOf(t, storage, /segments before it are missing/).file, third)
})

t.test('segments: one has the name of another', async (t) => {
  const storage = new MemoryStorage()
  const [, second, third] = threeSegments(storage)
  const bytes = storage.contents(third)
  storage.damage(second, () => bytes)
  t.equal(damageOf(t, storage, /holds the segment from sequence 13/).file, second)
})

t.test('segments: one is of another log', async (t) => {
  const storage = new MemoryStorage()
  const other = new MemoryStorage()
  const [, second] = threeSegments(storage)
  threeSegments(other)
  storage.damage(second, () => other.contents(second))
  t.equal(damageOf(t, storage, /of another log/).file, second)
})

t.test('segments: one follows another history of the same log', async (t) => {
  const storage = new MemoryStorage()
  const [, second] = threeSegments(storage)
  edit(storage, second, (bytes) => {
    const words = wordsOver(bytes.buffer as ArrayBuffer)
    setU32(words, SEGMENT.chain, 1)
    setU32(words, SEGMENT.crc, crc32(bytes.subarray(SEGMENT.version, SEGMENT.bytes)))
  })
  damageOf(t, storage, /follows another frame/)
})

t.test('segments: the last frame of one that another follows is no torn tail', async (t) => {
  const storage = new MemoryStorage()
  const [, second] = threeSegments(storage)
  edit(storage, second, (bytes) => bytes.fill(0, 2 * BLOCK + 64, 3 * BLOCK))
  const damage = damageOf(t, storage, /the next segment came after it/)
  t.same([damage.file, damage.offset, damage.sequence], [second, 2 * BLOCK, 10])
  edit(storage, second, (bytes) => bytes.fill(0, 2 * BLOCK, 3 * BLOCK))
  t.equal(damageOf(t, storage, /begins with sequence 13, and 10 is next/).sequence, 10)
})

t.test('segments: another format is refused and not touched', async (t) => {
  for (const version of [0, 1, 3, 77]) {
    const storage = smallJournal(2, 'sealed')
    edit(storage, FIRST, (bytes) => {
      const words = wordsOver(bytes.buffer as ArrayBuffer)
      setU32(words, SEGMENT.version, version)
      setU32(words, SEGMENT.crc, crc32(bytes.subarray(SEGMENT.version, SEGMENT.bytes)))
    })
    const before = storage.contents(FIRST)
    const refused = { name: 'JournalVersionError', file: FIRST, version }
    t.throws(() => startWriter(storage), refused)
    t.throws(() => scanHeaders(storage), JournalVersionError)
    t.throws(() => readJournal(storage, LIVE), /start the version of Holdfast that wrote it/)
    t.same(storage.contents(FIRST), before)
  }
})
