// Random command sequences through the engine and the model: after every frame every outcome,
// balance, reservation and digest agrees. HOLDFAST_RUNS multiplies the runs.

import fc from 'fast-check'
import t from 'tap'
import { STATUSES, TIME_MS_MAX } from '../protocol/index.ts'
import { runs } from './support/arbitraries.ts'
import type { Command } from './support/commands.ts'
import { SMALL_CAPACITIES } from './support/contract.ts'
import { Lockstep, Statistics, takeRun } from './support/lockstep.ts'

const RUNS = 2_000 * Number(process.env.HOLDFAST_RUNS ?? 1)
const STEPS_MAX = 60

const statistics = new Statistics()

t.setTimeout(90_000 * Math.ceil(RUNS / 2_000))

t.test(`${RUNS} random runs: the engine does what the model does`, async (t) => {
  const property = fc.property(runs(STEPS_MAX), (run) => takeRun(run, statistics, TIME_MS_MAX))
  const seed = process.env.HOLDFAST_SEED
  const result = fc.check(property, {
    numRuns: RUNS,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  })
  t.comment(`seed ${result.seed}, ${result.numRuns} runs, ${result.numShrinks} shrinks`)
  if (result.failed) {
    t.comment(fc.defaultReportMessage(result))
    throw result.errorInstance
  }
  t.pass('in lockstep')
})

t.test('a group takes 1,024 open reservations, in the engine and the model', async (t) => {
  const physical = { ...SMALL_CAPACITIES, reservationsMax: 2_048, outcomesMax: 4_096 }
  const both = new Lockstep(statistics, physical)
  const reserve = (n: number): Command => ({
    type: 'reserve',
    id: `g${n}`,
    debit: 'bank',
    credit: 'acme',
    amount: n,
    group: 'g',
  })
  const timeMs = 1_700_000_000_000
  const opened: Command[] = [
    { type: 'open_account', id: 'bank', ledger: 1, external: true },
    { type: 'open_account', id: 'acme', ledger: 1 },
  ]
  both.apply(timeMs, opened)
  both.apply(
    timeMs,
    Array.from({ length: 1_024 }, (_, n) => reserve(n + 1)),
  )
  const [full] = both.apply(timeMs + 1, [reserve(2_000)])
  t.equal(full?.code, 'group_full')
  const [settled] = both.apply(timeMs + 2, [{ type: 'settle_group', id: 's1', group: 'g' }])
  t.match(settled, { code: 'ok', moved: 524_800, resolved: 1_024 })
  const [again] = both.apply(timeMs + 3, [reserve(2_001)])
  t.equal(again?.code, 'ok')
  both.restart()
})

t.test('the runs were varied: every status of the engine occurred', async (t) => {
  const { codes, commands, replays, chains, expiries, restarts, dryRuns } = statistics
  t.comment({ commands, replays, chains, expiries, restarts, dryRuns })
  for (const { number, code } of STATUSES) {
    // Those of modules are in modules.test.ts.
    if (number >= 200 || /module|_input$/.test(code)) continue
    t.comment(`${code} ${codes.get(code) ?? 0}`)
    t.ok(codes.has(code), `${code} occurred`)
  }
})
