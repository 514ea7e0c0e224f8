// Where the threads of a server stay on a machine of two cores. Left to itself, the kernel puts one there
// for seconds where every sync of the journal takes 5 ms instead of 0.2: docs/operations.md says why.

import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

/** One core for the engine, whose helpers take what it leaves, and the other for the journal. */
export interface Cores {
  readonly engine: number
  readonly journal: number
}

/**
 * The two cores that this process may use; undefined where it may use one or more than two, and on systems that
 * do not say (`/proc` is Linux's).
 */
export function pairOfCores(): Cores | undefined {
  let status: string
  try {
    status = readFileSync('/proc/self/status', 'utf8')
  } catch {
    return undefined
  }
  const [first, second, third] = allowedCores(status)
  if (first === undefined || second === undefined || third !== undefined) return undefined
  // Two servers on one machine are not to have both their engines on the same core every time.
  const isEven = process.pid % 2 === 0
  return isEven ? { engine: first, journal: second } : { engine: second, journal: first }
}

/** The cores of `Cpus_allowed_list`, such as `0-3,8`, in `/proc/PID/status`; none where it is not there. */
export function allowedCores(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1]
  if (list === undefined) return []
  return list.split(',').flatMap((range) => {
    const [from = Number.NaN, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, n) => from + n)
  })
}

/**
 * Has the calling thread stay on a core; undefined: wherever the kernel likes, and so where `taskset` is missing or
 * refused. Node has no call for it. Threads that it starts later stay there as well.
 */
export function keepThreadOn(core: number | undefined): void {
  if (core === undefined) return
  const thread = basename(readlinkSync('/proc/thread-self'))
  spawnSync('taskset', ['-p', '-c', String(core), thread], { stdio: 'ignore' })
}

/** `keepThreadOn` for all threads of the calling process. */
export function keepProcessOn(core: number | undefined): void {
  if (core === undefined) return
  spawnSync('taskset', ['-a', '-p', '-c', String(core), String(process.pid)], { stdio: 'ignore' })
}
