// What a replay begins with: the newest snapshot that is good and that the journal still reaches back
// to, or none. Says of every one that is passed over why; what that means is for the caller.

import {
  holdingSegment,
  JoinedStorage,
  type JournalSurvey,
  logOf,
  type Storage,
  surveyJournal,
} from '../journal/index.ts'
import type { Capacities } from '../protocol/index.ts'
import { SnapshotDamage } from './errors.ts'
import { loadSnapshot, readSnapshotInfo } from './load.ts'
import { listSnapshots } from './names.ts'
import type { Ahead } from './read-ahead.ts'
import type { SnapshotInfo, StateImporter } from './snapshot.ts'

/** A snapshot that is not used. */
export interface PassedOver {
  readonly name: string
  /** Why, for people. */
  readonly sentence: string
  /** It is damaged, unreadable, or of another journal: of no use to this one, now or later. */
  readonly isUseless: boolean
}

/** Hears of each of them. */
export type OnPassedOver = (passed: PassedOver) => void

/** What is known before anything is loaded. */
export interface ReplayStart {
  /** Snapshots that may be used, by what they say of themselves; newest first. */
  readonly candidates: readonly SnapshotInfo[]
  /** Of the journal behind the newest candidate; its voids and tables are those of all of it. */
  readonly survey: JournalSurvey
}

/** What is wanted of the snapshots. */
export interface ChoiceOptions {
  /** What tables must have room for at least. */
  readonly capacities: Capacities
  /** Where older segments were moved to; snapshots that only it reaches back to are taken then. */
  readonly archive?: Storage | undefined
  /** Only snapshots at or before this sequence; any where not given. */
  readonly sequenceMax?: number | undefined
  /** Only snapshots of states that are not later than this, in ms since 1970. */
  readonly timeMsMax?: number | undefined
  readonly onPassedOver: OnPassedOver
}

/**
 * Reads headers and footers alone, and surveys the journal. Throws `JournalVersionError` and errors
 * of the storages.
 */
export function chooseSnapshots(
  snapshots: Storage,
  journal: Storage,
  options: ChoiceOptions,
): ReplayStart {
  const { capacities, archive, sequenceMax = Infinity, timeMsMax = Infinity } = options
  const { onPassedOver } = options
  const log = logOf(journal)
  const segments = archive === undefined ? journal : new JoinedStorage(journal, archive)
  const candidates: SnapshotInfo[] = []
  for (const name of listSnapshots(snapshots)) {
    const info = readOr(name, () => readSnapshotInfo(snapshots, name), onPassedOver)
    if (info === undefined || info.sequence > sequenceMax || info.timeMs > timeMsMax) continue
    // A journal that was lost whole is damage, which its reader finds; so is one that ends too early.
    if (log === undefined) candidates.push(info)
    else if (Buffer.compare(info.log, log) !== 0) {
      onPassedOver({ name, sentence: `${name} is of another journal`, isUseless: true })
    } else if (holdingSegment(segments, info.sequence) === undefined) {
      const sentence = `${name}: the journal does not reach back to sequence ${info.sequence}`
      onPassedOver({ name, sentence, isUseless: false })
    } else candidates.push(info)
  }
  return { candidates, survey: surveyJournal(segments, capacities, candidates[0]) }
}

/**
 * Loads the newest candidate that can be loaded, into a fresh engine for every try; undefined for
 * `info` where there is none, so that everything has to be replayed. `ahead`: where one of them is read ahead.
 */
export function loadNewest<T extends StateImporter>(
  snapshots: Storage,
  {
    candidates,
    survey,
  }: Pick<ReplayStart, 'candidates'> & { survey: Pick<JournalSurvey, 'voids'> },
  makeEngine: () => T,
  onPassedOver: OnPassedOver,
  ahead?: Ahead,
): { readonly engine: T; readonly info: SnapshotInfo | undefined } {
  for (const { name, log } of candidates) {
    const engine = makeEngine()
    const options = { log, voids: survey.voids, ahead }
    const load = (): SnapshotInfo => loadSnapshot(snapshots, name, engine, options)
    const info = readOr(name, load, onPassedOver)
    if (info !== undefined) return { engine, info }
  }
  return { engine: makeEngine(), info: undefined }
}

/** Whatever is wrong with a snapshot, there is another way to its state: it is said, and that is all. */
function readOr<T>(name: string, read: () => T, onPassedOver: OnPassedOver): T | undefined {
  try {
    return read()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const sentence = reason.includes(name) ? reason : `${name}: ${reason}`
    // What the disk cannot read is as lost as what it reads wrongly.
    const isUnreadable = (error as NodeJS.ErrnoException).code === 'EIO'
    const isUseless = isUnreadable || error instanceof SnapshotDamage
    onPassedOver({ name, sentence, isUseless })
    return undefined
  }
}
