// Where the threads of a server stay on a machine of two cores. Left to itself, the kernel runs the journal for
// seconds on a core that others keep busy, and a sync takes 5 ms there instead of 0.2: docs/operations.md.

import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

/** One core for the engine, whose helpers take what it leaves, and the other for the journal. */
export interface Cores {
  readonly engine: number
  readonly journal: number
}

/**
 * The two cores that this process may use now; undefined where it may use one or more than two, and on systems
 * that do not say (`/proc` and `/sys` are Linux's).
 */
export function pairOfCores(): Cores | undefined {
  const [first, second, third] = usableCores()
  if (first === undefined || second === undefined || third !== undefined) return undefined
  // Two servers on one machine are not to have both their engines on the same core every time.
  const isFirst = randomInt(2) === 0
  return isFirst ? { engine: first, journal: second } : { engine: second, journal: first }
}

/** The cores that this process may use: those of its mask that are there. None where the system does not say. */
export function usableCores(): number[] {
  try {
    const status = readFileSync('/proc/self/status', 'utf8')
    const allowed = coresOf(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '')
    // A virtual machine that cores may be added to allows all that it could ever have.
    const online = coresOf(readFileSync('/sys/devices/system/cpu/online', 'utf8').trim())
    return allowed.filter((core) => online.includes(core))
  } catch {
    return []
  }
}

/** The cores of a list as the kernel writes it, such as `0-3,8`; none of an empty one. */
export function coresOf(list: string): number[] {
  if (list === '') return []
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
  try {
    const thread = basename(readlinkSync('/proc/thread-self'))
    spawnSync('taskset', ['-p', '-c', String(core), thread], { stdio: 'ignore' })
  } catch {
    // It only runs elsewhere.
  }
}

/**
 * `keepThreadOn` for all threads of a process, which may be another one. It is so when this comes back: it takes
 * some ms, and a tenth of a second in a process that holds much memory.
 */
export function keepProcessOn(cores: readonly number[], pid: number): void {
  spawnSync('taskset', ['-a', '-p', '-c', cores.join(','), String(pid)], { stdio: 'ignore' })
}
