// Who waits for the names of accounts. The names themselves are kept by the carrier.

import type { NameOf, NameSource, NameWaiter } from './call.ts'
import type { Carrier } from './carrier.ts'

/** Results that cannot be built before a name is known. */
export class Names implements NameSource {
  readonly nameOf: NameOf
  readonly #carrier: Carrier
  #waiters: { readonly slots: readonly number[]; readonly waiter: NameWaiter }[] = []

  constructor(carrier: Carrier) {
    this.#carrier = carrier
    this.nameOf = (slot) => carrier.nameOf(slot)
  }

  wait(slots: readonly number[], waiter: NameWaiter): void {
    this.#waiters.push({ slots, waiter })
    this.#carrier.askNames(slots)
  }

  /** Some names are there: who waits looks again, and asks again for what is missing. */
  arrived(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const { waiter } of waiters) if (!waiter.isOver()) waiter.retry()
  }

  /** A new connection: what was asked for on the old one is asked for again. */
  ready(): void {
    for (const { slots } of this.#waiters) this.#carrier.askNames(slots)
  }

  clear(): void {
    this.#waiters = []
  }
}
