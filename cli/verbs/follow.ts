// `holdfast follow`: a follower by itself, beside a server that runs without one, or where none runs.

import type { Config } from '../config.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { followerSettings, runFollower } from '../follower-run.ts'
import { note, print } from '../output.ts'

/** Follows until SIGTERM or SIGINT; rejects where it cannot start or has to stop. */
export async function follow(config: Config): Promise<ExitCode> {
  const ending = new AbortController()
  process.on('SIGTERM', () => ending.abort())
  process.on('SIGINT', () => ending.abort())
  const settings = followerSettings(config)
  const ears = {
    onMessage: (sentence: string) => note(`holdfast: ${sentence}`),
    onStart: () => print(`following  ${settings.dataDir}`),
  }
  await runFollower(settings, ears, ending.signal)
  return EXIT.fine
}
