// The flow of records through a carrier: what waits, what is in flight, what is sent again and when.
// Which call a record is of is all that it knows of calls; what bytes mean is for others.
//
//   builder --> queued --(window, room)--> in flight --(outcome)--> its call
//                 ^                            |
//                 +---- later <--- "not now" --+      and all of it again, in order, after a reconnect

import {
  allocateWords,
  copyWords,
  KIND,
  NOT_NOW,
  needsStorage,
  OUTCOME,
  RECORD,
  recordBytes,
  STATUS,
  type StatusCode,
  statusNumber,
  statusOf,
  uuidV7TimeMs,
  type Words,
} from '../protocol/index.ts'
import type { Call } from './call.ts'
import { type Carrier, CarrierFault, type CarrierLimits } from './carrier.ts'
import { HoldfastUnknown } from './errors.ts'
import type { Load } from './load.ts'
import { type Message, MessageBuilder, type Run } from './message.ts'

/** First and longest wait before "not now" is tried again, in ms; spread by half to both sides. */
const BACKOFF_MS = 5
const BACKOFF_MS_MAX = 500

/**
 * How much of the server's window may have passed since a command was first sent when it is sent again.
 * The rest is for the way to the engine: 5 s of waiting for room, and a disk that is slow.
 */
const SHARE_OF_WINDOW = 0.75

/** Records that were refused for now: one, or a chain. */
interface Later {
  readonly call: Call
  readonly index: number
  readonly count: number
  readonly words: Words
  readonly bytes: number
  readonly status: number
  /** As in `Run`. */
  readonly sinceMs: number
}

/** Whether a status says "not now", and the call has time to hear something better. */
export function isRetried(status: number, call: Call, retryMs: number): boolean {
  if (status === STATUS.ok || !NOT_NOW.has(status)) return false
  return performance.now() - call.startedMs < Math.min(retryMs, call.timeoutMs)
}

/** See the head of this file. */
export class Flow {
  readonly builder: MessageBuilder
  /** Commands that were sent and not answered, and bytes of their records. */
  inFlight = 0
  bytesInFlight = 0
  /** The status by which the server last said "not now"; 0 when it took something since. */
  refusal = 0
  readonly #carrier: Carrier
  readonly #load: Load
  readonly #retryMs: number
  /** Called when there may be something to send. */
  readonly #onDue: () => void
  #limits: CarrierLimits | undefined
  #queued: Message[] = []
  #sent: Message[] = []
  #later: Later[] = []
  #backoffMs = BACKOFF_MS
  #backoff: NodeJS.Timeout | undefined
  /** A head-only outcome, for refusals that come from here. */
  readonly #refused = allocateWords(OUTCOME.head)

  constructor(carrier: Carrier, load: Load, retryMs: number, onDue: () => void) {
    this.builder = new MessageBuilder(load)
    this.#carrier = carrier
    this.#load = load
    this.#retryMs = retryMs
    this.#onDue = onDue
  }

  /** The name of `refusal`. */
  get refusalCode(): StatusCode {
    return statusOf(this.refusal).code
  }

