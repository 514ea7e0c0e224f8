// Records as lines for people, in columns under a heading: sequence, time, kind, what came of it, what was
// moved, and the fields that say more than their default.

import { CAPACITIES_DEFAULT } from '../protocol/index.ts'
import type { HistoryEntry } from './history.ts'
import { grouped } from './output.ts'

/** Takes records in and prints them some at a time. */
export interface RecordLines {
  add(entry: HistoryEntry): void
  /** Prints those that were held back. */
  end(): void
}

/** How many records are held back, so that columns are as wide as they have to be. */
const BLOCK = 256

const HEADING: Cells = ['sequence', 'time', 'kind', 'code', 'moved', 'fields']

/** Where numbers stand, to the right: `sequence` and `moved`. */
const NUMBERS: ReadonlySet<number> = new Set([0, 4])

/** What a field has where nobody gave it. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  ...CAPACITIES_DEFAULT,
  creditLimit: 0,
  timeoutMs: 0,
  final: true,
}

type Cells = readonly string[]

/** Lines that go to `print`, under a heading. Columns never become narrower again. */
export function startRecordLines(print: (line: string) => void): RecordLines {
  const widths = HEADING.map(() => 0)
  let rows: Cells[] = [HEADING]
  let hasRecords = false
  const flush = (): void => {
    if (!hasRecords) return
    for (const row of rows) {
      for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] as number, cell.length)
    }
    for (const row of rows) print(lineOf(row, widths))
    rows = []
  }
  return {
    add(entry) {
      hasRecords = true
      rows.push(cellsOf(entry))
      if (rows.length >= BLOCK) flush()
    },
    end: flush,
  }
}

/** A field's value as it is shown to people. */
export function shownField(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function lineOf(row: Cells, widths: readonly number[]): string {
  const cells = row.map((cell, i) => {
    const width = i === row.length - 1 ? 0 : (widths[i] as number)
    return NUMBERS.has(i) ? cell.padStart(width) : cell.padEnd(width)
  })
  return cells.join('  ').trimEnd()
}

function cellsOf(entry: HistoryEntry): Cells {
  const { sequence, time, kind, command, code, moved, void: isVoid, ...rest } = entry
  const fields = Object.entries(rest).filter(([name, value]) => value !== DEFAULTS[name])
  return [
    String(sequence),
    String(time),
    // A module's command says more than that it is one.
    command === undefined ? kind : String(command),
    isVoid ? 'void' : (code ?? ''),
    moved === undefined || moved === 0 ? '' : grouped(moved),
    fields.map(([name, value]) => `${name}=${shownField(value)}`).join(' '),
  ]
}
