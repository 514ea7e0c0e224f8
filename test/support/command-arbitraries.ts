// Random commands: few accounts, few names, small amounts with a large one now and then, so that
// what is rare elsewhere happens all the time.

import fc from 'fast-check'
import { AMOUNT_MAX, type CommandName, TIMEOUT_MS_MAX } from '../../protocol/index.ts'
import { type Command, uuidV7 } from './commands.ts'

/** Other values for fields of an earlier command; `pick` says which of its type's is changed. */
export interface Change {
  readonly pick: number
  readonly values: Required<Omit<Command, 'id' | 'linked' | 'place'>>
}

const ACCOUNTS = ['bank', 'acme', 'shop', 'west', 'euro', 'ebank'] as const
const LEDGERS: Readonly<Record<string, number>> = { euro: 2, ebank: 2 }
const EXTERNAL: readonly string[] = ['bank', 'ebank']

const account = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom('bank', 'acme', 'shop', 'west') },
  { weight: 4, arbitrary: fc.constantFrom('euro', 'ebank') },
  { weight: 1, arbitrary: fc.constantFrom('ghost', 'r1', '') },
)
/** Who gives and who gets: mostly a pair that may. */
const pair = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      { debit: 'acme', credit: 'bank' },
      { debit: 'acme', credit: 'shop' },
      { debit: 'shop', credit: 'acme' },
      { debit: 'shop', credit: 'bank' },
      { debit: 'west', credit: 'acme' },
      { debit: 'bank', credit: 'west' },
      { debit: 'ebank', credit: 'euro' },
    ),
  },
  { weight: 1, arbitrary: fc.record({ debit: account, credit: account }) },
)
const reserveId = fc.integer({ min: 1, max: 30 }).map((n) => `r${n}`)
const otherId = fc.integer({ min: 1, max: 20 }).map((n) => `c${n}`)
const freshId = fc.integer({ min: 0, max: 0xffff_ffff }).map((n) => `x${n}`)
const commandId = fc.oneof(
  { weight: 24, arbitrary: freshId },
  { weight: 6, arbitrary: otherId },
  { weight: 1, arbitrary: fc.constantFrom('r1', 'bank', '') },
)
const group = fc.constantFrom('g1', 'g2', 'g3', '')

const amount = fc.oneof(
  { weight: 24, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 2, arbitrary: fc.integer({ min: 61, max: 500 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, -1, AMOUNT_MAX, AMOUNT_MAX - 1, AMOUNT_MAX - 50, AMOUNT_MAX + 1),
  },
)
const timeoutMs = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 8, arbitrary: fc.constant(0) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(TIMEOUT_MS_MAX, TIMEOUT_MS_MAX + 1, -1, 64, 4_096, 70_000),
  },
)
const seldom = fc.integer({ min: 0, max: 9 }).map((n) => n === 0)
const sometimes = fc.integer({ min: 0, max: 2 }).map((n) => n === 0)
const hardlyEver = fc.integer({ min: 0, max: 60 }).map((n) => n === 0)
const maybeAmount = fc.option(amount, { nil: undefined, freq: 2 })
const metadata = fc.option(fc.constantFrom('m', 'a longer piece of metadata'), {
  nil: undefined,
  freq: 2,
})

const openAccount: fc.Arbitrary<Command> = fc
  .record({
    id: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...ACCOUNTS) },
      { weight: 2, arbitrary: fc.constantFrom('n1', 'n2', 'c1', uuidV7(5, 1)) },
    ),
    creditLimit: fc.constantFrom(0, 0, 20, 500, AMOUNT_MAX),
    history: seldom,
    metadata,
    other: seldom,
    ledger: fc.constantFrom(0, 1, 2, 3, 4_294_967_295),
  })
  .map(({ other, ledger, ...rest }) => ({
    type: 'open_account' as const,
    ...rest,
    ledger: other ? ledger : (LEDGERS[rest.id] ?? 1),
    external: EXTERNAL.includes(rest.id) !== other,
  }))

