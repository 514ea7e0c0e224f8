// Names of accounts by their slots, as the server told them. They never change within one journal, so
// they are kept until there are many.

import {
  allocateWords,
  formatUuid,
  ID_BYTES,
  MESSAGE,
  MESSAGE_HEAD,
  NAME_ENTRY,
  type Words,
  writeMessageHead,
} from '../protocol/index.ts'
import { type AccountName, CarrierFault } from './carrier.ts'

/** Names that are kept; beyond, all are forgotten, for they are cheap to ask for again. */
const NAMES_MAX = 65_536

/** See the head of this file. */
export class SlotNames {
  #known = new Map<number, AccountName>()
  readonly #wanted = new Set<number>()
  /** Names that were asked for on this connection and did not come yet: one message's at a time. */
  readonly #asked = new Set<number>()
  #log = ''
  #questionMax = 1

  /** A connection: another journal, other slots. */
  begin(welcome: Words, logAt: number, namesMax: number): void {
    const log = Buffer.from(welcome.u8.subarray(logAt, logAt + ID_BYTES)).toString('hex')
    if (log !== this.#log) this.#known.clear()
    this.#log = log
    this.#wanted.clear()
    this.#asked.clear()
    this.#questionMax = Math.max(1, namesMax)
  }

  get(slot: number): AccountName | undefined {
    return this.#known.get(slot)
  }

  ask(slots: readonly number[]): void {
    for (const slot of slots) if (!this.#asked.has(slot)) this.#wanted.add(slot)
  }

  /** The message that asks for what is wanted; undefined while another one is not answered. */
  takeQuestion(): Uint8Array | undefined {
    if (this.#wanted.size === 0 || this.#asked.size > 0) return undefined
    for (const slot of this.#wanted) {
      if (this.#asked.size === this.#questionMax) break
      this.#asked.add(slot)
      this.#wanted.delete(slot)
    }
    return question([...this.#asked])
  }

  /**
   * Reads `count` names that lie from `from` to `end`; their slots. Throws `CarrierFault` where they do
   * not, or nobody asked.
   */
  read(words: Words, from: number, end: number, count: number): number[] {
    const slots: number[] = []
    if (this.#known.size >= NAMES_MAX) this.#known.clear()
    let at = from
    for (let i = 0; i < count; i++) {
      if (at + NAME_ENTRY.bytes > end) throw new CarrierFault('names that are cut short')
      const spelled = words.u16[(at + NAME_ENTRY.spellingBytes) >>> 1] as number
      const metadata = words.u16[(at + NAME_ENTRY.metadataBytes) >>> 1] as number
      const textAt = at + NAME_ENTRY.bytes
      const next = (textAt + spelled + metadata + 7) & ~7
      if (next > end) throw new CarrierFault('a name that is cut short')
      const text = (start: number, bytes: number): string =>
        Buffer.from(words.u8.subarray(start, start + bytes)).toString('utf8')
      const slot = words.u32[(at + NAME_ENTRY.slot) >>> 2] as number
      if (!this.#asked.delete(slot)) throw new CarrierFault('a name that nobody asked for')
      slots.push(slot)
      const idAt = at + NAME_ENTRY.id
      const id = words.u8.slice(idAt, idAt + ID_BYTES)
      this.#known.set(slot, {
        id: spelled === 0 ? formatUuid(id) : text(textAt, spelled),
        metadata: metadata === 0 ? undefined : text(textAt + spelled, metadata),
      })
      at = next
    }
    if (at !== end || this.#asked.size > 0)
      throw new CarrierFault('other names than were asked for')
    return slots
  }
}

function question(slots: readonly number[]): Uint8Array {
  const bodyBytes = slots.length * 4
  const words = allocateWords((MESSAGE_HEAD.bytes + bodyBytes + 7) & ~7)
  writeMessageHead(words, 0, MESSAGE.names, slots.length, bodyBytes)
  for (const [i, slot] of slots.entries()) words.u32[(MESSAGE_HEAD.bytes >>> 2) + i] = slot
  return words.u8.subarray(0, MESSAGE_HEAD.bytes + bodyBytes)
}
