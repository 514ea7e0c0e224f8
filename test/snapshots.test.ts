// A state as a file and back: over every storage, through every cut and flipped bit, and through a
// crash between any two steps of its writing. And the state's bytes themselves.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { Engine, EngineFault } from '../engine/index.ts'
import {
  type FaultyCall,
  FaultyStorage,
  FileStorage,
  MemoryStorage,
  type Storage,
} from '../journal/index.ts'
import {
  allocateAccountNames,
  allocateWords,
  type Capacities,
  CHECKPOINT,
  FRAME,
} from '../protocol/index.ts'
import {
  listSnapshots,
  loadSnapshot,
  pruneSnapshots,
  readSnapshotInfo,
  SnapshotDamage,
  SnapshotVersionError,
  snapshotName,
  snapshotSequence,
  verifySnapshot,
  writeSnapshot,
} from '../snapshots/index.ts'
import { SMALL_CAPACITIES } from './support/contract.ts'
import { encodeFrame } from './support/frames.ts'
import {
  addMany,
  bytesOf,
  configure,
  emptySubject,
  load,
  loadNewestState,
  PLACE,
  STATE_CAPACITIES,
  STATE_MS,
  smallState,
  snap,
} from './support/snapshots.ts'

/** Where parts of a small snapshot begin: header, one chunk, footer. */
const BLOCK = 4_096
const CHUNK_AT = BLOCK

async function storageContract(t: Test, storage: Storage): Promise<void> {
  t.same(listSnapshots(storage), [])
  const first = smallState()
  const info = await snap(storage, first, { voids: [9, 2, 99, 2] })
  t.equal(info.name, snapshotName(first.sequence))
  t.equal(snapshotSequence(info.name), first.sequence)
  t.same(readSnapshotInfo(storage, info.name), info)
  const { sequence, timeMs, digest } = first.engine
  t.match(info, { sequence, timeMs, outcomeDigest: digest, voids: [2, 9], bytes: 4 * BLOCK })
  const { log, chain, epoch, capacities } = PLACE
  t.match(info, { log, chain, epoch, capacities })
  t.ok(/^[0-9a-f]{32}$/.test(info.stateDigest))

  addMany(first, 4_000)
  const second = await snap(storage, first)
  t.ok(second.bytes > 700_000, 'several chunks')
  t.same(listSnapshots(storage), [second.name, info.name])
  const loaded = emptySubject()
  t.same(loadSnapshot(storage, second.name, loaded.engine), second)
  t.ok(bytesOf(loaded).equals(bytesOf(first)), 'the same state')
  t.same(loaded.violations(), [])

  first.apply({ timeMs: first.engine.timeMs, records: [{ type: 'tick' }] })
  const third = await snap(storage, first)
  storage.createTemporary(`${snapshotName(77)}.writing`).close()
  t.same(pruneSnapshots(storage), { kept: [third.name, second.name], removed: [info.name] })
  await snap(storage, first)
  t.same(storage.names(), [second.name, third.name], 'one again in its place, and no leftovers')
}

t.test('every storage keeps snapshots', async (t) => {
  await storageContract(t, new MemoryStorage())
  await storageContract(t, new FaultyStorage(new MemoryStorage()))
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-snapshots-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  await storageContract(t, new FileStorage(join(directory, 'snapshots')))
})

t.test('every cut and every flipped bit is found', async (t) => {
  const storage = new MemoryStorage()
  const subject = smallState()
  const { name, bytes } = await snap(storage, subject, { voids: [9] })
  const whole = storage.contents(name)
  // Takes any state: what is wrong has to be found before the engine sees it.
  const taker = { sequence: subject.sequence, importState: (all: Iterable<unknown>) => [...all] }
  const isFound = (what: string): void => {
    try {
      loadSnapshot(storage, name, taker)
      t.fail(what)
    } catch (error) {
      if (!(error instanceof SnapshotDamage) || error.file !== name) throw error
    }
  }
  for (let cut = 0; cut < bytes; cut += cut % BLOCK < 128 ? 1 : 61) {
    storage.damage(name, () => whole.slice(0, cut))
    isFound(`cut at ${cut}`)
  }
  storage.damage(name, () => Buffer.concat([whole, whole.subarray(bytes - BLOCK)]))
  isFound('a footer more')
  for (let at = 0; at < bytes; at++) {
    const flipped = whole.slice()
    flipped[at] = (flipped[at] as number) ^ (1 << (at & 7))
    storage.damage(name, () => flipped)
    isFound(`bit ${at & 7} of byte ${at}`)
  }
  storage.damage(name, () => whole)
  t.same(loadSnapshot(storage, name, taker), verifySnapshot(storage, name))
  t.type(load(storage, name), 'object', 'and nothing where nothing was done')
})

