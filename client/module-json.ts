// What is asked of modules, as the stream takes it (docs/stream.md): the input as JSON in the record's
// tail. The server knows the schemas; here nothing is known of any module.

import {
  KIND,
  MODULE,
  MODULE_INPUT_BYTES_MAX,
  moduleQueryRoute,
  moduleRoute,
  RECORD,
} from '../protocol/index.ts'
import type { ModuleCodec } from './carrier.ts'

/** Routes of names used lately: a route costs a hash. */
const ROUTES = new Map<string, number>()
const ROUTES_MAX = 1_024

function routeOf(kind: number, module: string, name: string): number {
  const key = `${kind} ${module} ${name}`
  const known = ROUTES.get(key)
  if (known !== undefined) return known
  const route = kind === KIND.module ? moduleRoute(module, name) : moduleQueryRoute(module, name)
  if (ROUTES.size >= ROUTES_MAX) ROUTES.clear()
  ROUTES.set(key, route)
  return route
}

/** See the head of this file. */
export const JSON_MODULES: ModuleCodec = {
  write({ u8, u16, u32, i32 }, { kind, module, name }, id, json) {
    const input = Buffer.from(json)
    if (input.length > MODULE_INPUT_BYTES_MAX) {
      return `The body has ${input.length} bytes as JSON: ${MODULE_INPUT_BYTES_MAX} at most.`
    }
    const tailBytes = (input.length + 7) & ~7
    u8.fill(0, 0, MODULE.bytes + tailBytes)
    u8[RECORD.kind] = kind
    u16[RECORD.tailBytes >>> 1] = tailBytes
    u8.set(id, RECORD.id)
    i32[MODULE.route >>> 2] = routeOf(kind, module, name)
    u32[MODULE.inputBytes >>> 2] = input.length
    u8.set(input, MODULE.bytes)
    return MODULE.bytes + tailBytes
  },
  // The server says it in the outcome.
  differenceCode: () => 'exists_with_different_input',
}
