// The thread that reads a snapshot ahead: an entry file for `new Worker(readAheadThread, { workerData })`.
// What it does is in read-ahead.ts.

import { workerData } from 'node:worker_threads'
import { FileStorage } from '../journal/index.ts'
import { type ReadAheadData, readAhead } from './read-ahead.ts'

const { directory, ahead } = workerData as ReadAheadData
try {
  readAhead(new FileStorage(directory), ahead)
} catch {
  // The taker comes to the same place, and says what is wrong there.
}
