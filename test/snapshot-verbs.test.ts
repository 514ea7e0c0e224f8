// Snapshots and the verbs that look at a journal: where a replay begins, what verify finds, what void
// sets aside. The journal is written here; the verbs are processes of their own.

import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FileStorage } from '../journal/index.ts'
import { listSnapshots, readSnapshotInfo, snapshotName, writeSnapshot } from '../snapshots/index.ts'
import { runCommand, temporaryDirectory } from './support/command-line.ts'
import type { Command } from './support/commands.ts'
import type { EngineSubject } from './support/engine-subject.ts'
import { configure, emptySubject, SMALL_RECORDS, STATE_CAPACITIES } from './support/snapshots.ts'
import { appendFrames } from './support/written-journal.ts'

/** A data directory, and the engine that decided its journal live. */
interface Made {
  readonly dataDir: string
  readonly subject: EngineSubject
  readonly snapshots: FileStorage
  /** Runs a verb with `--json` that is to end with `exitCode`; gives back its line and its stderr. */
  run(verb: string, args?: readonly string[], exitCode?: number): Promise<Said>
}

interface Said {
  readonly json: Record<string, unknown>
  readonly stderr: string
}

function make(t: Test): Made {
  const dataDir = temporaryDirectory(t)
  return {
    dataDir,
    subject: emptySubject(),
    snapshots: new FileStorage(join(dataDir, 'snapshots')),
    async run(verb, args = [], exitCode = 0) {
      const json = verb === 'void' ? [] : ['--json']
      const ended = await runCommand([verb, ...args, '--data-dir', dataDir, ...json])
      t.equal(ended.exitCode, exitCode, `${verb} ${args.join(' ')}: ${ended.stderr}`)
      return { json: JSON.parse(ended.stdout || '{}'), stderr: ended.stderr }
    },
  }
}

/** Frames of one transfer and one reserve each, so that many sequences are a frame's last. */
function more(from: number, frames: number): Command[][] {
  const pair = { debit: 'bank', credit: 'acme' }
  return Array.from({ length: frames }, (_, n): Command[] => [
    { type: 'transfer', id: `more-${from + n}`, ...pair, amount: 7 },
    { type: 'reserve', id: `held-${from + n}`, ...pair, amount: 1, timeoutMs: 3 },
  ])
}

/** Two snapshots with frames before, between and behind them; gives back their sequences. */
async function makeTwo(
  t: Test,
  made: Made,
  segmentBytes?: number,
): Promise<readonly [number, number]> {
  const { dataDir, subject, run } = made
  const sequences: number[] = []
  const first = [[configure(STATE_CAPACITIES)], SMALL_RECORDS, ...more(0, 3)]
  for (const frames of [first, more(10, 3)]) {
    appendFrames(dataDir, subject, frames, segmentBytes)
    const { json } = await run('snapshot')
    t.equal(json.sequence, subject.sequence)
    sequences.push(subject.sequence)
  }
  appendFrames(dataDir, subject, more(20, 3), segmentBytes)
  return [sequences[0] as number, sequences[1] as number]
}

/** Everything in one segment: nothing is archived. */
const ONE_SEGMENT = 1_048_576

t.test('a replay begins with the newest snapshot that serves', async (t) => {
  const made = make(t)
  const { run, subject, snapshots } = made
  const [first, second] = await makeTwo(t, made)
  const states = async (args: readonly string[], begun: RegExp | undefined) => {
    const [short, whole] = [
      await run('replay', args),
      await run('replay', [...args, '--from-start']),
    ]
    const facts = ({ json }: Said) => {
      const { seconds: _, commandsPerSecond: __, commandsReplayed: ___, ...rest } = json
      return rest
    }
    t.same(facts(short), facts(whole), `${args}`)
    if (begun !== undefined) t.match(short.stderr, begun)
    t.notMatch(whole.stderr, /snapshot/)
    return short.json
  }
  const all = await states([], new RegExp(`began with the snapshot at ${second}\n`))
  t.equal(all.digest, subject.digest(), 'and it is what the engine came to live')
  t.equal(all.commands, subject.engine.commandCount)
  const between = await states(['--until', `${second - 1}`], new RegExp(`snapshot at ${first}\n`))
  t.equal(between.sequence, second - 1)
  t.equal((await states(['--until', `${second}`], /./)).sequence, second)
  t.notMatch((await run('replay', ['--until', `${first - 1}`])).stderr, /snapshot/)

  flip(made, second, 6_000)
  const passed = await run('replay')
  t.match(passed.stderr, `passed over: the snapshot ${snapshotName(second)} is damaged at offset`)
  t.match(passed.stderr, `began with the snapshot at ${first}\n`)
  t.equal(passed.json.stateDigest, all.stateDigest)
  snapshots.remove(snapshotName(first))
  snapshots.remove(snapshotName(second))
  t.notMatch((await run('replay')).stderr, /snapshot/)
})

/** Damages one bit of a snapshot. */
function flip({ dataDir }: Made, sequence: number, at: number): void {
  const path = join(dataDir, 'snapshots', snapshotName(sequence))
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] as number) ^ 16
  writeFileSync(path, bytes)
}

