// The snapshots' typed errors. Errors of the operating system pass through as they are.

/**
 * A snapshot cannot be used: it is cut, or bytes of it are not what was written, or it belongs to
 * another journal. It is passed over; the one before it, or the journal, gives the same state.
 */
export class SnapshotDamage extends Error {
  override readonly name = 'SnapshotDamage'
  /** Name of the snapshot's file. */
  readonly file: string
  /** Bytes from the file's start to what is wrong. */
  readonly offset: number

  constructor(file: string, offset: number, sentence: string) {
    super(
      `the snapshot ${file} is damaged at offset ${offset}: ${sentence}; ` +
        'the state can be had from an older snapshot or from the journal, and this file be removed',
    )
    this.file = file
    this.offset = offset
  }
}

/** The snapshot is of a format that this build does not read. */
export class SnapshotVersionError extends Error {
  override readonly name = 'SnapshotVersionError'
  readonly file: string
  readonly version: number

  constructor(file: string, version: number, known: number) {
    super(
      `${file} has snapshot format ${version} and this build reads format ${known}: start the ` +
        'version of Holdfast that wrote it, or remove the file and have the journal replayed',
    )
    this.file = file
    this.version = version
  }
}
