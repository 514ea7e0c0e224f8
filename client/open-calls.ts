// The calls that are open, and the end of those that got no answer in time.

import type { Call } from './call.ts'

/** How often deadlines are looked at, in ms. The timer keeps the process alive while calls are open. */
const LOOK_MS = 25

/** Calls with their deadlines. */
export class OpenCalls {
  #calls: Call[] = []
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
    const calls = this.#calls
    let kept = 0
    for (const call of calls) {
      if (!call.isOver && nowMs - call.startedMs >= call.timeoutMs) this.#onLate(call)
      if (!call.isOver) calls[kept++] = call
    }
    calls.length = kept
    this.#timer = kept === 0 ? undefined : setTimeout(this.#lookSoon, LOOK_MS)
    this.#onLook()
  }
}
