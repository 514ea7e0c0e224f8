// Feeding one sink: a queue that is bounded in bytes, and a sink that is given a batch at a time. A sink
// that fails, or holds the follower up for too long, is detached, and nobody else is held up by it.

import type { AccountNames } from '../protocol/index.ts'
import type { Sink, SinkBatch, SinkFrame, SinkStatus } from './sink.ts'

/** Bytes of frames and outcomes that may wait for a sink before the follower waits for it. */
const QUEUE_BYTES_MAX = 33_554_432

/** Bytes of one batch, but for its last frame. */
const BATCH_BYTES = 4_194_304

/** How sinks are treated. */
export interface FeedOptions {
  /** How long a sink may hold the follower up between two snapshots, in ms. */
  readonly holdMs: number
  /** Hears that a sink was detached, and why. */
  readonly onDetached: (sentence: string) => void
}

/** See the head of this file. */
export class SinkFeed {
  readonly #sink: Sink
  readonly #names: AccountNames
  readonly #options: FeedOptions
  #queue: SinkFrame[] = []
  #queuedBytes = 0
  #sequence: number
  #pumping: Promise<void> | undefined
  #detached: string | undefined
  #isEnded = false
  #heldMs = 0
  #onRoom = (): void => {}

  constructor(sink: Sink, names: AccountNames, options: FeedOptions) {
    this.#sink = sink
    this.#names = names
    this.#options = options
    this.#sequence = sink.sequence()
  }

  /** How it is doing. */
  status(): SinkStatus {
    return { name: this.#sink.name, sequence: this.#sequence, detached: this.#detached }
  }

  get isDetached(): boolean {
    return this.#detached !== undefined
  }

  /** Queues a frame, unless the sink has stored it already. */
  offer(frame: SinkFrame): void {
    const last = frame.firstSequence + frame.count - 1
    if (this.isDetached || this.#isEnded || last <= this.#sequence) return
    this.#queue.push(frame)
    this.#queuedBytes += frame.words.u8.length + frame.outcomeBytes
    this.#pumping ??= this.#pump()
  }

  /** Resolves when there is room for more frames, or when the sink was detached for having none. */
  async room(): Promise<void> {
    if (this.isDetached || this.#queuedBytes <= QUEUE_BYTES_MAX) return
    const startedMs = performance.now()
    let timer: NodeJS.Timeout | undefined
    const made = new Promise<void>((resolve) => {
      this.#onRoom = resolve
    })
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.max(0, this.#options.holdMs - this.#heldMs))
    })
    await Promise.race([made, late])
    clearTimeout(timer)
    this.#heldMs += performance.now() - startedMs
    if (this.#queuedBytes > QUEUE_BYTES_MAX) {
      const seconds = Math.round(this.#heldMs / 1_000)
      this.detach(`it held the follower up for ${seconds} s`)
    }
  }

  /** A snapshot was made: what the sink held up until then is forgotten. */
  forgive(): void {
    this.#heldMs = 0
  }

  /** Gives the sink nothing any more. A batch that it has in hand is its own affair. */
  detach(reason: string): void {
    if (this.isDetached) return
    this.#detached = reason
    this.#queue = []
    this.#queuedBytes = 0
    this.#onRoom()
    this.#options.onDetached(
      `${this.#sink.name} is detached at sequence ${this.#sequence}: ${reason}; it goes on from ` +
        'there when the follower is started again',
    )
  }

  /** Queues nothing any more; resolves when the sink has no batch in hand. */
  async end(): Promise<void> {
    this.#queue = []
    this.#queuedBytes = 0
    this.#isEnded = true
    await this.#pumping
  }

  async #pump(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const batch = this.#take()
        await this.#sink.apply(batch)
        this.#sequence = batch.lastSequence
        if (this.#queuedBytes <= QUEUE_BYTES_MAX) this.#onRoom()
      }
    } catch (error) {
      this.detach(`it failed: ${error instanceof Error ? error.message : error}`)
    } finally {
      this.#pumping = undefined
    }
  }

  #take(): SinkBatch {
    let bytes = 0
    let count = 0
    while (count < this.#queue.length && bytes < BATCH_BYTES) {
      const frame = this.#queue[count++] as SinkFrame
      bytes += frame.words.u8.length + frame.outcomeBytes
    }
    const frames = this.#queue.splice(0, count)
    this.#queuedBytes -= bytes
    const last = frames.at(-1) as SinkFrame
    return { frames, lastSequence: last.firstSequence + last.count - 1, names: this.#names }
  }
}
