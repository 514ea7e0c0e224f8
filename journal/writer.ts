// Group commit: one frame at a time is finished, written and synced. After any error nothing more
// is written, ever (rule 7). Which records make a frame is the caller's to say.

import { randomBytes } from 'node:crypto'
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import {
  allocateWords,
  FRAME,
  FRAME_ALIGN,
  FRAME_BYTES_MAX,
  FRAME_FLAG,
  SEGMENT_BYTES,
  SEGMENT_HEAD_BYTES,
  type Words,
} from '../protocol/index.ts'
import { JournalPoisoned } from './errors.ts'
import { CHAIN_BYTES, finishFrame, frameBytes, incarnationCrc } from './frame.ts'
import type { JournalEnd } from './reader.ts'
import {
  assertSegmentBytes,
  fillSegment,
  segmentName,
  TEMPORARY,
  writeSegmentHeader,
} from './segment.ts'
import { type Storage, type StorageFile, writeAll } from './storage.ts'

/** Where filled segments come from. */
export interface SegmentSource {
  /**
   * Name of a file of zeros that is synced and of the right size, now the caller's; if one is
   * ready.
   */
  take(): string | undefined
  /** The segment in use is full to this many thousandths. */
  progress(permille: number): void
}

/** How a writer writes. */
export interface WriterOptions {
  /** 16 random bytes of this start; see `FRAME.boot`. */
  readonly boot: Uint8Array
  /** Size of new segments; `SEGMENT_BYTES` where not given. */
  readonly segmentBytes?: number
  /** Who writes; 1 where not given. */
  readonly epoch?: number
  /** Without it the writer fills every segment itself, when it needs it. */
  readonly segments?: SegmentSource
  /** Makes ids; the operating system's randomness where not given. */
  readonly random?: (bytes: number) => Uint8Array
}

/** What the caller says of a frame; the writer knows the rest. */
export interface AppendFields {
  /** Bytes of records that lie behind the room for the header. */
  readonly payloadBytes: number
  /** Records. */
  readonly count: number
  /** Never less than the frame before. */
  readonly timeMs: number
  /** `FRAME_FLAG`. */
  readonly flags: number
}

/** Figures since the start. */
export interface WriterStats {
  frames: number
  records: number
  bytes: number
  /** Segments that were begun, and those of them that had to be filled while a frame waited. */
  segments: number
  segmentsFilledLate: number
  /** Syncs of frames: how many, the last one's time and the time of all, in microseconds. */
  syncs: number
  lastSyncUs: number
  syncUs: number
}

/** Continues a journal that a reader recovered, or begins one. */
export class JournalWriter {
  /** Bytes and times pass 2^31 within minutes, so they begin as -0, no small integer: V8 would throw code away. */
  readonly stats: WriterStats = {
    frames: 0,
    records: 0,
    bytes: -0,
    segments: 0,
    segmentsFilledLate: 0,
    syncs: 0,
    lastSyncUs: 0,
    syncUs: -0,
  }
  /** Times of the frames' syncs, in microseconds. */
  readonly syncTimes: RecordableHistogram = createHistogram()
  /** Largest frame that fits a segment: `FRAME_BYTES_MAX`, less only where segments are tiny. */
  readonly frameBytesMax: number
  readonly #storage: Storage
  readonly #segments: SegmentSource | undefined
  readonly #random: (bytes: number) => Uint8Array
  readonly #newSegmentBytes: number
  readonly #epoch: number
  readonly #boot: Uint8Array
  readonly #log: Uint8Array
  /** Chain of the last frame, replaced in place. */
  readonly #chain: Uint8Array
  readonly #seal: Words = allocateWords(FRAME_ALIGN)
  #sequence: number
  #timeMs: number
  #file: StorageFile | undefined
  #position = 0
  #segmentBytes = 0
  #incarnationCrc = 0
  #poison: JournalPoisoned | undefined

