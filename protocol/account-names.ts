// The accounts' spellings and metadata: the tails of their open_account records, kept in shared
// memory that the engine alone appends to and gateways read. Not part of any decision.
//
// An account's place (slot) never changes and is published with an outcome that names it, so a reader
// who learned a slot from an outcome finds its name whole.

import { formatUuid, ID_BYTES } from './ids.ts'
import { readTailEntry, TAIL_TAG } from './tails.ts'

/**
 * Bytes of one entry of the index: the id, then the tail's place (u32, in units of 8). Tails follow one another
 * in order of the slots: a tail ends where the next one begins, or will.
 */
const ENTRY_BYTES = 20

/** The shared memory behind the names of up to `accountsMax` accounts. */
export interface AccountNamesMemory {
  readonly index: SharedArrayBuffer
  readonly tails: SharedArrayBuffer
}

/** Memory for `accountsMax` accounts with `nameBytesMax` bytes of tails; untouched pages cost nothing. */
export function allocateAccountNames(
  accountsMax: number,
  nameBytesMax: number,
): AccountNamesMemory {
  return {
    index: new SharedArrayBuffer((accountsMax + 1) * ENTRY_BYTES),
    tails: new SharedArrayBuffer((nameBytesMax + 7) & ~7),
  }
}

/** Names by slot, over memory that several threads share. */
export class AccountNames {
  readonly #ids: Uint8Array
  readonly #places: Uint32Array
  readonly #tails: Uint8Array
  /** Spellings read before; cleared as a whole when it is full, for names are cheap to read again. */
  readonly #known = new Map<number, string>()

  constructor(memory: AccountNamesMemory) {
    this.#ids = new Uint8Array(memory.index)
    this.#places = new Uint32Array(memory.index)
    this.#tails = new Uint8Array(memory.tails)
  }

  /** How many bytes of tails there is room for. */
  get tailBytesMax(): number {
    return this.#tails.length
  }

  /**
   * Sets the name of `slot` from an open_account record; the engine's alone. The id is at `idAt` of
   * `record`, the tail at `tailAt`; it is kept at `keptAt` (a multiple of 8) of the tails' memory.
   */
  set(
    slot: number,
    record: Uint8Array,
    idAt: number,
    tailAt: number,
    tailBytes: number,
    keptAt: number,
  ): void {
    for (let i = 0; i < tailBytes; i++) this.#tails[keptAt + i] = record[tailAt + i] as number
    this.place(slot, record, idAt, tailBytes, keptAt)
  }

  /** Sets the name of `slot`, whose tail is in the tails' memory or comes there; see `set`. */
  place(slot: number, record: Uint8Array, idAt: number, tailBytes: number, keptAt: number): void {
    const at = slot * ENTRY_BYTES
    for (let i = 0; i < ID_BYTES; i++) this.#ids[at + i] = record[idAt + i] as number
    this.#places[placeOf(slot)] = keptAt >>> 3
    this.#places[placeOf(slot + 1)] = (keptAt + tailBytes) >>> 3
  }

  /** Bytes of the tail of an account that there is. */
  tailBytesOf(slot: number): number {
    const start = this.#places[placeOf(slot)] as number
    return ((this.#places[placeOf(slot + 1)] as number) - start) * 8
  }

  /** The tails' memory, for the engine to save and restore as a whole. */
  get tails(): Uint8Array {
    return this.#tails
  }

  /** The account's id as its owner spelled it. */
  nameOf(slot: number): string {
    const known = this.#known.get(slot)
    if (known !== undefined) return known
    const at = slot * ENTRY_BYTES
    const name = this.#read(slot, TAIL_TAG.id) ?? formatUuid(this.#ids.slice(at, at + ID_BYTES))
    if (this.#known.size >= 65_536) this.#known.clear()
    this.#known.set(slot, name)
    return name
  }

  /** The 16 bytes of the account's id; zeros where there is no such account. */
  idOf(slot: number): Uint8Array {
    const at = slot * ENTRY_BYTES
    if (at >= this.#ids.length) return new Uint8Array(ID_BYTES)
    return this.#ids.slice(at, at + ID_BYTES)
  }

  /** The account's id as its owner spelled it, or undefined where that is the UUID itself. */
  spellingOf(slot: number): string | undefined {
    return this.#read(slot, TAIL_TAG.id)
  }

  /** The account's metadata as JSON text, or undefined where it has none. */
  metadataOf(slot: number): string | undefined {
    return this.#read(slot, TAIL_TAG.metadata)
  }

  #read(slot: number, tag: typeof TAIL_TAG.id | typeof TAIL_TAG.metadata): string | undefined {
    const start = this.#places[placeOf(slot)] ?? 0
    const end = this.#places[placeOf(slot + 1)] ?? 0
    if (end <= start) return undefined
    return readTailEntry(this.#tails, start * 8, (end - start) * 8, tag)
  }
}

/** The word of the index that says where the tail of `slot` is. */
function placeOf(slot: number): number {
  return (slot * ENTRY_BYTES + ID_BYTES) / 4
}
