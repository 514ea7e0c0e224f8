// The threads together, from a submitted record to its outcome, without HTTP: serving, stopping,
// recovering, failing.

import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { EngineFault } from '../engine/index.ts'
import {
  FileStorage,
  JournalDamage,
  JournalReader,
  JournalWriter,
  scanHeaders,
  segmentNames,
} from '../journal/index.ts'
import { allocateWords, FRAME, FRAME_FLAG } from '../protocol/index.ts'
import { DirectoryInUse, isLocked, replayJournal, TimeJumpRefused } from '../runtime/index.ts'
import type { Command, Frame } from './support/commands.ts'
import { encodeFrame } from './support/frames.ts'
import { openPipe, openPipes, type Pipe } from './support/pipe.ts'
import { batch } from './support/pipe-server.ts'
import { spawnPlain } from './support/plain-process.ts'
import { SMALL_CAPACITIES } from './support/rings.ts'

function temporary(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-pipeline-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const reserve = (id: string, more: Partial<Command> = {}): Command => ({
  type: 'reserve',
  id,
  debit: 'acme',
  credit: 'bank',
  amount: 100,
  ...more,
})

t.test('a command goes all the way, and a start finds it again', async (t) => {
  const dataDir = temporary(t)
  const first = await openPipe(dataDir)
  t.equal(first.server.recovered.sequence, 0)
  t.same(first.server.gateways.length, 1)
  const { all, ...tables } = first.server.reservedBytes.tables
  t.ok(all > 0)
  t.equal(
    Object.values(tables).reduce((sum, bytes) => sum + bytes, 0),
    all,
  )
  const opened = await first.send(...batch(0))
  t.same(
    opened.map(({ code, sequence }) => [code, sequence]),
    [
      ['ok', 2],
      ['ok', 3],
      ['ok', 4],
    ],
    'after the configure record',
  )
  const [granted] = await first.send(reserve('call-1', { timeoutMs: 3_600_000 }))
  t.match(granted, { code: 'ok', moved: 100, reservation: { state: 'held' } })
  const [again] = await first.send(reserve('call-1', { timeoutMs: 3_600_000 }))
  t.match(again, { replayed: true, sequence: granted?.sequence })
  const audit = await first.audit()
  t.match(audit, { accounts: 2, openReservations: 1 })
  await t.rejects(openPipe(dataDir), DirectoryInUse)
  const live = replayJournal({ dataDir })
  t.equal(live.engine.digest, audit.digest, 'replayed beside the server')
  await first.stop()
  t.equal(isLocked(dataDir), false)
  t.equal(scanHeaders(new FileStorage(join(dataDir, 'journal'))).shutdown, true)

  const second = await openPipe(dataDir)
  t.match(second.server.recovered, { sequence: live.engine.sequence, quarantined: undefined })
  t.equal((await second.audit()).digest, audit.digest, 'the same state')
  const [known] = await second.send(reserve('call-1', { timeoutMs: 3_600_000 }))
  t.match(known, { replayed: true, sequence: granted?.sequence, moved: 100 })
  t.match(await second.look(), { state: 'serving', stats: { engine_outcomes_dropped_total: 0 } })
  await second.stop()
})

t.test('frames are sealed when idle, once', async (t) => {
  const dataDir = temporary(t)
  const pipe = await openPipe(dataDir)
  const flagsOf = (): number[] => {
    const flags: number[] = []
    scanHeaders(new FileStorage(join(dataDir, 'journal')), (frame) => flags.push(frame.flags))
    return flags
  }
  await pipe.send(...batch(0))
  while (flagsOf().at(-1) !== FRAME_FLAG.seal) await new Promise(setImmediate)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const flags = flagsOf()
  t.equal(flags[0], FRAME_FLAG.configure)
  t.equal(flags.filter((flag) => flag === FRAME_FLAG.seal).length <= 2, true, `${flags}`)
  const before = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, 500))
  const { user, system } = process.cpuUsage(before)
  t.ok(user + system < 50_000, `${(user + system) / 1_000} ms of CPU in 500 ms without work`)
  await pipe.stop()
  t.equal(flagsOf().at(-1), FRAME_FLAG.seal | FRAME_FLAG.shutdown)
})

