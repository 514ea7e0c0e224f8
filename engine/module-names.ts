// The ids of a module's accounts and reservations by the names that the module has for them. Hashing a name
// costs a microsecond, so those of accounts are kept.

import {
  asOwnedId,
  createIdCache,
  Id,
  type IdCache,
  idFaultWords,
  idFromText,
  idOf,
} from '../protocol/index.ts'
import { ModuleMisuse } from './module-errors.ts'

/** The ids of the accounts that `module` names: as everybody has them who spells the whole name. */
export function accountsBelow(module: string): IdCache {
  return createIdCache(undefined, (name): Id => idOf(wholeName(module, name)))
}

/**
 * The ids of the reservations that `module` names: no command from outside may have one of them. Reservations are
 * many and each is named a few times in a row at most, so no more than the last one is kept.
 */
export function reservationsBelow(module: string): IdCache {
  let last: Id | undefined
  let lastName = ''
  return (name) => {
    if (last !== undefined && name === lastName) return last
    const text = wholeName(module, name)
    last = new Id(asOwnedId(idFromText(text)), text)
    lastName = name
    return last
  }
}

/** Throws `ModuleMisuse` where a name together with the module's is no id. */
function wholeName(module: string, name: string): string {
  if (typeof name !== 'string' || name === '') {
    throw new ModuleMisuse(`${module} names an account or a reservation ${String(name)}: a text`)
  }
  const text = `${module}/${name}`
  const fault = idFaultWords(text)
  if (fault !== undefined) throw new ModuleMisuse(`the id ${text} ${fault}`)
  return text
}
