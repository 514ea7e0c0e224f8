// Entry of the follower's process beside a server: low priority, its status to the server now and then,
// and an end as soon as the server is gone. What it does is in follower-run.ts.

import { readdirSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { FollowerStatus } from '../follower/index.ts'
import { exitCodeOf, messageOf } from './errors.ts'
import { EXIT } from './exit-codes.ts'
import { type FollowerSettings, runFollower } from './follower-run.ts'
import { note } from './output.ts'

/** How often the server hears how it is doing, in ms. */
const STATUS_EVERY_MS = 500

/** To the server: how it is doing. */
export interface FollowerNews {
  readonly status: FollowerStatus
}

/** The writer comes first: every thread of this process gives way, those that Node began before too. */
function giveWay(): void {
  try {
    for (const thread of readdirSync('/proc/self/task')) {
      setPriority(Number(thread), constants.priority.PRIORITY_LOW)
    }
  } catch {
    setPriority(constants.priority.PRIORITY_LOW)
  }
}

async function tellStatus(status: () => FollowerStatus, signal: AbortSignal): Promise<void> {
  let told = ''
  while (!signal.aborted) {
    const news: FollowerNews = { status: status() }
    const text = JSON.stringify(news)
    if (text !== told && process.connected) process.send?.(news)
    told = text
    await delay(STATUS_EVERY_MS, undefined, { ref: false })
  }
}

async function follow(settings: FollowerSettings): Promise<void> {
  const ending = new AbortController()
  process.on('SIGTERM', () => ending.abort())
  // The terminal sends it to the whole group; the server says when to end.
  process.on('SIGINT', () => {})
  // The server is gone, however it went. Nothing here needs an orderly end.
  process.on('disconnect', () => process.exit(EXIT.fine))
  if (!process.connected) return
  await runFollower(
    settings,
    {
      onMessage: (sentence) => note(`holdfast: follower: ${sentence}`),
      onStart: (status) => void tellStatus(status, ending.signal),
    },
    ending.signal,
  )
}

giveWay()
try {
  await follow(JSON.parse(process.argv[2] as string) as FollowerSettings)
  process.exit(EXIT.fine)
} catch (error) {
  note(`holdfast: follower: ${messageOf(error)}`)
  process.exit(exitCodeOf(error))
}
