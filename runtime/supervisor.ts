// The supervisor: it waits until the threads serve, notices when one of them does not, and ends them
// in order. Which threads there are is start.ts's; what they do is theirs.

import { setTimeout as delay } from 'node:timers/promises'
import type { TableBytes } from '../engine/index.ts'
import { stopPreparer } from '../journal/index.ts'
import { ThreadBell } from './doorbell.ts'
import type { DirectoryLock } from './lock.ts'
import { ReportReader } from './report.ts'
import { CONTROL, ringBytes, type SharedMemory, STATES } from './shared-memory.ts'
import { pipelineStats } from './stats.ts'
import { ThreadFailed } from './thread-errors.ts'
import type { GatewayOrder, JournalOrder, ThreadMessage } from './thread-messages.ts'
import type { MessageOf, Thread, ThreadEvents } from './threads.ts'

/**
 * How long gateways may take to answer what is in flight when the server stops: longer than they
 * give themselves.
 */
const DRAIN_MS = 3_500

/** How long the journal may take afterwards for its last frames and the seal. */
const SEAL_MS = 1_000

/** How long a gateway may take to close its sockets before its thread is ended. */
const CLOSE_MS = 400

/** What a start found and did. */
export interface Recovered {
  /** Sequence of the last record that was in the journal; 0 in a new one. */
  readonly sequence: number
  /** Sequence of the snapshot that it began with; undefined where it read the whole journal. */
  readonly snapshot: number | undefined
  /** Frames of the journal that were applied, their records and bytes. */
  readonly frames: number
  readonly records: number
  readonly bytes: number
  /** From the call of `startServer` until it served. */
  readonly seconds: number
  /** The file in `quarantine/` that a torn tail went to; undefined where there was none. */
  readonly quarantined: string | undefined
}

/** A server that serves. */
export interface RunningServer {
  readonly recovered: Recovered
  /** Bytes that tables and rings reserve; pages cost nothing before they are touched. */
  readonly reservedBytes: { readonly tables: TableBytes; readonly rings: number }
  /** What each gateway said when it was ready, by slot. */
  readonly gateways: readonly unknown[]
  /**
   * Resolves if a thread dies: nothing is acknowledged any more, and gateways were told to answer
   * `outcome_unknown`. The process has to end.
   */
  readonly failed: Promise<Error>
  /** Figures by the names in stats.ts. */
  stats(): Readonly<Record<string, number>>
  /** Whether the threads keep the process alive; they do until told otherwise, and while stopping. */
  keepAlive(keeps: boolean): void
  /**
   * Refuses what is new, finishes what is in flight, seals, ends the threads, releases the lock; 5 s at
   * most. Every call gives the same promise. Rejects where the journal could not be sealed.
   */
  stop(): Promise<void>
}

/** The start was given up by its signal. */
export class StartAborted extends Error {
  override readonly name = 'StartAborted'
}

/** What the supervisor is made of. */
export interface SupervisorParts {
  readonly shared: SharedMemory
  readonly lock: DirectoryLock
  /** When the start began, on the monotonic clock. */
  readonly startedMs: number
  readonly onProblem: ((sentence: string) => void) | undefined
}

/** The threads by their part. */
export interface Threads {
  /** It begins once the engine has loaded what there was to load. */
  readonly journal: Thread
  readonly engine: Thread
  readonly preparer: Thread
  /** Reads ahead what the engine loads, and ends by itself; undefined where there is nothing to read. */
  readonly reader: Thread | undefined
  readonly gateways: readonly Thread[]
}

/** See the head of this file. */
export class Supervisor implements ThreadEvents {
  readonly #parts: SupervisorParts
  readonly #control: Int32Array
  #threads: Threads | undefined
  #loaded: MessageOf<'loaded'> | undefined
  #recovered: MessageOf<'recovered'> | undefined
  #allocated: MessageOf<'allocated'> | undefined
  #isLive = false
  readonly #ready = new Map<Thread, unknown>()
  readonly #drained = new Set<Thread>()
  #isSealed = false
  #isEnding = false
  readonly #detached = new Set<number>()
  #failure: Error | undefined
  #stopping: Promise<void> | undefined
  /** Those who wait for any of the above to change. */
  #waiting: (() => void)[] = []

  constructor(parts: SupervisorParts) {
    this.#parts = parts
    this.#control = new Int32Array(parts.shared.control)
  }

  /** Takes the threads that were started; their messages come later, for they are events. */
  watch(threads: Threads): void {
    this.#threads = threads
    // The engine does without it.
    threads.reader?.mayEnd()
  }

  onMessage(thread: Thread, message: ThreadMessage): void {
    if (message.type === 'recovered') this.#recovered = message
    else if (message.type === 'allocated') this.#allocated = message
    else if (message.type === 'loaded') this.#beginJournal(message)
    else if (message.type === 'problem') this.#parts.onProblem?.(message.sentence)
    else if (message.type === 'live') this.#isLive = true
    else if (message.type === 'ready') this.#ready.set(thread, message.info)
    else if (message.type === 'drained') this.#drained.add(thread)
    else if (message.type === 'detached') this.#detach(message.slot, message.reason)
    else if (message.type === 'sealed') {
      this.#isSealed = true
      thread.mayEnd()
    }
    this.#wake()
  }

