// The follower in one process: it follows, makes snapshots that are right, retires what they stand in
// for, and stops where its state is not the journal's. Sinks are follower-sinks.test.ts's, its
// schedule and socket follower-parts.test.ts's, and its process beside a server follower-process.test.ts's.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { stateDigestOf } from '../cli/audit.ts'
import { EngineFault } from '../engine/index.ts'
import { snapshotOffline } from '../follower/index.ts'
import { Schedule } from '../follower/schedule.ts'
import { Session } from '../follower/session.ts'
import { FileStorage, segmentName, segmentNames } from '../journal/index.ts'
import { replayJournal } from '../runtime/index.ts'
import { listSnapshots, readSnapshotInfo } from '../snapshots/index.ts'
import { directoriesOf, openPlainJournal, startFollower } from './support/follower.ts'
import { openPipe } from './support/pipe.ts'
import { batch } from './support/pipe-server.ts'
import { SMALL_CAPACITIES } from './support/rings.ts'

t.setTimeout(120_000)

function temporary(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-follower-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** The state digest of a replay of everything up to a sequence. */
function replayedDigest(dataDir: string, sequence?: number): string {
  const until = sequence === undefined ? {} : { until: { sequence } }
  return stateDigestOf(replayJournal({ dataDir, ...until }).engine)
}

function snapshotsIn(dataDir: string): string[] {
  return listSnapshots(new FileStorage(directoriesOf(dataDir).snapshots))
}

t.test('snapshots are the states of a replay, wherever they are made', async (t) => {
  const dataDir = temporary(t)
  const journal = openPlainJournal(dataDir)
  const running = startFollower(dataDir)
  for (let round = 0; round < 4; round++) {
    journal.trade(30)
    const last = journal.writer.sequence
    journal.writer.seal({ shutdown: false })
    const made = await running.follower.requestSnapshot()
    t.equal(made.sequence, last, 'all that was certain is in it')
    t.equal(made.stateDigest, replayedDigest(dataDir, last))
    t.ok(made.bytes > 0)
  }
  const again = await running.follower.requestSnapshot()
  t.equal(again.sequence, journal.writer.sequence, 'nothing came: the same one')
  t.equal(snapshotsIn(dataDir).length, 2, 'two are kept')
  rmSync(join(dataDir, 'snapshots'), { recursive: true })
  const anew = await running.follower.requestSnapshot()
  t.same([anew.sequence, anew.stateDigest], [again.sequence, again.stateDigest])
  t.equal(snapshotsIn(dataDir).length, 1, 'taken away, and made again')
  const status = running.follower.status()
  t.match(status, { state: 'following', isLevel: true, behind: 0, sinks: [] })
  t.equal(status.sequence, journal.writer.sequence)

  journal.trade(3)
  const uncertain = await running.follower.requestSnapshot()
  t.ok(uncertain.sequence < journal.writer.sequence, 'the last frame is not certain without a seal')
  t.ok(uncertain.sequence > again.sequence)
  t.equal(await running.stop(), undefined)
  journal.close()
})

t.test('it goes on from a snapshot, and comes to the same', async (t) => {
  const dataDir = temporary(t)
  const journal = openPlainJournal(dataDir)
  journal.trade(50)
  journal.writer.seal({ shutdown: false })
  const first = startFollower(dataDir)
  const { sequence } = await first.follower.requestSnapshot()
  await first.stop()
  journal.trade(50)
  journal.writer.seal({ shutdown: true })
  const second = startFollower(dataDir)
  const started = await second.until(({ state }) => state === 'following')
  t.equal(started.snapshot?.sequence, sequence)
  const made = await second.follower.requestSnapshot()
  t.equal(made.sequence, journal.writer.sequence)
  t.equal(made.stateDigest, replayedDigest(dataDir))
  await second.stop()
  journal.close()
})

t.test('snapshots come by schedule, and only when something changed', async (t) => {
  const dataDir = temporary(t)
  const journal = openPlainJournal(dataDir)
  const byRecords = startFollower(dataDir, { schedule: { everyRecords: 300, everyMs: 1e9 } })
  journal.trade(40)
  journal.writer.seal({ shutdown: false })
  const status = await byRecords.until(({ snapshot }) => snapshot !== undefined)
  t.ok((status.snapshot?.sequence ?? 0) >= 300)
  await byRecords.stop()
  const before = snapshotsIn(dataDir)
  journal.trade(5)
  journal.writer.seal({ shutdown: false })

  const byTime = startFollower(dataDir, { schedule: { everyRecords: 1e9, everyMs: 50 } })
  const level = await byTime.until(({ snapshot }) => snapshot?.sequence === journal.writer.sequence)
  t.ok(level.isLevel)
  const now = snapshotsIn(dataDir)
  t.not(now[0], before[0])
  // Four times the interval without a record: no other one comes.
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.same(snapshotsIn(dataDir), now)
  await byTime.stop()
  journal.close()
})

t.test('segments that two snapshots stand in for are archived, or dropped', async (t) => {
  for (const archive of ['keep', 'drop'] as const) {
    const dataDir = temporary(t)
    const storage = new FileStorage(join(dataDir, 'journal'))
    const journal = openPlainJournal(dataDir, 266_240)
    const running = startFollower(dataDir, { archive })
    const snapshot = async () => {
      journal.trade(150)
      journal.writer.seal({ shutdown: false })
      return running.follower.requestSnapshot()
    }
    const all = (): number => journal.writer.stats.segments
    await snapshot()
    t.equal(segmentNames(storage).length, all(), 'one snapshot is not enough')
    const digests = [await snapshot(), await snapshot()]
    const [newest, older] = snapshotsIn(dataDir).map((name) =>
      readSnapshotInfo(new FileStorage(directoriesOf(dataDir).snapshots), name),
    )
    const [first = ''] = segmentNames(storage)
    const names = segmentNames(storage).concat(
      segmentNames(new FileStorage(join(dataDir, 'archive'))),
    )
    const begun = names
      .sort()
      .findLast((name) => Number.parseInt(name, 10) <= Number(older?.sequence))
    t.equal(first, begun, 'the older one begins in it')
    const archived = segmentNames(new FileStorage(join(dataDir, 'archive')))
    t.equal(archived.length, archive === 'keep' ? all() - segmentNames(storage).length : 0)
    if (archive === 'keep') t.equal(replayedDigest(dataDir, newest?.sequence), newest?.stateDigest)
    await running.stop()
    t.equal(digests[1]?.stateDigest, newest?.stateDigest)

    // From the older one: the newest is cut.
    const path = join(dataDir, 'snapshots', String(newest?.name))
    writeFileSync(path, readFileSync(path).subarray(0, 8_192))
    const again = startFollower(dataDir, { archive })
    await again.until(({ state }) => state === 'following')
    const made = await again.follower.requestSnapshot()
    t.equal(made.stateDigest, newest?.stateDigest, 'from the older one to the same state')
    t.match(again.messages.join('\n'), /passed over, and moved to quarantine: .*snapshot.*damaged/)
    t.same(readdirSync(join(dataDir, 'quarantine')), [newest?.name])
    await again.stop()
    journal.close()
  }
})

t.test('a state that is not what the journal says stops it, loudly', async (t) => {
  const dataDir = temporary(t)
  const journal = openPlainJournal(dataDir)
  journal.trade(10)
  const { sequence } = journal.writer
  journal.trade(2)
  journal.append([{ type: 'checkpoint', sequence }])
  journal.writer.seal({ shutdown: true })
  journal.close()
  const running = startFollower(dataDir)
  const error = await running.ended
  t.type(error, EngineFault)
  t.match(error, { kind: 'digest', sequence })
})

t.test('what it would have had to know has it load anew', async (t) => {
  const dataDir = temporary(t)
  const first = openPlainJournal(dataDir)
  first.trade(10)
  first.writer.seal({ shutdown: false })
  const running = startFollower(dataDir)
  await running.until(({ sequence }) => sequence === first.writer.sequence)
  first.close()

  const capacities = { ...SMALL_CAPACITIES, accountsMax: 2_048 }
  const second = openPlainJournal(dataDir, undefined, capacities)
  second.trade(10)
  second.append([{ type: 'void', sequence: 6 }])
  second.trade(1)
  second.writer.seal({ shutdown: false })
  await running.until(({ sequence }) => sequence === second.writer.sequence)
  t.match(running.messages.join('\n'), /capacities were raised: the follower loads its state anew/)
  const made = await running.follower.requestSnapshot()
  t.equal(made.stateDigest, replayedDigest(dataDir), 'without the void record')
  await running.stop()

  const third = startFollower(dataDir)
  await third.until(({ state }) => state === 'following')
  second.append([{ type: 'void', sequence: 8 }])
  second.trade(1)
  second.writer.seal({ shutdown: false })
  await third.until(({ sequence }) => sequence === second.writer.sequence)
  t.match(third.messages.join('\n'), /sequence 8 was made void: the follower loads its state anew/)
  t.match(third.messages.join('\n'), /sequence 8 was voided after it was made/)
  t.equal((await third.follower.requestSnapshot()).stateDigest, replayedDigest(dataDir))
  await third.stop()
  second.close()
})

t.test('a snapshot where nobody runs', async (t) => {
  const dataDir = temporary(t)
  const messages: string[] = []
  const options = {
    directories: directoriesOf(dataDir),
    archive: 'keep' as const,
    onMessage: (sentence: string) => messages.push(sentence),
  }
  await t.rejects(snapshotOffline(options), /holds nothing yet/)
  const journal = openPlainJournal(dataDir)
  journal.trade(20)
  journal.close()
  const made = await snapshotOffline(options)
  t.equal(made.sequence, journal.writer.sequence, 'the last frame was made certain first')
  t.equal(made.stateDigest, replayedDigest(dataDir))
  t.match(await snapshotOffline(options), { ...made, seconds: Number })
  const more = openPlainJournal(dataDir)
  more.trade(20)
  more.close()
  const later = await snapshotOffline(options)
  t.equal(later.stateDigest, replayedDigest(dataDir))
  t.same(messages, [])
})

t.test('a snapshot where nobody runs keeps what it loaded, not what is damaged', async (t) => {
  const dataDir = temporary(t)
  const messages: string[] = []
  const options = {
    directories: directoriesOf(dataDir),
    archive: 'drop' as const,
    onMessage: (sentence: string) => messages.push(sentence),
  }
  const journal = openPlainJournal(dataDir, 266_240)
  const more = async () => {
    journal.trade(150)
    journal.writer.seal({ shutdown: true })
    return snapshotOffline(options)
  }
  const loaded = await more()
  t.equal(loaded.stateDigest, replayedDigest(dataDir))
  const { sequence } = await more()
  const [damaged = '', good = ''] = snapshotsIn(dataDir)
  t.equal(Number.parseInt(damaged, 10), sequence)
  const path = join(dataDir, 'snapshots', damaged)
  const bytes = readFileSync(path)
  bytes[5_000] = (bytes[5_000] as number) ^ 4
  writeFileSync(path, bytes)

  const newest = await more()
  t.match(messages.join('\n'), /passed over, and moved to quarantine: .*damaged/)
  t.same(readdirSync(join(dataDir, 'quarantine')), [damaged])
  t.same(
    snapshotsIn(dataDir).map((name) => Number.parseInt(name, 10)),
    [newest.sequence, loaded.sequence],
  )
  rmSync(join(dataDir, 'snapshots', snapshotsIn(dataDir)[0] as string))
  t.same(snapshotsIn(dataDir), [good])
  const again = await snapshotOffline(options)
  t.match(again, { ...newest, seconds: Number }, 'the journal reaches back')
  t.not(segmentNames(new FileStorage(options.directories.journal))[0], segmentName(1))
  journal.close()
})

t.test('a snapshot that was taken away before its frame was read again', async (t) => {
  const dataDir = temporary(t)
  const snapshots = new FileStorage(directoriesOf(dataDir).snapshots)
  const journal = openPlainJournal(dataDir)
  journal.trade(20)
  journal.writer.seal({ shutdown: false })
  const first = startFollower(dataDir)
  const made = await first.follower.requestSnapshot()
  await first.stop()
  const [name = ''] = snapshotsIn(dataDir)
  const info = readSnapshotInfo(snapshots, name)
  t.equal(info.epoch, 1)
  const session = new Session({
    storages: { journal: new FileStorage(join(dataDir, 'journal')), archive: snapshots, snapshots },
    sinks: [],
    feed: { holdMs: 1, onDetached() {} },
    schedule: new Schedule({ everyRecords: 1e9, everyMs: 1e9 }, 0),
    onPassedOver: ({ sentence }) => t.fail(sentence),
  })
  rmSync(join(dataDir, 'snapshots', name))
  const { signal } = new AbortController()
  t.same(await session.writeSnapshot(0, signal), info, 'it is the same again')
  t.equal(info.stateDigest, made.stateDigest)
  await session.end(0)
  journal.close()
})

t.test('a server starts from the newest snapshot that is good', async (t) => {
  const dataDir = temporary(t)
  const options = { directories: directoriesOf(dataDir), archive: 'drop' as const, onMessage() {} }
  for (let round = 1; round <= 3; round++) {
    const pipe = await openPipe(dataDir)
    for (let n = round === 1 ? 0 : 1; n < 60; n++) await pipe.send(...ofRound(round, n))
    await pipe.stop()
    if (round < 3) await snapshotOffline(options)
  }
  const wanted = replayJournal({ dataDir })
  const start = async (...patterns: RegExp[]) => {
    const problems: string[] = []
    const pipe = await openPipe(dataDir, { onProblem: (sentence) => problems.push(sentence) })
    const { recovered } = pipe.server
    const audit = await pipe.audit()
    t.equal(audit.digest, wanted.engine.digest)
    t.same(
      problems.map((one, i) => patterns[i]?.test(one)),
      patterns.map(() => true),
      problems.join('\n'),
    )
    await pipe.stop()
    return recovered
  }
  const [newest = '', older = ''] = snapshotsIn(dataDir)
  const from = (name: string): number => Number.parseInt(name, 10)
  const first = await start()
  t.equal(first.snapshot, from(newest))
  t.equal(first.records, first.sequence - from(newest), 'what came after it, and no more')

  const path = join(dataDir, 'snapshots', newest)
  const bytes = readFileSync(path)
  bytes[5_000] = (bytes[5_000] as number) ^ 4
  writeFileSync(path, bytes)
  t.equal((await start(/passed over: .*damaged/)).snapshot, from(older), 'a flipped bit')
  writeFileSync(path, bytes.subarray(0, 9_000))
  t.equal((await start(/passed over: .*damaged/)).snapshot, from(older), 'cut')
  const foreign = temporary(t)
  const other = openPlainJournal(foreign)
  other.trade(from(newest) / 10)
  other.close()
  const made = await snapshotOffline({ ...options, directories: directoriesOf(foreign) })
  const name = snapshotsIn(foreign)[0] as string
  writeFileSync(join(dataDir, 'snapshots', name), readFileSync(join(foreign, 'snapshots', name)))
  t.ok(made.sequence > 0)
  const messages = [/./, /./].slice(0, snapshotsIn(dataDir).length - 1)
  t.equal((await start(...messages)).snapshot, from(older), 'of another journal')
  rmSync(join(dataDir, 'snapshots'), { recursive: true })
  t.equal((await start()).snapshot, undefined, 'none at all: everything is read')
})

/** The commands of one batch, with ids that no other round has. */
function ofRound(round: number, n: number) {
  if (n === 0) return batch(0)
  return batch(n).map((command) => ({
    ...command,
    id: `${round}-${command.id}`,
    ...(command.reservation === undefined
      ? {}
      : { reservation: `${round}-${command.reservation}` }),
  }))
}
