// Entry of a gateway thread: the runtime's end of the rings under the gateway's HTTP server. Nothing
// else puts the two together.

import pino from 'pino'
import { type GatewayOptions, startGateway } from '../gateway/index.ts'
import { openGatewayThread } from '../runtime/index.ts'
import { readFollowerReport } from './follower-report.ts'

/** What `serve` hands to the thread through the runtime. */
export interface GatewayThreadOptions
  extends Omit<GatewayOptions, 'pipeline' | 'log' | 'follower'> {
  readonly logLevel: string
  /** What follower-report.ts allocated. */
  readonly followerReport: SharedArrayBuffer
}

/** What the thread says when it listens. */
export interface GatewayInfo {
  readonly port: number
}

const thread = openGatewayThread()
const { logLevel, followerReport, ...options } = thread.options as GatewayThreadOptions

try {
  const log = pino({ name: 'holdfast', level: logLevel }, pino.destination({ fd: 2, sync: true }))
  const follower = readFollowerReport(followerReport)
  const gateway = await startGateway({ ...options, pipeline: thread.pipeline, follower, log })
  thread.onDrain = () => gateway.drain()
  thread.onClose = () => gateway.close()
  const info: GatewayInfo = { port: gateway.port }
  thread.ready(info)
} catch (error) {
  thread.fail(error)
}
