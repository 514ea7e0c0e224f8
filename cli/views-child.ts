// The views as a child of the server: what is started, and what is said when it ends for good.

import type { Cores } from '../runtime/index.ts'
import type { ViewsStatus } from '../views/index.ts'
import { EXIT } from './exit-codes.ts'
import { type ChildEars, type ChildHealth, type ChildPlan, HelperChild } from './helper-child.ts'
import type { ViewsSettings } from './views-run.ts'

const PLAN: ChildPlan = {
  title: "the views' process",
  entry: new URL('./views-process.js', import.meta.url),
  // What it stored last has to come to the disk; cut short, it is not believed after the next boot.
  endMs: 5_000,
  lastWords: {
    [EXIT.damage]:
      'THE VIEWS FOUND DAMAGE and are not kept any more: what they read or decided differs from what the ' +
      'journal says, or what they would be built from is gone. The server goes on without lists',
  },
}

/** How they are doing, from outside. */
export type ViewsHealth = ChildHealth<ViewsStatus>

/** See the head of this file. */
export class ViewsChild extends HelperChild<ViewsSettings, ViewsStatus> {
  /** Starts it; `cores` as in `HelperChild`. */
  constructor(settings: ViewsSettings, ears: ChildEars<ViewsStatus>, cores?: Cores) {
    super(PLAN, settings, ears, cores)
  }
}
