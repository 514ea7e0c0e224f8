// GET /v1/status: what the server says of itself, for people and for `holdfast status`. Figures that are
// there anyway; nothing is asked of the engine.

import { formatTime, type Pipeline } from '../protocol/index.ts'
import { jsonReply, type Reply } from './problem.ts'

/** What is known of the follower, which is another process. */
export interface FollowerFigures {
  /** `off`: there is to be none. `waiting`: it died and is started again. `stopped`: for good. */
  readonly state: 'off' | 'loading' | 'following' | 'snapshotting' | 'waiting' | 'stopped'
  /** Sequence of the last record that it applied, when it last said so. */
  readonly sequence: number
  /** Its newest snapshot; 0 where there is none. */
  readonly snapshotSequence: number
  readonly snapshotBytes: number
}

/** Where no follower is to be. */
export const NO_FOLLOWER: FollowerFigures = {
  state: 'off',
  sequence: 0,
  snapshotSequence: 0,
  snapshotBytes: 0,
}

/** What is known of the process that keeps the views. */
export interface ViewsFigures {
  /** `off`: there are to be none. `building`: nothing is read yet. Others as for the follower. */
  readonly state: 'off' | 'loading' | 'building' | 'following' | 'waiting' | 'stopped'
  /** Sequence of the last record that is stored in them, when it last said so. */
  readonly sequence: number
}

/** Where no views are to be. */
export const NO_VIEWS: ViewsFigures = { state: 'off', sequence: 0 }

/** What the page is made from. */
export interface StatusSources {
  readonly pipeline: Pipeline
  readonly version: string
  /** The state as refusals say it: draining before the pipeline does. */
  readonly state: () => string
  readonly commandsInFlight: () => number
  readonly follower: () => FollowerFigures
  readonly views: () => ViewsFigures
}

/** The reply, in any state. */
export function statusReply(sources: StatusSources): Reply {
  const { pipeline, version } = sources
  const { sequence, timeMs, digest, replayedBytes, replayBytes } = pipeline.progress()
  const figures = pipeline.stats()
  const of = (name: string): number => figures[name] ?? 0
  const follower = sources.follower()
  const views = sources.views()
  const page = {
    state: sources.state(),
    version,
    uptimeSeconds: Math.floor(process.uptime()),
    sequence,
    time: formatTime(timeMs),
    digest,
    replayedBytes,
    replayBytes,
    accounts: of('engine_accounts'),
    openReservations: of('engine_open_reservations'),
    remembered: of('engine_remembered'),
    commands: of('engine_commands_total'),
    commandsInFlight: sources.commandsInFlight(),
    memory: {
      tableBytes: of('engine_table_bytes'),
      ringBytes: of('ring_bytes'),
      residentBytes: process.memoryUsage.rss(),
    },
    journal: {
      sequence: of('journal_sequence'),
      lagRecords: of('engine_lag_records'),
      frames: of('journal_frames_total'),
      bytes: of('journal_bytes_total'),
      syncs: of('journal_syncs_total'),
      syncSeconds: of('journal_sync_seconds_total'),
    },
    storageLow: pipeline.storageLow(),
    follower: {
      ...follower,
      lagRecords: lagOf(follower, of('journal_sequence')),
    },
    views: {
      ...views,
      lagRecords: lagOf(views, of('journal_sequence')),
    },
  }
  return jsonReply(200, JSON.stringify(page))
}

/** The follower's figures by the names that `/metrics` gives them. */
export function followerStats(
  follower: FollowerFigures,
  journalSequence: number,
): Readonly<Record<string, number>> {
  return {
    follower_up: isUp(follower) ? 1 : 0,
    follower_sequence: follower.sequence,
    follower_lag_records: lagOf(follower, journalSequence),
    follower_snapshot_sequence: follower.snapshotSequence,
    follower_snapshot_bytes: follower.snapshotBytes,
  }
}

/** The views' figures by the names that `/metrics` gives them. */
export function viewsStats(
  views: ViewsFigures,
  journalSequence: number,
): Readonly<Record<string, number>> {
  return {
    views_up: views.state === 'building' || views.state === 'following' ? 1 : 0,
    views_sequence: views.sequence,
    views_lag_records: lagOf(views, journalSequence),
  }
}

function isUp({ state }: FollowerFigures): boolean {
  return state === 'loading' || state === 'following' || state === 'snapshotting'
}

/** Records in the journal that it has not applied; 0 where there is none to apply them. */
function lagOf(
  { state, sequence }: FollowerFigures | ViewsFigures,
  journalSequence: number,
): number {
  return state === 'off' ? 0 : Math.max(0, journalSequence - sequence)
}
