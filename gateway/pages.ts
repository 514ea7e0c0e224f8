// What the gateway answers by itself: whether it is alive and ready, what runs, figures, the
// document.

import { FORMAT_VERSION, formatTime, RULES_VERSION, STATUS, statusOf } from '../protocol/index.ts'
import type { Exchange } from './http-response.ts'
import type { Line } from './line.ts'
import type { Metrics } from './metrics.ts'
import { jsonReply, problemReply, type Reply } from './problem.ts'
import type { PageRoute } from './routes.ts'
import {
  type FollowerFigures,
  type StatusSources,
  statusReply,
  type ViewsFigures,
} from './status-page.ts'

/** What the pages are made from. */
export interface PageSources {
  readonly line: Line
  readonly metrics: Metrics
  readonly version: string
  readonly openApi: string
  readonly follower: () => FollowerFigures
  readonly views: () => ViewsFigures
}

/** Answers page routes. */
export function createPages(
  sources: PageSources,
): (exchange: Exchange, does: PageRoute['does']) => void {
  const version = versionReply(sources.version)
  const openApi = jsonReply(200, sources.openApi)
  return (exchange, does) => {
    switch (does) {
      case 'stream':
        return exchange.reply(NO_UPGRADE)
      case 'live':
        return exchange.reply(ALIVE)
      case 'ready':
        return exchange.reply(readyReply(sources.line))
      case 'version':
        return exchange.reply(version)
      case 'status':
        return exchange.reply(statusReply(statusSources(sources)))
      case 'openapi':
        return exchange.reply(openApi)
      case 'metrics':
        showMetrics(exchange, sources.metrics)
    }
  }
}

/** For a plain request where a WebSocket is wanted: no status of ours is 426, so HTTP's says it. */
const NO_UPGRADE = problemReply(
  statusOf(STATUS.invalid_request),
  'This is a WebSocket: ask for an upgrade (RFC 6455), and see docs/stream.md.',
  '',
  ['Upgrade', 'websocket'],
  426,
)

const ALIVE = jsonReply(200, '{"status":"ok"}')

function versionReply(version: string): Reply {
  const page = {
    name: 'holdfast',
    version,
    node: process.version,
    formatVersion: FORMAT_VERSION,
    rulesVersion: RULES_VERSION,
  }
  return jsonReply(200, JSON.stringify(page))
}

function statusSources({ line, version, follower, views }: PageSources): StatusSources {
  const { pipeline } = line
  const state = (): string => line.stateRefusal()?.code ?? 'serving'
  const commandsInFlight = (): number => line.inFlight
  return { pipeline, version, state, commandsInFlight, follower, views }
}

function readyReply(line: Line): Reply {
  const { sequence, timeMs, replayedBytes, replayBytes } = line.pipeline.progress()
  const when = `"sequence":${sequence},"time":"${formatTime(timeMs)}"`
  const refusal = line.stateRefusal()
  if (refusal === undefined) return jsonReply(200, `{"status":"ready",${when}}`)
  const members = `,${when},"replayedBytes":${replayedBytes},"replayBytes":${replayBytes}`
  return problemReply(statusOf(STATUS[refusal.code]), refusal.detail, members)
}

function showMetrics(exchange: Exchange, { text, contentType }: Metrics): void {
  text().then(
    (body) => exchange.guard(() => exchange.reply({ ...jsonReply(200, body), contentType })),
    (error: unknown) => exchange.fail(error),
  )
}
