// From an error of any part to an exit code and a message. By name and not by class: errors that
// crossed a thread have lost their class.

import { CliError, EXIT, type ExitCode } from './exit-codes.ts'

const EXIT_BY_NAME: Readonly<Record<string, ExitCode>> = {
  DirectoryInUse: EXIT.inUse,
  JournalDamage: EXIT.damage,
  JournalMoved: EXIT.failed,
  JournalVersionError: EXIT.failed,
  JournalPoisoned: EXIT.failed,
  SnapshotDamage: EXIT.damage,
  SnapshotVersionError: EXIT.failed,
  DataDirectoryError: EXIT.failed,
  ViewsUnreachable: EXIT.damage,
  TimeJumpRefused: EXIT.failed,
  ModuleLoadError: EXIT.usage,
  ModuleMisuse: EXIT.usage,
  RouteTaken: EXIT.usage,
  EngineFault: EXIT.failed,
  FollowerRefused: EXIT.failed,
  ListenFailed: EXIT.failed,
  RingBroken: EXIT.failed,
  ThreadFailed: EXIT.failed,
  KeysRequired: EXIT.usage,
}

/** The exit code for what ended a verb. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode
  const { name, kind } = error as { name?: string; kind?: string }
  // A replay that does not come to the digest that was journaled is damage, wherever it lies.
  if (name === 'EngineFault' && (kind === 'digest' || kind === 'order')) return EXIT.damage
  return EXIT_BY_NAME[name ?? ''] ?? EXIT.failed
}

/** What to say of it: the message where the error is a known one, else all that there is. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof CliError || error.name in EXIT_BY_NAME) return error.message
  const { code } = error as NodeJS.ErrnoException
  // Such as `EIO: i/o error, fdatasync`.
  if (code !== undefined) return `the system refused: ${error.message}`
  return error.stack ?? error.message
}
