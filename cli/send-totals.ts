// What a run of `send` came to: counts and sums by type and code, and how they are shown.

import type { SubmitResult } from '../client/index.ts'
import type { CommandLine } from './command-lines.ts'
import { grouped, table } from './output.ts'

/** One type's commands with one code. Sums are in smallest units, over all ledgers. */
export interface Total {
  readonly type: string
  readonly code: string
  /** Decided by this run. */
  readonly count: number
  /** What those moved. */
  readonly moved: bigint
  /** Known to the server from before: changed nothing now. */
  readonly replayed: number
  /** What those had moved when they were decided. */
  readonly replayedMoved: bigint
}

type Sum = { -readonly [K in keyof Total]: Total[K] }

/** Adds up results. */
export interface Totals {
  add(command: CommandLine, result: Pick<SubmitResult, 'code' | 'moved' | 'replayed'>): void
  /** Ordered by type as they first came, then with `ok` first, then by code. */
  list(): Total[]
}

/** No totals yet. */
export function startTotals(): Totals {
  const types = new Map<string, Map<string, Sum>>()
  return {
    add({ type }, { code, moved, replayed }) {
      const codes = types.get(type) ?? new Map<string, Sum>()
      types.set(type, codes)
      let total = codes.get(code)
      if (total === undefined) {
        total = { type, code, count: 0, moved: 0n, replayed: 0, replayedMoved: 0n }
        codes.set(code, total)
      }
      if (replayed) {
        total.replayed++
        total.replayedMoved += BigInt(moved)
      } else {
        total.count++
        total.moved += BigInt(moved)
      }
    },
    list: () => [...types.values()].flatMap((codes) => [...codes.values()].sort(byCode)),
  }
}

function byCode(a: Total, b: Total): number {
  if (a.code === 'ok') return -1
  if (b.code === 'ok') return 1
  return a.code < b.code ? -1 : 1
}

/** What `ok` of a type means, for the lines above the table. */
const MEANINGS: readonly (readonly [type: string, meaning: string, sums: boolean])[] = [
  ['open_account', 'accounts opened', false],
  ['transfer', 'transferred', true],
  ['reserve', 'reservations held', true],
  ['settle', 'settled', true],
  ['release', 'released', true],
  ['extend', 'extended', true],
  ['settle_group', 'groups settled', true],
  ['release_group', 'groups released', true],
]

/** The totals for people: one line for each thing that was done, then the table of all codes. */
export function formatTotals(totals: readonly Total[]): string {
  const done: (string | number)[][] = []
  for (const [type, meaning, sums] of MEANINGS) {
    const ok = totals.find((total) => total.type === type && total.code === 'ok')
    if (ok === undefined) continue
    const count = ok.count + ok.replayed
    const sum = ok.moved + ok.replayedMoved
    done.push([meaning, count, sums ? `amount ${grouped(Number(sum))}` : ''])
  }
  const refused = totals.filter((total) => total.code !== 'ok')
  const refusals = refused.reduce((sum, total) => sum + total.count + total.replayed, 0)
  done.push(['refused', refusals, ''])
  const heading = ['type', 'code', 'count', 'moved', 'replayed', 'moved before']
  const rows = totals.map((total) => [
    total.type,
    total.code,
    total.count,
    Number(total.moved),
    total.replayed,
    Number(total.replayedMoved),
  ])
  return `${table(done)}\n\n${table([heading, ...rows])}`
}

/** The totals as JSON values: sums beyond 2^53 as decimal strings, others as numbers. */
export function totalsAsJson(totals: readonly Total[]): Record<string, unknown>[] {
  return totals.map((total) => ({
    ...total,
    moved: jsonInteger(total.moved),
    replayedMoved: jsonInteger(total.replayedMoved),
  }))
}

function jsonInteger(value: bigint): number | string {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value)
}
