// From a request's target to a line of the route table, segment by segment. What a template has in
// braces takes any segment; a segment that a template spells out comes before that.

import { idFaultWords } from '../protocol/index.ts'
import { invalid, Refusal } from './refusal.ts'
import { CLOCK_PATH, type Route } from './routes.ts'

/** A route, and what the path has where the template has braces, decoded, in order. */
export interface Match {
  readonly route: Route
  readonly values: readonly string[]
}

/** Finds routes by method and path. */
export type Router = (method: string, path: string) => Match | Refusal

/** A module's route has the method and the shape of path of another module's, or of one of the core's. */
export class RouteTaken extends Error {
  override readonly name = 'RouteTaken'
  constructor(one: Route, other: Route) {
    const [first, second] = 'surface' in one ? [one, other] : [other, one]
    const { method, path } = first
    super(
      `routes.js of ${ownerOf(first)}: ${method} ${path} is there already, in ${ownerOf(second)}`,
    )
  }
}

function ownerOf(route: Route): string {
  return 'surface' in route ? `the module ${route.surface.module}` : 'the core'
}

/** What may follow the segments so far. */
interface Node {
  readonly literals: Map<string, Node>
  any: Node | undefined
  readonly routes: Map<string, Route>
}

interface Found {
  readonly node: Node
  readonly raw: readonly string[]
}

function emptyNode(): Node {
  return { literals: new Map(), any: undefined, routes: new Map() }
}

/** A router over `routes`. Throws `RouteTaken`. */
export function createRouter(routes: readonly Route[]): Router {
  const root = emptyNode()
  /** Routes of the paths that have no braces: most requests need no walk. */
  const plain = new Map<string, ReadonlyMap<string, Route>>()
  for (const route of routes) {
    let node = root
    for (const segment of segmentsOf(route.path)) node = childOf(node, segment)
    const other = node.routes.get(route.method)
    if (other !== undefined) throw new RouteTaken(route, other)
    node.routes.set(route.method, route)
    if (!route.path.includes('{')) plain.set(route.path, node.routes)
  }
  return (method, path) => {
    const known = plain.get(path)
    if (known !== undefined) return pick(known, method, [])
    const found = path.startsWith('/') ? find(root, segmentsOf(path), 0) : undefined
    if (found === undefined) return unknown(path)
    const values: string[] = []
    for (const raw of found.raw) {
      const value = decodeSegment(raw)
      if (value === undefined) return invalid('The id in the path is not percent-encoded UTF-8.')
      const fault = idFaultWords(value)
      if (fault !== undefined) return invalid(`The id in the path ${fault}.`)
      values.push(value)
    }
    return pick(found.node.routes, method, values)
  }
}

function segmentsOf(path: string): string[] {
  return path.split('/').slice(1)
}

function childOf(node: Node, segment: string): Node {
  if (segment.startsWith('{')) {
    node.any ??= emptyNode()
    return node.any
  }
  const child = node.literals.get(segment) ?? emptyNode()
  node.literals.set(segment, child)
  return child
}

/** The node that the segments from `depth` on lead to; nothing where it has no routes. */
function find(node: Node, segments: readonly string[], depth: number): Found | undefined {
  if (depth === segments.length) return node.routes.size > 0 ? { node, raw: [] } : undefined
  const segment = segments[depth] as string
  const literal = node.literals.get(segment)
  const found = literal === undefined ? undefined : find(literal, segments, depth + 1)
  if (found !== undefined) return found
  if (node.any === undefined || segment === '') return undefined
  const behind = find(node.any, segments, depth + 1)
  return behind === undefined ? undefined : { node: behind.node, raw: [segment, ...behind.raw] }
}

function pick(
  routes: ReadonlyMap<string, Route>,
  method: string,
  values: readonly string[],
): Match | Refusal {
  const route = routes.get(method)
  if (route !== undefined) return { route, values }
  const allow = [...routes.keys()].join(', ')
  return new Refusal('method_not_allowed', `The route takes ${allow}.`, allow)
}

function unknown(path: string): Refusal {
  const shown = path.length > 100 ? `${path.slice(0, 100)}...` : path
  const advice =
    path === CLOCK_PATH
      ? 'start the server with HOLDFAST_TEST_CLOCK=1 in its environment'
      : 'see /openapi.json'
  return new Refusal('not_found', `There is no route ${shown}: ${advice}.`)
}

/** Printable ASCII: all else has to be percent-encoded, and decoding must not guess. */
const ENCODED = /^[\x21-\x7e]*$/

/** The text of a segment or of a part of a query, or undefined where it is not percent-encoded UTF-8. */
export function decodeSegment(raw: string): string | undefined {
  if (!ENCODED.test(raw)) return undefined
  if (!raw.includes('%')) return raw
  try {
    return decodeURIComponent(raw)
  } catch {
    return undefined
  }
}
