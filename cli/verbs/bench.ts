// `holdfast bench`: runs one benchmark and prints its figure beside the conditions.

import { spawnSync } from 'node:child_process'
import { benchCalls } from '../../bench/calls.ts'
import { benchEngineSizes } from '../../bench/engine.ts'
import { benchHttp } from '../../bench/http.ts'
import { benchJournal } from '../../bench/journal.ts'
import { benchRecovery } from '../../bench/recovery.ts'
import type { BenchResult } from '../../bench/result.ts'
import { benchSnapshot } from '../../bench/snapshot.ts'
import { benchStream } from '../../bench/stream.ts'
import { benchViews } from '../../bench/views.ts'
import { benchViewsEffect } from '../../bench/views-effect.ts'
import { EXIT, type ExitCode, usageError } from '../exit-codes.ts'
import { didYouMean } from '../nearest.ts'
import { grouped, note, print, printJson, table } from '../output.ts'

const BENCHMARKS: Readonly<Record<string, () => Promise<BenchResult>>> = {
  engine: () => benchEngineSizes(),
  journal: () => benchJournal(),
  stream: () => benchStream(),
  http: () => benchHttp(),
  recovery: () => benchRecovery({ onStep: noteStep }),
  snapshot: () => benchSnapshot({ onStep: noteStep }),
  views: () => benchViews(),
  'views-effect': () => benchViewsEffect(),
  calls: () => benchCalls(),
}

/** What comes next in one that takes minutes. */
function noteStep(sentence: string): void {
  note(`  ${sentence}`)
}

/** Runs the benchmark called `what`. */
export async function bench(what: string, json: boolean): Promise<ExitCode> {
  const names = Object.keys(BENCHMARKS)
  const run = Object.hasOwn(BENCHMARKS, what) ? BENCHMARKS[what] : undefined
  if (run === undefined) {
    throw usageError(
      `no benchmark is called ${what}${didYouMean(what, names)} (${names.join(', ')})`,
    )
  }
  if (what === 'engine' && process.platform === 'linux' && !process.env.GLIBC_TUNABLES) {
    return withHugePages()
  }
  note(`measuring ${what}...`)
  const result = await run()
  if (json) printJson(result)
  else print(format(result))
  return EXIT.fine
}

/**
 * Runs the same command again with large tables on huge pages, which the allocator reads from its
 * environment when a process starts. The result's conditions name the setting.
 */
function withHugePages(): ExitCode {
  const env = { ...process.env, GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' }
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env,
    stdio: 'inherit',
  })
  return status === EXIT.fine ? EXIT.fine : EXIT.failed
}

function format(result: BenchResult): string {
  const { name, commandsPerSecond, rounds, figures = {}, conditions } = result
  const facts = (values: Readonly<Record<string, string | number>>) =>
    Object.entries(values).map(([key, value]) => [`  ${key}`, shown(value)])
  return [
    `${name}: ${grouped(commandsPerSecond)} commands/s`,
    `  median of ${rounds.map(grouped).join(', ')}`,
    '',
    table([...facts(figures), ['conditions', ''], ...facts(conditions)]),
  ].join('\n')
}

function shown(value: string | number): string {
  if (typeof value === 'string') return value
  return Number.isInteger(value) ? grouped(value) : String(Number(value.toPrecision(4)))
}