t.test('verify holds every snapshot against the replay', async (t) => {
  const made = make(t)
  const { run, dataDir, snapshots } = made
  const [first, second] = await makeTwo(t, made)
  t.same((await run('verify')).json.snapshots, [first, second])

  const odd = join(dataDir, 'snapshots', snapshotName(second + 1))
  mkdirSync(odd)
  t.match((await run('verify')).stderr, `${snapshotName(second + 1)} cannot be read: EISDIR`)
  rmdirSync(odd)

  // Whole, and the state of another journal's engine.
  const info = readSnapshotInfo(snapshots, snapshotName(second))
  const other = emptySubject()
  const elsewhere = temporaryDirectory(t)
  appendFrames(elsewhere, other, [[configure(STATE_CAPACITIES)], SMALL_RECORDS, ...more(50, 6)])
  t.equal(other.sequence, second)
  await writeSnapshot(snapshots, other.engine, info)
  const lying = await run('verify', [], 3)
  t.match(lying.stderr, `${snapshotName(second)} holds another state than the replay came to`)
  t.match(lying.stderr, /1 snapshot of no use; the journal is sound/)

  flip(made, second, 5_000)
  t.match((await run('verify', [], 3)).stderr, /is damaged at offset 4100: chunk 0 has a wrong/)
  snapshots.remove(snapshotName(second))
  other.apply({ timeMs: other.engine.timeMs, records: Array(40).fill({ type: 'tick' }) })
  await writeSnapshot(snapshots, other.engine, info)
  const late = await run('verify', [], 3)
  t.match(late.stderr, /is later than the journal, which ends at/)
  snapshots.remove(snapshotName(other.sequence))

  // The journal's first segments are gone for good.
  t.ok(readdirSync(join(dataDir, 'archive')).length > 0, 'segments were archived')
  rmSync(join(dataDir, 'archive'), { recursive: true })
  const rest = await run('verify')
  t.match(rest.stderr, `the journal before ${first} is gone: began with the snapshot there`)
  t.same(rest.json.snapshots, [first])
  const gone = new RegExp(
    `the journal before sequence ${first} is gone .* end at ${first} or later`,
  )
  t.match((await run('replay', ['--from-start'], 1)).stderr, gone)
  t.match((await run('replay', ['--until', '1'], 1)).stderr, gone)
  const inspected = await run('inspect', ['account', 'acme'])
  t.equal(inspected.json.balance, made.subject.account('acme')?.balance)
  t.match(inspected.stderr, 'began with the snapshot there')
  // Nothing is left to begin with: that is damage.
  snapshots.remove(snapshotName(first))
  t.match((await run('replay', ['--from-start'], 3)).stderr, /the journal is damaged/)
})

t.test('void sets aside the snapshots that have its effect', async (t) => {
  const made = make(t)
  const { run, dataDir, snapshots, subject } = made
  const [first, second] = await makeTwo(t, made, ONE_SEGMENT)
  const balance = subject.account('acme')?.balance as number
  const refused = await run('void', [`${first + 500}`], 1)
  t.match(refused.stderr, /there is no sequence/)
  t.same(listSnapshots(snapshots), [snapshotName(second), snapshotName(first)], 'nothing was moved')
  const { stderr } = await run('void', [`${second - 1}`])
  t.match(stderr, `${snapshotName(second)} had its effect, and is in quarantine/ now`)
  t.same(listSnapshots(snapshots), [snapshotName(first)])
  t.ok(readdirSync(join(dataDir, 'quarantine')).includes(snapshotName(second)))
  const [short, whole] = [await run('replay'), await run('replay', ['--from-start'])]
  t.match(short.stderr, `began with the snapshot at ${first}\n`)
  t.equal(short.json.commands, whole.json.commands)
  t.equal(whole.json.commandsReplayed, whole.json.commands)
  t.ok(Number(short.json.commandsReplayed) < Number(short.json.commands), 'what came behind it')
  t.equal(short.json.stateDigest, whole.json.stateDigest)
  t.same((await run('verify')).json.snapshots, [first])
  const account = await runCommand(['inspect', 'account', 'acme', '--data-dir', dataDir, '--json'])
  t.equal(JSON.parse(account.stdout).balance, balance - 7, 'a transfer of 7 is gone')

  // One that came back from somewhere: it does not know of the void.
  const quarantined = join(dataDir, 'quarantine', snapshotName(second))
  writeFileSync(join(dataDir, 'snapshots', snapshotName(second)), readFileSync(quarantined))
  const again = await run('replay')
  t.match(again.stderr, `passed over: the snapshot ${snapshotName(second)} is damaged`)
  t.match(again.stderr, `sequence ${second - 1} was voided after it was made`)
  t.equal(again.json.stateDigest, whole.json.stateDigest)
  t.match((await run('verify', [], 3)).stderr, /holds another state|does not know that/)
})

t.test('void refuses where nothing would be left to go on from', async (t) => {
  const made = make(t)
  const { run, dataDir, snapshots } = made
  const [first, second] = await makeTwo(t, made)
  const names = readdirSync(join(dataDir, 'journal'))
  const { stderr } = await run('void', [`${first - 1}`], 1)
  t.match(
    stderr,
    /no good snapshot before sequence \d+ to go on from without it: move the segments/,
  )
  t.same(readdirSync(join(dataDir, 'journal')), names)
  t.same(listSnapshots(snapshots), [snapshotName(second), snapshotName(first)])
  flip(made, first, 6_000)
  t.match((await run('void', [`${second - 1}`], 1)).stderr, /no good snapshot before/)
  flip(made, first, 6_000)
  await run('void', [`${second - 1}`])
  t.same(listSnapshots(snapshots), [snapshotName(first)])
  const [short, whole] = [await run('replay'), await run('replay', ['--from-start'])]
  t.equal(short.json.stateDigest, whole.json.stateDigest)
})
