// What every implementation of `Holdfast` has to do, as a script: calls in order, each with what must
// come of it. Runs over the embedded engine, the stream and HTTP alike.

import { type Holdfast, id } from '../../client/index.ts'
import { AMOUNT_MAX } from '../../protocol/index.ts'
import { MODULE_STEPS } from './holdfast-modules.ts'
import { MOVE, refused, type Step, step } from './holdfast-steps.ts'
import { FULL, SUBMITS } from './holdfast-submits.ts'

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
const metadata = JSON.parse('{"purpose":"test","__proto__":"kept","Zoë":"\\u00e9"}')

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

/** All steps, in order. */
export const SCRIPT: readonly Step[] = [
  ...ACCOUNTS,
  ...MOVES,
  AUDIT,
  ...RESERVATIONS,
  ...SUBMITS,
  ...MODULE_STEPS,
  ...FULL,
]
