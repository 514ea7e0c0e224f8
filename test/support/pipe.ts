// A whole server without HTTP: the runtime's threads with pipe-gateway.ts as the gateway.

import { randomBytes } from 'node:crypto'
import { BroadcastChannel } from 'node:worker_threads'
import { type RunningServer, type ServerOptions, startServer } from '../../runtime/index.ts'
import type { Command, Outcome } from './commands.ts'
import type { AuditView } from './outcomes.ts'
import type { PipeReply, PipeRequest } from './pipe-gateway.ts'
import { SMALL_CAPACITIES } from './rings.ts'

type Unnumbered<T> = T extends unknown ? Omit<T, 'n'> : never
type Look = Extract<PipeReply, { type: 'look' }>

/** A server and what tests do with it. */
export interface Pipe {
  readonly server: RunningServer
  /** Sends commands as one batch; rejects with `busy` or with the reason of a failure. */
  send(...commands: Command[]): Promise<readonly Outcome[]>
  audit(): Promise<AuditView>
  /** Moves the test clock; the outcome has the new time. */
  advance(ms: number): Promise<Outcome>
  look(): Promise<Look>
  /** Makes the gateway queue what is no command, or crash. Nobody answers. */
  harm(how: 'garbage' | 'crash'): void
  /** Resolves with the reason when the gateway was told that the pipeline failed. */
  readonly failure: Promise<string>
  /** Stops the server and closes the channel to its gateway. */
  stop(): Promise<void>
}

/** Small segments and tables, real time. */
export function pipeOptions(dataDir: string, options: Partial<ServerOptions> = {}): ServerOptions {
  return {
    dataDir,
    capacities: SMALL_CAPACITIES,
    segmentBytes: 1_048_576,
    testClock: false,
    acceptTimeJump: false,
    gatewayThread: new URL('./pipe-gateway.js', import.meta.url),
    gatewayOptions: `holdfast-${randomBytes(8).toString('hex')}`,
    ...options,
  }
}

/** Starts one, and talks to the first of its gateways. */
export async function openPipe(
  dataDir: string,
  options: Partial<ServerOptions> = {},
): Promise<Pipe> {
  const all = pipeOptions(dataDir, options)
  const server = await startServer(all)
  return talkTo(server, all.gatewayOptions as string, 0)
}

/** The ends of every gateway of a server. */
export async function openPipes(dataDir: string, gateways: number): Promise<Pipe[]> {
  const all = pipeOptions(dataDir, { gateways })
  const server = await startServer(all)
  return Array.from({ length: gateways }, (_, slot) =>
    talkTo(server, all.gatewayOptions as string, slot),
  )
}

function talkTo(server: RunningServer, name: string, slot: number): Pipe {
  const channel = new BroadcastChannel(`${name}-${slot}`)
  const waiting = new Map<number, (reply: PipeReply | Error) => void>()
  let next = 0
  let tellFailure: (reason: string) => void
  const failure = new Promise<string>((resolve) => {
    tellFailure = resolve
  })
  channel.onmessage = ({ data }: { data: unknown }) => {
    const reply = data as PipeReply
    if (reply.type === 'failure') {
      tellFailure(reply.reason)
      for (const settle of waiting.values()) settle(new Error(reply.reason))
    } else {
      waiting.get(reply.n)?.(reply.type === 'busy' ? new Error('busy') : reply)
      waiting.delete(reply.n)
    }
  }
  const ask = <T extends PipeReply['type']>(
    request: Unnumbered<PipeRequest>,
  ): Promise<Extract<PipeReply, { type: T }>> =>
    new Promise((resolve, reject) => {
      const n = next++
      waiting.set(n, (reply) => {
        if (reply instanceof Error) reject(reply)
        else resolve(reply as Extract<PipeReply, { type: T }>)
      })
      channel.postMessage({ ...request, n })
    })
  return {
    server,
    failure,
    send: async (...commands) => (await ask<'outcomes'>({ type: 'commands', commands })).outcomes,
    audit: async () => (await ask<'audit'>({ type: 'audit' })).audit,
    advance: async (ms) => (await ask<'outcomes'>({ type: 'advance', ms })).outcomes[0] as Outcome,
    look: () => ask<'look'>({ type: 'look' }),
    harm: (type) => channel.postMessage({ n: -2, type }),
    stop: () => server.stop().finally(() => channel.close()),
  }
}
