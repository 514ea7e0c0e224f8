// What a module says of itself to those outside of the engine: schemas of its commands, its HTTP routes,
// its codes, and the lists that views keep of it. Types alone: the gateway, the client and the views work
// from these and know no module by name.

/** A JSON schema, as typebox makes them. */
export type JsonSchema = object

/** One command or query of a module as it can be asked for by name. */
export interface ModuleAction {
  /** Of the input; unknown fields are refused. A command's has `MODULE_FIELDS_MAX` fields at most. */
  readonly input: JsonSchema
}

/** What HTTP says of one of a module's codes. */
export interface ModuleCode {
  readonly status: number
  /** One sentence for people. */
  readonly title: string
  readonly retryable?: boolean
}

/** A request's parts as a route's functions see them; checked. */
export interface ModuleRequest {
  /** From the path, by name. */
  readonly params: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
  readonly query: Readonly<Record<string, string>>
}

/** One HTTP route that becomes a command or a query. */
export interface ModuleRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH'
  /** `/v1/calls/{id}/end`. */
  readonly path: string
  readonly summary: string
  /** Schema of the body; absent where there is none. */
  readonly body?: JsonSchema
  /** Schema of a success, without `code`, `sequence`, `time`. */
  readonly reply: JsonSchema
  readonly success: 200 | 201
  /** Name of the command, or of the query. `pick` may choose a query for a dry run. */
  readonly pick: (
    request: ModuleRequest,
  ) => { readonly command: string } | { readonly query: string }
  /**
   * The idempotency key of the command, scoped to what it acts on: `end/call-7`. The module's name
   * comes before it.
   */
  readonly id?: (request: ModuleRequest) => string
  readonly input: (request: ModuleRequest) => Readonly<Record<string, unknown>>
}

/** One list that a view keeps: rows of a module's table, newest last, in pages. */
export interface ModuleList {
  /** `/v1/call-records`. */
  readonly path: string
  readonly summary: string
  readonly table: string
  /** Fields by which a caller may narrow the list down, as query parameters. */
  readonly filters: readonly string[]
  /** All that a filter's field can have, where that is known: another value is `invalid_request`. */
  readonly values?: Readonly<Record<string, readonly string[]>>
  /** Fields of the row in the order in which they are shown, with their names in JSON and CSV. */
  readonly columns: Readonly<Record<string, string>>
  /** Columns in ms since 1970, shown as RFC 3339. */
  readonly times: readonly string[]
  /** Only rows with this value of this field. */
  readonly where?: { readonly field: string; readonly values: readonly string[] }
}

/** A module's face to the gateway. */
export interface ModuleSurface {
  readonly module: string
  readonly commands: Readonly<Record<string, ModuleAction>>
  readonly queries: Readonly<Record<string, ModuleAction>>
  /** By code; `ok` and the core's need not be here. */
  readonly codes: Readonly<Record<string, ModuleCode>>
  readonly routes: readonly ModuleRoute[]
  readonly lists: readonly ModuleList[]
}

/**
 * What views keep of a module: a SQLite table for each of these, with the fields of the module's table
 * as columns.
 */
export interface ModuleView {
  readonly module: string
  readonly tables: readonly {
    readonly table: string
    readonly fields: Readonly<Record<string, string>>
    readonly key: string
    /** Whether a row stays in the view when the module takes it out of its table. */
    readonly keepsRemoved: boolean
    /** Fields that lists narrow down by, each with an index. */
    readonly indexes: readonly string[]
  }[]
}
