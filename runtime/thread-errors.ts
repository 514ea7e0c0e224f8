// Errors on their way from one thread to another. A structured clone keeps an error's message and
// loses what it is; whoever starts the server has to know damage from a full disk.

import { EngineFault } from '../engine/index.ts'
import { JournalDamage, JournalPoisoned, JournalVersionError } from '../journal/index.ts'
import { TimeJumpRefused } from './clock.ts'
import { ModuleLoadError } from './load-modules.ts'
import { RingBroken } from './ring.ts'

/** A thread ended without a word, or with an error that has no type of its own. */
export class ThreadFailed extends Error {
  override readonly name = 'ThreadFailed'
}

/** Errors that keep their type. Their fields are plain data. */
const TYPES = [
  EngineFault,
  JournalDamage,
  JournalPoisoned,
  JournalVersionError,
  ModuleLoadError,
  RingBroken,
  TimeJumpRefused,
] as const

/** An error as plain data. */
export interface PackedError {
  readonly name: string
  readonly message: string
  readonly stack: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** The error as plain data, for `postMessage`. */
export function packError(error: unknown): PackedError {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), stack: '', fields: {} }
  }
  const fields: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(error)) {
    if (['string', 'number', 'boolean'].includes(typeof value)) fields[key] = value
  }
  return { name: error.name, message: error.message, stack: error.stack ?? '', fields }
}

/** The error again: `instanceof` says what it is, its fields and its stack are the first one's. */
export function unpackError(packed: PackedError): Error {
  const error = new ThreadFailed(packed.message)
  const type = TYPES.find(({ name }) => name === packed.name)
  Object.setPrototypeOf(error, type === undefined ? Error.prototype : type.prototype)
  Object.assign(error, packed.fields, { stack: packed.stack })
  if (packed.fields.name === undefined) {
    Object.defineProperty(error, 'name', { value: packed.name, configurable: true })
  }
  return error
}
