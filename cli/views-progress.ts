// A bar for views that are being built: records of the journal that they hold, of those that it held when
// they began. On a terminal only.

import type { ViewsStatus } from '../views/index.ts'
import { type ProgressBar, startProgressBar } from './progress-bar.ts'

/** Records behind, from which on it is worth a bar. */
const BAR_RECORDS = 100_000

/** A bar that comes when it is needed and goes when it is not. */
export interface ViewsProgress {
  show(status: ViewsStatus | undefined): void
  stop(): void
}

/** No bar yet. */
export function showViewsProgress(): ViewsProgress {
  let bar: ProgressBar | undefined
  let from = 0
  return {
    show(status) {
      if (status === undefined || status.state === 'loading') return
      const { sequence, target } = status
      if (bar === undefined && target - sequence > BAR_RECORDS) {
        from = sequence
        bar = startProgressBar(target - from, 'records')
      }
      bar?.update(sequence - from, sequence - from)
      if (sequence < target) return
      bar?.stop()
      bar = undefined
    },
    stop() {
      bar?.stop()
      bar = undefined
    },
  }
}
