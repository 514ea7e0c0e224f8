// The identifiers of names used lately, for hashing a name costs a microsecond. Bounded by two
// generations: when the younger one is full the older one is dropped whole.

import { type Id, idOf } from './id.ts'
import { ID_CACHE_NAMES } from './limits.ts'

/** Gives the identifier of a name that `idFault` accepted. */
export type IdCache = (name: string) => Id

/** An empty cache; `make` is asked for those that it does not know. */
export function createIdCache(
  generationNames = ID_CACHE_NAMES,
  make: (name: string) => Id = idOf,
): IdCache {
  let young = new Map<string, Id>()
  let old = new Map<string, Id>()
  return (name) => {
    const known = young.get(name)
    if (known !== undefined) return known
    const id = old.get(name) ?? make(name)
    if (young.size >= generationNames) {
      old = young
      young = new Map()
    }
    young.set(name, id)
    return id
  }
}
