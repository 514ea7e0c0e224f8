// The command line: exit codes, help, messages that say what to do. The configuration is in
// cli-config.test.ts, inspect in cli-inspect.test.ts, what the verbs make of orders in
// bank-orders.test.ts, what they make of crashes in crash.test.ts.

import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { nodeFault } from '../cli/node-version.ts'
import { runCommand, SMALL, startServed, temporaryDirectory } from './support/command-line.ts'

/** Every step is a process of its own, and machines are slow at times. */
t.setTimeout(180_000)

/** Runs a command without root's power to read what is closed; for other users nothing changes. */
const WITHOUT_POWERS =
  process.getuid?.() === 0
    ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all', '--']
    : []

const VERBS =
  'serve follow send replay verify inspect snapshot status void bench demo config'.split(' ')

const isLong = (line: string): boolean => line.length > 80

t.test('help, usage and version', async (t) => {
  const help = await runCommand(['--help'])
  t.equal(help.exitCode, 0)
  for (const verb of VERBS) {
    t.match(help.stdout, new RegExp(`^  ${verb} `, 'm'))
    const one = await runCommand(['help', verb])
    t.equal(one.exitCode, 0)
    t.match(one.stdout, `holdfast ${verb}`, `${verb} has its help`)
    t.same(one.stdout.split('\n').filter(isLong), [], `${verb}'s help is 80 columns wide`)
  }
  t.same(help.stdout.split('\n').filter(isLong), [])
  const wrong: readonly (readonly [args: string[], message: RegExp])[] = [
    [[], /Usage: holdfast/],
    [['serv'], /unknown command 'serv'[\s\S]*serve/],
    [['replay', '--datadir', 'x'], /unknown option '--datadir'[\s\S]*--data-dir/],
    [
      ['replay', '--until', 'tomorrow'],
      /^holdfast: 'tomorrow' is not a valid value for --until .*\. A sequence or a time/,
    ],
    [['replay', '--until', '0'], /A sequence is a whole number from 1/],
    [['void', 'x'], /^holdfast: 'x' is not a valid sequence\. A sequence is a whole number from 1/],
    [
      ['serve', '--modules', './p2/rules.js'],
      /rules\.js is a file of .*: name the folder, \.\/p2$/m,
    ],
    [['send'], /missing required argument 'file'/],
    [['bench', 'enginee'], /no benchmark is called enginee; did you mean engine\?/],
    [['inspect', 'acount', 'x', '--data-dir', '/nowhere'], /did you mean account\?/],
    [['serve', '--listen', 'nowhere'], /--listen nowhere is not HOST:PORT/],
    [['send', '-', '--url', 'nowhere'], /--url nowhere is not a server's address/],
    [['send', '-', '--url', 'ftp://x'], /--url ftp:\/\/x is not a server's address/],
    [['inspect', 'account', ''], /inspect account: the id must not be empty/],
  ]
  for (const [args, message] of wrong) {
    const { exitCode, stdout, stderr } = await runCommand(args)
    t.strictSame({ exitCode, stdout }, { exitCode: 2, stdout: '' }, args.join(' '))
    t.match(stderr, message)
  }
  const version = await runCommand(['version', '--json'])
  const { version: named } = JSON.parse(readFileSync('package.json', 'utf8'))
  t.match(JSON.parse(version.stdout), { version: named, formatVersion: 2, rulesVersion: 1 })
  t.match((await runCommand(['version'])).stdout, `holdfast ${named} (`)
})

t.test('a Node that does not work is told which ones do', async (t) => {
  for (const version of ['20.19.0', '20.20.2', '21.1.0', '22.0.0']) {
    t.equal(nodeFault(version), undefined, version)
  }
  for (const version of ['18.20.0', '20.18.3', '23.1.0', '24.0.0']) {
    t.match(nodeFault(version), /Node 20 \(from 20\.19\) and 22/, version)
  }
})

t.test('directories that cannot be used', async (t) => {
  const directory = temporaryDirectory(t)
  const file = join(directory, 'file')
  writeFileSync(file, '')
  const notOne = await runCommand(['serve', '--data-dir', file, '--listen', '127.0.0.1:0'])
  t.equal(notOne.exitCode, 1)
  t.match(notOne.stderr, /is a file, and a directory is wanted/)
  for (const verb of ['replay', 'verify', 'void', 'inspect', 'follow', 'snapshot', 'views']) {
    const args = { void: ['1'], inspect: ['journal'], views: ['check'] }[verb] ?? []
    const missing = await runCommand([verb, ...args, '--data-dir', join(directory, 'none')])
    t.equal(missing.exitCode, 1, verb)
    t.match(missing.stderr, /none cannot be found \(ENOENT\)/)
    const other = await runCommand([verb, ...args, '--data-dir', directory])
    t.match(other, { exitCode: 1, stderr: /holds no journal/, stdout: '' }, `${verb} elsewhere`)
  }
  t.strictSame(readdirSync(directory), ['file'], 'nothing was made')
  const closed = join(directory, 'closed')
  mkdirSync(closed, { mode: 0 })
  const unreadable = await runCommand(['serve', '--data-dir', closed], { wrapper: WITHOUT_POWERS })
  t.equal(unreadable.exitCode, 1)
  t.match(unreadable.stderr, /EACCES[\s\S]*owner or mode/)
})

t.test('serve: what is wrong with its arguments is said before anything is made', async (t) => {
  const directory = temporaryDirectory(t)
  const dataDir = join(directory, 'data')
  mkdirSync(join(directory, 'broken'))
  writeFileSync(join(directory, 'broken', 'rules.js'), 'export const rules = 1\n')
  const wrong: readonly (readonly [args: string[], message: RegExp])[] = [
    [['--listen', '0.0.0.0:0'], /no keys are configured/],
    [['--listen', '127.example.com:0'], /no keys are configured/],
    [['--listen', '127.0.0.1:0', '--modules', 'nobody/here'], /there is no module nobody\/here/],
    [['--listen', '127.0.0.1:0', '--modules', './broken'], /does not export rules/],
  ]
  for (const [args, message] of wrong) {
    const options = { cwd: directory }
    const ended = await runCommand(['serve', '--data-dir', dataDir, ...args], options)
    t.match(ended, { exitCode: 2, stdout: '', stderr: message }, args.join(' '))
    t.notOk(existsSync(dataDir), 'nothing was made')
  }
})

t.test('a disk without room', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  const args = ['serve', '--data-dir', dataDir, '--listen', '127.0.0.1:0', ...SMALL]
  const full = await runCommand(args, { wrapper: ['prlimit', '--fsize=1000000'] })
  t.equal(full.exitCode, 1)
  t.match(full.stderr, /EFBIG/)
  const server = await startServed(dataDir)
  t.equal((await server.stop()).exitCode, 0, 'with room again it starts')
})

t.test('a directory in use, a port in use, a stop', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  const server = await startServed(dataDir)
  t.teardown(() => server.stop('SIGKILL'))
  for (const args of [
    ['serve', '--listen', '127.0.0.1:0', ...SMALL],
    ['void', '1'],
  ]) {
    const second = await runCommand([...args, '--data-dir', dataDir])
    t.equal(second.exitCode, 4, args[0])
    t.match(second.stderr, /is in use by another Holdfast process/)
  }
  for (const args of [['verify'], ['replay'], ['inspect', 'journal']]) {
    const reading = await runCommand([...args, '--data-dir', dataDir])
    t.equal(reading.exitCode, 0, `${args[0]} works beside the server: ${reading.stderr}`)
  }
  const beyond = await runCommand(['replay', '--until', '9999', '--data-dir', dataDir])
  t.match(beyond, {
    exitCode: 0,
    stderr: /^there is no sequence 9,999 yet: the journal ends at 1$/m,
  })
  const { host } = new URL(server.url)
  const other = join(temporaryDirectory(t), 'other')
  const taken = await runCommand(['serve', '--data-dir', other, '--listen', host, ...SMALL])
  t.equal(taken.exitCode, 1)
  t.match(taken.stderr, /--listen/)
  const open = await runCommand(['serve', '--data-dir', other, '--listen', '0.0.0.0:0', ...SMALL])
  t.not(open.exitCode, 0, 'no keys: loopback only')
  t.match(open.stderr, /keys/i)
  const start = performance.now()
  const ended = await server.stop('SIGTERM')
  t.equal(ended.exitCode, 0, ended.stderr)
  t.ok(performance.now() - start < 5_000, 'within 5 s')
})

