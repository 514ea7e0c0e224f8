// Which modules an engine has, and which it may go on with: rules, versions, names; finding and importing
// modules; one in the threads of a server. What modules do is in modules.test.ts.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import type { Module } from '../engine/index.ts'
import {
  findModules,
  loadRules,
  loadSurfaces,
  loadViews,
  open,
  replayJournal,
} from '../runtime/index.ts'
import { deskDo, oneCommand, readyDesk } from './support/desk-commands.ts'
import { CARDS, desk } from './support/desk-module.ts'
import { ModuleEngine, stateOf } from './support/module-engine.ts'

t.test('rules: what others decided is not gone on with', async (t) => {
  const engine = readyDesk()
  const next = { ...desk, version: 2 }
  const extra = oneCommand(() => ({ code: 'ok' }))
  t.match(engine.faultOf([]), { kind: 'rules', sequence: 1, message: /desk@1, and here are none/ })
  t.match(engine.faultOf([next]), { kind: 'rules', message: /desk@1, and here are desk@2/ })
  t.equal(engine.replayed([desk, extra]).digest, engine.engine.digest, 'one more decides nothing')
  t.equal(stateOf(engine.replayed([extra, desk])), stateOf(engine.engine))
  // From a state at its end other rules may go on, but not before a start says so.
  engine.restart([next])
  t.match(engine.query('desk', 'card', ['id'], { id: 'c1' }), { code: 'malformed' })
  const frame = engine.frame([deskDo('x', 'fund', { id: 'c1', amount: 1 })])
  t.throws(() => engine.engine.applyFrame(frame, 0, true), /decided with the modules desk@1/)
  engine.restart([next])
  engine.apply(['configure'])
  t.match(engine.run(deskDo('x', 'fund', { id: 'c1', amount: 1 })).reply, { balance: 101 })
  t.throws(() => engine.restart([extra]), /and here are one@1/, 'there are rows of the desk')
})

t.test('modules that are none', async (t) => {
  const wrong: readonly (readonly [RegExp, readonly Module[]])[] = [
    [/a module is named Desk/, [{ ...desk, name: 'Desk' }]],
    [/the version 0/, [{ ...desk, version: 0 }]],
    [/two modules have one name/, [desk, { ...desk, version: 2 }]],
    [/two tables of one name/, [{ ...desk, tables: [CARDS, { ...CARDS }] }]],
  ]
  for (const [message, modules] of wrong) t.throws(() => new ModuleEngine(modules), { message })
  const many = Array.from({ length: 40 }, (_, n) =>
    oneCommand(() => ({ code: 'ok' }), { name: `a-name-of-thirty-characters-${n + 10}` }),
  )
  t.throws(() => new ModuleEngine(many), { message: /take 1320 bytes: 1024 at most/ })
})

