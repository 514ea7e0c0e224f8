// `holdfast serve`: starts the threads and the follower, says where and what it serves, and ends them in
// order.

import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningServer } from '../../runtime/index.ts'
import {
  type Cores,
  findModules,
  loadSurfaces,
  pairOfCores,
  StartAborted,
  startServer,
} from '../../runtime/index.ts'
import { viewsPath } from '../../views/index.ts'
import { type Config, parseListen } from '../config.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { FollowerChild } from '../follower-child.ts'
import { allocateFollowerReport, writeFollowerReport } from '../follower-report.ts'
import { followerSettings } from '../follower-run.ts'
import type { GatewayInfo, GatewayThreadOptions } from '../gateway-thread.ts'
import { counted, formatBytes, grouped, note, print } from '../output.ts'
import { ViewsChild } from '../views-child.ts'
import { allocateViewsReport, writeViewsReport } from '../views-report.ts'
import { viewsSettings } from '../views-run.ts'
import { packageVersion } from './version.ts'

/** Where a server without keys may listen, as most do. */
const LOOPBACK = '127.0.0.1'

/** How long gateways get to answer `outcome_unknown` after a failure, in ms. */
const FAREWELL_MS = 50

/** How long the threads get to end after that, in ms. */
const END_MS = 2_000

/**
 * Serves until SIGTERM or SIGINT, which also give up a start that is still recovering; rejects where
 * the server does not start.
 */
export async function serve(config: Config): Promise<ExitCode> {
  const { host, port } = parseListen(config.listen)
  const modules = findModules(config.modules)
  await checkFirst(config, host, modules)
  const version = packageVersion()
  const { keys, testClock, capacities, logLevel } = config
  const followerReport = allocateFollowerReport()
  const viewsReport = allocateViewsReport()
  const gatewayOptions: GatewayThreadOptions = {
    host,
    port,
    keys,
    testClock,
    version,
    capacities,
    logLevel,
    followerReport,
    viewsReport,
    modules,
    viewsPath: config.views ? viewsPath(resolve(config.dataDir)) : undefined,
  }
  if (config.follower) noteStarting(followerReport, config.views ? viewsReport : undefined)
  const signal = firstSignal()
  const given = new AbortController()
  signal.then(() => given.abort())
  printHead(config, version)
  const cores = config.pinThreads ? pairOfCores() : undefined
  const starting = startServer({
    dataDir: config.dataDir,
    capacities,
    modules: config.modules,
    segmentBytes: config.segmentBytes,
    testClock,
    acceptTimeJump: config.acceptTimeJump,
    gatewayThread: new URL('../gateway-thread.js', import.meta.url),
    gatewayOptions,
    cores,
    hasHelpers: config.follower,
    signal: given.signal,
    onProblem: (sentence) => note(`holdfast: ${sentence}`),
  })
  const server = await starting.catch(givenUp)
  if (server === undefined) {
    note(`holdfast: ${await signal}: the start was given up`)
    return EXIT.fine
  }
  printServing(config, server, host)
  // To start a process takes a tenth of a second in one that holds much memory: the server serves by now.
  const helpers = startHelpers(config, cores, followerReport, viewsReport)
  const failed = server.failed.then((error) => endAtOnce(server, error))
  const name = await Promise.race([signal, failed])
  note(`holdfast: ${name}: answering what is in flight, then sealing the journal`)
  // Told first, and waited for beside the rest: it must not use up the time to answer and seal.
  await Promise.all([...helpers.map((helper) => helper.stop()), server.stop()])
  note('holdfast: sealed')
  return EXIT.fine
}

/**
 * What can be known without a thread, before anything is made on the disk: that there are keys where others
 * can reach `host`, and that the modules load. That two want one path is found by the gateway, later.
 */
async function checkFirst({ keys }: Config, host: string, modules: readonly string[]) {
  // The gateway's code takes a while to load, and is needed in this thread for nothing else.
  if (keys.length === 0 && host !== LOOPBACK) {
    const { requireKeys } = await import('../../gateway/index.ts')
    requireKeys(keys, host)
  }
  await loadSurfaces(modules)
}

/** Whoever asks a gateway before the helpers are started is told that they begin. */
function noteStarting(
  followerReport: SharedArrayBuffer,
  viewsReport: SharedArrayBuffer | undefined,
): void {
  writeFollowerReport(followerReport)({ state: 'running', status: undefined })
  if (viewsReport !== undefined) {
    writeViewsReport(viewsReport)({ state: 'running', status: undefined })
  }
}

