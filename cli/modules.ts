// The modules that a verb decides a journal again with.

import type { Module } from '../engine/index.ts'
import { findModules, loadRules } from '../runtime/index.ts'
import type { Config } from './config.ts'

/** The rules of the modules in a configuration. Rejects with `ModuleLoadError`. */
export function rulesOf({ modules }: Pick<Config, 'modules'>): Promise<Module[]> {
  return loadRules(findModules(modules))
}
