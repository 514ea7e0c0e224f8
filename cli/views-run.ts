// The views of one data directory as a process keeps them: lock, modules, runner. The child of `holdfast
// serve` and of `holdfast follow`, and `holdfast views rebuild`, are made of this.

import { resolve } from 'node:path'
import {
  checkJournalDirectory,
  findModules,
  loadRules,
  loadViews,
  lockDirectory,
  tuneV8,
} from '../runtime/index.ts'
import { ViewsRunner, type ViewsStatus, viewsPath } from '../views/index.ts'
import type { Config } from './config.ts'
import { followerDirectories } from './follower-run.ts'
import type { HelperEars } from './helper-process.ts'

/** What of the configuration the views want; plain data. */
export interface ViewsSettings {
  /** Absolute. */
  readonly dataDir: string
  readonly archive: Config['archive']
  /** Folders of the modules, as `findModules` gives them. */
  readonly modules: readonly string[]
}

/** The settings in a configuration. */
export function viewsSettings(config: Config): ViewsSettings {
  const { dataDir, archive, modules } = config
  return { dataDir: resolve(dataDir), archive, modules: findModules(modules) }
}

/** A runner that nobody else has, and its end. */
export interface OwnViews {
  readonly runner: ViewsRunner
  release(): void
}

/**
 * Locks the views of a directory for this process. Rejects with `DataDirectoryError`, or `DirectoryInUse`
 * where somebody keeps them already.
 */
export async function ownViews(
  { dataDir, archive, modules }: ViewsSettings,
  onMessage: (sentence: string) => void,
): Promise<OwnViews> {
  tuneV8()
  checkJournalDirectory(dataDir)
  const runner = new ViewsRunner({
    path: viewsPath(dataDir),
    directories: followerDirectories(dataDir),
    archive,
    modules: await loadRules(modules),
    views: await loadViews(modules),
    onMessage,
  })
  const lock = lockDirectory(dataDir, 'views')
  return { runner, release: () => lock.release() }
}

/** Keeps them until `signal` says so. Rejects as `ownViews` and `ViewsRunner.run` do. */
export async function runViews(
  settings: ViewsSettings,
  ears: HelperEars<ViewsStatus>,
  signal: AbortSignal,
): Promise<void> {
  const { runner, release } = await ownViews(settings, ears.onMessage)
  try {
    ears.onStart(() => runner.status())
    await runner.run(signal)
  } finally {
    release()
  }
}
