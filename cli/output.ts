// How verbs write: data to stdout, the rest to stderr, numbers that people can read.

/**
 * Whoever reads what is printed may have read enough, as `head` does: the rest is for nobody, and no reason to
 * end. A server least of all. To be called once, before anything is printed.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
}

/** Writes data and a line end. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Writes what is not data and a line end. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Writes `value` as one line of JSON. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value))
}

/** `1234567` as `1,234,567`; fractions are cut off. */
export function grouped(value: number): string {
  const digits = Math.trunc(Math.abs(value)).toFixed(0)
  const sign = value < 0 ? '-' : ''
  return sign + digits.replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1 line`, `2 lines`; `thing` is one of them. */
export function counted(count: number, thing: string): string {
  return `${grouped(count)} ${thing}${count === 1 ? '' : 's'}`
}

/** Bytes in the largest binary unit that leaves at least 1: `64.0 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  let value = bytes
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit]}`
}

/** Milliseconds since 1970 as RFC 3339 in UTC. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

/** Rows as columns two spaces apart; cells that are numbers stand to the right. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => textOf(cell)))
  const widths: number[] = []
  for (const row of cells) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  }
  return cells
    .map((row, r) => {
      const line = row.map((cell, i) => {
        const width = widths[i] as number
        return isNumberColumn(rows, r, i) ? cell.padStart(width) : cell.padEnd(width)
      })
      return line.join('  ').trimEnd()
    })
    .join('\n')
}

function textOf(cell: string | number): string {
  return typeof cell === 'number' ? grouped(cell) : cell
}

/** A heading stands to the right where the cells below it are numbers. */
function isNumberColumn(rows: readonly (readonly (string | number)[])[], r: number, i: number) {
  const below = r === 0 ? rows[1]?.[i] : rows[r]?.[i]
  return typeof below === 'number'
}
