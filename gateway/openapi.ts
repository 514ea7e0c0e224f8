// The OpenAPI 3.1 document, made from the route table and the schemas that check requests.

import type { TSchema } from 'typebox'
import { PROBLEM_TYPE } from './problem.ts'
import type { Route } from './routes.ts'
import {
  BODY_SCHEMAS,
  COMMAND_SCHEMAS,
  PROBLEM_SCHEMA,
  REPLY_SCHEMAS,
  type ReplyName,
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
  const isDryRun = route.does === 'command' && 'dryRun' in BODY_SCHEMAS[route.body].properties
  const success = {
    description: route.summary,
    ...(route.does === 'command' ? { headers: REPLAYED } : {}),
    ...(route.does === 'stream' ? {} : { content: successContent(route) }),
  }
  return {
    operationId: operationId(route),
    summary: route.summary,
    ...(route.path.includes('{id}') ? { parameters: [ID_PARAMETER] } : {}),
    ...('body' in route
      ? { requestBody: { required: true, content: { 'application/json': ref(route.body) } } }
      : {}),
    responses: {
      [status]: success,
      ...(isDryRun && status !== '200' ? { '200': { ...success, description: 'A dry run' } } : {}),
      default: {
        description: 'Refused: see code',
        content: { [PROBLEM_TYPE]: ref('Problem') },
      },
    },
    ...('isOpen' in route && route.isOpen ? { security: [] } : {}),
  }
}

function successStatus(route: Route): string {
  if (route.does === 'stream') return '101'
  return route.does === 'command' ? String(route.success) : '200'
}

const ID_PARAMETER = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'Percent-encoded.',
  schema: { type: 'string', minLength: 1 },
} as const

const REPLAYED = {
  'Idempotent-Replayed': {
    description: 'true where this is the first outcome again',
    schema: { type: 'string', const: 'true' },
  },
} as const

function successContent(route: Route): Json {
  if (route.reply !== undefined) return { 'application/json': ref(route.reply) }
  if (route.does === 'openapi') return { 'application/json': { schema: { type: 'object' } } }
  return { 'text/plain': { schema: { type: 'string' } } }
}

function ref(name: string): Json {
  return { schema: { $ref: `#/components/schemas/${name}` } }
}

/** `postReservationsSettle` for POST /v1/reservations/{id}/settle. */
function operationId(route: Route): string {
  const words = route.path.split(/[^a-z]+/).filter((word) => word !== '' && word !== 'v')
  const parts = words.map((word) => (word === 'id' ? 'ById' : capital(word)))
  return route.method.toLowerCase() + parts.join('')
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
