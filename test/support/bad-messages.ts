// Messages of the stream that no server may take, and records with tails that no journal may hold.

import { FLAG, KIND, MESSAGE } from '../../protocol/index.ts'
import type { Command } from './commands.ts'
import {
  commandsMessage,
  message,
  namesMessage,
  queriesMessage,
  recordsOf,
  transfers,
} from './stream-client.ts'

/** The message with `bytes` written at `at`. */
function patched(whole: Buffer, at: number, ...bytes: number[]): Buffer {
  const copy = Buffer.from(whole)
  copy.set(bytes, at)
  return copy
}

const ONE = commandsMessage(transfers(1))
const LINKED = recordsOf(transfers(1).map((one) => ({ ...one, linked: true })))
const DRY = recordsOf(transfers(1).map((one) => ({ ...one, dryRun: true })))
const DRY_SETTLE = recordsOf([{ type: 'settle', id: 's', reservation: 'r', dryRun: true }])
const QUERY = queriesMessage([{ kind: KIND.queryAccount, id: 'acme' }])

/** Messages that no client may send, with what the close frame says of them. */
export const DEFECTS: readonly (readonly [string, Buffer, RegExp])[] = [
  ['nothing', Buffer.alloc(0), /head of 16 bytes/],
  ['half a head', ONE.subarray(0, 15), /head of 16 bytes/],
  ['no type', patched(ONE, 0, 0), /type 0/],
  ["the server's type", patched(ONE, 0, MESSAGE.outcomes), /type 4/],
  ['a type beyond', patched(ONE, 0, 255), /type 255/],
  ['a byte that is 0', patched(ONE, 1, 1), /are 0/],
  ['bytes that are 0', patched(ONE, 15, 1), /are 0/],
  ['too few bytes', ONE.subarray(0, -8), /announces/],
  ['too many bytes', Buffer.concat([ONE, Buffer.alloc(8)]), /announces/],
  ['a count of 0', message(MESSAGE.commands, 0, Buffer.alloc(0)), /at least one/],
  ['a count too low', message(MESSAGE.commands, 1, recordsOf(transfers(2))), /follow the last/],
  [
    'a count too high',
    message(MESSAGE.commands, 2, recordsOf(transfers(1))),
    /Record 1 is cut short/,
  ],
  ['an unknown kind', patched(ONE, 16, 99), /Record 0 is cut short/],
  ['a skip marker', patched(ONE, 16, KIND.skip), /Record 0 is cut short/],
  ['a tick', patched(ONE, 16, KIND.tick), /no command/],
  ['a configuration', message(MESSAGE.commands, 1, Buffer.alloc(112, KIND.configure)), /Record 0/],
  ['a query among commands', patched(QUERY, 0, MESSAGE.commands), /no command/],
  ['a dry run among commands', message(MESSAGE.commands, 1, DRY), /no command/],
  ['a tail beyond the end', patched(ONE, 18, 0, 4), /Record 0 is cut short/],
  ['a tail of odd length', patched(ONE, 18, 1), /Record 0 is cut short/],
  ['a chain without its end', message(MESSAGE.commands, 1, LINKED), /chain does not end/],
  ['a command among queries', patched(ONE, 0, MESSAGE.queries), /no query/],
  ['a dry settle', message(MESSAGE.queries, 1, DRY_SETTLE), /no query/],
  ['a linked dry run', patched(message(MESSAGE.queries, 1, DRY), 17, FLAG.dryRun | 1), /no query/],
  ['a query with a flag', patched(QUERY, 17, 1), /no query/],
  ['queries and more', message(MESSAGE.queries, 1, Buffer.alloc(40, QUERY.subarray(16))), /follow/],
  ['half a slot', message(MESSAGE.names, 1, Buffer.alloc(3)), /4 bytes/],
  ['too many slots', namesMessage(Array(1_025).fill(0)), /1024 slots/],
]

/** A record with this tail, whatever it says. */
function withTail(command: Command, tail: Buffer, metadataHash = 0): Buffer {
  const record = recordsOf([{ ...command, id: '0190b5a0-7c3e-7a10-8000-0123456789ab' }])
  record.writeUInt16LE(tail.length, 2)
  record.writeUInt32LE(metadataHash, 12)
  return Buffer.concat([record, tail])
}

function entry(tag: number, text: string | Buffer): Buffer {
  const bytes = Buffer.from(text as string)
  const padded = Buffer.alloc((bytes.length + 11) & ~7)
  padded.writeUInt8(tag)
  padded.writeUInt16LE(bytes.length, 2)
  padded.set(bytes, 4)
  return padded
}

const OPEN: Command = { type: 'open_account', id: '', ledger: 1 }
const TRANSFER = transfers(1)[0] as Command
/** Records whose tails nobody may write, with what is wrong with each. */
export const BAD_TAILS: readonly (readonly [string, Buffer])[] = [
  ['the name of another account', withTail(OPEN, entry(1, 'bank'))],
  ['no UTF-8', withTail(TRANSFER, entry(1, Buffer.from([0xff, 0xfe])))],
  ['a name that is too long', withTail(TRANSFER, entry(1, 'x'.repeat(257)))],
  ['an unknown tag', withTail(TRANSFER, entry(4, 'x'))],
  ['tags out of order', withTail(TRANSFER, Buffer.concat([entry(3, 'abcd'), entry(1, 'abcd')]))],
  ['an entry beyond the end', withTail(TRANSFER, Buffer.from([1, 0, 9, 0, 65, 65, 65, 65]))],
  ['nothing at all', withTail(TRANSFER, Buffer.alloc(8))],
  ['metadata of a transfer', withTail(TRANSFER, entry(2, '{"a":"b"}'))],
  ['metadata that is no JSON', withTail(OPEN, entry(2, '","x":"'))],
  ['metadata that is no object', withTail(OPEN, entry(2, '["a"]'))],
  ['a number in metadata', withTail(OPEN, entry(2, '{"a":1}'))],
  ['metadata with spaces', withTail(OPEN, entry(2, '{"a": "b"}'))],
  ['metadata with another hash', withTail(OPEN, entry(2, '{"a":"b"}'), 1)],
]
