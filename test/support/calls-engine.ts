// The module of calls on a real engine: commands as frames of one or more records, replies as plain
// objects. Inputs are checked as the gateway checks them, replies against the schemas of the
// routes.

import { Compile } from 'typebox/compile'
import { Engine, type ModuleEvent } from '../../engine/index.ts'
import {
  allocateAccountNames,
  allocateWords,
  BYTES_OF_KIND,
  CAPACITIES_DEFAULT,
  type Capacities,
  CONFIGURE,
  FRAME,
  FRAME_MAGIC,
  formatDigest,
  idFromText,
  KIND,
  NO_GATEWAY,
  OUTCOME,
  OUTCOME_FLAG,
  RECORD,
  RULES_VERSION,
  readF64,
  readReply,
  statusOf,
  type Words,
  writeI64,
} from '../../protocol/index.ts'
import { Actions, inputFault, writeAction } from '../../surface/index.ts'
import { surface } from '../../systems/calls/routes.ts'
import { rules } from '../../systems/calls/rules.ts'
import { CapturingSink } from './outcomes.ts'

/** The name of a command of calls. */
export type CallsCommand = keyof typeof rules.commands
/** The name of a query of calls. */
export type CallsQuery = keyof typeof rules.queries
/** What a command or a query is given. */
export type Input = Readonly<Record<string, unknown>>

/** A reply, with what the outcome's head says beside it. */
export interface Answer {
  readonly code: string
  readonly replayed: boolean
  readonly [field: string]: unknown
}

/** An event without what places it. */
export type Told = readonly [kind: string, data: Input]

/** The journal's time when an engine begins: 2027-01-15T08:00:00Z. */
export const START_MS = 1_800_000_000_000

const CAPACITIES: Capacities = {
  ...CAPACITIES_DEFAULT,
  accountsMax: 256,
  ledgersMax: 16,
  reservationsMax: 8_192,
  groupsMax: 16,
  outcomesMax: 16_384,
  accountNameBytesMax: 65_536,
  moduleReplyBytesMax: 8_388_608,
}
const NO_ID = new Uint8Array(16)
const ACTIONS = new Actions([surface])
const REPLY_CHECKS = replyChecks()

/** Schemas of replies by the command or query whose success they are of. */
function replyChecks(): ReadonlyMap<string, { Check(value: unknown): boolean }> {
  return new Map(
    surface.routes.map(({ pick, reply }) => {
      const picked = pick({ params: {}, query: {}, body: {} })
      const name = 'command' in picked ? picked.command : picked.query
      return [name, Compile(reply as Parameters<typeof Compile>[0])]
    }),
  )
}

/** See the head of this file. */
export class CallsEngine {
  readonly engine: Engine
  readonly #sink = new CapturingSink()
  readonly #frames: Words[] = []
  #events: Told[] = []
  #commands = 0
  now = START_MS

  constructor() {
    this.engine = this.#newEngine()
    const record = allocateWords((BYTES_OF_KIND[KIND.configure] as number) + 64)
    this.#frame([this.#configure(record)])
  }

