// Chains: commands that take effect all together or not at all, and are never seen half done. A chain
// is also remembered as one: sent again whole it gets its first outcomes.

import {
  allocateWords,
  CHAIN_COMMANDS_MAX,
  CHAIN_OUTCOME_BYTES_MAX,
  FLAG,
  holdsRecord,
  IS_REMEMBERED,
  isCommand,
  KIND,
  outcomeBytesMax,
  RECORD,
  recordBytes,
  STATUS,
  sameId,
  type Words,
} from '../protocol/index.ts'
import { handle, isDecidable, isTakenId, remember } from './commands.ts'
import { readContent } from './content.ts'
import type { Core } from './core.ts'
import { contentHashOfId } from './id-hash.ts'
import { NONE } from './id-index.ts'
import { forgetOld, makeOutcomeRoom, makeReplyRoom, makeReservationRoom } from './memory-room.ts'
import { CHAIN_PLACE } from './outcome-memory.ts'
import {
  compareWithKnown,
  findKnown,
  firstSequence,
  firstStatus,
  firstTimeMs,
  guardIdTime,
  replay,
} from './recall.ts'

/** Entries of the table that finds an id that comes twice; four for each member. */
const SEEN_ENTRIES = CHAIN_COMMANDS_MAX * 4

/** Stands in until the first chain. */
const NO_WORDS = allocateWords(0)

/** Told of each member's outcome, in order; `core.decision` holds it. */
export interface ChainOutcomes {
  /** A member was decided; it is not certain yet that it will stand. */
  tentative(member: number): void
  /** What was told of as tentative does not stand. */
  discard(): void
  /** All of it stands. */
  commit(): void
  /** A member's outcome that stands. */
  final(member: number): void
}

/** One chain at a time: where its members lie, and what becomes of them. */
export class Chains {
  /** Members of the chain that `read` found last. */
  count = 0
  /** Where the record after it begins. */
  end = 0
  readonly #core: Core
  readonly #at = new Int32Array(CHAIN_COMMANDS_MAX)
  readonly #seen = new Int32Array(SEEN_ENTRIES)
  #words: Words = NO_WORDS
  #isLegal = false
  #firstSequence = 0
  #nowMs = 0
  /** When the chain that is replayed was decided. */
  #firstTimeMs = 0
  /** Rows of outcomes before the chain's own, and where the replies ended. */
  #rowsBefore = 0
  #repliesBefore = 0

  constructor(core: Core) {
    this.#core = core
  }

  /** Finds the chain that begins at `at`; it ends within a frame whose records end at `end`. */
  read(words: Words, at: number, end: number): void {
    let place = at
    let outcomes = 0
    this.count = 0
    this.#isLegal = false
    while (holdsRecord(words, place, end) && isCommand(words.u8[place] as number)) {
      if (this.count < CHAIN_COMMANDS_MAX) this.#at[this.count] = place
      this.count++
      outcomes += outcomeBytesMax(words.u8[place] as number, 0)
      const isLast = ((words.u8[place + RECORD.flags] as number) & FLAG.linked) === 0
      place += recordBytes(words, place)
      if (isLast) {
        this.#isLegal = this.count <= CHAIN_COMMANDS_MAX && outcomes <= CHAIN_OUTCOME_BYTES_MAX
        break
      }
    }
    this.end = place
  }

  /** Whether the chain is one: it ends, and it is within its limits. */
  get isLegal(): boolean {
    return this.#isLegal
  }

  /** Where member `n` lies. */
  at(n: number): number {
    return this.#at[n] as number
  }

  /** Decides the chain that `read` found, which is legal. */
  decide(words: Words, firstSequence: number, nowMs: number, outcomes: ChainOutcomes): void {
    this.#words = words
    this.#firstSequence = firstSequence
    this.#nowMs = nowMs
    forgetOld()
    const malformed = this.#findMalformed(words)
    if (malformed !== NONE) return this.#failAt(malformed, STATUS.malformed, outcomes)
    const owned = this.#findOwned(words)
    if (owned !== NONE) return this.#failAt(owned, STATUS.owned_by_module, outcomes)
    if (this.#hasTwins(words)) return this.#failAll(STATUS.chain_mismatch, outcomes)
    const known = this.#countKnown(words)
    if (known.members === 0) return this.#decideNew(words, outcomes)
    if (known.members + known.neutral < this.count) {
      return this.#failAll(STATUS.chain_mismatch, outcomes)
    }
    this.#replay(words, outcomes)
  }

  #begin(n: number): void {
    const core = this.#core
    core.sequence = this.#firstSequence + n
    core.chainPlace =
      n === 0 ? CHAIN_PLACE.first : n === this.count - 1 ? CHAIN_PLACE.last : CHAIN_PLACE.middle
    core.decision.begin(core.sequence, this.#nowMs)
    core.readHashes(this.#words, this.at(n))
  }

  #findMalformed(words: Words): number {
    for (let n = 0; n < this.count; n++) {
      const at = this.at(n)
      const isDry = ((words.u8[at + RECORD.flags] as number) & FLAG.dryRun) !== 0
      if (isDry || !isDecidable(words, at)) return n
    }
    return NONE
  }

  #findOwned(words: Words): number {
    for (let n = 0; n < this.count; n++) {
      if (isTakenId(words, this.at(n))) return n
    }
    return NONE
  }

