// NDJSON to commands: lines of a stream with their numbers, in bounded memory, each checked for being
// a command whose fields are legal, by the gateway's own checks.

import type { Command } from '../client/index.ts'
import { commandTextFault } from '../gateway/index.ts'
import { BODY_BYTES_MAX, COMMAND_NAMES } from '../protocol/index.ts'
import { didYouMean } from './nearest.ts'

/** The longest line that is read: a quarter of what a request over HTTP may carry. */
const LINE_BYTES_MAX: number = BODY_BYTES_MAX / 4

/** One line that is a command. */
export interface CommandLine {
  readonly line: number
  readonly type: string
  readonly command: Command
}

/** One line that is none. */
export interface InvalidLine {
  readonly line: number
  readonly reason: string
}

/** What a chunk of the input held, and how many bytes of input that was. */
export interface LinesRead {
  readonly items: readonly (CommandLine | InvalidLine)[]
  readonly bytes: number
}

/** Whether the item is a line that cannot be sent. */
export function isInvalid(item: CommandLine | InvalidLine): item is InvalidLine {
  return 'reason' in item
}

const NEW_LINE = 10

/** The lines of `input`, chunk by chunk. Empty lines are passed over, but counted. */
export async function* readCommandLines(input: AsyncIterable<Buffer>): AsyncGenerator<LinesRead> {
  let rest: Buffer[] = []
  let restBytes = 0
  let line = 1
  for await (const chunk of input) {
    const items: (CommandLine | InvalidLine)[] = []
    let start = 0
    for (let end = chunk.indexOf(NEW_LINE); end >= 0; end = chunk.indexOf(NEW_LINE, start)) {
      const item = readLine(line++, rest, restBytes, chunk.subarray(start, end))
      if (item !== undefined) items.push(item)
      rest = []
      restBytes = 0
      start = end + 1
    }
    const left = chunk.subarray(start)
    restBytes += left.length
    if (restBytes <= LINE_BYTES_MAX) rest.push(left)
    else rest = []
    yield { items, bytes: chunk.length }
  }
  const last = readLine(line, rest, restBytes, Buffer.alloc(0))
  if (last !== undefined) yield { items: [last], bytes: 0 }
}

function readLine(
  line: number,
  rest: readonly Buffer[],
  restBytes: number,
  end: Buffer,
): CommandLine | InvalidLine | undefined {
  const bytes = restBytes + end.length
  if (bytes > LINE_BYTES_MAX) {
    return { line, reason: `${bytes} bytes long, ${LINE_BYTES_MAX} at most` }
  }
  const whole = rest.length === 0 ? end : Buffer.concat([...rest, end])
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: line !== 1 }).decode(whole).trim()
  } catch {
    return { line, reason: 'not UTF-8' }
  }
  return text === '' ? undefined : readCommand(line, text)
}

function readCommand(line: number, text: string): CommandLine | InvalidLine {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { line, reason: 'not JSON' }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { line, reason: 'not an object' }
  }
  if (!Object.hasOwn(value, 'type')) return { line, reason: 'has no type' }
  const { type } = value as { type: unknown }
  if (typeof type !== 'string') return { line, reason: 'its type is not a string' }
  if (!Object.hasOwn(COMMAND_NAMES, type)) {
    const shown = JSON.stringify(type.slice(0, 40))
    return { line, reason: `unknown type ${shown}${didYouMean(type, Object.keys(COMMAND_NAMES))}` }
  }
  const reason = commandTextFault(text, value)
  return reason === undefined ? { line, type, command: value as Command } : { line, reason }
}
