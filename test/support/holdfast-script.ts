// What every implementation of `Holdfast` has to do, as a script: calls in order, each with what must
// come of it. Runs over the embedded engine, the stream and HTTP alike.

import { type Command, type Holdfast, id, newId } from '../../client/index.ts'
import { AMOUNT_MAX, GROUP_RESERVATIONS_MAX } from '../../protocol/index.ts'

/** One call, and the part of its result that must be so. */
export interface Step {
  readonly what: string
  readonly call: (hf: Holdfast) => Promise<unknown>
  readonly expected: unknown
}

/** Small enough that every table can be filled. */
export const SCRIPT_CAPACITIES = {
  accountsMax: 64,
  ledgersMax: 4,
  reservationsMax: 2_400,
  groupsMax: 4,
  outcomesMax: 4_096,
  accountNameBytesMax: 65_536,
} as const

const FIXED = '0190d6a2-5b7c-7cc1-8d4e-2f1a9b3c5d7e'
const CAPITAL = '0190D6A2-5B7C-7CC1-8D4E-2F1A9B3C5D7F'
const MOVE = { debitAccount: 'acme', creditAccount: 'bank' }
const metadata = JSON.parse('{"purpose":"test","__proto__":"kept","Zoë":"\\u00e9"}')

function step(what: string, call: Step['call'], expected: unknown): Step {
  return { what, call, expected }
}

/** A call whose refusal has no numbers. */
function refused(what: string, code: string, call: Step['call']): Step {
  return step(what, call, { code, retryable: code.endsWith('_full') })
}

const ACCOUNTS: readonly Step[] = [
  step('open', (hf) => hf.openAccount({ id: 'bank', ledger: 1, external: true }), {
    id: 'bank',
    commandId: 'bank',
    code: 'ok',
    external: true,
    replayed: false,
    accounts: [{ id: 'bank', balance: 0 }],
  }),
  step(
    'open with all fields',
    (hf) => hf.openAccount({ id: 'acme', ledger: 1, creditLimit: 50, history: true, metadata }),
    { id: 'acme', creditLimit: 50, available: 50, history: true, metadata },
  ),
  step('open under a UUID', (hf) => hf.openAccount({ id: FIXED, ledger: 1 }), { id: FIXED }),
  step('a UUID in capitals', (hf) => hf.openAccount({ id: CAPITAL, ledger: 1 }), { id: CAPITAL }),
  step('open without an id', (hf) => hf.openAccount({ ledger: 2 }), { code: 'ok', ledger: 2 }),
  step('a name with all sorts of letters', (hf) => hf.openAccount({ id: 'Zoë/1 ☎', ledger: 1 }), {
    id: 'Zoë/1 ☎',
  }),
  step('open again', (hf) => hf.openAccount({ id: 'bank', ledger: 1, external: true }), {
    code: 'ok',
    replayed: true,
    accounts: undefined,
  }),
  step('set a limit', (hf) => hf.setCreditLimit({ id: 'l1', account: 'acme', value: 60 }), {
    id: 'acme',
    commandId: 'l1',
    creditLimit: 60,
    metadata,
  }),
  step('freeze', (hf) => hf.freeze({ account: 'acme' }), { id: 'acme', frozen: true }),
  refused('a debit of a frozen account', 'account_frozen', (hf) =>
    hf.transfer({ ...MOVE, amount: 1 }),
  ),
  step('unfreeze', (hf) => hf.unfreeze({ id: 'u1', account: id('acme') }), { frozen: false }),
  step('an account', (hf) => hf.account('acme'), { code: 'ok', id: 'acme', metadata }),
  step('an account by its Id', (hf) => hf.account(id(FIXED)), { code: 'ok', id: FIXED }),
  refused('no such account', 'account_not_found', (hf) => hf.account('nobody')),
  refused('a change of none', 'account_not_found', (hf) => hf.freeze({ account: 'nobody' })),
  step('open one to close', (hf) => hf.openAccount({ id: 'shut', ledger: 1 }), { code: 'ok' }),
  step('close', (hf) => hf.closeAccount({ id: 'c1', account: 'shut' }), { closed: true }),
  refused('a closed one', 'account_closed', (hf) => hf.freeze({ account: 'shut' })),
]

