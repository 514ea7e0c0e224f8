// One request that waits for one outcome: a command, a dry run, a query or a move of the test
// clock.

import type { Words } from '../protocol/index.ts'
import type { Exchange } from './http-response.ts'
import type { Waiter } from './pending.ts'
import { type Reply, refusalReply } from './problem.ts'

/** A waiter that answers `exchange` with what `build` makes of the outcome. */
export function singleWaiter(
  exchange: Exchange,
  build: (outcomes: Words, at: number) => Reply,
): Waiter {
  return {
    onOutcome(outcomes, at) {
      if (exchange.isOpen) exchange.reply(build(outcomes, at))
    },
    onLost() {
      exchange.reply(refusalReply('outcome_unknown', UNKNOWN))
    },
    onFault(error) {
      exchange.fail(error)
    },
  }
}

/** What is said where nobody knows whether a command took effect. */
export const UNKNOWN =
  'Whether it took effect is not known: send it again with the same id, which cannot do it twice.'
