// Reading a snapshot ahead: one thread reads and checks chunks, the other takes their state over. Nothing
// depends on it: whoever takes and finds no chunk in time reads it itself, and finds what is wrong with it.
//
// One reader and one taker, and a ring of chunks between them. Each of the two counts up a word of its own:
// how many were read, how many are no longer needed.

import type { Storage } from '../journal/index.ts'
import { type Words, wordsOver } from '../protocol/index.ts'
import { readChunk } from './chunks.ts'
import { BLOCK_BYTES, CHUNK_BYTES_MAX, ID_BYTES } from './layout.ts'
import { openSnapshot } from './open.ts'

/** Chunks that there is room for: the reader is the faster one, and waits for most of the time. */
const SLOTS = 8

/** Chunks that are given back at once: to wake the reader for each would cost a tenth of the time. */
const RETURNED = 4

/** Words of the control memory, on lines of their own. */
const WORD = { read: 0, done: 16, id: 32, count: 48 } as const

/** In place of a count: this side is gone. */
const GONE = -1

/** How long the taker waits for a chunk before it reads on alone, in ms: a thread begins in a tenth of it. */
const PATIENCE_MS = 500

/** How long the reader waits for a place before it takes the other side for gone, in ms. */
const ABANDONED_MS = 10_000

/** A snapshot, and the memory that reader and taker share. */
export interface Ahead {
  readonly name: string
  readonly control: SharedArrayBuffer
  readonly chunks: SharedArrayBuffer
}

/** What read-ahead-thread.js wants as `workerData`. */
export interface ReadAheadData {
  /** The snapshots' directory. */
  readonly directory: string
  readonly ahead: Ahead
}

/** The entry file of the reader's thread, which ends by itself. */
export const readAheadThread: URL = new URL('./read-ahead-thread.js', import.meta.url)

/** Memory to read the snapshot `name` ahead in: 8 MiB. */
export function allocateAhead(name: string): Ahead {
  return {
    name,
    control: new SharedArrayBuffer(WORD.count * Int32Array.BYTES_PER_ELEMENT),
    chunks: new SharedArrayBuffer(SLOTS * CHUNK_BYTES_MAX),
  }
}

/**
 * The reader: returns when every chunk was read, or the taker is gone. Throws what reading throws; the
 * taker reads on alone then.
 */
export function readAhead(storage: Storage, ahead: Ahead): void {
  const control = new Int32Array(ahead.control)
  const slots = slotsOf(ahead)
  const { name } = ahead
  try {
    const snapshot = openSnapshot(storage, name)
    try {
      new Uint8Array(ahead.control, WORD.id * 4, ID_BYTES).set(snapshot.id)
      let at = BLOCK_BYTES
      for (let n = 0; n < snapshot.chunks; n++) {
        if (!waitForSlot(control, n)) return
        at += readChunk(snapshot, n, at, slots[n % SLOTS] as Words)
        publish(control, WORD.read, n + 1)
      }
    } finally {
      snapshot.file.close()
    }
  } catch (error) {
    publish(control, WORD.read, GONE)
    throw error
  }
}

/** Whether the slot of chunk `n` is free; false where nobody takes any more. */
function waitForSlot(control: Int32Array, n: number): boolean {
  for (;;) {
    const done = Atomics.load(control, WORD.done)
    if (done === GONE) return false
    if (n - done < SLOTS) return true
    if (Atomics.wait(control, WORD.done, done, ABANDONED_MS) === 'timed-out') return false
  }
}

/** The taker's end. */
export class AheadTaker {
  readonly #ahead: Ahead
  readonly #control: Int32Array
  readonly #slots: readonly Words[]
  #isAlone = false

  constructor(ahead: Ahead) {
    this.#ahead = ahead
    this.#control = new Int32Array(ahead.control)
    this.#slots = slotsOf(ahead)
  }

  /**
   * Chunk `n` of the file with this id, which was checked; undefined where it has to be read. It is good until
   * the next one is taken, and they are taken in order, from 0.
   */
  take(n: number, id: Uint8Array): Words | undefined {
    if (this.#isAlone) return undefined
    if (n % RETURNED === 0) publish(this.#control, WORD.done, n)
    for (;;) {
      const read = Atomics.load(this.#control, WORD.read)
      if (read > n) break
      const isGone = read === GONE
      if (isGone || Atomics.wait(this.#control, WORD.read, read, PATIENCE_MS) === 'timed-out') {
        this.close()
        return undefined
      }
    }
    const readId = new Uint8Array(this.#ahead.control, WORD.id * 4, ID_BYTES)
    if (Buffer.compare(readId, id) === 0) return this.#slots[n % SLOTS] as Words
    this.close()
    return undefined
  }

  /** Sends the reader away, wherever it is. */
  close(): void {
    this.#isAlone = true
    publish(this.#control, WORD.done, GONE)
  }
}

function slotsOf({ chunks }: Ahead): Words[] {
  return Array.from({ length: SLOTS }, (_, slot) =>
    wordsOver(chunks, slot * CHUNK_BYTES_MAX, CHUNK_BYTES_MAX),
  )
}

function publish(control: Int32Array, word: number, value: number): void {
  Atomics.store(control, word, value)
  Atomics.notify(control, word)
}
