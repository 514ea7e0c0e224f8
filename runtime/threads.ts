// The supervisor's hold on worker threads: starting them, hearing them, noticing their end. Knows
// nothing of what they do.

import { type MessagePort, Worker } from 'node:worker_threads'
import { ThreadFailed, unpackError } from './thread-errors.ts'
import type { ThreadMessage } from './thread-messages.ts'

/** Messages by their type. */
export type MessageOf<T extends ThreadMessage['type']> = Extract<ThreadMessage, { type: T }>

/** What the supervisor hears of all its threads. */
export interface ThreadEvents {
  onMessage(thread: Thread, message: ThreadMessage): void
  /** The thread failed, or ended without being asked to. */
  onFailure(thread: Thread, error: Error): void
}

/** One worker thread. */
export class Thread {
  readonly name: string
  /** Resolves when the thread has ended, however it did. */
  readonly ended: Promise<void>
  readonly #worker: Worker
  #mayEnd = false

  constructor(
    name: string,
    entry: URL,
    data: unknown,
    ports: readonly MessagePort[],
    events: ThreadEvents,
  ) {
    this.name = name
    this.#worker = new Worker(entry, {
      name,
      workerData: data,
      transferList: [...ports],
      execArgv: withoutPreloads(process.execArgv),
    })
    this.#worker.on('message', (message: ThreadMessage) => {
      if (message.type === 'failed') this.#fail(events, unpackError(message.error))
      else events.onMessage(this, message)
    })
    this.#worker.on('error', (error) => this.#fail(events, error as Error))
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#fail(events, new ThreadFailed(`the ${name} thread ended with code ${code}`))
        resolve()
      })
    })
  }

  /** From now on its end is no failure. */
  mayEnd(): void {
    this.#mayEnd = true
  }

  /** Whether the process waits for the thread's end before its own. */
  keepAlive(keeps: boolean): void {
    if (keeps) this.#worker.ref()
    else this.#worker.unref()
  }

  tell(message: unknown): void {
    this.#worker.postMessage(message)
  }

  /** Ends the thread wherever it is. */
  async terminate(): Promise<void> {
    this.#mayEnd = true
    await this.#worker.terminate()
  }

  /** The first thing that goes wrong is the reason; what follows from it is not. */
  #fail(events: ThreadEvents, error: Error): void {
    if (this.#mayEnd) return
    this.#mayEnd = true
    events.onFailure(this, error)
  }
}

/** An option of Node that has something loaded ahead of a program. */
const PRELOAD = /^(--import|--require|-r|--loader|--experimental-loader)(=|$)/

/**
 * Node's options without preloads: the loaders and tools of a program that embeds the engine stay out
 * of the writer's threads, where they would cost every start seconds.
 */
function withoutPreloads(args: readonly string[]): string[] {
  return args.filter((arg, n) => {
    const before = args[n - 1] ?? ''
    const isValue = PRELOAD.test(before) && !before.includes('=')
    return !isValue && !PRELOAD.test(arg)
  })
}
