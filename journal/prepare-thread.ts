// The preparer's thread: an entry file for `new Worker(preparerThread, { workerData })`. What it
// does is in preparer.ts.

import { workerData } from 'node:worker_threads'
import { FileStorage } from './file-storage.ts'
import { type PreparerData, runPreparer } from './preparer.ts'

const { directory, segmentBytes, control } = workerData as PreparerData
runPreparer(new FileStorage(directory), control, segmentBytes)
