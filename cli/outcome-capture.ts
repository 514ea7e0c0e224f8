// What an engine says in a watched replay: every command's status and what it moved, and answers to
// queries. A sink without a ring; the outcome's layout is in protocol/outcomes.ts.

import type { Engine, OutcomeSink } from '../engine/index.ts'
import {
  allocateWords,
  KIND,
  OUTCOME,
  OUTCOME_BYTES_MAX,
  OUTCOME_FLAG,
  QUERY,
  RECORD,
  readF64,
  readReply,
  statusOf,
  type Words,
} from '../protocol/index.ts'

/** How one command was decided. */
export interface Decided {
  /** The record's token, and the sequence of the record that decided. */
  readonly token: number
  readonly sequence: number
  readonly code: string
  readonly moved: number
  readonly replayed: boolean
}

/** A sink and what came into it. */
export interface OutcomeCapture {
  readonly sink: OutcomeSink
  /** How the commands were decided since the last call, in order. */
  take(): Decided[]
}

/** A capture that has taken nothing. */
export function startCapture(): OutcomeCapture {
  let decided: Decided[] = []
  let isPending = false
  const takeOver = () => {
    // A moved test clock has an outcome too, and is no command.
    const isCommand = isPending && sink.words.u8[OUTCOME.kind] !== KIND.tick
    if (isCommand) decided.push(decidedIn(sink.words))
    isPending = false
  }
  const sink: OutcomeSink = {
    words: allocateWords(OUTCOME_BYTES_MAX),
    at: 0,
    claim() {
      // What was claimed before is filled by now; it need not be kept beyond this.
      takeOver()
      isPending = true
      return true
    },
  }
  return {
    sink,
    take() {
      takeOver()
      const taken = decided
      decided = []
      return taken
    },
  }
}

function decidedIn(words: Words): Decided {
  return {
    token: words.u32[OUTCOME.token >>> 2] as number,
    sequence: readF64(words, OUTCOME.sequence),
    // A module has codes of its own.
    code: readReply(words, 0)?.code ?? statusOf(words.u16[OUTCOME.status >>> 1] as number).code,
    moved: readF64(words, OUTCOME.moved),
    replayed: ((words.u8[OUTCOME.flags] as number) & OUTCOME_FLAG.replayed) !== 0,
  }
}

/** The engine's answer, at 0, to a query of `kind` about the account or reservation `id` (16 bytes). */
export function ask(engine: Engine, capture: OutcomeCapture, kind: number, id: Uint8Array): Words {
  capture.take()
  const query = allocateWords(QUERY.bytes)
  query.u8[RECORD.kind] = kind
  query.u8.set(id, RECORD.id)
  engine.answer(query, 0)
  return capture.sink.words
}
