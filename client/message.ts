// Records on their way: pages of memory, messages in them, and whose each record is. Sealed messages
// leave in order; what becomes of them is in flow.ts.

import {
  type AnyId,
  allocateWords,
  CHAIN_COMMANDS_MAX,
  CHAIN_OUTCOME_BYTES_MAX,
  type CommandFields,
  copyWords,
  encodeCommand,
  type IdCache,
  MESSAGE_HEAD,
  outcomeBytesMax,
  RECORD,
  RECORD_BYTES_MAX,
  recordBytes,
  STREAM_MESSAGE_BYTES_MAX,
  TAIL_BYTES_MAX,
  type Words,
} from '../protocol/index.ts'
import type { Call } from './call.ts'
import type { Load } from './load.ts'

/** The longest record. */
const LONGEST = RECORD_BYTES_MAX + TAIL_BYTES_MAX

/** A page holds the largest message, and the record too many that shows it to be full. */
const PAGE_BYTES = STREAM_MESSAGE_BYTES_MAX + LONGEST

/** Pages that are kept for use again. */
const SPARE_PAGES = 16

/** Tokens of commands count up to here and begin again; above are those of queries. */
export const COMMAND_TOKENS = 2_147_483_648

/** Memory that messages share. */
interface Page {
  readonly words: Words
  used: number
  /** Messages in it that are not done with; the open one counts. */
  messages: number
}

/** Records of one call that lie back to back. */
export interface Run {
  readonly call: Call
  /** Which of the call's commands the first record is. */
  readonly first: number
  count: number
  /** Where the first record lies. */
  readonly at: number
  /**
   * When the records were first sent without that the server said that it did not take them, in terms
   * of `performance.now()`; 0: they were not.
   */
  sinceMs: number
  /** Of a chain: the status by which some member was refused for now; else 0. */
  refused: number
}

/** Records that travel together. The stream's head goes into the 16 bytes before them. */
export class Message {
  readonly page: Page
  readonly at: number
  readonly runs: Run[] = []
  bytes = 0
  count = 0
  /** What the outcomes may take at worst. */
  price = 0
  /** When it was sent. */
  sentMs = 0
  /** Some of its records were sent before. */
  isAgain = false
  /** How far it is answered: record, run, and record within the run. */
  cursor: number
  run = 0
  done = 0

  constructor(page: Page) {
    this.page = page
    this.at = page.used + MESSAGE_HEAD.bytes
    this.cursor = this.at
    page.messages++
  }

  get words(): Words {
    return this.page.words
  }
}

/** Puts records into messages. */
export class MessageBuilder {
  #bytesMax = STREAM_MESSAGE_BYTES_MAX - MESSAGE_HEAD.bytes
  #countMax = CHAIN_COMMANDS_MAX
  #sealed: Message[] = []
  #open: Message | undefined
  #page: Page
  readonly #spare: Page[] = []
  readonly #load: Load
  #token = 0

  constructor(load: Load) {
    this.#load = load
    this.#page = newPage()
  }

  /** Whether a message is as full as it gets. */
  get hasSealed(): boolean {
    return this.#sealed.length > 0
  }

