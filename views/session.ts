// One engine behind the journal and one file that it feeds: from where the file stands on, for as long as
// both can go on. When to begin another is runner.ts's.

import type { Module } from '../engine/index.ts'
import {
  type ArchivePolicy,
  Followed,
  type FollowerDirectories,
  FrameCapture,
  Rests,
} from '../follower/index.ts'
import {
  FileStorage,
  firstSequenceOf,
  JoinedStorage,
  logOf,
  type Storage,
  segmentNames,
} from '../journal/index.ts'
import { FRAME, readI64 } from '../protocol/index.ts'
import { stopSyncing, syncAll } from './boot.ts'
import { ViewsUnreachable, ViewsUnusable } from './errors.ts'
import {
  identityOf,
  openForReading,
  openForWriting,
  readMeta,
  type ViewsDatabase,
  type ViewsMeta,
} from './file.ts'
import type { TableShape } from './schema.ts'
import { ViewsWriter } from './writer.ts'

/** Bytes of frames in one transaction, but for its last frame, and how long it may gather. */
const BATCH_BYTES = 16_777_216
const BATCH_MS = 250

/** Where views are kept, and of what. */
export interface ViewsPlace {
  /** Of views.sqlite. */
  readonly path: string
  readonly directories: FollowerDirectories
  /** What becomes of segments that snapshots stand in for. */
  readonly archive: ArchivePolicy
  readonly shapes: readonly TableShape[]
  /** The modules that decide what is followed. */
  readonly modules: readonly Module[]
  /** Hears what people should read. */
  readonly onMessage: (sentence: string) => void
}

/** The journal's segments, those in the archive too. */
export function wholeJournal({ journal, archive }: FollowerDirectories): Storage {
  return new JoinedStorage(new FileStorage(journal), new FileStorage(archive))
}

/** First sequence that the journal and the archive have; 1 where there is no journal. */
function beginningOf(directories: FollowerDirectories): number {
  const [first] = segmentNames(wholeJournal(directories))
  return first === undefined ? 1 : firstSequenceOf(first)
}

/** Throws `ViewsUnreachable` where views cannot be built from the first record on. */
export function assertBuildable(directories: FollowerDirectories, reason: string): void {
  const sequence = beginningOf(directories)
  if (sequence === 1) return
  throw new ViewsUnreachable(
    `${reason}, and they cannot be built: the journal before sequence ${sequence} is gone (dropped, or ` +
      'its archive moved away). Put the archive back, or views.sqlite from a copy of this directory',
  )
}

/**
 * The sequence from which on the views need the journal: 0 where they are still to be built, undefined where
 * they cannot be built any more, so that nothing is kept for them.
 */
export function viewsNeedFrom(path: string, directories: FollowerDirectories): number | undefined {
  const database = openForReading(path)
  if (database !== undefined) {
    const { sequence, boot } = readMeta(database)
    database.close()
    // What is not on the disk for certain may have to be built again, from the first record on if it is there.
    const isCertain = boot === null || beginningOf(directories) !== 1
    if (sequence > 0 && isCertain) return sequence
  }
  return beginningOf(directories) === 1 ? 0 : undefined
}

/** See the head of this file. */
export class ViewsSession {
  readonly #database: ViewsDatabase
  readonly #place: ViewsPlace
  readonly #identity: string | undefined
  readonly #writer: ViewsWriter
  readonly #capture = new FrameCapture({ hasOutcomes: false })
  readonly #followed: Followed
  /** What the file said of itself at the start. */
  readonly #meta: ViewsMeta
  /** Before this sequence nothing is read from the views. */
  readonly completeAt: number
  /** Sequence of the last record in the journal when this began. */
  readonly target: number
  readonly #rests = new Rests()
  #isLevel = false
  /** Whether nothing can give back what the file loses; undefined before it is known. */
  #isPrimary: boolean | undefined

