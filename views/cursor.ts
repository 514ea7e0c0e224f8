// Cursors: where a page ended, as text that callers hand back and do not look into.

/** What a cursor belongs to; one of another list is none. */
export type CursorKind = 'l' | 'r' | 'h'

const CURSOR = /^([lrh])(\d{1,16})$/

/** The cursor behind the row with this number. */
export function writeCursor(kind: CursorKind, number: number): string {
  return Buffer.from(`${kind}${number}`, 'latin1').toString('base64url')
}

/** The number in a cursor; 0 for none at all, undefined where it is not one of this kind. */
export function readCursor(kind: CursorKind, cursor: string | undefined): number | undefined {
  if (cursor === undefined) return 0
  const match = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  const number = Number(match?.[2])
  if (match?.[1] !== kind || !Number.isSafeInteger(number)) return undefined
  // Another spelling of the same bytes is none that was given.
  return writeCursor(kind, number) === cursor ? number : undefined
}
