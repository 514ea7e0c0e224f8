// The part of the script that is about many commands at once: retries under used ids, chains, and
// tables that are full.

import { type Command, newId } from '../../client/index.ts'
import { GROUP_RESERVATIONS_MAX } from '../../protocol/index.ts'
import { MOVE, refused, type Step, step } from './holdfast-steps.ts'

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

/** Follows the single commands. */
export const SUBMITS: readonly Step[] = [
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
export const FULL: readonly Step[] = [
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
