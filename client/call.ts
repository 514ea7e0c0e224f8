// One call of the interface while it waits for its answer. Where its records are is in flow.ts, what
// its result looks like in results.ts.

import {
  type AnyId,
  allocateWords,
  copyWords,
  type Id,
  OUTCOME,
  statusOf,
  type Words,
} from '../protocol/index.ts'
import type { AccountName, ModuleAsk, ModuleCodec } from './carrier.ts'
import type { ModuleResult, SubmitResult } from './holdfast.ts'
import { moduleResult, submitResult } from './results.ts'

/** Gives the name of a slot, or undefined where it has to be asked for. */
export type NameOf = (slot: number) => AccountName | undefined

/** What flow.ts needs of a call. */
export interface Call {
  readonly startedMs: number
  readonly timeoutMs: number
  /** The records take effect together. */
  readonly isLinked: boolean
  /** Some of its records left. */
  wasSent: boolean
  /** It has its result or its error: what still comes is dropped. */
  isOver: boolean
  /** Takes the outcome of the command of this index. */
  take(index: number, words: Words, at: number): void
  /** All outcomes were taken. */
  finish(): void
  /** Commands without an outcome that was taken. */
  left: number
  fail(error: Error): void
}

/** A call of one command or query: its outcome, copied, waits for the names that it needs. */
export class SingleCall<Result> implements Call {
  readonly isLinked = false
  wasSent = false
  isOver = false
  left = 1
  readonly startedMs = performance.now()
  readonly timeoutMs: number
  readonly #build: (words: Words, at: number, nameOf: NameOf) => Result
  readonly #slots: (words: Words, at: number) => readonly number[]
  readonly #resolve: (result: Result) => void
  readonly #reject: (error: Error) => void
  readonly #names: NameSource

  constructor(
    timeoutMs: number,
    parts: {
      readonly build: (words: Words, at: number, nameOf: NameOf) => Result
      /** Slots whose names the result shows. */
      readonly slots: (words: Words, at: number) => readonly number[]
      readonly names: NameSource
      readonly resolve: (result: Result) => void
      readonly reject: (error: Error) => void
    },
  ) {
    this.timeoutMs = timeoutMs
    this.#build = parts.build
    this.#slots = parts.slots
    this.#names = parts.names
    this.#resolve = parts.resolve
    this.#reject = parts.reject
  }

  take(_index: number, words: Words, at: number): void {
    const { nameOf } = this.#names
    const missing = this.#slots(words, at).filter((slot) => nameOf(slot) === undefined)
    if (missing.length === 0) {
      // It throws where the outcome makes no sense, and then the call is not over.
      const result = this.#build(words, at, nameOf)
      this.isOver = true
      this.#resolve(result)
      return
    }
    const bytes = words.u32[(at + OUTCOME.bytes) >>> 2] as number
    const kept = allocateWords(bytes)
    copyWords(words, at, kept, 0, bytes)
    this.#names.wait(missing, {
      isOver: () => this.isOver,
      retry: () => this.take(0, kept, 0),
    })
  }

  finish(): void {}

  fail(error: Error): void {
    this.isOver = true
    this.#reject(error)
  }
}

/** A call of a module's command: its result names no accounts. */
export class ModuleCall<Result> implements Call {
  readonly isLinked = false
  wasSent = false
  isOver = false
  left = 1
  readonly startedMs = performance.now()
  readonly timeoutMs: number
  readonly #ask: ModuleAsk
  readonly #id: Id
  readonly #modules: ModuleCodec
  readonly #resolve: (result: ModuleResult<Result>) => void
  readonly #reject: (error: Error) => void

  /** `modules` wrote the record, of what is asked for by `ask` under `id`. */
  constructor(
    timeoutMs: number,
    ask: ModuleAsk,
    id: Id,
    modules: ModuleCodec,
    resolve: (result: ModuleResult<Result>) => void,
    reject: (error: Error) => void,
  ) {
    this.timeoutMs = timeoutMs
    this.#ask = ask
    this.#id = id
    this.#modules = modules
    this.#resolve = resolve
    this.#reject = reject
  }

  take(_index: number, words: Words, at: number): void {
    // It throws where the outcome makes no sense, and then the call is not over.
    const result = moduleResult(words, at, this.#id.text, (field) =>
      this.#modules.differenceCode(this.#ask, field),
    )
    this.isOver = true
    this.#resolve(result as ModuleResult<Result>)
  }

  finish(): void {}

  fail(error: Error): void {
    this.isOver = true
    this.#reject(error)
  }
}

/** Somebody who waits for names. */
export interface NameWaiter {
  isOver(): boolean
  retry(): void
}

/** Where names come from. */
export interface NameSource {
  readonly nameOf: NameOf
  /** Asks for the names of `slots`; `retry` is called when some are there. */
  wait(slots: readonly number[], waiter: NameWaiter): void
}

/** A call of many commands. */
export class SubmitCall implements Call {
  wasSent = false
  isOver = false
  left: number
  readonly isLinked: boolean
  readonly startedMs = performance.now()
  readonly timeoutMs: number
  readonly #ids: readonly AnyId[]
  readonly #results: SubmitResult[]
  readonly #resolve: (results: SubmitResult[]) => void
  readonly #reject: (error: Error) => void

  constructor(
    timeoutMs: number,
    parts: {
      readonly isLinked: boolean
      /** The commands' own ids. */
      readonly ids: readonly AnyId[]
      readonly resolve: (results: SubmitResult[]) => void
      readonly reject: (error: Error) => void
    },
  ) {
    this.timeoutMs = timeoutMs
    this.isLinked = parts.isLinked
    this.#ids = parts.ids
    this.left = parts.ids.length
    this.#results = new Array(parts.ids.length)
    this.#resolve = parts.resolve
    this.#reject = parts.reject
  }

  take(index: number, words: Words, at: number): void {
    this.#results[index] = submitResult(words, at, this.#ids[index] as AnyId)
  }

  finish(): void {
    this.isOver = true
    this.#resolve(this.#results)
  }

  /** Gives every command this status; nothing was sent. */
  refuse(number: number): void {
    const { code } = statusOf(number)
    for (const [i, commandId] of this.#ids.entries()) {
      this.#results[i] = { code, commandId, moved: 0, replayed: false }
    }
    this.finish()
  }

  fail(error: Error): void {
    this.isOver = true
    this.#reject(error)
  }
}