t.test('what is whole and yet of no use', async (t) => {
  const storage = new MemoryStorage()
  const subject = smallState()
  const { name } = await snap(storage, subject, { voids: [4] })
  const refusal = (options: Parameters<typeof loadSnapshot>[3]) => {
    try {
      loadSnapshot(storage, name, emptySubject().engine, options)
    } catch (error) {
      return error
    }
    return undefined
  }
  t.equal(refusal({ log: PLACE.log, voids: new Set([4, 900]) }), undefined)
  t.match(refusal({ log: new Uint8Array(16) }), SnapshotDamage)
  t.match(refusal({ log: new Uint8Array(16) }), { message: /of another journal/ })
  t.match(refusal({ voids: new Set([4, 7]) }), { message: /sequence 7 was voided after/ })
  storage.rename(name, snapshotName(5))
  t.match(load(storage, snapshotName(5)), /it is the snapshot of sequence/)
})

t.test('another version is refused by its number', async (t) => {
  const storage = new MemoryStorage()
  const { name } = await snap(storage, smallState())
  const { crc32 } = await import('node:zlib')
  storage.damage(name, (bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    view.setUint32(8, 3, true)
    view.setUint32(4, crc32(bytes.subarray(8, BLOCK)), true)
    return bytes
  })
  t.throws(() => readSnapshotInfo(storage, name), SnapshotVersionError)
  t.match(load(storage, name), /has snapshot format 3 and this build reads format 2/)
})