const MOVES: readonly Step[] = [
  step(
    'transfer',
    (hf) => hf.transfer({ id: 't1', debitAccount: 'bank', creditAccount: 'acme', amount: 1_000 }),
    {
      id: 't1',
      debitAccount: 'bank',
      creditAccount: 'acme',
      amount: 1_000,
      moved: 1_000,
      accounts: [
        { id: 'bank', balance: -1_000 },
        { id: 'acme', balance: 1_000, available: 1_060 },
      ],
    },
  ),
  step(
    'the same again',
    (hf) => hf.transfer({ id: 't1', debitAccount: 'bank', creditAccount: 'acme', amount: 1_000 }),
    { id: 't1', code: 'ok', moved: 1_000, replayed: true, accounts: undefined },
  ),
  step('at most', (hf) => hf.transfer({ id: 't2', ...MOVE, amount: 9_000, atMost: true }), {
    moved: 1_060,
  }),
  step('nothing left', (hf) => hf.transfer({ id: 't3', ...MOVE, amount: 5 }), {
    code: 'insufficient_funds',
    available: 0,
    commandId: 't3',
    retryable: false,
    replayed: false,
  }),
  step('a decline again', (hf) => hf.transfer({ id: 't3', ...MOVE, amount: 5 }), {
    code: 'insufficient_funds',
    replayed: true,
    available: undefined,
  }),
  step(
    'top up',
    (hf) => hf.transfer({ debitAccount: 'bank', creditAccount: 'acme', amount: 10_060 }),
    { code: 'ok' },
  ),
  step('a transfer tried out', (hf) => hf.transfer({ ...MOVE, amount: 7 }, { dryRun: true }), {
    code: 'ok',
    dryRun: true,
    moved: 7,
    sequence: undefined,
    asOf: {},
  }),
  step(
    'a reserve tried out',
    (hf) => hf.reserve({ ...MOVE, amount: 7, timeoutMs: 60_000 }, { dryRun: true }),
    { code: 'ok', dryRun: true, state: 'held', remaining: 7, accounts: [{ held: 7 }, {}] },
  ),
  step('a refusal tried out', (hf) => hf.reserve({ ...MOVE, amount: 99_999 }, { dryRun: true }), {
    code: 'insufficient_funds',
    dryRun: true,
    available: 10_060,
  }),
  refused('with itself', 'accounts_must_differ', (hf) =>
    hf.transfer({ debitAccount: 'bank', creditAccount: 'bank', amount: 1 }),
  ),
  refused('from nobody', 'debit_account_not_found', (hf) =>
    hf.transfer({ debitAccount: 'nobody', creditAccount: 'bank', amount: 1 }),
  ),
  refused('to nobody', 'credit_account_not_found', (hf) =>
    hf.transfer({ debitAccount: 'bank', creditAccount: 'nobody', amount: 1 }),
  ),
  refused('from a closed one', 'debit_account_closed', (hf) =>
    hf.transfer({ debitAccount: 'shut', creditAccount: 'bank', amount: 1 }),
  ),
  refused('to a closed one', 'credit_account_closed', (hf) =>
    hf.transfer({ debitAccount: 'bank', creditAccount: 'shut', amount: 1 }),
  ),
  step('open in another ledger', (hf) => hf.openAccount({ id: 'other', ledger: 2 }), { ledger: 2 }),
  refused('between ledgers', 'ledgers_must_match', (hf) =>
    hf.transfer({ debitAccount: 'bank', creditAccount: 'other', amount: 1 }),
  ),
  refused('beyond what is counted', 'overflow', (hf) =>
    hf.transfer({ debitAccount: 'bank', creditAccount: 'acme', amount: AMOUNT_MAX }),
  ),
  step('a limit below what is in use', (hf) => hf.transfer({ ...MOVE, amount: 10_020 }), {
    code: 'ok',
  }),
  step('is refused', (hf) => hf.setCreditLimit({ account: 'acme', value: 1 }), {
    code: 'limit_in_use',
    minimum: 20,
  }),
  refused('a close of what is in use', 'account_in_use', (hf) =>
    hf.closeAccount({ account: 'acme' }),
  ),
  step(
    'top up again',
    (hf) => hf.transfer({ debitAccount: 'bank', creditAccount: 'acme', amount: 100_020 }),
    { code: 'ok' },
  ),
]

