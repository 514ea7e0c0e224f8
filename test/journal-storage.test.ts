// One contract for every storage, and what the memory's and the faulty one can do beyond it.

import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  FaultyStorage,
  FileStorage,
  MemoryStorage,
  readAll,
  SECTOR_BYTES,
  type Storage,
  writeAll,
} from '../journal/index.ts'

const READ = { write: false } as const
const WRITE = { write: true } as const

/** Bytes 1, 2, 3 ... so that a shifted or missing one shows. */
function counted(length: number, from = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (from + i) & 0xff)
}

function put(storage: Storage, name: string, bytes: Uint8Array): void {
  const file = storage.createTemporary(name)
  writeAll(file, bytes, 0)
  file.sync()
  file.close()
}

function get(storage: Storage, name: string): Uint8Array {
  const file = storage.open(name, READ)
  const bytes = new Uint8Array(file.size())
  readAll(file, bytes, 0)
  file.close()
  return bytes
}

/** The action throws an error with this code. */
function fails(t: Test, code: string, action: () => unknown, what = code): void {
  t.throws(action, { code }, what)
}

function namesContract(t: Test, storage: Storage): void {
  t.same(storage.names(), [])
  put(storage, 'b', counted(3))
  put(storage, 'a', counted(2))
  t.same(storage.names(), ['a', 'b'])
  storage.rename('b', 'c')
  t.same(storage.names(), ['a', 'c'])
  t.same(get(storage, 'c'), counted(3))
  storage.rename('c', 'a')
  t.same(storage.names(), ['a'], 'a rename replaces')
  t.same(get(storage, 'a'), counted(3))
  put(storage, 'a', counted(1))
  t.same(get(storage, 'a'), counted(1), 'a creation replaces')
  storage.syncDirectory()
  storage.remove('a')
  t.same(storage.names(), [])
}

function missingContract(t: Test, storage: Storage): void {
  fails(t, 'ENOENT', () => storage.open('none', READ))
  fails(t, 'ENOENT', () => storage.open('none', WRITE))
  fails(t, 'ENOENT', () => storage.remove('none'))
  fails(t, 'ENOENT', () => storage.rename('none', 'some'))
  t.same(storage.names(), [])
}

function positionContract(t: Test, storage: Storage): void {
  const file = storage.createTemporary('f')
  t.equal(file.size(), 0)
  t.equal(file.read(new Uint8Array(4), 0), 0, 'an empty file ends at once')
  writeAll(file, counted(1_000), 0)
  writeAll(file, counted(10, 100), 2_000)
  t.equal(file.size(), 2_010)
  const gap = new Uint8Array(1_000).fill(9)
  t.equal(readAll(file, gap, 1_000), 1_000)
  t.ok(
    gap.every((byte) => byte === 0),
    'what was skipped reads as zeros',
  )
  const end = new Uint8Array(64)
  t.equal(readAll(file, end, 2_000), 10, 'a read stops at the end')
  t.same(end.subarray(0, 10), counted(10, 100))
  t.equal(file.read(end, 5_000), 0)
  writeAll(file, counted(4, 50), 998)
  t.equal(file.size(), 2_010, 'a write within does not change the size')
  file.sync()
  file.close()
  t.same(get(storage, 'f').subarray(996, 1_004), Uint8Array.of(229, 230, 50, 51, 52, 53, 0, 0))
  storage.remove('f')
}

function sharedContract(t: Test, storage: Storage): void {
  const shared = new Uint8Array(new SharedArrayBuffer(8_192)).subarray(4_096)
  shared.set(counted(4_096))
  put(storage, 's', shared)
  const back = new Uint8Array(new SharedArrayBuffer(4_096))
  const file = storage.open('s', READ)
  t.equal(readAll(file, back, 0), 4_096)
  file.close()
  t.same(Buffer.from(back), Buffer.from(counted(4_096)))
  storage.remove('s')
}

function closedContract(t: Test, storage: Storage): void {
  put(storage, 'r', counted(8))
  const file = storage.open('r', READ)
  fails(t, 'EBADF', () => file.write(counted(1), 0))
  file.close()
  fails(t, 'EBADF', () => file.read(new Uint8Array(1), 0))
  fails(t, 'EBADF', () => file.size())
  fails(t, 'EBADF', () => file.close())
  const writable = storage.open('r', WRITE)
  writable.close()
  fails(t, 'EBADF', () => writable.write(counted(1), 0))
  fails(t, 'EBADF', () => writable.sync())
  t.same(get(storage, 'r'), counted(8))
  storage.remove('r')
}

function openContract(t: Test, storage: Storage): void {
  put(storage, 'old', counted(4))
  const file = storage.open('old', WRITE)
  storage.rename('old', 'new')
  writeAll(file, counted(1, 77), 0)
  t.equal(get(storage, 'new')[0], 77)
  storage.remove('new')
  writeAll(file, counted(1, 78), 1)
  const bytes = new Uint8Array(2)
  readAll(file, bytes, 0)
  t.same(bytes, Uint8Array.of(77, 78))
  file.close()
}

/** What every storage keeps, from an empty one on. */
function contract(t: Test, storage: Storage): void {
  t.test('names are sorted and follow create, rename and remove', async (t) =>
    namesContract(t, storage),
  )
  t.test('a file that is not there', async (t) => missingContract(t, storage))
  t.test('reads and writes by position', async (t) => positionContract(t, storage))
  t.test('memory that threads share', async (t) => sharedContract(t, storage))
  t.test('a file open for reading, and a closed one', async (t) => closedContract(t, storage))
  t.test('an open file goes on under a new name, and after its name is gone', async (t) =>
    openContract(t, storage),
  )
}

