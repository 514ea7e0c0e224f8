// `holdfast verify`: every checksum and the chain (the reader's), every checkpoint (the engine's), I1
// to I3 over all rows, and every snapshot against the replay.

import { auditOf } from '../audit.ts'
import type { Config } from '../config.ts'
import { CliError, EXIT, type ExitCode } from '../exit-codes.ts'
import { rulesOf } from '../modules.ts'
import { counted, formatBytes, grouped, note, print, printJson } from '../output.ts'
import { checkSnapshots } from '../snapshot-check.ts'
import { noteBeginning, noteEnd, replayWithBar } from './replay.ts'

/** How many violations are named one by one. */
const SHOWN_MAX = 20

/** Verifies and prints; damage is thrown as `JournalDamage` or an `EngineFault`. */
export async function verify(config: Config, json: boolean): Promise<ExitCode> {
  const { dataDir } = config
  const snapshots = checkSnapshots(dataDir)
  const replayed = replayWithBar({
    dataDir,
    modules: await rulesOf(config),
    from: 'oldest',
    onApplied: (engine) => snapshots.onApplied(engine),
  })
  const { engine, frames, bytes, seconds, snapshot, voids } = replayed
  snapshots.finish(engine, voids)
  const violations = engine.checkInvariants()
  const { sequence, digest, accounts, openReservations } = auditOf(engine)
  const checkpoints = engine.checkpointsCompared
  noteEnd(replayed)
  noteBeginning(snapshot)
  for (const { invariant, detail } of violations.slice(0, SHOWN_MAX)) {
    note(`${invariant}: ${detail}`)
  }
  if (violations.length > 0) {
    const count = counted(violations.length, 'violation')
    throw new CliError(EXIT.damage, `${count} of what is always true`)
  }
  for (const sentence of [...snapshots.unread, ...snapshots.faults]) note(sentence)
  if (snapshots.faults.length > 0) {
    const count = counted(snapshots.faults.length, 'snapshot')
    throw new CliError(EXIT.damage, `${count} of no use; the journal is sound up to ${sequence}`)
  }
  const result = {
    sequence,
    digest,
    frames,
    bytes,
    checkpoints,
    snapshots: snapshots.sound,
    accounts,
    openReservations,
    seconds: Number(seconds.toFixed(3)),
  }
  if (json) printJson(result)
  else {
    const size = `${grouped(frames)} frames, ${formatBytes(bytes)}, ${checkpoints} checkpoints`
    print(`sound up to sequence ${grouped(sequence)} (${size}, ${seconds.toFixed(2)} s)`)
    if (checkpoints === 0) print('no checkpoint is in it yet that decisions could be compared with')
    for (const at of snapshots.sound) print(`snapshot at ${grouped(at)}: the same state`)
    print(`digest ${digest}, ${grouped(accounts)} accounts, ${grouped(openReservations)} open`)
  }
  return EXIT.fine
}
