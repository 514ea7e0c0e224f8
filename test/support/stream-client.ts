// A client of the stream for tests: plain commands in, plain outcomes out, and bytes as they are for
// what no client would send. Not the client of client/, which hides what these tests look at.

import { once } from 'node:events'
import type { Test } from 'tap'
import { WebSocket } from 'ws'
import {
  type AccountNames,
  allocateWords,
  BYTES_OF_KIND,
  KIND,
  MESSAGE,
  MESSAGE_HEAD,
  NAME_ENTRY,
  OUTCOME,
  OUTCOME_ACCOUNT,
  RECORD,
  recordBytes,
  TAIL_BYTES_MAX,
  WELCOME,
  type Words,
  wordsOver,
} from '../../protocol/index.ts'
import type { Command, Outcome } from './commands.ts'
import { encodeCommand, idBytes } from './frames.ts'
import { decodeOutcome } from './outcomes.ts'

/** One answer as it came. */
export interface StreamAnswer extends Outcome {
  readonly token: number
  /** Slots of its accounts. */
  readonly slots: readonly number[]
  readonly bytes: Buffer
}

/** One entry of a names message. */
export interface StreamName {
  readonly slot: number
  readonly id: string
  readonly spelling: string
  readonly metadata: string
}

/** How a connection ended. */
export interface Closed {
  readonly code: number
  readonly reason: string
}

/** A question. */
export interface Query {
  readonly kind: number
  readonly id?: string
}

/** Accounts are told apart by their slots. */
const BY_SLOT = { nameOf: (slot: number) => `#${slot}` } as AccountNames

/** A whole message. */
export function message(type: number, count: number, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(MESSAGE_HEAD.bytes + body.length)
  bytes.writeUInt8(type, MESSAGE_HEAD.type)
  bytes.writeUInt16LE(count, MESSAGE_HEAD.count)
  bytes.writeUInt32LE(body.length, MESSAGE_HEAD.bodyBytes)
  bytes.set(body, MESSAGE_HEAD.bytes)
  return bytes
}

/** The records of `commands`, back to back, with tokens from `token` on. */
export function recordsOf(commands: readonly Command[], token = 1): Buffer {
  const words = allocateWords(commands.length * 128 + commands.reduce((n, c) => n + tailOf(c), 0))
  let at = 0
  for (const [i, command] of commands.entries()) {
    encodeCommand(words, at, command, 0, token + i)
    at += recordBytes(words, at)
  }
  return Buffer.from(words.u8.buffer as ArrayBuffer, 0, at)
}

function tailOf({ id, group, metadata }: Command): number {
  return Math.min(TAIL_BYTES_MAX, Buffer.byteLength(`${id}${group ?? ''}${metadata ?? ''}`) + 24)
}

/** A message of commands. */
export function commandsMessage(commands: readonly Command[], token = 1): Buffer {
  return message(MESSAGE.commands, commands.length, recordsOf(commands, token))
}

/** A message of queries. */
export function queriesMessage(queries: readonly Query[], token = 1): Buffer {
  const bytes = BYTES_OF_KIND[KIND.queryAccount] as number
  const words = allocateWords(queries.length * bytes)
  for (const [i, { kind, id }] of queries.entries()) {
    words.u8[i * bytes] = kind
    words.u32[(i * bytes + RECORD.token) >>> 2] = token + i
    if (id !== undefined) words.u8.set(idBytes(id), i * bytes + RECORD.id)
  }
  return message(MESSAGE.queries, queries.length, words.u8)
}

/** A message that asks for names. */
export function namesMessage(slots: readonly number[]): Buffer {
  return message(MESSAGE.names, slots.length, new Uint8Array(Uint32Array.from(slots).buffer))
}

/** A connection. */
export class TestStream {
  readonly socket: WebSocket
  /** Every message, in order, the welcome first. */
  readonly messages: Buffer[] = []
  readonly answers: StreamAnswer[] = []
  readonly names: StreamName[] = []
  closed: Closed | undefined
  #nextToken = 1
  #notify: (() => void) | undefined

