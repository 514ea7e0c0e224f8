// holdfast inspect: accounts, reservations and records, as JSON and as columns.

import { join } from 'node:path'
import t from 'tap'
import { runCommand, startServed, temporaryDirectory } from './support/command-line.ts'

/** Every step is a process of its own, and machines are slow at times. */
t.setTimeout(180_000)

t.test('inspect: what is there, and what made it so', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  const server = await startServed(dataDir)
  t.teardown(() => server.stop('SIGKILL'))
  const pair = '"debitAccount":"bank","creditAccount":"a"'
  const lines = [
    '{"type":"open_account","id":"bank","ledger":1,"external":true}',
    '{"type":"open_account","id":"a","ledger":1,"metadata":{"name":"Anna"}}',
    `{"type":"reserve","id":"r","group":"g",${pair},"amount":9}`,
    '{"type":"settle","id":"s","reservation":"r","amount":4,"final":false}',
    '{"type":"settle_group","id":"sg","group":"g"}',
    '{"type":"release","id":"late","reservation":"r"}',
  ]
  const sent = await runCommand(['send', '-', '--url', server.url], { input: lines.join('\n') })
  t.equal(sent.exitCode, 0, sent.stderr)
  const look = async (...args: string[]) => {
    const ended = await runCommand(['inspect', ...args, '--data-dir', dataDir, '--json'])
    t.equal(ended.exitCode, 0, ended.stderr)
    return ended.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  }
  const [account] = await look('account', 'a')
  t.match(account, { id: 'a', balance: 9, incoming: 0, history: false, recordCount: 5 })
  t.strictSame(
    account.records.map(({ kind, code, moved }: Record<string, unknown>) => [kind, code, moved]),
    [
      ['open_account', 'ok', 0],
      ['reserve', 'ok', 9],
      ['settle', 'ok', 4],
      ['settle_group', 'ok', 5],
      ['release', 'already_settled', 0],
    ],
  )
  const [reservation] = await look('reservation', 'r')
  t.match(reservation, { id: 'r', state: 'settled', settled: 9, remaining: 0, recordCount: 4 })
  const journal = await look('journal', '--from', '3', '--limit', '2')
  t.strictSame(
    journal.map(({ sequence, id }) => [sequence, id]),
    [
      [3, 'a'],
      [4, 'r'],
    ],
  )
  const told = async (...args: string[]) =>
    (await runCommand(['inspect', ...args, '--data-dir', dataDir])).stdout.trimEnd().split('\n')
  const text = await told('account', 'a')
  t.match(text, [/^id +a$/, /^ledger +1$/, /^balance +9$/])
  t.notMatch(
    text.join('\n'),
    /external|frozen|creditLimit=0|timeoutMs=0|final=true/,
    'what is as it is by default',
  )
  const heading = text.findIndex((line) => line.startsWith('records that name this account; '))
  const rows = text.slice(heading + 1)
  t.match(rows, [/^sequence {2}time +kind +code +moved {2}fields$/, / open_account +ok +id=a /])
  t.equal(new Set(rows.slice(1).map((row) => row.indexOf(' id='))).size, 1, 'columns hold')
  const beyond = await runCommand(['inspect', 'journal', '--from', '9000', '--data-dir', dataDir])
  t.match(beyond, { exitCode: 0, stdout: '', stderr: /no sequence 9,000 yet: .* ends at 7\n$/ })
  const missing = await runCommand(['inspect', 'account', 'nobody', '--data-dir', dataDir])
  t.match(missing, { exitCode: 1, stderr: /there is no account nobody/ })
})

t.test(
  'inspect: the commands of modules, by their names and with what they were given',
  async (t) => {
    const dataDir = join(temporaryDirectory(t), 'data')
    const server = await startServed(dataDir)
    t.teardown(() => server.stop('SIGKILL'))
    const ask = (method: string, path: string, body: object) => {
      const headers = { 'content-type': 'application/json' }
      return fetch(`${server.url}${path}`, { method, headers, body: JSON.stringify(body) })
    }
    const tariff = { prefix: '1', ratePerMinute: 6_000, initialIncrement: 60, increment: 60 }
    t.equal((await ask('PUT', '/v1/tariffs/one', tariff)).status, 200)
    const call = { callId: 'c', customerId: 'nobody', destination: '1', mode: 'max' }
    const refused = await ask('POST', '/v1/calls', call)
    const { code } = (await refused.json()) as { code: string }
    t.equal(code, 'customer_not_found')
    t.equal((await server.stop()).exitCode, 0)
    const { stdout } = await runCommand(['inspect', 'journal', '--data-dir', dataDir])
    t.match(stdout, / configure .* modules=calls@1\n/)
    t.match(stdout, / calls\/put_tariff +ok .* input=\{.*"ratePerMinute":6000/)
    t.match(stdout, / calls\/start +customer_not_found .* input=\{.*"callId":"c"/)
    const json = await runCommand(['inspect', 'journal', '--data-dir', dataDir, '--json'])
    const records = json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    t.match(
      records.find(({ command }) => command === 'calls/start'),
      { kind: 'module', code, input: { callId: 'c', customerId: 'nobody' } },
    )
  },
)
