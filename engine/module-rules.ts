// Which rules of which modules are in force: said by every start's `configure` record, and kept in the
// state. An engine decides with those alone, and refuses where it has others.

import { CONFIGURE, RECORD, TAIL_BYTES_MAX, type Words } from '../protocol/index.ts'
import { EngineFault } from './fault.ts'
import { ModuleMisuse } from './module-errors.ts'

/** A module's name. */
const NAME = /^[a-z0-9_-]{1,32}$/

/** What names a module's rules. */
interface Rules {
  readonly name: string
  readonly version: number
}

/**
 * The lines that a `configure` record holds for these modules: `name@version` each, in order of the names.
 * Throws `ModuleMisuse` where a name or a version is none, two modules share a name, or the lines are too
 * long for a record.
 */
export function rulesText(modules: readonly Rules[]): string {
  const lines = modules.map(({ name, version }) => {
    if (!NAME.test(name)) {
      throw new ModuleMisuse(`a module is named ${name}: 1 to 32 of a to z, 0 to 9, _ and -`)
    }
    if (!(Number.isSafeInteger(version) && version >= 1)) {
      throw new ModuleMisuse(`the module ${name} has the version ${version}: a whole number from 1`)
    }
    return `${name}@${version}\n`
  })
  lines.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const names = new Set(modules.map(({ name }) => name))
  if (names.size < modules.length) throw new ModuleMisuse('two modules have one name')
  const text = lines.join('')
  if (text.length > TAIL_BYTES_MAX) {
    throw new ModuleMisuse(
      `the modules' names take ${text.length} bytes: ${TAIL_BYTES_MAX} at most`,
    )
  }
  return text
}

/** The lines in the `configure` record at `at`. */
export function rulesIn({ u8, u16 }: Words, at: number): string {
  const start = at + CONFIGURE.bytes
  const bytes = u16[(at + RECORD.tailBytes) >>> 1] as number
  let end = start
  while (end < start + bytes && u8[end] !== 0) end++
  return Buffer.from(u8.slice(start, end).buffer).toString('latin1')
}

/** What stops an engine whose rules, `own`, are not those that are in force. */
export function otherRules(inForce: string, own: string, sequence: number): EngineFault {
  return new EngineFault(
    'rules',
    sequence,
    `decided with the modules ${listed(inForce)}, and here are ${listed(own)}: give --modules ` +
      '(or `modules` in the settings) the modules and versions that the journal names' +
      (hasOtherVersion(inForce, own)
        ? "; another version goes on from a snapshot at the journal's end, made with the old one"
        : ''),
  )
}

/** Whether a module of the lines `inForce` is among `own` with another version. */
function hasOtherVersion(inForce: string, own: string): boolean {
  const others = new Set(own.split('\n').map(nameIn))
  const lines = new Set(own.split('\n'))
  return inForce.split('\n').some((line) => !lines.has(line) && others.has(nameIn(line)))
}

function nameIn(line: string): string | undefined {
  return line.split('@')[0]
}

function listed(text: string): string {
  return text === '' ? 'none' : text.trimEnd().replaceAll('\n', ', ')
}