/** Here, where every run has done the same. */
const AUDIT = step('audit', (hf) => hf.audit(), {
  code: 'ok',
  openReservations: 0,
  ledgers: [{ ledger: 1, turnover: '122160', held: 0 }, { ledger: 2 }],
})

const RESERVATIONS: readonly Step[] = [
  step('reserve', (hf) => hf.reserve({ id: 'r1', ...MOVE, amount: 400, timeoutMs: 600_000 }), {
    id: 'r1',
    ...MOVE,
    state: 'held',
    amount: 400,
    remaining: 400,
    moved: 400,
    accounts: [
      { id: 'acme', held: 400, available: 99_660 },
      { id: 'bank', incoming: 400 },
    ],
  }),
  step(
    'settle a part',
    (hf) => hf.settle({ id: 's1', reservation: 'r1', amount: 100, final: false }),
    {
      id: 'r1',
      commandId: 's1',
      ...MOVE,
      state: 'held',
      settled: 100,
      remaining: 300,
      accounts: [{ id: 'acme' }, { id: 'bank' }],
    },
  ),
  step(
    'the same again',
    (hf) => hf.settle({ id: 's1', reservation: 'r1', amount: 100, final: false }),
    {
      id: 'r1',
      moved: 100,
      replayed: true,
      accounts: undefined,
    },
  ),
  step('release a part', (hf) => hf.release({ reservation: id('r1'), amount: 50 }), {
    released: 50,
    remaining: 250,
  }),
  step('extend', (hf) => hf.extend({ reservation: 'r1', amount: 10, timeoutMs: 1_000 }), {
    amount: 410,
    remaining: 260,
  }),
  step('too much', (hf) => hf.settle({ reservation: 'r1', amount: 261 }), {
    code: 'exceeds_reservation',
    remaining: 260,
  }),
  step('a reservation', (hf) => hf.reservation('r1'), { code: 'ok', ...MOVE, remaining: 260 }),
  step('settle the rest', (hf) => hf.settle({ reservation: 'r1' }), {
    state: 'settled',
    settled: 360,
    moved: 260,
  }),
  step('settled', (hf) => hf.settle({ reservation: 'r1' }), {
    code: 'already_settled',
    state: 'settled',
  }),
  step('reserve to release', (hf) => hf.reserve({ id: 'r2', ...MOVE, amount: 9 }), {
    expiresAt: null,
  }),
  refused('what has no timeout', 'no_timeout', (hf) =>
    hf.extend({ reservation: 'r2', timeoutMs: 5 }),
  ),
  step('release', (hf) => hf.release({ reservation: 'r2' }), { state: 'released', released: 9 }),
  step('released', (hf) => hf.release({ reservation: 'r2' }), {
    code: 'already_released',
    state: 'released',
  }),
  step('reserve for a moment', (hf) => hf.reserve({ id: 'r3', ...MOVE, amount: 9, timeoutMs: 1 }), {
    code: 'ok',
  }),
  step('until it has expired', (hf) => untilExpired(hf, 'r3'), { state: 'expired', remaining: 0 }),
  step('expired', (hf) => hf.settle({ reservation: 'r3' }), {
    code: 'already_expired',
    state: 'expired',
  }),
  refused('no such reservation', 'reservation_not_found', (hf) => hf.reservation('none')),
  refused('a settle of none', 'reservation_not_found', (hf) => hf.settle({ reservation: 'none' })),
  step(
    'over what is reserved',
    (hf) => hf.reserve({ id: 'r4', ...MOVE, amount: 5, allowOver: true }),
    {
      code: 'ok',
    },
  ),
  step('is settled', (hf) => hf.settle({ reservation: 'r4', amount: 8 }), { settled: 8, moved: 8 }),
  step(
    'one of a group',
    (hf) => hf.reserve({ id: 'g1', ...MOVE, amount: 5, group: 'g', metadata }),
    {
      code: 'ok',
    },
  ),
  step('another of it', (hf) => hf.reserve({ id: 'g2', ...MOVE, amount: 6, group: 'g' }), {
    code: 'ok',
  }),
  step('settle the group', (hf) => hf.settleGroup({ id: 'sg', group: 'g' }), {
    id: 'g',
    commandId: 'sg',
    moved: 11,
    accounts: [{ id: 'acme' }, { id: 'bank' }],
  }),
  refused('no such group', 'group_not_found', (hf) => hf.releaseGroup({ group: 'g' })),
  step('another group', (hf) => hf.reserve({ id: 'g3', ...MOVE, amount: 7, group: 'h' }), {
    code: 'ok',
  }),
  step('release the group', (hf) => hf.releaseGroup({ group: 'h' }), { id: 'h', moved: 7 }),
]

