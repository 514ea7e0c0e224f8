// An engine with modules, given frames of commands as plain objects and read back as plain objects. Keeps
// every frame, so that another engine can be given the same.

import {
  type BookChanges,
  Engine,
  type EngineFault,
  type Module,
  type ModuleEvent,
  type RowChange,
} from '../../engine/index.ts'
import {
  AccountNames,
  allocateAccountNames,
  allocateWords,
  CAPACITIES_DEFAULT,
  type Capacities,
  COMMAND_NAMES,
  CONFIGURE,
  type CommandFields,
  type CommandName,
  createIdCache,
  encodeCommand,
  FLAG,
  FRAME,
  FRAME_MAGIC,
  idFromText,
  KIND,
  moduleQueryRoute,
  moduleRoute,
  NO_GATEWAY,
  RECORD,
  RULES_VERSION,
  readReply,
  TICK,
  VOID,
  type Words,
  writeI64,
  writeModuleRecord,
} from '../../protocol/index.ts'
import type { Outcome } from './commands.ts'
import { CapturingSink, decodeOutcome } from './outcomes.ts'

/** A command of a module. */
export interface ModuleCommand {
  readonly id: string
  readonly module: string
  readonly command: string
  readonly fields: readonly string[]
  readonly input: Readonly<Record<string, unknown>>
  readonly linked?: boolean
}

/** A command of the core. */
export interface CoreCommand {
  readonly core: CommandName
  readonly fields: CommandFields
  readonly linked?: boolean
}

/** What a frame holds. */
export type Item = ModuleCommand | CoreCommand | 'tick' | 'configure' | { readonly void: number }

/** What came of a command. */
export interface Result extends Outcome {
  readonly reply: Readonly<Record<string, unknown>> | undefined
}

/** Small tables. */
export const SMALL: Capacities = {
  ...CAPACITIES_DEFAULT,
  accountsMax: 64,
  ledgersMax: 8,
  reservationsMax: 512,
  groupsMax: 8,
  outcomesMax: 4_096,
  accountNameBytesMax: 65_536,
  moduleReplyBytesMax: 2_097_152,
}

/** The journal's time at first. */
export const START_MS = 1_800_000_000_000

const IDS = createIdCache()
const NO_ID = new Uint8Array(16)

/** See the head of this file. */
export class ModuleEngine {
  readonly #modules: readonly Module[]
  readonly #capacities: Capacities
  readonly #sink = new CapturingSink(4_194_304)
  readonly #frames: Words[] = []
  readonly #voids: ReadonlySet<number>
  #names: AccountNames | undefined
  engine: Engine
  now = START_MS
  /** What the observer heard since the last `told`. */
  #events: ModuleEvent[] = []
  #rows: RowChange[] = []
  readonly failures: string[] = []
  readonly #changes: BookChanges | undefined

  constructor(
    modules: readonly Module[],
    capacities: Partial<Capacities> = {},
    voids: readonly number[] = [],
    changes?: BookChanges,
  ) {
    this.#modules = modules
    this.#changes = changes
    this.#capacities = { ...SMALL, ...capacities }
    this.#voids = new Set(voids)
    this.engine = this.#make(modules)
    this.apply(['configure'])
  }

  #make(modules: readonly Module[]): Engine {
    const { accountsMax, accountNameBytesMax } = this.#capacities
    const names = allocateAccountNames(accountsMax, accountNameBytesMax)
    this.#names = new AccountNames(names)
    const engine = new Engine({
      capacities: this.#capacities,
      names,
      seed: 99,
      sink: this.#sink,
      modules,
      changes: this.#changes,
      observer: {
        event: (event) => this.#events.push(event),
        row: (change) => this.#rows.push(change),
      },
      onModuleFailure: (sentence) => this.failures.push(sentence),
    })
    engine.skip(this.#voids)
    return engine
  }

  /** Applies one frame, `afterMs` later; gives back what came of its commands. */
  apply(items: readonly Item[], afterMs = 1): Result[] {
    this.now += afterMs
    const frame = this.frame(items)
    this.#frames.push(frame)
    this.engine.applyFrame(frame, 0, true)
    return this.#taken()
  }

  /** One command in a frame of its own. */
  run(item: Item, afterMs = 1): Result {
    return this.apply([item], afterMs)[0] as Result
  }

