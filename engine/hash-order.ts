// Hashes put roughly in order, so that those who lie close to each other in an index are entered one
// after the other: millions of entries are then written region by region, each of which fits a cache,
// and not all over memory.

/** Regions: the highest bits of a hash. A region of the default index is 256 KiB. */
const BITS = 10

/** How many regions there are. */
export const REGIONS: number = 1 << BITS
const SHIFT = 32 - BITS
const HASHES_A_REGION = 4_294_967_296 / REGIONS

/** The first hash of a region, as an unsigned number; of the one after the last, 2^32. */
export function firstHashOf(region: number): number {
  return region * HASHES_A_REGION
}

/** Hashes in order of their highest bits, and where each of them came from. */
export interface HashOrder {
  readonly hashes: Int32Array
  readonly places: Int32Array
  /** Where each region ends in both. */
  readonly ends: Int32Array
}

/** The first `count` of `hashes` in order of region; within one, as they were. */
export function orderByRegion(hashes: Int32Array, count: number): HashOrder {
  const next = new Int32Array(REGIONS + 1)
  const ordered: HashOrder = {
    hashes: new Int32Array(count),
    places: new Int32Array(count),
    ends: next,
  }
  for (let n = 0; n < count; n++) {
    const region = ((hashes[n] as number) >>> SHIFT) + 1
    next[region] = (next[region] as number) + 1
  }
  for (let region = 1; region <= REGIONS; region++) {
    next[region] = (next[region] as number) + (next[region - 1] as number)
  }
  for (let n = 0; n < count; n++) {
    const hash = hashes[n] as number
    const region = hash >>> SHIFT
    const place = next[region] as number
    next[region] = place + 1
    ordered.hashes[place] = hash
    ordered.places[place] = n
  }
  return ordered
}
