// One stream: its messages, and what of them waits. What it is owed is in stream-answers.ts; what all
// streams share (room, turns, sending) in stream-hub.ts.

import {
  CLOSE,
  MESSAGE,
  OUTCOME,
  RECORD,
  recordBytes,
  STATUS,
  STREAM_NAMES_MAX,
  type Words,
} from '../protocol/index.ts'
import { PIECE_COMMANDS_MAX, STREAM_BACKLOG_BYTES, STREAM_NAMES_WAITING_MAX } from './limits.ts'
import type { LostRecord, Waiter } from './pending.ts'
import { StreamAnswers } from './stream-answers.ts'
import type { RefusedUnit } from './stream-check.ts'
import type { StreamHub } from './stream-hub.ts'
import { StreamJob } from './stream-job.ts'
import { namesMessage } from './stream-messages.ts'
import type { SocketHandler, StreamSocket } from './web-socket.ts'

/** How a turn ended: nothing waits, more does, or there is no room. */
export type Turn = 'done' | 'more' | 'no room'

/** One connection. As a `Waiter` it waits for its commands. */
export class StreamConnection implements SocketHandler, Waiter {
  readonly #hub: StreamHub
  readonly #socket: StreamSocket
  readonly #answers: StreamAnswers
  /** Waits for its queries and dry runs. */
  readonly #queries: Waiter
  /** Messages that wait, in order. */
  #jobs: StreamJob[] = []
  #namesWaiting = 0
  #isLost = false
  /** The hub's: it is among those whose answers are to be sent, or among those that wait for room. */
  isDirty = false
  isReady = false
  /** The hub's: bytes sent that the client did not take, and when it last took some. */
  backlogBytes = 0
  takenMs = 0

