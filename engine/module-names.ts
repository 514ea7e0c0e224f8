// The ids of a module's accounts and reservations by the names that the module has for them. Hashing a name
// costs a microsecond, so the ones used lately are kept.

import { createIdCache, type Id, type IdCache, idFaultWords, idOf } from '../protocol/index.ts'
import { ModuleMisuse } from './module-errors.ts'

/**
 * The ids of what `module` names, below its own name. They throw `ModuleMisuse` where a name together with
 * the module's is no id.
 */
export function namesBelow(module: string): IdCache {
  return createIdCache(undefined, (name): Id => {
    if (typeof name !== 'string' || name === '') {
      throw new ModuleMisuse(`${module} names an account or a reservation ${String(name)}: a text`)
    }
    const text = `${module}/${name}`
    const fault = idFaultWords(text)
    if (fault !== undefined) throw new ModuleMisuse(`the id ${text} ${fault}`)
    return idOf(text)
  })
}
