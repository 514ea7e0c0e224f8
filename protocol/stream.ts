// The messages of the stream (`/v1/stream`): what goes over a WebSocket, beside the records and the
// outcomes that it carries as they are. docs/stream.md says the same for people.
//
// Each WebSocket message is binary and holds exactly one of these, little-endian:
//
//   0      1      2            4            8                    16
//   +------+------+------------+------------+--------------------+------------------------------ - -
//   | type | 0    | count      | bodyBytes  | 0                  | body: bodyBytes bytes
//   +------+------+------------+------------+--------------------+------------------------------ - -
//
//   client                                     server
//     |  <- welcome: version, window, limits      |   once, first
//     |  commands: records ->                     |   many in flight, up to the window
//     |  queries: records ->                      |   query kinds, and dry runs
//     |  <- outcomes: outcomes                    |   each with its record's token
//     |  names: slots of accounts ->              |
//     |  <- names: their spellings                |

import type { Words } from './words.ts'

/** The message's type; its first byte. */
export const MESSAGE = {
  /** Server: what it grants. The first message of every connection. */
  welcome: 1,
  /** Client: command records, back to back; a chain lies within one message. */
  commands: 2,
  /** Client: query records, and transfers and reserves with `FLAG.dryRun`. */
  queries: 3,
  /** Server: outcomes, back to back. Those of commands come in the order of the commands. */
  outcomes: 4,
  /** Client: u32 slots of accounts. Server: for each, its slot, id, and spelling. */
  names: 5,
} as const

/** Offsets in a message's head, in bytes. */
export const MESSAGE_HEAD = {
  /** u8: `MESSAGE`. */
  type: 0,
  /** u16: records, outcomes, or names in the body; 1 for the welcome. */
  count: 2,
  /** u32: bytes after the head; the WebSocket message is exactly so much longer than the head. */
  bodyBytes: 4,
  bytes: 16,
} as const

/** Offsets in the welcome's body. u32 where not said otherwise. */
export const WELCOME = {
  /** `STREAM_VERSION`. */
  version: 0,
  /** Most commands and queries of this connection that may be unanswered. */
  windowCommands: 4,
  /** Most bytes of their records. */
  windowBytes: 8,
  /** Longest message that the server takes, head included. */
  messageBytesMax: 12,
  /** Longest chain. */
  chainCommandsMax: 16,
  /** Most slots in one names message. */
  namesMax: 20,
  /** 16 bytes: which journal this is; account slots are good for as long as it is the same. */
  log: 24,
  /** f64: sequence that the engine had applied. */
  sequence: 40,
  /** f64: journal time in ms since 1970. */
  timeMs: 48,
  /** An outcome younger than so many ms of journal time is not forgotten; 4 bytes of zeros follow. */
  windowMs: 56,
  bytes: 64,
} as const

/** Offsets in one entry of the server's names; the spelling's UTF-8 follows, padded to 8 bytes. */
export const NAME_ENTRY = {
  /** u32: the account's slot. */
  slot: 0,
  /** u16: bytes of the spelling; 0 where the id is shown as a UUID or there is no such account. */
  spellingBytes: 4,
  /** u16: bytes of metadata as JSON after the spelling, within the same padding. */
  metadataBytes: 6,
  /** 16 bytes; zeros where there is no such account. */
  id: 8,
  bytes: 24,
} as const

/** Version of the messages. A client that knows another one says so and closes. */
export const STREAM_VERSION = 1

/** Longest message: a frame's worth, so that every chain that can be journaled fits. */
export const STREAM_MESSAGE_BYTES_MAX = 262_144

/** Slots in one names message. */
export const STREAM_NAMES_MAX = 1_024

/** Close codes (RFC 6455, section 7.4) with what they mean here. */
export const CLOSE = {
  /** The server shuts down: reconnect, and send what is unanswered again. */
  goingAway: 1001,
  /** The head, the type or a record is not what this page says: a client's defect. */
  protocolError: 1002,
  /** A text message. */
  unsupportedData: 1003,
  /** More in flight than the window, or a slow reader. */
  policyViolation: 1008,
  /** Longer than `messageBytesMax`. */
  tooBig: 1009,
  /** A fault of the server's own. */
  internalError: 1011,
} as const

/** Writes a message's head at byte `at` (a multiple of 8) of `words`. */
export function writeMessageHead(
  { u8, u16, u32 }: Words,
  at: number,
  type: number,
  count: number,
  bodyBytes: number,
): void {
  u32.fill(0, at >>> 2, (at + MESSAGE_HEAD.bytes) >>> 2)
  u8[at + MESSAGE_HEAD.type] = type
  u16[(at + MESSAGE_HEAD.count) >>> 1] = count
  u32[(at + MESSAGE_HEAD.bodyBytes) >>> 2] = bodyBytes
}
