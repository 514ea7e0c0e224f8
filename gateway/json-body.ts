// From a request's body as bytes to a JSON object, or to the refusal that says what is wrong with
// it. Order of checks: encoding, nesting, numbers, syntax, duplicate keys. Size was checked while
// reading; which fields there are is the schemas' matter.

import { isUtf8 } from 'node:buffer'
import { JSON_DEPTH_MAX } from '../protocol/index.ts'
import { countKeys, numberAt, pathIn, type ScanFault, scanJson } from './json-scan.ts'
import { invalid, type Refusal } from './refusal.ts'

/** The refusal of a body that is announced as something else than JSON, or undefined. */
export function contentTypeRefusal(contentType: string): Refusal | undefined {
  if (contentType === '' || contentType === 'application/json') return undefined
  const semicolon = contentType.indexOf(';')
  const type = semicolon < 0 ? contentType : contentType.slice(0, semicolon)
  if (type.trim().toLowerCase() === 'application/json') return undefined
  return invalid(
    `The body has Content-Type ${type.trim().slice(0, 80)}: send Content-Type: application/json.`,
  )
}

/** What to say of bytes that are no text. */
export const NOT_UTF8 = 'The body is not UTF-8.'

/** The JSON value in `body`, or a refusal with `invalid_request`. */
export function parseJsonBody(body: Buffer): { readonly value: unknown } | Refusal {
  if (body.length === 0) return invalid('The body is empty: a JSON object is asked for.')
  if (!isUtf8(body)) return invalid(NOT_UTF8)
  return parseJsonText(body.toString('utf8'))
}

/** The same of a text that was read from UTF-8. */
export function parseJsonText(text: string): { readonly value: unknown } | Refusal {
  const keys = scanJson(text)
  if (typeof keys !== 'number') return invalid(scanFaultSentence(text, keys))
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return invalid(`The body is not JSON: ${(error as Error).message.slice(0, 120)}.`)
  }
  if (countKeys(value) !== keys) return invalid(duplicateKeySentence(text))
  return { value }
}

/** What to say where a key stands twice in one object of `text`. */
export function duplicateKeySentence(text: string): string {
  return `${shown(pathIn(text))} is given twice.`
}

/** What to say of the place at which the scan stopped. */
export function scanFaultSentence(text: string, fault: ScanFault): string {
  if (fault.kind === 'depth') return `The body is nested deeper than ${JSON_DEPTH_MAX} levels.`
  const where = pathIn(text, fault.at)
  const number = numberAt(text, fault.at)
  const wanted =
    number === '-0'
      ? '0 is written without a sign'
      : 'a whole number of at most 16 digits is asked for, without fraction or exponent'
  return `${where === '' ? 'The body' : shown(where)} has the number ${number}: ${wanted}.`
}

/** A path as it stands in a sentence: long ones, which a caller made up, are cut. */
function shown(path: string): string {
  return path.length > 100 ? `${path.slice(0, 100)}...` : path
}
