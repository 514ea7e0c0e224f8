// What the follower feeds: every frame once, in order, with the outcomes of its records; and a sink that
// fails, stands still or is too far behind holds up nobody else.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Sink, SinkFrame } from '../follower/index.ts'
import { FileStorage } from '../journal/index.ts'
import { type AccountNames, OUTCOME, readF64 } from '../protocol/index.ts'
import { listSnapshots, readSnapshotInfo } from '../snapshots/index.ts'
import {
  directoriesOf,
  openPlainJournal,
  rememberingSink,
  startFollower,
} from './support/follower.ts'
import { decodeOutcome, tokenOf } from './support/outcomes.ts'

t.setTimeout(120_000)

function temporary(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-follower-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

function snapshotsIn(dataDir: string): string[] {
  return listSnapshots(new FileStorage(directoriesOf(dataDir).snapshots))
}

t.test('sinks get every frame once, in order, with the outcomes of its records', async (t) => {
  const dataDir = temporary(t)
  const journal = openPlainJournal(dataDir)
  const sink = rememberingSink('memory')
  const running = startFollower(dataDir, { sinks: [sink] })
  journal.trade(40)
  journal.append([
    { type: 'transfer', id: 'topup', debit: 'bank', credit: 'acme', amount: 1_000_000_000 },
    { type: 'tick' },
    { type: 'reserve', id: 'too-much', debit: 'acme', credit: 'bank', amount: 2_000_000_000 },
  ])
  journal.writer.seal({ shutdown: false })
  await running.until(() => sink.stored === journal.writer.sequence)
  await running.follower.requestSnapshot()
  await running.stop()
  journal.trade(5)
  journal.writer.seal({ shutdown: false })
  const again = startFollower(dataDir, { sinks: [sink] })
  await again.until(() => sink.stored === journal.writer.sequence)
  t.match(again.follower.status().sinks, [{ name: 'memory', sequence: sink.stored }])
  await again.stop()
  journal.close()

  const names = (sink.batches[0] as (typeof sink.batches)[0]).names
  let next = 1
  let outcomes = 0
  for (const frame of sink.batches.flatMap(({ frames }) => frames)) {
    if (frame.firstSequence !== next) t.fail(`${frame.firstSequence} after ${next - 1}`)
    next += frame.count
    outcomes += checkOutcomes(t, frame, names)
  }
  t.equal(next - 1, sink.stored)
  t.ok(outcomes > 600, `${outcomes} outcomes`)
})

/** Every outcome is of the record that its token names, and they come in order. */
function checkOutcomes(t: Test, frame: SinkFrame, names: AccountNames): number {
  const { outcomes, outcomeBytes } = frame
  let count = 0
  let last = -1
  for (let at = 0; at < outcomeBytes; at += outcomes.u32[(at + OUTCOME.bytes) >>> 2] as number) {
    const token = tokenOf(outcomes, at)
    const { replayed, timeMs } = decodeOutcome(outcomes, at, names)
    const sequence = readF64(outcomes, at + OUTCOME.sequence)
    if (token <= last || token >= frame.count) t.fail(`token ${token} after ${last}`)
    if (!replayed && sequence !== frame.firstSequence + token) t.fail(`${sequence}, token ${token}`)
    if (!replayed && timeMs !== frame.timeMs) t.fail(`time ${timeMs} in a frame of ${frame.timeMs}`)
    last = token
    count++
  }
  return count
}

t.test('a sink that fails or stands still holds up nobody else', async (t) => {
  const dataDir = temporary(t)
  const journal = openPlainJournal(dataDir)
  const good = rememberingSink('good')
  const failing = rememberingSink('failing', 0, ({ lastSequence }) => {
    if (lastSequence > 1_000) throw new Error('its disk is full')
  })
  let letGo = (): void => {}
  const stuck = rememberingSink(
    'stuck',
    0,
    () =>
      new Promise<void>((resolve) => {
        letGo = resolve
      }),
  )
  journal.trade(100)
  journal.writer.seal({ shutdown: false })
  const running = startFollower(dataDir, { sinks: [failing, stuck, good], sinkHoldMs: 100 })
  await running.until(() => good.stored === journal.writer.sequence)
  await running.until(({ sinks }) => sinks[0]?.detached !== undefined)
  t.match(running.messages, [/failing is detached at sequence \d+: it failed: its disk is full/])
  t.equal((await running.follower.requestSnapshot()).sequence, journal.writer.sequence)

  // More than may wait for a sink: 33 MiB of frames of 4 KiB at least, with their outcomes.
  const room = 33 * 1_048_576
  const frames = Math.ceil(room / 6_000)
  for (let i = 0; i < frames; i++) journal.append(largest(journal.writer.sequence))
  journal.writer.seal({ shutdown: false })
  await running.until(({ sinks }) => sinks[1]?.detached !== undefined)
  t.match(running.messages.join('\n'), /stuck is detached at sequence 0: it held the follower up/)
  await running.until(() => good.stored === journal.writer.sequence)
  t.equal((await running.follower.requestSnapshot()).sequence, journal.writer.sequence)
  letGo()
  await running.stop()
  journal.close()
})

/** Commands that are refused at once, with outcomes all the same. */
function largest(sequence: number) {
  return Array.from({ length: 40 }, (_, i) => ({
    type: 'transfer' as const,
    id: `big-${sequence}-${i}`,
    debit: 'acme',
    credit: 'bank',
    amount: 2_000_000_000,
  }))
}

t.test('a sink that nothing reaches back to is detached, the others are fed', async (t) => {
  const dataDir = temporary(t)
  const journal = openPlainJournal(dataDir, 266_240)
  const first = startFollower(dataDir, { archive: 'drop' })
  for (let i = 0; i < 3; i++) {
    journal.trade(150)
    journal.writer.seal({ shutdown: false })
    await first.follower.requestSnapshot()
  }
  await first.stop()
  const [, older = ''] = snapshotsIn(dataDir)
  const { sequence } = readSnapshotInfo(new FileStorage(join(dataDir, 'snapshots')), older)
  const fresh = rememberingSink('fresh')
  const behind: Sink & { stored: number } = rememberingSink('behind', sequence)
  const second = startFollower(dataDir, { sinks: [behind] })
  await second.until(() => behind.stored === journal.writer.sequence)
  t.same(second.messages, [], 'from the older snapshot, which it can go on from')
  await second.stop()
  const third = startFollower(dataDir, { sinks: [fresh, behind] })
  await third.until(({ isLevel }) => isLevel)
  t.match(third.messages, [/fresh is detached at sequence 0: what came before .* is there no more/])
  journal.trade(1)
  journal.writer.seal({ shutdown: false })
  await third.until(() => behind.stored === journal.writer.sequence)
  t.equal(fresh.stored, 0)
  await third.stop()
  journal.close()
})
