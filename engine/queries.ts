// Queries: answered between frames, as of the last one, and changing nothing.

import {
  FLAG,
  KIND,
  OUTCOME,
  OUTCOME_AUDIT,
  OUTCOME_LEDGER,
  RECORD,
  STATUS,
  type Words,
  writeF64,
} from '../protocol/index.ts'
import { decideDry, undoDryRun } from './commands.ts'
import { NONE } from './id-index.ts'
import {
  type OutcomeDigest,
  type OutcomeSink,
  outcomeBytes,
  writeHead,
  writeOutcome,
} from './outcome-writer.ts'
import { findReservation } from './resolve-commands.ts'
import { writer } from './writer.ts'

/** Answers the query, or the command with `dryRun`, at `at` of `words` into the sink. */
export function answerQuery(
  digest: OutcomeDigest,
  sink: OutcomeSink,
  words: Words,
  at: number,
  sequence: number,
  timeMs: number,
): void {
  const { core } = writer
  const kind = words.u8[at] as number
  const gateway = words.u16[(at + RECORD.gateway) >>> 1] as number
  const token = words.u32[(at + RECORD.token) >>> 2] as number
  core.nowMs = timeMs
  core.sequence = sequence
  core.decision.begin(sequence, timeMs)
  core.readHashes(words, at)
  if (kind === KIND.queryAudit) return answerAudit(digest, sink, gateway, token)
  const isDry = ((words.u8[at + RECORD.flags] as number) & FLAG.dryRun) !== 0
  core.decision.status = isDry ? decideDry(words, at) : look(words, at, kind)
  if (sink.claim(gateway, outcomeBytes(core.decision))) {
    writeOutcome(sink.words, sink.at, core.book, core.decision, kind, token)
  }
  if (isDry) undoDryRun()
}

function look(words: Words, at: number, kind: number): number {
  const { core } = writer
  const { book, decision } = core
  if (kind === KIND.queryAccount) {
    const slot = book.accounts.find(words, at + RECORD.id, core.ownHash)
    if (slot === NONE) return STATUS.account_not_found
    decision.show(slot)
    return STATUS.ok
  }
  if (kind === KIND.queryModule) return core.modules.query(words, at)
  if (kind !== KIND.queryReservation) return STATUS.malformed
  const slot = findReservation(words, at + RECORD.id, core.ownHash)
  if (slot === NONE) return STATUS.reservation_not_found
  decision.reservation = slot
  decision.showPair(book.reservations.debit(slot), book.reservations.credit(slot))
  return STATUS.ok
}

function answerAudit(
  digest: OutcomeDigest,
  sink: OutcomeSink,
  gateway: number,
  token: number,
): void {
  const { book, decision } = writer.core
  const { ledgers } = book
  const bytes = OUTCOME.head + OUTCOME_AUDIT.bytes + ledgers.count * OUTCOME_LEDGER.bytes
  if (!sink.claim(gateway, bytes)) return
  const { words, at } = sink
  writeHead(words, at, decision, KIND.queryAudit, token, bytes)
  words.u16[(at + OUTCOME.accounts) >>> 1] = ledgers.count
  const audit = at + OUTCOME.head
  words.i32[(audit + OUTCOME_AUDIT.digest) >>> 2] = digest.a
  words.i32[(audit + OUTCOME_AUDIT.digest + 4) >>> 2] = digest.b
  writeF64(words, audit + OUTCOME_AUDIT.accounts, book.accounts.count)
  writeF64(words, audit + OUTCOME_AUDIT.openReservations, book.reservations.open)
  writeF64(words, audit + 24, 0)
  for (let slot = 0; slot < ledgers.count; slot++) {
    const entry = audit + OUTCOME_AUDIT.bytes + slot * OUTCOME_LEDGER.bytes
    words.u32[entry >>> 2] = ledgers.numbers[slot] as number
    words.u32[(entry + 4) >>> 2] = 0
    writeF64(words, entry + OUTCOME_LEDGER.accounts, ledgers.accounts[slot] as number)
    writeF64(words, entry + OUTCOME_LEDGER.held, ledgers.held[slot] as number)
    writeF64(words, entry + OUTCOME_LEDGER.turnoverHigh, ledgers.turnoverHigh[slot] as number)
    writeF64(words, entry + OUTCOME_LEDGER.turnoverLow, ledgers.turnoverLow[slot] as number)
  }
}
