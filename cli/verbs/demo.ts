// `holdfast demo`: plays a demonstration by its name. What is played is in demo/.

import { type DemoOptions, demoCalls } from '../demo/calls.ts'
import { type ExitCode, usageError } from '../exit-codes.ts'
import { didYouMean } from '../nearest.ts'

const DEMOS: Readonly<Record<string, (options: DemoOptions) => Promise<ExitCode>>> = {
  calls: demoCalls,
}

/** Plays the demonstration called `what`. */
export async function demo(what: string, options: DemoOptions): Promise<ExitCode> {
  const names = Object.keys(DEMOS)
  const play = Object.hasOwn(DEMOS, what) ? DEMOS[what] : undefined
  if (play !== undefined) return play(options)
  const hint = didYouMean(what, names)
  throw usageError(`no demonstration is called ${what}${hint} (${names.join(', ')})`)
}
