// The gateway's end of the views' reader: questions to a thread of its own, so that a slow page holds up
// no reply. What is read is pages.ts's.

import { Worker } from 'node:worker_threads'
import type { ViewReader, ViewRefusal } from '../protocol/index.ts'
import type { ReaderData, ReaderReply, ReaderRequest, ViewQuestion } from './reader-messages.ts'

/** Questions that may wait for their answers; one more is refused at once. */
const QUESTIONS_MAX = 1_024

/** A thread that died is not started again sooner than this after its start, in ms. */
const START_EVERY_MS = 1_000

const UNAVAILABLE: ViewRefusal = { refused: 'unavailable', sequence: 0 }

/** A reader, and its end. */
export interface RunningViewReader extends ViewReader {
  /** Ends the thread; what waits is refused. */
  close(): void
}

/**
 * A reader of the views at `path`. The first question starts its thread, whose entry, `entry`, calls
 * `serveReader`. There need not be any views, now or ever.
 */
export function openViewReader(entry: URL, path: string): RunningViewReader {
  const waiting = new Map<number, (answer: unknown) => void>()
  let lastId = 0
  let worker: Worker | undefined
  let startedMs = Number.NEGATIVE_INFINITY
  const refuseAll = (): void => {
    for (const refuse of waiting.values()) refuse(UNAVAILABLE)
    waiting.clear()
  }
  const start = (): void => {
    if (performance.now() - startedMs < START_EVERY_MS) return
    startedMs = performance.now()
    const workerData: ReaderData = { path }
    const one = new Worker(entry, { workerData })
    worker = one
    one.on('message', ({ id, answer }: ReaderReply) => {
      waiting.get(id)?.(answer)
      waiting.delete(id)
    })
    // Its exit follows.
    one.on('error', () => {})
    one.on('exit', () => {
      if (worker !== one) return
      worker = undefined
      refuseAll()
    })
  }
  const ask = <T>(question: ViewQuestion, query: unknown): Promise<T | ViewRefusal> => {
    if (worker === undefined) start()
    const to = worker
    if (to === undefined || waiting.size >= QUESTIONS_MAX) return Promise.resolve(UNAVAILABLE)
    const request: ReaderRequest = { id: ++lastId, question, query }
    return new Promise((resolve) => {
      waiting.set(request.id, resolve as (answer: unknown) => void)
      to.postMessage(request)
    })
  }
  return {
    list: (query) => ask('list', query),
    reservations: (query) => ask('reservations', query),
    history: (query) => ask('history', query),
    events: (query) => ask('events', query),
    close() {
      const ending = worker
      worker = undefined
      startedMs = Number.POSITIVE_INFINITY
      refuseAll()
      void ending?.terminate()
    },
  }
}
