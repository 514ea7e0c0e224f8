// `holdfast send`: commands from NDJSON to a server, in order, with totals by type and code.

import { createReadStream, statSync } from 'node:fs'
import { type BatchTarget, sendBatch } from '../batch-client.ts'
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

/** Commands in one request: enough to share a sync, few enough that an answer comes at once. */
const COMMANDS_A_BATCH = 512

/** Bytes of commands in one request. */
const BYTES_A_BATCH = 1_048_576

/** Codes of a full table: not a business answer, and nothing that waiting mends. */
const TABLE_FULL = /^(accounts|ledgers|reservations|groups)_full$/

interface Run {
  readonly target: BatchTarget
  readonly totals: Totals
  readonly bar: ProgressBar
  sent: number
  invalid: number
  full: number
}

/** Sends all that can be sent; 1 where a line was not valid or found a table full. */
export async function send(options: SendOptions): Promise<ExitCode> {
  const bytes = sizeOf(options.file)
  const input = options.file === '-' ? process.stdin : createReadStream(options.file)
  const run: Run = {
    target: {
      url: options.url,
      key: options.key,
      patienceMs: options.patienceMs,
    },
    totals: startTotals(),
    bar: startProgressBar(bytes, 'commands'),
    sent: 0,
    invalid: 0,
    full: 0,
  }
  const start = performance.now()
  try {
    await sendLines(run, input as AsyncIterable<Buffer>)
  } catch (error) {
    run.bar.stop()
    if (run.sent > 0) note(`answered before this: ${counted(run.sent, 'command')}`)
    throw error
  }
  run.bar.stop()
  report(run, options.json, (performance.now() - start) / 1_000)
  return run.invalid + run.full > 0 ? EXIT.failed : EXIT.fine
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
  let batchBytes = 0
  let readBytes = 0
  const flush = async () => {
    if (batch.length > 0) await sendOne(run, batch)
    batch = []
    batchBytes = 0
    run.bar.update(readBytes, run.sent)
  }
  for await (const { items, bytes } of readCommandLines(input)) {
    readBytes += bytes
    for (const item of items) {
      if (isInvalid(item)) {
        nameInvalid(run, item.line, item.reason)
        continue
      }
      if (batchBytes + item.bytes > BYTES_A_BATCH) await flush()
      batch.push(item)
      batchBytes += item.bytes + 1
      if (batch.length === COMMANDS_A_BATCH) await flush()
    }
  }
  await flush()
}

async function sendOne(run: Run, batch: readonly CommandLine[]): Promise<void> {
  const { results, refused } = await sendBatch(run.target, batch)
  for (const { command, result } of results) {
    run.totals.add(command, result)
    if (TABLE_FULL.test(result.code)) run.full++
  }
  for (const { command, reason } of refused) nameInvalid(run, command.line, reason)
  run.sent += results.length
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
