// Reading a `configure` record: the capacities that a start brought into force.

import {
  type Capacities,
  CONFIGURE,
  RULES_VERSION,
  readI64,
  type Words,
} from '../protocol/index.ts'
import type { Book } from './book.ts'
import { EngineFault } from './fault.ts'

/** The capacities of the record at `at`. Throws where this engine cannot decide under them. */
export function readConfiguration(
  words: Words,
  at: number,
  sequence: number,
  book: Book,
): Capacities {
  const rules = readI64(words, at + CONFIGURE.rulesVersion)
  if (rules !== RULES_VERSION) {
    throw new EngineFault(
      'rules',
      sequence,
      `the journal was decided by version ${rules} of the rules, this build has version ${RULES_VERSION}: replay it with the build that wrote it`,
    )
  }
  const capacities: Capacities = {
    accountsMax: readI64(words, at + CONFIGURE.accountsMax),
    ledgersMax: readI64(words, at + CONFIGURE.ledgersMax),
    reservationsMax: readI64(words, at + CONFIGURE.reservationsMax),
    groupsMax: readI64(words, at + CONFIGURE.groupsMax),
    outcomesMax: readI64(words, at + CONFIGURE.outcomesMax),
    accountNameBytesMax: readI64(words, at + CONFIGURE.accountNameBytesMax),
    windowMs: readI64(words, at + CONFIGURE.windowMs),
    retentionMs: readI64(words, at + CONFIGURE.retentionMs),
    moduleReplyBytesMax: readI64(words, at + CONFIGURE.moduleReplyBytesMax),
  }
  const short = book.capacityBelow(capacities)
  if (short !== undefined) {
    throw new EngineFault(
      'capacity',
      sequence,
      `the tables are smaller than the journal's ${short}`,
    )
  }
  if (capacities.windowMs < 1) throw new EngineFault('invariant', sequence, 'a window of no time')
  return capacities
}
