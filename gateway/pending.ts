// The slab of what is in flight: which request waits for the outcome with which token. Tokens count
// up, so a batch has consecutive ones; a token's place is its low bits.

import type { Words } from '../protocol/index.ts'
import { PENDING_MAX } from './limits.ts'

/** Who waits for outcomes. */
export interface Waiter {
  /** The outcome of the waiter's record with this token; valid until the call returns. */
  onOutcome(outcomes: Words, at: number, token: number): void
  /** Outcomes that did not come yet will come too late or never. */
  onLost(): void
  /** `onOutcome` or `onLost` threw. */
  onFault(error: unknown): void
}

/** Stands where a waiter was told that its outcome is lost, until the outcome comes or for ever. */
const NOBODY: Waiter = { onOutcome() {}, onLost() {}, onFault() {} }

/** Waiters by token. */
export class PendingTable {
  /** Tokens taken and not resolved. */
  count = 0
  readonly #waiters = new Array<Waiter | undefined>(PENDING_MAX).fill(undefined)
  readonly #sinceMs = new Float64Array(PENDING_MAX)
  #next = 0

  /** The first of `count` consecutive free tokens, or -1 where there are none. Takes nothing. */
  peek(count: number): number {
    if (this.count + count > PENDING_MAX) return -1
    for (let i = 0; i < count; i++) {
      if (this.#waiters[(this.#next + i) & (PENDING_MAX - 1)] !== undefined) return -1
    }
    return this.#next
  }

  /** Takes the tokens that `peek` gave. */
  take(count: number, waiter: Waiter, nowMs: number): void {
    for (let i = 0; i < count; i++) {
      const place = (this.#next + i) & (PENDING_MAX - 1)
      this.#waiters[place] = waiter
      this.#sinceMs[place] = nowMs
    }
    this.#next = (this.#next + count) >>> 0
    this.count += count
  }

  /** Frees `token`; who waited for it, or undefined where nobody has it. */
  resolve(token: number): Waiter | undefined {
    const place = token & (PENDING_MAX - 1)
    const waiter = this.#waiters[place]
    if (waiter === undefined) return undefined
    this.#waiters[place] = undefined
    this.count--
    return waiter
  }

  /**
   * Those who wait since before `beforeMs`, each once. Their tokens stay taken: an outcome that
   * still comes must find nobody else there.
   */
  lose(beforeMs: number): Set<Waiter> {
    const lost = new Set<Waiter>()
    if (this.count === 0) return lost
    for (let place = 0; place < PENDING_MAX; place++) {
      const waiter = this.#waiters[place]
      if (waiter === undefined || waiter === NOBODY) continue
      if ((this.#sinceMs[place] as number) >= beforeMs) continue
      this.#waiters[place] = NOBODY
      lost.add(waiter)
    }
    return lost
  }
}
