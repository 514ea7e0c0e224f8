// The expiry wheel: open reservations by the millisecond they are due, to the millisecond, at constant
// cost for any number of them. A hierarchical timing wheel (Varghese and Lauck, 1987, scheme 7): six
// levels of 256 buckets, one for each byte of a 48-bit time.
//
// A reservation lies on the level of the highest byte in which its time and the wheel's differ. When
// the wheel's time enters a bucket's span, the bucket is dealt out to the levels below. What lies on
// level 0 is due in exactly the millisecond of its bucket.
//
// The order in a bucket is put right when it falls due: by sequence of the reserve, which depends on
// nothing but the journal.

import type { Reservations } from './reservations.ts'

const LEVELS = 6
const BUCKETS = 256
const TWO_32 = 4_294_967_296
/** Milliseconds that one bucket of each level spans. */
const SPAN_MS = [1, 256, 65_536, 16_777_216, 4_294_967_296, 1_099_511_627_776] as const

/** See the head of this file. Times are ms since 1970. */
export class ExpiryWheel {
  private readonly rows: Reservations
  /** First and last slot + 1 of each bucket. */
  readonly #first = new Int32Array(LEVELS * BUCKETS)
  readonly #last = new Int32Array(LEVELS * BUCKETS)
  /** A bit for each bucket that is not empty. */
  readonly #filled = new Int32Array((LEVELS * BUCKETS) / 32)
  #timeMs = 0
  /** The millisecond whose bucket was put in order last. */
  #sortedMs = 0

  constructor(rows: Reservations) {
    this.rows = rows
  }

  /** Sets the time of a wheel that is empty. */
  startAt(timeMs: number): void {
    this.#timeMs = timeMs
  }

  /** Adds an open reservation that has a time after the wheel's. */
  insert(slot: number): void {
    this.#append(this.#bucketOf(this.rows.expiresAt(slot)), slot)
  }

  /** Takes out a reservation that `insert` put in and that has not come due. */
  remove(slot: number): void {
    const rows = this.rows
    const bucket = this.#bucketOf(rows.expiresAt(slot))
    const next = rows.next(slot)
    const previous = rows.previous(slot)
    if (previous === 0) this.#first[bucket] = next
    else rows.setNext(previous - 1, next)
    if (next === 0) this.#last[bucket] = previous
    else rows.setPrevious(next - 1, previous)
    if (this.#first[bucket] === 0) this.#filled[bucket >>> 5] &= ~(1 << (bucket & 31))
  }

  /**
   * The next reservation that is due at or before `timeMs`, taken out, or -1 when there is none: the
   * wheel then stands at `timeMs`. Called until it says -1, it gives them in order of time due, then
   * of sequence.
   */
  takeDue(timeMs: number): number {
    for (;;) {
      const bucket = this.#nextBucket()
      const startMs = bucket === -1 ? Number.POSITIVE_INFINITY : this.#startOf(bucket)
      if (startMs > timeMs) {
        if (timeMs > this.#timeMs) this.#timeMs = timeMs
        return -1
      }
      if (bucket < BUCKETS) return this.#takeFirst(bucket, startMs)
      this.#timeMs = startMs
      this.#dealOut(bucket)
    }
  }

  /** The earliest time at which something may be due: exact within 256 ms, else a lower bound. */
  nextDueMs(): number {
    const bucket = this.#nextBucket()
    return bucket === -1 ? Number.POSITIVE_INFINITY : this.#startOf(bucket)
  }

  #takeFirst(bucket: number, dueMs: number): number {
    if (dueMs !== this.#sortedMs) {
      this.#timeMs = dueMs
      this.#sortedMs = dueMs
      this.#sort(bucket)
    }
    const slot = (this.#first[bucket] as number) - 1
    this.remove(slot)
    return slot
  }

  #append(bucket: number, slot: number): void {
    const rows = this.rows
    const last = this.#last[bucket] as number
    rows.setNext(slot, 0)
    rows.setPrevious(slot, last)
    if (last === 0) this.#first[bucket] = slot + 1
    else rows.setNext(last - 1, slot + 1)
    this.#last[bucket] = slot + 1
    this.#filled[bucket >>> 5] |= 1 << (bucket & 31)
  }

  #bucketOf(dueMs: number): number {
    const nowMs = this.#timeMs
    const highDue = Math.floor(dueMs / TWO_32)
    const high = highDue ^ Math.floor(nowMs / TWO_32)
    if (high !== 0) {
      return high > 255 ? 5 * BUCKETS + (highDue >>> 8) : 4 * BUCKETS + (highDue & 255)
    }
    const low = (dueMs | 0) ^ (nowMs | 0)
    const level = low === 0 ? 0 : (31 - Math.clz32(low)) >>> 3
    return level * BUCKETS + (((dueMs | 0) >>> (level * 8)) & 255)
  }