  constructor(hub: StreamHub, socket: StreamSocket) {
    this.#hub = hub
    this.#socket = socket
    this.#answers = new StreamAnswers(
      (message) => this.send(message),
      () => {
        if (!this.isDirty) hub.sendSoon(this)
      },
    )
    this.#queries = {
      onOutcome: (outcomes, at, token, bytes) => {
        hub.onAnswered(outcomes.u8[at + OUTCOME.kind] as number)
        this.#answers.putAnswer(outcomes, at, token, bytes)
      },
      onLost: (lost) => this.onLost(lost),
      onFault: (error) => this.onFault(error),
    }
  }

  /** Whether everything that came in was answered and handed to the network. */
  get isIdle(): boolean {
    return this.#answers.isIdle
  }

  /** Whether the client reads so slowly that nothing more of it is taken in. */
  get isBlocked(): boolean {
    return this.backlogBytes > STREAM_BACKLOG_BYTES
  }

  get hasJobs(): boolean {
    return this.#jobs.length > 0
  }

  /** Since when it waits, in terms of `performance.now()`; Infinity where nothing waits. */
  get waitsSinceMs(): number {
    return this.#jobs[0]?.sinceMs ?? Number.POSITIVE_INFINITY
  }

  onMessage(message: ArrayBuffer): void {
    const { inbox } = this.#hub
    this.#hub.messagesIn++
    const fault = inbox.read(message) ?? this.#take()
    if (fault !== undefined) this.end(CLOSE.protocolError, fault)
  }

  /** Takes what is in the inbox; what is wrong with it, or undefined. */
  #take(): string | undefined {
    const { inbox, check, line } = this.#hub
    const { body, count, type } = inbox
    if (type === MESSAGE.names) return this.#takeNames(body, inbox.bytes, count)
    const areCommands = type === MESSAGE.commands
    const fault = areCommands
      ? check.commands(body, inbox.bytes, count, line.pipeline.storageLow())
      : check.queries(body, inbox.bytes, count)
    if (fault !== undefined) return fault
    const bytes = check.end
    if (!this.#answers.owe(count, bytes)) {
      this.end(CLOSE.policyViolation, 'More is unanswered than the window holds.')
      return undefined
    }
    const isPlain = areCommands && check.refused.length === 0 && this.#mayPass()
    if (isPlain && this.#hub.submit(body, bytes, count, check.price, this)) {
      this.#answers.onQueued(count)
      return undefined
    }
    this.#wait(new StreamJob(type, body, bytes, count, check.refused))
    return undefined
  }

  #takeNames(body: Words, bytes: number, count: number): string | undefined {
    if (bytes !== count * 4) return `${count} slots have ${count * 4} bytes, not ${bytes}.`
    if (count > STREAM_NAMES_MAX) return `A names message has ${STREAM_NAMES_MAX} slots at most.`
    if (!this.isBlocked && !this.hasJobs) {
      this.send(namesMessage(this.#hub.line.pipeline.names, body, count))
      return undefined
    }
    if (++this.#namesWaiting > STREAM_NAMES_WAITING_MAX) {
      this.end(CLOSE.policyViolation, 'Too many names messages wait.')
    } else this.#wait(new StreamJob(MESSAGE.names, body, bytes, count, []))
    return undefined
  }

  /** Whether what comes may go in at once: nothing of this stream or of another waits before it. */
  #mayPass(): boolean {
    return !this.hasJobs && !this.isBlocked && this.#hub.mayPass()
  }

  /** Has `job` wait for its turn, which may be now. */
  #wait(job: StreamJob): void {
    if (this.#hub.keep(job.bytes)) {
      this.#jobs.push(job)
      this.#hub.waitForTurn(this)
      return
    }
    // The order of answers is kept, so those before it are given up too.
    this.giveUp(Number.POSITIVE_INFINITY)
    this.#drop(job, STATUS.busy)
  }

  /**
   * Takes in what there is room for of what waits longest. `refusal`: the status of everything that
   * comes in now, or `ok`.
   */
  takeTurn(refusal: number): Turn {
    const job = this.#jobs[0]
    if (job === undefined || this.isBlocked) return 'done'
    if (job.type === MESSAGE.names) {
      this.#namesWaiting--
      this.send(namesMessage(this.#hub.line.pipeline.names, job.words, job.count))
      job.count = 0
    } else if (refusal !== STATUS.ok) this.#drop(job, refusal)
    else if (!(job.areCommands ? this.#pumpCommands(job) : this.#pumpQueries(job))) return 'no room'
    if (!job.isOver) return 'more'
    // A client that was closed meanwhile has no jobs any more.
    if (this.#jobs[0] === job) {
      this.#jobs.shift()
      this.#hub.giveBack(job.bytes)
    }
    return this.hasJobs ? 'more' : 'done'
  }

  /** Refuses what comes next and is to be refused, then queues one piece; whether there was room. */
  #pumpCommands(job: StreamJob): boolean {
    for (let unit = job.refusedUnit(); unit !== undefined; unit = job.refusedUnit()) {
      this.#refuseRange(job, unit)
    }
    for (let most = PIECE_COMMANDS_MAX; !job.isOver; ) {
      const piece = job.piece(most, this.#hub.creditBytes, this.#hub.prices)
      if (piece === undefined) return false
      if (this.#hub.submit(piece.words, piece.bytes, piece.count, piece.price, this)) {
        this.#answers.onQueued(piece.count)
        job.advance(job.at + piece.bytes, piece.count)
        return true
      }
      if (most === 1) return false
      most = Math.max(1, Math.min(most, piece.count) >>> 1)
    }
    return true
  }

  #pumpQueries(job: StreamJob): boolean {
    for (let left = PIECE_COMMANDS_MAX; left > 0 && !job.isOver; left--) {
      const unit = job.refusedUnit()
      const end = job.at + recordBytes(job.words, job.at)
      if (unit !== undefined) this.#refuseRange(job, unit)
      else if (this.#hub.ask(job.words, job.at, this.#queries)) job.advance(end, 1)
      else return false
    }
    return true
  }

  /** Refuses all that is left of `job`. */
  #drop(job: StreamJob, status: number): void {
    if (job.type !== MESSAGE.names) {
      this.#refuseRange(job, { end: job.bytes, status, culpritAt: -1 })
    }
    job.count = 0
  }

  /** Refuses with `busy` what waits since before `beforeMs`. */
  giveUp(beforeMs: number): void {
    while (this.waitsSinceMs < beforeMs) {
      const job = this.#jobs.shift() as StreamJob
      this.#drop(job, STATUS.busy)
      this.#hub.giveBack(job.bytes)
    }
  }

  /** Refuses the records of `job` up to the unit's end; those beside a culprit are its chain's. */
  #refuseRange(job: StreamJob, unit: Omit<RefusedUnit, 'at'>): void {
    const { words } = job
    const { end, status, culpritAt, detail } = unit
    let count = 0
    let at = job.at
    for (; at < end; count++) {
      const isOwn = culpritAt < 0 || at === culpritAt
      const own = isOwn ? status : STATUS.linked_failed
      const why = isOwn ? detail : undefined
      const kind = words.u8[at] as number
      const token = words.u32[(at + RECORD.token) >>> 2] as number
      const bytes = recordBytes(words, at)
      if (job.areCommands) {
        this.#answers.refuseCommand(own, kind, token, bytes, why)
        this.#hub.line.countStatus(own)
      } else this.#answers.refuseQuery(own, kind, token, bytes, why)
      at += bytes
    }
    job.advance(at, count)
  }

  onOutcome(outcomes: Words, at: number, token: number, bytes: number, route: number): void {
    this.#hub.onAnswered(outcomes.u8[at + OUTCOME.kind] as number)
    const body = this.#hub.modules.bodyOf(outcomes, at, route)
    this.#answers.putOutcome(outcomes, at, token, bytes, body)
  }

  /** Says of each that nobody knows, and closes when that is sent: the client finds out by asking. */
  onLost(lost: readonly LostRecord[]): void {
    for (const { kind } of lost) this.#hub.onAnswered(kind)
    this.#isLost = true
    this.#answers.putLost(lost)
  }

  onFault(error: unknown): void {
    this.#hub.onFault(error)
    this.end(CLOSE.internalError, 'The server met a fault of its own, see its log.')
  }

  /** Sends the answers that gathered. */
  flush(): void {
    this.isDirty = false
    this.#answers.flush()
    if (this.#isLost) this.end(CLOSE.internalError, 'What is unanswered is not known.')
  }

  /** Sends one message, and has the hub count what the client left unread. */
  send(message: Uint8Array): void {
    this.#socket.send(message)
    this.#hub.onSent(this, this.#socket.backlogBytes)
  }

  /** Gives memory back that was not needed lately. */
  rest(): void {
    this.#answers.rest()
  }

  onDrain(): void {
    this.#hub.onDrain(this, this.#socket.backlogBytes)
  }

  /** Closes with `code` behind everything that was sent. */
  end(code: number, reason: string): void {
    this.#socket.end(code, reason)
  }

  onClose(code: number): void {
    this.#answers.close()
    for (const job of this.#jobs) this.#hub.giveBack(job.bytes)
    this.#jobs = []
    this.#hub.onClosed(this, code)
  }
}
