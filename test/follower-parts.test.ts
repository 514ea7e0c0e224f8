// Parts of the follower by themselves: when a snapshot is due, which one it does without, and the socket
// that it is asked on.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { askFollower, controlPath, FollowerRefused, listenForControl } from '../follower/index.ts'
import { Schedule } from '../follower/schedule.ts'
import { CAPACITIES_LEAST, MemoryStorage, type Storage } from '../journal/index.ts'
import { chooseSnapshots, type PassedOver } from '../snapshots/index.ts'
import { smallState, snap } from './support/snapshots.ts'

function socketPath(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-socket-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'follower.sock')
}

/** Sends `text`, and hangs up after so many lines; what came until either end did. */
function raw(path: string, text: string, lines = 1): Promise<string> {
  return new Promise((resolve) => {
    let got = ''
    const socket = connect(path, () => socket.write(text))
    socket.on('data', (part) => {
      got += part
      if (got.split('\n').length > lines) socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(got))
  })
}

t.test('snapshots have a fifth of the time at most', async (t) => {
  const schedule = new Schedule({ everyRecords: 10, everyMs: 1e9 }, 0)
  let nowMs = 0
  let busyMs = 0
  for (let round = 0; round < 100; round++) {
    const tookMs = 500 * (1 + (round % 50))
    // One in ten fails; a record comes every tenth of a second.
    while (!schedule.isDue(nowMs)) {
      nowMs += 100
      schedule.applied(1, 4_096)
    }
    nowMs += tookMs
    busyMs += tookMs
    if (round % 10 === 7) schedule.failed(nowMs, tookMs)
    else schedule.made(nowMs, tookMs)
    const untilMs = nowMs + 4 * tookMs
    t.notOk(schedule.isDue(untilMs - 1))
  }
  t.ok(busyMs / nowMs > 0.15 && busyMs / nowMs < 0.21, `${busyMs} ms of ${nowMs}`)
})

t.test('a snapshot that the disk cannot read is of no use', async (t) => {
  const snapshots = new MemoryStorage()
  const { name } = await snap(snapshots, smallState())
  for (const [code, isUseless] of [
    ['EIO', true],
    ['EMFILE', false],
  ] as const) {
    const passed: PassedOver[] = []
    const storage: Storage = Object.assign(Object.create(snapshots), {
      names: () => snapshots.names(),
      open: () => {
        throw Object.assign(new Error(`${code}: an error`), { code })
      },
    })
    const { candidates } = chooseSnapshots(storage, new MemoryStorage(), {
      capacities: CAPACITIES_LEAST,
      onPassedOver: (one) => passed.push(one),
    })
    t.same(candidates, [])
    t.same(passed, [{ name, sentence: `${name}: ${code}: an error`, isUseless }])
  }
})

t.test('the socket: requests, replies, and what is none', async (t) => {
  const path = socketPath(t)
  t.equal(await askFollower(path, 'status'), undefined, 'nobody is there')
  writeFileSync(path, 'an old one')
  let fail = false
  const control = await listenForControl(path, {
    status: () => ({ state: 'following' }),
    async snapshot() {
      if (fail) throw new Error('the disk is full')
      return { sequence: 7 }
    },
  })
  t.teardown(() => control.close())
  t.same(await askFollower(path, 'status'), { state: 'following' })
  t.same(await askFollower(path, 'snapshot'), { sequence: 7 })
  fail = true
  await t.rejects(askFollower(path, 'snapshot'), FollowerRefused)
  t.match(await raw(path, '{]\n'), /a line of JSON was expected/)
  t.match(await raw(path, '{"request":"stop"}\n'), /a request is/)
  t.match(await raw(path, 'null\n'), /a request is/)
  t.equal(await raw(path, 'x'.repeat(100_000)), '', 'a line without end is hung up on')
  t.same(await askFollower(path, 'status'), { state: 'following' }, 'it still answers')
  control.close()
  t.equal(await askFollower(path, 'status'), undefined)
  t.equal(existsSync(path), false)
  t.equal(controlPath('/tmp/x'), '/tmp/x/follower.sock')
  t.equal(controlPath(`/${'long/'.repeat(40)}`), undefined)
  t.match(
    controlPath(join(process.cwd(), 'x'.repeat(80))),
    /follower\.sock$/,
    'from here it is short',
  )
})

t.test('the lines of one caller are answered one by one, in order', async (t) => {
  const path = socketPath(t)
  let statuses = 0
  let begin = (): void => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const control = await listenForControl(path, {
    status: () => ({ status: ++statuses }),
    async snapshot() {
      begin()
      await held
      return { sequence: 7 }
    },
  })
  t.teardown(() => control.close())
  const text = '{"request":"snapshot"}\n{"request":"status"}\n'.repeat(2_000)
  const lines = raw(path, text, 4_000)
  await begun
  t.same(await askFollower(path, 'status'), { status: 1 }, 'others need not wait')
  t.equal(statuses, 1, 'the lines behind the snapshot are not looked at yet')
  release()
  t.same(
    (await lines).trim().split('\n'),
    Array.from({ length: 2_000 }, (_, n) => [
      '{"reply":{"sequence":7}}',
      `{"reply":{"status":${n + 2}}}`,
    ]).flat(),
  )
})
