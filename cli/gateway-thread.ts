// Entry of a gateway thread: the runtime's end of the rings under the gateway's HTTP server. Nothing
// else puts the two together.

import pino from 'pino'
import { type GatewayOptions, startGateway } from '../gateway/index.ts'
import { loadSurfaces, openGatewayThread } from '../runtime/index.ts'
import { openViewReader } from '../views/index.ts'
import { readFollowerReport } from './follower-report.ts'
import { readViewsReport } from './views-report.ts'

/** What `serve` hands to the thread through the runtime. */
export interface GatewayThreadOptions
  extends Omit<
    GatewayOptions,
    'pipeline' | 'log' | 'follower' | 'modules' | 'views' | 'viewsFigures'
  > {
  readonly logLevel: string
  /** What follower-report.ts allocated. */
  readonly followerReport: SharedArrayBuffer
  /** What views-report.ts allocated. */
  readonly viewsReport: SharedArrayBuffer
  /** Of views.sqlite; not given: nobody keeps views. */
  readonly viewsPath: string | undefined
  /** Folders of the modules, as `findModules` gives them. */
  readonly modules: readonly string[]
}

/** What the thread says when it listens. */
export interface GatewayInfo {
  readonly port: number
}

const thread = openGatewayThread()
const { logLevel, followerReport, viewsReport, viewsPath, modules, ...options } =
  thread.options as GatewayThreadOptions

try {
  const log = pino({ name: 'holdfast', level: logLevel }, pino.destination({ fd: 2, sync: true }))
  const follower = readFollowerReport(followerReport)
  const viewsFigures = readViewsReport(viewsReport)
  const views =
    viewsPath === undefined
      ? undefined
      : openViewReader(new URL('./views-reader-thread.js', import.meta.url), viewsPath)
  const gateway = await startGateway({
    ...options,
    pipeline: thread.pipeline,
    modules: await loadSurfaces(modules),
    follower,
    viewsFigures,
    ...(views === undefined ? {} : { views }),
    log,
  })
  thread.onDrain = () => gateway.drain()
  thread.onClose = () => {
    gateway.close()
    views?.close()
  }
  const info: GatewayInfo = { port: gateway.port }
  thread.ready(info)
} catch (error) {
  thread.fail(error)
}