  /** Commands that were not sent yet, or have to be again. */
  get waiting(): number {
    let count = this.builder.count
    for (const later of this.#later) count += later.count
    for (const message of this.#queued) count += message.count
    return count
  }

  /** After `pump`: whether it left something. */
  get isHeld(): boolean {
    return this.#queued.length > 0
  }

  /** Everything that is not answered waits again, in its order, for a carrier with these limits. */
  ready(limits: CarrierLimits): void {
    this.#limits = limits
    const { builder } = this
    const old = [...this.#sent, ...this.#queued, ...builder.take()]
    const { recordBytesMax, windowBytes, windowCommands } = limits
    builder.setLimits(Math.min(recordBytesMax, windowBytes), windowCommands)
    this.#sent = []
    this.bytesInFlight = 0
    this.inFlight = 0
    this.#addLater()
    for (const message of old) this.#addAgain(message, false)
    this.#queued = builder.take()
  }

  /** Nothing can be sent until `ready`. */
  lost(): void {
    this.#limits = undefined
  }

  /** Forgets everything. */
  clear(): void {
    clearTimeout(this.#backoff)
    this.builder.take()
    this.#queued = []
    this.#sent = []
    this.#later = []
    this.inFlight = 0
    this.#limits = undefined
  }

  /** Drops what waits of calls that are over: their records are never sent, or never again. */
  dropEnded(): void {
    const later = this.#later
    this.#later = later.filter(({ call }) => !call.isOver)
    for (const { call, count, bytes } of later) if (call.isOver) this.#load.remove(count, bytes)
    const { builder } = this
    const waiting = [...this.#queued, ...builder.take()]
    this.#queued = []
    for (const message of waiting) {
      if (hasLeftOver(message)) this.#addAgain(message, false)
      else this.#queued.push(...builder.take(), message)
    }
    this.#queued.push(...builder.take())
  }

  /**
   * Sends what may be sent. `asked` and `askedBytes`: queries in flight and their bytes, which the
   * window counts too.
   */
  pump(asked: number, askedBytes: number): void {
    for (const message of this.builder.take()) this.#queued.push(message)
    const limits = this.#limits
    if (limits === undefined || this.#isHeldBack()) return
    for (let next = this.#queued[0]; next !== undefined; next = this.#queued[0]) {
      if (this.inFlight + asked + next.count > limits.windowCommands) return
      if (this.bytesInFlight + askedBytes + next.bytes > limits.windowBytes) return
      if (next.isAgain) giveUpOld(next, limits.windowMs * SHARE_OF_WINDOW)
      const isLow = this.#carrier.isStorageLow()
      if (hasLeftOver(next) || (isLow && grows(next))) {
        this.#queued.shift()
        this.#addAgain(next, isLow)
        this.#queued.unshift(...this.builder.take())
        continue
      }
      if (!this.#carrier.send(next)) return
      this.#queued.shift()
      this.#sent.push(next)
      this.inFlight += next.count
      this.bytesInFlight += next.bytes
      next.sentMs = performance.now()
      for (const run of next.runs) {
        run.call.wasSent = true
        if (run.sinceMs === 0) run.sinceMs = next.sentMs
      }
    }
  }

  /** Takes the outcome at `at`, which was checked. */
  take(words: Words, at: number): void {
    const message = this.#sent[0]
    const token = words.u32[(at + OUTCOME.token) >>> 2] as number
    if (message === undefined || tokenAt(message) !== token) {
      throw new CarrierFault(`the outcome with token ${token} is not the next one`)
    }
    const run = message.runs[message.run] as Run
    const from = message.cursor
    const bytes = recordBytes(message.words, from)
    // Before anything is counted: what makes no sense throws, and the record is sent again.
    if (!run.call.isOver) {
      if (run.call.isLinked) this.#giveToChain(message, run, words, at, from + bytes)
      else this.#give(message, run, words, at, from, bytes)
    }
    message.cursor += bytes
    this.inFlight--
    this.bytesInFlight -= bytes
    if (++message.done < run.count) return
    message.done = 0
    message.run++
    if (message.run < message.runs.length) return
    this.#sent.shift()
    this.builder.release(message)
  }

  /** Gives an outcome to its call, unless its record is to be sent again. */
  #give(message: Message, run: Run, words: Words, at: number, from: number, bytes: number): void {
    const { call } = run
    const index = run.first + message.done
    const status = statusNumber(words, at)
    if (status !== STATUS.ok && isRetried(status, call, this.#retryMs)) {
      const sinceMs = sinceOf(message, run, status)
      this.#postpone({ call, index, count: 1, ...cut(message.words, from, bytes), status, sinceMs })
      return
    }
    this.#passed(status)
    call.take(index, words, at)
    if (--call.left === 0) call.finish()
  }

  /** The same for a member of a chain, which is sent again as a whole. */
  #giveToChain(message: Message, run: Run, words: Words, at: number, to: number): void {
    const { call, count } = run
    const status = statusNumber(words, at)
    call.take(message.done, words, at)
    if (isRetried(status, call, this.#retryMs)) run.refused = status
    if (message.done + 1 < count) return
    this.#passed(run.refused)
    if (run.refused === 0) return call.finish()
    const records = cut(message.words, run.at, to - run.at)
    const sinceMs = sinceOf(message, run, run.refused)
    this.#postpone({ call, index: 0, count, ...records, status: run.refused, sinceMs })
  }

  #passed(status: number): void {
    if (NOT_NOW.has(status)) return
    this.refusal = 0
    this.#backoffMs = BACKOFF_MS
  }

  #postpone(later: Later): void {
    this.#later.push(later)
    this.#load.add(later.count, later.bytes)
    this.refusal = later.status
    if (this.#backoff !== undefined) return
    const spreadMs = this.#backoffMs * (0.5 + Math.random())
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MS_MAX)
    this.#backoff = setTimeout(() => {
      this.#backoff = undefined
      const newer = this.builder.take()
      this.#addLater()
      this.#queued = [...this.builder.take(), ...this.#queued, ...newer]
      this.#onDue()
    }, spreadMs)
  }

  /** While the server has no room, what was called later waits behind what was refused. */
  #isHeldBack(): boolean {
    return this.#later.some(({ status }) => status !== STATUS.storage_low)
  }

  #addLater(): void {
    const later = this.#later
    this.#later = []
    for (const { call, index, count, words, bytes, sinceMs } of later) {
      this.#load.remove(count, bytes)
      if (!call.isOver) this.builder.addBlock(call, index, words, 0, bytes, count, sinceMs)
    }
  }

  /** Puts what a message has and nobody answered into new ones; refuses some kinds of it. */
  #addAgain(message: Message, isLow: boolean): void {
    const { words, runs } = message
    for (let r = message.run; r < runs.length; r++) {
      const { call, first, count, at, sinceMs } = runs[r] as Run
      const done = r === message.run && !call.isLinked ? message.done : 0
      let from = done === 0 ? at : message.cursor
      if (call.isOver) continue
      for (let i = done; i < count; ) {
        const members = call.isLinked ? count : 1
        const bytes = bytesOf(words, from, members)
        const refuses = isLow && growsAt(words, from, members)
        if (refuses)
          this.#refuse({
            call,
            index: first + i,
            count: members,
            ...cut(words, from, bytes),
            status: STATUS.storage_low,
            sinceMs,
          })
        else this.builder.addBlock(call, first + i, words, from, bytes, members, sinceMs)
        from += bytes
        i += members
      }
    }
    this.builder.release(message)
  }

  /** Refuses records that were not sent: they are tried later, or their call hears it. */
  #refuse(later: Later): void {
    const { call, index, count, words, status } = later
    if (isRetried(status, call, this.#retryMs)) return this.#postpone(later)
    const refused = this.#refused
    let from = 0
    for (let i = 0; i < count; i++) {
      refused.u16[OUTCOME.status >>> 1] = status
      refused.u8[OUTCOME.kind] = words.u8[from + RECORD.kind] as number
      refused.u32[OUTCOME.bytes >>> 2] = OUTCOME.head
      call.take(index + i, refused, 0)
      from += recordBytes(words, from)
    }
    call.left -= count
    if (call.left === 0 || call.isLinked) call.finish()
  }
}

