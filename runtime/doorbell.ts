// How a thread sleeps until another has work for it. Not a lock and not a counter: a bell carries no
// news, whoever is woken looks at every cursor again.
//
// The sleeper sets its flag, looks once more, waits. The other side publishes, then rings if the flag
// is set. One of the two always sees the other (both accesses are sequentially consistent), so no
// wake-up is lost; and nobody pays for waking a thread that is awake.

import type { MessagePort } from 'node:worker_threads'

const AWAKE = 0
const ASLEEP = 1

/**
 * How long a thread looks for work before it sleeps, in ms. A spin costs 0.3 us a round trip and a
 * sleep 60 us; more than 50 us would take a core from the threads that the work is coming from.
 */
const SPIN_MS = 0.02

/** A bell's shared memory: a flag on a line of its own. */
export function allocateBell(): SharedArrayBuffer {
  return new SharedArrayBuffer(128)
}

/** What a producer needs of a bell, whichever way the other side sleeps. */
export interface Bell {
  /** Wakes the sleeper, if it sleeps. Comes after the publishing of what it shall find. */
  ring(): void
}

/** A bell for a thread that sleeps in `Atomics.wait`. */
export class ThreadBell implements Bell {
  readonly #flag: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.#flag = new Int32Array(memory)
  }

  ring(): void {
    if (Atomics.load(this.#flag, 0) === AWAKE) return
    if (Atomics.exchange(this.#flag, 0, AWAKE) === ASLEEP) Atomics.notify(this.#flag, 0)
  }

  /**
   * Returns when `isReady` says true, when the bell was rung, or after `timeoutMs` (Infinity: never).
   * The sleeper's alone; never on a thread with an event loop to serve.
   */
  wait(isReady: () => boolean, timeoutMs: number): void {
    if (isReady() || timeoutMs <= 0) return
    const until = performance.now() + Math.min(SPIN_MS, timeoutMs)
    do {
      if (isReady()) return
    } while (performance.now() < until)
    Atomics.store(this.#flag, 0, ASLEEP)
    if (!isReady()) Atomics.wait(this.#flag, 0, ASLEEP, timeoutMs)
    Atomics.store(this.#flag, 0, AWAKE)
  }
}

/** The ringing side of a bell for a thread with an event loop, which is woken by a message. */
export class PortBell implements Bell {
  readonly #flag: Int32Array
  readonly #port: MessagePort

  constructor(memory: SharedArrayBuffer, port: MessagePort) {
    this.#flag = new Int32Array(memory)
    this.#port = port
  }

  ring(): void {
    if (Atomics.load(this.#flag, 0) === AWAKE) return
    if (Atomics.exchange(this.#flag, 0, AWAKE) === ASLEEP) this.#port.postMessage(0)
  }
}

/** The sleeping side of a `PortBell`. It never waits: it says that it wants a message. */
export class PortSleeper {
  readonly #flag: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.#flag = new Int32Array(memory)
  }

  /** Asks for a message; the caller looks at its cursors once more afterwards. */
  sleep(): void {
    Atomics.store(this.#flag, 0, ASLEEP)
  }

  /** Wants no message: there is work. A message that is under way does no harm. */
  wake(): void {
    Atomics.store(this.#flag, 0, AWAKE)
  }
}
