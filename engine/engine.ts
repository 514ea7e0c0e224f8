// The single writer: frames in, outcomes out. All state is here, and it is a function of the frames
// alone: the same bytes give the same state, live, at a restart, and in a follower.

import {
  allocateWords,
  type Capacities,
  FLAG,
  FRAME,
  formatDigest,
  isCommand,
  KIND,
  RECORD,
  readI64,
  recordBytes,
  STATUS,
  type Words,
} from '../protocol/index.ts'
import type { Book, TableBytes } from './book.ts'
import { type BookChanges, rowsOf, type StateRows } from './book-changes.ts'
import { ChainBuffer } from './chain-buffer.ts'
import { type ChainOutcomes, Chains } from './chains.ts'
import { decideAlone } from './commands.ts'
import { Core } from './core.ts'
import type { EngineOptions } from './engine-options.ts'
import { exportState } from './export-state.ts'
import { EngineFault } from './fault.ts'
import { assertFollows } from './frame-order.ts'
import { importState } from './import-state.ts'
import { findViolations, type Violation } from './invariants.ts'
import type { LedgerSums } from './ledgers.ts'
import { restartLookahead, takeNext } from './lookahead.ts'
import { forgetOld } from './memory-room.ts'
import { rulesIn } from './module-rules.ts'
import { OutcomeDigest, type OutcomeSink, outcomeBytes, writeOutcome } from './outcome-writer.ts'
import { OwnRecords } from './own-records.ts'
import { answerQuery } from './queries.ts'
import type { Progress } from './state-layout.ts'
import { makeBook } from './watched-book.ts'
import { putToWork, type Writer, writer } from './writer.ts'

/** See the head of this file. Not safe for use by several threads: it is the single writer. */
export class Engine {
  readonly #core: Core
  readonly #book: Book
  readonly #changes: BookChanges | undefined
  readonly #sink: OutcomeSink
  readonly #chains: Chains
  readonly #digest = new OutcomeDigest()
  readonly #parts: Writer
  readonly #own: OwnRecords
  readonly #tentative: ChainOutcomes
  readonly #chain = new ChainBuffer()
  #words: Words = allocateWords(0)
  #isRouted = false
  #voided: ReadonlySet<number> = new Set()
  #hasVoided = false
  #sequence = 0
  #timeMs = 0
  #commandCount = 0

  /** Throws `ModuleMisuse` where a module is not what it should be. */
  constructor(options: EngineOptions) {
    const { capacities, modules = [], observer, onModuleFailure } = options
    this.#book = makeBook(options)
    this.#core = new Core(this.#book, capacities, modules, observer)
    if (onModuleFailure !== undefined) this.#core.modules.onFailure = onModuleFailure
    this.#changes = options.changes?.attach(this.#core)
    this.#sink = options.sink
    this.#chains = new Chains(this.#core)
    this.#own = new OwnRecords(this.#core, options.sink)
    this.#parts = { core: this.#core, sink: options.sink, digest: this.#digest }
    this.#tentative = this.#chainOutcomes()
  }

  /** Sequence of the last record that was applied; 0 before the first. */
  get sequence(): number {
    return this.#sequence
  }

  /** Journal time of the last frame with records, in ms since 1970. */
  get timeMs(): number {
    return this.#timeMs
  }

  /** Client commands decided so far, refusals and replays included. */
  get commandCount(): number {
    return this.#commandCount
  }

  get accountCount(): number {
    return this.#book.accounts.count
  }

  get openReservationCount(): number {
    return this.#book.reservations.open
  }

  /** Rows in all modules' tables. */
  get moduleRowCount(): number {
    return this.#core.modules.registry.rowCount
  }

  /** Timers whose handlers threw: each was undone and is gone. */
  get failedTimers(): number {
    return this.#core.modules.failedTimers
  }

  /** What a `configure` record says for this engine's modules: lines `name@version`, in order. */
  get rules(): string {
    return this.#core.modules.registry.rules
  }

  /** Outcomes and ended reservations that are remembered. */
  get rememberedCount(): number {
    const { outcomes, reservations } = this.#book
    return outcomes.count + reservations.count - reservations.open
  }

  /** Memory that the tables reserve, in bytes; pages cost nothing before they are touched. */
  get reservedBytes(): TableBytes {
    return this.#book.bytes
  }

  /** What the last `configure` record brought into force. */
  get limits(): Capacities {
    return this.#core.limits
  }

  /** The outcome digest's two words. */
  get digestA(): number {
    return this.#digest.a
  }

  get digestB(): number {
    return this.#digest.b
  }

