// The OpenAPI 3.1 document, made from the route table and the schemas that check requests.

import type { TSchema } from 'typebox'
import { PROBLEM_TYPE } from './problem.ts'
import type { ListRoute, ModuleCallRoute, Route } from './routes.ts'
import {
  BODY_SCHEMAS,
  COMMAND_SCHEMAS,
  EVENTS_PARAMETERS,
  listPage,
  MODULE_REPLY_FIELDS,
  PAGE_PARAMETERS,
  PROBLEM_SCHEMA,
  REPLY_SCHEMAS,
  type ReplyName,
  STATE_PARAMETER,
} from './schemas.ts'

type Json = Readonly<Record<string, unknown>>

/** The document for these routes, as JSON text. */
export function openApiDocument(
  routes: readonly Route[],
  version: string,
  hasKeys: boolean,
): string {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) }
  }
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version,
      description: 'Reserve first, settle later. Amounts are integers of the smallest unit.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: componentSchemas(routes),
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
    },
    ...(hasKeys ? { security: [{ key: [] }] } : {}),
  }
  return JSON.stringify(document)
}

function operation(route: Route): Json {
  const status = successStatus(route)
  const isDryRun = mayTryOut(route)
  const isCommand = route.does === 'command' || (route.does === 'module' && route.method !== 'GET')
  const success = {
    description: route.summary,
    ...(isCommand ? { headers: REPLAYED } : {}),
    ...(route.does === 'stream' ? {} : { content: successContent(route) }),
  }
  return {
    operationId: operationId(route),
    summary: route.summary,
    ...withParameters(route),
    ...requestBody(route),
    responses: {
      [status]: success,
      ...(isDryRun && status !== '200' ? { '200': dryRunOf(route, success) } : {}),
      default: {
        description: `Refused: see code${codesOf(route)}`,
        content: { [PROBLEM_TYPE]: ref('Problem') },
      },
    },
    ...('isOpen' in route && route.isOpen ? { security: [] } : {}),
  }
}

function successStatus(route: Route): string {
  if (route.does === 'stream') return '101'
  if (route.does === 'module') return String(route.call.success)
  return route.does === 'command' ? String(route.success) : '200'
}

function mayTryOut(route: Route): boolean {
  if (route.does === 'command') return 'dryRun' in BODY_SCHEMAS[route.body].properties
  return route.does === 'module' && route.check.names.has('dryRun')
}

function requestBody(route: Route): Json {
  if (route.does === 'module') {
    const { body } = route.call
    if (body === undefined) return {}
    const required = 'required' in body && (body.required as readonly string[]).length > 0
    return { requestBody: { required, content: { 'application/json': { schema: body } } } }
  }
  if (!('body' in route)) return {}
  return { requestBody: { required: true, content: { 'application/json': ref(route.body) } } }
}

function withParameters(route: Route): Json {
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    description: 'Percent-encoded.',
    schema: { type: 'string', minLength: 1 },
  }))
  const inQuery = Object.entries(queryParameters(route)).map(([name, schema]) => ({
    name,
    in: 'query',
    schema,
  }))
  const hasKey = route.does === 'module' && route.method !== 'GET' && route.call.id === undefined
  const parameters = [...inPath, ...inQuery, ...(hasKey ? [KEY_PARAMETER] : [])]
  return parameters.length === 0 ? {} : { parameters }
}

function queryParameters(route: Route): Json {
  if (route.does === 'events') return EVENTS_PARAMETERS
  if (route.does === 'history') return PAGE_PARAMETERS
  if (route.does === 'reservations') return { ...STATE_PARAMETER, ...PAGE_PARAMETERS }
  if (route.does !== 'list') return {}
  const { filters, values = {}, columns } = route.list
  const own = filters.map((field) => {
    const schema = { type: 'string', ...(values[field] && { enum: values[field] }) }
    return [columns[field] ?? field, schema]
  })
  return { ...Object.fromEntries(own), ...PAGE_PARAMETERS }
}

const KEY_PARAMETER = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'The same key with the same request gets the first outcome again.',
  schema: { type: 'string', minLength: 1, maxLength: 256 },
} as const

