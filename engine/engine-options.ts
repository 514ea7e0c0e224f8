// What an engine is made of: memory, where outcomes go, modules, and those who watch. Types alone.

import type { AccountNamesMemory, Capacities } from '../protocol/index.ts'
import type { BookChanges } from './book-changes.ts'
import type { Module, ModuleObserver } from './module.ts'
import type { OutcomeSink } from './outcome-writer.ts'

/** What an engine is made of. */
export interface EngineOptions {
  /** Rows to reserve memory for: at least what any `configure` record of the journal says. */
  readonly capacities: Capacities
  /** Shared memory for the accounts' spellings. */
  readonly names: AccountNamesMemory
  /** A random 32-bit number of this process: places ids in the indexes, decides nothing. */
  readonly seed: number
  /** Where outcomes go. */
  readonly sink: OutcomeSink
  /** Notes what frames change, for views. Begun and taken by the caller, frame by frame. */
  readonly changes?: BookChanges | undefined
  /** The modules that it can decide for; a `configure` record says which of them it does. */
  readonly modules?: readonly Module[] | undefined
  /** Hears what modules make known. */
  readonly observer?: ModuleObserver | undefined
  /** Hears why a module's handler failed, as a sentence for its author. Changes nothing. */
  readonly onModuleFailure?: ((sentence: string) => void) | undefined
}
