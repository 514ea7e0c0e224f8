// What a gateway asks of the views: pages of lists, reservations of an account, its history, events.
// Types alone; views/ answers them from SQLite, and a gateway without views has none of these routes'
// answers.

/** A value of a row in a view. */
export type ViewValue = string | number | boolean | null

/** A row of a module's table as its view keeps it, by the names of its fields. */
export type ViewRow = Readonly<Record<string, ViewValue>>

/** Where a page begins, how long it is, and what it must have seen. */
export interface PageQuery {
  /** `next` of the page before; undefined for the first page. */
  readonly cursor: string | undefined
  /** Items at most: 1 to `VIEW_PAGE_MAX`. */
  readonly limit: number
  /**
   * The page must reflect this sequence at least: the reader waits for it up to
   * `VIEW_WAIT_MS`, and answers `behind` after that. 0: as it is.
   */
  readonly minSequence: number
}

/** A module's list, oldest row first. */
export interface ListQuery extends PageQuery {
  readonly module: string
  readonly table: string
  /** Values by field, as they stand in the query of the URL; all must hold. */
  readonly filters: Readonly<Record<string, string>>
  /** As in `ModuleList`. */
  readonly where: { readonly field: string; readonly values: readonly string[] } | undefined
}

/** Reservations that debit or credit an account, in order of creation. */
export interface ReservationsQuery extends PageQuery {
  /** The account's 16 bytes. */
  readonly account: Uint8Array
  /** Of this state alone. */
  readonly state: 'held' | 'settled' | 'released' | 'expired' | undefined
}

/** What became of an account that was opened with `history`, oldest first. */
export interface HistoryQuery extends PageQuery {
  /** The account's 16 bytes. */
  readonly account: Uint8Array
}

/** A page. */
export interface ViewPage<Item> {
  readonly items: readonly Item[]
  /** Cursor of the next page; null: this was the last one so far. */
  readonly next: string | null
  /** What the page reflects, and the journal time there in ms since 1970. */
  readonly sequence: number
  readonly timeMs: number
}

/** A reservation as its view keeps it. Times in ms since 1970. */
export interface ViewReservation {
  readonly id: string
  readonly debitAccount: string
  readonly creditAccount: string
  readonly state: 'held' | 'settled' | 'released' | 'expired'
  readonly amount: number
  readonly settled: number
  readonly released: number
  readonly createdAt: number
  /** null: never. */
  readonly expiresAt: number | null
  /** null: it is held. */
  readonly endedAt: number | null
}

/** One change of an account: what it was after the record of this sequence. */
export interface ViewChange {
  readonly sequence: number
  /** ms since 1970. */
  readonly timeMs: number
  /** The name of the command, or `expire`. */
  readonly command: string
  readonly balance: number
  readonly held: number
  readonly incoming: number
}

/** The place of an event: its command's sequence, and which of its events it is. */
export interface EventPlace {
  readonly sequence: number
  readonly index: number
}

/** An event as its view keeps it. */
export interface ViewEvent extends EventPlace {
  /** ms since 1970. */
  readonly timeMs: number
  readonly module: string
  readonly kind: string
  /** The data as JSON text. */
  readonly data: string
}

/** Events at `from` and after it, in order: `limit` of them at most, and `VIEW_PAGE_MAX`. */
export interface EventsQuery {
  readonly from: EventPlace
  readonly limit: number
}

/** Events, and where the next page begins. */
export interface EventsPage {
  readonly events: readonly ViewEvent[]
  /** That of the first that follows; behind all that the view had applied, where there is none yet. */
  readonly next: EventPlace
  /** Whether others follow that the view has already. */
  readonly hasMore: boolean
  /** What the view had applied. */
  readonly sequence: number
  readonly timeMs: number
}

/** Why there is no page. */
export interface ViewRefusal {
  /**
   * `behind`: `minSequence` was not reached in time. `unavailable`: there is no view now, for it is being
   * built or its reader has ended. `cursor`: no page gave this cursor. `filter`: a filter's value is not
   * of its field's type.
   */
  readonly refused: 'behind' | 'unavailable' | 'cursor' | 'filter'
  /** What the view has applied; 0 where there is none. */
  readonly sequence: number
}

/** Reads views; never rejects for what is said in `ViewRefusal`. */
export interface ViewReader {
  list(query: ListQuery): Promise<ViewPage<ViewRow> | ViewRefusal>
  reservations(query: ReservationsQuery): Promise<ViewPage<ViewReservation> | ViewRefusal>
  history(query: HistoryQuery): Promise<ViewPage<ViewChange> | ViewRefusal>
  events(query: EventsQuery): Promise<EventsPage | ViewRefusal>
}
