// What modules say as JSON text: replies and the data of events. The text is what is remembered, sent and
// rolled into the digest, so nothing is let through that JSON would change or leave out.

import { isWellFormedText } from '../protocol/index.ts'
import { ModuleMisuse } from './module-errors.ts'

/** Deepest nesting; the value itself is on level 1. */
const DEPTH_MAX = 8

/**
 * The JSON text of an object. Throws `ModuleMisuse` where it holds what JSON does not carry whole, such
 * as a fraction or a Date, or where the text has more than `bytesMax` bytes; `what` begins the sentence.
 */
export function jsonText(value: unknown, bytesMax: number, what: string): string {
  if (!isPlainObject(value)) throw new ModuleMisuse(`${what} must be an object`)
  checkJson(value, 1, what)
  const text = JSON.stringify(value)
  // A UTF-16 unit is 3 bytes of UTF-8 at most: most texts need not be gone through.
  if (text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax) {
    throw new ModuleMisuse(
      `${what} is of ${bytesMax} bytes at most, not ${Buffer.byteLength(text)}: tell less at once`,
    )
  }
  return text
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function checkJson(value: unknown, depth: number, what: string): void {
  if (typeof value === 'string') {
    if (!isWellFormedText(value)) throw new ModuleMisuse(`${what} has half of a surrogate pair`)
    return
  }
  if (value === null || typeof value === 'boolean') return
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return
    throw new ModuleMisuse(`${what} has the number ${value}: whole ones within +-(2^53 - 1) alone`)
  }
  if (depth > DEPTH_MAX) throw new ModuleMisuse(`${what} is nested deeper than ${DEPTH_MAX} levels`)
  if (Array.isArray(value)) {
    for (const item of value) checkJson(item, depth + 1, what)
  } else if (isPlainObject(value)) {
    for (const name of Object.keys(value)) {
      const part = value[name]
      if (!isWellFormedText(name)) throw new ModuleMisuse(`${what} has half of a surrogate pair`)
      // As JSON has it: what is undefined is not there.
      if (part !== undefined) checkJson(part, depth + 1, what)
    }
  } else {
    throw new ModuleMisuse(`${what} has a ${typeof value}, which JSON does not carry`)
  }
}
