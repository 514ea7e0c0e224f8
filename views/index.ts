// The views' face: lists, histories and events in SQLite, kept by a follower of their own behind the durable
// journal and read by a thread of the gateway's. The writer knows nothing of them.
//
//   const views = new ViewsRunner({ path, directories, modules, views, onMessage })
//   await views.run(signal)                           // in a process of its own
//   const reader = openViewReader(entry, path)        // in the gateway's, for its lists

export { checkViews, type Difference, type ViewsCheck } from './check.ts'
export { ViewsUnreachable, ViewsUnusable } from './errors.ts'
export { openForReading, readMeta, type ViewsMeta, viewsPath } from './file.ts'
export { ViewPages } from './pages.ts'
export { openViewReader, type RunningViewReader } from './reader.ts'
export { FileReader, serveReader } from './reader-thread.ts'
export { type ViewsOptions, ViewsRunner, type ViewsStatus } from './runner.ts'
export { viewsNeedFrom } from './session.ts'