/** The codes that the route's module may give, each with its HTTP status. */
function codesOf(route: Route): string {
  if (route.does !== 'module') return ''
  const codes = Object.entries(route.surface.codes).map(([code, { status }]) => `${code} ${status}`)
  return codes.length === 0 ? '' : `. Of this module: ${codes.join(', ')}`
}

const REPLAYED = {
  'Idempotent-Replayed': {
    description: 'true where this is the first outcome again',
    schema: { type: 'string', const: 'true' },
  },
} as const

function successContent(route: Route): Json {
  if (route.does === 'module') return { 'application/json': { schema: moduleReply(route) } }
  if (route.does === 'list') return listContent(route)
  if (route.does === 'events') return { 'text/event-stream': { schema: { type: 'string' } } }
  if (route.reply !== undefined) return { 'application/json': ref(route.reply) }
  if (route.does === 'openapi') return { 'application/json': { schema: { type: 'object' } } }
  return { 'text/plain': { schema: { type: 'string' } } }
}

/** What a dry run is answered: of a module, by a query. */
function dryRunOf(route: Route, success: Json): Json {
  const dryRun = { ...success, description: 'A dry run' }
  if (route.does !== 'module') return dryRun
  return { ...dryRun, content: { 'application/json': { schema: moduleReply(route, 'query') } } }
}

/** The reply's schema with what every reply of its sort has. */
function moduleReply({ call, method }: ModuleCallRoute, sort = sortOf(method)): Json {
  const { properties = {}, required = [] } = call.reply as {
    properties?: Json
    required?: readonly string[]
  }
  const added = MODULE_REPLY_FIELDS[sort]
  const optional = sort === 'query' ? ['dryRun'] : []
  const always = Object.keys(added).filter((name) => !optional.includes(name))
  return {
    ...call.reply,
    type: 'object',
    properties: { ...properties, ...added },
    required: [...new Set([...required, ...always])],
  }
}

function sortOf(method: string): keyof typeof MODULE_REPLY_FIELDS {
  return method === 'GET' ? 'query' : 'command'
}

function listContent({ list }: ListRoute): Json {
  const names = Object.values(list.columns)
  return {
    'application/json': { schema: listPage(names) },
    'text/csv': { schema: { type: 'string' } },
  }
}

function ref(name: string): Json {
  return { schema: { $ref: `#/components/schemas/${name}` } }
}

/** `postReservationsSettle` for POST /v1/reservations/{id}/settle. */
function operationId(route: Route): string {
  const words = route.path.split(/[^a-zA-Z]+/).filter((word) => word !== '' && word !== 'v')
  const parts = words.map((word) => (isName(route, word) ? `By${capital(word)}` : capital(word)))
  return route.method.toLowerCase() + parts.join('')
}

/** Whether the word stands in braces. */
function isName(route: Route, word: string): boolean {
  return route.path.includes(`{${word}}`)
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

function componentSchemas(routes: readonly Route[]): Json {
  const schemas: Record<string, TSchema | Json> = { Problem: PROBLEM_SCHEMA }
  for (const route of routes) {
    if ('body' in route) schemas[route.body] = BODY_SCHEMAS[route.body]
    if (route.reply !== undefined) schemas[route.reply] = REPLY_SCHEMAS[route.reply as ReplyName]
  }
  const commands = Object.entries(COMMAND_SCHEMAS)
  for (const [name, schema] of commands) schemas[componentName(name)] = schema
  const batch = BODY_SCHEMAS.Batch
  schemas.Batch = {
    ...batch,
    properties: {
      ...batch.properties,
      commands: {
        ...batch.properties.commands,
        items: {
          oneOf: commands.map(([name]) => ref(componentName(name)).schema),
          discriminator: {
            propertyName: 'type',
            mapping: Object.fromEntries(
              commands.map(([name]) => [name, `#/components/schemas/${componentName(name)}`]),
            ),
          },
        },
      },
    },
  }
  return schemas
}

/** `OpenAccountCommand` for open_account. */
function componentName(command: string): string {
  return `${command.split('_').map(capital).join('')}Command`
}
