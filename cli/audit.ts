// What a replayed state adds up to: the sums that GET /v1/audit shows, and the state digest.

import { createHash } from 'node:crypto'
import type { Engine } from '../engine/index.ts'
import { readI64, TURNOVER_UNIT, wordsOver } from '../protocol/index.ts'
import { table } from './output.ts'

/** One ledger's running sums. */
export interface LedgerSums {
  readonly ledger: number
  readonly accounts: number
  /** Posted in total, as a decimal string. */
  readonly turnover: string
  readonly held: number
}

/** The sums of a state, and its digests. */
export interface Audit {
  readonly sequence: number
  readonly digest: string
  /** First 16 bytes of SHA-256 over all rows in order of creation; see docs/formats.md. */
  readonly stateDigest: string
  readonly accounts: number
  readonly openReservations: number
  readonly ledgers: readonly LedgerSums[]
}

/** A state row's first word where it is a ledger, and where its numbers are; docs/formats.md. */
const LEDGER_ROW = { word: 2, ledger: 24, accounts: 32, held: 40, turnover: 48 } as const

/** The engine's sums, from one pass over its rows. */
export function auditOf(engine: Engine): Audit {
  const hash = createHash('sha256')
  const ledgers: LedgerSums[] = []
  engine.eachStateRow((row) => {
    hash.update(row)
    const sums = ledgerIn(row)
    if (sums !== undefined) ledgers.push(sums)
  })
  return {
    sequence: engine.sequence,
    digest: engine.digest,
    stateDigest: hash.digest('hex').slice(0, 32),
    accounts: engine.accountCount,
    openReservations: engine.openReservationCount,
    ledgers,
  }
}

function ledgerIn(row: Uint8Array): LedgerSums | undefined {
  const words = wordsOver(row.buffer as ArrayBuffer, row.byteOffset, row.byteLength)
  if (words.u32[0] !== LEDGER_ROW.word) return undefined
  const high = BigInt(readI64(words, LEDGER_ROW.turnover))
  const low = BigInt(readI64(words, LEDGER_ROW.turnover + 8))
  return {
    ledger: readI64(words, LEDGER_ROW.ledger),
    accounts: readI64(words, LEDGER_ROW.accounts),
    turnover: String(high * BigInt(TURNOVER_UNIT) + low),
    held: readI64(words, LEDGER_ROW.held),
  }
}

/** The ledgers as a table. */
export function ledgerTable(ledgers: readonly LedgerSums[]): string {
  const rows = ledgers.map(({ ledger, accounts, turnover, held }) => [
    String(ledger),
    accounts,
    Number(turnover),
    held,
  ])
  return table([['ledger', 'accounts', 'turnover', 'held'], ...rows])
}
