// What a server and a helper's process say to each other.

/** What a helper's process is told, as its one argument, in JSON. */
export interface HelperOrders<Settings> {
  readonly settings: Settings
  /** The core that it keeps to at first; not given: any. */
  readonly core?: number | undefined
}

/** To the server: how it is doing. */
export interface HelperNews<Status> {
  readonly status: Status
}
