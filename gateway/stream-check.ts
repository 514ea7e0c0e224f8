// The walk over a message's records before any of them is taken in: what is no record ends the
// connection, what the gateway itself refuses is marked, and the rest gets its price.

import {
  BYTES_OF_KIND,
  CHAIN_COMMANDS_MAX,
  CHAIN_OUTCOME_BYTES_MAX,
  FLAG,
  FRAME_PAYLOAD_BYTES_MAX,
  holdsRecord,
  isCommand,
  KIND,
  needsStorage,
  outcomeBytesMax,
  RECORD,
  STATUS,
  type Words,
} from '../protocol/index.ts'
import { namesMaxId } from './stream-ids.ts'
import type { StreamModules } from './stream-modules.ts'
import { isTailLegal } from './stream-tails.ts'

/** A record, or a chain as a whole, that the gateway refuses. */
export interface RefusedUnit {
  /** Where it lies. */
  readonly at: number
  readonly end: number
  /** Number of the status of its members. */
  readonly status: number
  /**
   * Place of the one that is `malformed` or `invalid_request` by itself; the others are `linked_failed`.
   * -1: all alike.
   */
  readonly culpritAt: number
  /** What is wrong with the culprit, where there are words for it. */
  readonly detail?: string | undefined
}

/** Worst case of an outcome by kind, in bytes of the ring, for tables of `ledgersMax` ledgers. */
export function outcomePrices(ledgersMax: number): Float64Array {
  return Float64Array.from({ length: 256 }, (_, kind) => outcomeBytesMax(kind, ledgersMax))
}

/** One walk's state and results; valid until the next walk. */
export class StreamCheck {
  readonly #prices: Float64Array
  readonly #modules: StreamModules
  /** Where the records end: sooner than they came where inputs were packed. */
  end = 0
  /** Worst case of all outcomes. */
  price = 0
  /** What the gateway refuses, in order of place. */
  refused: RefusedUnit[] = []
  #unitAt = 0
  #unitCount = 0
  #unitPrice = 0
  #status = 0
  #culpritAt = -1
  #culpritStatus = 0
  #detail: string | undefined

  constructor(prices: Float64Array, modules: StreamModules) {
    this.#prices = prices
    this.#modules = modules
  }

  /**
   * Walks `count` commands in `words` from 0 to `bytes`; what makes the message none, or undefined.
   * With `isStorageLow` what needs room on the disk is refused.
   */
  commands(words: Words, bytes: number, count: number, isStorageLow: boolean): string | undefined {
    this.price = 0
    this.#begin(bytes)
    this.#beginUnit(0)
    let at = 0
    let hasModules = false
    for (let i = 0; i < count; i++) {
      if (!hasModules && words.u8[at] === KIND.module) {
        hasModules = true
        this.end = this.#modules.translate(words, at, bytes)
      }
      if (!holdsRecord(words, at, this.end))
        return `Record ${i} is cut short, or its kind or length is wrong.`
      const kind = words.u8[at] as number
      const flags = words.u8[at + RECORD.flags] as number
      if (!isCommand(kind) || (flags & FLAG.dryRun) !== 0) return `Record ${i} is no command.`
      const tailBytes = words.u16[(at + RECORD.tailBytes) >>> 1] as number
      if (namesMaxId(words, at)) this.#blame(at, STATUS.malformed, undefined)
      else if (kind === KIND.module) this.#checkModules(at)
      else if (tailBytes !== 0 && !isTailLegal(words, at, tailBytes)) {
        this.#blame(at, STATUS.malformed, undefined)
      }
      if (isStorageLow && needsStorage(kind)) this.#refuse(STATUS.storage_low)
      // The gateway's slot is written over later; the word as a whole has zeros beside it.
      words.u32[(at + RECORD.gateway) >>> 2] = 0
      const price = this.#prices[kind] as number
      this.price += price
      this.#unitPrice += price
      this.#unitCount++
      at += (BYTES_OF_KIND[kind] as number) + tailBytes
      if ((flags & FLAG.linked) === 0) this.#endUnit(at)
    }
    if (at !== this.end) return `${this.end - at} bytes follow the last record.`
    return this.#unitCount === 0 ? undefined : 'The chain does not end in its message.'
  }