/** A reservation's own words of itself, as soon as time has passed over it. */
async function untilExpired(hf: Holdfast, reservation: string): Promise<unknown> {
  for (;;) {
    // Time goes on with commands alone; a refused one will do.
    await hf.release({ reservation: 'none' })
    const found = await hf.reservation(reservation)
    if (found.code !== 'ok' || found.state === 'expired') return found
  }
}

const T = {
  type: 'transfer',
  id: 'x',
  debitAccount: 'bank',
  creditAccount: 'acme',
  amount: 1,
} as const
const R = { type: 'reserve', id: 'y', ...MOVE, amount: 1, timeoutMs: 900_000, group: 'k' } as const
const S = { type: 'settle', id: 'z', reservation: 'y', amount: 0, final: false } as const
const O = { type: 'open_account', id: 'o', ledger: 1, metadata: { a: 'b' } } as const
const L = { type: 'set_credit_limit', id: 'q', account: 'acme', value: 60 } as const

/** Under an id that was used, with something else in it. */
const OTHERS: readonly (readonly [Command, string])[] = [
  [{ type: 'settle', id: 'x', reservation: 'y' }, 'type'],
  [{ ...O, ledger: 2 }, 'ledger'],
  [{ ...O, external: true }, 'external'],
  [{ ...O, history: true }, 'history'],
  [{ ...O, creditLimit: 1 }, 'credit_limit'],
  [{ ...O, metadata: {} }, 'metadata'],
  [{ ...L, account: 'bank' }, 'account'],
  [{ ...L, value: 61 }, 'value'],
  [{ ...T, debitAccount: 'acme' }, 'debit_account'],
  [{ ...T, creditAccount: 'other' }, 'credit_account'],
  [{ ...T, amount: 2 }, 'amount'],
  [{ ...T, atMost: true }, 'at_most'],
  [{ ...R, group: 'l' }, 'group'],
  [{ ...R, timeoutMs: 900_001 }, 'timeout_ms'],
  [{ ...R, allowOver: true }, 'allow_over'],
  [{ ...S, reservation: 'r1' }, 'reservation'],
  [{ ...S, final: true }, 'final'],
]

