// The calls that are open, and the end of those that got no answer in time.

import type { Call } from './call.ts'

/** How often deadlines are looked at, in ms. The timer keeps the process alive while calls are open. */
const LOOK_MS = 25

/** So many calls are gone through at every look; more only when it is needed. */
const FEW_CALLS = 1_024

/** Calls with their deadlines. */
export class OpenCalls {
  /** In the order in which they began; among them are some that ended since they were gone through. */
  #calls: Call[] = []
  /** The first deadline of all, in terms of `performance.now()`. */
  #dueMs = Number.POSITIVE_INFINITY
  /** How many calls there are when those that ended are taken out. */
  #fullAt = FEW_CALLS
  #timer: NodeJS.Timeout | undefined
  readonly #onLate: (call: Call) => void
  /** Called at every look, and when the last call has ended. */
  readonly #onLook: () => void
  /** After the answers that came while the program did something else. */
  readonly #lookSoon = (): void => {
    setImmediate(() => this.#look())
  }

  constructor(onLate: (call: Call) => void, onLook: () => void) {
    this.#onLate = onLate
    this.#onLook = onLook
  }

  add(call: Call): void {
    this.#calls.push(call)
    this.#dueMs = Math.min(this.#dueMs, call.startedMs + call.timeoutMs)
    this.#timer ??= setTimeout(this.#lookSoon, LOOK_MS)
  }

  /** Whether any call is open. */
  isEmpty(): boolean {
    return this.#calls.every(({ isOver }) => isOver)
  }

  /** Ends all of them. */
  failAll(errorOf: (call: Call) => Error): void {
    const calls = this.#calls
    this.#calls = []
    for (const call of calls) if (!call.isOver) call.fail(errorOf(call))
    this.stop()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    const nowMs = performance.now()
    const { length } = this.#calls
    // While the newest is open there is no need to know which of the others are.
    const isAnyOpen = this.#calls[length - 1]?.isOver === false
    const isCheap = length <= FEW_CALLS
    if (isCheap || !isAnyOpen || length >= this.#fullAt || nowMs >= this.#dueMs) {
      this.#goThrough(nowMs)
    }
    this.#timer = this.#calls.length === 0 ? undefined : setTimeout(this.#lookSoon, LOOK_MS)
    this.#onLook()
  }

  /** Ends the calls that are late, and takes out all that have ended. */
  #goThrough(nowMs: number): void {
    const calls = this.#calls
    let kept = 0
    let dueMs = Number.POSITIVE_INFINITY
    for (const call of calls) {
      if (call.isOver) continue
      const lateMs = call.startedMs + call.timeoutMs
      if (nowMs >= lateMs) this.#onLate(call)
      if (call.isOver) continue
      calls[kept++] = call
      dueMs = Math.min(dueMs, lateMs)
    }
    calls.length = kept
    this.#dueMs = dueMs
    this.#fullAt = Math.max(FEW_CALLS, kept * 2)
  }
}
