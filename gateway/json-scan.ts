// Looks over JSON text before JSON.parse does: nesting within its limit, every number a canonical
// integer that parsing cannot round, and a count of keys that shows duplicates. Not a parser: text
// that is no JSON passes here and fails there.

import { JSON_DEPTH_MAX } from '../protocol/index.ts'

/** Where and why the scan stopped. */
export interface ScanFault {
  readonly kind: 'depth' | 'number'
  /** Index in the text. */
  readonly at: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39

/** Sixteen digits, for 2^51 has sixteen. */
const DIGITS_MAX = 16

/** The number of keys in `text`, or its first fault. */
export function scanJson(text: string): number | ScanFault {
  let depth = 0
  let keys = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === QUOTE) i = endOfString(text, i)
    else if (c === COLON) keys++
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > JSON_DEPTH_MAX) return { kind: 'depth', at: i }
    } else if (c === 0x7d || c === 0x5d) depth--
    else if (c === MINUS || (c >= ZERO && c <= NINE)) {
      const end = endOfInteger(text, i)
      if (end < 0) return { kind: 'number', at: i }
      i = end - 1
    }
  }
  return keys
}

/** Where the integer that begins at `start` ends: -5 or 5. -1: it is -0, 05, 5.0, 5e3 or too long. */
function endOfInteger(text: string, start: number): number {
  const first = text.charCodeAt(start) === MINUS ? start + 1 : start
  let i = first
  while (isDigit(text.charCodeAt(i))) i++
  const digits = i - first
  if (digits === 0 || digits > DIGITS_MAX) return -1
  if (text.charCodeAt(first) === ZERO && (digits > 1 || first > start)) return -1
  switch (text.charCodeAt(i)) {
    case 0x2e: // .
    case 0x65: // e
    case 0x45: // E
    case 0x2b: // +
    case MINUS:
      return -1
    default:
      return i
  }
}

/** NaN, as beyond the text's end, is none. */
function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE
}

/** Index of the quote that ends the string which begins at `start`, or the text's end. */
function endOfString(text: string, start: number): number {
  let i = start + 1
  while (i < text.length) {
    const c = text.charCodeAt(i)
    if (c === QUOTE) return i
    i += c === BACKSLASH ? 2 : 1
  }
  return i
}

/** Keys of every object in `value`: fewer than the scan's count where one was given twice. */
export function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let keys = 0
  if (Array.isArray(value)) {
    for (const item of value) keys += countKeys(item)
    return keys
  }
  for (const key of Object.keys(value))
    keys += 1 + countKeys((value as Record<string, unknown>)[key])
  return keys
}

/** The number that begins at `at`, shortened for a sentence. */
export function numberAt(text: string, at: number): string {
  const token = /^[-+0-9.eE]*/.exec(text.slice(at, at + 25))?.[0] ?? ''
  return token.length > 24 ? `${token.slice(0, 20)}...` : token
}

/** One open object or array on the way to a place in the text. */
interface Level {
  readonly keys: Set<string> | undefined
  name: string
  index: number
}

/**
 * The path to index `until` of `text`, as in `commands[3].amount`; or, without `until`, the path of
 * the first key that its object has twice. Slow: for sentences about what was refused.
 */
export function pathIn(text: string, until = Number.POSITIVE_INFINITY): string {
  const levels: Level[] = []
  for (let i = 0; i < text.length && i < until; i++) {
    const c = text.charCodeAt(i)
    const level = levels[levels.length - 1]
    if (c === QUOTE) {
      const end = endOfString(text, i)
      if (level?.keys !== undefined && isKey(text, end)) {
        level.name = keyOf(text.slice(i, end + 1))
        if (until === Number.POSITIVE_INFINITY && level.keys.has(level.name)) break
        level.keys.add(level.name)
      }
      i = end
    } else if (c === 0x7b) levels.push({ keys: new Set(), name: '', index: 0 })
    else if (c === 0x5b) levels.push({ keys: undefined, name: '', index: 0 })
    else if (c === 0x7d || c === 0x5d) levels.pop()
    else if (c === 0x2c && level !== undefined) level.index++
  }
  return levels.reduce((path, level) => path + step(level, path === ''), '')
}

function step(level: Level, isFirst: boolean): string {
  if (level.keys === undefined) return `[${level.index}]`
  return isFirst ? level.name : `.${level.name}`
}

function isKey(text: string, end: number): boolean {
  const rest = /\s*(.)/y
  rest.lastIndex = end + 1
  return rest.exec(text)?.[1] === ':'
}

function keyOf(token: string): string {
  try {
    return JSON.parse(token) as string
  } catch {
    return token
  }
}
