// One batch of commands to a server and its results back, with retries under the same ids where the
// server had no room. Knows nothing of files or totals.

import { setTimeout as delay } from 'node:timers/promises'
import type { CommandLine } from './command-lines.ts'
import { CliError, EXIT } from './exit-codes.ts'

/** One command's result, as POST /v1/batches gives it. */
export interface CommandResult {
  readonly code: string
  readonly moved?: number
  readonly replayed?: boolean
}

/** What became of a batch: results in order of the commands, and lines that the server refused. */
export interface BatchResult {
  readonly results: readonly { readonly command: CommandLine; readonly result: CommandResult }[]
  readonly refused: readonly { readonly command: CommandLine; readonly reason: string }[]
}

/** Where to send, and for how long to go on when the server has no room. */
export interface BatchTarget {
  readonly url: string
  readonly key: string | undefined
  /** Longest time without any progress before giving up, in ms. */
  readonly patienceMs: number
}

/** Codes that say "not now": the same command under the same id may pass a moment later. */
const NOT_NOW: ReadonlySet<string> = new Set(['busy', 'overloaded', 'replaying', 'storage_low'])

/** First and longest wait between two tries, in ms; waits double and are spread by half. */
const WAIT_MS = 50
const WAIT_MS_MAX = 2_000

interface Reply {
  readonly status: number
  readonly retryAfterMs: number
  readonly body: Problem & { readonly results?: readonly CommandResult[] }
}

interface Problem {
  readonly code?: string
  readonly detail?: string
}

/**
 * Sends `commands` in order, one request at a time, until each has a result or is refused by the
 * server's schema. Throws a `CliError` where the server cannot be reached, is lost, refuses the key,
 * or has had no room for `patienceMs`.
 */
export async function sendBatch(
  target: BatchTarget,
  commands: readonly CommandLine[],
): Promise<BatchResult> {
  const results: { command: CommandLine; result: CommandResult }[] = []
  const refused: { command: CommandLine; reason: string }[] = []
  const parts: (readonly CommandLine[])[] = [commands]
  let patience = startPatience(target)
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const reply = await post(target, part)
    if (reply.status === 200 && reply.body.results?.length === part.length) {
      const later = sortResults(part, reply.body.results, results)
      if (later.length < part.length) patience = startPatience(target)
      if (later.length > 0) {
        await patience.wait(reply.retryAfterMs, 'it has no room')
        parts.unshift(later)
      }
    } else if (reply.status === 503 && NOT_NOW.has(reply.body.code ?? '')) {
      await patience.wait(reply.retryAfterMs, reply.body.code ?? '')
      parts.unshift(part)
    } else if (reply.status === 400 || reply.status === 413) {
      parts.unshift(...withoutRefused(part, reply.body, refused))
    } else {
      throw unexpected(target, reply)
    }
  }
  return { results, refused }
}

/** Takes over the results that are final; gives back the commands that found no room. */
function sortResults(
  part: readonly CommandLine[],
  replies: readonly CommandResult[],
  results: { command: CommandLine; result: CommandResult }[],
): CommandLine[] {
  const later: CommandLine[] = []
  for (const [i, command] of part.entries()) {
    const result = replies[i] as CommandResult
    if (NOT_NOW.has(result.code)) later.push(command)
    else results.push({ command, result })
  }
  return later
}

/** The batch without the command that the server's message names; in halves where it names none. */
function withoutRefused(
  part: readonly CommandLine[],
  problem: Problem,
  refused: { command: CommandLine; reason: string }[],
): (readonly CommandLine[])[] {
  const detail = problem.detail ?? problem.code ?? 'refused by the server'
  const named = /\bcommands\[(\d+)\]/.exec(detail)
  const index = part.length === 1 ? 0 : named === null ? -1 : Number(named[1])
  const command = part[index]
  if (command !== undefined) {
    refused.push({ command, reason: detail.replace(/\bcommands\[\d+\]\.?/, '').trim() })
    return [part.slice(0, index), part.slice(index + 1)].filter((one) => one.length > 0)
  }
  const middle = part.length >>> 1
  return [part.slice(0, middle), part.slice(middle)]
}

async function post(target: BatchTarget, commands: readonly CommandLine[]): Promise<Reply> {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (target.key !== undefined) headers.authorization = `Bearer ${target.key}`
  const body = `{"commands":[${commands.map((command) => command.text).join(',')}]}`
  try {
    const response = await fetch(`${target.url}/v1/batches`, { method: 'POST', headers, body })
    return {
      status: response.status,
      retryAfterMs: Number(response.headers.get('retry-after') ?? 0) * 1_000,
      body: (await response.json()) as Reply['body'],
    }
  } catch (error) {
    throw lost(target, error)
  }
}

function lost(target: BatchTarget, error: unknown): CliError {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause
  const reason = cause?.code ?? cause?.message ?? (error as Error).message
  if (reason === 'ECONNREFUSED') {
    return new CliError(EXIT.failed, `nothing listens at ${target.url}: start it, or name --url`)
  }
  return new CliError(
    EXIT.failed,
    `the connection to ${target.url} was lost (${reason}); what was in flight is unknown: ` +
      'send the same input again, nothing takes effect twice',
  )
}

function unexpected(target: BatchTarget, reply: Reply): CliError {
  const { code = 'no code', detail = '' } = reply.body
  const hint = reply.status === 401 ? '; name the key with --key or HOLDFAST_KEYS' : ''
  return new CliError(
    EXIT.failed,
    `${target.url} answered ${reply.status} ${code}${detail === '' ? '' : `: ${detail}`}${hint}`,
  )
}

interface Patience {
  wait(retryAfterMs: number, reason: string): Promise<void>
}

function startPatience(target: BatchTarget): Patience {
  const start = performance.now()
  let waitMs = WAIT_MS
  return {
    async wait(retryAfterMs, reason) {
      const spentMs = performance.now() - start
      if (spentMs > target.patienceMs) {
        const seconds = Math.round(spentMs / 1_000)
        throw new CliError(EXIT.failed, `${target.url}: gave up after ${seconds} s: ${reason}`)
      }
      const spread = waitMs * (0.75 + Math.random() / 2)
      await delay(Math.min(Math.max(spread, retryAfterMs), WAIT_MS_MAX))
      waitMs = Math.min(waitMs * 2, WAIT_MS_MAX)
    },
  }
}