t.test('chunks in each other place, and those of another file', async (t) => {
  const storage = new MemoryStorage()
  const subject = smallState()
  addMany(subject, 8_000)
  const { name } = await snap(storage, subject)
  const whole = storage.contents(name)
  const size = 1_048_576
  storage.damage(name, (bytes) => {
    bytes.copyWithin(CHUNK_AT, CHUNK_AT + size, CHUNK_AT + 2 * size)
    return bytes
  })
  t.match(load(storage, name), /at offset 4104: chunk 0 is in another's place/)
  await snap(storage, subject)
  const other = storage.contents(name)
  t.not(Buffer.compare(other, whole), 0, 'the same state makes another file')
  other.set(whole.subarray(CHUNK_AT, CHUNK_AT + size), CHUNK_AT)
  storage.damage(name, () => other)
  t.match(load(storage, name), /chunk 0 has a wrong checksum/)
})

t.test('a damaged snapshot is passed over, does not count, and goes in the end', async (t) => {
  const storage = new MemoryStorage()
  const subject = smallState()
  const names: string[] = []
  const next = async () => {
    subject.apply({ timeMs: subject.engine.timeMs, records: [{ type: 'tick' }] })
    names.unshift((await snap(storage, subject)).name)
  }
  for (let n = 0; n < 3; n++) await next()
  const [newest = '', middle = '', oldest = ''] = names
  storage.damage(newest, (bytes) => bytes.slice(0, -1))
  t.equal(loadNewestState(storage)?.sequence, snapshotSequence(middle))
  t.same(pruneSnapshots(storage), { kept: [middle, oldest], removed: [] })
  await next()
  t.same(pruneSnapshots(storage), { kept: [names[0], middle], removed: [oldest] })
  t.ok(storage.names().includes(newest), 'still there to be looked at')
  await next()
  t.same(pruneSnapshots(storage).removed, [newest, middle])
})

const CALLS: readonly FaultyCall[] = ['write', 'sync', 'create', 'rename', 'syncDirectory']

t.test('a crash between any two steps leaves the older one', async (t) => {
  const older = smallState()
  const newer = smallState()
  addMany(newer, 20)
  const states = [older, newer].map((subject) => bytesOf(subject).toString('hex'))
  const measured = new FaultyStorage(new MemoryStorage())
  await snap(measured, newer)
  const steps = CALLS.flatMap((call) =>
    Array.from({ length: measured.calls[call] }, (_, n) => ({ call, nth: n + 1 })),
  )
  let kept = 0
  for (const fault of steps) {
    for (const namesKept of [0, 1, 2, 3]) {
      const media = new MemoryStorage()
      await snap(media, older)
      const storage = new FaultyStorage(media, [{ ...fault, bytes: 700, code: 'EIO' }])
      await t.rejects(snap(storage, newer), { code: 'EIO' })
      media.crash((sector) => (sector * 7 + namesKept) % 3 === 0, namesKept)
      const found = loadNewestState(media)
      const state = found === undefined ? 'none' : bytesOf(found).toString('hex')
      t.ok(states.includes(state), `${fault.call} ${fault.nth}, ${namesKept} names kept`)
      if (state === states[1]) kept++
      await snap(media, newer)
      t.ok(media.names().length === 2, 'and the next one finds its way')
    }
  }
  t.ok(steps.length >= 7 && kept > 0, `${steps.length} steps; the newer one was kept ${kept} times`)
})

t.test('a full disk, and what is read back otherwise than it was written', async (t) => {
  const media = new MemoryStorage()
  const subject = smallState()
  const { name } = await snap(media, subject)
  addMany(subject, 10)
  const full = new FaultyStorage(media, [{ call: 'write', nth: 2, code: 'ENOSPC', bytes: 10 }])
  await t.rejects(snap(full, subject), { code: 'ENOSPC' })
  t.same(media.names(), [name], 'nothing of it is left')
  // Header, footer, the list of voids, and then the chunk, cut while it is read back.
  const lying = new FaultyStorage(media, [{ call: 'read', nth: 3, bytes: 0, lasting: true }])
  await t.rejects(snap(lying, subject), SnapshotDamage)
  t.same(media.names(), [name])
})

t.test('a writer lets others have their turn, and stops when told', async (t) => {
  const storage = new MemoryStorage()
  const subject = smallState()
  addMany(subject, 8_000)
  const controller = new AbortController()
  let turns = 0
  const told: number[] = []
  const others = setInterval(() => turns++, 0)
  const options = { restMs: 5, onProgress: (bytes: number) => void told.push(bytes) }
  const info = await writeSnapshot(storage, subject.engine, PLACE, options)
  clearInterval(others)
  t.equal(told.at(-1), info.bytes)
  t.ok(turns >= told.length - 2 && told.length >= 3, `${turns} turns in ${told.length} chunks`)
  subject.apply({ timeMs: subject.engine.timeMs, records: [{ type: 'tick' }] })
  const stopped = writeSnapshot(storage, subject.engine, PLACE, {
    signal: controller.signal,
    onProgress: () => controller.abort(new Error('enough')),
  })
  await t.rejects(stopped, { message: 'enough' })
  t.same(storage.names(), [info.name])
  const late = writeSnapshot(storage, subject.engine, PLACE, { signal: controller.signal })
  await t.rejects(late, { message: 'enough' })
})

t.test("the state's bytes are the same in chunks of any size", async (t) => {
  const subject = smallState()
  addMany(subject, 300)
  const whole = bytesOf(subject)
  for (const chunkBytes of [128, 136, 1_024, 65_536]) {
    t.ok(bytesOf(subject, chunkBytes).equals(whole), `${chunkBytes}`)
  }
  t.throws(() => bytesOf(subject, 120), RangeError)
  const other = emptySubject()
  other.engine.importState(subject.engine.exportState(128))
  t.ok(bytesOf(other).equals(whole))
  t.throws(() => other.engine.importState([]), /before the first frame/)
})

t.test('rows are in order of creation, wherever they lie', async (t) => {
  const limits = { ...STATE_CAPACITIES, reservationsMax: 1_000, outcomesMax: 1_500, windowMs: 1 }
  const subject = smallState()
  subject.apply({ timeMs: STATE_MS + 1, records: [configure(limits)] })
  addMany(subject, 4_000)
  t.ok(subject.engine.rememberedCount < 3_000, 'rows were forgotten, and their places used again')
  const other = emptySubject()
  // An import refuses reservations and outcomes that are not in order of sequence.
  other.importFrom(subject)
  t.ok(bytesOf(other).equals(bytesOf(subject)))
  addMany(other, 1_000, 4_000)
  addMany(subject, 1_000, 4_000)
  t.equal(other.digest(), subject.digest())
  t.ok(bytesOf(other).equals(bytesOf(subject)))
  t.same(other.violations(), [])
})

t.test('the checkpoint behind a snapshot is compared', async (t) => {
  const subject = smallState()
  const { sequence, engine } = subject
  const compare = (digestA: number): number => {
    const other = emptySubject()
    other.importFrom(subject)
    const records = [{ type: 'checkpoint', sequence } as const]
    const frame = encodeFrame({ timeMs: STATE_MS, records }, sequence + 1)
    frame.i32[(FRAME.bytes + CHECKPOINT.digest) >>> 2] = digestA
    frame.i32[(FRAME.bytes + CHECKPOINT.digest + 4) >>> 2] = engine.digestB
    other.engine.applyFrame(frame, 0, false)
    return other.engine.checkpointsCompared
  }
  t.equal(compare(engine.digestA), 1)
  t.throws(() => compare(engine.digestA ^ 1), { name: 'EngineFault', kind: 'digest' })
})

function roomFor(capacities: Capacities): Engine {
  const { accountsMax, accountNameBytesMax } = capacities
  const names = allocateAccountNames(accountsMax, accountNameBytesMax)
  const sink = { words: allocateWords(8), at: 0, claim: () => false }
  return new Engine({ capacities, names, seed: 5, sink })
}

t.test('tables that are too small are refused by name', async (t) => {
  const subject = smallState()
  const limits = { ...STATE_CAPACITIES, accountsMax: 1, reservationsMax: 1, outcomesMax: 1 }
  subject.apply({
    timeMs: STATE_MS + 1,
    records: [configure({ ...limits, ledgersMax: 1, groupsMax: 0, accountNameBytesMax: 8 })],
  })
  // The limits in force are smaller than what is there: the tables decide.
  const fit = { ...STATE_CAPACITIES, accountsMax: 3, ledgersMax: 2, reservationsMax: 3 }
  const fitting = { ...fit, groupsMax: 1, outcomesMax: 5 }
  roomFor(fitting).importState(subject.engine.exportState(1_024))
  const short = ['accountsMax', 'ledgersMax', 'reservationsMax', 'outcomesMax'] as const
  for (const name of short) {
    const engine = roomFor({ ...fitting, [name]: fitting[name] - 1 })
    const fault = { name: 'EngineFault', kind: 'capacity' }
    t.throws(() => engine.importState(subject.engine.exportState(1_024)), fault, name)
  }
  const nameless = roomFor({ ...fitting, accountNameBytesMax: 16 })
  t.throws(() => nameless.importState(subject.engine.exportState(1_024)), /the state's names/)
  const below = roomFor({ ...fitting, outcomesMax: 5 })
  const larger = smallState()
  t.throws(() => below.importState(larger.engine.exportState(1_024)), /the state's \w+Max/)
})

t.test('bytes that are no state are refused, whatever they are', async (t) => {
  const subject = smallState()
  subject.apply({ timeMs: STATE_MS, records: [configure(SMALL_CAPACITIES)] })
  const whole = bytesOf(subject)
  const importing = (bytes: Uint8Array): string => {
    const engine = roomFor(SMALL_CAPACITIES)
    // A fresh copy: what lies at a multiple of 8.
    const aligned = new Uint8Array(bytes)
    try {
      engine.importState([aligned])
      engine.checkInvariants()
      return 'taken'
    } catch (error) {
      if (!(error instanceof EngineFault)) throw error
      return error.kind
    }
  }
  t.equal(importing(whole), 'taken')
  for (let bytes = 0; bytes < whole.length; bytes += 8) {
    t.equal(importing(whole.subarray(0, bytes)), 'state', `cut at ${bytes}`)
  }
  t.equal(importing(Buffer.concat([whole, Buffer.alloc(8)])), 'state')
  const count = { taken: 0, state: 0, capacity: 0, rules: 0 }
  const runs = 2_000 * Number(process.env.HOLDFAST_RUNS ?? 1)
  const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }))
  const property = fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
    const bytes = Uint8Array.from(whole)
    for (const [at, mask] of changes) bytes[at] = (bytes[at] as number) ^ mask
    count[importing(bytes) as keyof typeof count]++
  })
  fc.assert(property, { numRuns: runs })
  t.comment(count)
  t.ok(count.state > runs / 4 && count.taken > 0, 'what can be told from a state is')
})
