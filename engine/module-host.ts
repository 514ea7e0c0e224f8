// The modules' host: finds the handler of a command, query or timer, runs it on the core's undo log, and
// sees to it that all of what it did stands or none of it. Knows no module by name.

import {
  ACCOUNT_FLAG,
  isModuleInput,
  KIND,
  MODULE_REPLY_BYTES_MAX,
  readModuleInput,
  STATUS,
  statusOf,
  type Words,
} from '../protocol/index.ts'
import type { Core } from './core.ts'
import { EngineFault } from './fault.ts'
import type { Context, Module, ModuleObserver, Reply } from './module.ts'
import { ModuleEffects } from './module-effects.ts'
import { ModuleFull, ModuleMisuse } from './module-errors.ts'
import { jsonText } from './module-json.ts'
import type { LedgerScope } from './module-ledger.ts'
import { type HostedModule, ModuleRegistry, type Route } from './module-registry.ts'
import type { Timer } from './module-timers.ts'
import { CHAIN_PLACE } from './outcome-memory.ts'
import type { OutcomeDigest } from './outcome-writer.ts'

/** In the digest beside the kind `module`: a timer fired, or failed. */
const TIMER_FIRED = 0x8000
const TIMER_FAILED = 0x8001

/** See the head of this file. */
export class ModuleHost {
  readonly registry: ModuleRegistry
  /** Timers whose handlers threw. */
  failedTimers = 0
  /** Hears why handlers failed. */
  onFailure: (sentence: string) => void = () => {}
  readonly #core: Core
  readonly #scope: LedgerScope
  readonly #effects: ModuleEffects
  /** Modules whose changes are not certain yet, and the one that ran last. */
  readonly #open: HostedModule[] = []
  #last: HostedModule | undefined
  /** The text of the last refusal. */
  readonly #refusal = new Uint8Array(MODULE_REPLY_BYTES_MAX)
  #refusalBytes = 0
  #reservationsSequence = 0

  /** Throws `ModuleMisuse` where a module is not as module.ts says. */
  constructor(core: Core, modules: readonly Module[], observer: ModuleObserver | undefined) {
    this.#core = core
    this.#effects = new ModuleEffects(core.book, observer)
    this.#scope = {
      core,
      effects: this.#effects,
      mayChange: false,
      operations: 0,
      reservations: 0,
      record: undefined,
      fault: undefined,
    }
    this.registry = new ModuleRegistry(modules, this.#scope)
  }

  /** Decides the command at `at`, which `takes` accepted. In a chain, the chain undoes and commits. */
  decide(words: Words, at: number): number {
    const core = this.#core
    const route = this.registry.command(words, at) as Route
    const input = inputAt(words, at)
    if (input === undefined) return STATUS.malformed
    const { chainPlace, ownHash } = core
    const isAlone = chainPlace === CHAIN_PLACE.alone
    if (isAlone) core.book.undo.isOn = true
    this.#scope.record = { words, at }
    this.#begin(route.hosted, core.sequence, core.nowMs)
    const status = this.#run(route, input)
    core.chainPlace = chainPlace
    core.ownHash = ownHash
    if (isAlone) this.#end(status === STATUS.ok)
    else if (status !== STATUS.ok) this.#effects.clear()
    if (status !== STATUS.ok) this.#noteRefusal()
    return status
  }

  #begin(hosted: HostedModule, sequence: number, timeMs: number): void {
    const scope = this.#scope
    if (sequence !== this.#reservationsSequence) {
      this.#reservationsSequence = sequence
      scope.reservations = 0
    }
    scope.operations = 0
    hosted.tables.begin(sequence)
    hosted.timers.begin(sequence, timeMs)
    if (!this.#open.includes(hosted)) this.#open.push(hosted)
    this.#last = hosted
    this.#effects.begin(sequence, timeMs)
    hosted.context.now = timeMs
  }

