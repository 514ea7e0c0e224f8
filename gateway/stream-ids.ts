// The one id that only a stream could bring: all ones. HTTP and the client take it for no id, so what was made
// under it could not be named by them.

import {
  ACCOUNT_CHANGE,
  EXTEND,
  KIND,
  RECORD,
  RESERVE,
  RESOLVE,
  RESOLVE_GROUP,
  SET_CREDIT_LIMIT,
  TRANSFER,
  type Words,
} from '../protocol/index.ts'

const OWN: readonly number[] = [RECORD.id]

/** Where ids lie in a record, by its kind; where not named, it has none but its own. */
const PLACES: Readonly<Record<number, readonly number[]>> = {
  [KIND.setCreditLimit]: [RECORD.id, SET_CREDIT_LIMIT.account],
  [KIND.freezeAccount]: [RECORD.id, ACCOUNT_CHANGE.account],
  [KIND.unfreezeAccount]: [RECORD.id, ACCOUNT_CHANGE.account],
  [KIND.closeAccount]: [RECORD.id, ACCOUNT_CHANGE.account],
  [KIND.transfer]: [RECORD.id, TRANSFER.debit, TRANSFER.credit],
  [KIND.reserve]: [RECORD.id, RESERVE.debit, RESERVE.credit, RESERVE.group],
  [KIND.settle]: [RECORD.id, RESOLVE.reservation],
  [KIND.release]: [RECORD.id, RESOLVE.reservation],
  [KIND.extend]: [RECORD.id, EXTEND.reservation],
  [KIND.settleGroup]: [RECORD.id, RESOLVE_GROUP.group],
  [KIND.releaseGroup]: [RECORD.id, RESOLVE_GROUP.group],
}

const PLACES_OF_KIND = Array.from({ length: 256 }, (_, kind) => PLACES[kind] ?? OWN)

/** Whether one of the ids of the record at `at` is that of ones. */
export function namesMaxId(words: Words, at: number): boolean {
  const places = PLACES_OF_KIND[words.u8[at] as number] as readonly number[]
  for (let n = 0; n < places.length; n++) {
    if (isMaxId(words.i32, (at + (places[n] as number)) >>> 2)) return true
  }
  return false
}

function isMaxId(i32: Int32Array, w: number): boolean {
  return i32[w] === -1 && i32[w + 1] === -1 && i32[w + 2] === -1 && i32[w + 3] === -1
}
