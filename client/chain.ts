// A chain as one block of records, or the finding that it is too large for any frame. Every other
// limit is the engine's to judge.

import {
  type AnyId,
  allocateWords,
  CHAIN_COMMANDS_MAX,
  CHAIN_OUTCOME_BYTES_MAX,
  type CommandFields,
  encodeCommand,
  FLAG,
  FRAME_PAYLOAD_BYTES_MAX,
  type IdCache,
  outcomeBytesMax,
  RECORD,
  RECORD_BYTES_MAX,
  TAIL_BYTES_MAX,
  type Words,
} from '../protocol/index.ts'

/** Records of a chain, all but the last flagged as linked. */
export interface Chain {
  readonly words: Words
  readonly bytes: number
}

/**
 * The records of commands that were checked; undefined where they or their outcomes take more room than
 * a chain may.
 */
export function encodeChain(
  kinds: readonly number[],
  commands: readonly CommandFields<AnyId>[],
  commandsMax: number,
  ids: IdCache,
): Chain | undefined {
  if (commands.length > Math.min(commandsMax, CHAIN_COMMANDS_MAX)) return undefined
  const words = allocateWords(
    Math.min(FRAME_PAYLOAD_BYTES_MAX, commands.length * (RECORD_BYTES_MAX + TAIL_BYTES_MAX)) +
      RECORD_BYTES_MAX +
      TAIL_BYTES_MAX,
  )
  let bytes = 0
  let outcomeBytes = 0
  for (const [i, command] of commands.entries()) {
    const kind = kinds[i] as number
    const at = bytes
    bytes += encodeCommand(words, at, kind, command, ids)
    outcomeBytes += outcomeBytesMax(kind, 0)
    if (bytes > FRAME_PAYLOAD_BYTES_MAX || outcomeBytes > CHAIN_OUTCOME_BYTES_MAX) return undefined
    if (i + 1 === commands.length) break
    words.u8[at + RECORD.flags] = (words.u8[at + RECORD.flags] as number) | FLAG.linked
  }
  return { words, bytes }
}
