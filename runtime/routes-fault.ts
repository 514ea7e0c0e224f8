// Whether what a module's routes.js exports is what it has to be, and agrees with its rules and its view.

import type { Module } from '../engine/index.ts'
import {
  MODULE_FIELDS_MAX,
  type ModuleRequest,
  type ModuleRoute,
  type ModuleSurface,
  type ModuleView,
  STATUS,
  type StatusCode,
  statusOf,
} from '../protocol/index.ts'
import { isObject, objectDefect, schemaDefect } from '../surface/index.ts'
import { listsFault } from './lists-fault.ts'
import { firstFault, phrase, ROUTE, shapesFault } from './module-shape.ts'
import { functionFault } from './rules-fault.ts'

/** A code as clients get it. */
const CODE = /^[a-z][a-z0-9_]{0,95}$/

/** Segments as a request's target spells them; in braces a name. */
const PATH = /^(\/([A-Za-z0-9._~!$&'()*+,;=:@%-]*|\{\w+\}))+$/

const AT_ONCE = 'it answers at once'

/** What is wrong with a module's surface beside its rules and its view, or undefined. */
export function surfaceFault(
  surface: ModuleSurface,
  rules: Module,
  view: ModuleView | undefined,
): string | undefined {
  if (surface.module !== rules.name) {
    return `module is ${surface.module}, and its rules are named ${rules.name}`
  }
  const actions = firstFault(['commands', 'queries'] as const, (kind) =>
    actionsFault(surface, rules, kind),
  )
  if (actions !== undefined) return actions
  for (const list of ['routes', 'lists'] as const) {
    if (!Array.isArray(surface[list])) return `${list} is to be a list`
  }
  return (
    codesFault(surface.codes) ??
    shapesFault(ROUTE, surface.routes, 'routes') ??
    firstFault(surface.routes, (route, n) => routeFault(route, `routes[${n}]`, surface)) ??
    listsFault(surface.lists, view) ??
    pathsFault(surface)
  )
}

function actionsFault(
  surface: ModuleSurface,
  rules: Module,
  kind: 'commands' | 'queries',
): string | undefined {
  if (!isObject(surface[kind])) return `${kind} is to be an object with an input for each name`
  return firstFault(Object.entries(surface[kind]), ([name, action]) => {
    if (!isObject(action?.input)) return `${kind}.${name} has no input: the schema of an object`
    if (!Object.hasOwn(rules[kind], name)) return `its rules have no ${kind}.${name}`
    const defect = phrase(objectDefect(action.input, `${kind}.${name}.input`))
    if (defect !== undefined) return defect
    const { properties = {} } = action.input as { readonly properties?: object }
    const count = Object.keys(properties).length
    if (kind === 'queries' || count <= MODULE_FIELDS_MAX) return undefined
    return `${kind}.${name}.input has ${count} fields: ${MODULE_FIELDS_MAX} at most`
  })
}

function codesFault(codes: ModuleSurface['codes']): string | undefined {
  if (!isObject(codes)) return 'codes is to be an object with a status and a title for each code'
  return firstFault(Object.entries(codes), ([code, said]) => {
    if (!CODE.test(code)) {
      return `codes has ${JSON.stringify(code)}: a to z, 0 to 9 and _ make a code`
    }
    if (Object.hasOwn(STATUS, code) && statusOf(STATUS[code as StatusCode]).http === 503) {
      return `codes has ${code}: the core's codes of HTTP 503 are its own`
    }
    if (!isObject(said)) return `codes.${code} is to be an object with a status and a title`
    const { status, title, retryable } = said
    if (!(Number.isInteger(status) && status >= 400 && status <= 599)) {
      return `codes.${code} has the status ${status}: a refusal's is from 400 to 599`
    }
    if (typeof title !== 'string' || title === '') return `codes.${code} has no title`
    if (retryable !== undefined && typeof retryable !== 'boolean') {
      return `codes.${code} has a retryable that is neither true nor false`
    }
    return undefined
  })
}

function routeFault(route: ModuleRoute, name: string, surface: ModuleSurface): string | undefined {
  const { body, reply, pick, id, input } = route
  return (
    phrase(body === undefined ? undefined : objectDefect(body, `${name}.body`)) ??
    phrase(schemaDefect(reply, `${name}.reply`)) ??
    functionFault(pick, `${name}.pick`, AT_ONCE) ??
    (id === undefined ? undefined : functionFault(id, `${name}.id`, AT_ONCE)) ??
    functionFault(input, `${name}.input`, AT_ONCE) ??
    pickFault(route, name, surface)
  )
}

/** What is thrown at a function that looks at the request. */
const LOOKED = new Error('there is no request yet')

/** A request that nobody may look at. */
const NO_REQUEST: ModuleRequest = {
  get params(): never {
    throw LOOKED
  },
  get body(): never {
    throw LOOKED
  },
  get query(): never {
    throw LOOKED
  },
}

/** What a `pick` gives that does not look at the request; what another gives is known when it is asked. */
function pickFault(
  { method, pick }: ModuleRoute,
  name: string,
  surface: ModuleSurface,
): string | undefined {
  let picked: { readonly command?: unknown; readonly query?: unknown }
  try {
    picked = pick(NO_REQUEST)
  } catch (error) {
    return error === LOOKED ? undefined : `${name}.pick throws: ${String(error)}`
  }
  if (!isObject(picked) || !('command' in picked || 'query' in picked)) {
    return `${name}.pick gives neither a command nor a query`
  }
  const kind = 'command' in picked ? 'command' : 'query'
  const actions = kind === 'command' ? surface.commands : surface.queries
  const action = picked[kind]
  if (typeof action !== 'string' || !Object.hasOwn(actions, action)) {
    return `${name}.pick gives the ${kind} ${String(action)}, and there is none`
  }
  if (kind === 'query' || method !== 'GET') return undefined
  return `${name}.pick gives the command ${action} for a GET, which changes nothing`
}

/** Of routes and lists: whether each can be reached. Those of others are compared by the gateway. */
function pathsFault({ routes, lists }: ModuleSurface): string | undefined {
  const known = new Map<string, string>()
  const look = (method: string, path: string, name: string): string | undefined => {
    const fault = pathFault(path)
    if (fault !== undefined) return `${name}.path is ${path}: ${fault}`
    const shape = `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`
    const other = known.get(shape)
    if (other !== undefined) return `${name} is ${method} ${path}, and so is ${other}`
    known.set(shape, name)
    return undefined
  }
  return (
    firstFault(routes, ({ method, path }, n) => look(method, path, `routes[${n}]`)) ??
    firstFault(lists, ({ path }, n) =>
      path.includes('{')
        ? `lists[${n}].path is ${path}: a list has no names in braces`
        : look('GET', path, `lists[${n}]`),
    )
  )
}

function pathFault(path: string): string | undefined {
  if (!path.startsWith('/')) return 'it has to begin with a slash'
  if (!PATH.test(path)) return 'a segment is plain text, or a name in braces'
  const names = path.match(/\{\w+\}/g) ?? []
  return new Set(names).size < names.length ? 'a name is in it twice' : undefined
}
