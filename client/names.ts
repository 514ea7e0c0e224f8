// Who waits for the names of accounts. The names themselves are kept by the carrier.

import type { NameOf, NameSource, NameWaiter } from './call.ts'
import type { Carrier } from './carrier.ts'

/** One that waits, under each of the slots whose names it misses. */
interface Waiting {
  readonly waiter: NameWaiter
  missing: number
}

/** Results that cannot be built before names are known. */
export class Names implements NameSource {
  readonly nameOf: NameOf
  readonly #carrier: Carrier
  #waiting = new Map<number, Waiting[]>()

  constructor(carrier: Carrier) {
    this.#carrier = carrier
    this.nameOf = (slot) => carrier.nameOf(slot)
  }

  wait(slots: readonly number[], waiter: NameWaiter): void {
    const waiting = { waiter, missing: slots.length }
    for (const slot of slots) {
      const others = this.#waiting.get(slot)
      if (others === undefined) this.#waiting.set(slot, [waiting])
      else others.push(waiting)
    }
    this.#carrier.askNames(slots)
  }

  /** These names are there: who misses no other looks again, and asks again for what was forgotten. */
  arrived(slots: readonly number[]): void {
    for (const slot of slots) {
      const waiting = this.#waiting.get(slot) ?? []
      this.#waiting.delete(slot)
      for (const one of waiting) {
        one.missing--
        if (one.missing === 0 && !one.waiter.isOver()) one.waiter.retry()
      }
    }
  }

  /** A new connection: what was asked for on the old one is asked for again. */
  ready(): void {
    this.#carrier.askNames([...this.#waiting.keys()])
  }

  /** Drops those that are over. */
  dropEnded(): void {
    for (const [slot, waiting] of this.#waiting) {
      const open = waiting.filter(({ waiter }) => !waiter.isOver())
      if (open.length > 0) this.#waiting.set(slot, open)
      else this.#waiting.delete(slot)
    }
  }

  clear(): void {
    this.#waiting.clear()
  }
}
