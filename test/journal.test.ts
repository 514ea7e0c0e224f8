// Writing a journal and reading it back: what was written is there, what is torn is put away, and
// who reads meanwhile is not misled. What is damaged is journal-damage.test.ts's.

import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import t from 'tap'
import {
  finishFrame,
  incarnationCrc,
  JournalReader,
  JournalWriter,
  MemoryStorage,
  scanHeaders,
  segmentNames,
} from '../journal/index.ts'
import {
  allocateWords,
  FRAME,
  FRAME_BYTES_MAX,
  FRAME_FLAG,
  FRAME_MAGIC,
  SEGMENT,
  wordsOver,
} from '../protocol/index.ts'
import {
  appendRecords,
  collecting,
  drain,
  layRecords,
  readJournal,
  type SeenFrame,
  startWriter,
} from './support/journal.ts'
import {
  BLOCK,
  edit,
  FIRST,
  LIVE,
  READ_ONLY,
  smallJournal,
  verdict,
} from './support/small-journal.ts'

t.test('a journal is read as it was written', async (t) => {
  const storage = new MemoryStorage()
  const { writer, found } = startWriter(storage)
  t.same(found.frames, [])
  t.equal(found.end.segment, undefined)
  const wanted: SeenFrame[] = []
  for (let i = 0; i < 200; i++) {
    const count = 1 + ((i * 37) % 400)
    const flags = i % 50 === 0 ? FRAME_FLAG.configure : i % 50 === 7 ? FRAME_FLAG.void : 0
    const first = writer.sequence + 1
    wanted.push({ first, count, flags, bytes: appendRecords(writer, count, 1_000 + i, flags) })
  }
  writer.seal({ shutdown: true })
  const first = writer.sequence + 1
  const flags = FRAME_FLAG.seal | FRAME_FLAG.shutdown
  wanted.push({ first, count: 0, flags, bytes: BLOCK })
  writer.close()
  t.ok(segmentNames(storage).length > 20, 'it went over many segments')

  const { frames, end } = readJournal(storage, READ_ONLY)
  t.same(frames, wanted)
  t.equal(end.sequence, first - 1)
  t.equal(end.timeMs, 1_199, 'a seal has the time of the frame before')
  t.equal(end.shutdown, true)
  t.equal(end.torn, undefined)
  t.equal(end.records, first - 1)
  t.same(readJournal(storage, LIVE).frames, wanted)

  const seen: { first: number; flags: number; loaded: boolean }[] = []
  const totals = scanHeaders(storage, collecting(seen))
  t.same(
    seen,
    wanted.map((frame) => ({ first: frame.first, flags: frame.flags, loaded: true })),
  )
  const { sequence, timeMs, bytes, records, frames: count, shutdown } = end
  t.same(totals, { sequence, timeMs, bytes, records, frames: count, shutdown })

  t.test('and goes on after a restart', async (t) => {
    const next = startWriter(storage)
    t.same(next.found.frames, wanted)
    appendRecords(next.writer, 5)
    next.writer.close()
    const again = readJournal(storage, READ_ONLY)
    t.equal(again.frames.length, wanted.length + 1)
    t.equal(again.end.sequence, first + 4)
    t.equal(again.end.shutdown, false)
  })
})

t.test('the bytes are those of protocol/frames.ts', async (t) => {
  const storage = smallJournal(2, 'open')
  const bytes = storage.contents(FIRST)
  const words = wordsOver(bytes.buffer as ArrayBuffer)
  t.equal(bytes.length, 8 * BLOCK)
  t.equal(Buffer.from(bytes).toString('latin1', 0, 4), 'HFS1')
  t.equal(words.u32[SEGMENT.crc >>> 2], crc32(bytes.subarray(8, 128)))
  const incarnation = bytes.subarray(SEGMENT.incarnation, SEGMENT.incarnation + 16)
  let chain = Buffer.alloc(16)
  for (const at of [BLOCK, 2 * BLOCK]) {
    t.equal(Buffer.from(bytes).toString('latin1', at, at + 4), 'HFF1')
    const header = Buffer.concat([incarnation, bytes.subarray(at + 8, at + 128)])
    t.equal(words.u32[(at + FRAME.crc) >>> 2], crc32(header))
    t.same(Buffer.from(bytes.subarray(at + 64, at + 80)), chain, 'previous chain')
    const digest = createHash('sha256')
      .update(bytes.subarray(at + 24, at + BLOCK))
      .digest()
    chain = digest.subarray(0, 16)
    t.same(Buffer.from(bytes.subarray(at + 8, at + 24)), chain)
    t.same(Buffer.from(bytes.subarray(at + 80, at + 96)), Buffer.alloc(16, 7), 'boot')
    t.equal(words.u32[(at + FRAME.epoch) >>> 2], 1)
  }
  t.equal(words.u32[(2 * BLOCK + FRAME.syncedThrough) >>> 2], 3)
})

