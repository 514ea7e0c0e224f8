// Where a helper runs beside its server on two cores: on the engine's, so that it is never in the way of the
// journal. It gives way to all, so whoever else keeps that core busy would leave it nothing: then it may run
// anywhere, until the server has work of its own again.

import { readFileSync } from 'node:fs'
import { type Cores, keepProcessOn } from '../runtime/index.ts'

/** How often it is looked at, in ms. */
const CHECK_MS = 500

/** Checks in a row at which it wanted its core and had had next to nothing of it. */
const STARVED_CHECKS = 4

/** Of a core: a helper that has less, and wants more, starves. */
const STARVED_SHARE = 0.1

/** Of a core: a server that uses more keeps its helpers waiting itself, and its syncs come first. */
const BUSY_SHARE = 1 / 3

/** What was seen since the check before. */
export interface HelperSample {
  /** Of a core that the helper had. */
  readonly share: number
  /** Whether it wants a core right now. */
  readonly isWaiting: boolean
  /** Of a core that all threads of the server had. */
  readonly serverShare: number
}

/** Says from sample to sample whether a helper may run anywhere. */
export class Starvation {
  isFree = false
  #checks = 0

  /** Takes the next sample; gives `isFree` back. */
  note({ share, isWaiting, serverShare }: HelperSample): boolean {
    if (serverShare >= BUSY_SHARE) {
      this.#checks = 0
      this.isFree = false
      return false
    }
    this.#checks = isWaiting && share < STARVED_SHARE ? this.#checks + 1 : 0
    if (this.#checks >= STARVED_CHECKS) this.isFree = true
    return this.isFree
  }
}

/** What `/proc` counts of a process, as far as it is looked at. */
interface Counts {
  readonly atMs: number
  /** Time on a core of the thread that does a helper's work, its first one, in ms. */
  readonly ranMs: number
  readonly serverMs: number
  readonly isWaiting: boolean
}

/**
 * Looks after a helper that began on the engine's core, until what is given back is called, or until it is gone.
 */
export function watchHelperCores(pid: number, { engine, journal }: Cores): () => void {
  const starvation = new Starvation()
  let before = countsOf(pid)
  const timer = setInterval(() => {
    const now = countsOf(pid)
    if (before === undefined || now === undefined) return clearInterval(timer)
    const passedMs = now.atMs - before.atMs
    const share = (now.ranMs - before.ranMs) / passedMs
    const serverShare = (now.serverMs - before.serverMs) / passedMs
    before = now
    const wasFree = starvation.isFree
    const isFree = starvation.note({ share, isWaiting: now.isWaiting, serverShare })
    if (isFree !== wasFree) keepProcessOn(isFree ? [engine, journal] : [engine], pid)
  }, CHECK_MS).unref()
  return () => clearInterval(timer)
}

/** Undefined where there is no such process, or a system that does not count. */
function countsOf(pid: number): Counts | undefined {
  try {
    const [ranNs] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The third field; the second one, in brackets, may hold anything.
    const state = stat.charAt(stat.lastIndexOf(')') + 2)
    const { user, system } = process.cpuUsage()
    return {
      atMs: performance.now(),
      ranMs: Number(ranNs) / 1e6,
      serverMs: (user + system) / 1_000,
      isWaiting: state === 'R',
    }
  } catch {
    return undefined
  }
}
