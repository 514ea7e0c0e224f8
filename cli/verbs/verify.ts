// `holdfast verify`: every checksum and the chain (the reader's), every checkpoint (the engine's), and
// I1 to I3 over all rows.

import { auditOf } from '../audit.ts'
import { CliError, EXIT, type ExitCode } from '../exit-codes.ts'
import { counted, formatBytes, grouped, note, print, printJson } from '../output.ts'
import { noteEnd, replayWithBar } from './replay.ts'

/** How many violations are named one by one. */
const SHOWN_MAX = 20

/** Verifies and prints; damage is thrown as `JournalDamage` or an `EngineFault`. */
export async function verify(dataDir: string, json: boolean): Promise<ExitCode> {
  const replayed = replayWithBar({ dataDir })
  const { engine, frames, bytes, seconds } = replayed
  const violations = engine.checkInvariants()
  const { sequence, digest, accounts, openReservations } = auditOf(engine)
  const checkpoints = engine.checkpointsCompared
  noteEnd(replayed)
  for (const { invariant, detail } of violations.slice(0, SHOWN_MAX)) {
    note(`${invariant}: ${detail}`)
  }
  if (violations.length > 0) {
    const count = counted(violations.length, 'violation')
    throw new CliError(EXIT.damage, `${count} of what is always true`)
  }
  const result = {
    sequence,
    digest,
    frames,
    bytes,
    checkpoints,
    accounts,
    openReservations,
    seconds: Number(seconds.toFixed(3)),
  }
  if (json) printJson(result)
  else {
    const size = `${grouped(frames)} frames, ${formatBytes(bytes)}, ${checkpoints} checkpoints`
    print(`sound up to sequence ${grouped(sequence)} (${size}, ${seconds.toFixed(2)} s)`)
    print(`digest ${digest}, ${grouped(accounts)} accounts, ${grouped(openReservations)} open`)
  }
  return EXIT.fine
}
