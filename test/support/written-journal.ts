// A data directory whose journal is written here, frame by frame, beside an engine that decides the
// same frames: what a server would have left behind. For tests.

import { join } from 'node:path'
import { FileStorage, JournalReader, JournalWriter } from '../../journal/index.ts'
import {
  allocateWords,
  copyWords,
  FRAME,
  FRAME_BYTES_MAX,
  FRAME_FLAG,
} from '../../protocol/index.ts'
import { listSnapshots, readSnapshotInfo } from '../../snapshots/index.ts'
import type { PlainRecord } from './commands.ts'
import type { EngineSubject } from './engine-subject.ts'
import { encodeFrame } from './frames.ts'

/** Two frames of a block each after the header: a journal of many segments. */
const SEGMENT_BYTES = 12_288

const memory = allocateWords(FRAME_BYTES_MAX)

/** Appends frames to the journal of `dataDir`, and applies them to `subject`; seals it in the end. */
export function appendFrames(
  dataDir: string,
  subject: EngineSubject,
  frames: readonly (readonly PlainRecord[])[],
  segmentBytes = SEGMENT_BYTES,
): void {
  const storage = new FileStorage(join(dataDir, 'journal'))
  const quarantine = new FileStorage(join(dataDir, 'quarantine'))
  const snapshots = new FileStorage(join(dataDir, 'snapshots'))
  const [newest] = listSnapshots(snapshots)
  const from = newest === undefined ? undefined : readSnapshotInfo(snapshots, newest)
  const reader = new JournalReader(storage, { mode: 'recover', quarantine, from })
  while (reader.next({ words: memory, claim: () => 0 }) > 0);
  const options = { boot: new Uint8Array(16).fill(9), segmentBytes }
  const writer = new JournalWriter(storage, reader.end, options)
  for (const records of frames) {
    const timeMs = Math.max(writer.timeMs + 1, subject.engine.timeMs)
    const frame = encodeFrame({ timeMs, records }, writer.sequence + 1)
    copyWords(frame, 0, memory, 0, frame.u8.length)
    const isConfigured = records.some(({ type }) => type === 'configure')
    writer.append(memory, 0, {
      payloadBytes: frame.u32[FRAME.payloadBytes >>> 2] as number,
      count: records.length,
      timeMs,
      flags: isConfigured ? FRAME_FLAG.configure : 0,
    })
    subject.replay({ timeMs, records })
  }
  writer.seal({ shutdown: true })
  writer.close()
}
