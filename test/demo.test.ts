// `holdfast demo` as a process: what it finds, and that nothing is left of it, however it ends.

import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import t from 'tap'
import { callRecords } from '../cli/demo/call-records.ts'
import { fitting, money } from '../cli/demo/calls-picture.ts'
import type { Stage } from '../cli/demo/stage.ts'
import { wrapped } from '../cli/wrapped.ts'
import { errorOf } from './support/client-calls.ts'
import { COMMAND, runCommand, temporaryDirectory } from './support/command-line.ts'
import { spawnPlain } from './support/plain-process.ts'

t.setTimeout(180_000)

/** Processes that have the directory in their command lines. */
function processesOf(directory: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(directory)
    } catch {
      return false
    }
  })
}

t.test('prose is broken where a terminal ends', async (t) => {
  t.equal(wrapped('one two\nthree four\n\nfive', 9), 'one two\nthree\nfour\n\nfive')
  t.equal(wrapped('one two', 7), 'one two')
  t.equal(wrapped('a unbreakable b', 5), 'a\nunbreakable\nb')
})

t.test('amounts are shown to the last digit that is billed', async (t) => {
  t.equal(money(384_384_000), '384.384')
  t.equal(money(395_616_000), '395.616', 'both make 780')
  t.equal(money(-4_806_000), '-4.806')
  t.equal(money(1_234_000_000), '1,234.000')
})

t.test('a line has what a narrow terminal holds', async (t) => {
  const figures = [
    ['1 s', 0],
    ['starts', 1],
    ['live', 0],
    ['####', 2],
  ] as const
  t.equal(fitting(figures, Infinity), '1 s  starts  live  ####')
  t.equal(fitting(figures, 22), '1 s  starts  live', 'the bar goes first')
  t.equal(fitting(figures, 16), '1 s  live')
  t.equal(fitting(figures, 3), '1 s  live', 'the rest stays')
})

t.test('records that the views do not give are said with the reason', async (t) => {
  const reasons = [
    { code: 'views_unavailable', detail: 'Nobody keeps views.' },
    { code: 'view_behind', detail: 'The view is at 3.' },
  ]
  let reason = reasons[0]
  const server = createServer((_, reply) => {
    reply.statusCode = 503
    reply.end(JSON.stringify(reason))
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { signal } = new AbortController()
  const undos: (() => unknown)[] = []
  const defer = (undo: () => unknown): unknown => undos.push(undo)
  const stage: Stage = { directory: '', url: `http://127.0.0.1:${port}`, signal, defer }
  const said = () => errorOf(callRecords(stage, 'acme', 9, 1))
  const start = 'The calls are done, but there is no list of their records. The server answers'
  t.equal((await said()).message, `${start} views_unavailable: Nobody keeps views.`)
  reason = reasons[1]
  t.equal(
    (await said()).message,
    `${start} view_behind: The view is at 3. Views have only what other programs leave of the cores. ` +
      'Try again when those are done.',
  )
  for (const undo of undos) undo()
})

t.test('calls, to the end', async (t) => {
  const directory = temporaryDirectory(t)
  const environment = { TMPDIR: directory }
  const ended = await runCommand(['demo', 'calls', '--json'], { environment })
  t.equal(ended.exitCode, 0, ended.stderr)
  const { race, campaign, ...rest } = JSON.parse(ended.stdout)
  t.match(rest, { demo: 'calls', holds: true })
  t.match(race.holdfast, { admitted: 20, refused: 80, balance: 0 })
  t.ok(race.racy.admitted > 20, `the racy server let in ${race.racy.admitted}`)
  t.equal(race.racy.balance, (20 - race.racy.admitted) * 60_000, 'which nobody paid for')
  const { started, ended: charged, canceled, balance, paidIn } = campaign
  t.ok(campaign.liveMax >= 1_000, `${campaign.liveMax} calls at once`)
  t.ok(campaign.refused > 0, 'the money ran out before the top-up')
  t.equal(charged + canceled, started)
  t.equal(campaign.records, started)
  t.equal(campaign.recordsCharged, campaign.charged)
  t.equal(balance + campaign.charged, paidIn)
  t.match(ended.stderr, /^admitted +\d+ +20$/m)
  t.match(ended.stderr, /^ +\d+ s {2}live +[\d,]+ .*PAID IN$/m)
  t.match(ended.stderr, /the same\n.*the same\n.*the same$/m)
  t.same(readdirSync(directory), [], 'nothing is left')
  t.same(processesOf(directory), [])
})

for (const [signal, line] of [
  ['SIGINT', /^1\. /],
  ['SIGTERM', /^ +2 s {2}live/],
] as const) {
  t.test(`calls, ended by ${signal}`, async (t) => {
    const directory = temporaryDirectory(t)
    const command = [process.execPath, COMMAND, 'demo', 'calls', '--plain']
    const child = spawnPlain(command, { stdio: 'pipe' }, { TMPDIR: directory })
    t.teardown(() => child.kill('SIGKILL'))
    let stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk
    })
    const closed = once(child, 'close')
    for await (const said of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      if (line.test(said)) child.kill(signal)
    }
    t.same(await closed, [1, null])
    t.equal(stderr, 'holdfast: stopped; what was started is ended and removed\n')
    t.same(readdirSync(directory), [])
    t.same(processesOf(directory), [])
  })
}

t.test('a demonstration that there is not', async (t) => {
  t.match(await runCommand(['demo', 'call']), { exitCode: 2, stderr: /did you mean calls/ })
  const help = await runCommand(['demo', '--help'])
  t.match(help, { exitCode: 0, stdout: /100 calls at once on money for 20/ })
})
