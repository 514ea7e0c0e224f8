// A module's tables and timers as plain arrays: slow and obvious, and put in order by sorting. Holds
// what engine/module-tables.ts and engine/module-timers.ts are to hold after the same calls.

/** A row of either table of the model. */
export interface ModelRow {
  readonly table: string
  readonly key: string
  readonly sequence: number
  readonly index: number
  readonly values: Readonly<Record<string, string | number | boolean | null>>
}

export interface ModelTimer {
  readonly kind: string
  readonly key: string
  readonly dueMs: number
  readonly sequence: number
  readonly index: number
}

interface Saved {
  readonly rows: readonly ModelRow[]
  readonly timers: readonly ModelTimer[]
  readonly rowNumbers: readonly [number, number]
  readonly timerNumbers: readonly [number, number]
}

function byCreation(a: ModelRow | ModelTimer, b: ModelRow | ModelTimer): number {
  return a.sequence - b.sequence || a.index - b.index
}

/** See the head of this file. Callers make no wrong use. */
export class ModelTables {
  rows: readonly ModelRow[] = []
  timers: readonly ModelTimer[] = []
  #saved: Saved | undefined
  /** Rows at the last `begin`, and the names of those that were changed since, in order. */
  #rowsBefore: readonly ModelRow[] = []
  #touched: string[] = []
  #rowNumbers: [number, number] = [0, 0]
  #timerNumbers: [number, number] = [0, 0]

  get isOn(): boolean {
    return this.#saved !== undefined
  }

  begin(sequence: number): void {
    this.#saved ??= {
      rows: this.rows,
      timers: this.timers,
      rowNumbers: this.#rowNumbers,
      timerNumbers: this.#timerNumbers,
    }
    if (this.#rowNumbers[0] !== sequence) this.#rowNumbers = [sequence, 0]
    if (this.#timerNumbers[0] !== sequence) this.#timerNumbers = [sequence, 0]
    this.#rowsBefore = this.rows
    this.#touched = []
  }

  end(stands: boolean): void {
    if (!stands && this.#saved !== undefined) {
      this.rows = this.#saved.rows
      this.timers = this.#saved.timers
      this.#rowNumbers = [...this.#saved.rowNumbers]
      this.#timerNumbers = [...this.#saved.timerNumbers]
    }
    this.#saved = undefined
    this.#rowsBefore = this.rows
    this.#touched = []
  }

  find(table: string, key: string): ModelRow | undefined {
    return this.rows.find((row) => row.table === table && row.key === key)
  }

  insert(table: string, values: ModelRow['values']): void {
    const [sequence, index] = this.#rowNumbers
    const key = String(values.key)
    this.#rowNumbers = [sequence, index + 1]
    this.rows = [...this.rows, { table, key, sequence, index, values: { ...values } }]
    this.#touched.push(`${table}/${key}`)
  }

  update(table: string, key: string, changes: Partial<ModelRow['values']>): void {
    const old = this.find(table, key) as ModelRow
    if (Object.entries(changes).every(([name, value]) => old.values[name] === value)) return
    const values = { ...old.values, ...changes } as ModelRow['values']
    this.rows = this.rows.map((row) => (row === old ? { ...row, values } : row))
    this.#touched.push(`${table}/${key}`)
  }

  remove(table: string, key: string): void {
    this.rows = this.rows.filter((row) => row.table !== table || row.key !== key)
    this.#touched.push(`${table}/${key}`)
  }

  /** The values of all rows of a table that have `wanted`, in order of creation. */
  scan(table: string, wanted: ModelRow['values']): ModelRow['values'][] {
    return this.rows
      .filter((row) => row.table === table)
      .filter((row) => Object.entries(wanted).every(([name, v]) => row.values[name] === v))
      .toSorted(byCreation)
      .map((row) => row.values)
  }

  /** What was changed since the last `begin`: the row, or table and key where it was taken out. */
  changes(): Partial<ModelRow>[] {
    return [...new Set(this.#touched)].flatMap((name) => {
      const [table, key] = [name.slice(0, name.indexOf('/')), name.slice(name.indexOf('/') + 1)]
      const now = this.find(table, key)
      const wasThere = this.#rowsBefore.some((row) => row.table === table && row.key === key)
      return now !== undefined ? [now] : wasThere ? [{ table, key }] : []
    })
  }

  set(kind: string, key: string, dueMs: number): void {
    const old = this.timers.find((timer) => timer.kind === kind && timer.key === key)
    if (old !== undefined) {
      this.timers = this.timers.map((timer) => (timer === old ? { ...timer, dueMs } : timer))
      return
    }
    const [sequence, index] = this.#timerNumbers
    this.#timerNumbers = [sequence, index + 1]
    this.timers = [...this.timers, { kind, key, dueMs, sequence, index }]
  }

  cancel(kind: string, key: string): void {
    this.timers = this.timers.filter((timer) => timer.kind !== kind || timer.key !== key)
  }

  /** All timers in the order in which they fire. */
  firing(): ModelTimer[] {
    return this.timers.toSorted((a, b) => a.dueMs - b.dueMs || byCreation(a, b))
  }
}
