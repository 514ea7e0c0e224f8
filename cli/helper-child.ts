// A hold on a helper's process, the follower or the views: starts it, starts it again when it dies, ends
// it. The server works without one; whatever happens to it is said, and nothing waits for it.

import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Cores } from '../runtime/index.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { watchHelperCores } from './helper-cores.ts'
import type { HelperNews, HelperOrders } from './helper-messages.ts'

/** First and longest wait before it is started again, in ms. */
const WAIT_MS_MIN = 1_000
const WAIT_MS_MAX = 60_000

/**
 * One thread collects a helper's garbage: V8's own helpers would take every core at once from whoever waits
 * for one. Views use a seventh less of a core with it and are as fast.
 */
const V8_FLAGS = ['--single-threaded-gc'] as const

/** One that lived so long, in ms, was well: the next wait is a short one again. */
const WELL_MS = 60_000

/** How it is doing, from outside. */
export type ChildHealth<Status> =
  /** There is a process; what it last said of itself. */
  | { readonly state: 'running'; readonly status: Status | undefined }
  /** It died, and is started again soon. */
  | { readonly state: 'waiting' }
  /** It ended for a reason that does not pass, and is not started again. */
  | { readonly state: 'stopped' }

/** Who hears what. */
export interface ChildEars<Status> {
  readonly onMessage: (sentence: string) => void
  readonly onHealth: (health: ChildHealth<Status>) => void
}

/** What is started. */
export interface ChildPlan {
  /** For people: `the follower`. */
  readonly title: string
  /** Of the process; see `HelperOrders`. */
  readonly entry: URL
  /** How long it may take to end when it is told to, in ms. */
  readonly endMs: number
  /** What is said of an end with these codes, after which it is not started again. */
  readonly lastWords: Readonly<Partial<Record<ExitCode, string>>>
}

/** See the head of this file. */
export class HelperChild<Settings, Status> {
  readonly #plan: ChildPlan
  readonly #orders: HelperOrders<Settings>
  readonly #cores: Cores | undefined
  readonly #ears: ChildEars<Status>
  #child: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #waitMs = WAIT_MS_MIN
  #isStopping = false
  #isSecond = false

  /** Starts it. With `cores` it keeps to the engine's: see helper-cores.ts. */
  constructor(
    plan: ChildPlan,
    settings: Settings,
    ears: ChildEars<Status>,
    cores: Cores | undefined,
  ) {
    this.#plan = plan
    this.#orders = { settings, core: cores?.engine }
    this.#cores = cores
    this.#ears = ears
    this.#start()
  }

  /** Ends it and does not start it again; resolves when it is gone, soon after the plan's `endMs`. */
  async stop(): Promise<void> {
    this.#isStopping = true
    clearTimeout(this.#timer)
    const child = this.#child
    child?.kill('SIGTERM')
    const timer = setTimeout(() => child?.kill('SIGKILL'), this.#plan.endMs)
    await this.#ended
    clearTimeout(timer)
  }

  #start(): void {
    const entry = fileURLToPath(this.#plan.entry)
    const args = [...process.execArgv, ...V8_FLAGS, entry, JSON.stringify(this.#orders)]
    const startedMs = performance.now()
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.#child = child
    const { pid } = child
    const cores = this.#cores
    const isWatched = pid !== undefined && cores !== undefined
    const unwatch = isWatched ? watchHelperCores(pid, cores) : () => {}
    this.#ears.onHealth({ state: 'running', status: undefined })
    // Through here, so that it never outlives the server for a pipe of the server's that it holds open.
    child.stderr?.pipe(process.stderr, { end: false })
    child.on('message', ({ status }: HelperNews<Status>) => {
      if (this.#child === child) this.#ears.onHealth({ state: 'running', status })
    })
    this.#ended = new Promise((resolve) => {
      child.on('error', (error) => {
        // Also of a signal that could not be sent: then the process is there, and its exit will be told.
        if (child.pid === undefined) this.#onEnd(error.message, undefined, startedMs)
        else this.#ears.onMessage(`${this.#plan.title}, process ${child.pid}: ${error.message}`)
        if (child.pid === undefined || this.#isStopping) resolve()
      })
      child.on('exit', (code, signal) => {
        unwatch()
        this.#onEnd(`it ended with ${code ?? signal}`, code ?? undefined, startedMs)
        resolve()
      })
    })
  }

  #onEnd(how: string, exitCode: number | undefined, startedMs: number): void {
    if (this.#child === undefined) return
    this.#child = undefined
    const { onMessage, onHealth } = this.#ears
    if (this.#isStopping) return
    const lastWords = this.#plan.lastWords[exitCode as ExitCode]
    if (lastWords !== undefined) {
      onHealth({ state: 'stopped' })
      onMessage(lastWords)
      return
    }
    if (performance.now() - startedMs > WELL_MS) this.#waitMs = WAIT_MS_MIN
    onHealth({ state: 'waiting' })
    // Whoever does it instead is none of this server's, and needs no reminding.
    const isSecond = exitCode === EXIT.inUse
    if (!isSecond || !this.#isSecond) {
      const again = `it is started again in ${this.#waitMs / 1_000} s`
      onMessage(`${this.#plan.title} is gone (${how}); ${again}`)
    }
    this.#isSecond = isSecond
    this.#timer = setTimeout(() => this.#start(), this.#waitMs).unref()
    this.#waitMs = Math.min(this.#waitMs * 2, WAIT_MS_MAX)
  }
}
