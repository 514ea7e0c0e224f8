// What is refused of a module's three files when they are loaded, and with which sentence. Each case is the
// module of docs/modules.md with one mistake.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { findModules, loadRules, loadSurfaces, loadViews } from '../runtime/index.ts'
import { objectDefect } from '../surface/index.ts'
import { runCommand, SMALL, temporaryDirectory } from './support/command-line.ts'
import { filesIn } from './support/doc-examples.ts'

const PAGE = filesIn(readFileSync('docs/modules.md', 'utf8'))

type File = 'rules.js' | 'routes.js' | 'views.js'

/** What stands in the file, what stands there instead, and what is said of it. */
type Case = readonly [from: string, to: string, fault: string]

/** A folder in `root` with the page's module, where `file` has `to` for `from`. */
function wrong(root: string, name: string, file: File, from: string, to: string): string {
  const folder = join(root, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  for (const [path, text] of PAGE) {
    const own = path.slice('parking/'.length)
    if (own === file && !text.includes(from)) throw new Error(`the page does not have ${from}`)
    writeFileSync(join(folder, own), own === file ? text.replaceAll(from, to) : text)
  }
  return folder
}

type Load = (folders: readonly string[]) => Promise<unknown>

async function refused(t: Test, file: File, load: Load, cases: readonly Case[]): Promise<void> {
  const root = temporaryDirectory(t)
  for (const [n, [from, to, fault]] of cases.entries()) {
    const folder = wrong(root, String(n), file, from, to)
    const error = await load(findModules([folder])).then(
      () => undefined,
      (error: unknown) => error as Error,
    )
    t.same(
      { name: error?.name, message: error?.message },
      { name: 'ModuleLoadError', message: `${join(folder, file)}: ${fault}` },
      `${from} -> ${to}`,
    )
  }
}

t.test('what is as the page says is taken', async (t) => {
  const folders = findModules([
    wrong(temporaryDirectory(t), 'parking', 'rules.js', '', ''),
    'calls',
  ])
  t.match(await loadRules(folders), [{ name: 'parking' }, { name: 'calls' }])
  t.match(await loadViews(folders), [{ module: 'parking' }, { module: 'calls' }])
  t.match(await loadSurfaces(folders), [{ module: 'parking' }, { module: 'calls' }])
})

const TABLES = 'tables: [STAYS, VISITS]'
const INDEXES = "indexes: { byPlate: ['plate'] }"

t.test('rules.js', async (t) => {
  const cases: readonly Case[] = [
    [TABLES, 'tables: [STAYS, null]', 'tables[1] must be an object'],
    [TABLES, 'tables: [STAYS, STAYS]', 'parking has two tables of one name: name them differently'],
    [INDEXES, "indexes: { byPlate: 'plate' }", 'tables[0].indexes.byPlate must be a list'],
    [INDEXES, 'indexes: { byPlate: null }', 'tables[0].indexes.byPlate must be a list'],
    [INDEXES, 'indexes: { byPlate: [7] }', 'tables[0].indexes.byPlate.0 must be a string'],
    [INDEXES, 'indexes: null', 'tables[0].indexes must be an object'],
    [
      INDEXES,
      "indexes: { byPlate: ['no'] }",
      'parking.stays: the index byPlate is of "no", no field',
    ],
    ['  fields: {', '  filds: {', 'tables[0].fields is missing'],
    ["    paid: 'integer',", '    paid: 5,', 'tables[1].fields.paid must be a string'],
    [
      "    paid: 'integer',",
      "    paid: 'float',",
      'parking.visits: paid is of type "float": text, integer or flag, with ? for null',
    ],
    ["  key: 'id',", '', 'tables[0].key is missing'],
    ['  rowsMax: CARS_MAX,', "  rowsMax: '3',", 'tables[0].rowsMax must be a whole number'],
    [
      'rowsMax: CARS_MAX',
      'rowsMax: 0',
      'parking.stays: rowsMax is 0: give an integer from 1 to 8388608',
    ],
    [
      "name: 'parking'",
      "name: 'Parking'",
      'a module is named Parking: 1 to 32 of a to z, 0 to 9, _ and -',
    ],
    ['version: 1', 'version: 0', 'the module parking has the version 0: a whole number from 1'],
    [
      'enter, leave }',
      'enter, leave, BAD: leave }',
      'commands has "BAD": a name is 1 to 32 of a to z, 0 to 9, _ and -',
    ],
    ['queries: { visit }', 'queries: { visit: 1 }', 'queries.visit is no function'],
  ]
  await refused(t, 'rules.js', loadRules, cases)
  await refused(t, 'rules.js', loadSurfaces, cases.slice(0, 1))
})

const ENTER = "pick: () => ({ command: 'enter' })"
const PATH = "path: '/v1/parking/visits/{id}/leave'"
const MINUTES = 'minutes: COUNT }) },\n    leave'
const IN_MINUTES = 'commands.enter.input.properties.minutes'
const GET = "      path: '/v1/parking/visits/{id}',"
const SEGMENT = 'a segment is plain text, or a name in braces'

t.test('routes.js: routes', async (t) => {
  const cases: readonly Case[] = [
    ['success: 201,', 'success: 999,', 'routes[0].success must be one of 200, 201'],
    ['success: 201,', "success: '201',", 'routes[0].success must be one of 200, 201'],
    ['success: 201,', '', 'routes[0].success is missing'],
    ["summary: 'Pay in.',", '', 'routes[0].summary is missing'],
    ["method: 'GET'", "method: 'FETCH'", 'routes[3].method must be one of GET, POST, PUT, PATCH'],
    ["method: 'GET'", "method: 'get'", 'routes[3].method must be one of GET, POST, PUT, PATCH'],
    ['reply: RECEIPT,', '', 'routes[2].reply must be a schema: an object'],
    [`${ENTER},`, '', 'routes[1].pick is no function'],
    [ENTER, 'pick: 5', 'routes[1].pick is no function'],
    [ENTER, 'pick: async () => ({})', 'routes[1].pick is async: it answers at once'],
    [
      ENTER,
      'pick: () => ({ command: nope.add })',
      'routes[1].pick throws: ReferenceError: nope is not defined',
    ],
    [ENTER, 'pick: () => {}', 'routes[1].pick gives neither a command nor a query'],
    [
      ENTER,
      "pick: () => ({ command: 'entr' })",
      'routes[1].pick gives the command entr, and there is none',
    ],
    [
      ENTER,
      "pick: () => ({ query: 'enter' })",
      'routes[1].pick gives the query enter, and there is none',
    ],
    [
      "query: 'visit'",
      "command: 'leave'",
      'routes[3].pick gives the command leave for a GET, which changes nothing',
    ],
    ['id: ({ body }) =>', "id: 'x' ||", 'routes[1].id is no function'],
    ['id: ({ body }) =>', 'id: async ({ body }) =>', 'routes[1].id is async: it answers at once'],
    ['input: ({ body }) => body,', '', 'routes[1].input is no function'],
    [
      'input: ({ body }) => body,',
      'input: async () => ({}),',
      'routes[1].input is async: it answers at once',
    ],
    [PATH, 'path: 7', 'routes[2].path must be a string'],
    [PATH, "path: 'v1/x'", 'routes[2].path is v1/x: it has to begin with a slash'],
    [PATH, "path: '/v1/{id/x'", `routes[2].path is /v1/{id/x: ${SEGMENT}`],
    [PATH, "path: '/v1/x{id}'", `routes[2].path is /v1/x{id}: ${SEGMENT}`],
    [PATH, "path: '/v1/{}'", `routes[2].path is /v1/{}: ${SEGMENT}`],
    [PATH, "path: '/v1/a b'", `routes[2].path is /v1/a b: ${SEGMENT}`],
    [PATH, "path: '/{id}/{id}'", 'routes[2].path is /{id}/{id}: a name is in it twice'],
    [
      PATH,
      "path: '/v1/parking/visits'",
      'routes[2] is POST /v1/parking/visits, and so is routes[1]',
    ],
    [GET, "path: '/v1/parking/visits',", 'lists[0] is GET /v1/parking/visits, and so is routes[3]'],
  ]
  await refused(t, 'routes.js', loadSurfaces, cases)
})

t.test('routes.js: schemas and codes', async (t) => {
  const fields = Array.from({ length: 10 }, (_, n) => `f${n}: TEXT`).join(', ')
  const types = 'one of string, integer, number, boolean, object, array, null'
  const cases: readonly Case[] = [
    [
      MINUTES,
      MINUTES.replace('COUNT', "{ type: 'integr' }"),
      `${IN_MINUTES}.type must be ${types}`,
    ],
    [
      MINUTES,
      MINUTES.replace('COUNT', "{ $ref: '#/nowhere' }"),
      `${IN_MINUTES}.$ref is #/nowhere, which is nowhere in this schema`,
    ],
    [MINUTES, MINUTES.replace('COUNT', '5'), `${IN_MINUTES} must be an object`],
    [
      MINUTES,
      MINUTES.replace('COUNT', `COUNT, ${fields}`),
      'commands.enter.input has 13 fields: 12 at most',
    ],
    [
      'leave: { input: object({ id: NAME }) }',
      "leave: { input: { type: 'string' } }",
      'commands.leave.input.type must be "object"',
    ],
    [
      '    leave: { input: object({ id: NAME }) },\n',
      '',
      'routes[2].pick gives the command leave, and there is none',
    ],
    [
      'body: object({ id: NAME, amount: AMOUNT })',
      "body: { type: 'list' }",
      `routes[0].body.type must be ${types}`,
    ],
    [
      'reply: RECEIPT,',
      "reply: { properties: { id: { pattern: '([' } } },",
      'routes[2].reply.properties.id.pattern is no regular expression: ([',
    ],
    ['visit_exists: {', 'busy: {', "codes has busy: the core's codes of HTTP 503 are its own"],
  ]
  await refused(t, 'routes.js', loadSurfaces, cases)
})

const FILTERS = "filters: ['plate'],"
const TIMES = "times: ['enteredAt', 'leftAt'],"

t.test('routes.js: lists', async (t) => {
  const cases: readonly Case[] = [
    [
      "table: 'visits'",
      "table: 'visit'",
      'lists[0] is of the table visit, which its views.js does not have',
    ],
    [
      FILTERS,
      "filters: ['plat'],",
      'lists[0] names the field plat, which the view of visits does not have',
    ],
    [FILTERS, "filters: 'plate',", 'lists[0].filters must be a list'],
    [FILTERS, '', 'lists[0].filters is missing'],
    [
      FILTERS,
      `${FILTERS} values: { minutes: ['1'] },`,
      'lists[0] has values of minutes, which is none of its filters',
    ],
    [FILTERS, "filters: ['plate', 'plate'],", 'lists[0] has the filter plate twice'],
    [
      "plate: 'plate',",
      "plate: 'limit',",
      'lists[0] has the filter limit, which every list has as its own',
    ],
    [
      "paid: 'paid',",
      "pad: 'paid',",
      'lists[0] names the field pad, which the view of visits does not have',
    ],
    ["paid: 'paid',", "paid: 'minutes',", 'lists[0] has two columns that are shown as minutes'],
    ["paid: 'paid',", 'paid: 5,', 'lists[0].columns.paid must be a string'],
    ['columns: {', 'colums: {', 'lists[0].columns is missing'],
    [TIMES, '', 'lists[0].times is missing'],
    [TIMES, "times: ['leftA'],", 'lists[0].times has leftA, which is none of its columns'],
    [
      TIMES,
      "times: ['plate'],",
      'lists[0].times has plate, which is no integer: a time is in ms since 1970',
    ],
    [
      TIMES,
      `${TIMES} where: { field: 'no', values: ['x'] },`,
      'lists[0] names the field no, which the view of visits does not have',
    ],
    [
      TIMES,
      `${TIMES} where: { field: 'plate', values: [] },`,
      'lists[0].where.values must not be empty',
    ],
    [
      TIMES,
      `${TIMES} where: { field: 'paid', values: ['1', 'yes'] },`,
      'lists[0] wants yes of paid, which cannot have it',
    ],
    [
      "path: '/v1/parking/visits',\n      summary: 'Visits",
      "path: '/v1/{id}',\n      summary: 'Visits",
      'lists[0].path is /v1/{id}: a list has no names in braces',
    ],
  ]
  await refused(t, 'routes.js', loadSurfaces, cases)
})

t.test('views.js', async (t) => {
  const keeps = 'keepsRemoved: true,'
  const indexes = "indexes: ['plate']"
  const paid = "paid: 'integer'"
  const cases: readonly Case[] = [
    ["module: 'parking'", "module: 'park'", 'module is park, and its rules are named parking'],
    ['tables: [', 'tabls: [', 'view.tables is missing'],
    [
      "table: 'visits'",
      "table: 'visit'",
      'tables[0] is of the table visit, which its rules do not have',
    ],
    [
      paid,
      "pad: 'integer'",
      'tables[0].fields.pad is integer, and the table visits has no such field',
    ],
    [paid, "paid: 'text'", 'tables[0].fields.paid is text, and in the table visits it is integer'],
    [
      paid,
      "paid: 'float'",
      'tables[0].fields.paid is float, and in the table visits it is integer',
    ],
    [
      paid,
      "paid: 'integer?'",
      'tables[0].fields.paid is integer?, and in the table visits it is integer',
    ],
    [paid, 'paid: 5', 'tables[0].fields.paid must be a string'],
    ["key: 'id'", "key: 'plate'", 'tables[0].key is plate, and the table visits has the key id'],
    ["        id: 'text',\n", '', 'tables[0].fields has no id, which is its key or an index'],
    [keeps, "keepsRemoved: 'no',", 'tables[0].keepsRemoved must be true or false'],
    [keeps, '', 'tables[0].keepsRemoved is missing'],
    [indexes, "indexes: ['no']", 'tables[0].fields has no no, which is its key or an index'],
    [indexes, "indexes: 'plate'", 'tables[0].indexes must be a list'],
    [indexes, "indexes: ['plate', 'plate']", 'tables[0].indexes has plate twice'],
  ]
  await refused(t, 'views.js', loadViews, cases)
  await refused(t, 'views.js', loadSurfaces, cases)
})

t.test('a pick that looks at the request is not asked before there is one', async (t) => {
  const root = temporaryDirectory(t)
  const pick = "pick: ({ body }) => ({ command: body.id ? 'enter' : 'none' })"
  const folders = findModules([wrong(root, 'a', 'routes.js', ENTER, pick)])
  t.match(await loadSurfaces(folders), [{ module: 'parking' }])
})

t.test('two modules of one name', async (t) => {
  const root = temporaryDirectory(t)
  const folders = ['a', 'b'].map((name) => wrong(root, name, 'rules.js', '', ''))
  const message = `${join(folders[1] as string, 'rules.js')}: two modules have one name, parking`
  const load = (): Promise<unknown> => loadSurfaces(findModules(folders))
  await t.rejects(load(), { name: 'ModuleLoadError', message })
})

t.test('schemas that are none, and such as are', async (t) => {
  const cases: readonly (readonly [schema: unknown, defect: RegExp | undefined])[] = [
    [null, /^it must be a schema: an object\.$/],
    [[], /must be a schema/],
    [{ type: ['object', 'nul'] }, /^it\.type\.1 must be one of/],
    [{ type: [] }, /^it\.type must not be empty/],
    [{ properties: 7 }, /^it\.properties must be an object/],
    [{ properties: { a: null } }, /^it\.properties\.a must be an object/],
    [{ properties: { a: { items: [{ type: 'x' }] } } }, /^it\.properties\.a\.items\.0\.type must/],
    [{ properties: { a: { anyOf: [{}, { type: 'x' }] } } }, /\.anyOf\.1\.type must be one of/],
    [{ properties: { a: { minimum: '5' } } }, /\.minimum must be a number/],
    [{ properties: { a: { maxLength: 1.5 } } }, /\.maxLength must be a whole number/],
    [{ properties: { a: { enum: [] } } }, /\.enum must not be empty/],
    [{ required: 'a' }, /^it\.required must be a list/],
    [{ properties: { a: { $ref: 'b' } } }, /^it\.properties\.a\.\$ref is b, which is nowhere/],
    [{ properties: { a: { $ref: '#b' } } }, /is #b, which is nowhere/],
    [{ patternProperties: { '([': {} } }, /no regular expression: \(\[/],
    [{}, undefined],
    [{ properties: { a: true, b: { $ref: '#' } } }, undefined],
    [{ $defs: { 'x/y': true }, properties: { a: { $ref: '#/$defs/x~1y' } } }, undefined],
    [{ $defs: { x: { $id: 'x' } }, properties: { a: { $ref: 'x' } } }, undefined],
    [{ $defs: { x: { $anchor: 'x' } }, properties: { a: { $ref: '#x' } } }, undefined],
    [{ properties: { type: { type: 'string' }, $ref: {}, pattern: {} } }, undefined],
    [{ properties: { a: { const: { $ref: 'b' }, type: ['string', 'null'] } } }, undefined],
  ]
  for (const [schema, defect] of cases) {
    const found = objectDefect(schema, 'it')
    if (defect === undefined) t.equal(found, undefined, JSON.stringify(schema))
    else t.match(found, defect, JSON.stringify(schema))
  }
})

t.test('a server that may not start says why in one line, and is gone', async (t) => {
  const root = temporaryDirectory(t)
  const cases: readonly (readonly [File, ...Case])[] = [
    ['rules.js', TABLES, 'tables: [STAYS, null]', 'tables[1] must be an object'],
    ['routes.js', 'success: 201,', '', 'routes[0].success is missing'],
    [
      'views.js',
      "key: 'id'",
      "key: 'plate'",
      'tables[0].key is plate, and the table visits has the key id',
    ],
    ['routes.js', PATH, "path: '/v1/transfers'", ''],
  ]
  for (const [n, [file, from, to, fault]] of cases.entries()) {
    const folder = wrong(root, String(n), file, from, to)
    const data = join(root, `data-${n}`)
    const args = ['serve', '--data-dir', data, '--listen', '127.0.0.1:0', ...SMALL]
    const { exitCode, stderr } = await runCommand([...args, '--modules', folder])
    const taken =
      'routes.js of the module parking: POST /v1/transfers is there already, in the core'
    const said = fault === '' ? taken : `${join(folder, file)}: ${fault}`
    t.same({ exitCode, stderr }, { exitCode: 2, stderr: `holdfast: ${said}\n` })
  }
})
