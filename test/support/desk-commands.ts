// Commands of the desk (desk-module.ts) and of the core beside it, and an engine that has a card with money.

import type { Context, Module } from '../../engine/index.ts'
import { CARDS, DESK_FIELDS, desk } from './desk-module.ts'
import { type CoreCommand, type Item, type ModuleCommand, ModuleEngine } from './module-engine.ts'

/** A command of the desk. */
export function deskDo(
  id: string,
  command: keyof typeof desk.commands,
  input: object,
  linked = false,
): ModuleCommand {
  const fields = DESK_FIELDS[command] as readonly string[]
  return { id, module: 'desk', command, fields, input: { ...input }, linked }
}

/** A command of the core. */
export function core(core: CoreCommand['core'], fields: CoreCommand['fields']): CoreCommand {
  return { core, fields }
}

/** Accounts that are no module's. */
export const WORLD: readonly Item[] = [
  core('open_account', { id: 'world', ledger: 7, external: true }),
  core('open_account', { id: 'a', ledger: 7 }),
  core('open_account', { id: 'other', ledger: 8 }),
]

/** An engine of the desk with a card `c1` that has 100. */
export function readyDesk(): ModuleEngine {
  const engine = new ModuleEngine([desk])
  engine.apply(WORLD)
  engine.run(deskDo('open', 'open', { id: 'c1' }))
  engine.run(deskDo('fund', 'fund', { id: 'c1', amount: 100 }))
  return engine
}

/** A module of one command, which does what the test says. */
export function oneCommand(
  work: (ctx: Context, input: never) => unknown,
  extra: Partial<Module> = {},
): Module {
  return {
    name: 'one',
    version: 1,
    tables: [CARDS],
    commands: { go: work as never },
    queries: {},
    timers: { later: () => {} },
    ...extra,
  }
}