t.test('the file storage', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'holdfast-storage-'))
  t.teardown(() => rmSync(parent, { recursive: true, force: true }))
  const directory = join(parent, 'data', 'journal')
  const storage = new FileStorage(directory)
  contract(t, storage)
  t.test("is nobody else's to read", async (t) => {
    put(storage, 'x', counted(1))
    t.equal(statSync(directory).mode & 0o777, 0o700)
    t.equal(statSync(join(directory, 'x')).mode & 0o777, 0o600)
  })
})

t.test('the memory storage', async (t) => contract(t, new MemoryStorage()))

t.test('the memory storage: a crash keeps what was synced and any of the rest', async (t) => {
  const storage = new MemoryStorage()
  put(storage, 'f', counted(4 * SECTOR_BYTES))
  storage.syncDirectory()
  const file = storage.open('f', WRITE)
  writeAll(file, new Uint8Array(4 * SECTOR_BYTES).fill(200), 0)
  storage.crash((sector) => sector === 1 || sector === 3)
  const bytes = get(storage, 'f')
  const was = counted(4 * SECTOR_BYTES)
  t.same(bytes.subarray(0, SECTOR_BYTES), was.subarray(0, SECTOR_BYTES))
  t.ok(bytes.subarray(SECTOR_BYTES, 2 * SECTOR_BYTES).every((byte) => byte === 200))
  t.same(
    bytes.subarray(2 * SECTOR_BYTES, 3 * SECTOR_BYTES),
    was.subarray(2 * SECTOR_BYTES, 3 * SECTOR_BYTES),
  )
  t.ok(bytes.subarray(3 * SECTOR_BYTES).every((byte) => byte === 200))
  fails(t, 'EBADF', () => file.size(), 'who had it open is gone')
})

t.test(
  'the memory storage: a file that grew without a sync is as long as what was kept of it',
  async (t) => {
    const storage = new MemoryStorage()
    put(storage, 'f', counted(100))
    storage.syncDirectory()
    writeAll(storage.open('f', WRITE), counted(3_000), 100)
    storage.crash(() => false)
    t.same(get(storage, 'f'), counted(100))
  },
)

t.test('the memory storage: names are durable with the directory, in order', async (t) => {
  const storage = new MemoryStorage()
  put(storage, 'a', counted(1))
  storage.syncDirectory()
  storage.rename('a', 'b')
  put(storage, 'c', counted(2))
  t.equal(storage.unsyncedNames, 2)
  storage.crash(() => true, 1)
  t.same(storage.names(), ['b'], 'the rename was kept, the creation after it was not')
  storage.remove('b')
  storage.crash(() => true)
  t.same(storage.names(), ['b'])
  t.same(get(storage, 'b'), counted(1))
})
t.test('the faulty storage', async (t) => contract(t, new FaultyStorage(new MemoryStorage())))

t.test('the faulty storage: holds the contract while writes and reads are short', async (t) => {
  const faults = Array.from({ length: 400 }, (_, i) => ({ nth: i + 1, bytes: 7 }))
  const storage = new FaultyStorage(new MemoryStorage(), [
    ...faults.map((fault) => ({ call: 'write' as const, ...fault })),
    ...faults.map((fault) => ({ call: 'read' as const, ...fault })),
  ])
  put(storage, 'f', counted(1_000))
  t.same(get(storage, 'f'), counted(1_000))
  t.equal(storage.calls.write, Math.ceil(1_000 / 7))
})

t.test(
  'the faulty storage: fails the call that the plan names, once or from then on',
  async (t) => {
    const storage = new FaultyStorage(new MemoryStorage(), [
      { call: 'sync', nth: 2, code: 'EIO' },
      { call: 'write', nth: 2, code: 'ENOSPC', bytes: 3, lasting: true },
      { call: 'rename', nth: 1, code: 'EROFS' },
      { call: 'syncDirectory', nth: 1 },
      { call: 'create', nth: 2, code: 'EDQUOT' },
    ])
    const file = storage.createTemporary('f')
    file.write(counted(4), 0)
    file.sync()
    fails(t, 'EIO', () => file.sync())
    t.doesNotThrow(() => file.sync(), 'the kernel would say OK now')
    fails(t, 'ENOSPC', () => file.write(counted(9), 4))
    t.equal(file.size(), 7, 'part of it was written')
    fails(t, 'ENOSPC', () => file.write(counted(9), 4))
    fails(t, 'EROFS', () => storage.rename('f', 'g'))
    fails(t, 'EIO', () => storage.syncDirectory())
    fails(t, 'EDQUOT', () => storage.createTemporary('h'))
    t.same(storage.names(), ['f'])
    storage.plan([])
    t.equal(storage.calls.sync, 0)
    t.doesNotThrow(() => storage.rename('f', 'g'))
  },
)

t.test('the faulty storage: a disk that takes nothing is an error, not a loop', async (t) => {
  const storage = new FaultyStorage(new MemoryStorage(), [
    { call: 'write', nth: 1, bytes: 0, lasting: true },
  ])
  const file = storage.createTemporary('f')
  fails(t, 'EIO', () => writeAll(file, counted(5), 0))
})
