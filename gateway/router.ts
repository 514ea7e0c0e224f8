// From a request's target to a line of the route table. Every resource's id is the third segment
// of its path, so two look-ups find any route.

import { idFaultWords } from '../protocol/index.ts'
import { invalid, Refusal } from './refusal.ts'
import type { Route } from './routes.ts'

/** A route, and the id that the path names ('' where it names none). */
export interface Match {
  readonly route: Route
  readonly id: string
}

/** Finds routes by method and path. */
export type Router = (method: string, path: string) => Match | Refusal

/** A router over `routes`. */
export function createRouter(routes: readonly Route[]): Router {
  const byPath = new Map<string, Map<string, Route>>()
  for (const route of routes) {
    const methods = byPath.get(route.path) ?? new Map<string, Route>()
    byPath.set(route.path, methods.set(route.method, route))
  }
  return (method, path) => {
    // A brace could only match a template as it stands: `{id}` is an id like any other.
    const plain = path.includes('{') ? undefined : byPath.get(path)
    if (plain !== undefined) return pick(plain, method, '')
    const segments = path.split('/', 6)
    const [, version, collection, raw, action, more] = segments
    if (raw === undefined || raw === '' || more !== undefined) return unknown(path)
    const template = `/${version}/${collection}/{id}${action === undefined ? '' : `/${action}`}`
    const methods = byPath.get(template)
    if (methods === undefined) return unknown(path)
    const id = decodeSegment(raw)
    if (id === undefined) return invalid('The id in the path is not percent-encoded UTF-8.')
    const fault = idFaultWords(id)
    return fault === undefined ? pick(methods, method, id) : invalid(`The id in the path ${fault}.`)
  }
}

function pick(methods: ReadonlyMap<string, Route>, method: string, id: string): Match | Refusal {
  const route = methods.get(method)
  if (route !== undefined) return { route, id }
  const allow = [...methods.keys()].join(', ')
  return new Refusal('method_not_allowed', `The route takes ${allow}.`, allow)
}

function unknown(path: string): Refusal {
  const shown = path.length > 100 ? `${path.slice(0, 100)}...` : path
  return new Refusal('not_found', `There is no route ${shown}: see /openapi.json.`)
}

/** Printable ASCII: all else has to be percent-encoded, and decoding must not guess. */
const ENCODED = /^[\x21-\x7e]+$/

function decodeSegment(raw: string): string | undefined {
  if (!ENCODED.test(raw)) return undefined
  if (!raw.includes('%')) return raw
  try {
    return decodeURIComponent(raw)
  } catch {
    return undefined
  }
}
