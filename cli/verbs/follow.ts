// `holdfast follow`: a follower and the views by themselves, beside a server that runs without them, or
// where none runs.

import type { Config } from '../config.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { followerSettings, runFollower } from '../follower-run.ts'
import { note, print } from '../output.ts'
import { ViewsChild } from '../views-child.ts'
import { showViewsProgress } from '../views-progress.ts'
import { viewsSettings } from '../views-run.ts'

/** Follows until SIGTERM or SIGINT; rejects where it cannot start or has to stop. */
export async function follow(config: Config): Promise<ExitCode> {
  const ending = new AbortController()
  process.on('SIGTERM', () => ending.abort())
  process.on('SIGINT', () => ending.abort())
  const settings = followerSettings(config)
  const onMessage = (sentence: string): void => note(`holdfast: ${sentence}`)
  const progress = showViewsProgress()
  const startViews = (): ViewsChild =>
    new ViewsChild(viewsSettings(config), {
      onMessage,
      onHealth: (health) => {
        if (health.state === 'running') progress.show(health.status)
      },
    })
  let views: ViewsChild | undefined
  try {
    const ears = {
      onMessage,
      // Not before: where there is a follower already, there are views.
      onStart: () => {
        print(`following  ${settings.dataDir}`)
        if (config.views) views = startViews()
      },
    }
    await runFollower(settings, ears, ending.signal)
  } finally {
    progress.stop()
    await views?.stop()
  }
  return EXIT.fine
}
