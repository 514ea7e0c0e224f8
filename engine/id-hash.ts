// Hashing of identifiers. Two hashes that must not be confused: the seeded one places ids in this
// process's indexes and decides nothing; the plain one is part of what is remembered, and so is the
// same on every machine.

import { isNoId, type Words } from '../protocol/index.ts'

/** The secret tables, 256 words for each of 16 bytes. One set a process, and constants: read faster. */
const [T0, T1, T2, T3] = [table(), table(), table(), table()]
const [T4, T5, T6, T7] = [table(), table(), table(), table()]
const [T8, T9, T10, T11] = [table(), table(), table(), table()]
const [T12, T13, T14, T15] = [table(), table(), table(), table()]
const TABLES = [T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15]
let isSeeded = false

function table(): Int32Array {
  return new Int32Array(256)
}

/** Fills the tables from `seed`, once: indexes that were made with them stay right. */
function seedTables(seed: number): void {
  if (isSeeded) return
  isSeeded = true
  let state = seed | 0
  for (const words of TABLES) {
    for (let i = 0; i < words.length; i++) {
      // splitmix32
      state = (state + 0x9e3779b9) | 0
      let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
      words[i] = mixed ^ (mixed >>> 15)
    }
  }
}

/**
 * Simple tabulation hashing (Zobrist; Patrascu and Thorup, "The power of simple tabulation hashing",
 * 2012): linear probing and buckets stay at constant cost for any set of keys, crafted ones too, as long
 * as the tables are random and secret.
 */
export class IdHash {
  /** `seed` is a random 32-bit number; the first of a process counts. */
  constructor(seed: number) {
    seedTables(seed)
  }

  /** The hash of the id at byte `at` of a record: a signed word. */
  ofRecord(words: Words, at: number): number {
    return this.ofWords(words.i32, at >>> 2)
  }

  /** The hash of the id in the four words from `w`: a signed word. */
  ofWords(i32: Int32Array, w: number): number {
    const a = i32[w] as number
    const b = i32[w + 1] as number
    const c = i32[w + 2] as number
    const d = i32[w + 3] as number
    return (
      (T0[a & 255] as number) ^
      (T1[(a >>> 8) & 255] as number) ^
      (T2[(a >>> 16) & 255] as number) ^
      (T3[a >>> 24] as number) ^
      (T4[b & 255] as number) ^
      (T5[(b >>> 8) & 255] as number) ^
      (T6[(b >>> 16) & 255] as number) ^
      (T7[b >>> 24] as number) ^
      (T8[c & 255] as number) ^
      (T9[(c >>> 8) & 255] as number) ^
      (T10[(c >>> 16) & 255] as number) ^
      (T11[c >>> 24] as number) ^
      (T12[d & 255] as number) ^
      (T13[(d >>> 8) & 255] as number) ^
      (T14[(d >>> 16) & 255] as number) ^
      (T15[d >>> 24] as number)
    )
  }
}

/**
 * The hash of a text for an index of this process: FNV-1a (Fowler, Noll, Vo), with the secret tables in
 * its way and the mixing at the end of MurmurHash3, so that nobody can make up texts that collide. `hash`
 * is what to go on from, where a hash is of several values.
 */
export function hashOfText(text: string, hash: number): number {
  let h = hash ^ text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    h = Math.imul(h ^ unit ^ (T0[unit & 255] as number) ^ (T1[unit >>> 8] as number), 0x01000193)
    h ^= h >>> 15
  }
  return mixed(h)
}

/** The same of a number. */
export function hashOfNumber(value: number, hash: number): number {
  return mixed(hash ^ contentHashOfNumber(value) ^ (T2[value & 255] as number))
}

function mixed(hash: number): number {
  const h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  const g = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return g ^ (g >>> 16)
}

/** One word that stands for the id at byte `at` in what is remembered of a command's content. */
export function contentHashOfId(words: Words, at: number): number {
  const w = at >>> 2
  const i = words.i32
  let h = Math.imul((i[w] as number) ^ 0x9e3779b9, 0x85ebca6b)
  h = Math.imul((h ^ (h >>> 15)) + (i[w + 1] as number), 0xc2b2ae35)
  h = Math.imul((h ^ (h >>> 13)) + (i[w + 2] as number), 0x27d4eb2f)
  h = Math.imul((h ^ (h >>> 16)) + (i[w + 3] as number), 0x165667b1)
  return h ^ (h >>> 15)
}

/** The word of a group's id; 0 where a reserve names none. */
export function contentHashOfGroup(words: Words, at: number): number {
  return isNoId(words, at) ? 0 : contentHashOfId(words, at)
}

/** One word that stands for a number; no two numbers below 2^32 share it. */
export function contentHashOfNumber(value: number): number {
  return (value | 0) ^ Math.imul(Math.floor(value / 4_294_967_296) | 0, 0x9e3779b1)
}
