// `holdfast replay`: the state rebuilt from the journal, as digests and sums.

import { type Replay, type ReplayOptions, replayJournal } from '../../runtime/index.ts'
import { auditOf, ledgerTable } from '../audit.ts'
import type { Config } from '../config.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { rulesOf } from '../modules.ts'
import type { Until } from '../options.ts'
import { counted, formatTime, grouped, note, print, printJson } from '../output.ts'
import { startProgressBar } from '../progress-bar.ts'

/** What is replayed, and how it is shown. */
export interface ReplayVerbOptions {
  readonly until: Until | undefined
  /** Begin with the first record, whatever snapshots there are. */
  readonly fromStart: boolean
  readonly json: boolean
}

/** Replays and prints. */
export async function replay(config: Config, options: ReplayVerbOptions): Promise<ExitCode> {
  const { until, fromStart } = options
  const replayed = replayWithBar({
    dataDir: config.dataDir,
    modules: await rulesOf(config),
    ...(until === undefined ? {} : { until }),
    from: fromStart ? 'start' : 'newest',
    onPassedOver: ({ sentence }) => note(`passed over: ${sentence}`),
  })
  const { engine, seconds, snapshot } = replayed
  const result = {
    ...auditOf(engine),
    time: formatTime(engine.timeMs),
    commands: engine.commandCount,
    /** Of these: what came behind the snapshot. The rate is theirs. */
    commandsReplayed: replayed.commands,
    seconds: Number(seconds.toFixed(3)),
    commandsPerSecond: Math.round(replayed.commands / seconds),
  }
  if (snapshot !== undefined) note(`began with the snapshot at ${grouped(snapshot.sequence)}`)
  noteEnd(replayed)
  if (until !== undefined && 'sequence' in until) noteBeyond(until.sequence, engine.sequence)
  if (options.json) {
    printJson(result)
    return EXIT.fine
  }
  const { ledgers, seconds: _, ...facts } = result
  const rows = Object.entries({ ...facts, seconds: seconds.toFixed(3) })
  for (const [name, value] of rows) {
    print(`${name.padEnd(18)}${typeof value === 'number' ? grouped(value) : value}`)
  }
  if (ledgers.length > 0) print(`\n${ledgerTable(ledgers)}`)
  return EXIT.fine
}

/** Replays with a bar on a terminal. */
export function replayWithBar(options: ReplayOptions): Replay {
  const bar = { current: undefined as ReturnType<typeof startProgressBar> | undefined }
  try {
    return replayJournal({
      ...options,
      onProgress(bytes, bytesInAll) {
        bar.current ??= startProgressBar(bytesInAll, 'bytes')
        bar.current.update(bytes, bytes)
      },
    })
  } finally {
    bar.current?.stop()
  }
}

/** Says on stderr that the first records are gone, where it was a snapshot that the replay began with. */
export function noteBeginning(snapshot: Replay['snapshot']): void {
  if (snapshot === undefined) return
  note(`the journal before ${grouped(snapshot.sequence)} is gone: began with the snapshot there`)
}

/** Says on stderr that the journal does not have `sequence` yet, where it ends before, at `last`. */
export function noteBeyond(sequence: number, last: number): void {
  if (sequence <= last) return
  note(`there is no sequence ${grouped(sequence)} yet: the journal ends at ${grouped(last)}`)
}

/** Says on stderr what the end of the journal was like, where it was not a clean one. */
export function noteEnd({ end, voids }: Pick<Replay, 'end' | 'voids'>): void {
  if (voids.size > 0) note(`void, and skipped: ${counted(voids.size, 'command')}`)
  const torn = end?.torn
  if (torn === undefined) return
  note(
    `the journal ends in a torn frame (${torn.file}, offset ${torn.offset}, ${torn.bytes} bytes), ` +
      'which was never acknowledged: the next start will cut it off',
  )
}
