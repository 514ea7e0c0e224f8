// Calls that no program can have meant, for the suite over every implementation of `Holdfast`.

import type { Command, Holdfast } from '../../client/index.ts'
import { MOVE } from './holdfast-steps.ts'

const T: Command = { type: 'transfer', ...MOVE, amount: 1 }

/** Calls that no program can have meant, with the class and the field of the error. */
export const BAD_CALLS: readonly (readonly [
  type: 'TypeError' | 'RangeError',
  field: RegExp,
  call: (hf: Holdfast) => Promise<unknown>,
])[] = [
  ['RangeError', /^amount must be at least 1/, (hf) => hf.transfer({ ...MOVE, amount: 0 })],
  ['RangeError', /^amount must be at most/, (hf) => hf.transfer({ ...MOVE, amount: 2 ** 52 })],
  ['RangeError', /^amount /, (hf) => hf.transfer({ ...MOVE, amount: 1.5 })],
  [
    'TypeError',
    /^amount must be a whole number/,
    (hf) => hf.transfer(as({ ...MOVE, amount: '1' })),
  ],
  ['TypeError', /^amount is missing/, (hf) => hf.transfer(as({ ...MOVE }))],
  [
    'TypeError',
    /^debitAccount is missing/,
    (hf) => hf.reserve(as({ creditAccount: 'a', amount: 1 })),
  ],
  [
    'TypeError',
    /^debitAccount must be a string/,
    (hf) => hf.reserve(as({ ...MOVE, debitAccount: 1, amount: 1 })),
  ],
  ['RangeError', /^id must not be empty/, (hf) => hf.transfer({ id: '', ...MOVE, amount: 1 })],
  [
    'RangeError',
    /^id must have at most/,
    (hf) => hf.transfer({ id: 'é'.repeat(129), ...MOVE, amount: 1 }),
  ],
  [
    'RangeError',
    /^id has a lone surrogate/,
    (hf) => hf.transfer({ id: 'a\ud800', ...MOVE, amount: 1 }),
  ],
  [
    'RangeError',
    /^id must not be the nil/,
    (hf) => hf.openAccount({ id: '00000000-0000-0000-0000-000000000000', ledger: 1 }),
  ],
  [
    'RangeError',
    /^group must not be the max/,
    (hf) => hf.reserve({ ...MOVE, amount: 1, group: 'ffffffff-ffff-ffff-ffff-ffffffffffff' }),
  ],
  ['RangeError', /^ledger must be at least 1/, (hf) => hf.openAccount({ ledger: 0 })],
  [
    'TypeError',
    /^external must be true or false/,
    (hf) => hf.openAccount(as({ ledger: 1, external: 1 })),
  ],
  ['TypeError', /^amout is not a field/, (hf) => hf.transfer(as({ ...MOVE, amout: 1, amount: 1 }))],
  ['TypeError', /an amount, a timeoutMs or both/, (hf) => hf.extend({ reservation: 'r' })],
  ['TypeError', /^metadata/, (hf) => hf.openAccount(as({ ledger: 1, metadata: 'x' }))],
  [
    'TypeError',
    /^metadata\.a must be a string/,
    (hf) => hf.openAccount(as({ ledger: 1, metadata: { a: 1 } })),
  ],
  [
    'RangeError',
    /^metadata has \d+ bytes/,
    (hf) => hf.openAccount({ ledger: 1, metadata: { a: 'x'.repeat(500) } }),
  ],
  [
    'RangeError',
    /^metadata has more than/,
    (hf) => hf.openAccount({ ledger: 1, metadata: entries(100) }),
  ],
  [
    'TypeError',
    /^commands\[1\]\.type must be one of/,
    (hf) => hf.submit([T, as({ type: 'reserv' })]),
  ],
  [
    'RangeError',
    /^commands\[1\]\.amount must be at least/,
    (hf) => hf.submit([T, { ...T, amount: -1 }]),
  ],
  ['TypeError', /^commands\[0\]\.x is not a field/, (hf) => hf.submit([as({ ...T, x: 1 })])],
  ['TypeError', /^commands must be a list/, (hf) => hf.submit(as('x'))],
]

/** A value that TypeScript would not let through. */
function as<Wanted>(value: unknown): Wanted {
  return value as Wanted
}

function entries(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, '']))
}
