// What /metrics shows, as prom-client writes it. Counts are kept as plain numbers where they are
// made and read when somebody asks; only latency is given to prom-client as it happens.

import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { statusOf } from '../protocol/index.ts'

/** Figures that are read when /metrics is asked for. */
export interface MetricSources {
  /** Commands by the number of their status. */
  readonly outcomes: () => Float64Array
  readonly requestsInFlight: () => number
  readonly connections: () => number
  readonly commandsInFlight: () => number
  readonly bufferedBytes: () => number
  readonly streams: () => StreamFigures
  readonly eventClients: () => number
  /** The journal's and the engine's own; names that end in `_total` are counters. */
  readonly stats: () => Readonly<Record<string, number>>
}

/** Figures of the streams. */
export interface StreamFigures {
  readonly connections: number
  readonly messagesIn: number
  readonly messagesOut: number
  readonly backlogBytes: number
  readonly waitingBytes: number
  readonly closedByCode: ReadonlyMap<number, number>
}

/** The metrics of one server. */
export interface Metrics {
  /** A request to `route` was answered with `status` after `seconds`. */
  onRequest(route: string, status: number, seconds: number): void
  /** Prometheus' text. */
  text(): Promise<string>
  readonly contentType: string
}

/** Latencies from a tenth of a millisecond to five seconds. */
const BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5,
]

/** Fresh metrics, in a registry of their own. */
export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const requests = countRequests(registry)
  const seconds = new Histogram({
    name: 'holdfast_http_request_seconds',
    help: 'Time from a request to its reply, by route',
    labelNames: ['route'],
    buckets: BUCKETS,
    registers,
  })
  const byRoute = new Map<string, { observe(value: number): void }>()
  countOutcomes(registry, sources)
  gauge(registry, 'holdfast_http_in_flight', 'Requests without a reply', sources.requestsInFlight)
  gauge(registry, 'holdfast_http_connections', 'Open connections', sources.connections)
  gauge(
    registry,
    'holdfast_commands_in_flight',
    'Commands and queries without an outcome',
    sources.commandsInFlight,
  )
  gauge(
    registry,
    'holdfast_http_buffered_bytes',
    'Bytes of bodies, of what waits, and of what streams left unread',
    sources.bufferedBytes,
  )
  gauge(registry, 'holdfast_event_clients', 'Clients of server-sent events', sources.eventClients)
  showStreams(registry, sources.streams)
  gauge(
    registry,
    'process_resident_memory_bytes',
    'Resident memory of the process',
    process.memoryUsage.rss,
  )
  return {
    onRequest(route, status, duration) {
      requests(route, status)
      let child = byRoute.get(route)
      if (child === undefined) {
        child = seconds.labels({ route })
        byRoute.set(route, child)
      }
      child.observe(duration)
    },
    async text() {
      showStats(registry, sources.stats())
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}

/** Requests by route and status; both are from closed lists, so the series are bounded. */
function countRequests(registry: Registry): (route: string, status: number) => void {
  const counts = new Map<string, Map<number, number>>()
  new Counter({
    name: 'holdfast_http_requests_total',
    help: 'Requests by route and status; 499: the client went away',
    labelNames: ['route', 'status'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [route, byStatus] of counts) {
        for (const [status, count] of byStatus) this.inc({ route, status }, count)
      }
    },
  })
  return (route, status) => {
    let byStatus = counts.get(route)
    if (byStatus === undefined) {
      byStatus = new Map()
      counts.set(route, byStatus)
    }
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
  }
}

function countOutcomes(registry: Registry, sources: MetricSources): void {
  new Counter({
    name: 'holdfast_outcomes_total',
    help: 'Outcomes of commands by code',
    labelNames: ['code'],
    registers: [registry],
    collect() {
      this.reset()
      sources.outcomes().forEach((count, number) => {
        if (count > 0) this.inc({ code: statusOf(number).code }, count)
      })
    },
  })
}

function showStreams(registry: Registry, read: () => StreamFigures): void {
  const registers = [registry]
  gauge(registry, 'holdfast_stream_connections', 'Open streams', () => read().connections)
  gauge(
    registry,
    'holdfast_stream_waiting_bytes',
    'Bytes of messages that wait for room',
    () => read().waitingBytes,
  )
  gauge(
    registry,
    'holdfast_stream_backlog_bytes',
    'Bytes that clients of streams left unread',
    () => read().backlogBytes,
  )
  new Counter({
    name: 'holdfast_stream_messages_total',
    help: 'Messages of streams by direction',
    labelNames: ['direction'],
    registers,
    collect() {
      this.reset()
      this.inc({ direction: 'in' }, read().messagesIn)
      this.inc({ direction: 'out' }, read().messagesOut)
    },
  })
  new Counter({
    name: 'holdfast_stream_closed_total',
    help: 'Closed streams by close code',
    labelNames: ['code'],
    registers,
    collect() {
      this.reset()
      for (const [code, count] of read().closedByCode) this.inc({ code }, count)
    },
  })
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    },
  })
}

/** The pipeline's figures under their names. What there is may grow while the server runs. */
function showStats(registry: Registry, stats: Readonly<Record<string, number>>): void {
  for (const [stat, value] of Object.entries(stats)) {
    const name = `holdfast_${stat}`
    const help = `${stat}, see docs/metrics.md`
    registry.removeSingleMetric(name)
    if (stat.endsWith('_total')) {
      new Counter({ name, help, registers: [registry] }).inc(value)
    } else new Gauge({ name, help, registers: [registry] }).set(value)
  }
}