  /** Walks `count` queries and dry runs; what makes the message none, or undefined. */
  queries(words: Words, bytes: number, count: number): string | undefined {
    this.#begin(bytes)
    let at = 0
    let hasModules = false
    for (let i = 0; i < count; i++) {
      if (!hasModules && words.u8[at] === KIND.queryModule) {
        hasModules = true
        this.end = this.#modules.translate(words, at, bytes)
      }
      if (!holdsRecord(words, at, this.end))
        return `Record ${i} is cut short, or its kind or length is wrong.`
      const kind = words.u8[at] as number
      const flags = words.u8[at + RECORD.flags] as number
      const tailBytes = words.u16[(at + RECORD.tailBytes) >>> 1] as number
      if (!isQuery(kind, flags, tailBytes)) return `Record ${i} is no query and no dry run.`
      words.u32[(at + RECORD.gateway) >>> 2] = 0
      const end = at + (BYTES_OF_KIND[kind] as number) + tailBytes
      if (namesMaxId(words, at)) {
        this.refused.push({ at, end, status: STATUS.malformed, culpritAt: -1 })
      } else if (kind === KIND.queryModule) {
        const detail = this.#modules.faultAt(at)
        const status = STATUS.invalid_request
        if (detail !== undefined) this.refused.push({ at, end, status, culpritAt: -1, detail })
      } else if (tailBytes !== 0 && !isTailLegal(words, at, tailBytes)) {
        this.refused.push({ at, end, status: STATUS.malformed, culpritAt: -1 })
      }
      at = end
    }
    return at === this.end ? undefined : `${this.end - at} bytes follow the last record.`
  }

  #begin(bytes: number): void {
    this.end = bytes
    if (this.refused.length > 0) this.refused = []
    this.#modules.begin()
  }

  #checkModules(at: number): void {
    const fault = this.#modules.faultAt(at)
    if (fault !== undefined) this.#blame(at, STATUS.invalid_request, fault)
  }

  #beginUnit(at: number): void {
    this.#unitAt = at
    this.#unitCount = 0
    this.#unitPrice = 0
    this.#status = STATUS.ok
    this.#culpritAt = -1
    this.#culpritStatus = -1
    this.#detail = undefined
  }

  #endUnit(end: number): void {
    const isChain = this.#unitCount > 1
    if (isChain && this.#isTooLarge(end)) this.#refuse(STATUS.chain_too_large)
    if (this.#status !== STATUS.ok) {
      const hasCulprit = this.#status === this.#culpritStatus
      this.refused.push({
        at: this.#unitAt,
        end,
        status: this.#status,
        culpritAt: isChain && hasCulprit ? this.#culpritAt : -1,
        detail: hasCulprit ? this.#detail : undefined,
      })
    }
    this.#beginUnit(end)
  }

  #isTooLarge(end: number): boolean {
    return (
      this.#unitCount > CHAIN_COMMANDS_MAX ||
      this.#unitPrice > CHAIN_OUTCOME_BYTES_MAX ||
      end - this.#unitAt > FRAME_PAYLOAD_BYTES_MAX
    )
  }

  /** The first member at fault is the one to name; a malformed one before one whose input is not valid. */
  #blame(at: number, status: number, detail: string | undefined): void {
    if (this.#culpritAt < 0 || status < this.#culpritStatus) {
      this.#culpritAt = at
      this.#culpritStatus = status
      this.#detail = detail
    }
    this.#refuse(status)
  }

  /** Of several refusals the lowest number is told, as docs/statuses.md says. */
  #refuse(status: number): void {
    if (this.#status === STATUS.ok || status < this.#status) this.#status = status
  }
}

function isQuery(kind: number, flags: number, tailBytes: number): boolean {
  if (kind === KIND.transfer || kind === KIND.reserve) {
    return (flags & (FLAG.dryRun | FLAG.linked)) === FLAG.dryRun
  }
  if (kind === KIND.queryModule) return flags === 0
  const asks = kind === KIND.queryAccount || kind === KIND.queryReservation
  return (asks || kind === KIND.queryAudit) && flags === 0 && tailBytes === 0
}
