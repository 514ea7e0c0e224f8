// One end of a ring or of a bell in a thread of its own, for rings.test.ts. What is sent follows from
// a seed, so that the other end knows every byte of it.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { PortBell, ThreadBell } from '../../runtime/doorbell.ts'
import { RingConsumer, type RingMemory, RingProducer } from '../../runtime/ring.ts'

/** What a worker is to do. */
export type RingWork =
  | {
      readonly role: 'produce' | 'consume'
      readonly ring: RingMemory
      /** The consumer's bell and the producer's. */
      readonly bells: readonly [SharedArrayBuffer, SharedArrayBuffer]
      readonly seed: number
      readonly records: number
      readonly bytesMax: number
    }
  | {
      readonly role: 'pong'
      readonly words: SharedArrayBuffer
      readonly bell: SharedArrayBuffer
      readonly answer: SharedArrayBuffer
      /** Where the other side has an event loop: the port that wakes it. */
      readonly port: MessagePort | undefined
      readonly rounds: number
    }

/** A generator of 32-bit numbers from a seed (xorshift). */
export function numbers(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

function produce(work: Extract<RingWork, { role: 'produce' | 'consume' }>): void {
  const ring = new RingProducer(work.ring)
  const bell = new ThreadBell(work.bells[0])
  const own = new ThreadBell(work.bells[1])
  const next = numbers(work.seed)
  const batches = numbers(~work.seed)
  for (let i = 0, batch = 0; i < work.records; i++) {
    const bytes = 8 * (1 + (next() % (work.bytesMax / 8)))
    let at = ring.claim(bytes)
    while (at < 0) {
      if (ring.publish()) bell.ring()
      own.wait(() => ring.free() >= 2 * work.bytesMax, Infinity)
      at = ring.claim(bytes)
    }
    ring.words.u32[at >>> 2] = bytes
    ring.words.u32[(at >>> 2) + 1] = i
    for (let w = 2; w < bytes / 4; w++) ring.words.u32[(at >>> 2) + w] = next()
    ring.commit(bytes)
    if (--batch > 0) continue
    if (ring.publish()) bell.ring()
    batch = batches() % 20
  }
  if (ring.publish()) bell.ring()
}

function consume(work: Extract<RingWork, { role: 'produce' | 'consume' }>): void {
  const ring = new RingConsumer(work.ring)
  const own = new ThreadBell(work.bells[0])
  const bell = new ThreadBell(work.bells[1])
  const next = numbers(work.seed)
  let wraps = 0
  let lastAt = -1
  for (let i = 0; i < work.records; ) {
    own.wait(() => ring.hasMore(), Infinity)
    ring.refresh()
    for (let at = ring.next(); at >= 0; at = ring.next(), i++) {
      const bytes = 8 * (1 + (next() % (work.bytesMax / 8)))
      if (ring.words.u32[at >>> 2] !== bytes) throw new Error(`record ${i}: another length`)
      if (ring.words.u32[(at >>> 2) + 1] !== i) throw new Error(`record ${i}: another record`)
      for (let w = 2; w < bytes / 4; w++) {
        if (ring.words.u32[(at >>> 2) + w] !== next()) throw new Error(`record ${i}: word ${w}`)
      }
      if (at < lastAt) wraps++
      lastAt = at
      ring.advance(bytes)
    }
    ring.release()
    bell.ring()
  }
  parentPort?.postMessage({ records: work.records, wraps })
}

/** Answers every number in word 0 with the same one in word 32, sometimes at once, sometimes late. */
function pong(work: Extract<RingWork, { role: 'pong' }>): void {
  const words = new Int32Array(work.words)
  const own = new ThreadBell(work.bell)
  const { port } = work
  const answer = port === undefined ? new ThreadBell(work.answer) : new PortBell(work.answer, port)
  const next = numbers(7)
  for (let round = 1; round <= work.rounds; round++) {
    own.wait(() => Atomics.load(words, 0) === round, Infinity)
    while (Atomics.load(words, 0) !== round) own.wait(() => Atomics.load(words, 0) === round, 1_000)
    dawdle(next)
    Atomics.store(words, 32, round)
    answer.ring()
  }
}

/** Up to 60 us: around the moment at which the other side goes to sleep. */
export function dawdle(next: () => number): void {
  const until = performance.now() + (next() % 60) / 1_000
  while (performance.now() < until);
}

const work = workerData as RingWork | null
if (work?.role === 'produce') produce(work)
else if (work?.role === 'consume') consume(work)
else if (work?.role === 'pong') pong(work)
