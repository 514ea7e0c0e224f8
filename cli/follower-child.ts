// The follower as a child of the server: what is started, and what is said when it ends for good.

import type { FollowerStatus } from '../follower/index.ts'
import type { Cores } from '../runtime/index.ts'
import { EXIT } from './exit-codes.ts'
import type { FollowerSettings } from './follower-run.ts'
import { type ChildEars, type ChildHealth, type ChildPlan, HelperChild } from './helper-child.ts'

const PLAN: ChildPlan = {
  title: 'the follower',
  entry: new URL('./follower-process.js', import.meta.url),
  endMs: 500,
  lastWords: {
    [EXIT.damage]:
      'THE FOLLOWER FOUND DAMAGE and is not started again: what it read or decided differs from what the ' +
      'journal says. The server goes on; run `holdfast verify` on a copy at once',
  },
}

/** How it is doing, from outside. */
export type FollowerHealth = ChildHealth<FollowerStatus>

/** See the head of this file. */
export class FollowerChild extends HelperChild<FollowerSettings, FollowerStatus> {
  /** Starts it; `cores` as in `HelperChild`. */
  constructor(settings: FollowerSettings, ears: ChildEars<FollowerStatus>, cores?: Cores) {
    super(PLAN, settings, ears, cores)
  }
}
