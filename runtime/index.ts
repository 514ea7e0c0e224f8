// The runtime's face: the threads of one server and what lies between them, a gateway's end of it,
// and the same journal read offline.
//
//   const server = await startServer(options)      // on the main thread
//   const gateway = openGatewayThread()            // in options.gatewayThread
//   const replay = replayJournal({ dataDir })      // in any thread, changes nothing
//   const hf = await open({ dataDir })             // all of it in one process, without a gateway

export type {
  Context,
  Json,
  Module,
  ModuleLedger,
  ReadContext,
  Reply,
  RowOf,
  Table,
  TableSchema,
  Timers,
} from '../engine/index.ts'
export { forEachRecord, type JournalSurvey, surveyJournal } from '../journal/index.ts'
export { checkTimeJump, TimeJumpRefused } from './clock.ts'
export { type Cores, coresOf, keepProcessOn, pairOfCores, usableCores } from './cores.ts'
export {
  archiveDirectory,
  checkJournalDirectory,
  DataDirectoryError,
  journalDirectory,
  prepareDataDirectory,
  snapshotsDirectory,
} from './data-directory.ts'
export { type GatewayThread, openGatewayThread } from './gateway-thread.ts'
export {
  findModules,
  loadRules,
  loadSurfaces,
  loadViews,
  ModuleLoadError,
} from './load-modules.ts'
export {
  DirectoryInUse,
  type DirectoryLock,
  isLocked,
  type LockRole,
  lockDirectory,
} from './lock.ts'
export {
  type Replay,
  type ReplayOptions,
  replayJournal,
  wholeJournal,
} from './offline.ts'
export { type OpenOptions, open } from './open.ts'
export { type BegunReplay, beginReplay, type ReplayFrom, type ReplayUntil } from './replay-start.ts'
export { allocateReport, ReportReader, ReportWriter } from './report.ts'
export { SEGMENT_BYTES_MIN, type ServerOptions, startServer } from './start.ts'
export { type Recovered, type RunningServer, StartAborted } from './supervisor.ts'
export { ThreadFailed } from './thread-errors.ts'
export { tuneV8 } from './v8-flags.ts'