/** The follower and the views, once there is a journal; the server does not depend on them. */
function startHelpers(
  config: Config,
  cores: Cores | undefined,
  followerReport: SharedArrayBuffer,
  viewsReport: SharedArrayBuffer,
): (FollowerChild | ViewsChild)[] {
  if (!config.follower) return []
  const onMessage = (sentence: string): void => note(`holdfast: ${sentence}`)
  const onHealth = writeFollowerReport(followerReport)
  const follower = new FollowerChild(followerSettings(config), { onMessage, onHealth }, cores)
  if (!config.views) return [follower]
  const viewsEars = { onMessage, onHealth: writeViewsReport(viewsReport) }
  return [follower, new ViewsChild(viewsSettings(config), viewsEars, cores)]
}

/** The first signal that asks for an end. Those that follow find it under way and change nothing. */
function firstSignal(): Promise<string> {
  return new Promise((resolve) => {
    process.on('SIGTERM', resolve)
    process.on('SIGINT', resolve)
  })
}

/** A start that a signal gave up is no failure; all else is. */
function givenUp(error: unknown): undefined {
  if (!(error instanceof StartAborted)) throw error
}

/** A thread died: nobody knows what became of what is in flight, so the process may not go on. */
async function endAtOnce(server: RunningServer, error: Error): Promise<never> {
  note(`holdfast: ${error.message}`)
  await delay(FAREWELL_MS)
  // It rejects with what was said above. Threads end before the process, or it would crash.
  await Promise.race([server.stop().catch(() => {}), delay(END_MS)])
  process.exit(EXIT.failed)
}

function printHead({ dataDir, capacities, testClock }: Config, version: string): void {
  const { accountsMax, ledgersMax, reservationsMax, groupsMax, outcomesMax } = capacities
  print(`holdfast ${version}, Node ${process.versions.node}`)
  print(`data       ${dataDir}`)
  print(
    `limits     ${grouped(accountsMax)} accounts, ${grouped(ledgersMax)} ledgers, ` +
      `${grouped(reservationsMax)} reservations, ${grouped(groupsMax)} groups`,
  )
  print(
    `           ${grouped(outcomesMax)} outcomes, remembered for ` +
      `${grouped(capacities.windowMs / 1_000)} s at least`,
  )
  if (testClock) print('clock      stands still: POST /v1/test/clock moves it')
}

function printMemory({ tables, rings }: RunningServer['reservedBytes']): void {
  const { accounts, ledgers, names, reservations, groups, outcomes, commands, replies } = tables
  print(
    `memory     ${formatBytes(tables.all)} reserved for tables, ${formatBytes(rings)} for rings`,
  )
  print(
    `           accounts ${formatBytes(accounts + ledgers)}, their names ${formatBytes(names)}, ` +
      `reservations ${formatBytes(reservations)},`,
  )
  const modules = replies === 0 ? '' : `, replies of modules ${formatBytes(replies)}`
  print(
    `           outcomes ${formatBytes(outcomes)}, ids of both ${formatBytes(commands)}, ` +
      `groups ${formatBytes(groups)}${modules}`,
  )
}

function printServing({ keys }: Config, server: RunningServer, host: string): void {
  const { recovered, reservedBytes, gateways } = server
  printMemory(reservedBytes)
  const seconds = `${recovered.seconds.toFixed(2)} s`
  if (recovered.sequence === 0) print(`recovered  nothing, the journal is new (${seconds})`)
  else {
    const { snapshot } = recovered
    const frames = `${counted(recovered.frames, 'frame')}, ${formatBytes(recovered.bytes)}`
    const how =
      snapshot === undefined ? `from ${frames}` : `snapshot at ${grouped(snapshot)}, then ${frames}`
    print(`recovered  sequence ${grouped(recovered.sequence)}: ${how}, in ${seconds}`)
  }
  if (recovered.quarantined !== undefined) {
    print(`           a torn tail was cut off and kept: quarantine/${recovered.quarantined}`)
  }
  const { port } = gateways[0] as GatewayInfo
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  print(`serving    ${url}`)
  const key = keys.length === 0 ? '' : "-H 'Authorization: Bearer YOUR_KEY' "
  print(`\n  curl -s ${key}${url}/v1/audit\n`)
}
