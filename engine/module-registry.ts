// Which modules there are and which of them are in force: their tables and timers, where each route leads,
// whose timer is next. Runs nothing.

import {
  MODULE,
  moduleQueryRoute,
  moduleRoute,
  OPEN_ACCOUNT,
  RECORD,
  TAIL_HEAD_BYTES,
  TAIL_TAG,
  type Words,
} from '../protocol/index.ts'
import type { CommandHandler, Module } from './module.ts'
import { HostContext } from './module-context.ts'
import { ModuleMisuse } from './module-errors.ts'
import type { LedgerScope } from './module-ledger.ts'
import { otherRules, rulesText } from './module-rules.ts'
import { ModuleTables } from './module-tables.ts'
import { compareTimers, ModuleTimers } from './module-timers.ts'

/** One module and what it stands on. */
export interface HostedModule {
  readonly module: Module
  /** `name@version` and a line's end. */
  readonly rules: string
  readonly tables: ModuleTables
  readonly timers: ModuleTimers
  readonly context: HostContext
  /** Its name and a slash, as bytes. */
  readonly prefix: Uint8Array
  isInForce: boolean
}

/** Where a route leads. */
export interface Route {
  readonly hosted: HostedModule
  /** `calls/start`, for people. */
  readonly name: string
  readonly handler: CommandHandler
}

/** See the head of this file. */
export class ModuleRegistry {
  /** In order of their names. */
  readonly hosted: readonly HostedModule[]
  /** The lines that a `configure` record holds for all of them. */
  readonly rules: string
  readonly #commands = new Map<number, Route>()
  readonly #queries = new Map<number, Route>()
  #inForce: readonly HostedModule[] = []
  #rulesInForce = ''
  /** Others than these modules decided what is in the state: nothing goes on but with a `configure`. */
  #isStale = false

  /** Throws `ModuleMisuse` where a module is not as module.ts says. */
  constructor(modules: readonly Module[], scope: LedgerScope) {
    this.rules = rulesText(modules)
    this.hosted = [...modules]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((module) => this.#host(module, scope))
  }

  #host(module: Module, scope: LedgerScope): HostedModule {
    const { name } = module
    const tables = new ModuleTables(name, module.tables)
    const timers = new ModuleTimers(name, Object.keys(module.timers))
    const hosted: HostedModule = {
      module,
      rules: rulesText([module]),
      tables,
      timers,
      context: new HostContext(name, scope, tables, timers),
      prefix: Buffer.from(`${name}/`),
      isInForce: false,
    }
    for (const [command, handler] of Object.entries(module.commands)) {
      const route = { hosted, name: `${name}/${command}`, handler }
      this.#enter(this.#commands, moduleRoute(name, command), route)
    }
    for (const [query, handler] of Object.entries(module.queries)) {
      const route = { hosted, name: `${name}?${query}`, handler }
      this.#enter(this.#queries, moduleQueryRoute(name, query), route)
    }
    return hosted
  }

  #enter(routes: Map<number, Route>, number: number, route: Route): void {
    const other = this.#commands.get(number) ?? this.#queries.get(number)
    if (other !== undefined) {
      throw new ModuleMisuse(`${other.name} and ${route.name} have one route: rename one of them`)
    }
    routes.set(number, route)
  }

  /** Rows in all modules' tables. */
  get rowCount(): number {
    return this.hosted.reduce((count, { tables }) => count + tables.rowCount, 0)
  }

  /** The lines of the modules that are in force. */
  get rulesInForce(): string {
    return this.#rulesInForce
  }

  /**
   * Brings the modules of a `configure` record into force. Throws `EngineFault` of kind `rules` where one
   * of them is not here.
   */
  enforce(rules: string, sequence: number): void {
    if (!this.#mayEnforce(rules)) throw otherRules(rules, this.rules, sequence)
  }

  /**
   * Goes on from a state that these modules decided. Others than those that are here may have: then the
   * next record has to be a `configure`.
   */
  resume(rules: string): void {
    this.#isStale = !this.#mayEnforce(rules)
    this.#rulesInForce = rules
  }

  #mayEnforce(rules: string): boolean {
    const lines = new Set(rules.split(/(?<=\n)/).filter((line) => line !== ''))
    const found = this.hosted.filter((hosted) => lines.has(hosted.rules))
    if (found.length < lines.size) return false
    for (const hosted of this.hosted) hosted.isInForce = lines.has(hosted.rules)
    this.#inForce = found
    this.#rulesInForce = rules
    this.#isStale = false
    return true
  }

  /** Throws `EngineFault` of kind `rules` where nothing may be decided with what is here. */
  assertRules(sequence: number): void {
    if (this.#isStale) throw otherRules(this.#rulesInForce, this.rules, sequence)
  }

  /** Whether the command at `at`, which is well-formed, is one of a module that is in force. */
  takes(words: Words, at: number): boolean {
    return this.command(words, at) !== undefined
  }

  /** Where the command at `at` leads; undefined where that is no module that is in force. */
  command(words: Words, at: number): Route | undefined {
    return inForce(this.#commands.get(words.i32[(at + MODULE.route) >>> 2] as number))
  }

  /** Where the query at `at` leads. */
  query(words: Words, at: number): Route | undefined {
    return inForce(this.#queries.get(words.i32[(at + MODULE.route) >>> 2] as number))
  }

  /** Whether the open_account at `at` spells an id below a module's name. */
  ownsName({ u8, u16 }: Words, at: number): boolean {
    if (this.#inForce.length === 0 || u16[(at + RECORD.tailBytes) >>> 1] === 0) return false
    const entry = at + OPEN_ACCOUNT.bytes
    if (u8[entry] !== TAIL_TAG.id) return false
    const bytes = (u8[entry + 2] as number) + (u8[entry + 3] as number) * 256
    const text = entry + TAIL_HEAD_BYTES
    return this.#inForce.some(
      ({ prefix }) => prefix.length <= bytes && prefix.every((byte, i) => u8[text + i] === byte),
    )
  }

  /** When the first timer of a module that is in force is due; Infinity where none is set. */
  nextDueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY
    for (const { timers } of this.#inForce) {
      if (timers.nextDueMs < dueMs) dueMs = timers.nextDueMs
    }
    return dueMs
  }

  /** The module whose timer that is; there is one. */
  nextToFire(): HostedModule {
    let first: HostedModule | undefined
    for (const hosted of this.#inForce) {
      const timer = hosted.timers.next
      if (timer === undefined) continue
      const other = first?.timers.next
      if (other === undefined || compareTimers(timer, other) < 0) first = hosted
    }
    return first as HostedModule
  }
}

function inForce(route: Route | undefined): Route | undefined {
  return route?.hosted.isInForce === true ? route : undefined
}
