// The runtime's face: the threads of one server and what lies between them, a gateway's end of it,
// and the same journal read offline.
//
//   const server = await startServer(options)      // on the main thread
//   const gateway = openGatewayThread()            // in options.gatewayThread
//   const replay = replayJournal({ dataDir })      // in any thread, changes nothing

export { checkTimeJump, TimeJumpRefused } from './clock.ts'
export { inlineGenerously } from './compiler-flags.ts'
export {
  checkJournalDirectory,
  DataDirectoryError,
  journalDirectory,
  prepareDataDirectory,
} from './data-directory.ts'
export { type GatewayThread, openGatewayThread } from './gateway-thread.ts'
export { DirectoryInUse, type DirectoryLock, isLocked, lockDirectory } from './lock.ts'
export { type Replay, type ReplayOptions, type ReplayUntil, replayJournal } from './offline.ts'
export { forEachRecord, type JournalSurvey, surveyJournal } from './recovery.ts'
export { SEGMENT_BYTES_MIN, type ServerOptions, startServer } from './start.ts'
export { type Recovered, type RunningServer, StartAborted } from './supervisor.ts'
export { ThreadFailed } from './thread-errors.ts'