function temporary(t: { teardown(work: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-modules-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A module's folder with these files. */
function folderWith(root: string, name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(root, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  return folder
}

/** A module that counts, and that fails when it is told to. */
function counterRules(version: number): string {
  return `
    const TABLE = {
      name: 'counts', fields: { id: 'text', n: 'integer' }, key: 'id', rowsMax: 10,
    }
    function add(ctx, { id, n }) {
      const table = ctx.table(TABLE)
      if (n === 13) throw new Error('thirteen')
      const row = table.get(id)
      const next = row === undefined ? table.insert({ id, n }) : table.update(id, { n: row.n + n })
      ctx.timers.set('reset', id, ctx.now + 3_600_000)
      return { code: 'ok', n: next.n }
    }
    function get(ctx, { id }) {
      return { code: 'ok', n: ctx.table(TABLE).get(id)?.n ?? 0 }
    }
    export const rules = {
      name: 'counter', version: ${version}, tables: [TABLE],
      commands: { add }, queries: { get }, timers: { reset() {} },
    }`
}

const COUNTER_ROUTES = `
  const fields = { id: { type: 'string' }, n: { type: 'integer' } }
  const schema = (properties) => ({
    type: 'object', properties, required: Object.keys(properties), additionalProperties: false,
  })
  export const surface = {
    module: 'counter', commands: { add: { input: schema(fields) } },
    queries: { get: { input: schema({ id: fields.id }) } }, codes: {}, routes: [], lists: [],
  }`

t.test('modules are found by name, path, URL and package', async (t) => {
  const root = temporary(t)
  const files = { 'rules.js': counterRules(1), 'routes.js': COUNTER_ROUTES }
  const folder = folderWith(root, 'counter', files)
  const { href } = pathToFileURL(`${folder}/`)
  t.match(findModules(['calls']), [/\/systems\/calls\/$/])
  t.same(findModules([folder]), [href])
  t.same(findModules([href]), [href])
  const before = process.cwd()
  t.teardown(() => process.chdir(before))
  process.chdir(root)
  mkdirSync(join(root, 'node_modules'))
  symlinkSync(folder, join(root, 'node_modules', 'counter'))
  t.same(findModules(['./counter']), [href])
  t.match(findModules(['counter']), [/\/counter\/$/])
  t.throws(() => findModules(['./nothing']), { name: 'ModuleLoadError', message: /no rules\.js/ })
  t.throws(() => findModules(['nobody/here']), /there is no module nobody\/here/)
  t.throws(() => findModules(['./counter', folder]), /is given twice/)
  t.match(await loadRules([href]), [{ name: 'counter' }])
  t.same(await loadViews([href]), [], 'it has no views')
  const empty = folderWith(root, 'empty', { 'rules.js': 'export const rule = {}' })
  await t.rejects(loadRules(findModules([empty])), /rules\.js does not export rules/)
  const broken = folderWith(root, 'broken', { 'rules.js': 'import "./no.js"' })
  await t.rejects(loadRules(findModules([broken])), /rules\.js cannot be imported/)
})

t.test('what a module exports is looked at when it is loaded', async (t) => {
  const root = temporary(t)
  const rules =
    "export const rules = { name: 'odd', version: 1, tables: [], queries: {}, timers: {}"
  const surface = "export const surface = { module: 'odd', queries: {}, routes: [], lists: []"
  const good = `${rules}, commands: { go: () => ({ code: 'ok' }) } }`
  const input = "commands: { go: { input: { type: 'object' } } }"
  const wrong: readonly (readonly [rules: string, routes: string, fault: RegExp])[] = [
    [`${rules} }`, '', /odd0\/rules\.js: commands is to be an object/],
    [`${rules}, commands: { go: 5 } }`, '', /commands\.go is no function/],
    [
      `${rules}, commands: { async go() {} } }`,
      '',
      /commands\.go is async: a handler decides at once/,
    ],
    [`${rules}, commands: {}, tables: {} }`, '', /tables is to be a list/],
    [good, `${surface}, codes: {} }`, /routes\.js: commands is to be an object/],
    [good, `${surface}, codes: {}, commands: { go: {} } }`, /commands\.go has no input/],
    [good, `${surface}, codes: {}, commands: { no: { input: {} } } }`, /have no commands\.no/],
    [good, `${surface}, ${input} }`, /codes is to be an object/],
    [good, `${surface}, ${input}, codes: { x: { status: 200, title: 'X.' } } }`, /from 400 to 599/],
    [
      good,
      `${surface}, ${input}, codes: { 'X!': { status: 409, title: 'X.' } } }`,
      /codes has "X!"/,
    ],
    [good, `${surface}, ${input}, codes: { x: { status: 409 } } }`, /codes\.x has no title/],
    [good, `${surface}, ${input}, codes: { x: null } }`, /codes\.x is to be an object/],
    [good, `${surface}, ${input}, codes: {}, lists: 1 }`, /lists is to be a list/],
    [good, `${surface}, ${input}, codes: {}, module: 'even' }`, /module is even, and its rules/],
  ]
  for (const [n, [rulesText, routesText, fault]] of wrong.entries()) {
    const files = { 'rules.js': rulesText, 'routes.js': routesText }
    const folders = findModules([folderWith(root, `odd${n}`, files)])
    const load: (folders: readonly string[]) => Promise<unknown> =
      routesText === '' ? loadRules : loadSurfaces
    await t.rejects(load(folders), { name: 'ModuleLoadError', message: fault })
  }
  const files = { 'rules.js': good, 'routes.js': `${surface}, ${input}, codes: {} }` }
  const folders = findModules([folderWith(root, 'even', files)])
  t.match(await loadSurfaces(folders), [{ module: 'odd' }])
})

t.test('a promise that a module leaves behind ends no process', async (t) => {
  const folder = folderWith(temporary(t), 'stray', {
    'rules.js': `const go = () => { Promise.reject(new Error('stray')); return { code: 'ok' } }
      export const rules = { name: 'stray', version: 1, tables: [], queries: {}, timers: {}, commands: { go } }`,
  })
  const url = new URL('../runtime/index.js', import.meta.url)
  const run = (after: string): string[] => [
    '--input-type=module',
    '--eval',
    `const { findModules, loadRules } = await import('${url}')
     const [{ commands }] = await loadRules(findModules(['${folder}']))
     ${after}; setTimeout(() => console.log('goes on'), 50)`,
  ]
  const left = spawnSync(process.execPath, run('commands.go()'), { encoding: 'utf8' })
  t.match(left, { status: 0, stdout: 'goes on\n', stderr: /a module left a promise.*stray/ })
  const ours = spawnSync(process.execPath, run("Promise.reject(new Error('ours'))"), {
    encoding: 'utf8',
  })
  t.match(ours, { status: 1, stdout: '', stderr: /Error: ours/ })
})

t.test('a module in the threads of a server, over a restart, and offline', async (t) => {
  const root = temporary(t)
  const files = { 'rules.js': counterRules(1), 'routes.js': COUNTER_ROUTES }
  const modules = [folderWith(root, 'counter', files)]
  const dataDir = join(root, 'data')
  const capacities = { accountsMax: 64, reservationsMax: 1_024, outcomesMax: 4_096 }
  const problems: string[] = []
  const onProblem = (sentence: string) => problems.push(sentence)
  const first = await open({ dataDir, capacities, modules, onProblem })
  t.match(await first.command('counter', 'add', { id: 'a', n: 2 }), { code: 'ok', n: 2 })
  const failed = await first.command('counter', 'add', { id: 'a', n: 13 })
  t.equal(failed.code, 'module_failed')
  await first.close()
  t.match(problems, [/a module failed: counter\/add: Error: thirteen/])

  const second = await open({ dataDir, capacities, modules })
  t.match(await second.command('counter', 'add', { id: 'a', n: 3 }), { code: 'ok', n: 5 })
  t.match(await second.query('counter', 'get', { id: 'a' }), { code: 'ok', n: 5 })
  await second.close()

  const rules = await loadRules(findModules(modules))
  const { engine } = replayJournal({ dataDir, modules: rules })
  t.equal(engine.moduleRowCount, 1)
  t.throws(
    () => replayJournal({ dataDir }),
    /decided with the modules counter@1, and here are none: give --modules .* the journal names$/,
    'no snapshot helps where a module is missing',
  )
  await t.rejects(open({ dataDir, capacities }), { name: 'EngineFault', kind: 'rules' })
  const newer = [folderWith(root, 'newer', { ...files, 'rules.js': counterRules(2) })]
  await t.rejects(
    open({ dataDir, capacities, modules: newer }),
    /and here are counter@2: give --modules .*snapshot at the journal's end, made with the old one$/,
  )
})