  /** Records that `take` would give. */
  get count(): number {
    let count = this.#open?.count ?? 0
    for (const message of this.#sealed) count += message.count
    return count
  }

  /** Most bytes of records and most records in one message, for messages from now on. */
  setLimits(bytesMax: number, countMax: number): void {
    this.#bytesMax = Math.min(bytesMax, STREAM_MESSAGE_BYTES_MAX - MESSAGE_HEAD.bytes)
    this.#countMax = Math.min(countMax, CHAIN_COMMANDS_MAX)
  }

  /** Encodes one command, which was checked. */
  add(call: Call, index: number, kind: number, fields: CommandFields<AnyId>, ids: IdCache): void {
    let message = this.#messageFor(1)
    let bytes = encodeCommand(message.words, this.#page.used, kind, fields, ids)
    if (message.bytes + bytes > this.#bytesMax) {
      this.#seal()
      message = this.#messageFor(1)
      bytes = encodeCommand(message.words, this.#page.used, kind, fields, ids)
    }
    this.#put(message, call, index, kind, bytes, 0)
  }

  /**
   * Copies `count` records, which lie within one message: a chain, or those that are sent again.
   * `sinceMs`: as in `Run`.
   */
  addBlock(
    call: Call,
    index: number,
    from: Words,
    fromAt: number,
    bytes: number,
    count: number,
    sinceMs: number,
  ): void {
    let message = this.#messageFor(count)
    if (message.bytes + bytes > this.#bytesMax) {
      this.#seal()
      message = this.#messageFor(count)
    }
    if (this.#page.used + bytes > PAGE_BYTES) message = this.#turnPage(message)
    copyWords(from, fromAt, message.words, this.#page.used, bytes)
    for (let i = 0; i < count; i++) {
      const at = this.#page.used
      const length = recordBytes(message.words, at)
      this.#put(message, call, index + i, message.words.u8[at] as number, length, sinceMs)
    }
  }

  /** All messages so far, in order. */
  take(): Message[] {
    if (this.#open !== undefined && this.#open.count > 0) this.#seal()
    const taken = this.#sealed
    this.#sealed = []
    return taken
  }

  /** The message's records are done with. */
  release({ page, count, bytes }: Message): void {
    this.#load.remove(count, bytes)
    if (--page.messages > 0) return
    page.used = 0
    if (page !== this.#page && this.#spare.length < SPARE_PAGES) this.#spare.push(page)
  }

  /** The open message, with room in its page for one record more at least. */
  #messageFor(count: number): Message {
    const open = this.#open
    if (open !== undefined) {
      const isFull = open.count + count > this.#countMax || open.price > CHAIN_OUTCOME_BYTES_MAX
      if (!isFull || open.count === 0) {
        if (this.#page.used + LONGEST <= PAGE_BYTES) return open
      }
      this.#seal()
    }
    if (this.#page.used + MESSAGE_HEAD.bytes + LONGEST > PAGE_BYTES) this.#page = this.#freshPage()
    return this.#begin()
  }

  #begin(): Message {
    const message = new Message(this.#page)
    this.#page.used = message.at
    this.#open = message
    return message
  }

  /** Begins the message, which has no records yet, on a page of its own. */
  #turnPage(message: Message): Message {
    if (message.count > 0) this.#seal()
    else {
      this.#open = undefined
      message.page.messages--
    }
    this.#page = this.#freshPage()
    return this.#begin()
  }

  #freshPage(): Page {
    return this.#spare.pop() ?? newPage()
  }

  #put(
    message: Message,
    call: Call,
    index: number,
    kind: number,
    bytes: number,
    sinceMs: number,
  ): void {
    const at = this.#page.used
    message.words.u32[(at + RECORD.token) >>> 2] = this.#token
    this.#token = (this.#token + 1) % COMMAND_TOKENS
    this.#page.used = at + bytes
    message.bytes += bytes
    message.price += outcomeBytesMax(kind, 0)
    message.count++
    if (sinceMs !== 0) message.isAgain = true
    this.#load.add(1, bytes)
    const last = message.runs[message.runs.length - 1]
    const follows = last?.call === call && last.first + last.count === index
    if (last !== undefined && follows && last.sinceMs === sinceMs) last.count++
    else message.runs.push({ call, first: index, count: 1, at, sinceMs, refused: 0 })
  }

  #seal(): void {
    const open = this.#open
    if (open === undefined) return
    this.#open = undefined
    if (open.count > 0) this.#sealed.push(open)
    else open.page.messages--
  }
}

function newPage(): Page {
  return { words: allocateWords(PAGE_BYTES), used: 0, messages: 0 }
}
