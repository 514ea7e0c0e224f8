// Going from segment to segment in order, with every header checked against what came before. What
// the frames in them are is the reader's and the scan's business.

import { FRAME_BYTES_MAX, SEGMENT_HEAD_BYTES } from '../protocol/index.ts'
import { JournalDamage } from './errors.ts'
import { FileWindow } from './file-window.ts'
import { CHAIN_BYTES, incarnationCrc, type LogState } from './frame.ts'
import { readSegmentHeader, type SegmentHeader, segmentName, segmentNames } from './segment.ts'
import type { Storage, StorageFile } from './storage.ts'

/** What a new log begins with. */
export const LOG_START: LogState = {
  sequence: 0,
  timeMs: 0,
  epoch: 0,
  chain: new Uint8Array(CHAIN_BYTES),
}

/** One segment while it is read. */
export interface OpenSegment {
  readonly name: string
  readonly file: StorageFile
  readonly header: SegmentHeader
  readonly incarnationCrc: number
  readonly window: FileWindow
}

/** The segments of a directory, one open at a time. */
export class SegmentWalk {
  readonly #storage: Storage
  readonly #windowBytes: number
  #segment: OpenSegment | undefined

  /** `windowBytes`: how much is read at once. */
  constructor(storage: Storage, windowBytes: number) {
    this.#storage = storage
    this.#windowBytes = windowBytes
  }

  /** The open segment, if any. */
  get segment(): OpenSegment | undefined {
    return this.#segment
  }

  /** Whether a segment follows the open one, by a fresh look at the directory. */
  hasNext(): boolean {
    return this.#nextName() !== undefined
  }

  /**
   * Closes the open segment and opens the one after it (the first, at first), which has to continue
   * `state`; undefined where there is none.
   */
  advance(state: LogState): OpenSegment | undefined {
    const name = this.#nextName()
    const log = this.#segment?.header.log
    this.close()
    if (name === undefined) return undefined
    if (log === undefined && name !== segmentName(1)) {
      const place = { file: name, offset: 0, sequence: 1 }
      throw new JournalDamage(place, 'the segments before it are missing')
    }
    const file = this.#storage.open(name, { write: false })
    try {
      const link = { firstSequence: state.sequence + 1, chain: state.chain, log }
      const header = readSegmentHeader(file, name, link)
      const window = new FileWindow(file, Math.min(this.#windowBytes, header.segmentBytes))
      const crc = incarnationCrc(header.incarnation)
      this.#segment = { name, file, header, incarnationCrc: crc, window }
    } catch (error) {
      file.close()
      throw error
    }
    return this.#segment
  }

  close(): void {
    this.#segment?.file.close()
    this.#segment = undefined
  }

  #nextName(): string | undefined {
    const open = this.#segment?.name ?? ''
    return segmentNames(this.#storage).find((name) => name > open)
  }
}

/** Reading whole frames: four of the largest at once. */
export const WINDOW_BYTES_FRAMES: number = 4 * FRAME_BYTES_MAX

/** Reading headers alone: a block at once. */
export const WINDOW_BYTES_HEADERS = SEGMENT_HEAD_BYTES