t.test('zeros from any byte of the last two frames on are a torn tail', async (t) => {
  const storage = smallJournal(3, 'open')
  const whole = storage.contents(FIRST)
  for (let from = 2 * BLOCK; from < 4 * BLOCK; from++) {
    storage.damage(FIRST, () => whole.slice().fill(0, from, 4 * BLOCK))
    const block = Math.floor(from / BLOCK)
    // The records end long before their block does: zeros over zeros change nothing.
    const isWhole = whole.subarray(from, (block + 1) * BLOCK).every((byte) => byte === 0)
    const isGone = from % BLOCK === 0
    const frames = block - 1 + (isWhole ? 1 : 0)
    const wanted = { frames, torn: isWhole || isGone ? undefined : block * BLOCK }
    const got = JSON.stringify(verdict(storage))
    if (got !== JSON.stringify(wanted)) t.fail(`zeros from ${from}: ${got}`)
  }
})

t.test('a torn tail goes to quarantine, and the journal goes on in its place', async (t) => {
  const storage = smallJournal(3, 'open')
  const quarantine = new MemoryStorage()
  for (let round = 1; round <= 3; round++) {
    edit(storage, FIRST, (bytes) => bytes.fill(round, 3 * BLOCK + 300, 3 * BLOCK + 350))
    const torn = storage.contents(FIRST).slice(3 * BLOCK, 4 * BLOCK)
    const before = storage.contents(FIRST)
    const looked = readJournal(storage, READ_ONLY)
    t.equal(looked.end.torn?.quarantined, undefined)
    t.same(storage.contents(FIRST), before, 'reading changed nothing')
    t.equal(verdict(storage, LIVE).torn, undefined, 'to a live reader it is the end')

    const { writer, found } = startWriter(storage, { quarantine })
    const name = `${FIRST}-${3 * BLOCK}${round === 1 ? '' : `-${round}`}.torn`
    t.same(found.end.torn, {
      file: FIRST,
      offset: 3 * BLOCK,
      bytes: BLOCK,
      sequence: 7,
      quarantined: name,
    })
    t.same(quarantine.contents(name), torn)
    t.same(verdict(storage), { frames: 2, torn: undefined }, 'it is zeros now')
    appendRecords(writer, 2)
    writer.close()
    t.same(verdict(storage), { frames: 3, torn: undefined })
  }
  t.equal(quarantine.names().length, 3)
})

t.test('a frame whose first block is missing is torn too', async (t) => {
  const storage = new MemoryStorage()
  const { writer } = startWriter(storage)
  appendRecords(writer, 3)
  appendRecords(writer, 400)
  writer.close()
  edit(storage, FIRST, (bytes) => bytes.fill(0, 2 * BLOCK, 3 * BLOCK))
  t.same(verdict(storage), { frames: 1, torn: 2 * BLOCK })
  startWriter(storage).writer.close()
  t.same(verdict(storage), { frames: 1, torn: undefined })
})