function tokenAt(message: Message): number {
  return message.words.u32[(message.cursor + RECORD.token) >>> 2] as number
}

/** Whether some of the message's calls have ended meanwhile. */
function hasLeftOver({ runs }: Message): boolean {
  for (const { call } of runs) if (call.isOver) return true
  return false
}

/** Since when the server may have taken in the records of a run that it answered with this status. */
function sinceOf({ sentMs }: Message, { sinceMs }: Run, status: number): number {
  return status === STATUS.outcome_unknown || sinceMs < sentMs ? sinceMs : 0
}

/**
 * Ends the calls whose records were first sent longer than `agoMs` ago and might be decided afresh, for
 * their outcomes may be forgotten.
 */
function giveUpOld({ words, runs }: Message, agoMs: number): void {
  const nowMs = performance.now()
  for (const { call, at, count, sinceMs } of runs) {
    if (sinceMs === 0 || nowMs - sinceMs < agoMs || call.isOver) continue
    if (isForgettable(words, at, count)) call.fail(new HoldfastUnknown(nowMs - sinceMs))
  }
}

/** Whether the server would take one of these for new when it has forgotten it. */
function isForgettable(words: Words, from: number, count: number): boolean {
  let at = from
  for (let i = 0; i < count; i++) {
    const isAccount = words.u8[at + RECORD.kind] === KIND.openAccount
    if (!isAccount && uuidV7TimeMs(words, at + RECORD.id) === -1) return true
    at += recordBytes(words, at)
  }
  return false
}

function grows(message: Message): boolean {
  return growsAt(message.words, message.at, message.count)
}

function growsAt(words: Words, from: number, count: number): boolean {
  let at = from
  for (let i = 0; i < count; i++) {
    if (needsStorage(words.u8[at + RECORD.kind] as number)) return true
    at += recordBytes(words, at)
  }
  return false
}

function bytesOf(words: Words, from: number, count: number): number {
  let at = from
  for (let i = 0; i < count; i++) at += recordBytes(words, at)
  return at - from
}

/** A copy of records. */
function cut(words: Words, from: number, bytes: number): { words: Words; bytes: number } {
  const kept = allocateWords(bytes)
  copyWords(words, from, kept, 0, bytes)
  return { words: kept, bytes }
}
