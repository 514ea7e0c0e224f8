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

/** Large tables on huge pages, which the allocator reads from its environment; a condition names it. */
const HUGE_PAGES = 'glibc.malloc.hugetlb=1'

/** Those that measure how long others wait, with a client on the same cores. */
const MEASURES_LATENCY: readonly string[] = ['snapshot', 'views-effect', 'calls']

/**
 * What is measured is the server. V8 collects a client's garbage on every core at once, some fifteen times a
 * second at full load, and all wait for the one that a core is not free for: on one thread, and less
 * often, it takes a third of that from the slowest answers. A condition names it.
 */
const CLIENT_FLAGS = [
  '--single-threaded-gc',
  '--min-semi-space-size=32',
  '--max-semi-space-size=32',
] as const

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
    return runAgain([], { GLIBC_TUNABLES: HUGE_PAGES })
  }
  if (MEASURES_LATENCY.includes(what) && !process.execArgv.includes(CLIENT_FLAGS[0])) {
    return runAgain(CLIENT_FLAGS, {})
  }
  note(`measuring ${what}...`)
  const result = await run()
  if (json) printJson(result)
  else print(format(result))
  return EXIT.fine
}

/** Runs the same command again with other settings, which count when a process starts. */
function runAgain(flags: readonly string[], settings: Readonly<Record<string, string>>): ExitCode {
  const args = [...process.execArgv, ...flags, ...process.argv.slice(1)]
  const env = { ...process.env, ...settings }
  const { status } = spawnSync(process.execPath, args, { env, stdio: 'inherit' })
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
