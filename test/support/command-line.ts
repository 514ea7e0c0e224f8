// The holdfast command as a process of its own: run to its end, or served until it is stopped.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { spawnPlain } from './plain-process.ts'

/** The command as it was compiled beside this file. */
export const COMMAND: string = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

/** Small tables and no follower, so that a server starts at once and many fit the machine. */
export const SMALL: readonly string[] = [
  ['--accounts-max', '65536'],
  ['--reservations-max', '262144'],
  ['--groups-max', '4096'],
  ['--outcomes-max', '262144'],
  ['--account-name-bytes-max', '8388608'],
  ['--segment-bytes', '4194304'],
  ['--follower', 'false'],
].flat()

/** What a process that ended left behind. */
export interface Ended {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** How a process is started. */
export interface RunOptions {
  /** Variables beside the inherited ones; those of Holdfast are never inherited. */
  readonly environment?: Readonly<Record<string, string>>
  readonly input?: string
  /** The working directory; by default one without a holdfast.toml. */
  readonly cwd?: string
  /** What runs the command, such as strace with its arguments; by default Node alone. */
  readonly wrapper?: readonly string[]
}

/** Runs one command line to its end. */
export async function runCommand(
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  const child = start(args, options)
  const ended = endOf(child)
  child.stdin?.end(options.input ?? '')
  return ended
}

/** A server that has said where it serves. */
export interface ServedProcess {
  readonly url: string
  readonly pid: number
  /** What it printed up to and with its address. */
  readonly banner: string
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<Ended>
}

/** Starts `holdfast serve` at any free port; rejects with all it printed if it ends instead. */
export async function startServed(
  dataDir: string,
  args: readonly string[] = SMALL,
  options: RunOptions = {},
): Promise<ServedProcess> {
  const all = ['serve', '--data-dir', dataDir, '--listen', '127.0.0.1:0', ...args]
  const child = start(all, options)
  const ended = endOf(child)
  const { url, banner } = await addressOf(child, ended)
  return {
    url,
    banner,
    pid: child.pid as number,
    ended,
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

/**
 * What `holdfast status` says of a server, as soon as `isSo` of it; after a minute, what it said last. Helpers tell
 * their state now and then, and have only what others leave of their core.
 */
export async function statusWhen<Status>(
  server: ServedProcess,
  isSo: (status: Status) => boolean,
): Promise<Status> {
  for (const endMs = performance.now() + 60_000; ; ) {
    const said = await runCommand(['status', '--url', server.url, '--json'])
    if (said.exitCode !== 0) throw new Error(`status ended with ${said.exitCode}: ${said.stderr}`)
    const status = JSON.parse(said.stdout) as Status
    if (isSo(status) || performance.now() > endMs) return status
  }
}

/** A follower by itself that has said that it follows. */
export interface FollowingProcess {
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>
}

/** Starts `holdfast follow`; resolves when its socket answers, and rejects if it ends instead. */
export async function startFollowing(
  dataDir: string,
  args: readonly string[] = [],
): Promise<FollowingProcess> {
  const child = start(['follow', '--data-dir', dataDir, ...args], {})
  const ended = endOf(child)
  const failed = ended.then(({ exitCode, signal, stderr }) => {
    throw new Error(`follow ended with ${exitCode ?? signal}: ${stderr}`)
  })
  await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), failed])
  return {
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

/** Between two tries to remove a directory, in ms, and so many of them. */
const REMOVE_EVERY_MS = 100
const REMOVES_MAX = 100

/** A directory that is removed when the test ends. */
export function temporaryDirectory(t: { teardown(remove: () => Promise<void>): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-test-'))
  t.teardown(() => remove(directory))
  return directory
}

/** The helpers of a server that was killed end in order a moment later, and write until then. */
async function remove(directory: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return rmSync(directory, { recursive: true, force: true })
    } catch (error) {
      const isWritten = (error as NodeJS.ErrnoException).code === 'ENOTEMPTY'
      if (!isWritten || tries === REMOVES_MAX) throw error
      await delay(REMOVE_EVERY_MS)
    }
  }
}

function start(args: readonly string[], options: RunOptions): ChildProcess {
  const command = [...(options.wrapper ?? []), process.execPath, COMMAND, ...args]
  return spawnPlain(command, { cwd: options.cwd ?? tmpdir(), stdio: 'pipe' }, options.environment)
}

async function endOf(child: ChildProcess): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin?.on('error', () => {})
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { exitCode, signal, stdout, stderr }
}

async function addressOf(
  child: ChildProcess,
  ended: Promise<Ended>,
): Promise<{ url: string; banner: string }> {
  const served = new Promise<{ url: string; banner: string }>((resolve) => {
    let banner = ''
    child.stdout?.on('data', (text: string) => {
      banner += text
      const match = /\b(http:\/\/127\.0\.0\.1:\d+)\n/.exec(banner)
      if (match?.[1] !== undefined) resolve({ url: match[1], banner })
    })
  })
  const failed = ended.then(({ exitCode, signal, stdout, stderr }) => {
    throw new Error(`serve ended with ${exitCode ?? signal}:\n${stdout}${stderr}`)
  })
  return Promise.race([served, failed])
}
