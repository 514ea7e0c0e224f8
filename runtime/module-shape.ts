// The plain shapes of what a module's files export, as schemas: which fields there are and of what type. What
// has to agree with something else is in rules-fault.ts, routes-fault.ts and views-fault.ts.

import { Type } from 'typebox'
import { compileShape, type Shape, shapeFault } from '../surface/index.ts'

const TEXTS = Type.Array(Type.String())

/** A table of rules.js. Its names and types are looked at by the engine. */
export const TABLE: Shape = compileShape(
  Type.Object({
    name: Type.String(),
    fields: Type.Record(Type.String(), Type.String()),
    key: Type.String(),
    rowsMax: Type.Integer(),
    indexes: Type.Optional(Type.Record(Type.String(), TEXTS)),
  }),
)

/** A route of routes.js, but for its functions and schemas. */
export const ROUTE: Shape = compileShape(
  Type.Object({
    method: Type.Enum(['GET', 'POST', 'PUT', 'PATCH']),
    path: Type.String(),
    summary: Type.String(),
    success: Type.Enum([200, 201]),
  }),
)

/** A list of routes.js. */
export const LIST: Shape = compileShape(
  Type.Object({
    path: Type.String(),
    summary: Type.String(),
    table: Type.String(),
    filters: TEXTS,
    values: Type.Optional(Type.Record(Type.String(), Type.Array(Type.String(), { minItems: 1 }))),
    columns: Type.Record(Type.String(), Type.String({ minLength: 1 }), { minProperties: 1 }),
    times: TEXTS,
    where: Type.Optional(
      Type.Object({ field: Type.String(), values: Type.Array(Type.String(), { minItems: 1 }) }),
    ),
  }),
)

/** What views.js exports, but for its tables. */
export const VIEW: Shape = compileShape(
  Type.Object({ module: Type.String(), tables: Type.Array(Type.Unknown()) }),
)

/** A table of views.js. */
export const VIEW_TABLE: Shape = compileShape(
  Type.Object({
    table: Type.String(),
    fields: Type.Record(Type.String(), Type.String()),
    key: Type.String(),
    keepsRemoved: Type.Boolean(),
    indexes: TEXTS,
  }),
)

/** The first fault of the values that are not of their shape, each named with its place: `routes[2]`. */
export function shapesFault(
  shape: Shape,
  values: readonly unknown[],
  name: string,
): string | undefined {
  return firstFault(values, (value, n) => phrase(shapeFault(shape, value, `${name}[${n}]`)))
}

/** What `look` first has to say of one of the values. */
export function firstFault<T>(
  values: readonly T[],
  look: (value: T, n: number) => string | undefined,
): string | undefined {
  for (const [n, value] of values.entries()) {
    const fault = look(value, n)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** A sentence of the schema checks as the end of another. */
export function phrase(sentence: string | undefined): string | undefined {
  return sentence?.replace(/\.$/, '')
}

/** The first text that is there twice, or undefined. */
export function repeated(texts: readonly string[]): string | undefined {
  return texts.find((text, n) => texts.indexOf(text) < n)
}