  #newEngine(): Engine {
    return new Engine({
      capacities: CAPACITIES,
      names: allocateAccountNames(CAPACITIES.accountsMax, CAPACITIES.accountNameBytesMax),
      seed: 7,
      sink: this.#sink,
      modules: [rules],
      observer: {
        event: ({ kind, data }: ModuleEvent) => this.#events.push([kind, data]),
        row: () => {},
      },
    })
  }

  #configure(record: Words): Uint8Array {
    const { engine } = this
    const text = Buffer.from(engine.rules)
    const tailBytes = Math.ceil(text.length / 8) * 8
    record.u8[RECORD.kind] = KIND.configure
    record.u16[RECORD.tailBytes >>> 1] = tailBytes
    record.u16[RECORD.gateway >>> 1] = NO_GATEWAY
    const values: Readonly<Record<string, number>> = { ...CAPACITIES, rulesVersion: RULES_VERSION }
    for (const [name, at] of Object.entries(CONFIGURE)) {
      if (name !== 'bytes') writeI64(record, at, values[name] as number)
    }
    record.u8.set(text, CONFIGURE.bytes)
    return record.u8.slice(0, CONFIGURE.bytes + tailBytes)
  }

  /** One command in a frame of its own, under a fresh id or this one. */
  run(command: CallsCommand, input: Input, id?: string): Answer {
    return this.runAll([[command, input, id]])[0] as Answer
  }

  /** Commands in one frame, in order: none of them waited for another's reply. */
  runAll(
    commands: readonly (readonly [command: CallsCommand, input: Input, id?: string | undefined])[],
  ): Answer[] {
    const faults: (Answer | undefined)[] = []
    const records: Uint8Array[] = []
    for (const [command, input, id = `fresh-${this.#commands++}`] of commands) {
      const record = this.#record(command, input, `calls/${id}`)
      faults.push(record instanceof Uint8Array ? undefined : record)
      if (record instanceof Uint8Array) records.push(record)
    }
    if (records.length > 0) this.#frame(records)
    const places = this.#sink.take()
    return faults.map((fault, i) => {
      if (fault !== undefined) return fault
      return this.#answer(places.shift() as number, commands[i]?.[0] as CallsCommand)
    })
  }

  #record(command: CallsCommand, input: Input, id: string): Uint8Array | Answer {
    const action = ACTIONS.command('calls', command)
    if (action === undefined) throw new Error(`no command ${command}`)
    const detail = inputFault(action, input)
    if (detail !== undefined) return { code: 'invalid_request', replayed: false, detail }
    const words = allocateWords(2_048)
    const bytes = writeAction(words, 0, action, idFromText(id), input)
    words.u16[RECORD.gateway >>> 1] = 1
    return words.u8.slice(0, bytes)
  }

  /** What a query says. */
  ask(query: CallsQuery, input: Input): Answer {
    const action = ACTIONS.query('calls', query)
    if (action === undefined) throw new Error(`no query ${query}`)
    const detail = inputFault(action, input)
    if (detail !== undefined) return { code: 'invalid_request', replayed: false, detail }
    const words = allocateWords(2_048)
    writeAction(words, 0, action, NO_ID, input)
    words.u16[RECORD.gateway >>> 1] = 1
    this.engine.answer(words, 0)
    return this.#answer(this.#sink.take()[0] as number, query)
  }

  /** Time passes, and what is due is done. */
  wait(seconds: number): void {
    this.now += Math.round(seconds * 1_000)
    const tick = allocateWords(BYTES_OF_KIND[KIND.tick] as number)
    tick.u8[RECORD.kind] = KIND.tick
    tick.u16[RECORD.gateway >>> 1] = NO_GATEWAY
    this.#frame([tick.u8])
  }

  /** What was told since the last call. */
  told(): Told[] {
    const events = this.#events
    this.#events = []
    return events
  }

  /**
   * What another engine, given the same frames, comes to: the digest, and the bytes of the state.
   */
  replayed(): { digest: string; state: string } {
    const events = this.#events
    const engine = this.#newEngine()
    for (const frame of this.#frames) engine.applyFrame(frame, 0, false)
    this.#events = events
    return factsOf(engine)
  }

  /** The digest and the bytes of the state as they are. */
  facts(): { digest: string; state: string } {
    return factsOf(this.engine)
  }

  #frame(records: readonly Uint8Array[]): void {
    const bytes = records.reduce((sum, record) => sum + record.length, 0)
    const words = allocateWords(FRAME.bytes + Math.ceil(bytes / 8) * 8)
    let at: number = FRAME.bytes
    for (const record of records) {
      words.u8.set(record, at)
      at += record.length
    }
    words.u32[FRAME.magic >>> 2] = FRAME_MAGIC
    words.u32[FRAME.payloadBytes >>> 2] = bytes
    words.u32[FRAME.count >>> 2] = records.length
    writeI64(words, FRAME.firstSequence, this.engine.sequence + 1)
    writeI64(words, FRAME.timeMs, this.now)
    this.#frames.push(words)
    this.engine.applyFrame(words, 0, true)
  }

  #answer(at: number, name: string): Answer {
    const { words } = this.#sink
    const flags = words.u8[at + OUTCOME.flags] as number
    const replayed = (flags & OUTCOME_FLAG.replayed) !== 0
    const reply = readReply(words, at)
    if (reply === undefined) {
      const { code } = statusOf(words.u16[(at + OUTCOME.status) >>> 1] as number)
      return { code, replayed, moved: readF64(words, at + OUTCOME.moved) }
    }
    const { code, ...fields } = reply
    const isFit = code !== 'ok' || REPLY_CHECKS.get(name)?.Check(fields) !== false
    if (!isFit) throw new Error(`${name} answers what its schema has not: ${JSON.stringify(reply)}`)
    if (code !== 'ok' && !isKnownCode(code)) throw new Error(`${name} has no title for ${code}`)
    return { ...fields, code, replayed }
  }
}

/** Whether HTTP knows what to say of a code. */
function isKnownCode(code: string): boolean {
  return Object.hasOwn(surface.codes, code) || CORE_CODES.has(code)
}

const CORE_CODES = new Set(['insufficient_funds', 'limit_in_use', 'overflow'])

function factsOf(engine: Engine): { digest: string; state: string } {
  const chunks = Array.from(engine.exportState(65_536), (chunk) => Buffer.from(chunk))
  const state = Buffer.concat(chunks).toString('base64')
  return { digest: formatDigest(engine.digestA, engine.digestB), state }
}
