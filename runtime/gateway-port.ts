// A gateway's end of the pipeline: `Pipeline` over the rings, for a thread with an event loop or for
// a program that embeds the engine. It never waits, and it counts its own credit.

import type { MessagePort } from 'node:worker_threads'
import { isStorageLow } from '../journal/index.ts'
import {
  AccountNames,
  copyWords,
  FLAG,
  formatDigest,
  KIND,
  OUTCOME,
  type Pipeline,
  type PipelineProgress,
  type PipelineState,
  RECORD,
  RECORD_BYTES_MAX,
  recordBytes,
  TAIL_BYTES_MAX,
  type Words,
} from '../protocol/index.ts'
import { Credits } from './credits.ts'
import { PortSleeper, ThreadBell } from './doorbell.ts'
import { ReportReader } from './report.ts'
import { RingBroken, RingConsumer, RingProducer } from './ring.ts'
import {
  CONTROL,
  ENGINE_REPORT,
  type GatewayMemory,
  JOURNAL_REPORT,
  ringBytes,
  type SharedMemory,
  STATES,
} from './shared-memory.ts'
import { pipelineStats } from './stats.ts'

/** What a gateway is given to open its port. */
export interface GatewayPortMemory {
  readonly shared: SharedMemory
  readonly slot: number
  /** Bytes of frames that the start has to read. */
  readonly replayBytes: number
  /** The engine thread's messages: there are outcomes. */
  readonly port: MessagePort
}

const RECORD_AND_TAIL = RECORD_BYTES_MAX + TAIL_BYTES_MAX

/** The pipeline as one gateway sees it. */
export class GatewayPort implements Pipeline {
  onOutcome: (outcomes: Words, at: number) => void = () => {}
  onFailure: (reason: string) => void = () => {}
  readonly names: AccountNames
  readonly #slot: number
  readonly #commands: RingProducer
  readonly #queries: RingProducer
  readonly #outcomes: RingConsumer
  readonly #credits: Credits
  readonly #sleeper: PortSleeper
  readonly #journalBell: ThreadBell
  readonly #engineBell: ThreadBell
  readonly #log: Uint8Array
  readonly #control: Int32Array
  readonly #preparer: SharedArrayBuffer
  readonly #engine: ReportReader
  readonly #journal: ReportReader
  readonly #replayBytes: number
  readonly #ringBytes: number
  readonly #port: MessagePort
  #failure: string | undefined
  #inFlight = 0
  #refusedBusy = 0

