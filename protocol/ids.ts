// Identifiers: 128 bits inside, strings outside. A UUID is taken as it is; any other string becomes a
// name-based UUIDv8, so that a retry finds its first attempt.

import { hash } from 'node:crypto'
import { ID_BYTES_MAX } from './limits.ts'
import { toNfc } from './texts.ts'
import type { Words } from './words.ts'

/** Bytes of an identifier. */
export const ID_BYTES = 16

/** Why a string is no identifier. */
export type IdFault = 'empty' | 'too_long' | 'not_unicode' | 'nil_uuid' | 'max_uuid'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const NIL = '00000000-0000-0000-0000-000000000000'
const MAX = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** What is wrong with `text` as an identifier, or undefined. */
export function idFault(text: string): IdFault | undefined {
  if (text.length === 0) return 'empty'
  if (text.length * 3 > ID_BYTES_MAX && Buffer.byteLength(text) > ID_BYTES_MAX) return 'too_long'
  if (!isWellFormedText(text)) return 'not_unicode'
  if (text === NIL) return 'nil_uuid'
  if (text.length === MAX.length && text.toLowerCase() === MAX) return 'max_uuid'
  return undefined
}

/** Whether `text` has no lone surrogate: what UTF-8 can carry. */
export function isWellFormedText(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}

/** Whether `text` is the spelling that `formatUuid` gives: such an id needs no tail. */
export function isCanonicalUuid(text: string): boolean {
  return text.length === 36 && UUID.test(text) && text === text.toLowerCase()
}

/**
 * The identifier of `text` within `tenant`, as 16 bytes. A UUID is its own bytes. Any other string,
 * in Unicode's NFC, is the first 128 bits of SHA-256 over tenant, a zero byte and the string, with
 * version 8 and variant 10 set (RFC 9562, section 5.8). The caller has checked `idFault`.
 */
export function idFromText(text: string, tenant = ''): Uint8Array {
  if (text.length === 36 && UUID.test(text)) {
    return new Uint8Array(Buffer.from(text.replaceAll('-', ''), 'hex'))
  }
  // As a text: a buffer costs twice as much as the hash.
  const digest = hash('sha256', `${tenant}\0${toNfc(text)}`, 'binary')
  const id = new Uint8Array(ID_BYTES)
  for (let i = 0; i < ID_BYTES; i++) id[i] = digest.charCodeAt(i)
  id[6] = ((id[6] as number) & 0x0f) | 0x80
  id[8] = ((id[8] as number) & 0x3f) | 0x80
  return id
}

/**
 * Makes the 128 bits of an id those of something that a module holds: the version and variant that no
 * UUID has (15, and 11), and a byte. Commands from outside with such ids are `owned_by_module`, so that
 * nobody takes an id before the module does. Some 114 bits stay the id's own.
 */
export function asOwnedId(id: Uint8Array): Uint8Array {
  const owned = new Uint8Array(id)
  owned[6] = 0xf0 | ((owned[6] as number) & 0x0f)
  owned[7] = OWNED_BYTE
  owned[8] = 0xc0 | ((owned[8] as number) & 0x3f)
  return owned
}

/** Whether the id at byte `at` is one that `asOwnedId` makes. */
export function isOwnedId({ u8 }: Words, at: number): boolean {
  return (
    (u8[at + 6] as number) >>> 4 === 15 &&
    (u8[at + 7] as number) === OWNED_BYTE &&
    (u8[at + 8] as number) >>> 6 === 3
  )
}

const OWNED_BYTE = 0x6d

const HYPHEN = 0x2d
const HEX: Uint8Array = Buffer.from('0123456789abcdef')

/** A UUID's spelling is put together here: one flat string is made of it, and no garbage. */
const SPELLING = Buffer.alloc(36, HYPHEN)

/** The canonical spelling of 16 bytes as a UUID. */
export function formatUuid(bytes: Uint8Array): string {
  let to = 0
  for (let i = 0; i < ID_BYTES; i++) {
    const byte = bytes[i] as number
    SPELLING[to] = HEX[byte >>> 4] as number
    SPELLING[to + 1] = HEX[byte & 15] as number
    to += i === 3 || i === 5 || i === 7 || i === 9 ? 3 : 2
  }
  return SPELLING.toString('latin1')
}

/**
 * The time in the UUIDv7 at byte `at` of `words`, in ms since 1970 (RFC 9562, section 5.7), or -1
 * where the id is not a UUIDv7.
 */
export function uuidV7TimeMs(words: Words, at: number): number {
  const u8 = words.u8
  if ((u8[at + 6] as number) >>> 4 !== 7 || (u8[at + 8] as number) >>> 6 !== 2) return -1
  const high =
    (u8[at] as number) * 16_777_216 +
    (u8[at + 1] as number) * 65_536 +
    (u8[at + 2] as number) * 256 +
    (u8[at + 3] as number)
  return high * 65_536 + (u8[at + 4] as number) * 256 + (u8[at + 5] as number)
}
