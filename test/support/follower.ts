// A follower in the test's own process over a data directory, journals written for it frame by frame,
// and sinks that remember what they were fed.

import { join } from 'node:path'
import {
  Follower,
  type FollowerDirectories,
  type FollowerOptions,
  type FollowerStatus,
  type Sink,
  type SinkBatch,
} from '../../follower/index.ts'
import { FileStorage, JournalReader, JournalWriter } from '../../journal/index.ts'
import { allocateWords, FRAME, FRAME_BYTES_MAX, FRAME_FLAG } from '../../protocol/index.ts'
import type { Command, Frame, PlainRecord } from './commands.ts'
import { encodeFrame } from './frames.ts'
import { SMALL_CAPACITIES } from './rings.ts'

/** Names in `dataDir`. */
export function directoriesOf(dataDir: string): FollowerDirectories {
  return {
    journal: join(dataDir, 'journal'),
    archive: join(dataDir, 'archive'),
    snapshots: join(dataDir, 'snapshots'),
    quarantine: join(dataDir, 'quarantine'),
  }
}

/** A writer of plain records, and what it has written. */
export interface PlainJournal {
  readonly writer: JournalWriter
  /** Appends one frame; a second later than the one before where no time is given. */
  append(records: readonly PlainRecord[], timeMs?: number): void
  /** Appends `frames` frames of reserves and settles, the accounts first where they are not there. */
  trade(frames: number): void
  close(): void
}

const START_MS = 1_800_000_000_000

/** Recovers the journal of `dataDir` and goes on; the first frame configures. */
export function openPlainJournal(
  dataDir: string,
  segmentBytes = 1_048_576,
  capacities = SMALL_CAPACITIES,
): PlainJournal {
  const storage = new FileStorage(join(dataDir, 'journal'))
  const quarantine = new FileStorage(join(dataDir, 'quarantine'))
  const reader = new JournalReader(storage, { mode: 'recover', quarantine })
  const scratch = { words: allocateWords(FRAME_BYTES_MAX), claim: () => 0 }
  while (reader.next(scratch) > 0);
  const boot = new Uint8Array(16)
  const writer = new JournalWriter(storage, reader.end, { boot, segmentBytes })
  const append = (
    records: Frame['records'],
    timeMs = Math.max(START_MS, writer.timeMs) + 1_000,
  ) => {
    const words = encodeFrame({ timeMs, records }, writer.sequence + 1)
    const flags =
      (records.some(({ type }) => type === 'configure') ? FRAME_FLAG.configure : 0) |
      (records.some(({ type }) => type === 'void') ? FRAME_FLAG.void : 0)
    const payloadBytes = words.u32[FRAME.payloadBytes >>> 2] as number
    writer.append(words, 0, { payloadBytes, count: records.length, timeMs, flags })
  }
  append([{ type: 'configure', capacities }])
  return {
    writer,
    append,
    trade(frames) {
      for (let i = 0; i < frames; i++) append(tradesFrom(writer.sequence))
    },
    close: () => writer.close(),
  }
}

/** Twenty commands whose ids follow from the sequence; the accounts they need at the start. */
function tradesFrom(sequence: number): Command[] {
  if (sequence < 2) {
    return [
      { type: 'open_account', id: 'bank', ledger: 1, external: true },
      { type: 'open_account', id: 'acme', ledger: 1 },
      { type: 'transfer', id: 'topup', debit: 'bank', credit: 'acme', amount: 1_000_000_000 },
    ]
  }
  return Array.from({ length: 10 }, (_, i): Command[] => {
    const id = `call-${sequence}-${i}`
    const timeoutMs = i === 0 ? 5_000 : 0
    return [
      { type: 'reserve', id, debit: 'acme', credit: 'bank', amount: 100, timeoutMs },
      ...(i % 3 === 0
        ? []
        : [{ type: 'settle', id: `${id}-end`, reservation: id, amount: 60 } as const]),
    ]
  }).flat()
}

/** A follower that runs, and its end. */
export interface RunningFollower {
  readonly follower: Follower
  readonly messages: string[]
  /** Resolves when it has said so of itself; rejects where it ended before. */
  until(isSo: (status: FollowerStatus) => boolean): Promise<FollowerStatus>
  /** What `run` came to: undefined, or its error. */
  readonly ended: Promise<Error | undefined>
  stop(): Promise<Error | undefined>
}

/** Starts one that makes snapshots when asked, unless `options` say otherwise. */
export function startFollower(
  dataDir: string,
  options: Partial<FollowerOptions> = {},
): RunningFollower {
  const messages: string[] = []
  const follower = new Follower({
    directories: directoriesOf(dataDir),
    schedule: { everyRecords: 1e9, everyMs: 1e9 },
    archive: 'keep',
    restMs: 0,
    onMessage: (sentence) => messages.push(sentence),
    ...options,
  })
  const ending = new AbortController()
  let hasEnded = false
  const ended = follower.run(ending.signal).then(
    () => undefined,
    (error: Error) => error,
  )
  void ended.then(() => {
    hasEnded = true
  })
  return {
    follower,
    messages,
    ended,
    async until(isSo) {
      for (;;) {
        const status = follower.status()
        if (isSo(status)) return status
        if (hasEnded) throw new Error(`the follower ended: ${await ended}`)
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    },
    stop() {
      ending.abort()
      return ended
    },
  }
}

/** A sink that remembers; `delay` may hold a batch up, or throw. */
export function rememberingSink(
  name: string,
  from = 0,
  delay: (batch: SinkBatch) => void | Promise<void> = () => {},
): Sink & { readonly batches: SinkBatch[]; stored: number } {
  const sink = {
    name,
    batches: [] as SinkBatch[],
    stored: from,
    sequence: () => sink.stored,
    async apply(batch: SinkBatch) {
      await delay(batch)
      sink.batches.push(batch)
      sink.stored = batch.lastSequence
    },
  }
  return sink
}
