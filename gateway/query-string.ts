// The part of a request's target behind the question mark, as values by name.

import { isWellFormedText } from '../protocol/index.ts'
import { invalid, type Refusal } from './refusal.ts'
import { decodeSegment } from './router.ts'

/** Values by name; no prototype, for names are the caller's. */
export type QueryValues = Readonly<Record<string, string>>

/** The values in `query`, or the refusal of what is no query or gives a name twice. */
export function parseQuery(query: string): QueryValues | Refusal {
  const values: Record<string, string> = Object.create(null)
  if (query === '') return values
  for (const part of query.split('&')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = decoded(equals < 0 ? part : part.slice(0, equals))
    const value = decoded(equals < 0 ? '' : part.slice(equals + 1))
    if (name === undefined || value === undefined) {
      return invalid('The query of the URL is not percent-encoded UTF-8.')
    }
    if (name in values) return invalid(`${name.slice(0, 60)} is given twice.`)
    values[name] = value
  }
  return values
}

function decoded(raw: string): string | undefined {
  const text = decodeSegment(raw.replaceAll('+', ' ').replaceAll(' ', '%20'))
  return text !== undefined && isWellFormedText(text) ? text : undefined
}

/** The refusal of a value that is none of `names`, or undefined. */
export function strangerIn(values: QueryValues, names: readonly string[]): Refusal | undefined {
  for (const name of Object.keys(values)) {
    if (names.includes(name)) continue
    const shown = name.length > 60 ? `${name.slice(0, 60)}...` : name
    return invalid(`${shown} is not a parameter of this request: ${names.join(', ')} are.`)
  }
  return undefined
}
