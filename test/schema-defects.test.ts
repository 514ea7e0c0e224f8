// What is wrong with a JSON schema, and with that of an object, in a sentence: a module's inputs and bodies are
// looked at so when they are loaded.

import t from 'tap'
import { compileSchema, objectDefect, schemaFault } from '../surface/index.ts'

const A = { type: 'string' }

/** A schema, and what is said of it; undefined: nothing. */
const CASES: readonly (readonly [schema: object, defect: string | undefined])[] = [
  [{ type: 'object', properties: { a: A }, required: ['a'] }, undefined],
  [{ properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: A } }, undefined],
  [
    { properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { $ref: '#/$defs/b' }, b: A } },
    undefined,
  ],
  [{ properties: { 'a/b': { $ref: '#/$defs/x~1y' } }, $defs: { 'x/y': A } }, undefined],
  [{ properties: { a: A, b: A }, anyOf: [{ required: ['a'] }, { required: ['b'] }] }, undefined],
  [{ properties: { a: { const: 'x', default: { $ref: '#/nowhere' } } } }, undefined],
  [{ properties: { a: A }, 'x-note': { $ref: '#/nowhere', pattern: '(' } }, undefined],
  [{ properties: { a: { items: [A, { enum: ['x'] }] } } }, undefined],
  [
    { properties: { a: { $ref: '#/title' } }, title: 'x' },
    'i.properties.a.$ref is #/title, which is nowhere in this schema.',
  ],
  [
    { properties: { a: { $ref: '#/required' } }, required: ['a'] },
    'i.properties.a.$ref is #/required, which is nowhere in this schema.',
  ],
  [
    { properties: { a: { $ref: '#/$defs/100%' } }, $defs: {} },
    'i.properties.a.$ref is #/$defs/100%, which is nowhere in this schema.',
  ],
  [
    { properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { $ref: '#/$defs/a' } } },
    'i.properties.a.$ref is #/$defs/a, which is nowhere in this schema.',
  ],
  [
    { properties: { default: { $ref: '#/nowhere' } } },
    'i.properties.default.$ref is #/nowhere, which is nowhere in this schema.',
  ],
  [
    { properties: { const: { pattern: '(' } } },
    'i.properties.const.pattern is no regular expression: (.',
  ],
  [
    { properties: { a: { allOf: [A, { items: { pattern: '[' } }] } } },
    'i.properties.a.allOf.1.items.pattern is no regular expression: [.',
  ],
  [
    { anyOf: [{ properties: { a: A } }] },
    'i has anyOf and no properties: its fields have to stand in properties.',
  ],
  [
    { $ref: '#/$defs/o', $defs: { o: { type: 'object' } } },
    'i has $ref and no properties: its fields have to stand in properties.',
  ],
  [{ properties: { a: A }, required: ['b'] }, 'i requires b, which its properties do not have.'],
  [{ properties: { a: { multipleOf: 0 } } }, 'i.properties.a.multipleOf must be > 0.'],
  [{ properties: { a: { type: 'integr' } } }, 'i.properties.a.type must be one of'],
  [{ type: 'array' }, 'i.type must be "object".'],
]

t.test('schemas of objects', async (t) => {
  for (const [schema, defect] of CASES) {
    const found = objectDefect(schema, 'i')
    if (defect === undefined) t.equal(found, undefined, JSON.stringify(schema))
    else t.ok(found?.startsWith(defect), `${JSON.stringify(schema)}: ${found}`)
  }
})

t.test('what is taken can be held to', async (t) => {
  for (const [schema, defect] of CASES) {
    if (defect !== undefined) continue
    t.match(schemaFault(compileSchema(schema), { stranger: 1 }), /stranger is not a field/)
  }
})
