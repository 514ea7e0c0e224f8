// What calls cost, and what money buys: a table, and properties against slow and
// obvious counting. The rules that use it are tested in calls.test.ts.

import fc from 'fast-check'
import t from 'tap'
import { AMOUNT_MAX as CORE_AMOUNT_MAX } from '../protocol/index.ts'
import {
  affordableCount,
  affordableSeconds,
  billedSeconds,
  costOf,
  type Rates,
} from '../systems/calls/billing.ts'
import {
  AMOUNT_MAX,
  DURATION_SECONDS_MAX,
  FEE_MAX,
  GRANT_SECONDS_MAX,
  RATE_MAX,
} from '../systems/calls/limits.ts'
import { timeText } from '../systems/calls/time-text.ts'

/** Worked out by counting increments one by one; nothing here came out of the code. */
const BY_HAND = `
 ratePerMinute |       connectFee |  increments | seconds | billed |             cost
          6000 |                0 |        30/6 |       0 |      0 |                0
          6000 |                0 |        30/6 |       1 |     30 |             3000
          6000 |                0 |        30/6 |      29 |     30 |             3000
          6000 |                0 |        30/6 |      30 |     30 |             3000
          6000 |                0 |        30/6 |      31 |     36 |             3600
          6000 |                0 |        30/6 |      32 |     36 |             3600
          6000 |                0 |        30/6 |      36 |     36 |             3600
          6000 |                0 |        30/6 |      37 |     42 |             4200
          6000 |                0 |        30/6 |      57 |     60 |             6000
          6000 |                0 |        30/6 |      60 |     60 |             6000
          6000 |                0 |        30/6 |      61 |     66 |             6600
          6000 |                0 |        30/6 |      75 |     78 |             7800
          6000 |                0 |        30/6 |      78 |     78 |             7800
          6000 |                0 |       90/60 |       1 |     90 |             9000
          6000 |                0 |       90/60 |      90 |     90 |             9000
          6000 |                0 |       90/60 |      91 |    150 |            15000
          6000 |                0 |       90/60 |     150 |    150 |            15000
          6000 |                0 |       90/60 |     151 |    210 |            21000
          6000 |                0 |       90/60 |     210 |    210 |            21000
          6000 |                0 |       90/60 |     211 |    270 |            27000
          6000 |                0 |         1/1 |       1 |      1 |              100
          6000 |                0 |         1/1 |       2 |      2 |              200
          6000 |                0 |         1/1 |      59 |     59 |             5900
          6000 |                0 |         1/1 |      60 |     60 |             6000
          6000 |                0 |         1/1 |      61 |     61 |             6100
          6000 |                0 |         6/6 |       1 |      6 |              600
          6000 |                0 |         6/6 |       6 |      6 |              600
          6000 |                0 |         6/6 |       7 |     12 |             1200
          6000 |                0 |         6/6 |      60 |     60 |             6000
          6000 |                0 |         6/6 |      61 |     66 |             6600
          6000 |                0 |         6/6 |      66 |     66 |             6600
         12000 |              500 |       60/60 |       0 |      0 |                0
         12000 |              500 |       60/60 |       1 |     60 |            12500
         12000 |              500 |       60/60 |      60 |     60 |            12500
         12000 |              500 |       60/60 |      61 |    120 |            24500
         12000 |              500 |       60/60 |     120 |    120 |            24500
         12000 |              500 |       60/60 |     121 |    180 |            36500
             1 |                0 |         1/1 |       1 |      1 |                1
             1 |                0 |         1/1 |      59 |     59 |                1
             1 |                0 |         1/1 |      60 |     60 |                1
             1 |                0 |         1/1 |      61 |     61 |                2
             1 |                0 |         1/1 |     120 |    120 |                2
             1 |                0 |         1/1 |     121 |    121 |                3
           100 |                0 |        60/6 |       1 |     60 |              100
           100 |                0 |        60/6 |      60 |     60 |              100
           100 |                0 |        60/6 |      61 |     66 |              110
           100 |                0 |        60/6 |      66 |     66 |              110
           100 |                0 |        60/6 |      90 |     90 |              150
           100 |                0 |        60/6 |      96 |     96 |              160
           100 |                0 |         1/1 |       1 |      1 |                2
           100 |                0 |         1/1 |       2 |      2 |                4
           100 |                0 |         1/1 |       3 |      3 |                5
           100 |                0 |         1/1 |       6 |      6 |               10
           100 |                0 |         1/1 |       7 |      7 |               12
             0 |              750 |       60/60 |       0 |      0 |                0
             0 |              750 |       60/60 |       1 |     60 |              750
             0 |              750 |       60/60 |    3600 |   3600 |              750
             0 |                0 |         1/1 |       0 |      0 |                0
             0 |                0 |         1/1 |       1 |      1 |                0
             0 |                0 |         1/1 |   86400 |  86400 |                0
           999 |                7 |       30/30 |       1 |     30 |              507
           999 |                7 |       30/30 |      30 |     30 |              507
           999 |                7 |       30/30 |      31 |     60 |             1006
           999 |                7 |       30/30 |      59 |     60 |             1006
           999 |                7 |       30/30 |      61 |     90 |             1506
  100000000000 | 1000000000000000 |         1/1 |       1 |      1 | 1000001666666667
  100000000000 | 1000000000000000 |         1/1 |      59 |     59 | 1000098333333334
  100000000000 | 1000000000000000 |         1/1 |      60 |     60 | 1000100000000000
  100000000000 | 1000000000000000 |         1/1 |      61 |     61 | 1000101666666667
  100000000000 | 1000000000000000 |         1/1 |  604800 | 604800 | 2008000000000000
   99999999999 |  999999999999999 |        7/13 |       1 |      7 | 1000011666666666
   99999999999 |  999999999999999 |        7/13 |       7 |      7 | 1000011666666666
   99999999999 |  999999999999999 |        7/13 |       8 |     20 | 1000033333333332
   99999999999 |  999999999999999 |        7/13 |      20 |     20 | 1000033333333332
   99999999999 |  999999999999999 |        7/13 |      21 |     33 | 1000054999999999
   99999999999 |  999999999999999 |        7/13 |  604800 | 604806 | 2008009999989919
          6000 |                0 | 86400/86400 |       1 |  86400 |          8640000
          6000 |                0 | 86400/86400 |   86400 |  86400 |          8640000
          6000 |                0 | 86400/86400 |   86401 | 172800 |         17280000
          6000 |                0 | 86400/86400 |  604800 | 604800 |         60480000
`