  onFailure(thread: Thread, error: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#setState('failed')
    const reason = `the ${thread.name} thread failed: ${error.message}`
    for (const gateway of this.#all().gateways) this.#order(gateway, { type: 'failure', reason })
    this.#wake()
  }

  /** Resolves when everything serves; rejects with the first failure, or when `signal` says so. */
  async serving(signal: AbortSignal | undefined): Promise<RunningServer> {
    const wake = (): void => this.#wake()
    signal?.addEventListener('abort', wake)
    await this.#until(() => this.#isServing() || signal?.aborted === true)
    signal?.removeEventListener('abort', wake)
    if (this.#failure !== undefined) throw this.#failure
    if (signal?.aborted === true) throw new StartAborted('the start was given up')
    this.#setState('serving')
    const { shared, startedMs } = this.#parts
    const { sequence, frames, records, bytes, quarantined } = this
      .#recovered as MessageOf<'recovered'>
    const seconds = (performance.now() - startedMs) / 1_000
    const engine = new ReportReader(shared.engineReport)
    const journal = new ReportReader(shared.journalReport)
    const snapshot = this.#loaded?.from?.sequence
    const { bytes: tables } = this.#allocated as MessageOf<'allocated'>
    return {
      recovered: { sequence, snapshot, frames, records, bytes, seconds, quarantined },
      reservedBytes: { tables, rings: ringBytes(shared) },
      gateways: this.#all().gateways.map((gateway) => this.#ready.get(gateway)),
      failed: this.#failed(),
      stats: () => pipelineStats(engine.read(), journal.read()),
      keepAlive: (keeps) => this.#keepAlive(keeps),
      stop: () => {
        this.#keepAlive(true)
        this.#stopping ??= this.#stop()
        return this.#stopping
      },
    }
  }

  /** Ends the threads wherever they are, then releases the lock. */
  async abandon(): Promise<void> {
    if (this.#threads !== undefined) {
      const { journal, engine, preparer, reader, gateways } = this.#threads
      this.#isEnding = true
      const all = [
        ...gateways,
        journal,
        engine,
        preparer,
        ...(reader === undefined ? [] : [reader]),
      ]
      for (const thread of all) thread.mayEnd()
      stopPreparer(this.#parts.shared.preparer)
      await Promise.all(gateways.map((gateway) => this.#close(gateway)))
      await Promise.all(all.map((thread) => thread.terminate()))
    }
    this.#parts.lock.release()
  }

  /** Has a gateway that is not drained close its sockets; resolves when it did, or had its time. */
  async #close(gateway: Thread): Promise<void> {
    this.#order(gateway, { type: 'close' })
    const closed = new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.#drained.has(gateway)) resolve()
        else this.#waiting.push(look)
      }
      look()
    })
    await Promise.race([closed, gateway.ended, delay(CLOSE_MS, undefined, { ref: false })])
  }

  #keepAlive(keeps: boolean): void {
    const { journal, engine, preparer, gateways } = this.#all()
    for (const thread of [journal, engine, preparer, ...gateways]) thread.keepAlive(keeps)
  }

  async #failed(): Promise<Error> {
    await this.#until(() => false)
    return this.#failure as Error
  }

  /** The engine stands where `from` says; the journal's thread reads on from there. */
  #beginJournal(message: MessageOf<'loaded'>): void {
    this.#loaded = message
    if (this.#isEnding) return
    // Where the engine began with another snapshot, or none, it still waits for somebody to take.
    void this.#all().reader?.terminate()
    const order: JournalOrder = { from: message.from, rules: message.rules }
    this.#all().journal.tell(order)
  }

  #isServing(): boolean {
    return (
      this.#recovered !== undefined &&
      this.#allocated !== undefined &&
      this.#isLive &&
      this.#ready.size === this.#all().gateways.length
    )
  }

  async #stop(): Promise<void> {
    const { gateways } = this.#all()
    const { shared } = this.#parts
    try {
      if (this.#failure === undefined) {
        this.#setState('draining')
        for (const gateway of gateways) this.#order(gateway, { type: 'drain' })
        await this.#until(() => this.#drained.size === gateways.length, DRAIN_MS)
        Atomics.store(this.#control, CONTROL.stopJournal, 1)
        new ThreadBell(shared.journalBell).ring()
        await this.#until(() => this.#isSealed, SEAL_MS)
      }
      if (this.#failure !== undefined) throw this.#failure
      if (!this.#isSealed) throw new ThreadFailed('the journal could not be sealed in time')
    } finally {
      await this.abandon()
    }
  }

  /** A gateway whose rings hold no records is not listened to; without the last one all is over. */
  #detach(slot: number, reason: string): void {
    if (this.#detached.has(slot)) return
    this.#detached.add(slot)
    const { gateways } = this.#all()
    const gateway = gateways[slot]
    const sentence = `gateway ${slot} was cut off, for what it queued is no record: ${reason}`
    this.#parts.onProblem?.(sentence)
    if (gateway !== undefined) this.#order(gateway, { type: 'failure', reason: sentence })
    if (this.#detached.size >= gateways.length) {
      this.onFailure(gateway ?? this.#all().engine, new ThreadFailed(sentence))
    }
  }

  /** Resolves when `isDone`, after a failure, or after `withinMs`. */
  #until(isDone: () => boolean, withinMs = Infinity): Promise<void> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined
      const look = (isOver: boolean): void => {
        if (!isOver && this.#failure === undefined && !isDone()) {
          this.#waiting.push(() => look(false))
          return
        }
        clearTimeout(timer)
        resolve()
      }
      if (withinMs !== Infinity) timer = setTimeout(() => look(true), withinMs)
      look(false)
    })
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const look of waiting) look()
  }

  #setState(state: (typeof STATES)[number]): void {
    Atomics.store(this.#control, CONTROL.state, STATES.indexOf(state))
  }

  #order(gateway: Thread, order: GatewayOrder): void {
    gateway.tell(order)
  }

  #all(): Threads {
    if (this.#threads === undefined) throw new Error('the supervisor has no threads yet')
    return this.#threads
  }
}
