// A gateway thread without HTTP, for tests of the threads behind it: plain commands come in over a
// BroadcastChannel and plain outcomes go back.

import { BroadcastChannel } from 'node:worker_threads'
import {
  allocateWords,
  KIND,
  QUERY,
  RECORD,
  TICK,
  type Words,
  writeI64,
} from '../../protocol/index.ts'
import { openGatewayThread } from '../../runtime/index.ts'
import type { Command, Outcome } from './commands.ts'
import { encodeCommand } from './frames.ts'
import { type AuditView, decodeAudit, decodeOutcome, tokenOf } from './outcomes.ts'

/** What a test asks for; `n` comes back with the answer. */
export type PipeRequest =
  | { readonly n: number; readonly type: 'commands'; readonly commands: readonly Command[] }
  | { readonly n: number; readonly type: 'audit' }
  | { readonly n: number; readonly type: 'advance'; readonly ms: number }
  | { readonly n: number; readonly type: 'look' }
  /** Queues bytes that are no command. */
  | { readonly n: number; readonly type: 'garbage' }
  | { readonly n: number; readonly type: 'crash' }

/** What comes back. `busy`: nothing was taken. */
export type PipeReply =
  | { readonly n: number; readonly type: 'outcomes'; readonly outcomes: readonly Outcome[] }
  | { readonly n: number; readonly type: 'audit'; readonly audit: AuditView }
  | { readonly n: number; readonly type: 'busy' }
  | {
      readonly n: number
      readonly type: 'look'
      readonly state: string
      readonly sequence: number
      readonly stats: Readonly<Record<string, number>>
    }
  /** The answer of everything that is in flight when the pipeline fails. */
  | { readonly n: -1; readonly type: 'failure'; readonly reason: string }

interface Waiting {
  readonly n: number
  readonly outcomes: Outcome[]
  left: number
}

const thread = openGatewayThread()
const { pipeline } = thread
const channel = new BroadcastChannel(`${thread.options}-${thread.slot}`)
const waiting = new Map<number, Waiting>()
let nextToken = 1
let whenIdle = (): void => {}

function reply(message: PipeReply): void {
  channel.postMessage(message)
}

function sendCommands(n: number, commands: readonly Command[]): void {
  const words = allocateWords(commands.length * 1_152)
  const request: Waiting = { n, outcomes: [], left: commands.length }
  let at = 0
  const first = nextToken
  for (const command of commands) at += encodeCommand(words, at, command, 0, nextToken++)
  enqueue(request, first, pipeline.submit(words, at, commands.length))
}

function enqueue(request: Waiting, first: number, isTaken: boolean): void {
  if (!isTaken) return reply({ n: request.n, type: 'busy' })
  for (let token = first; token < nextToken; token++) waiting.set(token, request)
  pipeline.flush()
}

/** A record with nothing but its head and one number. */
function own(kind: number, bytes: number, value = 0): Words {
  const words = allocateWords(bytes)
  words.u8[RECORD.kind] = kind
  words.u32[RECORD.token >>> 2] = nextToken++
  if (bytes > RECORD.bytes) writeI64(words, RECORD.bytes, value)
  return words
}

function serve(request: PipeRequest): void {
  const { n, type } = request
  const first = nextToken
  const one: Waiting = { n, outcomes: [], left: 1 }
  if (type === 'commands') sendCommands(n, request.commands)
  else if (type === 'audit') {
    enqueue(one, first, pipeline.query(own(KIND.queryAudit, QUERY.bytes), QUERY.bytes))
  } else if (type === 'advance') {
    enqueue(one, first, pipeline.submit(own(KIND.tick, TICK.bytes, request.ms), TICK.bytes, 1))
  } else if (type === 'garbage') {
    enqueue(one, first, pipeline.submit(own(KIND.void, TICK.bytes), TICK.bytes, 1))
  } else if (type === 'look') {
    const { sequence } = pipeline.progress()
    reply({ n, type: 'look', state: pipeline.state(), sequence, stats: pipeline.stats() })
  } else {
    throw new Error('the test wanted this gateway to crash')
  }
}

pipeline.onOutcome = (words, at) => {
  const token = tokenOf(words, at)
  const request = waiting.get(token)
  if (request === undefined) throw new Error(`an outcome for nobody: token ${token}`)
  waiting.delete(token)
  if (words.u8[at + 6] === KIND.queryAudit) {
    reply({ n: request.n, type: 'audit', audit: decodeAudit(words, at) })
  } else {
    request.outcomes.push(decodeOutcome(words, at, pipeline.names))
    if (--request.left === 0) {
      reply({ n: request.n, type: 'outcomes', outcomes: request.outcomes })
    }
  }
  if (waiting.size === 0) whenIdle()
}
pipeline.onFailure = (reason) => reply({ n: -1, type: 'failure', reason })
thread.onDrain = () =>
  new Promise((resolve) => {
    whenIdle = resolve
    if (waiting.size === 0) resolve()
  })
channel.onmessage = ({ data }: { data: unknown }) => serve(data as PipeRequest)
thread.ready({ slot: thread.slot })
