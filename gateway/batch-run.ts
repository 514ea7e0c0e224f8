// A batch under way: queued in pieces as there is room, answered when every result is there. A
// linked batch is one piece.

import {
  isReplayed,
  STATUS,
  statusNumber,
  statusOf,
  type Words,
  wordsOver,
} from '../protocol/index.ts'
import type { EncodedBatch } from './batch.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { Exchange } from './http-response.ts'
import { PIECE_COMMANDS_MAX, ROOM_DEADLINE_MS } from './limits.ts'
import type { Line } from './line.ts'
import { moduleResult, moduleVerdict } from './module-replies.ts'
import type { Waiter } from './pending.ts'
import {
  coreCode,
  jsonReply,
  type ProblemCode,
  REPLAYED_HEADERS,
  refusalReply,
  writeProblem,
} from './problem.ts'
import { batchResult } from './replies.ts'
import { UNKNOWN } from './single.ts'

/** Bits of what a result is, beside its status. */
const REPLAYED = 1
const ANSWERED = 2

/** One batch from its records to its reply. */
export class BatchRun implements Waiter {
  readonly #exchange: Exchange
  readonly #line: Line
  readonly #budget: ByteBudget
  readonly #batch: EncodedBatch
  readonly #linked: boolean
  /** JSON of each member's result; '' where there is none yet. */
  readonly #results: string[]
  readonly #statuses: Uint8Array
  readonly #bits: Uint8Array
  /** What HTTP says of the codes of modules' members. */
  readonly #codes = new Map<number, ProblemCode>()
  readonly #startedMs = performance.now()
  /** Records queued, and of these answered. */
  #queued = 0
  #answered = 0
  /** Records whose outcomes are waited for: all of them, unless some could not be queued. */
  #expected: number
  #isOver = false

  /** `leftOut` are the results of members that have no record. */
  constructor(
    exchange: Exchange,
    line: Line,
    budget: ByteBudget,
    batch: EncodedBatch,
    linked: boolean,
    leftOut: string[],
  ) {
    this.#exchange = exchange
    this.#line = line
    this.#budget = budget
    this.#batch = batch
    this.#expected = batch.members.length
    this.#linked = linked
    this.#results = leftOut
    this.#statuses = new Uint8Array(leftOut.length)
    this.#bits = new Uint8Array(leftOut.length)
  }

  /**
   * Queues what there is room for, and waits for room for the rest. Where there is none at all the
   * answer is `busy` at once, as for a single command.
   */
  start(): void {
    if (this.#pump()) return
    if (this.#queued === 0) this.#giveUp()
    else this.#line.waitForRoom(() => this.#pump())
  }

  /** Whether there is nothing left to queue. */
  #pump(): boolean {
    const count = this.#batch.members.length
    while (!this.#isOver && this.#queued < count) {
      const isLate = performance.now() - this.#startedMs > ROOM_DEADLINE_MS
      if (isLate || this.#line.stateRefusal() !== undefined) {
        this.#giveUp()
        return true
      }
      let piece = this.#linked ? count : Math.min(PIECE_COMMANDS_MAX, count - this.#queued)
      while (!this.#submit(piece)) {
        if (this.#linked || piece === 1) return false
        piece >>>= 1
      }
    }
    if (count === 0) this.#finish()
    return true
  }

  #submit(piece: number): boolean {
    const { words, offsets } = this.#batch
    const from = offsets[this.#queued] as number
    const bytes = (offsets[this.#queued + piece] as number) - from
    const records = wordsOver(words.u8.buffer as ArrayBuffer, from, bytes)
    if (!this.#line.submit(records, bytes, piece, this)) return false
    this.#queued += piece
    return true
  }

  /** Outcomes come in the order of queueing. */
  onOutcome(outcomes: Words, at: number): void {
    const member = this.#batch.members[this.#answered++] as number
    if (this.#isOver) return
    const action = this.#batch.actions[member]
    this.#results[member] =
      action === undefined ? batchResult(outcomes, at) : moduleResult(outcomes, at, action)
    if (action !== undefined) this.#codes.set(member, moduleVerdict(outcomes, at, action).code)
    this.#statuses[member] = statusNumber(outcomes, at)
    this.#bits[member] = isReplayed(outcomes, at) ? ANSWERED | REPLAYED : ANSWERED
    if (this.#answered === this.#expected) this.#finish()
  }

  /** No room came: what was queued still gets its results. */
  #giveUp(): void {
    if (this.#queued === 0) {
      const state = this.#line.stateRefusal()
      const code = state?.code ?? 'busy'
      this.#line.countRefused(code, this.#batch.members.length)
      const detail = state?.detail ?? 'There is no room for the batch right now: send it again.'
      this.#end(() => this.#exchange.reply(refusalReply(code, detail)))
      return
    }
    this.#line.countRefused('busy', this.#batch.members.length - this.#queued)
    this.#fillIn('busy', this.#queued)
    this.#expected = this.#queued
    if (this.#answered === this.#expected) this.#finish()
  }

  /** The members from the `from`-th record on get `code`. */
  #fillIn(code: 'busy' | 'outcome_unknown', from: number): void {
    const { members } = this.#batch
    for (let i = from; i < members.length; i++) {
      const member = members[i] as number
      if (this.#results[member] !== '') continue
      this.#results[member] = `{"code":"${code}"}`
    }
  }

  onLost(): void {
    if (this.#isOver) return
    if (this.#linked || this.#answered === 0) {
      this.#end(() => this.#exchange.reply(refusalReply('outcome_unknown', UNKNOWN)))
      return
    }
    this.#fillIn('busy', this.#queued)
    this.#fillIn('outcome_unknown', 0)
    this.#finish()
  }

  onFault(error: unknown): void {
    this.#end(() => this.#exchange.fail(error))
  }

  #finish(): void {
    this.#end(() => {
      const failed = this.#linked ? this.#failedMember() : -1
      const results = `"results":[${this.#results.join(',')}]`
      const headers = this.#isReplay() ? REPLAYED_HEADERS : undefined
      if (failed < 0) return this.#exchange.reply(jsonReply(200, `{${results}}`, headers))
      const { code } = statusOf(this.#statuses[failed] as number)
      const verdict = this.#codes.get(failed) ?? coreCode(code)
      const http = verdict.http === 503 || verdict.http === 400 ? verdict.http : 409
      const detail = `commands[${failed}] failed with ${verdict.code}: none of the chain took effect.`
      const members = `,"failedIndex":${failed},${results}`
      this.#exchange.reply(writeProblem({ ...verdict, http }, detail, members, headers))
    })
  }

  /** The member that failed by itself; else the first that failed at all; -1 where none did. */
  #failedMember(): number {
    const own = this.#statuses.findIndex((s) => s !== STATUS.ok && s !== STATUS.linked_failed)
    return own >= 0 ? own : this.#statuses.findIndex((s) => s !== STATUS.ok)
  }

  #isReplay(): boolean {
    return this.#bits.every((bits) => (bits & REPLAYED) !== 0)
  }

  #end(reply: () => void): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#budget.giveBack(this.#batch.words.u8.length)
    reply()
  }
}
