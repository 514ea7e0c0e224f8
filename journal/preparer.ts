// Filling the next segment ahead, and the words by which the writer's thread and the preparer's
// agree on it. The thread itself is prepare-thread.ts.
//
// The state goes round: idle (the writer may ask), requested (the preparer fills), ready (the
// writer may take). Each step has one side that may take it, so no compare-and-swap is needed.

import { fillSegment, TEMPORARY } from './segment.ts'
import type { Storage, StorageFile } from './storage.ts'
import type { SegmentSource } from './writer.ts'

/** Words of the control memory. */
const WORD = {
  state: 0,
  /** Counts what the preparer should look at: it sleeps on this one. */
  bell: 1,
  stop: 2,
  /** How full the segment in use is. */
  permille: 3,
  storageLow: 4,
  /** The last error's number, as the operating system counts them; 0 where none. */
  errno: 5,
  /** How many segments were prepared. */
  prepared: 6,
  count: 8,
} as const

const STATE = { idle: 0, requested: 1, ready: 2 } as const

/** After an error. The operator, or the follower's archive, may have made room. */
const RETRY_MS = 1_000

/**
 * After each piece while the journal is in no hurry, in ms: its own syncs have the disk meanwhile, and its thread the
 * core. A MiB takes 15 ms.
 */
const PAUSE_MS = 0.7

/** The name of the file that waits to be a segment. */
const NEXT = 'next'

/** Memory that the writer's and the preparer's thread share. */
export function allocatePreparerControl(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORD.count * Int32Array.BYTES_PER_ELEMENT)
}

/** What prepare-thread.js wants as `workerData`. */
export interface PreparerData {
  /** The journal's directory. */
  readonly directory: string
  readonly segmentBytes: number
  readonly control: SharedArrayBuffer
}

/** The entry file of the preparer's thread. */
export const preparerThread: URL = new URL('./prepare-thread.js', import.meta.url)

/** The next segment could not be filled: the disk is full or broken. Cleared by a success. */
export function isStorageLow(control: SharedArrayBuffer): boolean {
  return Atomics.load(new Int32Array(control), WORD.storageLow) !== 0
}

/** What the preparer did: segments filled, and the number of its last error (0: none since). */
export function preparerStats(control: SharedArrayBuffer): { prepared: number; errno: number } {
  const words = new Int32Array(control)
  return { prepared: Atomics.load(words, WORD.prepared), errno: Atomics.load(words, WORD.errno) }
}

/** Has the preparer's thread end within one write. */
export function stopPreparer(control: SharedArrayBuffer): void {
  const words = new Int32Array(control)
  Atomics.store(words, WORD.stop, 1)
  ring(words)
}

/** The writer's side. */
export class PreparedSegments implements SegmentSource {
  readonly #words: Int32Array

  constructor(control: SharedArrayBuffer) {
    this.#words = new Int32Array(control)
  }

  take(): string | undefined {
    if (Atomics.load(this.#words, WORD.state) !== STATE.ready) return undefined
    Atomics.store(this.#words, WORD.state, STATE.idle)
    return NEXT + TEMPORARY.prepared
  }

  progress(permille: number): void {
    Atomics.store(this.#words, WORD.permille, permille)
    // Asked for as soon as one is begun, so that it is there before the half of this one is used.
    if (Atomics.load(this.#words, WORD.state) !== STATE.idle) return
    Atomics.store(this.#words, WORD.state, STATE.requested)
    ring(this.#words)
  }
}

/** The preparer's side: fills what is asked for, until it is stopped. Blocks its thread. */
export function runPreparer(
  storage: Storage,
  control: SharedArrayBuffer,
  segmentBytes: number,
): void {
  const words = new Int32Array(control)
  while (Atomics.load(words, WORD.stop) === 0) {
    const bell = Atomics.load(words, WORD.bell)
    if (Atomics.load(words, WORD.state) === STATE.requested) {
      prepare(storage, words, segmentBytes)
    } else if (Atomics.load(words, WORD.stop) === 0) {
      Atomics.wait(words, WORD.bell, bell)
    }
  }
}

/** Fills one segment, however often it takes; returns early when stopped. */
function prepare(storage: Storage, words: Int32Array, segmentBytes: number): void {
  while (Atomics.load(words, WORD.stop) === 0) {
    try {
      fill(storage, words, segmentBytes)
      Atomics.store(words, WORD.errno, 0)
      Atomics.store(words, WORD.storageLow, 0)
      Atomics.store(words, WORD.state, STATE.ready)
      Atomics.add(words, WORD.prepared, 1)
      return
    } catch (error) {
      if (!(error instanceof Stopped)) waitAfter(error, words)
    }
  }
}

/** One attempt, with a file of its own: a sync that failed says nothing good of the old one. */
function fill(storage: Storage, words: Int32Array, segmentBytes: number): void {
  const name = NEXT + TEMPORARY.preparing
  const file = storage.createTemporary(name)
  try {
    fillSegment(patient(file, words), segmentBytes, (done) => pause(words, done, segmentBytes))
  } catch (error) {
    file.close()
    storage.remove(name)
    throw error
  }
  file.close()
  storage.rename(name, NEXT + TEMPORARY.prepared)
}

/**
 * The file, with writes that wait for room. Room that was got is kept: to give it back and fill it
 * again every second would keep a full disk busy.
 */
function patient(file: StorageFile, words: Int32Array): StorageFile {
  const write = (source: Uint8Array, position: number): number => {
    for (;;) {
      try {
        return file.write(source, position)
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code
        if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
        waitAfter(error, words)
        if (Atomics.load(words, WORD.stop) !== 0) throw new Stopped()
      }
    }
  }
  return {
    size: () => file.size(),
    read: (target, position) => file.read(target, position),
    write,
    sync: () => file.sync(),
    close: () => file.close(),
  }
}

function waitAfter(error: unknown, words: Int32Array): void {
  Atomics.store(words, WORD.errno, Math.abs((error as NodeJS.ErrnoException).errno ?? 1))
  Atomics.store(words, WORD.storageLow, 1)
  sleep(words, RETRY_MS)
}

/** Thrown out of a fill when the preparer has to end. */
class Stopped extends Error {
  override readonly name = 'Stopped'
}

/** Lets the journal have the disk, unless it will need the segment soon. */
function pause(words: Int32Array, done: number, segmentBytes: number): void {
  const isAhead = (done * 1_000) / segmentBytes > 2 * Atomics.load(words, WORD.permille)
  if (isAhead && done < segmentBytes) sleep(words, PAUSE_MS)
  if (Atomics.load(words, WORD.stop) !== 0) throw new Stopped()
}

function sleep(words: Int32Array, ms: number): void {
  const bell = Atomics.load(words, WORD.bell)
  if (Atomics.load(words, WORD.stop) === 0) Atomics.wait(words, WORD.bell, bell, ms)
}

function ring(words: Int32Array): void {
  Atomics.add(words, WORD.bell, 1)
  Atomics.notify(words, WORD.bell)
}
