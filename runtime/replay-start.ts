// Where an offline replay begins: with the journal's first record, or with a snapshot. Reads, and
// changes nothing.

import { randomBytes } from 'node:crypto'
import { Engine } from '../engine/index.ts'
import {
  CAPACITIES_LEAST,
  FileStorage,
  type JournalSurvey,
  type Storage,
  segmentName,
  segmentNames,
  surveyJournal,
} from '../journal/index.ts'
import { allocateAccountNames, allocateWords } from '../protocol/index.ts'
import {
  chooseSnapshots,
  listSnapshots,
  loadNewest,
  type OnPassedOver,
  type ReplayStart,
  type SnapshotInfo,
  snapshotSequence,
} from '../snapshots/index.ts'
import { snapshotsDirectory } from './data-directory.ts'

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
  readonly snapshot: SnapshotInfo | undefined
  readonly survey: JournalSurvey
}

/** Makes the engine. Throws `JournalVersionError` and errors of the disk. */
export function beginReplay(
  dataDir: string,
  journal: Storage,
  from: ReplayFrom,
  until: ReplayUntil | undefined,
  onPassedOver: OnPassedOver,
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
  const { survey } = start
  const { engine, info } = loadNewest(snapshots, start, () => makeEngine(survey), onPassedOver)
  engine.skip(survey.voids)
  return { engine, snapshot: info, survey }
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

function makeEngine({ tables }: JournalSurvey): Engine {
  return new Engine({
    capacities: tables,
    names: allocateAccountNames(tables.accountsMax, tables.accountNameBytesMax),
    seed: randomBytes(4).readUInt32LE(),
    sink: { words: allocateWords(8), at: 0, claim: () => false },
  })
}