  /**
   * `end` is what a reader in `recover` came to, in the same storage. Begins a log where there is
   * none: fills and names its first segment. Throws the storage's errors as they are.
   */
  constructor(storage: Storage, end: JournalEnd, options: WriterOptions) {
    if (!end.settled) throw new Error('the journal was read, but not recovered')
    this.#storage = storage
    this.#segments = options.segments
    this.#random = options.random ?? randomBytes
    this.#newSegmentBytes = options.segmentBytes ?? SEGMENT_BYTES
    assertSegmentBytes(this.#newSegmentBytes)
    this.frameBytesMax = Math.min(FRAME_BYTES_MAX, this.#newSegmentBytes - SEGMENT_HEAD_BYTES)
    this.#epoch = Math.max(options.epoch ?? 1, end.epoch)
    this.#boot = options.boot.slice(0, CHAIN_BYTES)
    this.#chain = end.chain.slice()
    this.#sequence = end.sequence
    this.#timeMs = end.timeMs
    this.#log = end.segment?.log ?? this.#random(CHAIN_BYTES)
    if (end.segment === undefined) {
      this.#beginSegment()
    } else {
      this.#file = storage.open(end.segment.name, { write: true })
      this.#position = end.segment.position
      this.#segmentBytes = end.segment.segmentBytes
      this.#incarnationCrc = incarnationCrc(end.segment.incarnation)
      this.#reportProgress()
    }
  }

  /** Sequence of the last record that is on stable storage. */
  get sequence(): number {
    return this.#sequence
  }

  /** 16 bytes: which log this is, the same in every segment of it; not to be written to. */
  get log(): Uint8Array {
    return this.#log
  }

  /** Time of the last frame, in ms since 1970; 0 in a new log. */
  get timeMs(): number {
    return this.#timeMs
  }

  /** Why nothing is written any more, if so. */
  get poisoned(): JournalPoisoned | undefined {
    return this.#poison
  }

  /**
   * Makes a frame of the records at `at + FRAME.bytes` (`at` a multiple of 8, in memory that
   * reaches to the frame's end), writes and syncs it. On return it is on stable storage and `words`
   * holds it as it is there; gives back its length. Throws `JournalPoisoned` on the first error and
   * from then on, when nobody may be told that the records were kept. A RangeError is the caller's
   * mistake: nothing was written.
   */
  append(words: Words, at: number, fields: AppendFields): number {
    if (this.#poison !== undefined) throw this.#poison
    const bytes = this.#assertFrame(words, at, fields)
    try {
      this.#write(words, at, bytes, fields)
    } catch (error) {
      this.#poison = new JournalPoisoned(error)
      throw this.#poison
    }
    return bytes
  }

  /**
   * Writes a frame without records, which says that all before it was synced; with `shutdown` as
   * the last act of a clean end. Its time is the last frame's: a seal moves no time. Throws as
   * `append`.
   */
  seal(how: { readonly shutdown: boolean }): void {
    const flags = FRAME_FLAG.seal | (how.shutdown ? FRAME_FLAG.shutdown : 0)
    this.append(this.#seal, 0, { payloadBytes: 0, count: 0, timeMs: this.#timeMs, flags })
  }

  /** Closes the file. Seal first, if the journal is to end clean. */
  close(): void {
    this.#poison ??= new JournalPoisoned(new Error('it was closed'))
    this.#file?.close()
    this.#file = undefined
  }

  #assertFrame(words: Words, at: number, fields: AppendFields): number {
    const { payloadBytes, count, timeMs } = fields
    const bytes = frameBytes(payloadBytes)
    if (!(payloadBytes >= 0 && payloadBytes <= FRAME_BYTES_MAX && bytes <= this.frameBytesMax)) {
      throw new RangeError(`a frame of ${payloadBytes} bytes: ${this.frameBytesMax} at most`)
    }
    if ((at & 7) !== 0 || at < 0 || at + bytes > words.u8.length) {
      throw new RangeError(`a frame of ${bytes} bytes at ${at} of ${words.u8.length}`)
    }
    if ((count === 0) !== (payloadBytes === 0)) {
      throw new RangeError(`a frame of ${count} records in ${payloadBytes} bytes`)
    }
    if (!(timeMs >= this.#timeMs)) {
      throw new RangeError(`a frame's time goes back from ${this.#timeMs} to ${timeMs}`)
    }
    return bytes
  }

  #write(words: Words, at: number, bytes: number, fields: AppendFields): void {
    if (this.#position + bytes > this.#segmentBytes) this.#beginSegment()
    const { payloadBytes, count, timeMs, flags } = fields
    const firstSequence = this.#sequence + 1
    finishFrame(
      words,
      at,
      {
        payloadBytes,
        count,
        firstSequence,
        timeMs,
        // One frame at a time is on its way: whatever comes before this one is on the media.
        syncedThrough: this.#sequence,
        epoch: this.#epoch,
        flags,
      },
      { previousChain: this.#chain, incarnationCrc: this.#incarnationCrc, boot: this.#boot },
    )
    const file = this.#file as StorageFile
    writeAll(file, words.u8.subarray(at, at + bytes), this.#position)
    const syncedAt = performance.now()
    file.sync()
    this.#count(bytes, count, performance.now() - syncedAt)
    for (let i = 0; i < CHAIN_BYTES; i++) {
      this.#chain[i] = words.u8[at + FRAME.chain + i] as number
    }
    this.#sequence += count
    this.#timeMs = timeMs
    this.#position += bytes
    this.#reportProgress()
  }

  /** A filled file gets a header, its name, and becomes the segment in use. */
  #beginSegment(): void {
    const storage = this.#storage
    const prepared = this.#segments?.take()
    const name = prepared ?? this.#fill()
    const file = storage.open(name, { write: true })
    const incarnation = this.#random(CHAIN_BYTES)
    const segmentBytes = file.size()
    const firstSequence = this.#sequence + 1
    assertSegmentBytes(segmentBytes)
    const link = { log: this.#log, chain: this.#chain }
    writeSegmentHeader(file, { segmentBytes, firstSequence, incarnation, ...link })
    storage.rename(name, segmentName(firstSequence))
    storage.syncDirectory()
    this.#file?.close()
    this.#file = file
    this.#position = SEGMENT_HEAD_BYTES
    this.#segmentBytes = segmentBytes
    this.#incarnationCrc = incarnationCrc(incarnation)
    this.stats.segments++
    if (prepared === undefined && firstSequence > 1) this.stats.segmentsFilledLate++
    this.#reportProgress()
  }

  #fill(): string {
    const name = `late${TEMPORARY.preparing}`
    const file = this.#storage.createTemporary(name)
    try {
      fillSegment(file, this.#newSegmentBytes)
    } finally {
      file.close()
    }
    return name
  }

  #reportProgress(): void {
    this.#segments?.progress(Math.floor((this.#position * 1_000) / this.#segmentBytes))
  }

  #count(bytes: number, records: number, syncMs: number): void {
    const syncUs = Math.max(1, Math.round(syncMs * 1_000))
    const stats = this.stats
    stats.frames++
    stats.records += records
    stats.bytes += bytes
    stats.syncs++
    stats.lastSyncUs = syncUs
    stats.syncUs += syncUs
    this.syncTimes.record(syncUs)
  }
}
