// Child processes as users start them. tap adds a loader to every Node that a test starts, through
// NODE_OPTIONS: it slows each start, listens to signals before the child does, and ends it by SIGXFSZ
// where a plain Node gets EFBIG from its write.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'

/** The variables that a test process has from tap and Holdfast's own; no child inherits them. */
const NOT_INHERITED = /^(HOLDFAST_|TAP|_TAPJS|NODE_OPTIONS$|NODE_V8_COVERAGE$)/

/**
 * Starts `command`, a program found on the PATH and its arguments, with `environment` beside the
 * inherited variables. The process is the command's own: signals reach it.
 */
export function spawnPlain(
  command: readonly string[],
  options: Pick<SpawnOptions, 'cwd' | 'stdio'>,
  environment: Readonly<Record<string, string>> = {},
): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name))
  // tap comes between here and the process that is started, so env takes the loader out again.
  const given = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  const args = ['-u', 'NODE_OPTIONS', ...given, ...command]
  return spawn('env', args, { ...options, env: Object.fromEntries(inherited) })
}
