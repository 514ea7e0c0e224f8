// The campaign as it is drawn, and the two parts' results as text. Looks at the figures, and changes none.

import { grouped, table } from '../output.ts'
import { type Campaign, type CampaignResult, RUN_MS } from './calls-campaign.ts'
import { PAID_FOR, type Race, STARTS } from './calls-race.ts'
import { bar, type Picture } from './screen.ts'

const BAR_WIDTH = 40

/** Rates are those of the last second. */
const RATE_MS = 1_000

/** Counters at a moment. */
interface Sample {
  readonly atMs: number
  readonly started: number
  readonly ended: number
}

/** Micro-units of the last digit that tariffs here bill: six seconds are 0.006. */
const LAST_DIGIT = 1_000

/** Micro-units as `1.206`, so that what is left and what was charged add up as they are shown. */
export function money(microUnits: number): string {
  const thousandths = Math.round(Math.abs(microUnits) / LAST_DIGIT)
  const sign = microUnits < 0 ? '-' : ''
  const whole = grouped(Math.trunc(thousandths / 1_000))
  return `${sign}${whole}.${String(thousandths % 1_000).padStart(3, '0')}`
}

/** The first part's result, side by side. */
export function raceTable({ racy, holdfast }: Race): string {
  return table([
    [`${STARTS} starts, money for ${PAID_FOR}`, 'read, check, write', 'Holdfast'],
    ['admitted', racy.admitted, holdfast.admitted],
    ['refused with 402', racy.refused, holdfast.refused],
    // As text: these are no counts.
    ['balance when all have ended', ...padded([money(racy.balance), money(holdfast.balance)])],
  ])
}

function padded([racy = '', holdfast = '']: readonly string[]): string[] {
  return [racy.padStart('read, check, write'.length), holdfast.padStart('Holdfast'.length)]
}

/** The picture of a campaign that runs. */
export function campaignPicture(campaign: Campaign): Picture {
  const samples: Sample[] = [{ atMs: performance.now(), started: 0, ended: 0 }]
  let paidIn = campaign.counts.paidIn
  const rates = (): { starts: string; ends: string } => {
    const { started, ended, canceled } = campaign.counts
    const now = { atMs: performance.now(), started, ended: ended + canceled }
    samples.push(now)
    while (samples.length > 2 && now.atMs - (samples[1] as Sample).atMs >= RATE_MS) samples.shift()
    const [first = now] = samples
    const seconds = Math.max(now.atMs - first.atMs, 1) / 1_000
    const rate = (count: number) => grouped(Math.round(count / seconds))
    return { starts: rate(now.started - first.started), ends: rate(now.ended - first.ended) }
  }
  return {
    lines: () => linesOf(campaign, rates()),
    line(width) {
      const more = campaign.counts.paidIn - paidIn
      paidIn += more
      const end = more === 0 ? '' : `  ${money(more)} PAID IN`
      return `${fitting(figuresOf(campaign, rates()), width - end.length)}${end}`
    },
  }
}

interface Rates {
  readonly starts: string
  readonly ends: string
}

function linesOf(campaign: Campaign, { starts, ends }: Rates): string[] {
  const { counts, live, elapsedMs, admissible } = campaign
  const { balance, reserved, available } = campaign.money
  const { paidIn, refused } = counts
  const seconds = `${(elapsedMs / 1_000).toFixed(1)} s`
  const phase = elapsedMs < RUN_MS ? '' : '  no new calls'
  // All money that was paid in: held, free, and charged already.
  const parts = [
    ['█', reserved],
    ['▒', available],
  ] as const
  return [
    `  time       ${seconds.padStart(8)}  ${bar(BAR_WIDTH, RUN_MS, [['█', elapsedMs]], '░')}${phase}`,
    `  calls live ${grouped(live).padStart(8)}  ${bar(BAR_WIDTH, admissible, [['█', live]], '░')}`,
    `  starts/s   ${starts.padStart(8)}   ends/s ${ends.padStart(7)}   refused ${grouped(refused).padStart(7)}`,
    `  balance    ${money(balance).padStart(8)}  ${bar(BAR_WIDTH, paidIn, parts, '░')}`,
    `  reserved █ ${money(reserved).padStart(8)}   available ▒ ${money(available)}   paid in ${money(paidIn)}`,
  ]
}

/** The parts of one line: those of the highest number are left out first where it is narrow; 0 never is. */
type Figure = readonly [text: string, leaveOut: number]

function figuresOf(campaign: Campaign, { starts, ends }: Rates): Figure[] {
  const { counts, live, elapsedMs } = campaign
  const { balance, reserved } = campaign.money
  return [
    [`${(elapsedMs / 1_000).toFixed(0).padStart(3)} s`, 0],
    [`live ${grouped(live).padStart(6)}`, 0],
    [`starts/s ${starts.padStart(6)}`, 1],
    [`ends/s ${ends.padStart(6)}`, 2],
    [`refused ${grouped(counts.refused).padStart(6)}`, 0],
    [`balance ${money(balance).padStart(7)}`, 0],
    [`reserved ${money(reserved).padStart(7)}`, 3],
    [bar(20, campaign.admissible, [['#', live]], '.'), 4],
  ]
}

/** As many of the figures as `width` characters hold, in their order. */
export function fitting(figures: readonly Figure[], width: number): string {
  for (let left = figures.length; ; left--) {
    const line = figures.flatMap(([text, leaveOut]) => (leaveOut <= left ? [text] : [])).join('  ')
    if (left === 0 || line.length <= width) return line
  }
}

/** The second part's sums, each beside what it has to be. */
export function sumsTable(result: CampaignResult): string {
  const { started, records, charged, recordsCharged, balance, paidIn } = result
  const same = (is: boolean): string => (is ? 'the same' : 'NOT THE SAME')
  return table([
    [
      'calls started, and records of calls',
      ...right(grouped(started), grouped(records)),
      same(started === records),
    ],
    [
      'charged by the ends, and by the records',
      ...right(money(charged), money(recordsCharged)),
      same(charged === recordsCharged),
    ],
    [
      'balance and charges, and what was paid in',
      ...right(money(balance + charged), money(paidIn)),
      same(balance + charged === paidIn),
    ],
  ])
}

/** Wide enough for any of the figures. */
function right(one: string, other: string): string[] {
  return [one.padStart(8), other.padStart(8)]
}
