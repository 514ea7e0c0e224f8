// Looks at the next commands together: finds where each record lies, hashes its ids once, and touches
// what it will need, so that the cache misses of 64 commands overlap instead of following one another.
// Changes nothing: a wrong guess costs time, never an outcome.
//
// What was looked at is kept in constants of this module, for one engine at a time decides in a thread,
// and no look outlives the frame that it is for.

import {
  holdsRecord,
  isCommand,
  KIND,
  RECORD,
  recordBytes,
  TRANSFER,
  type Words,
} from '../protocol/index.ts'
import { writer } from './writer.ts'

/** Commands that are looked at together: enough to keep every miss that a core has under way busy. */
const COMMANDS = 64

/** By command: the length of its record, and the hashes of its own id and of those that it names. */
const BYTES = new Int32Array(COMMANDS)
const OWN = new Int32Array(COMMANDS)
const FIRST = new Int32Array(COMMANDS)
const SECOND = new Int32Array(COMMANDS)
/** Hashes of the accounts that are named, then their references. */
const ACCOUNTS = new Int32Array(COMMANDS * 2)
/** Hashes of the reservations that are named, then their references. */
const NAMED = new Int32Array(COMMANDS)
/** Hashes of the outcomes and of the ended reservations that may be forgotten next. */
const OLD_OUTCOMES = new Int32Array(COMMANDS)
const OLD_ENDED = new Int32Array(COMMANDS)

let accountCount = 0
let namedCount = 0
let reserveCount = 0
let count = 0
let next = 0
/** What was read, added up: keeps the reads from being thought useless. */
let sum = 0

/** Forgets what was looked at: the next record is not the one after the last. */
export function restartLookahead(): void {
  next = 0
  count = 0
}

/**
 * Gives the core the hashes of the record at `at`, the next one, and gives back its length; 0 where
 * the bytes up to `end` begin with no record. Looks ahead where it has not.
 */
export function takeNext(words: Words, at: number, end: number): number {
  if (next === count) {
    look(words, at, end)
    if (count === 0) return 0
  }
  const { core } = writer
  const n = next++
  core.ownHash = OWN[n] as number
  core.firstHash = FIRST[n] as number
  core.secondHash = SECOND[n] as number
  return BYTES[n] as number
}

// Hashing comes first and for all; then each kind of touch has a loop of its own with little else in it,
// for a core looks only a few hundred instructions ahead of a miss.
function look(words: Words, at: number, end: number): void {
  const { commands, accounts } = writer.core.book
  next = 0
  hashIds(words, at, end)
  commands.touchAll(OWN, count)
  commands.guessAll(NAMED, namedCount)
  sum = (sum + accounts.touchAll(ACCOUNTS, accountCount) + touchRows() + touchForgotten()) | 0
}

/** Hashes the ids of the next commands, and counts them. */
function hashIds(words: Words, at: number, end: number): void {
  const { hash } = writer.core.book
  let place = at
  accountCount = 0
  namedCount = 0
  reserveCount = 0
  let n = 0
  for (; n < COMMANDS && holdsRecord(words, place, end); n++) {
    const bytes = recordBytes(words, place)
    const kind = words.u8[place] as number
    BYTES[n] = bytes
    if (isCommand(kind)) {
      OWN[n] = hash.ofRecord(words, place + RECORD.id)
      if (kind !== KIND.openAccount) hashNamed(words, place, kind, n)
    }
    place += bytes
  }
  count = n
}

/** Hashes the ids that the command names, and sorts them by what they name. */
function hashNamed(words: Words, place: number, kind: number, n: number): void {
  const { hash } = writer.core.book
  const first = hash.ofRecord(words, place + TRANSFER.debit)
  FIRST[n] = first
  if (kind === KIND.transfer || kind === KIND.reserve) {
    const second = hash.ofRecord(words, place + TRANSFER.credit)
    SECOND[n] = second
    if (kind === KIND.reserve) reserveCount++
    ACCOUNTS[accountCount] = first
    ACCOUNTS[accountCount + 1] = second
    accountCount += 2
  } else if (kind === KIND.settle || kind === KIND.release || kind === KIND.extend) {
    NAMED[namedCount++] = first
  }
}

/** Touches the reservations' rows, then the accounts of both sides. */
function touchRows(): number {
  const { reservations, accounts } = writer.core.book
  let touched = 0
  for (let n = 0; n < namedCount; n++) {
    const reference = NAMED[n] as number
    if (reference >= 0 && (reference & 1) === 0) {
      touched ^= reservations.touch(reference >>> 1)
    }
  }
  for (let n = 0; n < namedCount; n++) {
    const reference = NAMED[n] as number
    if (reference < 0 || (reference & 1) === 1) continue
    const slot = reference >>> 1
    touched ^= accounts.flags(reservations.debit(slot)) ^ accounts.flags(reservations.credit(slot))
  }
  return touched
}

/**
 * Where the memory is about to be full, touches the entries of the rows that will be forgotten: of each kind
 * as many as there are commands, and so those too that the next look finds on their way.
 */
function touchForgotten(): number {
  const { limits, book } = writer.core
  const { outcomes, reservations, commands, hash } = book
  const others = outcomes.count + count - reserveCount - limits.outcomesMax
  const oldest = others > 0 ? Math.min(count, outcomes.count) : 0
  for (let n = 0; n < oldest; n++) {
    OLD_OUTCOMES[n] = hash.ofWords(outcomes.i32, Math.imul(outcomes.slotAt(n), outcomes.rowWords))
  }
  const reserves = reservations.count + reserveCount - limits.reservationsMax
  const ended = reserves > 0 ? Math.min(count, reservations.ended.count) : 0
  let touched = 0
  reservations.ended.readOldest(OLD_ENDED, ended)
  // All rows first: to work a hash out is to wait for the row.
  for (let n = 0; n < ended; n++) touched ^= reservations.touchWhole(OLD_ENDED[n] as number)
  for (let n = 0; n < ended; n++) {
    const w = Math.imul(OLD_ENDED[n] as number, reservations.rowWords)
    OLD_ENDED[n] = hash.ofWords(reservations.i32, w)
  }
  commands.touchAll(OLD_OUTCOMES, oldest)
  commands.touchAll(OLD_ENDED, ended)
  return touched
}