t.test('what is due expires by a tick, while nothing else happens', async (t) => {
  const pipe = await openPipe(temporary(t))
  await pipe.send(...batch(0), reserve('short', { timeoutMs: 30 }))
  while ((await pipe.audit()).openReservations > 0) await new Promise(setImmediate)
  const [settled] = await pipe.send({ type: 'settle', id: 's', reservation: 'short' })
  t.match(settled, { code: 'already_expired', reservation: { state: 'expired', released: 100 } })
  const { stats } = await pipe.look()
  // What the engine says is due is a lower bound, so that a tick may come in vain now and then.
  const ticks = stats.journal_ticks_total as number
  t.ok(ticks >= 1 && ticks <= 3, `${ticks} ticks`)
  await pipe.stop()
})

t.test('a test clock moves by ticks alone', async (t) => {
  const dataDir = temporary(t)
  const pipe = await openPipe(dataDir, { testClock: true })
  const [opened] = await pipe.send(...batch(0))
  const startMs = opened?.timeMs as number
  await pipe.send(reserve('a', { timeoutMs: 86_400_000 }))
  await new Promise((resolve) => setTimeout(resolve, 30))
  t.equal((await pipe.advance(86_399_999)).timeMs, startMs + 86_399_999)
  t.equal((await pipe.audit()).openReservations, 1)
  const [both] = await Promise.all([pipe.advance(1), pipe.send(reserve('b'))])
  t.equal(both.timeMs, startMs + 86_400_000)
  t.equal((await pipe.audit()).openReservations, 1, 'a has expired, b is held')
  await pipe.stop()
  const again = await openPipe(dataDir, { testClock: true })
  t.equal((await again.advance(0)).timeMs, startMs + 86_400_000, 'from the last frame on')
  await again.stop()
})

t.test('frames under load keep chains whole and carry checkpoints', async (t) => {
  const dataDir = temporary(t)
  const pipe = await openPipe(dataDir)
  await pipe.send(...batch(0))
  const chain = (n: number): Command[] =>
    Array.from({ length: 200 }, (_, i) => reserve(`c-${n}-${i}`, { linked: i < 199 }))
  for (let round = 0; round < 80; round++) {
    const sends = Array.from({ length: 3 }, (_, i) => pipe.send(...chain(round * 3 + i)))
    for (const outcomes of await Promise.all(sends)) {
      const bad = outcomes.find(({ code }) => code !== 'ok')
      if (bad !== undefined) t.fail(`a member answered ${bad.code}`)
    }
  }
  const audit = await pipe.audit()
  t.equal(audit.openReservations, 48_000)
  const { stats } = await pipe.look()
  t.ok((stats.journal_checkpoints_total as number) > 0)
  t.equal(stats.engine_outcomes_dropped_total, 0)
  await pipe.stop()
  const replay = replayJournal({ dataDir })
  t.equal(replay.engine.digest, audit.digest)
  t.ok(replay.engine.checkpointsCompared > 0, `${replay.engine.checkpointsCompared} compared`)
  t.same(replay.engine.checkInvariants(), [])
  const again = await openPipe(dataDir)
  t.equal((await again.audit()).digest, audit.digest, 'through the ring, which is smaller than it')
  await again.stop()
  const half = replayJournal({ dataDir, until: { sequence: 10_000 } })
  t.ok(half.engine.sequence <= 10_000 && half.engine.sequence > 9_799, 'cut before a chain')
  t.ok(readdirSync(join(dataDir, 'journal')).length > 2, 'over several segments')
})

t.test('smaller capacities are in force after a start, larger ones are replayed', async (t) => {
  const dataDir = temporary(t)
  const first = await openPipe(dataDir)
  await first.send(...batch(0))
  const { digest } = await first.audit()
  await first.stop()
  const second = await openPipe(dataDir, { capacities: { ...SMALL_CAPACITIES, accountsMax: 2 } })
  t.equal((await second.audit()).digest, digest)
  const [refused] = await second.send({ type: 'open_account', id: 'one-more', ledger: 1 })
  t.equal(refused?.code, 'accounts_full')
  await second.stop()
})