  constructor(url: string, headers: Record<string, string> = {}, path = '/v1/stream') {
    this.socket = new WebSocket(url.replace('http', 'ws') + path, { headers })
    this.socket.on('message', (data: Buffer) => this.#onMessage(data))
    this.socket.on('error', () => {})
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) }
      this.#notify?.()
    })
  }

  /** Resolves when the welcome is there; rejects where there is none. */
  async open(): Promise<this> {
    await this.until(() => this.messages.length > 0)
    return this
  }

  /** Words over the welcome's body. */
  get welcome(): Words {
    const body = Uint8Array.from((this.messages[0] as Buffer).subarray(MESSAGE_HEAD.bytes))
    if (body.length !== WELCOME.bytes) throw new RangeError(`a welcome of ${body.length} bytes`)
    return wordsOver(body.buffer)
  }

  /** Resolves when `holds`; rejects where the connection closed before it did. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.closed !== undefined)
        throw new Error(`closed with ${this.closed.code}: ${this.closed.reason}`)
      await this.next()
    }
  }

  /** Resolves with how the connection was closed. */
  async end(): Promise<Closed> {
    while (this.closed === undefined) {
      await this.next()
    }
    return this.closed
  }

  /** Resolves at the next message, or when the connection is closed. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#notify = resolve
    })
  }

  /** Sends bytes as they are. */
  send(bytes: Buffer): void {
    this.socket.send(bytes)
  }

  /** Sends commands in one message and waits for all their answers. */
  async commands(...commands: Command[]): Promise<StreamAnswer[]> {
    return this.#ask(commandsMessage(commands, this.#nextToken), commands.length)
  }

  /** Sends dry runs in one message and waits for their answers. */
  async dryRuns(...commands: Command[]): Promise<StreamAnswer[]> {
    const records = recordsOf(
      commands.map((one) => ({ ...one, dryRun: true })),
      this.#nextToken,
    )
    return this.#ask(message(MESSAGE.queries, commands.length, records), commands.length)
  }

  async queries(...queries: Query[]): Promise<StreamAnswer[]> {
    return this.#ask(queriesMessage(queries, this.#nextToken), queries.length)
  }

  async namesOf(...slots: number[]): Promise<StreamName[]> {
    const from = this.names.length
    this.send(namesMessage(slots))
    await this.until(() => this.names.length >= from + slots.length)
    return this.names.slice(from)
  }

  /** Closes, and waits until that is done. */
  async close(): Promise<void> {
    if (this.closed !== undefined) return
    this.socket.close()
    await once(this.socket, 'close')
  }

  async #ask(bytes: Buffer, count: number): Promise<StreamAnswer[]> {
    const from = this.#nextToken
    this.#nextToken += count
    const isMine = ({ token }: StreamAnswer) => token >= from && token < from + count
    this.send(bytes)
    await this.until(() => this.answers.filter(isMine).length === count)
    return this.answers.filter(isMine)
  }

  #onMessage(data: Buffer): void {
    this.messages.push(data)
    const bytes = Uint8Array.from(data)
    const words = wordsOver(bytes.buffer)
    const count = words.u16[MESSAGE_HEAD.count >>> 1] as number
    const type = words.u8[MESSAGE_HEAD.type]
    if (type === MESSAGE.outcomes) this.answers.push(...answersIn(words, count))
    if (type === MESSAGE.names) this.names.push(...namesIn(words, count))
    this.#notify?.()
  }
}

/** An open connection that ends with the test. */
export async function streamTo(test: Test, url: string): Promise<TestStream> {
  const stream = new TestStream(url)
  test.teardown(() => stream.socket.terminate())
  return stream.open()
}

/** `count` transfers of 1 from the bank to `acme`, with ids that begin with `tag`. */
export function transfers(count: number, tag = 't'): Command[] {
  const move = { type: 'transfer', debit: 'bank', credit: 'acme', amount: 1 } as const
  return Array.from({ length: count }, (_, i) => ({ ...move, id: `${tag}${i}` }))
}

/** The outcomes of a message. */
export function answersIn(words: Words, count: number): StreamAnswer[] {
  const answers: StreamAnswer[] = []
  let at: number = MESSAGE_HEAD.bytes
  for (let i = 0; i < count; i++) {
    const bytes = words.u32[(at + OUTCOME.bytes) >>> 2] as number
    answers.push(answerAt(words, at, bytes))
    at += bytes
  }
  if (at !== words.u8.length) throw new RangeError(`${words.u8.length - at} bytes too many`)
  return answers
}

function answerAt(words: Words, at: number, bytes: number): StreamAnswer {
  const isAudit = words.u8[at + OUTCOME.kind] === KIND.queryAudit
  // The audit's entries are ledgers.
  const outcome = decodeOutcome(isAudit ? withoutAccounts(words, at) : words, at, BY_SLOT)
  const count = outcome.accounts.length
  const accountsAt = at + bytes - count * OUTCOME_ACCOUNT.bytes
  return {
    ...outcome,
    token: words.u32[(at + OUTCOME.token) >>> 2] as number,
    slots: Array.from(
      { length: count },
      (_, i) => words.u32[(accountsAt + i * OUTCOME_ACCOUNT.bytes) >>> 2] as number,
    ),
    bytes: Buffer.from(words.u8.slice(at, at + bytes)),
  }
}

function withoutAccounts(words: Words, at: number): Words {
  const u16 = words.u16.slice()
  u16[(at + OUTCOME.accounts) >>> 1] = 0
  return { ...words, u16 }
}

function namesIn(words: Words, count: number): StreamName[] {
  const names: StreamName[] = []
  let at: number = MESSAGE_HEAD.bytes
  for (let i = 0; i < count; i++) {
    const spelling = words.u16[(at + NAME_ENTRY.spellingBytes) >>> 1] as number
    const metadata = words.u16[(at + NAME_ENTRY.metadataBytes) >>> 1] as number
    const textAt = at + NAME_ENTRY.bytes
    const text = (from: number, bytes: number) =>
      Buffer.from(words.u8.slice(from, from + bytes)).toString()
    names.push({
      slot: words.u32[(at + NAME_ENTRY.slot) >>> 2] as number,
      id: Buffer.from(words.u8.slice(at + NAME_ENTRY.id, textAt)).toString('hex'),
      spelling: text(textAt, spelling),
      metadata: text(textAt + spelling, metadata),
    })
    at = textAt + ((spelling + metadata + 7) & ~7)
  }
  return names
}
