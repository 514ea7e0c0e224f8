// `holdfast send`: commands from NDJSON to a server over its stream, in order, with totals by type and
// code.

import { createReadStream, statSync } from 'node:fs'
import { connect, type Holdfast, HoldfastTimeout, HoldfastUnreachable } from '../../client/index.ts'
import { NOT_NOW, STATUS } from '../../protocol/index.ts'
import { type CommandLine, isInvalid, readCommandLines } from '../command-lines.ts'
import { CliError, EXIT, type ExitCode } from '../exit-codes.ts'
import { counted, grouped, note, print, printJson } from '../output.ts'
import { type ProgressBar, startProgressBar } from '../progress-bar.ts'
import { formatTotals, startTotals, type Totals, totalsAsJson } from '../send-totals.ts'

/** What `send` is asked for. */
export interface SendOptions {
  /** A file's name, or `-` for standard input. */
  readonly file: string
  /** The server's address, without a slash at its end. */
  readonly url: string
  readonly key: string | undefined
  /** How long to go on while the server has no room, in ms. */
  readonly patienceMs: number
  readonly json: boolean
}

/** Commands on their way at once: enough to share a sync, few enough that an answer comes soon. */
const COMMANDS_A_BATCH = 2_048

/** How long to try to connect at least, in ms; a server that is not there is known at once. */
const CONNECT_MS = 5_000

/** How much longer than for room a batch waits for its answers, in ms. */
const ANSWER_MS = 30_000

/** Codes of a full table: not a business answer, and nothing that waiting mends. */
const TABLE_FULL = /^(accounts|ledgers|reservations|groups)_full$/

interface Run {
  readonly url: string
  readonly holdfast: Holdfast
  readonly totals: Totals
  readonly bar: ProgressBar
  sent: number
  invalid: number
  full: number
}

/** Sends all that can be sent; 1 where a line was not valid or found a table full. */
export async function send(options: SendOptions): Promise<ExitCode> {
  const { file, url, json } = options
  const bytes = sizeOf(file)
  const holdfast = await connectTo(options)
  const input = file === '-' ? process.stdin : createReadStream(file)
  const bar = startProgressBar(bytes, 'commands')
  const run: Run = { url, holdfast, totals: startTotals(), bar, sent: 0, invalid: 0, full: 0 }
  const start = performance.now()
  try {
    await sendLines(run, input as AsyncIterable<Buffer>)
  } catch (error) {
    bar.stop()
    if (run.sent > 0) note(`answered before this: ${counted(run.sent, 'command')}`)
    throw cliError(url, error)
  } finally {
    await holdfast.close()
  }
  bar.stop()
  report(run, json, (performance.now() - start) / 1_000)
  return run.invalid + run.full > 0 ? EXIT.failed : EXIT.fine
}

/** A client that does not connect again: whether to go on after a loss is for people to say. */
async function connectTo({ url, key, patienceMs }: SendOptions): Promise<Holdfast> {
  try {
    return await connect(url, {
      ...(key === undefined ? undefined : { key }),
      reconnect: false,
      connectTimeoutMs: Math.max(patienceMs, CONNECT_MS),
      retryMs: patienceMs,
      timeoutMs: patienceMs + ANSWER_MS,
    })
  } catch (error) {
    throw cliError(url, error)
  }
}

function cliError(url: string, error: unknown): unknown {
  if (error instanceof HoldfastTimeout) return new CliError(EXIT.failed, `${url}: ${error.message}`)
  if (!(error instanceof HoldfastUnreachable)) return error
  if (error.reason === 'ECONNREFUSED') {
    return new CliError(EXIT.failed, `nothing listens at ${url}: start it, or name --url`)
  }
  if (error.reason === 'unauthorized') {
    const hint = 'name the key with --key or HOLDFAST_KEYS'
    return new CliError(EXIT.failed, `${url} answered 401 unauthorized; ${hint}`)
  }
  return new CliError(EXIT.failed, error.message)
}

function sizeOf(file: string): number {
  if (file === '-') return 0
  try {
    const stat = statSync(file)
    if (!stat.isDirectory()) return stat.size
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new CliError(EXIT.failed, `${file} cannot be read (${code})`)
  }
  throw new CliError(EXIT.failed, `${file} is a directory`)
}

async function sendLines(run: Run, input: AsyncIterable<Buffer>): Promise<void> {
  let batch: CommandLine[] = []
  let readBytes = 0
  const flush = async () => {
    if (batch.length > 0) await sendBatch(run, batch)
    batch = []
    run.bar.update(readBytes, run.sent)
  }
  for await (const { items, bytes } of readCommandLines(input)) {
    readBytes += bytes
    for (const item of items) {
      if (isInvalid(item)) {
        nameInvalid(run, item.line, item.reason)
        continue
      }
      batch.push(item)
      if (batch.length === COMMANDS_A_BATCH) await flush()
    }
  }
  await flush()
}

/** One batch at a time: what is refused for now is sent again before what comes after it. */
async function sendBatch(run: Run, batch: readonly CommandLine[]): Promise<void> {
  const results = await run.holdfast.submit(batch.map(({ command }) => command))
  let gaveUp: string | undefined
  for (const [i, result] of results.entries()) {
    // The client has retried it for as long as there was patience.
    if (NOT_NOW.has(STATUS[result.code])) {
      gaveUp = result.code
      continue
    }
    run.totals.add(batch[i] as CommandLine, result)
    run.sent++
    if (TABLE_FULL.test(result.code)) run.full++
  }
  if (gaveUp !== undefined) {
    throw new CliError(EXIT.failed, `${run.url}: gave up after waiting for room: ${gaveUp}`)
  }
}

function nameInvalid(run: Run, line: number, reason: string): void {
  run.invalid++
  note(`line ${line}: ${reason}`)
}

function report(run: Run, json: boolean, seconds: number): void {
  const totals = run.totals.list()
  const rate = Math.round(run.sent / Math.max(seconds, 0.001))
  if (json) {
    printJson({
      commands: run.sent,
      invalid: run.invalid,
      seconds: Number(seconds.toFixed(3)),
      commandsPerSecond: rate,
      totals: totalsAsJson(totals),
    })
    return
  }
  if (totals.length > 0) print(`${formatTotals(totals)}\n`)
  const time = `${seconds.toFixed(2)} s, ${grouped(rate)} commands/s`
  print(`${counted(run.sent, 'command')} in ${time}`)
  if (run.invalid > 0) note(`not valid, and not sent: ${counted(run.invalid, 'line')}`)
  if (run.full > 0) {
    const full = counted(run.full, 'command')
    note(`refused for a full table: ${full}; raise its capacity`)
  }
}
