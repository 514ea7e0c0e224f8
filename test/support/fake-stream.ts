// A server of the stream that does what a test tells it: answers, says nothing, lies, hangs up. No
// engine is behind it, and every command is `ok` where nothing else is asked for.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { type WebSocket, WebSocketServer } from 'ws'
import {
  allocateWords,
  FLAG,
  MESSAGE,
  MESSAGE_HEAD,
  OUTCOME,
  RECORD,
  recordBytes,
  STREAM_MESSAGE_BYTES_MAX,
  STREAM_VERSION,
  WELCOME,
  type Words,
} from '../../protocol/index.ts'

/** One record as it came. */
export interface FakeRecord {
  readonly token: number
  readonly kind: number
  readonly linked: boolean
  /** The command's own id in hexadecimal digits. */
  readonly id: string
}

/** One connection, as a test sees it. */
export interface FakeConnection {
  /** From 0. */
  readonly number: number
  readonly socket: WebSocket
  /** Sends outcomes with this status for these records. */
  answer(records: readonly FakeRecord[], status?: number): void
}

/** What the server does; all of it may be left out. */
export interface FakeBehaviour {
  readonly version?: number
  readonly windowCommands?: number
  readonly windowMs?: number
  /** Instead of the welcome. */
  readonly onOpen?: (connection: FakeConnection) => void
  /** Instead of answering `ok` at once. */
  readonly onRecords?: (connection: FakeConnection, records: readonly FakeRecord[]) => void
  /** An HTTP status instead of the handshake. */
  readonly refusal?: number
}

/** A server that listens. */
export interface FakeServer {
  readonly url: string
  /** Records of each message of commands, in the order in which they came. */
  readonly messages: FakeRecord[][]
  connections: number
}

/** Starts one, which ends with the test. */
export async function fakeStream(t: Test, behaviour: FakeBehaviour = {}): Promise<FakeServer> {
  const http = createServer()
  const sockets = new WebSocketServer({ noServer: true })
  const fake = { url: '', messages: [] as FakeRecord[][], connections: 0 }
  http.on('upgrade', (request: IncomingMessage, socket, head) => {
    const { refusal } = behaviour
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
      return
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      serve(webSocket, fake.connections++, behaviour, fake.messages)
    })
  })
  const port = await listen(http)
  fake.url = `ws://127.0.0.1:${port}`
  t.teardown(() => {
    for (const client of sockets.clients) client.terminate()
    http.close()
    http.closeAllConnections()
  })
  return fake
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function serve(
  socket: WebSocket,
  number: number,
  behaviour: FakeBehaviour,
  messages: FakeRecord[][],
): void {
  const connection: FakeConnection = {
    number,
    socket,
    answer: (records, status = 0) => socket.send(outcomes(records, status)),
  }
  socket.on('error', () => {})
  socket.on('message', (data: Buffer) => {
    const words = allocateWords((data.length + 7) & ~7)
    words.u8.set(data)
    if (words.u8[0] === MESSAGE.names) return
    const records = recordsIn(words)
    messages.push(records)
    if (behaviour.onRecords === undefined) connection.answer(records)
    else behaviour.onRecords(connection, records)
  })
  if (behaviour.onOpen === undefined) socket.send(welcome(behaviour))
  else behaviour.onOpen(connection)
}

/** A welcome's bytes. */
export function welcome({
  version = STREAM_VERSION,
  windowCommands = 1_024,
  windowMs = 60_000,
}: FakeBehaviour): Buffer {
  const words = message(MESSAGE.welcome, 1, WELCOME.bytes)
  const set = (field: number, value: number): void => {
    words.u32[(MESSAGE_HEAD.bytes + field) >>> 2] = value
  }
  set(WELCOME.version, version)
  set(WELCOME.windowCommands, windowCommands)
  set(WELCOME.windowBytes, 1_048_576)
  set(WELCOME.messageBytesMax, STREAM_MESSAGE_BYTES_MAX)
  set(WELCOME.chainCommandsMax, 1_024)
  set(WELCOME.namesMax, 1_024)
  set(WELCOME.windowMs, windowMs)
  return Buffer.from(words.u8)
}

/** A message of outcomes that are heads alone. */
export function outcomes(records: readonly FakeRecord[], status: number): Buffer {
  const words = message(MESSAGE.outcomes, records.length, records.length * OUTCOME.head)
  for (const [i, { token, kind }] of records.entries()) {
    const at = MESSAGE_HEAD.bytes + i * OUTCOME.head
    words.u32[(at + OUTCOME.token) >>> 2] = token
    words.u16[(at + OUTCOME.status) >>> 1] = status
    words.u8[at + OUTCOME.kind] = kind
    words.f64[(at + OUTCOME.sequence) >>> 3] = status === 0 ? 7 : 0
    words.f64[(at + OUTCOME.timeMs) >>> 3] = 1_800_000_000_000
    words.u32[(at + OUTCOME.bytes) >>> 2] = OUTCOME.head
  }
  return Buffer.from(words.u8)
}

/** A message with its head, and zeros for a body. */
function message(type: number, count: number, bodyBytes: number): Words {
  const words = allocateWords(MESSAGE_HEAD.bytes + bodyBytes)
  words.u8[MESSAGE_HEAD.type] = type
  words.u16[MESSAGE_HEAD.count >>> 1] = count
  words.u32[MESSAGE_HEAD.bodyBytes >>> 2] = bodyBytes
  return words
}

function recordsIn(words: Words): FakeRecord[] {
  const end = MESSAGE_HEAD.bytes + (words.u32[MESSAGE_HEAD.bodyBytes >>> 2] as number)
  const records: FakeRecord[] = []
  for (let at = MESSAGE_HEAD.bytes; at < end; at += recordBytes(words, at)) {
    records.push({
      token: words.u32[(at + RECORD.token) >>> 2] as number,
      kind: words.u8[at + RECORD.kind] as number,
      linked: ((words.u8[at + RECORD.flags] as number) & FLAG.linked) !== 0,
      id: Buffer.from(words.u8.subarray(at + RECORD.id, at + RECORD.id + 16)).toString('hex'),
    })
  }
  return records
}
