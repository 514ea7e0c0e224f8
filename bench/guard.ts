// Sees to it that no process which a benchmark started outlives the benchmark: a guard's process hears of
// each, and ends what is left when this process is gone, also by a signal that nobody can catch.

import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'

const ENTRY = fileURLToPath(new URL('./guard-process.js', import.meta.url))

let guard: ChildProcess | undefined

/** Has `child` end with this process. */
export function guardProcess(child: ChildProcess): void {
  const { pid } = child
  if (pid === undefined) return
  guard ??= startGuard()
  const { stdin } = guard
  stdin?.write(`+${pid}\n`)
  child.once('exit', () => stdin?.write(`-${pid}\n`))
}

/** Nobody waits for it: its input ends when this process does. */
function startGuard(): ChildProcess {
  const started = spawn(process.execPath, [ENTRY], { stdio: ['pipe', 'ignore', 'ignore'] })
  started.on('error', () => {})
  started.stdin?.on('error', () => {})
  started.unref()
  ;(started.stdin as Socket | null)?.unref()
  return started
}
