// The records that made something what it is: those that name an account or a reservation, found while
// the journal is replayed, each with how it was decided.

import {
  FRAME,
  ID_BYTES,
  isCommand,
  isNoId,
  KIND,
  RECORD,
  RESERVE,
  readI64,
  type Words,
} from '../protocol/index.ts'
import { forEachRecord } from '../runtime/index.ts'
import type { Decided, OutcomeCapture } from './outcome-capture.ts'
import { IDS_OF_KIND, type RecordJson, recordAsJson, type Spellings } from './record-json.ts'

/** A record and how it was decided; void ones say so, and the engine's own were not decided. */
export type HistoryEntry = RecordJson & {
  readonly code?: string
  readonly moved?: number
  readonly void?: true
}

/** Decides whether the record at `at` is of interest. */
export type Filter = (words: Words, at: number, sequence: number) => boolean

interface Pending {
  readonly json: RecordJson | undefined
  readonly isCommand: boolean
  readonly sequence: number
  readonly token: number
}

/** Follows a replay. Call `onFrame` with every frame before it is applied, and `end` after the last. */
export interface HistoryWalk {
  onFrame(words: Words): void
  end(): void
}

/** A walk that gives every record that `isWanted` to `visit`, in order, with its outcome. `commandNames`: see record-json.ts. */
export function walkHistory(
  capture: OutcomeCapture,
  spellings: Spellings,
  commandNames: ReadonlyMap<number, string>,
  isWanted: Filter,
  visit: (entry: HistoryEntry) => void,
): HistoryWalk {
  let pending: Pending[] = []
  const flush = () => {
    const outcomes = capture.take().values()
    let next = outcomes.next().value
    for (const entry of pending) {
      const outcome = next !== undefined && isOf(next, entry) ? next : undefined
      if (outcome !== undefined) next = outcomes.next().value
      if (entry.json !== undefined) visit(withOutcome(entry.json, entry.isCommand, outcome))
    }
    pending = []
  }
  return {
    onFrame(words) {
      flush()
      let sequence = readI64(words, FRAME.firstSequence)
      const timeMs = readI64(words, FRAME.timeMs)
      forEachRecord(words, 0, (at) => {
        spellings.learn(words, at)
        const json = isWanted(words, at, sequence)
          ? recordAsJson(words, at, sequence, timeMs, spellings, commandNames)
          : undefined
        const token = words.u32[(at + RECORD.token) >>> 2] as number
        const entry = { json, isCommand: isCommand(words.u8[at] as number), sequence, token }
        if (entry.isCommand || json !== undefined) pending.push(entry)
        sequence++
      })
    },
    end: flush,
  }
}

/** Whether the outcome is the record's: a void record and the engine's own have none. */
function isOf(outcome: Decided, { sequence, token }: Pending): boolean {
  return outcome.token === token && (outcome.replayed || outcome.sequence === sequence)
}

function withOutcome(
  json: RecordJson,
  isCommand: boolean,
  outcome: Decided | undefined,
): HistoryEntry {
  if (outcome === undefined) return isCommand ? { ...json, void: true } : json
  const { code, moved, replayed } = outcome
  return replayed ? { ...json, code, moved, replayed } : { ...json, code, moved }
}

/** Records that name the id at all, or a reservation or group that does. */
export function namesId(id: Uint8Array): Filter {
  const related = new Set([keyOf(id, 0)])
  return (words, at) => {
    const kind = words.u8[at] as number
    if (!isCommand(kind)) return false
    const own = keyOf(words.u8, at + RECORD.id)
    const named = Object.values(IDS_OF_KIND[kind] ?? {}).filter((to) => !isNoId(words, at + to))
    const isNamed = named.some((to) => related.has(keyOf(words.u8, at + to)))
    const isOwn = (kind === KIND.openAccount || kind === KIND.reserve) && related.has(own)
    if (kind === KIND.reserve && (isNamed || isOwn)) {
      related.add(own)
      if (!isNoId(words, at + RESERVE.group)) related.add(keyOf(words.u8, at + RESERVE.group))
    }
    return isNamed || isOwn
  }
}

function keyOf(bytes: Uint8Array, at: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, ID_BYTES).toString('latin1')
}
