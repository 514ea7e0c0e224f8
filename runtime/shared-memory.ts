// Everything that the threads of one server share, allocated once by the supervisor and handed to
// each of them. Says who writes what; how it is used is in ring.ts, doorbell.ts and report.ts.

import { allocatePreparerControl } from '../journal/index.ts'
import {
  type AccountNamesMemory,
  allocateAccountNames,
  type Capacities,
  type PipelineState,
} from '../protocol/index.ts'
import { outcomeRingBytes } from './credits.ts'
import { allocateBell } from './doorbell.ts'
import { allocateReport } from './report.ts'
import { allocateRing, type RingMemory } from './ring.ts'

/** 43 k reserves: several of the largest batches. */
const COMMAND_RING_BYTES = 4_194_304

/** 8 k queries: more than are answered in the time that a caller waits for one. */
const QUERY_RING_BYTES = 262_144

/** Credit for 47 k commands in flight: 30 ms of work at 1.5 M commands a second. */
const OUTCOME_RING_BYTES = 8_388_608

/** 16 of the largest frames: how far the engine may lag behind the disk. */
const JOURNAL_RING_BYTES = 4_194_304

/** What one gateway shares with the journal thread and the engine thread. */
export interface GatewayMemory {
  /** From 0: what `RECORD.gateway` of its records says. */
  readonly slot: number
  /** Gateway to journal thread: commands, and ticks of a test clock. */
  readonly commands: RingMemory
  /** Gateway to engine thread: queries and dry runs. */
  readonly queries: RingMemory
  /** Engine thread to gateway. */
  readonly outcomes: RingMemory
  readonly bell: SharedArrayBuffer
}

/** What all threads of one server share. */
export interface SharedMemory {
  /** In force from this start on. */
  readonly capacities: Capacities
  /** What tables are allocated for: no smaller than any capacity in the journal. */
  readonly tables: Capacities
  /** 16 random bytes: outcomes of this start's frames are routed, no others. */
  readonly boot: Uint8Array
  /** 16 bytes: which log the journal is; the journal thread's, from before the state is serving. */
  readonly log: SharedArrayBuffer
  /** `CONTROL` words. */
  readonly control: SharedArrayBuffer
  /** Journal thread to engine thread: frames. */
  readonly frames: RingMemory
  /** The journal's preparer: its requests, and whether the disk has room for the next segment. */
  readonly preparer: SharedArrayBuffer
  readonly journalBell: SharedArrayBuffer
  readonly engineBell: SharedArrayBuffer
  /** `JOURNAL_REPORT`, written by the journal thread. */
  readonly journalReport: SharedArrayBuffer
  /** `ENGINE_REPORT`, written by the engine thread. */
  readonly engineReport: SharedArrayBuffer
  readonly names: AccountNamesMemory
  readonly gateways: readonly GatewayMemory[]
}

/** Places of the control words (i32), each on a line of its own, with their only writer. */
export const CONTROL = {
  /** `STATES` by index; the supervisor's. */
  state: 0,
  /** 1: take what is queued, seal, end; the supervisor's. */
  stopJournal: 32,
  /**
   * The journal thread wants its bell rung when its ring holds no more than so many bytes; -1: it
   * wants nothing. The journal thread's.
   */
  ringWanted: 64,
  words: 96,
} as const

/** Pipeline states by their number in the control words. */
export const STATES: readonly PipelineState[] = ['replaying', 'serving', 'draining', 'failed']

/** Figures of the engine thread, true after the same frame. */
export const ENGINE_REPORT = {
  sequence: 0,
  timeMs: 1,
  /** Nothing is due before; Infinity: nothing at all. */
  nextDueMs: 2,
  digestA: 3,
  digestB: 4,
  frames: 5,
  queries: 6,
  /** Outcomes for which a gateway had no room: it broke its credit, or it is gone. */
  outcomesDropped: 7,
  accounts: 8,
  openReservations: 9,
  /** Outcomes and ended reservations. */
  remembered: 10,
  /** Decided since the start, replayed ones included. */
  commands: 11,
  /** Reserved by the tables. */
  tableBytes: 12,
  fields: 13,
} as const

/** Figures of the journal thread. */
export const JOURNAL_REPORT = {
  /** Last sequence on stable storage. */
  sequence: 0,
  /** Time of the last frame. */
  timeMs: 1,
  replayedBytes: 2,
  /** Records written since the start. */
  records: 3,
  frames: 4,
  bytes: 5,
  syncs: 6,
  syncMicrosLast: 7,
  syncMicrosTotal: 8,
  ticks: 9,
  seals: 10,
  checkpoints: 11,
  /** Times that the journal thread waited for the engine to make room. */
  engineWaits: 12,
  /** Segments that were not filled ahead in time. */
  segmentsFilledLate: 13,
  /** Bit n: the gateway of slot n is detached, for what it queued was no record. */
  gatewaysDetached: 14,
  fields: 15,
} as const

/** Allocates all of it. Untouched pages cost nothing. */
export function allocateSharedMemory(
  capacities: Capacities,
  tables: Capacities,
  gateways: number,
  boot: Uint8Array,
): SharedMemory {
  return {
    capacities,
    tables,
    boot,
    log: new SharedArrayBuffer(16),
    control: controlWords(),
    frames: allocateRing(JOURNAL_RING_BYTES),
    preparer: allocatePreparerControl(),
    journalBell: allocateBell(),
    engineBell: allocateBell(),
    journalReport: allocateReport(JOURNAL_REPORT.fields),
    engineReport: allocateReport(ENGINE_REPORT.fields),
    names: allocateAccountNames(tables.accountsMax, tables.accountNameBytesMax),
    gateways: Array.from({ length: gateways }, (_, i) => gatewayMemory(i, tables.ledgersMax)),
  }
}

function controlWords(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(CONTROL.words * 4)
  new Int32Array(memory)[CONTROL.ringWanted] = -1
  return memory
}

function gatewayMemory(slot: number, ledgersMax: number): GatewayMemory {
  return {
    slot,
    commands: allocateRing(COMMAND_RING_BYTES),
    queries: allocateRing(QUERY_RING_BYTES),
    outcomes: allocateRing(outcomeRingBytes(ledgersMax, OUTCOME_RING_BYTES)),
    bell: allocateBell(),
  }
}

/** Bytes of the rings of `memory`: what they take when they have all been used. */
export function ringBytes(memory: SharedMemory): number {
  let bytes = memory.frames.data.byteLength
  for (const gateway of memory.gateways) {
    bytes += gateway.commands.data.byteLength
    bytes += gateway.queries.data.byteLength + gateway.outcomes.data.byteLength
  }
  return bytes
}
