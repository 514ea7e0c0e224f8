// Steps that every implementation of `Holdfast` is held to with the small module loaded. Ids are those
// that HTTP would give, so that the three mean the same commands.

import { type Holdfast, id } from '../../client/index.ts'
import { type Step, step } from './holdfast-steps.ts'
import { THROWS_AT } from './small-module/rules.ts'

const PENNY = { jar: 'a', kind: 'penny' } as const

/** `count` pennies into the jar under HTTP's id. */
function add(hf: Holdfast, own: string, count: unknown, more = {}): Promise<unknown> {
  const options = { id: `jars/add/${PENNY.jar}/${own}` }
  return hf.command('jars', 'add', { ...PENNY, count, ...more }, options)
}

function invalid(what: string, detail: RegExp, call: Step['call']): Step {
  return step(what, call, { code: 'invalid_request', detail })
}

/** See the head of this file. */
export const MODULE_STEPS: readonly Step[] = [
  step(
    'open a jar',
    (hf) => hf.command('jars', 'open', { jar: 'a', size: 50 }, { id: 'jars/open/a' }),
    { code: 'ok', id: 'a', coins: 0, size: 50, commandId: 'jars/open/a', replayed: false },
  ),
  step('add to it', (hf) => add(hf, '1', 20), { code: 'ok', coins: 20, room: 30, kind: 'penny' }),
  step('add again', (hf) => add(hf, '1', 20), { code: 'ok', coins: 20, replayed: true }),
  step('another count', (hf) => add(hf, '1', 21), {
    code: 'exists_with_different_count',
    replayed: false,
  }),
  step('a note that was not there', (hf) => add(hf, '1', 20, { note: 'n' }), {
    code: 'exists_with_different_note',
  }),
  step('without an id', (hf) => hf.command('jars', 'add', { ...PENNY, count: 1 }), { coins: 21 }),
  step('and once more', (hf) => hf.command('jars', 'add', { ...PENNY, count: 1 }), { coins: 22 }),
  step('too many', (hf) => add(hf, '2', 29), { code: 'jar_full', room: 28, replayed: false }),
  step('too many again', (hf) => add(hf, '2', 29), { code: 'jar_full', room: 28, replayed: true }),
  step('a handler that throws', (hf) => add(hf, '3', THROWS_AT), { code: 'module_failed' }),
  step('no such jar', (hf) => hf.query('jars', 'jar', { jar: 'none' }), { code: 'jar_not_found' }),
  step('the jar', (hf) => hf.query('jars', 'jar', { jar: 'a' }), {
    code: 'ok',
    id: 'a',
    coins: 22,
    size: 50,
    label: null,
  }),
  step('a dry run', (hf) => hf.query('jars', 'would_add', { ...PENNY, count: 5 }), { coins: 27 }),
  step(
    'a text with all sorts of letters',
    (hf) => hf.command('jars', 'label', { jar: 'a', label: 'Zoë "☎"' }, { id: KEY }),
    { code: 'ok', label: 'Zoë "☎"' },
  ),
  step(
    'the same text in another spelling',
    (hf) => hf.command('jars', 'label', { jar: 'a', label: 'Zoe\u0308 "☎"' }, { id: KEY }),
    { code: 'ok', label: 'Zoë "☎"', replayed: true },
  ),
  step('calls at once', (hf) => Promise.all([1, 2, 3].map((n) => add(hf, `p${n}`, n))), [
    { code: 'ok', coins: 23 },
    { code: 'ok', coins: 25 },
    { code: 'ok', coins: 28 },
  ]),
  step('an account of a module', (hf) => hf.freeze({ id: 'own', account: 'jars/jar/a' }), {
    code: 'owned_by_module',
  }),
  step('is there to be seen', (hf) => hf.account('jars/jar/a'), { code: 'ok', ledger: 7 }),
  step('more jars than may be', openMany, { code: 'module_full' }),
  invalid('a field that is missing', /^count is missing/, (hf) => add(hf, '9', undefined)),
  invalid('a field of another type', /^count must be a whole number/, (hf) => add(hf, '9', '5')),
  invalid('a fraction', /^count /, (hf) => add(hf, '9', 0.5)),
  invalid('too small', /^count must be at least 1/, (hf) => add(hf, '9', 0)),
  invalid('a field too many', /^cuont is not a field/, (hf) => add(hf, '9', 1, { cuont: 1 })),
  invalid('half a character', /surrogate|UTF-8/, (hf) => add(hf, '9', 1, { note: 'a\ud800' })),
  invalid('too long', /1024 at most/, (hf) => add(hf, '9', 1, { note: 'n'.repeat(1_100) })),
  step('after all of it', (hf) => hf.query('jars', 'jar', { jar: 'a' }), { coins: 28 }),
]

const KEY = id('jars/label/key/k1')

async function openMany(hf: Holdfast): Promise<unknown> {
  for (let i = 0; ; i++) {
    const result = await hf.command('jars', 'open', { jar: `j${i}` }, { id: `jars/open/j${i}` })
    if (result.code !== 'ok') return result
  }
}
