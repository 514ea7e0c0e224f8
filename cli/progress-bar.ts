// A bar with a rate, on a terminal only: elsewhere it writes nothing.

import { Presets, SingleBar } from 'cli-progress'

/** A bar on stderr. */
export interface ProgressBar {
  /** `done` out of the total, and what was counted so far. */
  update(done: number, counted: number): void
  stop(): void
}

const SILENT: ProgressBar = { update() {}, stop() {} }

/** A bar that ends at `total`; `unit` is what is counted beside it. Silent without a terminal. */
export function startProgressBar(total: number, unit: string): ProgressBar {
  if (!process.stderr.isTTY || total <= 0) return SILENT
  const start = performance.now()
  const bar = new SingleBar(
    {
      format: `{bar} {percentage}%  {counted} ${unit}  {rate}/s`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: false,
    },
    Presets.shades_grey,
  )
  bar.start(total, 0, { counted: 0, rate: 0 })
  return {
    update(done, counted) {
      const seconds = (performance.now() - start) / 1_000
      bar.update(Math.min(done, total), { counted, rate: Math.round(counted / seconds) })
    },
    stop: () => bar.stop(),
  }
}
