// A stand-in for the threads: a pipeline that builds frames in memory and has an engine of its own
// decide them, all in the caller's thread. Nothing is journaled and nothing survives. It can be
// held still, made narrow, and broken, which the real one cannot be on command.

import { Engine, type Module } from '../../engine/index.ts'
import {
  AccountNames,
  allocateAccountNames,
  allocateWords,
  CAPACITIES_DEFAULT,
  type Capacities,
  CONFIGURE,
  copyWords,
  FRAME,
  KIND,
  NO_GATEWAY,
  OUTCOME,
  type Pipeline,
  type PipelineProgress,
  type PipelineState,
  RECORD,
  RULES_VERSION,
  readI64,
  recordBytes,
  TICK,
  type Words,
  writeI64,
} from '../../protocol/index.ts'

/** Small tables: a test starts many servers. */
export const TEST_CAPACITIES: Capacities = {
  ...CAPACITIES_DEFAULT,
  accountsMax: 4_096,
  ledgersMax: 8,
  reservationsMax: 16_384,
  groupsMax: 256,
  outcomesMax: 65_536,
  accountNameBytesMax: 1_048_576,
}

/** Where the test clock begins: 2027-01-15T08:00:00.000Z. */
export const TEST_START_MS = 1_800_000_000_000

/** What `log()` says. */
export const TEST_LOG: Uint8Array = Uint8Array.from({ length: 16 }, (_, i) => i + 1)

const GATEWAY = 1
const RING_BYTES = 4_194_304
const OUTCOME_BYTES = 16_777_216

/** The stand-in, with the levers that tests pull. The clock stands still but for ticks. */
export class DirectPipeline implements Pipeline {
  readonly engine: Engine
  readonly names: AccountNames
  /** What `state()` says. */
  stateNow: PipelineState = 'serving'
  isStorageLow = false
  /** Bytes of records that may be queued between two flushes. */
  roomBytes = RING_BYTES
  /** Frames applied so far. */
  frames = 0
  /** Records submitted so far. */
  submitted = 0
  /** While true, what is flushed stays queued. */
  isHeld = false
  readonly #outcomes = outcomeMemory()
  /** Records that are queued, back to back. */
  readonly #queue = allocateWords(RING_BYTES)
  #queuedBytes = 0
  readonly #queries: Words[] = []
  #timeMs = TEST_START_MS

  /** With modules the first record is the `configure` that brings their rules into force. */
  constructor(capacities: Capacities = TEST_CAPACITIES, modules: readonly Module[] = []) {
    const names = allocateAccountNames(capacities.accountsMax, capacities.accountNameBytesMax)
    this.engine = new Engine({ capacities, names, seed: 7, sink: this.#outcomes.sink, modules })
    this.names = new AccountNames(names)
    if (modules.length > 0) this.#configure(capacities)
  }

  #configure(capacities: Capacities): void {
    const rules = Buffer.from(this.engine.rules)
    const tailBytes = (rules.length + 7) & ~7
    const queue = this.#queue
    queue.u8.fill(0, 0, CONFIGURE.bytes + tailBytes)
    queue.u8[RECORD.kind] = KIND.configure
    queue.u16[RECORD.tailBytes >>> 1] = tailBytes
    queue.u16[RECORD.gateway >>> 1] = NO_GATEWAY
    writeI64(queue, CONFIGURE.rulesVersion, RULES_VERSION)
    for (const [name, value] of Object.entries(capacities) as [keyof Capacities, number][]) {
      writeI64(queue, CONFIGURE[name], value)
    }
    queue.u8.set(rules, CONFIGURE.bytes)
    this.#apply(0, CONFIGURE.bytes + tailBytes, 1)
  }

  onOutcome: (outcomes: Words, at: number) => void = () => {}
  onFailure: (reason: string) => void = () => {}

  submit(records: Words, bytes: number, count: number): boolean {
    const from = this.#queuedBytes
    if (from + bytes > this.roomBytes) return false
    copyWords(records, 0, this.#queue, from, bytes)
    for (let at = from; at < from + bytes; at += recordBytes(this.#queue, at)) {
      this.#queue.u16[(at + RECORD.gateway) >>> 1] = GATEWAY
    }
    this.#queuedBytes += bytes
    this.submitted += count
    return true
  }

  query(record: Words, bytes: number): boolean {
    const copy = allocateWords(bytes)
    copyWords(record, 0, copy, 0, bytes)
    copy.u16[RECORD.gateway >>> 1] = GATEWAY
    this.#queries.push(copy)
    return true
  }

  flush(): void {
    if (!this.isHeld) this.#decide()
  }

  /** Ends a hold, and decides what queued. */
  release(): void {
    this.isHeld = false
    this.#decide()
  }

  /** Says that a thread has died. */
  fail(reason: string): void {
    this.stateNow = 'failed'
    this.onFailure(reason)
  }

  state(): PipelineState {
    return this.stateNow
  }

  storageLow(): boolean {
    return this.isStorageLow
  }

  progress(): PipelineProgress {
    const { sequence, timeMs, digest } = this.engine
    return { sequence, timeMs, digest, replayedBytes: 512, replayBytes: 1_024 }
  }

  log(): Uint8Array {
    return TEST_LOG
  }

  stats(): Readonly<Record<string, number>> {
    return { frames_total: this.frames, open_reservations: this.engine.openReservationCount }
  }

  /** A tick that moves the clock ends the frame before it, and begins one at the new time. */
  #decide(): void {
    const queue = this.#queue
    let from = 0
    let count = 0
    for (let at = 0; at < this.#queuedBytes; at += recordBytes(queue, at)) {
      if (queue.u8[at] === KIND.tick) {
        if (count > 0) this.#apply(from, at, count)
        this.#timeMs += readI64(queue, at + TICK.advanceMs)
        from = at
        count = 0
      }
      count++
    }
    if (count > 0) this.#apply(from, this.#queuedBytes, count)
    this.#queuedBytes = 0
    for (const query of this.#queries.splice(0)) this.engine.answer(query, 0)
    this.#outcomes.handOn((words, at) => this.onOutcome(words, at))
  }

  /** Decides the `count` records from `from` to `to` of the queue as one frame. */
  #apply(from: number, to: number, count: number): void {
    const frame = allocateWords(FRAME.bytes + to - from)
    copyWords(this.#queue, from, frame, FRAME.bytes, to - from)
    frame.u32[FRAME.payloadBytes >>> 2] = to - from
    frame.u32[FRAME.count >>> 2] = count
    writeI64(frame, FRAME.firstSequence, this.engine.sequence + 1)
    writeI64(frame, FRAME.timeMs, this.#timeMs)
    this.engine.applyFrame(frame, 0, true)
    this.frames++
  }
}

/** Memory that an engine's outcomes gather in until they are handed on. */
function outcomeMemory() {
  const words = allocateWords(OUTCOME_BYTES)
  let end = 0
  const sink = {
    words,
    at: 0,
    claim(gateway: number, bytes: number): boolean {
      if (gateway !== GATEWAY || end + bytes > OUTCOME_BYTES) return false
      sink.at = end
      end += bytes
      return true
    },
  }
  return {
    sink,
    handOn(each: (words: Words, at: number) => void): void {
      for (let at = 0; at < end; at += words.u32[(at + OUTCOME.bytes) >>> 2] as number) {
        each(words, at)
      }
      end = 0
    },
  }
}
