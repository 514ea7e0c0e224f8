// What a start looks at before there are threads: the clock, the data directory, its lock.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { TIME_MS_MAX } from '../protocol/index.ts'
import { checkTimeJump, TestClock, TimeJumpRefused, WallClock } from '../runtime/clock.ts'
import { DataDirectoryError, prepareDataDirectory } from '../runtime/data-directory.ts'
import { DirectoryInUse, isLocked, lockDirectory } from '../runtime/lock.ts'
import { spawnPlain } from './support/plain-process.ts'

const HOUR = 3_600_000
const NOON = Date.UTC(2026, 0, 1, 12)

/** Clocks that a test moves. */
function clocks(wallMs = NOON) {
  const time = { wall: wallMs, monotonic: 0 }
  const sources = { wallMs: () => time.wall, monotonicMs: () => time.monotonic }
  const pass = (monotonicMs: number, wallMs = monotonicMs): void => {
    time.monotonic += monotonicMs
    time.wall += wallMs
  }
  return { sources, pass }
}

t.test('time follows a good wall clock', async (t) => {
  const { sources, pass } = clocks()
  const clock = new WallClock(sources, -1)
  t.equal(clock.nowMs(), NOON)
  pass(1_000)
  t.equal(clock.nowMs(), NOON + 1_000)
  pass(1_000, 900)
  t.equal(clock.nowMs(), NOON + 1_900, 'a wall clock that is slowed a little is believed')
  t.equal(clock.advance(), false)
})

t.test('time never goes back, and does not race', async (t) => {
  const { sources, pass } = clocks()
  const clock = new WallClock(sources, NOON - 5_000)
  t.equal(clock.nowMs(), NOON)
  pass(1_000, 1_000 - HOUR)
  t.equal(clock.nowMs(), NOON + 500, 'back an hour: half of what has passed')
  pass(1_000, HOUR + 1_000)
  t.equal(clock.nowMs(), NOON + 2_000, 'and right again')
  pass(1_000, 24 * HOUR)
  t.equal(clock.nowMs(), NOON + 4_000, 'forward a day: twice what has passed')
  pass(1_000, 0)
  t.equal(clock.nowMs(), NOON + 6_000, 'until it is where the wall clock is')
})

t.test('a frozen wall clock does not stop time, however often it is asked', async (t) => {
  const { sources, pass } = clocks()
  const clock = new WallClock(sources, -1)
  let last = 0
  for (let i = 0; i < 100_000; i++) {
    pass(0.1, 0)
    const nowMs = clock.nowMs()
    if (nowMs < last) t.fail(`${nowMs} after ${last}`)
    last = nowMs
  }
  t.ok(Math.abs(last - NOON - 5_000) <= 1, `${last - NOON} ms after 10 s`)
})

t.test('a start continues from the last frame', async (t) => {
  const { sources, pass } = clocks()
  const clock = new WallClock(sources, NOON + 2 * HOUR)
  t.equal(clock.nowMs(), NOON + 2 * HOUR, 'the wall clock is behind')
  pass(100)
  t.equal(clock.nowMs(), NOON + 2 * HOUR + 50)
})

t.test('a test clock stands still', async (t) => {
  const { sources, pass } = clocks()
  t.equal(new TestClock(sources, -1).nowMs(), NOON)
  const clock = new TestClock(sources, 5_000)
  pass(HOUR)
  t.equal(clock.nowMs(), 5_000)
  t.equal(clock.advance(250), true)
  t.equal(clock.nowMs(), 5_250)
  clock.advance(TIME_MS_MAX)
  t.equal(clock.nowMs(), TIME_MS_MAX, 'not beyond the latest time')
})

t.test('a jump forward while the server was down', async (t) => {
  const due = (ms: number): number => NOON + ms
  const table: [what: string, jumpMs: number, dueMs: number, accept: boolean, refused: boolean][] =
    [
      ['an hour, and something is due', HOUR, due(1), false, false],
      ['more than an hour, nothing due', HOUR + 1, Infinity, false, false],
      ['more than an hour, something due later', HOUR + 1, due(HOUR + 2), false, false],
      ['more than an hour, something due', HOUR + 1, due(HOUR + 1), false, true],
      ['the same, accepted', HOUR + 1, due(HOUR + 1), true, false],
      ['31 days, nothing due', 31 * 24 * HOUR, Infinity, false, false],
      ['more than 31 days, nothing due', 31 * 24 * HOUR + 1, Infinity, false, true],
      ['a year, accepted', 365 * 24 * HOUR, due(1), true, false],
      ['back an hour', -HOUR, due(1), false, false],
    ]
  for (const [what, jumpMs, nextDueMs, accept, refused] of table) {
    const check = (): void =>
      checkTimeJump({ lastMs: NOON, wallMs: NOON + jumpMs, nextDueMs }, accept)
    if (refused) t.throws(check, TimeJumpRefused, what)
    else t.doesNotThrow(check, what)
  }
  t.doesNotThrow(() => checkTimeJump({ lastMs: -1, wallMs: NOON, nextDueMs: Infinity }, false))
  t.throws(
    () => checkTimeJump({ lastMs: NOON, wallMs: NOON + 26 * HOUR, nextDueMs: NOON }, false),
    /1 d 2 h ahead.*reservations may expire.*--accept-time-jump/,
  )
  t.throws(
    () => checkTimeJump({ lastMs: -1, wallMs: TIME_MS_MAX + 1, nextDueMs: Infinity }, true),
    TimeJumpRefused,
  )
})

function temporary(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-runtime-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

t.test('the data directory', async (t) => {
  const parent = temporary(t)
  const made = join(parent, 'a', 'b')
  prepareDataDirectory(made)
  t.equal(statSync(made).mode & 0o777, 0o700)
  const open = join(parent, 'open')
  mkdirSync(open)
  chmodSync(open, 0o755)
  prepareDataDirectory(open)
  t.equal(statSync(open).mode & 0o777, 0o700, 'an open one is closed')
  const file = join(parent, 'file')
  writeFileSync(file, '')
  t.throws(() => prepareDataDirectory(file), DataDirectoryError)
  t.throws(() => prepareDataDirectory(file), /is a file.*Choose another data directory/)
  t.throws(() => prepareDataDirectory(join(file, 'below')), DataDirectoryError)
})

function lockProcess(directory: string): ChildProcess {
  const script = new URL('./support/lock-process.js', import.meta.url)
  const command = [process.execPath, script.pathname, directory]
  return spawnPlain(command, { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function says(process: ChildProcess): Promise<string> {
  const [text] = await once(process.stdout as NodeJS.ReadableStream, 'data')
  return String(text).trim()
}

t.test('one writer to a directory', async (t) => {
  const directory = temporary(t)
  t.equal(isLocked(directory), false)
  const first = lockProcess(directory)
  t.equal(await says(first), 'locked')
  t.equal(statSync(join(directory, 'lock')).mode & 0o777, 0o600)
  t.equal(isLocked(directory), true)
  t.throws(() => lockDirectory(directory), DirectoryInUse)
  const second = lockProcess(directory)
  t.equal(await says(second), 'DirectoryInUse')
  first.kill('SIGKILL')
  await once(first, 'exit')
  t.equal(isLocked(directory), false, 'the lock died with its process')
  const lock = lockDirectory(directory)
  t.equal(isLocked(directory), true)
  t.throws(() => lockDirectory(directory), DirectoryInUse, 'nor twice in one process')
  const third = lockProcess(directory)
  t.equal(await says(third), 'DirectoryInUse', 'which did not lose it by trying')
  lock.release()
  t.equal(isLocked(directory), false)
})
