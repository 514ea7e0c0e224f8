// The identifiers of names used lately, for hashing a name costs a microsecond. Bounded by two
// generations: when the younger one is full the older one is dropped whole.

import { idFromText } from '../protocol/index.ts'
import { ID_CACHE_NAMES } from './limits.ts'

/** Gives the 16 bytes of a name that `idFault` accepted; not to be written to. */
export type IdCache = (name: string) => Uint8Array

/** An empty cache. */
export function createIdCache(generationNames = ID_CACHE_NAMES): IdCache {
  let young = new Map<string, Uint8Array>()
  let old = new Map<string, Uint8Array>()
  return (name) => {
    const known = young.get(name)
    if (known !== undefined) return known
    const id = old.get(name) ?? idFromText(name)
    if (young.size >= generationNames) {
      old = young
      young = new Map()
    }
    young.set(name, id)
    return id
  }
}
