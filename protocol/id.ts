// An identifier made ready once: its 128 bits beside the spelling that it came from. How a string
// becomes 128 bits is said in ids.ts.

import { formatUuid, ID_BYTES, idFromText, isCanonicalUuid } from './ids.ts'
import { allocateWords, type Words } from './words.ts'

const SCRATCH = allocateWords(ID_BYTES)

/** An identifier with its spelling; made once, it is written into a record by four stores. */
export class Id {
  /** UTF-8 of `text` for a record's tail; undefined where the 128 bits give the spelling back. */
  readonly spelling: Uint8Array | undefined
  readonly #a: number
  readonly #b: number
  readonly #c: number
  readonly #d: number
  /** Absent until it is asked for, where the 128 bits give it back. */
  #text: string | undefined

  /**
   * `bytes` are what `text` stands for; without a text, what their spelling as a UUID stands for. The
   * caller has checked `idFault`.
   */
  constructor(bytes: Uint8Array, text: string | undefined) {
    this.spelling = text === undefined || isCanonicalUuid(text) ? undefined : Buffer.from(text)
    this.#text = text
    this.#a = wordAt(bytes, 0)
    this.#b = wordAt(bytes, 4)
    this.#c = wordAt(bytes, 8)
    this.#d = wordAt(bytes, 12)
  }

  /** As its owner spells it, and as answers echo it. */
  get text(): string {
    if (this.#text === undefined) {
      this.write(SCRATCH, 0)
      this.#text = formatUuid(SCRATCH.u8)
    }
    return this.#text
  }

  /** The 16 bytes, a copy. */
  get bytes(): Uint8Array {
    const words = allocateWords(ID_BYTES)
    this.write(words, 0)
    return words.u8
  }

  /** Writes the 16 bytes at byte `at` (a multiple of 4). */
  write({ i32 }: Words, at: number): void {
    const w = at >>> 2
    i32[w] = this.#a
    i32[w + 1] = this.#b
    i32[w + 2] = this.#c
    i32[w + 3] = this.#d
  }

  toString(): string {
    return this.text
  }

  toJSON(): string {
    return this.text
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

/** The identifier of a text that `idFault` accepted. */
export function idOf(text: string): Id {
  return new Id(idFromText(text), text)
}

/** The identifier whose 16 bytes are a UUID, spelled in the canonical way. */
export function idOfUuid(bytes: Uint8Array): Id {
  return new Id(bytes, undefined)
}

/** What hexadecimal digits stand for by their code; 16 is added to capital ones, 255 is no digit. */
const DIGITS = digits()

function digits(): Uint8Array {
  const table = new Uint8Array(256).fill(255)
  for (let value = 0; value < 16; value++) {
    const digit = value.toString(16)
    table[digit.toUpperCase().charCodeAt(0)] = value + 16
    table[digit.charCodeAt(0)] = value
  }
  return table
}

const HYPHEN = 0x2d

/**
 * Writes the bytes of a UUID in its canonical spelling at byte `at`; false, with any bytes written,
 * where `text` is something else.
 */
export function writeCanonicalUuid({ u8 }: Words, at: number, text: string): boolean {
  if (text.length !== 36) return false
  let seen = 0
  let to = at
  for (let i = 0; i < 36; i += 2) {
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (text.charCodeAt(i) !== HYPHEN) return false
      i++
    }
    const high = digitAt(text, i)
    const low = digitAt(text, i + 1)
    seen |= high | low
    u8[to++] = (high << 4) | low
  }
  return seen < 16
}

function digitAt(text: string, index: number): number {
  const code = text.charCodeAt(index)
  return code < 256 ? (DIGITS[code] as number) : 255
}
