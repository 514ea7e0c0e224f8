// Identifiers for callers: those that they name, and fresh ones.

import { randomFillSync } from 'node:crypto'
import { v7 as uuidV7 } from 'uuid'
import { ID_BYTES, type Id, idFaultWords, idOf, idOfUuid } from '../protocol/index.ts'

/**
 * The identifier of `text` (1 to 256 bytes), made once: cheaper than the string wherever it is used
 * often. Throws `TypeError` or `RangeError`.
 */
export function id(text: string): Id {
  if (typeof text !== 'string') throw new TypeError('id must be a string.')
  const fault = idFaultWords(text)
  if (fault !== undefined) throw new RangeError(`id ${fault}.`)
  return idOf(text)
}

/** Random bytes, made many at a time: asking for 16 costs as much as asking for thousands. */
const POOL = new Uint8Array(8_192)
let poolAt = POOL.length

/** 16 random bytes; valid until the next call. */
const RANDOM = new Uint8Array(ID_BYTES)

function random(): Uint8Array {
  if (poolAt === POOL.length) {
    randomFillSync(POOL)
    poolAt = 0
  }
  for (let i = 0; i < ID_BYTES; i++) RANDOM[i] = POOL[poolAt++] as number
  return RANDOM
}

const MADE = new Uint8Array(ID_BYTES)

/** A fresh UUIDv7: safe to send again for ever (docs/commands.md). */
export function newId(): Id {
  return idOfUuid(uuidV7({ rng: random }, MADE))
}
