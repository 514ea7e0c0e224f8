// A reader of views that has everything in memory, with the levers that tests pull. What views/ answers
// from SQLite is held to the same types, not to this.

import type {
  EventsPage,
  EventsQuery,
  HistoryQuery,
  ListQuery,
  PageQuery,
  ReservationsQuery,
  ViewChange,
  ViewEvent,
  ViewPage,
  ViewReader,
  ViewRefusal,
  ViewReservation,
  ViewRow,
} from '../../protocol/index.ts'
import { TEST_START_MS } from './direct-pipeline.ts'

/** See the head of this file. */
export class MemoryViews implements ViewReader {
  sequence = 10
  rows: ViewRow[] = []
  held: ViewReservation[] = []
  changes: ViewChange[] = []
  readonly log: ViewEvent[] = []
  /** Events in a page, however many are asked for. */
  eventsMax = Infinity
  /** What was asked, in order. */
  readonly asked: (ListQuery | ReservationsQuery | HistoryQuery | EventsQuery)[] = []
  /** Answered instead, while it is there. */
  refusal: ViewRefusal['refused'] | undefined
  /** Thrown instead, while it is there. */
  error: Error | undefined

  async list(query: ListQuery): Promise<ViewPage<ViewRow> | ViewRefusal> {
    return this.#page(query, this.rows)
  }

  async reservations(query: ReservationsQuery): Promise<ViewPage<ViewReservation> | ViewRefusal> {
    return this.#page(query, this.held)
  }

  async history(query: HistoryQuery): Promise<ViewPage<ViewChange> | ViewRefusal> {
    return this.#page(query, this.changes)
  }

  async events(query: EventsQuery): Promise<EventsPage | ViewRefusal> {
    this.asked.push(query)
    const { from, limit } = query
    if (this.error !== undefined) throw this.error
    if (this.refusal !== undefined) return { refused: this.refusal, sequence: this.sequence }
    const isAfter = ({ sequence, index }: ViewEvent): boolean =>
      sequence > from.sequence || (sequence === from.sequence && index >= from.index)
    const after = this.log.filter(isAfter)
    const events = after.slice(0, Math.min(limit, this.eventsMax))
    const hasMore = events.length < after.length
    const next = after[events.length] ?? { sequence: this.sequence + 1, index: 0 }
    return { events, next, hasMore, sequence: this.sequence, timeMs: TEST_START_MS }
  }

  /** Adds `count` events as those of one command; `bytes`: about how long each is. */
  emit(count: number, bytes = 0): void {
    this.sequence++
    for (let index = 0; index < count; index++) {
      const data = JSON.stringify({ n: this.log.length, pad: 'x'.repeat(bytes) })
      const { sequence } = this
      const event = { sequence, index, timeMs: TEST_START_MS, module: 'jars', kind: 'jar.coins' }
      this.log.push({ ...event, data })
    }
  }

  /** Cursors are places in the list, in base64url as real ones are. */
  #page<Item>(
    query: PageQuery & (ListQuery | ReservationsQuery | HistoryQuery),
    all: readonly Item[],
  ): ViewPage<Item> | ViewRefusal {
    this.asked.push(query)
    const { cursor, limit } = query
    if (this.error !== undefined) throw this.error
    if (this.refusal !== undefined) return { refused: this.refusal, sequence: this.sequence }
    const from = cursor === undefined ? 0 : Number(Buffer.from(cursor, 'base64url').toString())
    if (Number.isNaN(from)) return { refused: 'cursor', sequence: this.sequence }
    const items = all.slice(from, from + limit)
    const isLast = from + limit >= all.length
    const next = isLast ? null : Buffer.from(String(from + limit)).toString('base64url')
    return { items, next, sequence: this.sequence, timeMs: TEST_START_MS }
  }
}