/** Connections that keep a server's sockets open: idle, with half a head, with half a body. */
async function openConnections(t: Test, url: string): Promise<void> {
  const { port, host } = new URL(url)
  const post = `POST /v1/transfers HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 500\r\n\r\n`
  for (const begun of ['', 'GET /li', post, `${post}{"id":`]) {
    const socket = connect(Number(port), '127.0.0.1')
    t.teardown(() => socket.destroy())
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(begun)
  }
  t.equal((await fetch(`${url}/livez`)).status, 200, 'a request that came after them is answered')
}

t.test('a stop does not wait for requests that were never sent whole', async (t) => {
  const server = await startServed(join(temporaryDirectory(t), 'data'))
  t.teardown(() => server.stop('SIGKILL'))
  await openConnections(t, server.url)
  const start = performance.now()
  t.match(await server.stop(), { exitCode: 0, signal: null, stderr: /sealed/ })
  t.ok(performance.now() - start < 5_000, 'within 5 s')
})

t.test('a disk error ends the server with 1 and its reason, connections or not', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  const inject = 'inject=fdatasync:error=EIO:when=20+'
  const wrapper = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', '-e', inject]
  const server = await startServed(dataDir, SMALL, { wrapper })
  await openConnections(t, server.url)
  const headers = { 'content-type': 'application/json' }
  let acknowledged = 0
  for (let i = 0, status = 201; status === 201; i++) {
    const body = JSON.stringify({ id: `a${i}`, ledger: 1 })
    const reply = await fetch(`${server.url}/v1/accounts`, { method: 'POST', headers, body })
    status = reply.status
    if (status === 201) acknowledged++
    else t.match(await reply.json(), { code: 'outcome_unknown', retryable: true })
  }
  t.match(await server.ended, { exitCode: 1, signal: null, stderr: /cannot be written: EIO/ })
  t.ok(acknowledged > 0, `${acknowledged} were acknowledged`)
  const again = await startServed(dataDir)
  t.teardown(() => again.stop('SIGKILL'))
  const last = await fetch(`${again.url}/v1/accounts/a${acknowledged - 1}`)
  t.equal(last.status, 200, 'and are there')
})

