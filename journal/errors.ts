// The journal's typed errors. Errors of the operating system pass through as they are (with
// `code`), but never out of the writer, which wraps them.

/** A place in a journal that somebody should look at. */
export interface JournalPlace {
  /** Name of the segment file in the journal's directory. */
  readonly file: string
  /** Bytes from the file's start. */
  readonly offset: number
  /** Sequence of the first record that should have been there. */
  readonly sequence: number
}

/**
 * What was written and synced is there no longer, or bytes are there that nobody wrote. Never
 * served: the start stops with exit code 3 (I11).
 */
export class JournalDamage extends Error implements JournalPlace {
  override readonly name = 'JournalDamage'
  readonly file: string
  readonly offset: number
  readonly sequence: number

  constructor(place: JournalPlace, sentence: string) {
    super(
      `the journal is damaged in ${place.file} at offset ${place.offset}, ` +
        `sequence ${place.sequence}: ${sentence}`,
    )
    this.file = place.file
    this.offset = place.offset
    this.sequence = place.sequence
  }
}

/**
 * A segment was moved or removed while the journal was being read: a follower does that with those that
 * snapshots stand in for. Nothing is wrong with the journal, and another reading begins behind it.
 */
export class JournalMoved extends Error {
  override readonly name = 'JournalMoved'

  constructor(file: string) {
    super(`${file} was moved or removed while the journal was being read: try again`)
  }
}

/** The segment is whole, but of a format that this build does not read. */
export class JournalVersionError extends Error {
  override readonly name = 'JournalVersionError'
  readonly file: string
  readonly version: number

  constructor(file: string, version: number, known: number) {
    super(
      `${file} has journal format ${version} and this build reads format ${known}: ` +
        'start the version of Holdfast that wrote it, or a later one; nothing was changed',
    )
    this.file = file
    this.version = version
  }
}

/**
 * A write or a sync failed, now or earlier, so that nobody knows what is on the disk. The writer
 * does nothing any more; whatever was in flight is unknown, and the process has to end.
 */
export class JournalPoisoned extends Error {
  override readonly name = 'JournalPoisoned'

  constructor(cause: unknown) {
    super(`the journal cannot be written: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}