const change = (type: CommandName): fc.Arbitrary<Command> =>
  fc.record({ type: fc.constant(type), id: commandId, account })

const setCreditLimit: fc.Arbitrary<Command> = fc.record({
  type: fc.constant('set_credit_limit' as const),
  id: commandId,
  account,
  value: fc.oneof(amount, fc.constant(0), fc.constant(500)),
})

const transfer: fc.Arbitrary<Command> = fc
  .record({
    type: fc.constant('transfer' as const),
    id: commandId,
    pair,
    amount,
    atMost: seldom,
    allowOver: hardlyEver,
  })
  .map(paired)

function paired<T extends { pair: { debit: string; credit: string } }>({ pair, ...rest }: T) {
  return { ...rest, ...pair }
}

/** Money from outside, so that there is some to reserve. */
const topUp: fc.Arbitrary<Command> = fc.record({
  type: fc.constant('transfer' as const),
  id: freshId,
  debit: fc.constant('bank'),
  credit: fc.constantFrom('acme', 'shop', 'west'),
  amount: fc.integer({ min: 20, max: 300 }),
})

const reserve: fc.Arbitrary<Command> = fc
  .record({
    type: fc.constant('reserve' as const),
    id: fc.oneof(
      { weight: 12, arbitrary: reserveId },
      { weight: 4, arbitrary: freshId },
      { weight: 1, arbitrary: otherId },
    ),
    pair,
    amount,
    timeoutMs,
    group,
    allowOver: sometimes,
    atMost: seldom,
    metadata,
  })
  .map(paired)

const reservation = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 3 }).map((n) => `last ${n}`) },
  { weight: 4, arbitrary: reserveId },
  { weight: 1, arbitrary: fc.constantFrom('c1', 'acme', '') },
)
const settle: fc.Arbitrary<Command> = fc.record({
  type: fc.constant('settle' as const),
  id: commandId,
  reservation,
  amount: maybeAmount,
  final: fc.boolean(),
})
const release: fc.Arbitrary<Command> = fc.record({
  type: fc.constant('release' as const),
  id: commandId,
  reservation,
  amount: maybeAmount,
})
const extend: fc.Arbitrary<Command> = fc.record({
  type: fc.constant('extend' as const),
  id: commandId,
  reservation,
  amount: fc.oneof(fc.constant(0), amount),
  timeoutMs,
})
const resolveGroup = (type: CommandName): fc.Arbitrary<Command> =>
  fc.record({ type: fc.constant(type), id: commandId, group })

/** Any command, likely ones more often. */
export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: openAccount },
  { weight: 2, arbitrary: setCreditLimit },
  { weight: 1, arbitrary: change('freeze_account') },
  { weight: 2, arbitrary: change('unfreeze_account') },
  { weight: 1, arbitrary: change('close_account') },
  { weight: 5, arbitrary: topUp },
  { weight: 6, arbitrary: transfer },
  { weight: 16, arbitrary: reserve },
  { weight: 9, arbitrary: settle },
  { weight: 5, arbitrary: release },
  { weight: 5, arbitrary: extend },
  { weight: 2, arbitrary: resolveGroup('settle_group') },
  { weight: 2, arbitrary: resolveGroup('release_group') },
)

/** Other values for any field. */
export const otherValues: fc.Arbitrary<Change> = fc.record({
  pick: fc.nat(119),
  values: fc.record({
    type: fc.constantFrom('settle', 'release', 'freeze_account', 'unfreeze_account', 'transfer'),
    dryRun: fc.constant(true),
    ledger: fc.constantFrom(1, 2),
    creditLimit: fc.constantFrom(0, 20),
    external: fc.boolean(),
    history: fc.boolean(),
    metadata: fc.constantFrom('m', 'n'),
    account,
    value: amount,
    debit: account,
    credit: account,
    amount,
    atMost: fc.boolean(),
    timeoutMs,
    group,
    allowOver: fc.boolean(),
    reservation: reserveId,
    final: fc.boolean(),
  }),
})
