// What a demonstration stands on: a directory of its own, a server on a free port, and the promise that
// all of it is gone afterwards, by Ctrl-C too. What is shown is not here.

import { setMaxListeners } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ServerProcess, startServerProcess } from '../../bench/server-process.ts'
import { CliError, EXIT } from '../exit-codes.ts'

/** Tables that are large enough for any demonstration, and made at once. */
const CAPACITIES: readonly string[] = [
  ['--accounts-max', '65536'],
  ['--reservations-max', '262144'],
  ['--groups-max', '4096'],
  ['--outcomes-max', '1048576'],
  ['--account-name-bytes-max', '8388608'],
].flat()

/** How long the server gets to end by itself, in ms; its data are thrown away anyhow. */
const END_MS = 5_000

/** Where a demonstration plays. */
export interface Stage {
  /** An empty directory, removed afterwards. */
  readonly directory: string
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  /** Has `undo` called at the end; the last that was given comes first. */
  defer(undo: () => unknown): void
}

/**
 * Plays `act` beside a server with new data; resolves or rejects when everything is gone again. Rejects
 * with `CliError` where a signal ended it.
 */
export async function onStage<T>(act: (stage: Stage) => Promise<T>): Promise<T> {
  const undos: (() => unknown)[] = []
  const interrupt = new AbortController()
  const onSignal = (): void => interrupt.abort()
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const { signal } = interrupt
  // Thousands may wait with it at once.
  setMaxListeners(0, signal)
  const interrupted = new Promise<never>((_, reject) => {
    const stopped = new CliError(EXIT.failed, 'stopped; what was started is ended and removed')
    signal.addEventListener('abort', () => reject(stopped))
  })
  const play = async (): Promise<T> => {
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-demo-'))
    undos.push(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }))
    const starting = startServerProcess(join(directory, 'data'), CAPACITIES, { isQuiet: true })
    undos.push(() => starting.then(end, () => {}))
    const { url } = await starting
    return act({ directory, url, signal, defer: (undo) => undos.push(undo) })
  }
  try {
    const played = play()
    // After a signal nobody waits for it any more.
    played.catch(() => {})
    return await Promise.race([played, interrupted])
  } finally {
    for (const undo of undos.reverse()) await undo()
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

/** Ends the server; one that hangs is killed. */
async function end(server: ServerProcess): Promise<void> {
  const given = new AbortController()
  const late = delay(END_MS, undefined, { signal: given.signal }).then(() => server.kill())
  await Promise.race([server.stop(), late.catch(() => {})])
  given.abort()
}
