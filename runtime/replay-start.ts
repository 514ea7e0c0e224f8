// Where an offline replay begins: with the journal's first record, or with a snapshot. Reads, and
// changes nothing.

import { randomBytes } from 'node:crypto'
import { Engine, type Module, type OutcomeSink } from '../engine/index.ts'
import {
  CAPACITIES_LEAST,
  FileStorage,
  type JournalSurvey,
  type Storage,
  segmentName,
  segmentNames,
  surveyJournal,
} from '../journal/index.ts'
import {
  AccountNames,
  type AccountNamesMemory,
  allocateAccountNames,
  allocateWords,
} from '../protocol/index.ts'
import {
  chooseSnapshots,
  listSnapshots,
  loadNewest,
  type OnPassedOver,
  type ReplayStart,
  type SnapshotInfo,
  snapshotSequence,
} from '../snapshots/index.ts'
import { DataDirectoryError, snapshotsDirectory } from './data-directory.ts'

/** Where to stop. */
export interface ReplayUntil {
  /** The last record to apply; a chain that reaches beyond it is left out as a whole. */
  readonly sequence?: number
  /** Nothing later than this is applied, in ms since 1970. */
  readonly timeMs?: number
}

/**
 * `start`: with the first record. `newest`: with the newest snapshot that is good and not beyond the
 * end that is wanted, else with the first record. `oldest`: with the first record where the journal
 * or its archive still has it, else with the oldest snapshot that they reach back to.
 */
export type ReplayFrom = 'start' | 'newest' | 'oldest'

/** An engine to replay into, and what is known of the journal from there on. */
export interface BegunReplay {
  readonly engine: Engine
  readonly names: AccountNames
  readonly snapshot: SnapshotInfo | undefined
  readonly survey: JournalSurvey
}

/** What the engine is made with. */
export interface ReplayInto {
  /** Where its outcomes go; nowhere where not given. */
  readonly sink?: OutcomeSink
  /** The modules that decided what is replayed; none where not given. */
  readonly modules?: readonly Module[] | undefined
}

/** Where nobody waits for outcomes. */
const NOBODY: OutcomeSink = { words: allocateWords(8), at: 0, claim: () => false }

/**
 * Makes the engine. Throws `JournalVersionError`, errors of the disk, and
 * `DataDirectoryError` where the first record is wanted and only a snapshot is left of it.
 */
export function beginReplay(
  dataDir: string,
  journal: Storage,
  from: ReplayFrom,
  until: ReplayUntil | undefined,
  onPassedOver: OnPassedOver,
  { sink = NOBODY, modules }: ReplayInto = {},
): BegunReplay {
  const snapshots = new FileStorage(snapshotsDirectory(dataDir))
  const choose = (sequenceMax?: number): ReplayStart =>
    chooseSnapshots(snapshots, journal, {
      capacities: CAPACITIES_LEAST,
      sequenceMax,
      timeMsMax: until?.timeMs,
      onPassedOver,
    })
  const start =
    from === 'newest'
      ? choose(until?.sequence)
      : (from === 'oldest' && chooseOldest(snapshots, journal, choose)) || fromFirst(journal)
  const hasSnapshot = from !== 'start' && start.candidates.length > 0
  if (!hasSnapshot) assertReachable(snapshots, journal)
  const { survey } = start
  let names = namesFor(survey)
  const { engine, info } = loadNewest(
    snapshots,
    start,
    () => {
      names = namesFor(survey)
      const seed = randomBytes(4).readUInt32LE()
      return new Engine({ capacities: survey.tables, names, seed, sink, modules })
    },
    onPassedOver,
  )
  engine.skip(survey.voids)
  return { engine, names: new AccountNames(names), snapshot: info, survey }
}

/**
 * Throws where the journal's first records were dropped and the replay cannot begin with a snapshot. With
 * no snapshot at all it is damage, and for the reader to say.
 */
function assertReachable(snapshots: Storage, journal: Storage): void {
  const oldest = chooseOldest(snapshots, journal, (sequenceMax) =>
    chooseSnapshots(snapshots, journal, {
      capacities: CAPACITIES_LEAST,
      sequenceMax,
      onPassedOver: () => {},
    }),
  )
  const sequence = oldest?.candidates[0]?.sequence
  if (sequence === undefined) return
  throw new DataDirectoryError(
    `the journal before sequence ${sequence} is gone (dropped, or its archive moved away): ` +
      `a replay can begin with the snapshot there, and end at ${sequence} or later`,
  )
}

function fromFirst(journal: Storage): ReplayStart {
  return { candidates: [], survey: surveyJournal(journal, CAPACITIES_LEAST) }
}

/** Undefined where no snapshot is needed, or none is there. */
function chooseOldest(
  snapshots: Storage,
  journal: Storage,
  choose: (sequenceMax: number | undefined) => ReplayStart,
): ReplayStart | undefined {
  const [first] = segmentNames(journal)
  if (first === undefined || first === segmentName(1)) return undefined
  return listSnapshots(snapshots)
    .reverse()
    .map((name) => choose(snapshotSequence(name)))
    .find(({ candidates }) => candidates.length > 0)
}

function namesFor({ tables }: JournalSurvey): AccountNamesMemory {
  return allocateAccountNames(tables.accountsMax, tables.accountNameBytesMax)
}
