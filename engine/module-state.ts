// Modules in the state's bytes: which are in force, the remembered replies, rows and timers. Sections of
// rows of eight bytes, in which items of any length follow each other.
//
// Rows and timers of one module come after its head: u32 bytes of the head, u32 zero, a double that counts
// the bytes of what follows it, and the module's name. Modules without any are left out.

import {
  allocateWords,
  KIND,
  MODULE_REPLY_BYTES_MAX,
  type Words,
  writeF64,
} from '../protocol/index.ts'
import type { Core } from './core.ts'
import { EngineFault } from './fault.ts'
import { ItemInput } from './item-input.ts'
import { readText, textBytes, writeText } from './module-bytes.ts'
import { replyPlace } from './module-memory.ts'
import type { HostedModule } from './module-registry.ts'
import { otherRules } from './module-rules.ts'
import { NO_REPLY } from './reply-memory.ts'
import { type StateInput, stateFault } from './state-input.ts'
import { BYTES_ROW, MODULES_HEAD, SECTION } from './state-layout.ts'

/** Offsets in the head of a module's rows or timers. */
const ITEMS_HEAD = { bytes: 0, itemBytes: 8, name: 16 } as const

/** The most that is copied from the ring of replies at once. */
const REPLY_RUN_BYTES = 65_536

/** A section of bytes: how many there are, and they themselves, in parts of multiples of 8. */
export interface BytesSection {
  readonly what: number
  readonly bytes: number
  parts(): Iterable<Uint8Array>
}

/** The sections of `core`'s modules, in their order. */
export function* moduleSections(core: Core): Generator<BytesSection, void> {
  yield headSection(core)
  yield repliesSection(core)
  const { hosted } = core.modules.registry
  yield itemsSection(SECTION.moduleRows, hosted, ({ tables }) => ({
    bytes: tables.exportBytes(),
    items: () => tables.exportRows(),
  }))
  yield itemsSection(SECTION.moduleTimers, hosted, ({ timers }) => ({
    bytes: timers.exportBytes(),
    items: () => timers.exportTimers(),
  }))
}

function headSection({ book, modules }: Core): BytesSection {
  const rules = Buffer.from(modules.registry.rulesInForce)
  const words = allocateWords(MODULES_HEAD.rules + ((rules.length + 7) & ~7))
  writeF64(words, MODULES_HEAD.failedTimers, modules.failedTimers)
  writeF64(words, MODULES_HEAD.repliesStart, book.replies.start)
  writeF64(words, MODULES_HEAD.ruleBytes, rules.length)
  words.u8.set(rules, MODULES_HEAD.rules)
  return { what: SECTION.modules, bytes: words.u8.length, parts: () => [words.u8] }
}

function repliesSection({ book: { replies } }: Core): BytesSection {
  return {
    what: SECTION.replies,
    bytes: replies.used,
    *parts() {
      const part = new Uint8Array(REPLY_RUN_BYTES)
      for (let place = replies.start; place < replies.end; place += REPLY_RUN_BYTES) {
        const bytes = Math.min(REPLY_RUN_BYTES, replies.end - place)
        replies.copyRaw(place, bytes, part, 0)
        yield part.subarray(0, bytes)
      }
    },
  }
}

/** What one module has of rows, or of timers. */
interface Items {
  readonly bytes: number
  readonly items: () => Iterable<Uint8Array>
}

function itemsSection(
  what: number,
  hosted: readonly HostedModule[],
  itemsOf: (hosted: HostedModule) => Items,
): BytesSection {
  const found = hosted
    .map((one) => ({ name: one.module.name, ...itemsOf(one) }))
    .filter(({ bytes }) => bytes > 0)
  const heads = found.map(({ name, bytes }) => itemsHead(name, bytes))
  let bytes = 0
  for (const [n, head] of heads.entries()) bytes += head.length + (found[n] as Items).bytes
  return {
    what,
    bytes,
    *parts() {
      for (const [n, head] of heads.entries()) {
        yield head
        yield* (found[n] as Items).items()
      }
    },
  }
}

function itemsHead(name: string, itemBytes: number): Uint8Array {
  const words = allocateWords(ITEMS_HEAD.name + textBytes(name))
  words.u32[0] = words.u8.length
  writeF64(words, ITEMS_HEAD.itemBytes, itemBytes)
  writeText(words, ITEMS_HEAD.name, name)
  return words.u8
}