t.test('two gateways each get their own outcomes, in order', async (t) => {
  const pipes = await openPipes(temporary(t), 2)
  const [first, second] = pipes as [Pipe, Pipe]
  await first.send(...batch(0))
  const rounds = Array.from({ length: 50 }, (_, n) =>
    pipes.map(async (pipe, slot) => {
      const commands = Array.from({ length: 40 }, (_, i) => reserve(`${slot}-${n}-${i}`))
      const outcomes = await pipe.send(...commands)
      return outcomes.map(({ sequence }) => sequence)
    }),
  )
  for (const [slot] of pipes.entries()) {
    const sequences = (await Promise.all(rounds.map((round) => round[slot]))).flat() as number[]
    t.equal(sequences.length, 2_000)
    t.same(
      sequences,
      sequences.toSorted((a, b) => a - b),
    )
  }
  const told = second.failure
  first.harm('crash')
  t.match(await told, /gateway 0 thread failed: the test wanted/)
  await t.rejects(second.stop())
  await t.rejects(first.stop())
})

t.test('a stop under load leaves nothing unknown', async (t) => {
  const dataDir = temporary(t)
  const pipe = await openPipe(dataDir)
  await pipe.send(...batch(0))
  const sends = Array.from({ length: 200 }, (_, n) => pipe.send(...batch(n + 1)))
  await sends[0]
  const stopped = pipe.stop()
  t.equal(pipe.server.stop(), pipe.server.stop(), 'once')
  let commands = 0
  for (const outcomes of await Promise.all(sends)) {
    for (const { code } of outcomes) if (code === 'ok') commands++
  }
  t.equal(commands, 4_000)
  await stopped
  const replay = replayJournal({ dataDir })
  t.equal(replay.engine.commandCount, 4_003)
  t.equal(replay.end?.shutdown, true)
})

/** A journal of one frame for each list of records, the first at `timeMs`. */
function writeJournal(dataDir: string, timeMs: number, frames: readonly Frame['records'][]): void {
  const storage = new FileStorage(join(dataDir, 'journal'))
  const quarantine = new FileStorage(join(dataDir, 'quarantine'))
  const reader = new JournalReader(storage, { mode: 'recover', quarantine })
  while (reader.next({ words: allocateWords(0), claim: () => 0 }) > 0);
  const boot = new Uint8Array(16)
  const writer = new JournalWriter(storage, reader.end, { boot, segmentBytes: 1_048_576 })
  for (const records of frames) {
    const words = encodeFrame({ timeMs, records }, writer.sequence + 1)
    const flags =
      (records.some(({ type }) => type === 'configure') ? FRAME_FLAG.configure : 0) |
      (records.some(({ type }) => type === 'void') ? FRAME_FLAG.void : 0)
    const payloadBytes = words.u32[FRAME.payloadBytes >>> 2] as number
    writer.append(words, 0, { payloadBytes, count: records.length, timeMs, flags })
  }
  writer.close()
}

const configure = { type: 'configure', capacities: SMALL_CAPACITIES } as const

t.test('a start that must not be says why, and leaves the lock', async (t) => {
  const hours = 3_600_000
  const nowMs = Date.now()
  const cases: [what: string, frames: Frame['records'][], ageMs: number, type: unknown][] = [
    [
      'a jump over what is due',
      [[configure, ...batch(0), reserve('r', { timeoutMs: hours })]],
      2 * hours,
      TimeJumpRefused,
    ],
    [
      'another digest',
      [[configure, ...batch(0)], [{ type: 'checkpoint', sequence: 4 }]],
      0,
      EngineFault,
    ],
  ]
  for (const [what, frames, ageMs, type] of cases) {
    const dataDir = temporary(t)
    writeJournal(dataDir, nowMs - ageMs, frames)
    const error = await openPipe(dataDir).catch((reason) => reason)
    t.type(error, type as new () => Error, what)
    t.equal(isLocked(dataDir), false)
  }
  const dataDir = temporary(t)
  writeJournal(dataDir, nowMs, [[configure], batch(0), [reserve('a')]])
  const [segment] = segmentNames(new FileStorage(join(dataDir, 'journal')))
  const path = join(dataDir, 'journal', segment as string)
  const bytes = readFileSync(path)
  // In the second of three frames of 4 KiB, behind the segment's head.
  bytes[3 * 4_096 - 1_000] = 1
  writeFileSync(path, bytes)
  const error = await openPipe(dataDir).catch((reason) => reason)
  t.type(error, JournalDamage)
  t.match(error, { name: 'JournalDamage', file: segment, offset: 8_192, sequence: 2 })
})

t.test('a jump that is accepted expires what is due', async (t) => {
  const dataDir = temporary(t)
  const commands = [configure, ...batch(0), reserve('r', { timeoutMs: 3_600_000 })]
  writeJournal(dataDir, Date.now() - 7_200_000, [commands])
  const pipe = await openPipe(dataDir, { acceptTimeJump: true })
  t.equal((await pipe.audit()).openReservations, 0)
  await pipe.stop()
})

