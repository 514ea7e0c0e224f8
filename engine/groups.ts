// Groups: open reservations that one command settles or releases together. A group exists while it
// has an open reservation.
//
// row (32 bytes), by word: 0 id (4) | 4 first, last member (slot + 1) | 6 members | 7 next free row + 1

import { copyWords, GROUP_RESERVATIONS_MAX, type Words } from '../protocol/index.ts'
import { allocateLines } from './cache-lines.ts'
import { contentHashOfId, type IdHash } from './id-hash.ts'
import { IdIndex, NONE } from './id-index.ts'
import type { Reservations } from './reservations.ts'

const ROW_BYTES = 32
const WORDS = 8
/** The last word is that of the next free row; while a group is restored, of the hash that its id will have. */
const WORD = { first: 4, last: 5, members: 6, nextFree: 7, restoredHash: 7 } as const

/** Rows of up to `groupsMax` groups. */
export class Groups {
  readonly rowWords = WORDS
  readonly i32: Int32Array
  readonly bytes: number
  readonly #words: Words
  readonly #index: IdIndex
  readonly #hash: IdHash
  readonly #reservations: Reservations
  #free = 0
  #fresh = 0
  count = 0

  constructor(hash: IdHash, groupsMax: number, reservations: Reservations) {
    this.#words = allocateLines(groupsMax * ROW_BYTES)
    this.i32 = this.#words.i32
    this.#hash = hash
    this.#index = new IdIndex(hash, groupsMax, this)
    this.#reservations = reservations
    this.bytes = groupsMax * ROW_BYTES + this.#index.bytes
  }

  /** The slot of the group whose id is at byte `at` of `words`, or `NONE`. */
  find(words: Words, at: number): number {
    const reference = this.#index.find(words, at, this.#hash.ofRecord(words, at))
    return reference === NONE ? NONE : reference >>> 1
  }

