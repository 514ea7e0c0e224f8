// What is not certain yet of a chain that is being decided: its members' outcomes, and what the digest and
// the count of commands were before it.

import {
  allocateWords,
  CHAIN_OUTCOME_BYTES_MAX,
  copyWords,
  OUTCOME,
  RECORD,
  type Words,
} from '../protocol/index.ts'
import type { Book } from './book.ts'
import type { Chains } from './chains.ts'
import type { Decision } from './decision.ts'
import {
  type OutcomeDigest,
  type OutcomeSink,
  outcomeBytes,
  writeOutcome,
} from './outcome-writer.ts'

/** See the head of this file. One chain at a time. */
export class ChainBuffer {
  readonly #words = allocateWords(CHAIN_OUTCOME_BYTES_MAX)
  #bytes = 0
  #digestA = 0
  #digestB = 0
  #commandCount = 0
  #isOpen = false

  /** Before the first member's outcome is added. */
  begin(digest: OutcomeDigest, commandCount: number): void {
    this.#bytes = 0
    this.#digestA = digest.a
    this.#digestB = digest.b
    this.#commandCount = commandCount
    this.#isOpen = true
  }

  /** Keeps a member's outcome. */
  add(book: Book, decision: Decision, kind: number, token: number): void {
    writeOutcome(this.#words, this.#bytes, book, decision, kind, token)
    this.#bytes += outcomeBytes(decision)
  }

  /** The chain does not stand: puts the digest back, and gives back the count of commands before it. */
  discard(digest: OutcomeDigest, commandCount: number): number {
    // Where the first member failed, nothing was tentative.
    if (!this.#isOpen) return commandCount
    this.#isOpen = false
    digest.a = this.#digestA
    digest.b = this.#digestB
    return this.#commandCount
  }

  /** The chain stands. */
  commit(): void {
    this.#isOpen = false
  }

  /** Sends the outcomes of a chain that stands, whose records lie in `words`, on their way. */
  route(words: Words, chains: Chains, sink: OutcomeSink): void {
    const from = this.#words
    for (let place = 0, n = 0; place < this.#bytes; n++) {
      const bytes = from.u32[(place + OUTCOME.bytes) >>> 2] as number
      const gateway = words.u16[(chains.at(n) + RECORD.gateway) >>> 1] as number
      if (sink.claim(gateway, bytes)) copyWords(from, place, sink.words, sink.at, bytes)
      place += bytes
    }
  }
}