  /** The outcome digest as it is shown: sixteen hexadecimal digits. */
  get digest(): string {
    return formatDigest(this.#digest.a, this.#digest.b)
  }

  /** Checkpoints of the journal that were compared and found equal. */
  get checkpointsCompared(): number {
    return this.#own.frameDigests.compared
  }

  /** The earliest time at which something may be due, in ms since 1970: a lower bound, or Infinity. */
  nextDueMs(): number {
    return Math.min(this.#book.wheel.nextDueMs(), this.#core.modules.registry.nextDueMs())
  }

  /** Has every frame applied from now on skip the records with these sequences (`holdfast void`). */
  skip(sequences: ReadonlySet<number>): void {
    this.#voided = sequences
    this.#hasVoided = sequences.size > 0
  }

  /**
   * Applies the frame whose header is at `at` of `words`, which the journal has checked. Outcomes go to
   * the sink where `isRouted`. Throws `EngineFault` where the frame does not follow, or where an
   * assertion of the core fails: the engine is not to be used after that.
   */
  applyFrame(words: Words, at: number, isRouted: boolean): void {
    const count = words.u32[(at + FRAME.count) >>> 2] as number
    if (count === 0) return
    putToWork(this.#parts)
    restartLookahead()
    const first = readI64(words, at + FRAME.firstSequence)
    const timeMs = readI64(words, at + FRAME.timeMs)
    assertFollows(first, count, timeMs, this.#sequence, this.#timeMs)
    this.#words = words
    this.#isRouted = isRouted
    this.#timeMs = timeMs
    this.#core.nowMs = timeMs
    const start = at + FRAME.bytes
    this.#checkRules(start, first)
    this.#fireDue(first)
    this.#changes?.recordsBegin()
    const end = start + (words.u32[(at + FRAME.payloadBytes) >>> 2] as number)
    this.#applyRecords(start, end)
    if (this.#sequence !== first + count - 1) {
      throw new EngineFault('order', this.#sequence, `a frame of ${count} records holds others`)
    }
    this.#own.frameDigests.note(this.#sequence, this.#digest.a, this.#digest.b)
  }

  /** A start's rules hold for what is due before its first record, which is a `configure`, as well. */
  #checkRules(start: number, first: number): void {
    const { registry } = this.#core.modules
    if (this.#words.u8[start] !== KIND.configure) registry.assertRules(first)
    else registry.enforce(rulesIn(this.#words, start), first)
  }

  #applyRecords(start: number, end: number): void {
    const words = this.#words
    for (let at = start; at < end; ) {
      const bytes = takeNext(words, at, end)
      if (bytes === 0) {
        throw new EngineFault('order', this.#sequence + 1, 'what follows is no record')
      }
      const kind = words.u8[at] as number
      const isLinked = ((words.u8[at + RECORD.flags] as number) & FLAG.linked) !== 0
      if (isLinked && isCommand(kind)) {
        at = this.#applyChain(at, end)
        restartLookahead()
      } else {
        this.#applyOne(at, kind)
        at += bytes
      }
    }
  }

  #applyOne(at: number, kind: number): void {
    const sequence = ++this.#sequence
    if (this.#hasVoided && this.#passOver(sequence, 1)) return
    if (!isCommand(kind)) return this.#own.apply(this.#words, at, kind, sequence, this.#isRouted)
    const { decision } = writer.core
    writer.core.sequence = sequence
    decision.begin(sequence, this.#timeMs)
    decision.status = decideAlone(this.#words, at)
    this.#finish(at, kind, sequence)
  }

  /** Makes a decided command's outcome known: asserted, in the digest, on its way. */
  #finish(at: number, kind: number, sequence: number): void {
    const { core, sink, digest } = writer
    const { book, decision } = core
    this.#commandCount++
    digest.roll(book, decision, kind, sequence)
    if (kind === KIND.module) this.#finishModule()
    if (!this.#isRouted) return
    const words = this.#words
    const gateway = words.u16[(at + RECORD.gateway) >>> 1] as number
    if (!sink.claim(gateway, outcomeBytes(decision))) return
    const token = words.u32[(at + RECORD.token) >>> 2] as number
    writeOutcome(sink.words, sink.at, book, decision, kind, token)
  }

  #finishModule(): void {
    this.#core.modules.roll(this.#digest)
    this.#core.modules.commit()
  }

  #applyChain(at: number, end: number): number {
    const chains = this.#chains
    const first = this.#sequence + 1
    chains.read(this.#words, at, end)
    this.#sequence += chains.count
    if (this.#hasVoided && this.#passOver(first, chains.count)) return chains.end
    if (chains.isLegal) {
      chains.decide(this.#words, first, this.#timeMs, this.#tentative)
    } else {
      this.#refuseChain(at, first)
    }
    return chains.end
  }

  /** Whether one of `count` records from `first` is voided, and so none of them is to be decided. */
  #passOver(first: number, count: number): boolean {
    let isVoided = false
    for (let n = 0; n < count; n++) {
      if (!this.#voided.has(first + n)) continue
      isVoided = true
      this.#own.passedOver.add(first + n)
    }
    return isVoided
  }

  /** Answers every member of a chain that has no end or passes its limits. */
  #refuseChain(at: number, first: number): void {
    const { decision } = this.#core
    forgetOld()
    let place = at
    for (let n = 0; n < this.#chains.count; n++) {
      decision.begin(first + n, this.#timeMs)
      decision.status = STATUS.malformed
      this.#finish(place, this.#words.u8[place] as number, first + n)
      place += recordBytes(this.#words, place)
    }
  }

  #chainOutcomes(): ChainOutcomes {
    const { decision } = this.#core
    const buffer = this.#chain
    return {
      tentative: (member) => {
        if (member === 0) buffer.begin(this.#digest, this.#commandCount)
        const at = this.#chains.at(member)
        const kind = this.#words.u8[at] as number
        this.#commandCount++
        this.#digest.roll(this.#book, decision, kind, this.#core.sequence)
        if (kind === KIND.module) this.#core.modules.roll(this.#digest)
        if (!this.#isRouted) return
        const token = this.#words.u32[(at + RECORD.token) >>> 2] as number
        buffer.add(this.#book, decision, kind, token)
      },
      discard: () => {
        this.#commandCount = buffer.discard(this.#digest, this.#commandCount)
      },
      commit: () => {
        buffer.commit()
        if (this.#isRouted) buffer.route(this.#words, this.#chains, this.#sink)
      },
      final: (member) => {
        const at = this.#chains.at(member)
        this.#finish(at, this.#words.u8[at] as number, this.#core.sequence)
      },
    }
  }

  /**
   * I8: what is due at or before the frame's time comes before its first record is decided, in order of
   * time; at one time reservations expire before timers fire.
   */
  #fireDue(sequence: number): void {
    const { modules } = this.#core
    for (;;) {
      const dueMs = modules.registry.nextDueMs()
      if (dueMs > this.#timeMs) break
      this.#expireDue(dueMs, sequence)
      modules.fire(this.#digest, sequence)
    }
    this.#expireDue(this.#timeMs, sequence)
  }

  #expireDue(untilMs: number, sequence: number): void {
    const book = this.#book
    for (;;) {
      const slot = book.wheel.takeDue(untilMs)
      if (slot < 0) return
      const amount = book.expire(slot, this.#timeMs)
      this.#digest.rollExpiry(book, slot, KIND.expire, amount, sequence)
    }
  }

  /**
   * Answers the query, or the command with `dryRun`, at `at` of `words`, as of the last frame. Nothing
   * changes.
   */
  answer(words: Words, at: number): void {
    putToWork(this.#parts)
    answerQuery(this.#digest, this.#sink, words, at, this.#sequence, this.#timeMs)
  }

  /** Checks I1 to I3 over all rows. Takes time in proportion to them: not for a live engine. */
  checkInvariants(): Violation[] {
    return findViolations(this.#book)
  }

  /** The rows as plain values, one by one: for audits, not for a live engine. */
  rows(): StateRows {
    return rowsOf(this.#core)
  }

  /** What `GET /v1/audit` shows of each ledger, in order of its first account. */
  ledgerSums(): LedgerSums[] {
    return this.#book.ledgers.sums()
  }

  /**
   * The state as bytes, the same in every engine with the same state: the input of the state digest,
   * and what a snapshot holds (docs/formats.md). In chunks of `chunkBytes` at most, a multiple of 8
   * and 128 at least; each is good until the next one is asked for, and no frame may come between.
   */
  exportState(chunkBytes: number): Iterable<Uint8Array> {
    return exportState(this.#core, this.#progress(), chunkBytes)
  }

  #progress(): Progress {
    return {
      sequence: this.#sequence,
      timeMs: this.#timeMs,
      commandCount: this.#commandCount,
      digestA: this.#digest.a,
      digestB: this.#digest.b,
      passedOver: this.#own.passedOver,
    }
  }

  /**
   * Takes over the state whose chunks these are, at multiples of 8 in memory, before the first frame.
   * Throws `EngineFault` where they are no state (`state`), the tables are smaller (`capacity`), or
   * other rules decided (`rules`): the engine is not to be used after that.
   */
  importState(chunks: Iterable<Uint8Array>): void {
    if (this.#sequence !== 0) throw new Error('a state is imported before the first frame')
    const progress = importState(this.#core, chunks)
    this.#sequence = progress.sequence
    this.#timeMs = progress.timeMs
    this.#commandCount = progress.commandCount
    this.#digest.a = progress.digestA
    this.#digest.b = progress.digestB
    for (const sequence of progress.passedOver) this.#own.passedOver.add(sequence)
    this.#own.frameDigests.note(this.#sequence, this.#digest.a, this.#digest.b)
  }
}
