// What can be wrong with views, as errors that say what to do. Behaviour is in file.ts and runner.ts.

/** The file cannot be used as it is: damaged, of another journal, of another version. It is built anew. */
export class ViewsUnusable extends Error {
  override readonly name = 'ViewsUnusable'
  /** Nothing is wrong with it, but other tables are wanted now: nobody needs to look at it. */
  readonly isOutdated: boolean

  constructor(message: string, how?: 'outdated') {
    super(message)
    this.isOutdated = how === 'outdated'
  }
}

/** Views are to be built and the journal's first records are gone: nobody can build them. */
export class ViewsUnreachable extends Error {
  override readonly name = 'ViewsUnreachable'
}

/** Whether an error of SQLite says that the file is damaged or is no database. */
export function isDamage(error: unknown): boolean {
  const { code } = error as { code?: string }
  return (
    code?.startsWith('SQLITE_CORRUPT') === true ||
    code === 'SQLITE_NOTADB' ||
    code?.startsWith('SQLITE_IOERR_SHORT_READ') === true ||
    // Tables that should be there are not.
    (code === 'SQLITE_ERROR' && /no such (table|column)/.test((error as Error).message))
  )
}