t.test('reading while another writes', async (t) => {
  const storage = new MemoryStorage()
  const { writer } = startWriter(storage, { segmentBytes: 5 * BLOCK })
  appendRecords(writer, 3)
  const memory = allocateWords(FRAME_BYTES_MAX)
  const reader = new JournalReader(storage, LIVE)
  t.equal(reader.next({ words: memory, claim: () => 0 }), BLOCK)
  t.throws(() => reader.end, /not read to its end/)
  // The reader has read ahead by now, and has seen nothing of what follows.
  for (let i = 0; i < 9; i++) appendRecords(writer, 3)
  const rest = drain(reader)
  t.equal(rest.length, 9)
  t.equal(reader.end.sequence, 30)

  const name = segmentNames(storage).at(-1) as string
  const at = (reader.end.segment?.position ?? 0) - BLOCK
  edit(storage, name, (bytes) => bytes.fill(0, at + 64, at + BLOCK))
  t.same(verdict(storage, LIVE), { frames: 9, torn: undefined }, 'a frame half written is the end')
  edit(storage, FIRST, (bytes) => bytes.fill(1, 2 * BLOCK + 300, 2 * BLOCK + 400))
  t.same(verdict(storage, LIVE), { file: FIRST, offset: 2 * BLOCK, sequence: 4 })
})

t.test('misuse is an error at once, and writes nothing', async (t) => {
  const storage = new MemoryStorage()
  const { writer } = startWriter(storage, { segmentBytes: 4 * BLOCK })
  const memory = allocateWords(8 * BLOCK)
  const fields = { payloadBytes: layRecords(memory, 1, 2), count: 2, timeMs: 500, flags: 0 }
  writer.append(memory, 0, fields)
  const before = storage.contents(FIRST)
  t.equal(writer.frameBytesMax, 3 * BLOCK)
  const wrong = [
    { ...fields, payloadBytes: 3 * BLOCK },
    { ...fields, payloadBytes: 2 ** 31 },
    { ...fields, payloadBytes: -8 },
    { ...fields, count: 0 },
    { ...fields, timeMs: 499 },
    { ...fields, timeMs: Number.NaN },
  ]
  for (const other of wrong) t.throws(() => writer.append(memory, 0, other), RangeError)
  for (const at of [4, -8, 8 * BLOCK - 8]) {
    t.throws(() => writer.append(memory, at, fields), RangeError)
  }
  const { end } = readJournal(storage, READ_ONLY)
  const boot = new Uint8Array(16)
  t.throws(() => new JournalWriter(storage, end, { boot }), /not recovered/)
  t.same(storage.contents(FIRST), before)
  t.equal(writer.poisoned, undefined)
  t.throws(() => startWriter(new MemoryStorage(), { segmentBytes: 5_000 }), RangeError)
  t.throws(() => startWriter(new MemoryStorage(), { segmentBytes: BLOCK }), RangeError)
  writer.close()
  t.throws(() => writer.append(memory, 0, fields), { name: 'JournalPoisoned' })
})

t.test('a frame of all sizes fits, up to the largest', async (t) => {
  const storage = new MemoryStorage()
  const { writer } = startWriter(storage, { segmentBytes: 1_048_576 })
  const largest = Math.floor((FRAME_BYTES_MAX - FRAME.bytes) / 48)
  for (const count of [1, 82, 83, largest, 168, 1]) appendRecords(writer, count)
  writer.close()
  const { frames } = readJournal(storage, READ_ONLY)
  t.same(
    frames.map((frame) => frame.bytes / BLOCK),
    [1, 1, 2, 64, 2, 1],
  )
  const words = allocateWords(BLOCK)
  const fields = {
    payloadBytes: 48,
    count: 1,
    firstSequence: 2 ** 40,
    timeMs: 1_800_000_000_000,
    syncedThrough: 2 ** 40 - 1,
    epoch: 3,
    flags: 0,
  }
  const zeros = new Uint8Array(16)
  words.u8.fill(0xff)
  const link = { previousChain: zeros, incarnationCrc: incarnationCrc(zeros), boot: zeros }
  t.equal(finishFrame(words, 0, fields, link), BLOCK)
  t.equal(words.u32[0], FRAME_MAGIC)
  t.ok(
    words.u8.subarray(FRAME.bytes + 48).every((byte) => byte === 0),
    'the padding is zeros, whatever lay there',
  )
})
