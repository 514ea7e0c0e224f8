// The main job on payment orders: sent, audited, replayed, sent again, with totals worked out by plain
// arithmetic. The real orders are sent too where they are on the machine.

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  runCommand,
  type ServedProcess,
  startServed,
  temporaryDirectory,
} from './support/command-line.ts'
import { type ExpectedTotals, makeOrders, type SentTotal, totalsOf } from './support/orders.ts'

/** Every step is a process of its own, and machines are slow at times. */
t.setTimeout(180_000)

/** The real orders, and what its README says must come of them. */
const REAL = process.env.HOLDFAST_BANK_ORDERS ?? '../shared/data/bank-orders.ndjson'
const REAL_TOTALS: ExpectedTotals = {
  accounts: 10_205,
  held: 5_532,
  refused: 939,
  settled: 4_290,
  released: 1_242,
  notFound: 939,
  toppedUp: 199_902_045,
  paidOut: 138_508_010,
}

async function sendFile(
  file: string,
  url: string,
): Promise<{ commands: number; totals: SentTotal[] }> {
  const ended = await runCommand(['send', file, '--url', url, '--json'], { cwd: process.cwd() })
  if (ended.exitCode !== 0) throw new Error(`send ended with ${ended.exitCode}: ${ended.stderr}`)
  return JSON.parse(ended.stdout)
}

async function read(server: ServedProcess, path: string) {
  const response = await fetch(`${server.url}${path}`)
  return (await response.json()) as Record<string, never>
}

async function sendAndCheck(t: Test, file: string, commands: number, expected: ExpectedTotals) {
  const dataDir = join(temporaryDirectory(t), 'data')
  const server = await startServed(dataDir)
  t.teardown(() => server.stop('SIGKILL'))

  const first = await sendFile(file, server.url)
  t.equal(first.commands, commands)
  t.strictSame(totalsOf(first.totals), expected, 'the totals')
  const left = expected.toppedUp - expected.paidOut
  const bank = await read(server, '/v1/accounts/bank')
  t.match(bank, { balance: -expected.toppedUp, held: 0, incoming: 0 })
  const audit = await read(server, '/v1/audit')
  t.match(audit, {
    accounts: expected.accounts,
    openReservations: 0,
    ledgers: [{ ledger: 203, held: 0, turnover: String(expected.toppedUp + expected.paidOut) }],
  })
  t.ok(left > 0)

  const replayed = await runCommand(['replay', '--data-dir', dataDir, '--from-start', '--json'])
  t.equal(replayed.exitCode, 0, replayed.stderr)
  const { sequence, digest, accounts, openReservations, ledgers } = JSON.parse(replayed.stdout)
  const { time: _, ...shown } = audit as Record<string, unknown>
  t.strictSame({ sequence, digest, accounts, openReservations, ledgers }, shown)

  const second = await sendFile(file, server.url)
  t.ok(
    second.totals.every((total) => total.count === 0 && total.moved === 0),
    'sent again, nothing is decided anew',
  )
  t.strictSame(totalsOf(second.totals), expected, 'and every first outcome comes again')
  const after = await read(server, '/v1/accounts/bank')
  t.match(after, { balance: -expected.toppedUp, held: 0, incoming: 0 })

  const ended = await server.stop('SIGTERM')
  t.equal(ended.exitCode, 0, ended.stderr)
  const verified = await runCommand(['verify', '--data-dir', dataDir, '--json'])
  t.equal(verified.exitCode, 0, verified.stderr)
}

t.test('orders from a seed', async (t) => {
  const { ndjson, commands, expected } = makeOrders(700, 20)
  t.ok(expected.refused > 50 && expected.released > 50, 'the orders are of all sorts')
  const file = join(temporaryDirectory(t), 'orders.ndjson')
  writeFileSync(file, ndjson)
  await sendAndCheck(t, file, commands, expected)
})

// The orders from a seed are of the same shape, so that nothing is left untested without these.
if (existsSync(REAL)) {
  t.test('the real orders', async (t) => sendAndCheck(t, REAL, 26_905, REAL_TOTALS))
} else t.comment(`the real orders are not at ${REAL}: HOLDFAST_BANK_ORDERS names them`)

t.test('lines that are not valid are named, and the rest is sent', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  const server = await startServed(dataDir)
  t.teardown(() => server.stop('SIGKILL'))
  const long = `{"type":"open_account","id":"${'x'.repeat(1_200_000)}","ledger":1}`
  const lines = [
    '{"type":"open_account","id":"bank","ledger":1,"external":true}',
    'not json',
    '[1]',
    '{"id":"a"}',
    '{"type":"reserv","id":"a"}',
    '{"type":"open_account","id":"a","ledger":1.5}',
    '',
    '{"type":"open_account","id":"a","ledger":1}',
    '{"type":"transfer","id":"t","debitAccount":"bank","creditAccount":"a","amount":1e400}',
    '{"type":"transfer","id":"t","debitAccount":"bank","creditAccount":"a","amount":5.0}',
    long,
    '{"type":"transfer","id":"t","debitAccount":"bank","creditAccount":"a","amount":5,"x":1}',
    '{"type":"transfer","id":"t","id":"u","debitAccount":"bank","creditAccount":"a","amount":5}',
    '{"type":"transfer","id":"t","debitAccount":"bank","creditAccount":"a","amount":5}',
    '{"type":"transfer","id":"u","debitAccount":"a","creditAccount":"bank","amount":6}',
  ]
  const args = ['send', '-', '--url', server.url, '--json']
  const ended = await runCommand(args, { input: lines.join('\n') })
  t.equal(ended.exitCode, 1)
  const named = [...ended.stderr.matchAll(/^line (\d+): (.+)$/gm)]
  t.strictSame(
    named.map(([, line]) => Number(line)).sort((a, b) => a - b),
    [2, 3, 4, 5, 6, 9, 10, 11, 12, 13],
    ended.stderr,
  )
  const reasons = Object.fromEntries(named.map(([, line, reason]) => [line, reason]))
  t.match(reasons[2], 'not JSON')
  t.match(reasons[5], 'unknown type "reserv"; did you mean reserve?')
  t.match(reasons[6], 'ledger')
  t.match(reasons[11], 'bytes long')
  t.match(JSON.parse(ended.stdout), {
    commands: 4,
    invalid: 10,
    totals: [
      { type: 'open_account', code: 'ok', count: 2 },
      { type: 'transfer', code: 'ok', count: 1, moved: 5 },
      { type: 'transfer', code: 'insufficient_funds', count: 1, moved: 0 },
    ],
  })
  t.match(await read(server, '/v1/accounts/a'), { balance: 5 })
  const table = await runCommand(['send', '-', '--url', server.url], { input: lines[0] as string })
  t.equal(table.exitCode, 0)
  t.match(table.stdout, /accounts opened +1/)
})