  /**
   * Opens the file, or makes it, and loads an engine. Throws `ViewsUnusable`, `ViewsUnreachable`,
   * `JournalVersionError`, errors of SQLite and of the disk.
   */
  constructor(place: ViewsPlace) {
    const { path, directories, shapes, modules } = place
    const log = logOf(wholeJournal(directories))
    if (log === undefined) throw new Error('there is no journal yet')
    if (identityOf(path) === undefined) assertBuildable(directories, 'there are no views')
    this.#place = place
    this.#database = openForWriting(path, shapes)
    this.#identity = identityOf(path)
    try {
      this.#meta = readMeta(this.#database)
      const { sequence } = this.#meta
      if (sequence === 0) assertBuildable(directories, 'the views hold nothing yet')
      if (this.#meta.log !== null && Buffer.compare(this.#meta.log, log) !== 0) {
        throw new ViewsUnusable(`${path} is of another journal`)
      }
      const onPiece = (): void => this.#rests.take()
      this.#writer = new ViewsWriter(this.#database, this.#meta, { log, modules, onPiece })
      this.#followed = this.#follow(place)
      this.target = this.#followed.lastSequence()
      if (this.target < sequence) {
        throw new ViewsUnusable(`${path} is ahead of the journal, which ends at ${this.target}`)
      }
      this.#assertSame(this.#followed.engine.sequence, this.#followed.point?.chain)
      this.completeAt = sequence === 0 ? this.target : this.#meta.completeAt
      this.#writer.noteStart(this.completeAt, this.#assertSameVoids())
      this.chooseSyncs()
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  /** Sequence of the last record that is stored. */
  get sequence(): number {
    return this.#writer.sequence
  }

  /** Sequence of the last record that the engine applied: behind the other while it catches up. */
  get engineSequence(): number {
    return this.#followed.engine.sequence
  }

  /** Journal time of the last frame that is stored. */
  get timeMs(): number {
    return this.#writer.timeMs
  }

  /** Why this cannot go on and another has to begin; undefined where it can. */
  get stale(): string | undefined {
    return this.#followed.stale
  }

  /** Whether the last batch had all that was certain. */
  get isLevel(): boolean {
    return this.#isLevel
  }

  /**
   * What a power cut may take has to be there to be applied again: writes are synced where it is not. To be
   * called now and then: an archive may be moved away, and readers may hold up the sync of what was written
   * without. Throws errors of SQLite.
   */
  chooseSyncs(): void {
    const { archive, directories } = this.#place
    const isPrimary = archive === 'drop' || beginningOf(directories) !== 1
    if (isPrimary === this.#isPrimary) return
    if (isPrimary && !syncAll(this.#database)) return
    if (!isPrimary) stopSyncing(this.#database)
    this.#isPrimary = isPrimary
  }

  /** Whether the file at the path is still the one that is written to. */
  isThere(): boolean {
    return identityOf(this.#place.path) === this.#identity
  }

  /**
   * Applies frames and stores them as one transaction; gives back how many. Throws `ViewsUnusable` where
   * the file was made from another journal, `JournalDamage`, `EngineFault`, errors of SQLite.
   */
  applyBatch(): number {
    const untilMs = performance.now() + BATCH_MS
    let bytes = 0
    let count = 0
    this.#rests.begin(this.#isLevel)
    this.#isLevel = false
    while (bytes < BATCH_BYTES && performance.now() < untilMs) {
      const frameBytes = this.#followed.next()
      this.#isLevel = frameBytes === 0 && this.#followed.stale === undefined
      if (frameBytes === 0) break
      if (this.#applyFrame()) bytes += frameBytes
      this.#followed.applied()
      count++
      this.#rests.take()
    }
    this.#writer.store()
    return count
  }

  /** Before the last `close`: all that is stored comes to the disk, so that the next boot may believe it. */
  settle(): void {
    syncAll(this.#database)
  }

  /** Closes the file and the journal. */
  close(): void {
    this.#followed.close()
    this.#database.close()
  }

  /** Whether the writer was given the frame: the file may have it already. */
  #applyFrame(): boolean {
    const { engine, words, state } = this.#followed
    const last = readI64(words, FRAME.firstSequence) + (words.u32[FRAME.count >>> 2] as number) - 1
    if (last > this.#meta.sequence) {
      const frame = this.#capture.apply(engine, words)
      this.#writer.add(frame, state.names)
      return true
    }
    this.#capture.pass(engine, words)
    this.#assertSame(last, words.u8.subarray(FRAME.chain, FRAME.chain + 16))
    return false
  }

  /** At the sequence where the file stood, the journal's chain has to be the one that it was written from. */
  #assertSame(sequence: number, chain: Uint8Array | undefined): void {
    const { chain: stored, sequence: standing } = this.#meta
    if (sequence !== standing || stored === null || chain === undefined) return
    if (Buffer.compare(stored, chain) === 0) return
    throw new ViewsUnusable(
      `${this.#place.path} was written from another journal, which had the same beginning`,
    )
  }

  /** The views must not hold what was made void since; gives back all that is void. */
  #assertSameVoids(): number[] {
    const { sequence, voids: known } = this.#meta
    const voids = [...this.#followed.state.voids].sort((a, b) => a - b)
    const late = voids.find((one) => one <= sequence && !known.includes(one))
    if (late === undefined) return voids
    throw new ViewsUnusable(
      `${this.#place.path} holds sequence ${late}, which was made void`,
      'outdated',
    )
  }

  #follow({ directories, modules, onMessage }: ViewsPlace): Followed {
    const { sequence } = this.#meta
    const followed = new Followed({
      storages: {
        journal: new FileStorage(directories.journal),
        archive: new FileStorage(directories.archive),
        snapshots: new FileStorage(directories.snapshots),
      },
      sink: this.#capture,
      watch: this.#capture,
      modules,
      sequenceMax: sequence,
      onPassedOver: ({ sentence }) => onMessage(`passed over: ${sentence}`),
    })
    const reached = followed.engine.sequence
    if (reached <= sequence) return followed
    followed.close()
    throw new ViewsUnreachable(
      `the views stand at sequence ${sequence}, and what is left of the journal and its snapshots ` +
        `begins at ${reached}: put the archive back, or views.sqlite from a later copy of this directory`,
    )
  }
}
