// What the process tells its caller by its exit code, and the error that carries one.

/** Exit codes of every verb. */
export const EXIT = {
  /** Done. */
  fine: 0,
  /** Not done; the reason is on stderr. */
  failed: 1,
  /** The command line or the configuration is not one. */
  usage: 2,
  /** The journal is damaged; file, offset and sequence are on stderr. */
  damage: 3,
  /** Another process owns the data directory. */
  inUse: 4,
} as const

/** One of `EXIT`. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Ends the verb with `exitCode` and its message on stderr, without a stack. */
export class CliError extends Error {
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string) {
    super(message)
    this.name = 'CliError'
    this.exitCode = exitCode
  }
}

/** An error for a command line or a configuration that is not one. */
export function usageError(message: string): CliError {
  return new CliError(EXIT.usage, message)
}