  /** The bucket that comes next in time: on the lowest level that has one at or after its hand. */
  #nextBucket(): number {
    for (let level = 0; level < LEVELS; level++) {
      const bucket = this.#nextFilled(level, this.#handOf(level))
      if (bucket !== -1) return bucket
    }
    return -1
  }

  /** The byte of the wheel's time that belongs to a level. */
  #handOf(level: number): number {
    if (level < 4) return ((this.#timeMs | 0) >>> (level * 8)) & 255
    return (Math.floor(this.#timeMs / TWO_32) >>> ((level - 4) * 8)) & 255
  }

  #nextFilled(level: number, from: number): number {
    const base = level * 8
    let word = base + (from >>> 5)
    let bits = (this.#filled[word] as number) & (-1 << (from & 31))
    for (;;) {
      if (bits !== 0) return word * 32 + 31 - Math.clz32(bits & -bits)
      if (++word === base + 8) return -1
      bits = this.#filled[word] as number
    }
  }

  /** The first millisecond of a bucket's span. */
  #startOf(bucket: number): number {
    const span = SPAN_MS[bucket >>> 8] as number
    const above = Math.floor(this.#timeMs / (span * 256)) * (span * 256)
    return above + (bucket & 255) * span
  }

  #dealOut(bucket: number): void {
    let link = this.#first[bucket] as number
    this.#first[bucket] = 0
    this.#last[bucket] = 0
    this.#filled[bucket >>> 5] &= ~(1 << (bucket & 31))
    while (link !== 0) {
      const slot = link - 1
      link = this.rows.next(slot)
      this.insert(slot)
    }
  }

  /** Orders a bucket by sequence: a merge sort over its links, which needs no memory. */
  #sort(bucket: number): void {
    if (this.#isSorted(bucket)) return
    const rows = this.rows
    let head = this.#first[bucket] as number
    for (let run = 1; ; run *= 2) {
      let left = head
      let tail = 0
      let merges = 0
      head = 0
      while (left !== 0) {
        merges++
        let right = left
        let leftSize = 0
        while (leftSize < run && right !== 0) {
          leftSize++
          right = rows.next(right - 1)
        }
        let rightSize = run
        while (leftSize > 0 || (rightSize > 0 && right !== 0)) {
          let taken: number
          if (leftSize > 0 && (rightSize === 0 || right === 0 || this.#isBefore(left, right))) {
            taken = left
            left = rows.next(left - 1)
            leftSize--
          } else {
            taken = right
            right = rows.next(right - 1)
            rightSize--
          }
          if (tail === 0) head = taken
          else rows.setNext(tail - 1, taken)
          rows.setPrevious(taken - 1, tail)
          tail = taken
        }
        left = right
      }
      rows.setNext(tail - 1, 0)
      this.#first[bucket] = head
      this.#last[bucket] = tail
      if (merges <= 1) return
    }
  }

  #isBefore(left: number, right: number): boolean {
    return this.rows.sequence(left - 1) < this.rows.sequence(right - 1)
  }

  #isSorted(bucket: number): boolean {
    let link = this.#first[bucket] as number
    while (link !== 0) {
      const next = this.rows.next(link - 1)
      if (next !== 0 && !this.#isBefore(link, next)) return false
      link = next
    }
    return true
  }
}