  /** What a query says. */
  query(module: string, name: string, fields: readonly string[], input: object): Result {
    const words = allocateWords(4_096)
    const given = input as Readonly<Record<string, unknown>>
    const route = moduleQueryRoute(module, name)
    writeModuleRecord(words, 0, KIND.queryModule, NO_ID, route, fields, given)
    this.engine.answer(words, 0)
    return this.#taken()[0] as Result
  }

  /** Events and rows that were made known since the last call. */
  told(): { readonly events: readonly ModuleEvent[]; readonly rows: readonly RowChange[] } {
    const told = { events: this.#events, rows: this.#rows }
    this.#events = []
    this.#rows = []
    return told
  }

  /** Goes on with another engine that took over this one's state. */
  restart(modules = this.#modules): void {
    const before = this.engine
    const chunks = Array.from(before.exportState(1_024), (chunk) => new Uint8Array(chunk))
    const after = this.#make(modules)
    after.importState(chunks)
    this.engine = after
  }

  /** Another engine, given the same frames. */
  replayed(modules = this.#modules): Engine {
    const told = this.told()
    const names = this.#names
    const engine = this.#make(modules)
    for (const frame of this.#frames) engine.applyFrame(frame, 0, false)
    this.#names = names
    this.#events = [...told.events]
    this.#rows = [...told.rows]
    return engine
  }

  /** The fault that a replay with other modules ends in. */
  faultOf(modules: readonly Module[]): EngineFault {
    try {
      this.replayed(modules)
    } catch (error) {
      return error as EngineFault
    }
    throw new Error('it was replayed')
  }

  /** The frame's bytes. */
  frame(items: readonly Item[]): Words {
    const words = allocateWords(FRAME.bytes + items.length * 2_304)
    let at: number = FRAME.bytes
    for (const [token, item] of items.entries()) at += this.#write(words, at, item, token)
    words.u32[FRAME.magic >>> 2] = FRAME_MAGIC
    words.u32[FRAME.payloadBytes >>> 2] = at - FRAME.bytes
    words.u32[FRAME.count >>> 2] = items.length
    writeI64(words, FRAME.firstSequence, this.engine.sequence + 1)
    writeI64(words, FRAME.timeMs, this.now)
    return words
  }

  #write(words: Words, at: number, item: Item, token: number): number {
    if (typeof item === 'string' || 'void' in item) return this.#writeOwn(words, at, item)
    const bytes =
      'core' in item
        ? encodeCommand(words, at, COMMAND_NAMES[item.core], item.fields, IDS)
        : writeModuleCommand(words, at, item)
    if (item.linked === true) words.u8[at + RECORD.flags] |= FLAG.linked
    words.u16[(at + RECORD.gateway) >>> 1] = 1
    words.u32[(at + RECORD.token) >>> 2] = token
    return bytes
  }

  #writeOwn(words: Words, at: number, item: 'tick' | 'configure' | { void: number }): number {
    words.u16[(at + RECORD.gateway) >>> 1] = NO_GATEWAY
    if (item === 'tick') {
      words.u8[at] = KIND.tick
      return TICK.bytes
    }
    if (item !== 'configure') {
      words.u8[at] = KIND.void
      writeI64(words, at + VOID.sequence, item.void)
      return VOID.bytes
    }
    const rules = Buffer.from(this.engine.rules)
    const tailBytes = Math.ceil(rules.length / 8) * 8
    words.u8[at] = KIND.configure
    words.u16[(at + RECORD.tailBytes) >>> 1] = tailBytes
    writeI64(words, at + CONFIGURE.rulesVersion, RULES_VERSION)
    for (const [name, value] of Object.entries(this.#capacities)) {
      writeI64(words, at + CONFIGURE[name as keyof Capacities], value)
    }
    words.u8.set(rules, at + CONFIGURE.bytes)
    return CONFIGURE.bytes + tailBytes
  }

  #taken(): Result[] {
    const { words } = this.#sink
    return this.#sink.take().map((at) => ({
      ...decodeOutcome(words, at, this.#names as AccountNames),
      reply: readReply(words, at),
    }))
  }
}

function writeModuleCommand(words: Words, at: number, item: ModuleCommand): number {
  const { id, module, command, fields, input } = item
  const route = moduleRoute(module, command)
  return writeModuleRecord(words, at, KIND.module, idFromText(id), route, fields, input)
}

/** The bytes of an engine's state, as text. */
export function stateOf(engine: Engine): string {
  const chunks = Array.from(engine.exportState(1_024), (chunk) => Buffer.from(chunk))
  return Buffer.concat(chunks).toString('hex')
}
