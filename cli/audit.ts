// What a replayed state adds up to: the sums that GET /v1/audit shows, and the state digest.

import { createHash } from 'node:crypto'
import type { Engine, LedgerSums } from '../engine/index.ts'
import { table } from './output.ts'

/** Bytes of the state that are made at a time. */
const CHUNK_BYTES = 1_048_576

/** The sums of a state, and its digests. */
export interface Audit {
  readonly sequence: number
  readonly digest: string
  /** First 16 bytes of SHA-256 over the state's bytes; see docs/formats.md. */
  readonly stateDigest: string
  readonly accounts: number
  readonly openReservations: number
  readonly ledgers: readonly LedgerSums[]
}

/** The engine's sums and digests. */
export function auditOf(engine: Engine): Audit {
  return {
    sequence: engine.sequence,
    digest: engine.digest,
    stateDigest: stateDigestOf(engine),
    accounts: engine.accountCount,
    openReservations: engine.openReservationCount,
    ledgers: engine.ledgerSums(),
  }
}

/** The state digest, as 32 hexadecimal digits. Goes over the whole state. */
export function stateDigestOf(engine: Engine): string {
  const hash = createHash('sha256')
  for (const chunk of engine.exportState(CHUNK_BYTES)) hash.update(chunk)
  return hash.digest('hex').slice(0, 32)
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
