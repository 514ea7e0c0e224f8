// Random frames for the property: few ids, few accounts, small tables, so that retries, collisions,
// limits and same-instant expiries happen all the time.

import fc from 'fast-check'
import { type Capacities, TIME_MS_MAX } from '../../protocol/index.ts'
import { type Change, command, otherValues } from './command-arbitraries.ts'
import type { Command } from './commands.ts'
import { SMALL_CAPACITIES } from './contract.ts'

/** One step of a run, before it is known at which time it happens. */
export type Step =
  | { readonly kind: 'commands'; readonly afterMs: number; readonly commands: readonly Draft[] }
  | { readonly kind: 'configure'; readonly afterMs: number; readonly capacities: Capacities }
  | { readonly kind: 'tick' | 'restart' | 'seal' | 'checkpoint'; readonly afterMs: number }

/**
 * A command, or repetitions of earlier ones. The reservation `last 2` is that of the reserve that
 * was sent third to last.
 */
export type Draft =
  | { readonly again: false; readonly command: Command; readonly idAgeMs?: number | undefined }
  /** The command that was sent `back` commands ago. */
  | { readonly again: true; readonly back: number; readonly change: Change | undefined }
  /** Commands in a row once more, as they were linked, perhaps with member `changed` changed. */
  | {
      readonly again: 'run'
      readonly back: number
      readonly count: number
      readonly changed: number
      readonly change: Change
    }

const back = fc.integer({ min: 1, max: 12 })
const draft: fc.Arbitrary<Draft> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      again: fc.constant(false as const),
      command,
      idAgeMs: fc.option(fc.integer({ min: -12, max: 30 }), { nil: undefined, freq: 10 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      again: fc.constant(true as const),
      back,
      change: fc.option(otherValues, { freq: 2, nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      again: fc.constant('run' as const),
      back,
      count: fc.integer({ min: 1, max: 4 }),
      changed: fc.nat(9),
      change: otherValues,
    }),
  },
)

const afterMs = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: 0, max: 3 }) },
  { weight: 2, arbitrary: fc.integer({ min: 4, max: 25 }) },
  { weight: 1, arbitrary: fc.constantFrom(200, 5_000, 100_000, 3_000_000_000) },
)

const chained = fc
  .array(command, { minLength: 2, maxLength: 5 })
  .chain((commands) =>
    fc.record({ commands: fc.constant(commands), isOpenEnded: fc.nat(20).map((n) => n === 0) }),
  )
  .map(({ commands, isOpenEnded }) =>
    commands.map(
      (one, i): Draft => ({
        again: false,
        command: { ...one, linked: i < commands.length - 1 || isOpenEnded },
      }),
    ),
  )

/** Tiny tables, windows and retentions, as often as not. */
export const capacities: fc.Arbitrary<Capacities> = fc
  .record({
    accountsMax: fc.constantFrom(3, 6, 64, 64, 64, 64),
    ledgersMax: fc.constantFrom(1, 2, 8, 8, 8),
    reservationsMax: fc.constantFrom(1, 3, 5, 64, 64, 64),
    groupsMax: fc.constantFrom(1, 2, 32, 32, 32),
    outcomesMax: fc.constantFrom(1, 4, 8, 256, 256, 256),
    accountNameBytesMax: fc.constantFrom(56, 16_384, 16_384, 16_384, 16_384),
    windowMs: fc.constantFrom(1, 2, 5, 20, 60_000),
    retentionMs: fc.constantFrom(1, 5, 50, 86_400_000, 86_400_000),
  })
  .map((some) => ({ ...SMALL_CAPACITIES, ...some }))

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      kind: fc.constant('commands' as const),
      afterMs,
      commands: fc.tuple(draft),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('commands' as const),
      afterMs,
      commands: fc.array(draft, { minLength: 2, maxLength: 6 }),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({ kind: fc.constant('commands' as const), afterMs, commands: chained }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('configure' as const), afterMs, capacities }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('tick' as const, 'seal' as const, 'checkpoint' as const),
      afterMs,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), afterMs }) },
)

/** A run: the limits it starts with, when, and its steps. */
export interface Run {
  readonly capacities: Capacities
  readonly startMs: number
  /** Whether the accounts are opened and filled first. */
  readonly isSetUp: boolean
  /** Sequences that a last replay skips, as fractions of all in thousandths. */
  readonly voided: readonly number[]
  readonly steps: readonly Step[]
}

/** Random runs of up to `stepsMax` steps; some near the end of time. */
export function runs(stepsMax: number): fc.Arbitrary<Run> {
  return fc.record({
    capacities: fc.oneof(
      { weight: 1, arbitrary: fc.constant(SMALL_CAPACITIES) },
      { weight: 2, arbitrary: capacities },
    ),
    startMs: fc.oneof(
      { weight: 12, arbitrary: fc.constant(1_700_000_000_000) },
      { weight: 1, arbitrary: fc.constant(TIME_MS_MAX - 3_000_000_500_000) },
    ),
    isSetUp: fc.nat(9).map((n) => n > 0),
    voided: fc.array(fc.nat(999), { maxLength: 3 }),
    steps: fc.array(step, { minLength: 1, maxLength: stepsMax, size: 'max' }),
  })
}
