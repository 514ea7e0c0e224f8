// docs/stream.md says what the server does: its conversation is held with a real server byte by byte,
// and the client that was written from it in Python runs.

import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { MESSAGE, MESSAGE_HEAD } from '../protocol/index.ts'
import { startServed, temporaryDirectory } from './support/command-line.ts'
import { TestStream } from './support/stream-client.ts'

t.setTimeout(120_000)

/** One side's bytes; -1 where any byte may be. */
interface Said {
  readonly who: 'client' | 'server'
  readonly bytes: readonly number[]
}

/** The conversation: fenced blocks, a comment behind each line. */
function conversation(markdown: string): Said[] {
  const blocks = markdown.matchAll(/^```(client|server)\n(.*?)^```$/gms)
  return [...blocks].map(([, who, text = '']) => ({
    who: who as Said['who'],
    bytes: text
      .split('\n')
      .flatMap((line) => (line.split(';')[0] ?? '').split(/\s+/).filter((pair) => pair !== ''))
      .map((pair) => (pair === '..' ? -1 : Number.parseInt(pair, 16))),
  }))
}

function hex(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

/** The message's bytes where `wanted` has bytes; what differs from run to run as it is. */
function masked(message: Buffer, wanted: readonly number[]): string {
  return hex(Array.from(message, (byte, i) => (wanted[i] === -1 ? -1 : byte)))
}

/**
 * The next message, whole: the server may divide the outcomes of one message as it likes, so that
 * those of several are put together until there are as many as are wanted.
 */
async function nextMessage(stream: TestStream, from: number, wanted: number): Promise<Buffer> {
  let whole = Buffer.alloc(0)
  for (let i = from; ; i++) {
    await stream.until(() => stream.messages.length > i)
    const message = stream.messages[i] as Buffer
    if (whole.length === 0) whole = Buffer.from(message)
    else {
      const count =
        whole.readUInt16LE(MESSAGE_HEAD.count) + message.readUInt16LE(MESSAGE_HEAD.count)
      whole = Buffer.concat([whole, message.subarray(MESSAGE_HEAD.bytes)])
      whole.writeUInt16LE(count, MESSAGE_HEAD.count)
      whole.writeUInt32LE(whole.length - MESSAGE_HEAD.bytes, MESSAGE_HEAD.bodyBytes)
    }
    if (whole.length >= wanted || whole[0] !== MESSAGE.outcomes) return whole
  }
}

t.test('the conversation in docs/stream.md', async (t) => {
  const environment = { HOLDFAST_TEST_CLOCK: '1' }
  const dataDir = join(temporaryDirectory(t), 'data')
  const server = await startServed(dataDir, undefined, { environment })
  t.teardown(() => server.stop('SIGKILL'))
  const said = conversation(readFileSync('docs/stream.md', 'utf8'))
  t.ok(said.length >= 17, `${said.length} messages`)
  const stream = await new TestStream(server.url).open()
  t.teardown(() => stream.socket.terminate())
  let heard = 0
  for (const [i, { who, bytes }] of said.entries()) {
    if (who === 'client') {
      stream.send(Buffer.from(bytes))
      continue
    }
    const message = await nextMessage(stream, heard, bytes.length)
    heard = stream.messages.length
    t.equal(masked(message, bytes), hex(bytes), `message ${i + 1}`)
  }
  const stopped = server.stop()
  t.equal((await stream.end()).code, 1001)
  t.equal((await stopped).exitCode, 0)
})

const hasPython = spawnSync('python3', ['--version']).status === 0

t.test(
  'the client in Python',
  { skip: hasPython ? false : 'there is no python3 on the PATH' },
  async (t) => {
    const keys = 'hf_docs_0123456789abcdef'
    const dataDir = join(temporaryDirectory(t), 'data')
    const environment = { HOLDFAST_KEYS: keys }
    const server = await startServed(dataDir, undefined, { environment })
    t.teardown(() => server.stop('SIGKILL'))
    const run = promisify(execFile)
    const env = { ...process.env, HOLDFAST_KEY: keys }
    for (let i = 0; i < 2; i++) {
      const { stdout } = await run('python3', ['examples/stream.py', server.url], { env })
      t.match(stdout, /^bank-\w+ {2}balance -880 {2}held 0 {2}available -880$/m)
      t.match(stdout, /^acme-\w+ {2}balance 880 {2}held 0 {2}available 880$/m)
    }
    const stranger = run('python3', ['examples/stream.py', server.url])
    await t.rejects(stranger, { code: 1, stderr: /401 Unauthorized/ })
  },
)
