// The small module's face to the gateway: each sort of route once.

import { Type } from 'typebox'
import type { ModuleRequest, ModuleSurface } from '../../../protocol/index.ts'

const NAME = Type.String({ minLength: 1, maxLength: 128 })
const COUNT = Type.Integer({ minimum: 1, maximum: 1_000_000 })
const SIZE = Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 }))
const JAR = Type.Object({ jar: NAME })
const ADD = Type.Object({ jar: NAME, kind: NAME, count: COUNT, note: Type.Optional(Type.String()) })

const jarOf = ({ params }: ModuleRequest) => ({ jar: params.id })
const addOf = ({ params, body }: ModuleRequest) => {
  const { id, dryRun, ...rest } = body
  return { jar: params.id, kind: params.kind, ...rest }
}

const REPLY = Type.Object({
  id: Type.String(),
  coins: Type.Optional(Type.Integer()),
  size: Type.Optional(Type.Integer()),
  room: Type.Optional(Type.Integer()),
  taken: Type.Optional(Type.Integer()),
  kind: Type.Optional(Type.String()),
  label: Type.Optional(Type.Union([Type.String(), Type.Null()])),
})

/** See the head of this file. */
export const surface: ModuleSurface = {
  module: 'jars',
  commands: {
    open: { input: Type.Object({ jar: NAME, size: SIZE }) },
    add: { input: ADD },
    label: { input: Type.Object({ jar: NAME, label: Type.String({ maxLength: 2_000 }) }) },
    empty: { input: JAR },
  },
  queries: {
    jar: { input: JAR },
    would_add: { input: ADD },
  },
  codes: {
    jar_exists: { status: 409, title: 'There is such a jar.' },
    jar_not_found: { status: 404, title: 'There is no such jar.' },
    jar_full: { status: 402, title: 'The jar has no room for so many.' },
    jar_busy: { status: 429, title: 'Nothing is in the jar yet.', retryable: true },
  },
  routes: [
    {
      method: 'POST',
      path: '/v1/jars',
      summary: 'Open a jar',
      body: Type.Object({ id: NAME, size: SIZE }),
      reply: REPLY,
      success: 201,
      pick: () => ({ command: 'open' }),
      id: ({ body }) => `open/${body.id}`,
      input: ({ body: { id, ...rest } }) => ({ jar: id, ...rest }),
    },
    {
      method: 'GET',
      path: '/v1/jars/{id}',
      summary: 'A jar',
      reply: REPLY,
      success: 200,
      pick: () => ({ query: 'jar' }),
      input: jarOf,
    },
    {
      method: 'PATCH',
      path: '/v1/jars/{id}',
      summary: 'Label a jar',
      body: Type.Object({ label: Type.String({ maxLength: 2_000 }) }),
      reply: REPLY,
      success: 200,
      pick: () => ({ command: 'label' }),
      input: ({ params, body }) => ({ jar: params.id, ...body }),
    },
    {
      method: 'POST',
      path: '/v1/jars/{id}/kinds/{kind}/add',
      summary: 'Add coins of a kind',
      body: Type.Object({
        id: NAME,
        count: COUNT,
        note: Type.Optional(Type.String()),
        dryRun: Type.Optional(Type.Boolean()),
      }),
      reply: REPLY,
      success: 201,
      pick: ({ body }) => (body.dryRun === true ? { query: 'would_add' } : { command: 'add' }),
      id: ({ params, body }) => `add/${params.id}/${body.id}`,
      input: addOf,
    },
    {
      method: 'POST',
      path: '/v1/jars/{id}/empty',
      summary: 'Empty a jar',
      reply: REPLY,
      success: 200,
      pick: () => ({ command: 'empty' }),
      input: jarOf,
    },
  ],
  lists: [
    {
      path: '/v1/jar-list',
      summary: 'Jars with coins',
      table: 'jars',
      filters: ['id', 'size'],
      values: { size: ['50', '100'] },
      columns: { id: 'jarId', coins: 'coins', size: 'size', label: 'label', openedAt: 'openedAt' },
      times: ['openedAt'],
      where: { field: 'label', values: ['kept'] },
    },
  ],
}
