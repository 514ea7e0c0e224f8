// How wide help is, and what stands behind the flags of a verb: the one place that breaks it into lines.

import { wrapped } from './wrapped.ts'

/** The widest that help becomes, in columns. */
export const HELP_COLUMNS = 80

/** How wide help is on this terminal, or elsewhere. */
export function helpWidth(): number {
  return Math.min(HELP_COLUMNS, process.stdout.columns || HELP_COLUMNS)
}

/** What stands behind the flags, after an empty line: prose is wrapped, lines that are indented stay. */
export function helpText(text: string): () => string {
  return () => {
    const paragraphs = text.replace(/^\n/, '').split('\n\n')
    const lines = paragraphs.map((one) => (/^ *\$/m.test(one) ? one : wrapped(one, helpWidth())))
    return `\n${lines.join('\n\n')}`
  }
}
