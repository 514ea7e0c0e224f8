// The slab of what is in flight: which request waits for the outcome with which token. Tokens count
// up, so a batch has consecutive ones; a token's place is its low bits.

import type { Words } from '../protocol/index.ts'
import { PENDING_MAX } from './limits.ts'

/** Who waits for outcomes. */
export interface Waiter {
  /**
   * An outcome, valid until the call returns. `token` is what the record came with, `bytes` its
   * length; `route` is a module's record's, else 0.
   */
  onOutcome(outcomes: Words, at: number, token: number, bytes: number, route: number): void
  /** The outcomes of these records, in order, will come too late or never. */
  onLost(lost: readonly LostRecord[]): void
  /** `onOutcome` or `onLost` threw. */
  onFault(error: unknown): void
}

/** A record whose outcome is lost: its kind, and the token that it came with. */
export interface LostRecord {
  readonly kind: number
  readonly token: number
}

/** Stands where a waiter was told that its outcome is lost, until the outcome comes or for ever. */
const NOBODY: Waiter = { onOutcome() {}, onLost() {}, onFault() {} }

/** Waiters by token. */
export class PendingTable {
  /** Tokens taken and not resolved. */
  count = 0
  readonly #waiters = new Array<Waiter | undefined>(PENDING_MAX).fill(undefined)
  readonly #sinceMs = new Float64Array(PENDING_MAX)
  /** The tokens that the records came with. */
  readonly #tokens = new Uint32Array(PENDING_MAX)
  readonly #routes = new Int32Array(PENDING_MAX)
  /** Kind times 256, and the record's length in units of 8. */
  readonly #shapes = new Uint16Array(PENDING_MAX)
  #next = 0

  /** The first of `count` consecutive free tokens, or -1 where there are none. Takes nothing. */
  peek(count: number): number {
    if (this.count + count > PENDING_MAX) return -1
    for (let i = 0; i < count; i++) {
      if (this.#waiters[(this.#next + i) & (PENDING_MAX - 1)] !== undefined) return -1
    }
    return this.#next
  }

  /** Keeps beside `token`, which `peek` gave, what its record came with. */
  note(token: number, kind: number, bytes: number, cameWith: number, route: number): void {
    const place = token & (PENDING_MAX - 1)
    this.#routes[place] = route
    this.#tokens[place] = cameWith
    this.#shapes[place] = (kind << 8) | (bytes >>> 3)
  }

  /** The token that the record with `token` came with; good until `token` is taken again. */
  tokenOf(token: number): number {
    return this.#tokens[token & (PENDING_MAX - 1)] as number
  }

  /** The route of the module's record with `token`, else 0; good until `token` is taken again. */
  routeOf(token: number): number {
    return this.#routes[token & (PENDING_MAX - 1)] as number
  }

  /** The length of the record with `token`; good until `token` is taken again. */
  bytesOf(token: number): number {
    return ((this.#shapes[token & (PENDING_MAX - 1)] as number) & 0xff) << 3
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
   * Those who wait since before `beforeMs`, each once, with what is lost, oldest first. Their tokens
   * stay taken: an outcome that still comes must find nobody else there.
   */
  lose(beforeMs: number): Map<Waiter, LostRecord[]> {
    const lost = new Map<Waiter, LostRecord[]>()
    if (this.count === 0) return lost
    for (let i = 0; i < PENDING_MAX; i++) {
      const place = (this.#next + i) & (PENDING_MAX - 1)
      const waiter = this.#waiters[place]
      if (waiter === undefined || waiter === NOBODY) continue
      if ((this.#sinceMs[place] as number) >= beforeMs) continue
      this.#waiters[place] = NOBODY
      const record = {
        kind: (this.#shapes[place] as number) >>> 8,
        token: this.#tokens[place] as number,
      }
      const records = lost.get(waiter)
      if (records === undefined) lost.set(waiter, [record])
      else records.push(record)
    }
    return lost
  }
}
