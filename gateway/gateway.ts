// Puts the gateway together: one server of HTTP and streams over one pipeline. Runs in a thread of its own, whose
// entry is the composition root's.

import type { Capacities, ModuleSurface, Pipeline, ViewReader } from '../protocol/index.ts'
import { Actions } from '../surface/index.ts'
import { createAuth } from './auth.ts'
import { createByteBudget } from './byte-budget.ts'
import { EventHub } from './event-hub.ts'
import { type Carry, createCarry, isCarried, refuse } from './handlers.ts'
import { type Exchange, HttpServer } from './http-response.ts'
import { BUFFERED_BYTES_MAX, DRAIN_MS } from './limits.ts'
import { Line } from './line.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { openApiDocument } from './openapi.ts'
import { createPages } from './pages.ts'
import { Refusal } from './refusal.ts'
import { createRouter, type Router } from './router.ts'
import { routeTable, STREAM_PATH } from './routes.ts'
import {
  type FollowerFigures,
  followerStats,
  NO_FOLLOWER,
  NO_VIEWS,
  type ViewsFigures,
  viewsStats,
} from './status-page.ts'
import { StreamHub } from './stream-hub.ts'
import { socketBehavior } from './web-socket.ts'

/** The part of a pino logger that the gateway uses. */
export interface GatewayLog {
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What a gateway is started with. */
export interface GatewayOptions {
  readonly pipeline: Pipeline
  /** Name or address to listen on; `[...]` around an IPv6 address is taken too. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Keys that clients may show; none: loopback addresses only. */
  readonly keys: readonly string[]
  /** Whether POST /v1/test/clock exists. */
  readonly testClock: boolean
  /** Holdfast's version, for /version and /openapi.json. */
  readonly version: string
  /** What is in force, for the details of refusals. */
  readonly capacities: Capacities
  /** What the loaded modules say of themselves; none where not given. */
  readonly modules?: readonly ModuleSurface[]
  /** Reads lists, histories and events; where not given, they are `views_unavailable`. */
  readonly views?: ViewReader
  /** What is known of the follower; where not given, there is to be none. */
  readonly follower?: () => FollowerFigures
  /** What is known of the process that keeps the views; where not given, there is to be none. */
  readonly viewsFigures?: () => ViewsFigures
  readonly log: GatewayLog
}

/** A gateway that listens. */
export interface Gateway {
  /** The port that it listens on. */
  readonly port: number
  /**
   * Takes no more connections and refuses what is new with `draining`; resolves when what was in
   * flight is answered, after 3 s at the latest, with every connection closed.
   */
  drain(): Promise<void>
  /** Closes every connection now. */
  close(): void
}

/** The address could not be listened on. */
export class ListenFailed extends Error {
  override readonly name = 'ListenFailed'
  constructor(host: string, port: number) {
    super(
      `cannot listen on ${host}:${port}: the port is in use, or the address is not of this ` +
        'machine; choose another with --listen HOST:PORT',
    )
  }
}

/** What a request meets on its way, in this order but for open routes. */
interface Stations {
  readonly router: Router
  readonly authorize: ReturnType<typeof createAuth>
  readonly carry: Carry
  readonly pages: ReturnType<typeof createPages>
}

/** Who asks comes before what there is: a stranger learns nothing of the routes. */
function createDispatcher({ router, authorize, carry, pages }: Stations) {
  return (exchange: Exchange): void => {
    const { method, path } = exchange.head
    const match = router(method, path)
    const isOpen = !(match instanceof Refusal) && 'isOpen' in match.route && match.route.isOpen
    const stranger = isOpen ? undefined : authorize(exchange.head)
    if (stranger !== undefined) return refuse(exchange, stranger)
    if (match instanceof Refusal) return refuse(exchange, match)
    exchange.route = match.route.path
    if (isCarried(match.route)) carry(exchange, match.route, match.values)
    else pages(exchange, match.route.does)
  }
}

/** Whether one that asks for a stream may have it; if not, it got its reply. */
function createDoor(authorize: Stations['authorize'], hub: StreamHub) {
  return (exchange: Exchange): boolean => {
    const stranger = authorize(exchange.head)
    if (stranger === undefined) exchange.route = STREAM_PATH
    const refusal = stranger ?? hub.refusal()
    if (refusal !== undefined) refuse(exchange, refusal)
    return refusal === undefined
  }
}

/**
 * Starts a gateway. Rejects with `KeysRequired` where there are no keys and `host` can be reached
 * from elsewhere, with `ListenFailed` where the port is taken, and with `RouteTaken` or a `TypeError`
 * where modules do not go together.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const authorize = createAuth(options.keys, options.host)
  const follower = options.follower ?? (() => NO_FOLLOWER)
  const viewsFigures = options.viewsFigures ?? (() => NO_VIEWS)
  const budget = createByteBudget(BUFFERED_BYTES_MAX)
  const line = new Line(options.pipeline, () => {
    options.log.error({}, 'an outcome came that nobody waits for')
  })
  const metrics: Metrics = createMetrics({
    outcomes: () => line.countByStatus,
    requestsInFlight: () => server.inFlight,
    connections: () => server.connections,
    commandsInFlight: () => line.inFlight,
    bufferedBytes: () => budget.used(),
    streams: () => hub,
    eventClients: () => events.clients,
    stats: () => {
      const stats = options.pipeline.stats()
      const sequence = stats.journal_sequence ?? 0
      const helpers = {
        ...followerStats(follower(), sequence),
        ...viewsStats(viewsFigures(), sequence),
      }
      return { ...stats, ...helpers }
    },
  })
  const modules = options.modules ?? []
  const actions = new Actions(modules)
  const routes = routeTable(options.testClock, modules)
  const router = createRouter(routes)
  const openApi = openApiDocument(routes, options.version, options.keys.length > 0)
  const pages = createPages({
    line,
    metrics,
    version: options.version,
    openApi,
    follower,
    views: viewsFigures,
  })
  const { capacities, views } = options
  const events = new EventHub(views, (error) =>
    options.log.error({ err: error }, 'events failed by our fault'),
  )
  const carry = createCarry({ line, budget, capacities, actions, views, events })

  const hub = new StreamHub({
    line,
    budget,
    capacities,
    actions,
    onFault: (error) => options.log.error({ err: error }, 'a stream failed by our fault'),
  })

  const server: HttpServer = new HttpServer(
    {
      onRequest: createDispatcher({ router, authorize, carry, pages }),
      onUpgrade: createDoor(authorize, hub),
      onDone(exchange, status) {
        const seconds = (performance.now() - exchange.startedMs) / 1_000
        metrics.onRequest(exchange.route === '' ? 'none' : exchange.route, status, seconds)
      },
      onFault(error, exchange) {
        options.log.error({ err: error, route: exchange.route }, 'a request failed by our fault')
      },
    },
    budget,
    { path: STREAM_PATH, behavior: streamBehavior(hub, () => server.onSocketClosed()) },
  )
  return listen(options, line, { hub, events, server })
}

function streamBehavior(hub: StreamHub, onClosed: () => void) {
  const { onFault } = hub
  return socketBehavior({ accept: (socket) => hub.accept(socket), onClosed, onFault })
}

/** What has connections of its own. */
interface Parts {
  readonly hub: StreamHub
  readonly events: EventHub
  readonly server: HttpServer
}

/** Listens, and gives back what ends it all. */
function listen(options: GatewayOptions, line: Line, { hub, events, server }: Parts): Gateway {
  const port = server.listen(options.host.replace(/^\[(.*)\]$/, '$1'), options.port)
  if (port === undefined) {
    line.close()
    hub.close()
    server.close()
    throw new ListenFailed(options.host, options.port)
  }
  return {
    port,
    async drain() {
      line.drain()
      events.close()
      await server.stop(DRAIN_MS, hub.drain(DRAIN_MS))
      line.close()
    },
    close() {
      line.close()
      events.close()
      hub.close()
      server.close()
    },
  }
}
