// The threads' figures under the names that `/metrics` gives them. docs/metrics.md lists the names.
//
//   engine_sequence               sequence of the last record that was applied
//   engine_time_ms                journal time of its frame, ms since 1970
//   engine_frames_total           frames applied since the start, replayed ones included
//   engine_queries_total          queries and dry runs answered
//   engine_outcomes_dropped_total outcomes without room in a gateway's ring: 0 unless one is broken
//   engine_accounts               accounts, closed ones included
//   engine_open_reservations      reservations that hold something
//   engine_remembered             outcomes and ended reservations that are kept for retries
//   engine_commands_total         commands decided since the start, replayed ones included
//   engine_table_bytes            bytes that the tables reserve
//   engine_lag_records            records on stable storage that are not applied yet
//   journal_sequence              last sequence on stable storage
//   journal_records_total         records written since the start
//   journal_frames_total          frames written since the start, seals included
//   journal_bytes_total           bytes of those frames
//   journal_syncs_total           calls of fdatasync for frames and seals
//   journal_sync_seconds_total    time spent in them
//   journal_sync_seconds_last     time of the latest one
//   journal_ticks_total           ticks that the journal wrote because something was due
//   journal_seals_total           seals written
//   journal_checkpoints_total     digests written into the journal
//   journal_engine_waits_total    times that the journal waited for the engine to make room
//   journal_segments_late_total   segments that had to be filled while commands waited
//   journal_gateways_detached     1 for each gateway that was cut off for what it had queued
//
// A gateway's port adds its own:
//
//   ring_bytes                    bytes of all rings
//   gateway_in_flight             commands and queries without an answer yet
//   gateway_refused_busy_total    commands and queries refused for want of room
//   gateway_credit_bytes          room for outcomes that is not promised to anybody
//   gateway_command_ring_bytes    bytes queued for the journal
//   storage_low                   1 while there is no room for the next segment

import { ENGINE_REPORT, JOURNAL_REPORT } from './shared-memory.ts'

/** Figures of the two reports by name. */
export function pipelineStats(engine: Float64Array, journal: Float64Array): Record<string, number> {
  const e = (field: number): number => engine[field] as number
  const j = (field: number): number => journal[field] as number
  return {
    engine_sequence: e(ENGINE_REPORT.sequence),
    engine_time_ms: e(ENGINE_REPORT.timeMs),
    engine_frames_total: e(ENGINE_REPORT.frames),
    engine_queries_total: e(ENGINE_REPORT.queries),
    engine_outcomes_dropped_total: e(ENGINE_REPORT.outcomesDropped),
    engine_accounts: e(ENGINE_REPORT.accounts),
    engine_open_reservations: e(ENGINE_REPORT.openReservations),
    engine_remembered: e(ENGINE_REPORT.remembered),
    engine_commands_total: e(ENGINE_REPORT.commands),
    engine_table_bytes: e(ENGINE_REPORT.tableBytes),
    engine_lag_records: Math.max(0, j(JOURNAL_REPORT.sequence) - e(ENGINE_REPORT.sequence)),
    journal_sequence: j(JOURNAL_REPORT.sequence),
    journal_records_total: j(JOURNAL_REPORT.records),
    journal_frames_total: j(JOURNAL_REPORT.frames),
    journal_bytes_total: j(JOURNAL_REPORT.bytes),
    journal_syncs_total: j(JOURNAL_REPORT.syncs),
    journal_sync_seconds_total: j(JOURNAL_REPORT.syncMicrosTotal) / 1e6,
    journal_sync_seconds_last: j(JOURNAL_REPORT.syncMicrosLast) / 1e6,
    journal_ticks_total: j(JOURNAL_REPORT.ticks),
    journal_seals_total: j(JOURNAL_REPORT.seals),
    journal_checkpoints_total: j(JOURNAL_REPORT.checkpoints),
    journal_engine_waits_total: j(JOURNAL_REPORT.engineWaits),
    journal_segments_late_total: j(JOURNAL_REPORT.segmentsFilledLate),
    journal_gateways_detached: bits(j(JOURNAL_REPORT.gatewaysDetached)),
  }
}

function bits(mask: number): number {
  let count = 0
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++
  return count
}