t.test('the table', async (t) => {
  const rows = BY_HAND.trim().split('\n').slice(1)
  t.ok(rows.length >= 60, `${rows.length} rows`)
  for (const row of rows) {
    const cells = row.split(/[|/]/).map((cell) => Number(cell))
    const [ratePerMinute, connectFee, initialIncrement, increment, seconds, billed, cost] =
      cells as [number, number, number, number, number, number, number]
    const rates = { ratePerMinute, connectFee, initialIncrement, increment }
    t.equal(billedSeconds(rates, seconds), billed, `billed: ${row.trim()}`)
    t.equal(costOf(rates, seconds), cost, `cost: ${row.trim()}`)
  }
})

const someRates: fc.Arbitrary<Rates> = fc.record({
  ratePerMinute: fc.oneof(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: RATE_MAX })),
  connectFee: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: FEE_MAX })),
  initialIncrement: fc.oneof(
    fc.integer({ min: 1, max: 120 }),
    fc.integer({ min: 1, max: GRANT_SECONDS_MAX }),
  ),
  increment: fc.oneof(
    fc.integer({ min: 1, max: 60 }),
    fc.integer({ min: 1, max: GRANT_SECONDS_MAX }),
  ),
})
const someDuration = fc.integer({ min: 0, max: DURATION_SECONDS_MAX })

