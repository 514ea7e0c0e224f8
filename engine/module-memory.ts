// What is remembered of modules' commands: rows of the outcomes' memory that mean other things, and their
// replies. What the words of such a row are:
//
//   8 place of the reply, or -1 (2)     10 bytes of fields 5 to 12 (2)
//  12 route     13 content (2)          15 bytes of fields 1 to 4

import { MODULE, MODULE_FIELDS_MAX, STATUS, type Words } from '../protocol/index.ts'
import type { Core } from './core.ts'
import type { Content } from './outcome-memory.ts'
import { NO_REPLY } from './reply-memory.ts'

const WORDS_SHIFT = 4
const DOUBLES_SHIFT = 3
const WORD = { laterFields: 10, route: 12, content: 13, firstFields: 15 } as const
const DOUBLE = { place: 4 } as const

/** Fills in what of a module's command is remembered; the rest of `content` is filled already. */
export function readModuleContent(content: Content, { i32 }: Words, at: number): void {
  const w = at >>> 2
  content.amount = 0
  content.firstHash = i32[w + MODULE.route / 4] as number
  content.secondHash = i32[w + MODULE.content / 4] as number
  content.timeoutHash = i32[w + MODULE.content / 4 + 1] as number
  content.groupHash = i32[w + MODULE.fields / 4] as number
}

/** Keeps the reply that the decision shows; gives back its place. */
export function keepReply({ book, decision }: Core): number {
  const { reply, replyBytes } = decision
  return replyBytes === 0 ? NO_REPLY : book.replies.add(reply, replyBytes)
}

/** Fills the words of the new row `slot` that the outcomes' memory does not know. */
export function finishRow({ book }: Core, slot: number, { i32 }: Words, at: number): void {
  const rows = book.outcomes.i32
  const w = (slot << WORDS_SHIFT) + WORD.laterFields
  const fields = (at + MODULE.fields) >>> 2
  rows[w] = i32[fields + 1] as number
  rows[w + 1] = i32[fields + 2] as number
}

/** The place of a row's reply, or `NO_REPLY`. */
export function replyPlace({ book }: Core, slot: number): number {
  return book.outcomes.words.f64[(slot << DOUBLES_SHIFT) + DOUBLE.place] as number
}

/**
 * `ok`, or how the command at `at` differs from the one that the row `slot` remembers; `moved` is then the
 * number of the first field that differs, or 0 where that cannot be told.
 */
export function compareWithModule(core: Core, slot: number, words: Words, at: number): number {
  const { outcomes } = core.book
  const rows = outcomes.i32
  const { i32 } = words
  const row = slot << WORDS_SHIFT
  const record = at >>> 2
  if (rows[row + WORD.route] !== i32[record + MODULE.route / 4]) {
    return STATUS.exists_with_different_type
  }
  if (outcomes.chainPlace(slot) !== core.chainPlace) return STATUS.exists_with_different_linked
  const content = record + MODULE.content / 4
  const isSame =
    rows[row + WORD.content] === i32[content] && rows[row + WORD.content + 1] === i32[content + 1]
  if (isSame) return STATUS.ok
  core.decision.moved = differentField(outcomes.words.u8, slot, words.u8, at)
  return STATUS.exists_with_different_input
}

function differentField(rows: Uint8Array, slot: number, record: Uint8Array, at: number): number {
  const row = slot << (WORDS_SHIFT + 2)
  for (let n = 0; n < MODULE_FIELDS_MAX; n++) {
    const inRow = n < 4 ? WORD.firstFields * 4 + n : WORD.laterFields * 4 + n - 4
    if (rows[row + inRow] !== record[at + MODULE.fields + n]) return n + 1
  }
  return 0
}

/** Fills the decision with the first outcome of the row `slot` again; gives back its status. */
export function replayModule(core: Core, slot: number): number {
  const { book, decision } = core
  decision.timeMs = book.outcomes.timeMs(slot)
  const place = replyPlace(core, slot)
  if (place !== NO_REPLY) decision.replyBytes = book.replies.read(place, decision.reply)
  return book.outcomes.status(slot)
}

/** Forgets the reply of the oldest row, which is a module's. */
export function forgetReply(core: Core, slot: number): void {
  const place = replyPlace(core, slot)
  if (place !== NO_REPLY) core.book.replies.forget(place)
}