const SUBMITS: readonly Step[] = [
  step('nothing', (hf) => hf.submit([]), []),
  step('many at once', (hf) => hf.submit([T, R, S, O, L]), [
    { code: 'ok', commandId: 'x', moved: 1, replayed: false },
    { code: 'ok', commandId: 'y', moved: 1 },
    { code: 'ok', commandId: 'z', moved: 0 },
    { code: 'ok', commandId: 'o' },
    { code: 'ok', commandId: 'q' },
  ]),
  step('again', (hf) => hf.submit([T, R, S, O, L]), Array(5).fill({ code: 'ok', replayed: true })),
  step(
    'with other content',
    (hf) => hf.submit(OTHERS.map(([command]) => command)),
    OTHERS.map(([, field]) => ({ code: `exists_with_different_${field}` })),
  ),
  step(
    'refusals have their numbers',
    (hf) =>
      hf.submit([
        { type: 'transfer', ...MOVE, amount: 9_999_999 },
        { type: 'settle', reservation: 'y', amount: 5 },
        { type: 'release', reservation: 'r1' },
        { type: 'set_credit_limit', account: 'acme', value: 0 },
      ]),
    [
      { code: 'insufficient_funds', available: 99_681 },
      { code: 'exceeds_reservation', remaining: 1 },
      { code: 'already_settled', state: 'settled' },
      { code: 'ok' },
    ],
  ),
  step(
    'a chain',
    (hf) =>
      hf.submit(
        [
          { type: 'reserve', id: 'ch1', ...MOVE, amount: 3 },
          { type: 'settle', id: 'ch2', reservation: 'ch1' },
        ],
        { linked: true },
      ),
    [
      { code: 'ok', moved: 3 },
      { code: 'ok', moved: 3 },
    ],
  ),
  step(
    'a chain that fails',
    (hf) =>
      hf.submit(
        [
          { type: 'transfer', id: 'ch3', ...MOVE, amount: 3 },
          { type: 'settle', id: 'ch4', reservation: 'none' },
          { type: 'transfer', id: 'ch5', ...MOVE, amount: 3 },
        ],
        { linked: true },
      ),
    [
      { code: 'linked_failed', moved: 0 },
      { code: 'reservation_not_found' },
      { code: 'linked_failed' },
    ],
  ),
  step(
    'a part of a chain',
    (hf) =>
      hf.submit(
        [
          { type: 'reserve', id: 'ch1', ...MOVE, amount: 3 },
          { type: 'settle', id: 'ch6', reservation: 'ch1' },
        ],
        { linked: true },
      ),
    [{ code: 'chain_mismatch' }, { code: 'chain_mismatch' }],
  ),
  refused('a member of a chain by itself', 'exists_with_different_linked', (hf) =>
    hf.reserve({ id: 'ch1', ...MOVE, amount: 3 }),
  ),
  step(
    'a chain that is too long',
    (hf) => hf.submit(transfers(1_025), { linked: true }),
    Array(1_025).fill({ code: 'chain_too_large', moved: 0 }),
  ),
  step(
    'as long as a chain may be',
    (hf) => hf.submit(transfers(1_024), { linked: true }),
    Array(1_024).fill({ code: 'ok', moved: 1 }),
  ),
  refused('an id of tomorrow', 'id_in_future', (hf) =>
    hf.transfer({ id: futureId(), ...MOVE, amount: 1 }),
  ),
]

function transfers(count: number): Command[] {
  return Array.from({ length: count }, () => ({ type: 'transfer', ...MOVE, amount: 1 }))
}

/** A UUIDv7 of a day ahead. */
function futureId(): string {
  const ms = Date.now() + 86_400_000
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}${String(newId()).slice(13)}`
}

/** Last, for nothing can be done afterwards. */
const FULL: readonly Step[] = [
  step(
    'a group that is full',
    async (hf) => (await hf.submit(reserves(GROUP_RESERVATIONS_MAX + 1, 'full'))).slice(-2),
    [{ code: 'ok' }, { code: 'group_full' }],
  ),
  step(
    'groups',
    async (hf) => (await hf.submit([1, 2, 3].flatMap((n) => reserves(1, `group ${n}`)))).slice(-1),
    [{ code: 'groups_full' }],
  ),
  step(
    'ledgers',
    async (hf) =>
      (
        await hf.submit([5, 3, 4].map((ledger): Command => ({ type: 'open_account', ledger })))
      ).slice(-1),
    [{ code: 'ledgers_full' }],
  ),
  step(
    'accounts',
    async (hf) =>
      (
        await hf.submit(
          Array.from({ length: 64 }, (): Command => ({ type: 'open_account', ledger: 1 })),
        )
      ).slice(-1),
    [{ code: 'accounts_full' }],
  ),
  step('reservations', async (hf) => (await hf.submit(reserves(1_500))).slice(-1), [
    { code: 'overloaded' },
  ]),
  step('outcomes', async (hf) => (await hf.submit(transfers(4_096))).slice(-1), [
    { code: 'overloaded' },
  ]),
  step('questions are answered still', (hf) => hf.account('other'), { code: 'ok', balance: 0 }),
]

function reserves(count: number, group?: string): Command[] {
  return Array.from({ length: count }, () => ({ type: 'reserve', ...MOVE, amount: 1, group }))
}

/** All steps, in order. */
export const SCRIPT: readonly Step[] = [
  ...ACCOUNTS,
  ...MOVES,
  AUDIT,
  ...RESERVATIONS,
  ...SUBMITS,
  ...FULL,
]

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
