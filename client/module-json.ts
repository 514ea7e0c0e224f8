// What is asked of modules, as the stream takes it (docs/stream.md): the input as JSON in the record's
// tail. The server knows the schemas; here nothing is known of any module.

import {
  KIND,
  MODULE,
  MODULE_INPUT_BYTES_MAX,
  moduleQueryRoute,
  moduleRoute,
  RECORD,
  writeText,
} from '../protocol/index.ts'
import type { ModuleCodec } from './carrier.ts'

/** Routes by module and name, of those used lately: a route costs a hash, and one key of both another. */
type Routes = Map<string, Map<string, number>>
const COMMANDS: Routes = new Map()
const QUERIES: Routes = new Map()
const ROUTES_MAX = 1_024
let routes = 0

function routeOf(kind: number, module: string, name: string): number {
  const known = (kind === KIND.module ? COMMANDS : QUERIES).get(module)?.get(name)
  return known ?? addRoute(kind, module, name)
}

function addRoute(kind: number, module: string, name: string): number {
  if (routes >= ROUTES_MAX) {
    COMMANDS.clear()
    QUERIES.clear()
    routes = 0
  }
  routes++
  const isCommand = kind === KIND.module
  const route = isCommand ? moduleRoute(module, name) : moduleQueryRoute(module, name)
  const modules = isCommand ? COMMANDS : QUERIES
  const names = modules.get(module)
  if (names === undefined) modules.set(module, new Map([[name, route]]))
  else names.set(name, route)
  return route
}

/** See the head of this file. */
export const JSON_MODULES: ModuleCodec = {
  write({ u8, u16, u32, i32 }, { kind, module, name }, id, json) {
    const inputBytes = Buffer.byteLength(json)
    if (inputBytes > MODULE_INPUT_BYTES_MAX) {
      return `The body has ${inputBytes} bytes as JSON: ${MODULE_INPUT_BYTES_MAX} at most.`
    }
    const tailBytes = (inputBytes + 7) & ~7
    const bytes = MODULE.bytes + tailBytes
    i32.fill(0, 0, MODULE.bytes >>> 2)
    // What is not of the last 8 bytes is written over.
    u8.fill(0, bytes - 8, bytes)
    u8[RECORD.kind] = kind
    u16[RECORD.tailBytes >>> 1] = tailBytes
    u8.set(id, RECORD.id)
    i32[MODULE.route >>> 2] = routeOf(kind, module, name)
    u32[MODULE.inputBytes >>> 2] = inputBytes
    writeText(u8, MODULE.bytes, json)
    return bytes
  },
  // The server says it in the outcome.
  differenceCode: () => 'exists_with_different_input',
}