t.test('a start can be given up', async (t) => {
  const dataDir = temporary(t)
  const signal = AbortSignal.abort()
  await t.rejects(openPipe(dataDir, { signal }), { name: 'StartAborted' })
  t.equal(isLocked(dataDir), false)
  const given = new AbortController()
  const pipe = await openPipe(dataDir, { signal: given.signal })
  given.abort()
  t.equal((await pipe.send(...batch(0))).length, 3, 'too late')
  await pipe.stop()
})

t.test('a voided record is skipped by every start', async (t) => {
  const dataDir = temporary(t)
  writeJournal(dataDir, Date.now(), [[configure], batch(0), [{ type: 'void', sequence: 4 }]])
  const pipe = await openPipe(dataDir)
  const [refused] = await pipe.send(reserve('r'))
  t.match(refused, { code: 'insufficient_funds' }, 'the top-up is void')
  await pipe.stop()
  t.same([...replayJournal({ dataDir }).voids], [4])
})

/** Runs the server process; every acknowledged batch until it ended, and how it ended. */
async function runUntilItEnds(command: readonly string[], kill?: number) {
  const child = spawnPlain(command, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    lines.push(line)
    if (lines.length === kill) child.kill('SIGKILL')
  })
  const [code, signal] = await once(child, 'close')
  const acknowledged = lines.filter((line) => /^\d+$/.test(line)).length
  // What was certain before the failure may be acknowledged behind the line that tells of it.
  const failure = lines.find((line) => line.startsWith('failed'))
  return { code, signal, acknowledged, failure }
}

/** Starts again: every acknowledged batch must be known. */
async function assertKnown(t: Test, dataDir: string, acknowledged: number): Promise<void> {
  const pipe = await openPipe(dataDir)
  const { digest } = await pipe.audit()
  for (let n = 0; n < acknowledged; n++) {
    for (const { code, replayed } of await pipe.send(...batch(n))) {
      if (code !== 'ok' || !replayed) t.fail(`batch ${n} was acknowledged, and is not known`)
    }
  }
  t.ok(acknowledged > 0, `${acknowledged} batches are known`)
  await pipe.stop()
  t.not(digest, undefined)
  t.same(replayJournal({ dataDir }).engine.checkInvariants(), [])
}

const SERVER = new URL('./support/pipe-server.js', import.meta.url).pathname

t.test('nothing acknowledged is lost by kill -9', async (t) => {
  for (const kill of [1, 7, 40, 111]) {
    const dataDir = temporary(t)
    const ended = await runUntilItEnds([process.execPath, SERVER, dataDir], kill)
    t.equal(ended.signal, 'SIGKILL')
    await assertKnown(t, dataDir, ended.acknowledged)
  }
})

t.test('a sync that fails is the last: exit 1, and nothing of it was acknowledged', async (t) => {
  for (const fault of ['fdatasync:error=EIO:when=30+', 'pwrite64:error=ENOSPC:when=40+']) {
    const call = fault.split(':')[0] as string
    const dataDir = temporary(t)
    const trace = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${fault}`]
    const ended = await runUntilItEnds(['strace', ...trace, process.execPath, SERVER, dataDir])
    t.equal(ended.code, 1, fault)
    t.match(ended.failure, /^failed JournalPoisoned/)
    await assertKnown(t, dataDir, ended.acknowledged)
  }
})

t.test('a thread that dies takes the server with it, and gateways are told', async (t) => {
  const pipe = await openPipe(temporary(t), { gateways: 1 })
  await pipe.send(...batch(0))
  pipe.harm('crash')
  const error = await pipe.server.failed
  t.match(error.message, /wanted this gateway to crash/)
  await t.rejects(pipe.stop(), error)
})

t.test('a gateway that queues no commands is cut off', async (t) => {
  const problems: string[] = []
  const pipe = await openPipe(temporary(t), { onProblem: (sentence) => problems.push(sentence) })
  await pipe.send(...batch(0))
  pipe.harm('garbage')
  t.match(await pipe.failure, /cut off/)
  t.match((await pipe.server.failed).message, /kind 16/)
  t.equal(problems.length, 1)
  await t.rejects(pipe.stop())
})