t.test('a journal of a newer version is refused, and not touched', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  await (await startServed(dataDir)).stop()
  const [name = ''] = readdirSync(join(dataDir, 'journal')).filter((one) => /segment$/.test(one))
  const path = join(dataDir, 'journal', name)
  const bytes = readFileSync(path)
  bytes.writeUInt32LE(3, 8)
  const { crc32 } = await import('node:zlib')
  bytes.writeUInt32LE(crc32(bytes.subarray(8, 128)), 4)
  writeFileSync(path, bytes)
  for (const args of [['serve', '--listen', '127.0.0.1:0', ...SMALL], ['verify'], ['replay']]) {
    const refused = await runCommand([...args, '--data-dir', dataDir])
    t.equal(refused.exitCode, 1, args[0])
    t.match(refused.stderr, /has journal format 3 and this build reads format 2/)
  }
  t.ok(readFileSync(path).equals(bytes), 'the file is as it was')
})

t.test('send without a server', async (t) => {
  const closed = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => closed.once('listening', resolve))
  const { port } = closed.address() as { port: number }
  await new Promise((resolve) => closed.close(resolve))
  const input = '{"type":"open_account","id":"a","ledger":1}\n'
  const none = await runCommand(['send', '-', '--url', `http://127.0.0.1:${port}`], { input })
  t.equal(none.exitCode, 1)
  t.match(none.stderr, /nothing listens at/)
  const missing = await runCommand(['send', '/no/such/file'])
  t.equal(missing.exitCode, 1)
  t.match(missing.stderr, /cannot be read \(ENOENT\)/)
})

t.test('void: every replay skips the command, checkpoints after it included', async (t) => {
  const dataDir = join(temporaryDirectory(t), 'data')
  let server = await startServed(dataDir)
  t.teardown(() => server.stop('SIGKILL'))
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    return (await (await fetch(`${server.url}${path}`, init)).json()) as Record<string, never>
  }
  const balanceOf = async (id: string) => {
    const response = await fetch(`${server.url}/v1/accounts/${id}`)
    return ((await response.json()) as { balance: number }).balance
  }
  await post('/v1/accounts', { id: 'bank', ledger: 1, external: true })
  await post('/v1/accounts', { id: 'a', ledger: 1 })
  const pair = { debitAccount: 'bank', creditAccount: 'a' }
  const wrong = await post('/v1/transfers', { id: 'wrong', ...pair, amount: 1_000 })
  // Each is a frame of its own, so that a checkpoint is journaled after the wrong one.
  for (let i = 0; i < 150; i++) await post('/v1/transfers', { id: `t-${i}`, ...pair, amount: 1 })
  t.equal(await balanceOf('a'), 1_150)
  await server.stop()
  const intact = await runCommand(['verify', '--data-dir', dataDir, '--json'])
  t.ok(JSON.parse(intact.stdout).checkpoints > 0, 'there is a checkpoint')

  const sequence = String(wrong.sequence)
  for (const [what, message] of [
    ['1', /is no command: configure; nothing was changed/],
    ['999999', /there is no sequence 999999/],
  ] as const) {
    const refused = await runCommand(['void', what, '--data-dir', dataDir])
    t.equal(refused.exitCode, 1)
    t.match(refused.stderr, message)
  }
  const done = await runCommand(['void', sequence, '--data-dir', dataDir])
  t.equal(done.exitCode, 0, done.stderr)
  t.match(done.stderr, `sequence ${sequence} (transfer) is void`)
  const again = await runCommand(['void', sequence, '--data-dir', dataDir])
  t.match(again, { exitCode: 1, stderr: /is void already/ })

  const verified = await runCommand(['verify', '--data-dir', dataDir])
  t.equal(verified.exitCode, 0, verified.stderr)
  const listed = await runCommand(['inspect', 'journal', '--data-dir', dataDir, '--json'])
  const records = listed.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.match(
    records.find((record) => record.id === 'wrong'),
    { kind: 'transfer', code: undefined, void: true },
  )
  t.match(
    records.find((record) => record.id === 't-0'),
    { code: 'ok', moved: 1 },
  )
  t.match(
    records.find((record) => record.kind === 'void'),
    { voided: Number(sequence) },
  )
  server = await startServed(dataDir)
  t.equal(await balanceOf('a'), 150)
})
