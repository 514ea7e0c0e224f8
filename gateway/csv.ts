// Rows as CSV (RFC 4180): a line of names, then a line for each row, CRLF behind each.

import type { ViewValue } from '../protocol/index.ts'

/** Content type of what `toCsv` makes. */
export const CSV_TYPE = 'text/csv; charset=utf-8; header=present'

/** The rows as text. Every row has a value for each name. */
export function toCsv(names: readonly string[], rows: readonly (readonly ViewValue[])[]): string {
  let text = `${names.map(cell).join(',')}\r\n`
  for (const row of rows) text += `${row.map(cell).join(',')}\r\n`
  return text
}

const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/

/**
 * A text that a spreadsheet would take for a formula, full-width signs too; a plain number with a
 * sign does no harm. It gets an apostrophe before it, and so does one that has one: a program that
 * reads the file removes the first apostrophe of such a text.
 */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠']/
const NUMBER = /^[+-]?\d+$/

function cell(value: ViewValue): string {
  if (value === null) return ''
  if (typeof value !== 'string') return String(value)
  const text = FORMULA.test(value) && !NUMBER.test(value) ? `'${value}` : value
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