  constructor({ shared, slot, replayBytes, port }: GatewayPortMemory) {
    const memory = shared.gateways[slot] as GatewayMemory
    this.names = new AccountNames(shared.names)
    this.#slot = slot
    this.#commands = new RingProducer(memory.commands)
    this.#queries = new RingProducer(memory.queries)
    this.#outcomes = new RingConsumer(memory.outcomes)
    this.#credits = new Credits(this.#outcomes.capacity, shared.tables.ledgersMax)
    this.#sleeper = new PortSleeper(memory.bell)
    this.#journalBell = new ThreadBell(shared.journalBell)
    this.#engineBell = new ThreadBell(shared.engineBell)
    this.#log = new Uint8Array(shared.log)
    this.#control = new Int32Array(shared.control)
    this.#preparer = shared.preparer
    this.#engine = new ReportReader(shared.engineReport)
    this.#journal = new ReportReader(shared.journalReport)
    this.#replayBytes = replayBytes
    this.#ringBytes = ringBytes(shared)
    this.#port = port
    port.on('message', () => this.#read())
    this.#read()
  }

  submit(records: Words, bytes: number, count: number): boolean {
    const price = this.#priceOf(records, bytes, count)
    // A record that wraps skips less than its own length.
    const room = this.#failure === undefined && this.#commands.free() >= bytes + RECORD_AND_TAIL
    if (!room || !this.#credits.take(price)) {
      this.#refusedBusy += count
      return false
    }
    for (let at = 0; at < bytes; ) {
      const length = recordBytes(records, at)
      this.#put(this.#commands, records, at, length)
      at += length
    }
    this.#inFlight += count
    return true
  }

  query(record: Words, bytes: number): boolean {
    const price = this.#priceOf(record, bytes, 1)
    const room = this.#failure === undefined && this.#queries.free() >= bytes + RECORD_AND_TAIL
    if (!room || !this.#credits.take(price)) {
      this.#refusedBusy++
      return false
    }
    this.#put(this.#queries, record, 0, bytes)
    this.#inFlight++
    return true
  }

  flush(): void {
    if (this.#commands.publish()) this.#journalBell.ring()
    if (this.#queries.publish()) this.#engineBell.ring()
  }

  state(): PipelineState {
    if (this.#failure !== undefined) return 'failed'
    return STATES[Atomics.load(this.#control, CONTROL.state)] as PipelineState
  }

  storageLow(): boolean {
    return isStorageLow(this.#preparer)
  }

  progress(): PipelineProgress {
    const engine = this.#engine.read()
    const replayedBytes = this.#journal.read()[JOURNAL_REPORT.replayedBytes] as number
    return {
      sequence: engine[ENGINE_REPORT.sequence] as number,
      timeMs: engine[ENGINE_REPORT.timeMs] as number,
      digest: formatDigest(
        engine[ENGINE_REPORT.digestA] as number,
        engine[ENGINE_REPORT.digestB] as number,
      ),
      replayedBytes,
      // More than was expected, where the newest snapshot turned out to be of no use.
      replayBytes: Math.max(this.#replayBytes, replayedBytes),
    }
  }

  log(): Uint8Array {
    return this.#log
  }

  stats(): Readonly<Record<string, number>> {
    return {
      ...pipelineStats(this.#engine.read(), this.#journal.read()),
      ring_bytes: this.#ringBytes,
      gateway_in_flight: this.#inFlight,
      gateway_refused_busy_total: this.#refusedBusy,
      gateway_credit_bytes: this.#credits.left,
      gateway_command_ring_bytes: this.#commands.capacity - this.#commands.free(),
      storage_low: this.storageLow() ? 1 : 0,
    }
  }

  /** Wants no more outcomes, so that the thread's event loop may end. */
  close(): void {
    this.#sleeper.wake()
    this.#port.close()
  }

  /** A thread behind the rings is gone: hands on what was decided, then says so, once. */
  fail(reason: string): void {
    this.#read()
    this.#fail(reason)
  }

  /** Whether every command and query has been answered. */
  isIdle(): boolean {
    return this.#inFlight === 0
  }

  /** The worst case of `count` records' outcomes; throws where they are not what the caller says. */
  #priceOf(records: Words, bytes: number, count: number): number {
    let price = 0
    let at = 0
    let linked = 0
    for (let i = 0; i < count; i++) {
      const length = at < bytes ? recordBytes(records, at) : 0
      if (length === 0) throw new RangeError(`record ${i} of ${count} at ${at} is none`)
      price += this.#credits.priceOf(records.u8[at] as number)
      linked = (records.u8[at + RECORD.flags] as number) & FLAG.linked
      at += length
    }
    if (at !== bytes) throw new RangeError(`${count} records of ${at} bytes, not of ${bytes}`)
    if (linked !== 0) throw new RangeError('the last record is linked to one that is missing')
    return price
  }

  #put(ring: RingProducer, records: Words, at: number, bytes: number): void {
    const to = ring.claim(bytes)
    if (to < 0) throw new Error('a ring lost the room that it had')
    copyWords(records, at, ring.words, to, bytes)
    ring.words.u16[(to + RECORD.gateway) >>> 1] = this.#slot
    ring.commit(bytes)
  }

  /** Hands on every outcome that is there, and sleeps again. */
  #read(): void {
    if (this.#failure !== undefined) return
    this.#sleeper.wake()
    try {
      if (this.#outcomes.refresh() > 0) this.#handOn()
      this.#sleeper.sleep()
      if (this.#outcomes.refresh() === 0) return
    } catch (error) {
      if (!(error instanceof RingBroken)) throw error
      this.#fail(`the engine's outcomes are damaged: ${error.message}`)
      return
    }
    // More came meanwhile. Sockets have their turn first.
    this.#sleeper.wake()
    setImmediate(() => this.#read())
  }

  #handOn(): void {
    const outcomes = this.#outcomes
    const { words } = outcomes
    let credit = 0
    for (let at = outcomes.next(); at >= 0; at = outcomes.next()) {
      const bytes = words.u32[(at + OUTCOME.bytes) >>> 2] as number
      const kind = words.u8[at + OUTCOME.kind] as number
      if (bytes < OUTCOME.head || at + bytes > outcomes.end || kind === KIND.skip) {
        throw new RingBroken(`an outcome of ${bytes} bytes at ${at}`)
      }
      outcomes.advance(bytes)
      credit += this.#credits.priceOf(kind)
      this.#inFlight--
      this.onOutcome(words, at)
    }
    outcomes.release()
    this.#credits.give(credit)
  }

  #fail(reason: string): void {
    if (this.#failure !== undefined) return
    this.#failure = reason
    this.onFailure(reason)
  }
}
