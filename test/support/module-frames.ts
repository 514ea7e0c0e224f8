// Frames as a sink gets them in which a module did something, made by hand: no engine decided them. For
// tests of views.

import { ReservationList } from '../../engine/index.ts'
import type { SinkFrame } from '../../follower/index.ts'
import { allocateWords, type ModuleView } from '../../protocol/index.ts'
import { encodeFrame } from './frames.ts'

/** A module's tables as a view keeps them. */
export const SMALL_VIEW: ModuleView = {
  module: 'small',
  tables: [
    {
      table: 'calls',
      fields: { id: 'text', customer: 'text', seconds: 'integer?', done: 'flag' },
      key: 'id',
      keepsRemoved: true,
      indexes: ['customer'],
    },
    {
      table: 'prices',
      fields: { prefix: 'text', rate: 'integer' },
      key: 'prefix',
      keepsRemoved: false,
      indexes: [],
    },
  ],
}

/** A row's values by field. */
export type Row = Readonly<Record<string, string | number | boolean | null>>

/** A frame in which a module did this, and nothing else happened. */
export function moduleFrame(
  sequence: number,
  rows: readonly (readonly [table: string, key: string, row: Row | undefined])[],
  events: readonly (readonly [kind: string, data: Readonly<Record<string, string>>])[] = [],
): SinkFrame {
  const timeMs = 1_800_000_000_000 + sequence
  const words = encodeFrame({ timeMs, records: [{ type: 'tick' }] }, sequence)
  return {
    words,
    firstSequence: sequence,
    count: 1,
    timeMs,
    outcomes: allocateWords(0),
    outcomeBytes: 0,
    accounts: [],
    reservations: new ReservationList(0),
    history: [],
    rows: rows.map(([table, key, row]) => ({ module: 'small', table, key, row, sequence, timeMs })),
    events: events.map(([kind, data], index) => ({
      module: 'small',
      kind,
      sequence,
      index,
      timeMs,
      data,
    })),
  }
}
