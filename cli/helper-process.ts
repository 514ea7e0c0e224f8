// A helper's process beside a server: lowest priority, its status to the server now and then, and an end as
// soon as the server is gone. What it does is its entry's: follower-process.ts, views-process.ts.

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { keepProcessOn } from '../runtime/index.ts'
import { exitCodeOf, messageOf } from './errors.ts'
import { EXIT } from './exit-codes.ts'
import type { HelperNews, HelperOrders } from './helper-messages.ts'
import { note } from './output.ts'

/** How often the server hears how it is doing, in ms. */
const STATUS_EVERY_MS = 500

/** Who hears what of a helper. */
export interface HelperEars<Status> {
  /** What people should read. */
  readonly onMessage: (sentence: string) => void
  /** It begins to load. */
  readonly onStart: (status: () => Status) => void
}

/**
 * The writer comes first: every thread of this process gives way, those that Node began before too. An idle
 * task leaves its core as soon as another one wants it; one at nice 19 may first use up its slice, some
 * milliseconds, and is what is left where `chrt` is missing, another system's, or refused. Node has no
 * call for it. Threads that begin later inherit it.
 */
function giveWay(): void {
  const idle = ['-a', '-i', '-p', '0', String(process.pid)]
  if (spawnSync('chrt', idle, { stdio: 'ignore' }).status === 0) return
  try {
    for (const thread of readdirSync('/proc/self/task')) {
      setPriority(Number(thread), constants.priority.PRIORITY_LOW)
    }
  } catch {
    setPriority(constants.priority.PRIORITY_LOW)
  }
}

async function tellStatus<Status>(status: () => Status, signal: AbortSignal): Promise<void> {
  let told = ''
  while (!signal.aborted) {
    const news: HelperNews<Status> = { status: status() }
    const text = JSON.stringify(news)
    if (text !== told && process.connected) process.send?.(news)
    told = text
    await delay(STATUS_EVERY_MS, undefined, { ref: false })
  }
}

/**
 * Runs a helper as this process, to its end: `run` gets the settings that the server gave, and follows
 * until its signal says so. The process exits with what became of it.
 */
export async function runHelper<Settings, Status>(
  title: string,
  run: (settings: Settings, ears: HelperEars<Status>, signal: AbortSignal) => Promise<void>,
): Promise<never> {
  const { settings, core } = JSON.parse(process.argv[2] as string) as HelperOrders<Settings>
  // First, while it still has its share of a core that others use.
  if (core !== undefined) keepProcessOn([core], process.pid)
  giveWay()
  try {
    const ending = new AbortController()
    process.on('SIGTERM', () => ending.abort())
    // The terminal sends it to the whole group; the server says when to end.
    process.on('SIGINT', () => {})
    // The server is gone, however it went. Nothing here needs an orderly end.
    process.on('disconnect', () => process.exit(EXIT.fine))
    const ears: HelperEars<Status> = {
      onMessage: (sentence) => note(`holdfast: ${title}: ${sentence}`),
      onStart: (status) => void tellStatus(status, ending.signal),
    }
    if (process.connected) await run(settings, ears, ending.signal)
    process.exit(EXIT.fine)
  } catch (error) {
    note(`holdfast: ${title}: ${messageOf(error)}`)
    process.exit(exitCodeOf(error))
  }
}
