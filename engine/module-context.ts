// What a module's handlers are given: one object for each module, which the host opens for a handler and
// closes after it.

import { MODULE_EVENT_BYTES_MAX, MODULE_EVENTS_MAX } from '../protocol/index.ts'
import type { Context, Json, ModuleLedger, Table, TableSchema, Timers } from './module.ts'
import { ModuleMisuse } from './module-errors.ts'
import { jsonText } from './module-json.ts'
import { HostLedger, type LedgerScope } from './module-ledger.ts'
import type { ModuleTables } from './module-tables.ts'
import type { ModuleTimers } from './module-timers.ts'

/** An event's kind: `call.granted_changed`. */
const EVENT_KIND = /^[a-z0-9_.-]{1,64}$/

/** See the head of this file. */
export class HostContext implements Context {
  now = 0
  readonly ledger: ModuleLedger
  readonly timers: Timers
  readonly #scope: LedgerScope
  readonly #tables: ModuleTables

  constructor(module: string, scope: LedgerScope, tables: ModuleTables, timers: ModuleTimers) {
    this.#scope = scope
    this.#tables = tables
    this.ledger = new HostLedger(module, scope)
    this.timers = {
      set(kind, key, atMs) {
        timers.set(kind, key, atMs)
        scope.effects.noteTimer(kind, key, atMs)
      },
      cancel(kind, key) {
        timers.cancel(kind, key)
        scope.effects.noteTimer(kind, key, -1)
      },
    }
  }

  get sequence(): number {
    return this.#scope.core.sequence
  }

  table<const S extends TableSchema>(schema: S): Table<S> {
    return this.#tables.table(schema)
  }

  emit(kind: string, data: Readonly<Record<string, Json>>): void {
    const { effects, mayChange } = this.#scope
    if (!mayChange) throw new ModuleMisuse('a query tells nobody: make it a command')
    if (effects.events.length >= MODULE_EVENTS_MAX) {
      throw new ModuleMisuse(`more than ${MODULE_EVENTS_MAX} events: do it in several commands`)
    }
    if (typeof kind !== 'string' || !EVENT_KIND.test(kind)) {
      throw new ModuleMisuse(`an event of the kind ${kind}: 1 to 64 of a to z, 0 to 9, _ . and -`)
    }
    const text = jsonText(data, MODULE_EVENT_BYTES_MAX, `the data of ${kind}`)
    // The handler may change its object later.
    effects.events.push({ kind, data: effects.isObserved ? JSON.parse(text) : data })
  }
}
