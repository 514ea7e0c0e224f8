// An engine behind a journal, frame by frame: loaded from a snapshot, fed with what is certain, until the
// journal comes to something that the engine would have had to know from the start. Applies nothing by
// itself: whoever has it does, and says so.

import type { Engine } from '../engine/index.ts'
import {
  capacitiesAfter,
  firstSequenceOf,
  forEachRecord,
  JoinedStorage,
  type LogPoint,
  recordsBehind,
  type Storage,
  scanHeaders,
  segmentNames,
  TailReader,
} from '../journal/index.ts'
import {
  allocateWords,
  type Capacities,
  FRAME,
  FRAME_BYTES_MAX,
  FRAME_FLAG,
  KIND,
  readI64,
  VOID,
  type Words,
} from '../protocol/index.ts'
import { type LoadedState, type LoadStateOptions, loadState } from './state.ts'

/** Where a journal is read, and where snapshots of its states lie. */
export interface FollowerStorages {
  readonly journal: Storage
  readonly archive: Storage
  readonly snapshots: Storage
}

/** What is followed, and from where. */
export interface FollowedOptions
  extends Omit<LoadStateOptions, 'journal' | 'archive' | 'snapshots'> {
  readonly storages: FollowerStorages
}

/** See the head of this file. */
export class Followed {
  readonly state: LoadedState
  /** The frame that `next` read, at 0. */
  readonly words: Words = allocateWords(FRAME_BYTES_MAX)
  readonly #live: Storage
  readonly #journal: Storage
  readonly #tail: TailReader
  readonly #target = { words: this.words, claim: (): number => 0 }
  #point: LogPoint | undefined
  #epoch: number
  #stale: string | undefined

  /** Loads. Throws `JournalVersionError` and errors of the storages. */
  constructor({ storages, ...options }: FollowedOptions) {
    this.#live = storages.journal
    this.#journal = new JoinedStorage(storages.journal, storages.archive)
    this.state = loadStateFor(storages, this.#journal, options)
    this.#point = this.state.snapshot
    this.#epoch = this.state.snapshot?.epoch ?? 0
    this.#tail = new TailReader(this.#journal, this.state.snapshot)
  }

  get engine(): Engine {
    return this.state.engine
  }

  /** The place behind the last frame that was applied, or of the snapshot; undefined before the first. */
  get point(): LogPoint | undefined {
    return this.#point
  }

  /** Of that frame. */
  get epoch(): number {
    return this.#epoch
  }

  /** Why this engine cannot go on and another has to begin; undefined where it can. */
  get stale(): string | undefined {
    return this.#stale
  }

  /** Records that are certain to be in the journal and are not applied. */
  behind(): number {
    return recordsBehind(this.#live, this.engine.sequence)
  }

  /** Sequence of the last record in the journal as it is now, certain or not. */
  lastSequence(): number {
    const { sequence } = scanHeaders(this.#journal, undefined, this.#point)
    return Math.max(sequence, this.engine.sequence)
  }

  /**
   * Reads the next frame; gives back its bytes, or 0 where there is none yet or the engine cannot take
   * it. Throws `JournalDamage`, `JournalVersionError`, `JournalMoved`, errors of the storage.
   */
  next(): number {
    if (this.#stale !== undefined) return 0
    const bytes = this.#tail.next(this.#target)
    if (bytes > 0) this.#stale = this.#surprise()
    return this.#stale === undefined ? bytes : 0
  }

  /** The frame that `next` read was applied. */
  applied(): void {
    this.#point = this.#tail.point
    this.#epoch = this.words.u32[FRAME.epoch >>> 2] as number
  }

  /** Closes what is open. */
  close(): void {
    this.#tail.close()
  }

  /** What the frame says that the engine would have had to know from the start. */
  #surprise(): string | undefined {
    const { words } = this
    const flags = words.u32[FRAME.flags >>> 2] as number
    if ((flags & (FRAME_FLAG.configure | FRAME_FLAG.void)) === 0) return undefined
    const { tables, voids } = this.state
    let surprise: string | undefined
    forEachRecord(words, 0, (at) => {
      if (words.u8[at] === KIND.void) {
        const sequence = readI64(words, at + VOID.sequence)
        if (!voids.has(sequence)) surprise = `sequence ${sequence} was made void`
      } else if (words.u8[at] === KIND.configure) {
        if (isLarger(capacitiesAfter(tables, words, at), tables))
          surprise = 'capacities were raised'
      }
    })
    return surprise
  }
}

/**
 * From the newest snapshot that is not too new; where nothing reaches back so far, from the newest of all:
 * the caller looks at what it got.
 */
function loadStateFor(
  storages: FollowerStorages,
  journal: Storage,
  options: Omit<FollowedOptions, 'storages'>,
): LoadedState {
  const state = loadState({ ...storages, ...options })
  if (state.snapshot !== undefined || firstSequence(journal) === 1) return state
  return loadState({ ...storages, ...options, sequenceMax: undefined })
}

function isLarger(one: Capacities, other: Capacities): boolean {
  const names = Object.keys(one) as (keyof Capacities)[]
  return names.some((name) => one[name] > other[name])
}

function firstSequence(journal: Storage): number {
  const [name] = segmentNames(journal)
  return name === undefined ? 1 : firstSequenceOf(name)
}