/** Takes the modules' part of a state over; the outcomes are there already. Throws `EngineFault`. */
export function readModules(core: Core, input: StateInput, sequence: number): void {
  const rules = readHead(core, input)
  readReplies(core, input)
  readItems(core, input, SECTION.moduleRows, rules, sequence, ({ tables }, words, at) =>
    tables.importRow(words, at),
  )
  readItems(core, input, SECTION.moduleTimers, rules, sequence, ({ timers }, words, at) =>
    timers.importTimer(words, at),
  )
  core.modules.registry.resume(rules)
}

function readHead({ book, modules }: Core, input: StateInput): string {
  const parts: Uint8Array[] = []
  input.readSection(SECTION.modules, BYTES_ROW.bytes, 256, (words, at, count) => {
    parts.push(words.u8.slice(at, at + count * BYTES_ROW.bytes))
  })
  const head = Buffer.concat(parts)
  if (head.length < MODULES_HEAD.rules) throw stateFault('the head of the modules is missing')
  const failedTimers = head.readDoubleLE(MODULES_HEAD.failedTimers)
  const start = head.readDoubleLE(MODULES_HEAD.repliesStart)
  const bytes = head.readDoubleLE(MODULES_HEAD.ruleBytes)
  const isRight =
    isCount(failedTimers) &&
    isCount(start) &&
    start % 8 === 0 &&
    isCount(bytes) &&
    MODULES_HEAD.rules + ((bytes + 7) & ~7) === head.length
  if (!isRight) throw stateFault('the head of the modules')
  modules.failedTimers = failedTimers
  book.replies.startAt(start)
  return head.toString('latin1', MODULES_HEAD.rules, MODULES_HEAD.rules + bytes)
}

/** Reads the replies, and checks that they are those of the outcomes, one after the other. */
function readReplies(core: Core, input: StateInput): void {
  const { replies } = core.book
  const rowsMax = core.book.capacities.moduleReplyBytesMax / BYTES_ROW.bytes
  input.readSection(SECTION.replies, BYTES_ROW.bytes, rowsMax, (words, at, count) => {
    if (replies.addRaw(words.u8.subarray(at, at + count * BYTES_ROW.bytes))) return
    throw new EngineFault('capacity', 0, "there is no memory for the state's replies of modules")
  })
  const end = followReplies(core)
  if (end !== replies.end) throw stateFault('the replies are not those of the outcomes')
}

/** Where the replies that the outcomes name end, each of which begins where the one before ended. */
function followReplies(core: Core): number {
  const { outcomes, replies } = core.book
  let next = replies.start
  for (let n = 0; n < outcomes.count; n++) {
    const slot = outcomes.slotAt(n)
    if (outcomes.kind(slot) !== KIND.module) continue
    const place = replyPlace(core, slot)
    if (place === NO_REPLY) continue
    const isRight =
      place === next &&
      place < replies.end &&
      replies.bytesAt(place) <= MODULE_REPLY_BYTES_MAX &&
      replies.after(place) <= replies.end
    if (!isRight) throw stateFault(`the reply of the outcome ${outcomes.sequence(slot)}`)
    next = replies.after(place)
  }
  return next
}

type ReadItem = (hosted: HostedModule, words: Words, at: number) => number

function readItems(
  core: Core,
  input: StateInput,
  what: number,
  rules: string,
  sequence: number,
  readItem: ReadItem,
): void {
  const { hosted, rules: ownRules } = core.modules.registry
  let current: HostedModule | undefined
  let left = 0
  let lastName = ''
  const begin = (words: Words, at: number, bytes: number): void => {
    const name = readText(words, at + ITEMS_HEAD.name, at + bytes)
    left = words.f64[(at + ITEMS_HEAD.itemBytes) >>> 3] as number
    if (name === undefined || name <= lastName || !isCount(left) || left === 0) {
      throw stateFault("the head of a module's items")
    }
    lastName = name
    current = hosted.find(({ module }) => module.name === name)
    if (current === undefined) throw otherRules(rules, ownRules, sequence)
  }
  const items = new ItemInput((words, at, bytes) => {
    if (left === 0) return begin(words, at, bytes)
    const read = readItem(current as HostedModule, words, at)
    if (read !== bytes || read > left) throw stateFault('an item of a module is cut')
    left -= read
  })
  input.readSection(what, BYTES_ROW.bytes, Number.MAX_SAFE_INTEGER, (words, at, count) => {
    items.add(words.u8.subarray(at, at + count * BYTES_ROW.bytes))
  })
  if (left !== 0 || !items.isEmpty) throw stateFault('the items of a module end too soon')
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