  /** Runs a command's handler; fills the decision's reply, and nothing else of it. */
  #run({ hosted, name, handler }: Route, input: never): number {
    return this.#guarded(name, () => this.#showReply(atOnce(handler(hosted.context, input))))
  }

  /** Lets a handler use the ledger; gives back a status. Throws what must stop the engine. */
  #guarded(what: string, work: () => number): number {
    const core = this.#core
    const scope = this.#scope
    const { decision } = core
    core.chainPlace = CHAIN_PLACE.alone
    core.side = ACCOUNT_FLAG.owned
    scope.mayChange = true
    let status: number
    try {
      decision.begin(core.sequence, core.nowMs)
      status = work()
    } catch (error) {
      if (isA(error, EngineFault)) throw error
      status = isA(error, ModuleFull) ? STATUS.module_full : STATUS.module_failed
      this.onFailure(`${what}: ${sentenceOf(error)}`)
      decision.begin(core.sequence, core.nowMs)
      if (status === STATUS.module_failed) this.#showText('{"code":"module_failed"}')
    } finally {
      scope.mayChange = false
      core.side = 0
    }
    if (scope.fault !== undefined) throw scope.fault
    return status
  }

  /** Makes the decision show a reply alone; gives back the status that it stands for. */
  #showReply(reply: Reply): number {
    const { decision, sequence, nowMs } = this.#core
    const text = jsonText(reply, MODULE_REPLY_BYTES_MAX, 'a reply')
    if (typeof reply.code !== 'string' || reply.code === '') {
      throw new ModuleMisuse('a reply has a code: a text that is not empty')
    }
    decision.begin(sequence, nowMs)
    const status = reply.code === 'ok' ? STATUS.ok : refusalStatus(reply.code)
    if (status === STATUS.ok || status === STATUS.module_refused) this.#showText(text)
    return status
  }

  #showText(text: string): void {
    const { decision } = this.#core
    decision.replyBytes = ENCODER.encodeInto(text, decision.reply).written
  }

  /** Ends what a handler did outside of a chain; what it did is rolled into the digest by `roll`. */
  #end(stands: boolean): void {
    const { book } = this.#core
    if (stands) {
      book.undo.isOn = false
      book.undo.clear()
    } else {
      book.rollback()
      this.rollback()
    }
  }

  #noteRefusal(): void {
    const { reply, replyBytes } = this.#core.decision
    this.#refusalBytes = replyBytes
    for (let n = 0; n < replyBytes; n++) this.#refusal[n] = reply[n] as number
  }

  /** Shows the reply of the last command again, which was refused with this status by its module. */
  showRefusal(status: number): void {
    if (status !== STATUS.module_refused && status !== STATUS.module_failed) return
    const { decision } = this.#core
    for (let n = 0; n < this.#refusalBytes; n++) decision.reply[n] = this.#refusal[n] as number
    decision.replyBytes = this.#refusalBytes
  }

  /** Rolls what the command decided last did into the digest; nothing where it was refused. */
  roll(digest: OutcomeDigest): void {
    const last = this.#last
    if (last === undefined) return
    this.#last = undefined
    this.#effects.roll(digest, last.module.name, last.tables)
  }

  /** What was decided since the last commit stands, and observers hear of it. */
  commit(): void {
    const open = this.#open
    for (let n = 0; n < open.length; n++) {
      const { tables, timers } = open[n] as HostedModule
      tables.commit()
      timers.commit()
    }
    if (open.length > 0) open.length = 0
    this.#effects.commit()
  }

  /** What was decided since the last commit does not stand; the book is taken back by others. */
  rollback(): void {
    for (const { tables, timers } of this.#open) {
      tables.rollback()
      timers.rollback()
    }
    this.#open.length = 0
    this.#last = undefined
    this.#effects.rollback()
  }

  /** Answers the query at `at`; fills the decision's reply. */
  query(words: Words, at: number): number {
    const core = this.#core
    if (!isModuleInput(words, at)) return STATUS.malformed
    const route = this.registry.query(words, at)
    const input = inputAt(words, at)
    if (route === undefined || input === undefined) return STATUS.malformed
    route.hosted.context.now = core.nowMs
    try {
      return this.#showReply(atOnce(route.handler(route.hosted.context, input)))
    } catch (error) {
      if (isA(error, EngineFault)) throw error
      this.onFailure(`${route.name}: ${sentenceOf(error)}`)
      core.decision.begin(core.sequence, core.nowMs)
      this.#showText('{"code":"module_failed"}')
      return STATUS.module_failed
    }
  }

  /** Fires the timer that is due first; there is one. All reservations due until then have expired. */
  fire(digest: OutcomeDigest, sequence: number): void {
    const hosted = this.registry.nextToFire()
    const timer = hosted.timers.takeDue(hosted.timers.nextDueMs) as Timer
    const { book } = this.#core
    this.#core.sequence = sequence
    book.undo.isOn = true
    this.#scope.record = undefined
    this.#begin(hosted, sequence, timer.dueMs)
    const { module, context } = hosted
    const status = this.#guarded(`timer ${module.name}/${timer.kind}`, () => {
      fireHandler(module, context, timer)
      return STATUS.ok
    })
    const stands = status === STATUS.ok
    this.#end(stands)
    if (!stands) this.failedTimers++
    digest.rollNumber(sequence)
    digest.rollNumber((KIND.module << 16) | (stands ? TIMER_FIRED : TIMER_FAILED))
    digest.rollNumber(timer.dueMs)
    this.#effects.rollText(digest, timer.kind)
    this.#effects.rollText(digest, timer.key)
    this.roll(digest)
    this.commit()
  }
}

const ENCODER = new TextEncoder()

/**
 * The status of a refusal with this code. One that a full table of the core gave, and that the module
 * passes on, keeps the core's own: it is not remembered, for the next try may pass. Throws `ModuleMisuse`
 * on the other codes of HTTP 503, with which the server itself says that nothing was decided: a caller
 * who repeats on them would get the remembered refusal for ever.
 */
function refusalStatus(code: string): number {
  const status = Object.hasOwn(STATUS, code) ? STATUS[code as keyof typeof STATUS] : undefined
  if (status === undefined || statusOf(status).http !== 503) return STATUS.module_refused
  if (status < STATUS.invalid_request) return status
  throw new ModuleMisuse(`a reply has the code ${code}, which only the server may say`)
}

function fireHandler(module: Module, context: Context, { kind, key }: Timer): void {
  const handler = module.timers[kind]
  if (handler === undefined) throw new ModuleMisuse(`no timer handler ${kind}`)
  atOnce(handler(context, key))
}

/** What a handler gave back, which is no promise: nobody waits for one, or hears that it was rejected. */
function atOnce<T>(given: T): T {
  if (!(given instanceof Promise)) return given
  given.catch(() => {})
  throw new ModuleMisuse('a handler decides at once: it gave back a promise')
}

/** `instanceof` of what a handler threw, which may have something against it. */
function isA(error: unknown, type: new (...args: never[]) => Error): boolean {
  try {
    return error instanceof type
  } catch {
    return false
  }
}

/** What a handler threw, for people: it may be anything, and what has no text may not stop the writer. */
function sentenceOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.stack ?? error) : String(error)
  } catch {
    return 'it threw something that has no text'
  }
}

/** The input of the record at `at`, or undefined where it is none. */
function inputAt(words: Words, at: number): never | undefined {
  try {
    const input = readModuleInput(words, at)
    return typeof input === 'object' && input !== null ? (input as never) : undefined
  } catch {
    return undefined
  }
}