/** The formula as it is written, in integers without an end. */
function slowCost(rates: Rates, duration: number): bigint {
  if (duration === 0) return 0n
  let billed = BigInt(rates.initialIncrement)
  const over = BigInt(duration) - billed
  const increment = BigInt(rates.increment)
  if (over > 0n) billed += ((over + increment - 1n) / increment) * increment
  return BigInt(rates.connectFee) + (billed * BigInt(rates.ratePerMinute) + 59n) / 60n
}

t.test('costs are exact, and below the largest amount', async (t) => {
  fc.assert(
    fc.property(someRates, someDuration, (rates, duration) => {
      const cost = costOf(rates, duration)
      return BigInt(cost) === slowCost(rates, duration) && cost < AMOUNT_MAX
    }),
    { numRuns: 5_000 },
  )
  const dearest = {
    ratePerMinute: RATE_MAX,
    connectFee: FEE_MAX,
    initialIncrement: GRANT_SECONDS_MAX,
    increment: GRANT_SECONDS_MAX - 1,
  }
  t.equal(BigInt(costOf(dearest, DURATION_SECONDS_MAX)), slowCost(dearest, DURATION_SECONDS_MAX))
  t.ok(costOf(dearest, DURATION_SECONDS_MAX) < AMOUNT_MAX)
  t.equal(AMOUNT_MAX, CORE_AMOUNT_MAX, 'the module and the core have one largest amount')
})

t.test('money buys the longest duration that it pays for', async (t) => {
  const someMoney = fc.oneof(
    fc.integer({ min: 0, max: 10_000 }),
    fc.integer({ min: 0, max: AMOUNT_MAX }),
  )
  fc.assert(
    fc.property(someRates, someMoney, fc.integer({ min: 1, max: GRANT_SECONDS_MAX }), isLongest),
    { numRuns: 5_000 },
  )
  fc.assert(
    fc.property(someRates, fc.integer({ min: 1, max: GRANT_SECONDS_MAX }), (rates, seconds) => {
      const cost = costOf(rates, seconds)
      const isEnough = affordableSeconds(rates, cost, seconds) === seconds
      return isEnough && (cost === 0 || affordableSeconds(rates, cost - 1, seconds) < seconds)
    }),
    { numRuns: 5_000 },
  )
  const rates = { ratePerMinute: 100, connectFee: 0, initialIncrement: 60, increment: 6 }
  t.equal(affordableSeconds(rates, 250, 86_400), 150)
  t.equal(affordableSeconds({ ...rates, increment: 60 }, 250, 86_400), 120)
  t.equal(affordableSeconds(rates, 99, 86_400), 0)
  t.equal(affordableSeconds({ ...rates, connectFee: 151 }, 250, 86_400), 0)
  t.equal(affordableSeconds({ ...rates, ratePerMinute: 0, connectFee: 7 }, 6, 90), 0)
  t.equal(affordableSeconds({ ...rates, ratePerMinute: 0, connectFee: 7 }, 7, 90), 90)
})

function isLongest(rates: Rates, money: number, seconds: number): boolean {
  const bought = affordableSeconds(rates, money, seconds)
  const isPaid = slowCost(rates, bought) <= BigInt(money)
  const isMost = bought === seconds || slowCost(rates, bought + 1) > BigInt(money)
  return isPaid && isMost && bought <= seconds
}

t.test('money pays for a count of calls', async (t) => {
  t.equal(affordableCount(100, 2_050, 100), 20)
  t.equal(affordableCount(100, 99, 100), 0)
  t.equal(affordableCount(100, -5, 100), 0)
  t.equal(affordableCount(0, 0, 100), 100)
  t.equal(affordableCount(1, AMOUNT_MAX, 7), 7)
})

t.test('times as text are those of a calendar', async (t) => {
  const times = [0, 951_782_400_000, 951_868_799_999, 1_709_164_800_000, 4_107_542_400_000]
  for (const ms of times) t.equal(timeText(ms), new Date(ms).toISOString())
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 253_402_300_799_999 }),
      (ms) => timeText(ms) === new Date(ms).toISOString(),
    ),
    { numRuns: 20_000 },
  )
})
