// The repository is tidy, and each rule finds what it is there to find.

import t from 'tap'
import { tidyLimits, tidyStatuses } from './support/tidy-docs.ts'
import { tidySource } from './support/tidy-source.ts'
import { format, tidy, tidySockets } from './tidy.ts'

const HEAD = '// What the file is.\n'

t.test('the repository', async (t) => {
  t.strictSame(tidy(process.cwd()).map(format), [])
})

t.test('what is found in sources', async (t) => {
  const cases: readonly (readonly [path: string, text: string, rule: string | undefined])[] = [
    ['engine/x.ts', "import { a } from '../protocol/index.ts'", undefined],
    ['engine/x.ts', "import { a } from '../protocol/words.ts'", 'only protocol/index.ts'],
    ['engine/x.ts', "import { a } from '../journal/index.ts'", 'must not import journal'],
    ['engine/x.ts', "import { a } from 'node:fs'", 'protocol alone'],
    ['gateway/x.ts', "export { a } from '../runtime/index.ts'", 'must not import runtime'],
    ['bench/x.ts', "const a = await import('../cli/program.ts')", 'must not import cli'],
    ['runtime/x.ts', "import { a } from '../engine/index.ts'", undefined],
    ['journal/x.ts', "import { a } from '../engine/index.ts'", 'must not import engine'],
    ['protocol/x.ts', "import a from 'pino'", "but Node's own modules"],
    ['engine/x.ts', 'const now = Date.now()', 'no Date'],
    ['engine/x.ts', 'const row = { Date: 1 }', undefined],
    ['engine/x.ts', 'const x = Math.random()', 'no Math.random'],
    ['engine/x.ts', 'const x = Math.floor(1)', undefined],
    ['engine/x.ts', 'const x = Math.log(2)', 'no Math.log'],
    ['engine/x.ts', 'const x = 2 ** 3', 'no **'],
    ['engine/x.ts', 'export async function f() { await g() }', 'no await'],
    ['engine/x.ts', 'const x = [2, 1].sort()', 'without a comparator'],
    ['engine/x.ts', 'const x = [2, 1].sort((a, b) => a - b)', undefined],
    ['engine/x.ts', "const x = 'a'.localeCompare('b')", 'no localeCompare'],
    ['engine/x.ts', "const x = (1).toLocaleString('de')", 'no toLocaleString'],
    ['engine/x.ts', 'const x = process.pid', 'no process'],
    ['engine/x.ts', 'const x = performance.now()', 'no performance'],
    ['systems/calls/rules.ts', 'const x = new Date()', 'no Date'],
    ['systems/calls/billing.ts', 'const x = Math.random()', 'no Math.random'],
    ['systems/calls/starts.ts', 'export async function f() { await g() }', 'no await'],
    ['systems/calls/starts.ts', "import type { A } from '../../engine/index.ts'", undefined],
    ['systems/calls/starts.ts', "import { a } from '../../engine/index.ts'", 'types alone'],
    ['systems/calls/starts.ts', "import { a } from 'node:fs'", 'protocol alone'],
    ['systems/calls/starts.ts', "import type { A } from './schemas.ts'", undefined],
    ['systems/calls/starts.ts', "import { a } from './schemas.ts'", 'types alone of systems'],
    ['systems/calls/starts.ts', "import { a } from '../shop/rules.ts'", 'must not import'],
    ['systems/calls/starts.ts', "import type { A } from '../../gateway/index.ts'", 'must not'],
    ['systems/calls/schemas.ts', "import { Type } from 'typebox'", undefined],
    ['systems/calls/routes.ts', 'const x = new Date()', undefined],
    ['gateway/x.ts', "import { a } from '../systems/calls/routes.ts'", 'must not import'],
    ['journal/x.ts', 'const x = new Date()', undefined],
    ['journal/x.ts', "console.log('x')", 'console'],
    ['journal/x.ts', "process.stdout.write('x')", 'only cli/'],
    ['cli/x.ts', "process.stdout.write('x')", undefined],
    ['journal/x.ts', 'debugger', 'debugger'],
    ['journal/x.ts', `// TO${'DO'}: later`, 'unfinished'],
    ['test/x.test.ts', "t.skip('x')", 'left out'],
    ['journal/x.ts', `${'\n'.repeat(401)}`, '400 lines'],
    ['journal/x.ts', `function f() {${'\n'.repeat(71)}}`, '70 lines'],
  ]
  for (const [path, text, rule] of cases) {
    const rules = tidySource({ path, text: HEAD + text }).map((finding) => finding.rule)
    const label = `${path}: ${text.trim().slice(0, 60)}`
    if (rule === undefined) t.strictSame(rules, [], label)
    else t.ok(rules.length === 1 && rules[0]?.includes(rule), `${label} -> ${rules.join('; ')}`)
  }
  const headless = tidySource({ path: 'journal/x.ts', text: 'const a = 1\n' })
  t.strictSame(headless.map(format), [
    'journal/x.ts:1: the first line says what the file is and is not',
  ])
})

t.test('what is found in the gateway', async (t) => {
  const touching = { path: 'gateway/a.ts', text: 'function f(r: HttpResponse, w: WebSocket<X>) {}' }
  const other = { path: 'gateway/b.ts', text: '// Never touches HttpResponse or WebSocket<X>.\n' }
  t.equal(tidySockets([touching, other]).length, 0)
  t.equal(tidySockets([touching, { ...touching, path: 'gateway/c.ts' }]).length, 4)
  t.equal(tidySockets([other]).length, 2)
})

t.test('what is found in documents', async (t) => {
  const rulesOf = (findings: readonly { rule: string }[]) => findings.map(({ rule }) => rule)
  const statuses = '### ok\n\nNumber 0. HTTP 201. Remembered.\n\nDone.\n\n### fine\n'
  const statusRules = rulesOf(tidyStatuses({ path: 'docs/statuses.md', text: statuses }))
  t.ok(statusRules.includes('ok: the line must be "Number 0. HTTP 200. Remembered."'))
  t.ok(statusRules.includes('no status is called fine'))
  t.ok(statusRules.includes('the status busy has no section'))
  const limits = '| `ID_BYTES_MAX` | 255 | x |\n| `windowMs` | 1 | 2 | x |\n| `OTHER` | 1 | x |\n'
  const limitRules = rulesOf(tidyLimits({ path: 'docs/limits.md', text: limits }))
  t.ok(limitRules.includes('ID_BYTES_MAX: the row must say 256'))
  t.ok(limitRules.includes('windowMs: the row must say 60,000 | 3,600,000'))
  t.ok(limitRules.includes('no limit is called OTHER'))
  t.ok(limitRules.includes('the limit LEDGER_MAX has no row'))
})
