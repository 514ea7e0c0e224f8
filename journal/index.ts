// The journal's face: storages, reading with recovery, writing, preparing. Synchronous throughout,
// for it lives in a thread of its own. Knows neither the engine nor the runtime.
//
//   const reader = new JournalReader(storage, { mode: 'recover', quarantine })
//   while (reader.next(target) > 0) { ... }            // every frame that is there, checked
//   const writer = new JournalWriter(storage, reader.end, { boot, segments })
//   writer.append(words, at, fields)                   // on return it is on stable storage

export {
  JournalDamage,
  JournalMoved,
  type JournalPlace,
  JournalPoisoned,
  JournalVersionError,
} from './errors.ts'
export { type Fault, type FaultyCall, FaultyStorage } from './faulty-storage.ts'
export { FileStorage } from './file-storage.ts'
export {
  type FrameFields,
  type FrameLink,
  finishFrame,
  frameBytes,
  incarnationCrc,
  type LogPoint,
  type LogState,
} from './frame.ts'
export { JoinedStorage } from './joined-storage.ts'
export { MemoryStorage, SECTOR_BYTES } from './memory-storage.ts'
export {
  allocatePreparerControl,
  isStorageLow,
  PreparedSegments,
  type PreparerData,
  preparerStats,
  preparerThread,
  runPreparer,
  stopPreparer,
} from './preparer.ts'
export {
  type EndSegment,
  type FrameTarget,
  type JournalEnd,
  JournalReader,
  type ReaderOptions,
} from './reader.ts'
export { type FrameVisit, type JournalTotals, type ScannedFrame, scanHeaders } from './scan.ts'
export {
  fillSegment,
  firstSequenceOf,
  holdingSegment,
  logOf,
  type SegmentHeader,
  segmentName,
  segmentNames,
  writeSegmentHeader,
} from './segment.ts'
export {
  readAll,
  type Storage,
  type StorageFile,
  storageError,
  writeAll,
} from './storage.ts'
export {
  CAPACITIES_LEAST,
  capacitiesAfter,
  forEachRecord,
  type JournalSurvey,
  type SurveyedPoint,
  surveyJournal,
} from './survey.ts'
export type { TornTail } from './tail.ts'
export { recordsBehind, TailReader } from './tail-reader.ts'
export {
  type AppendFields,
  JournalWriter,
  type SegmentSource,
  type WriterOptions,
  type WriterStats,
} from './writer.ts'
