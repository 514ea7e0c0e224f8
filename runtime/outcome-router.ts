// Where the engine's outcomes go: each gateway's ring, in order, published once per frame. Never
// waits: a gateway without room broke its credit or is gone, and its outcome is dropped.

import type { Words } from '../protocol/index.ts'
import type { Bell } from './doorbell.ts'
import type { RingProducer } from './ring.ts'

/** One gateway as the engine thread sees it. */
export interface OutcomeRoute {
  readonly ring: RingProducer
  readonly bell: Bell
}

/** The engine's `OutcomeSink` over the gateways' rings. */
export class OutcomeRouter {
  words: Words
  at = 0
  dropped = 0
  readonly #routes: readonly OutcomeRoute[]

  /** `routes`: the gateways by slot. */
  constructor(routes: readonly OutcomeRoute[]) {
    if (routes[0] === undefined) throw new RangeError('there is no gateway')
    this.#routes = routes
    this.words = routes[0].ring.words
  }

  /** Makes `bytes` bytes at `words`, `at` writable for the gateway of this slot; false: drop it. */
  claim(slot: number, bytes: number): boolean {
    const route = this.#routes[slot]
    const at = route === undefined ? -1 : route.ring.claim(bytes)
    if (route === undefined || at < 0) {
      this.dropped++
      return false
    }
    route.ring.commit(bytes)
    this.words = route.ring.words
    this.at = at
    return true
  }

  /** Shows every gateway what was written for it, and wakes those that sleep. */
  publish(): void {
    for (const route of this.#routes) if (route.ring.publish()) route.bell.ring()
  }
}
