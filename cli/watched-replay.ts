// A replay that hears every outcome, for `inspect`. The runtime's own replay drops them, which is what
// replay and verify want.

import type { Engine, Module, OutcomeSink } from '../engine/index.ts'
import { type JournalEnd, JournalReader } from '../journal/index.ts'
import {
  type AccountNames,
  allocateWords,
  FRAME,
  FRAME_BYTES_MAX,
  readI64,
  type Words,
} from '../protocol/index.ts'
import { beginReplay, checkJournalDirectory, isLocked, wholeJournal } from '../runtime/index.ts'
import type { SnapshotInfo } from '../snapshots/index.ts'

/** What a watched replay came to. */
export interface WatchedReplay {
  readonly engine: Engine
  readonly names: AccountNames
  /** What it began with, where the first records are gone. */
  readonly snapshot: SnapshotInfo | undefined
  /** Undefined where it stopped before the end. */
  readonly end: JournalEnd | undefined
  readonly voids: ReadonlySet<number>
}

/**
 * Replays the journal of `dataDir` up to the frame with sequence `last`, changing nothing. `onFrame` gets
 * every frame at 0 of `words` before it is applied. Throws as `replayJournal` does.
 */
export function watchReplay(
  dataDir: string,
  modules: readonly Module[],
  last: number,
  sink: OutcomeSink,
  onFrame: (words: Words) => void,
): WatchedReplay {
  checkJournalDirectory(dataDir)
  const live = isLocked(dataDir)
  const storage = wholeJournal(dataDir)
  const begun = beginReplay(dataDir, storage, 'oldest', undefined, () => {}, { sink, modules })
  const { engine, names, snapshot, survey } = begun
  const reader = new JournalReader(storage, { mode: 'readOnly', live, from: snapshot })
  const words = allocateWords(FRAME_BYTES_MAX)
  const target = { words, claim: () => 0 }
  let end: JournalEnd | undefined
  for (;;) {
    if (reader.next(target) === 0) {
      end = reader.end
      break
    }
    if (readI64(words, FRAME.firstSequence) > last) break
    onFrame(words)
    engine.applyFrame(words, 0, true)
  }
  reader.close()
  return { engine, names, snapshot, end, voids: survey.voids }
}