  /** Whether two members have one id in one namespace. */
  #hasTwins(words: Words): boolean {
    const seen = this.#seen
    seen.fill(0)
    for (let n = 0; n < this.count; n++) {
      const at = this.at(n)
      const opens = words.u8[at] === KIND.openAccount
      let entry = contentHashOfId(words, at + RECORD.id) & (SEEN_ENTRIES - 1)
      while (seen[entry] !== 0) {
        const other = this.at((seen[entry] as number) - 1)
        const isTwin =
          (words.u8[other] === KIND.openAccount) === opens &&
          sameId(words, at + RECORD.id, words, other + RECORD.id)
        if (isTwin) return true
        entry = (entry + 1) & (SEEN_ENTRIES - 1)
      }
      seen[entry] = n + 1
    }
    return false
  }

  /** Members that are known; and accounts to open that do not exist, which say nothing either way. */
  #countKnown(words: Words): { members: number; neutral: number } {
    let members = 0
    let neutral = 0
    for (let n = 0; n < this.count; n++) {
      const at = this.at(n)
      this.#core.readHashes(words, at)
      if (findKnown(words, at) !== NONE) members++
      else if (words.u8[at] === KIND.openAccount) neutral++
    }
    return { members, neutral }
  }

  #replay(words: Words, outcomes: ChainOutcomes): void {
    const core = this.#core
    let first = NONE
    let hasFailed = false
    for (let n = 0; n < this.count; n++) {
      const at = this.at(n)
      this.#begin(n)
      const known = findKnown(words, at)
      if (known === NONE) continue
      readContent(core.content, words, at, core.chainPlace)
      const difference = compareWithKnown(known, words, at)
      if (difference !== STATUS.ok) return this.#failAt(n, difference, outcomes)
      const kind = words.u8[at] as number
      if (firstStatus(known, kind) !== STATUS.ok) hasFailed = true
      // Only what this chain itself decided counts: an account may have been opened later.
      const start = firstSequence(known, kind) - n
      if (kind !== KIND.openAccount) {
        if (first !== NONE && first !== start) {
          return this.#failAll(STATUS.chain_mismatch, outcomes)
        }
        first = start
        this.#firstTimeMs = firstTimeMs(known, kind)
      }
    }
    if (!this.#accountsFit(words, first, hasFailed)) {
      return this.#failAll(STATUS.chain_mismatch, outcomes)
    }
    for (let n = 0; n < this.count; n++) this.#replayMember(words, n, first, hasFailed, outcomes)
  }

  /** Whether the accounts that a chain which passed would have opened were opened by it. */
  #accountsFit(words: Words, first: number, hasFailed: boolean): boolean {
    if (hasFailed) return true
    let start = first
    for (let n = 0; n < this.count; n++) {
      const at = this.at(n)
      if (words.u8[at] !== KIND.openAccount) continue
      this.#core.readHashes(words, at)
      const known = findKnown(words, at)
      if (known === NONE) return false
      const opened = firstSequence(known, KIND.openAccount) - n
      if (start !== NONE && start !== opened) return false
      start = opened
    }
    return true
  }

  #replayMember(
    words: Words,
    n: number,
    first: number,
    hasFailed: boolean,
    outcomes: ChainOutcomes,
  ): void {
    const core = this.#core
    const at = this.at(n)
    this.#begin(n)
    if (words.u8[at] === KIND.openAccount && hasFailed) {
      core.decision.isReplay = true
      core.decision.sequence = first + n
      core.decision.timeMs = this.#firstTimeMs
      core.decision.status = STATUS.linked_failed
    } else {
      readContent(core.content, words, at, core.chainPlace)
      core.decision.status = replay(findKnown(words, at), words, at)
    }
    outcomes.final(n)
  }

  #decideNew(words: Words, outcomes: ChainOutcomes): void {
    const core = this.#core
    for (let n = 0; n < this.count; n++) {
      this.#begin(n)
      const status = guardIdTime(words, this.at(n))
      if (status !== STATUS.ok) return this.#failAt(n, status, outcomes)
    }
    if (!this.#makeRoom(words, outcomes)) return
    this.#rowsBefore = core.book.outcomes.count
    this.#repliesBefore = core.book.replies.end
    core.book.undo.isOn = true
    for (let n = 0; n < this.count; n++) {
      this.#begin(n)
      const status = this.#handle(words, n)
      if (status !== STATUS.ok) {
        core.book.rollback()
        core.modules.rollback()
        this.#forgetSince(this.#rowsBefore)
        outcomes.discard()
        this.#failAt(n, status, outcomes)
        if (IS_REMEMBERED[status] === 1) this.#rememberFailure(words, n, status)
        return
      }
      core.decision.status = status
      this.#remember(words, n, status)
      outcomes.tentative(n)
    }
    core.book.undo.isOn = false
    core.book.undo.clear()
    core.modules.commit()
    outcomes.commit()
  }

  #handle(words: Words, n: number): number {
    const core = this.#core
    const at = this.at(n)
    // A module that came before may have taken the id for a reservation or an account of its own.
    const isTaken = core.hasModuleMember && findKnown(words, at) !== NONE
    return isTaken ? STATUS.exists_with_different_type : handle(words, at)
  }

  /** Takes back what was remembered of members that do not stand. */
  #forgetSince(rows: number): void {
    const { outcomes, commands, replies } = this.#core.book
    while (outcomes.count > rows) {
      const slot = outcomes.slotAt(outcomes.count - 1)
      commands.remove(slot * 2 + 1, commands.hashOf(slot * 2 + 1))
      outcomes.dropYoungest()
    }
    replies.truncate(this.#repliesBefore)
  }

  /** Room for all members' outcomes and reservations, made before the first is decided. */
  #makeRoom(words: Words, outcomes: ChainOutcomes): boolean {
    let reserves = 0
    let opens = 0
    let modules = 0
    let firstReserve = 0
    for (let n = this.count - 1; n >= 0; n--) {
      const kind = words.u8[this.at(n)]
      if (kind === KIND.openAccount) opens++
      if (kind === KIND.module) modules++
      if (kind !== KIND.reserve) continue
      reserves++
      firstReserve = n
    }
    const rows = this.count - opens
    this.#core.hasModuleMember = modules > 0
    let status: number = rows > 0 ? makeOutcomeRoom(rows) : STATUS.ok
    if (status === STATUS.ok && modules > 0) status = makeReplyRoom(modules)
    if (status !== STATUS.ok) {
      this.#failAt(0, status, outcomes)
      return false
    }
    if (reserves > 0) status = makeReservationRoom(reserves)
    if (status !== STATUS.ok) this.#failAt(firstReserve, status, outcomes)
    return status === STATUS.ok
  }

  #remember(words: Words, n: number, status: number): void {
    const continuesChain = this.#core.book.outcomes.count > this.#rowsBefore
    remember(words, this.at(n), status, continuesChain)
  }

  #rememberFailure(words: Words, failed: number, status: number): void {
    for (let n = 0; n < this.count; n++) {
      this.#begin(n)
      if (n === failed) this.#core.modules.showRefusal(status)
      this.#remember(words, n, n === failed ? status : STATUS.linked_failed)
    }
  }

  /** Member `failed` gets `status`, the others `linked_failed`. */
  #failAt(failed: number, status: number, outcomes: ChainOutcomes): void {
    const { decision, modules } = this.#core
    const field = status === STATUS.exists_with_different_input ? decision.moved : 0
    for (let n = 0; n < this.count; n++) {
      this.#begin(n)
      decision.status = n === failed ? status : STATUS.linked_failed
      if (n === failed) {
        decision.moved = field
        modules.showRefusal(status)
      }
      outcomes.final(n)
    }
  }

  #failAll(status: number, outcomes: ChainOutcomes): void {
    for (let n = 0; n < this.count; n++) {
      this.#begin(n)
      this.#core.decision.status = status
      outcomes.final(n)
    }
  }
}