  #hashOf(slot: number): number {
    return this.#hash.ofWords(this.i32, slot * WORDS)
  }

  first(slot: number): number {
    return (this.i32[slot * WORDS + WORD.first] as number) - 1
  }

  isFull(slot: number): boolean {
    return (this.i32[slot * WORDS + WORD.members] as number) >= GROUP_RESERVATIONS_MAX
  }

  members(slot: number): number {
    return this.i32[slot * WORDS + WORD.members] as number
  }

  /** The hash of the id of the group that a reservation was made in, or 0. */
  contentHashOf(reservation: number): number {
    const link = this.#reservations.group(reservation)
    return link === 0
      ? this.#reservations.groupHash(reservation)
      : contentHashOfId(this.#words, (link - 1) * ROW_BYTES)
  }

  /** Puts a reservation at the end of the group with the id at `at`, which is made where it is new. */
  join(words: Words, at: number, reservation: number): void {
    let slot = this.find(words, at)
    if (slot === NONE) slot = this.#make(words, at)
    this.#append(slot, reservation)
  }

  /** The row that the next new group takes; it may hold the id of a group that was dropped. */
  get nextRow(): number {
    return this.#free === 0 ? this.#fresh : this.#free - 1
  }

  /** Puts the id of a dropped group back into its row, which another group took and left. */
  restoreId(slot: number, a: number, b: number, c: number, d: number): void {
    const w = slot * WORDS
    this.i32[w] = a
    this.i32[w + 1] = b
    this.i32[w + 2] = c
    this.i32[w + 3] = d
  }

  #make(words: Words, at: number): number {
    const slot = this.nextRow
    const w = slot * WORDS
    if (this.#free === 0) this.#fresh++
    else this.#free = this.i32[w + WORD.nextFree] as number
    copyWords(words, at, this.#words, slot * ROW_BYTES, 16)
    this.i32[w + WORD.first] = 0
    this.i32[w + WORD.last] = 0
    this.i32[w + WORD.members] = 0
    this.#index.insert(slot * 2, this.#hashOf(slot))
    this.count++
    return slot
  }

  #append(slot: number, reservation: number): void {
    const w = slot * WORDS
    const last = this.i32[w + WORD.last] as number
    const rows = this.#reservations
    rows.enterGroup(reservation, slot + 1)
    rows.setGroupPrevious(reservation, last)
    rows.setGroupNext(reservation, 0)
    if (last === 0) this.i32[w + WORD.first] = reservation + 1
    else rows.setGroupNext(last - 1, reservation + 1)
    this.i32[w + WORD.last] = reservation + 1
    this.i32[w + WORD.members] = (this.i32[w + WORD.members] as number) + 1
  }

  /**
   * Puts a restored reservation at the end of the group with this number, from 1; false where that is
   * neither a group that was restored before, nor the next, or has no room, or where another hash of the
   * group's id came with it. `restoreIdOf` follows.
   */
  restoreMember(reservation: number, number: number): boolean {
    if (number > this.count + 1 || (number <= this.count && this.isFull(number - 1))) return false
    const hashWord = (number - 1) * WORDS + WORD.restoredHash
    const groupHash = this.#reservations.groupHash(reservation)
    if (number > this.count) {
      this.#fresh++
      this.count++
      this.i32[hashWord] = groupHash
    }
    if (this.i32[hashWord] !== groupHash) return false
    this.#append(number - 1, reservation)
    return true
  }

  /** No slot at or after this one is in use. */
  get slotsEnd(): number {
    return this.#fresh
  }

  /** Copies a group's id to `at` of `to`. */
  copyId(slot: number, to: Words, at: number): void {
    copyWords(this.#words, slot * ROW_BYTES, to, at, 16)
  }

  /** Gives a restored group its id, at `at` of `words`; false where another has it, or it is not its. */
  restoreIdOf(slot: number, words: Words, at: number): boolean {
    if (contentHashOfId(words, at) !== this.i32[slot * WORDS + WORD.restoredHash]) return false
    copyWords(words, at, this.#words, slot * ROW_BYTES, 16)
    return this.#index.restore(slot * 2, Int32Array.of(this.#hashOf(slot)), 1)
  }

  /** Takes a reservation out, which keeps the hash of the group's id. */
  leave(reservation: number): void {
    const rows = this.#reservations
    const slot = rows.group(reservation) - 1
    const w = slot * WORDS
    const next = rows.groupNext(reservation)
    const previous = rows.groupPrevious(reservation)
    if (previous === 0) this.i32[w + WORD.first] = next
    else rows.setGroupNext(previous - 1, next)
    if (next === 0) this.i32[w + WORD.last] = previous
    else rows.setGroupPrevious(next - 1, previous)
    rows.leaveGroup(reservation, contentHashOfId(this.#words, slot * ROW_BYTES))
    const members = (this.i32[w + WORD.members] as number) - 1
    this.i32[w + WORD.members] = members
    if (members === 0) this.#drop(slot)
  }

  #drop(slot: number): void {
    this.#index.remove(slot * 2, this.#hashOf(slot))
    this.i32[slot * WORDS + WORD.nextFree] = this.#free
    this.#free = slot + 1
    this.count--
  }

  /**
   * Takes `leave` back. Undone in reverse order, the neighbours are again what they were; a group
   * that was dropped is the newest free row, with its id still in place.
   */
  rejoin(reservation: number, group: number, next: number, previous: number): void {
    const rows = this.#reservations
    const slot = group - 1
    const w = slot * WORDS
    if (this.i32[w + WORD.members] === 0) {
      if (this.#free !== group) throw new Error('only the newest dropped group can be taken back')
      this.#free = this.i32[w + WORD.nextFree] as number
      this.#index.insert(slot * 2, this.#hashOf(slot))
      this.count++
    }
    rows.enterGroup(reservation, group)
    rows.setGroupNext(reservation, next)
    rows.setGroupPrevious(reservation, previous)
    if (previous === 0) this.i32[w + WORD.first] = reservation + 1
    else rows.setGroupNext(previous - 1, reservation + 1)
    if (next === 0) this.i32[w + WORD.last] = reservation + 1
    else rows.setGroupPrevious(next - 1, reservation + 1)
    this.i32[w + WORD.members] = (this.i32[w + WORD.members] as number) + 1
  }
}
