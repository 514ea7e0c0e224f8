// A bar with a rate, on a terminal only: elsewhere it writes nothing.

import { Presets, SingleBar } from 'cli-progress'
import { formatBytes, grouped } from './output.ts'

/** A bar on stderr. */
export interface ProgressBar {
  /** `done` out of the total, and what was counted so far. */
  update(done: number, counted: number): void
  stop(): void
}

const SILENT: ProgressBar = { update() {}, stop() {} }

/** A bar that ends at `total`, with a count beside it. Silent without a terminal. */
export function startProgressBar(
  total: number,
  unit: 'bytes' | 'commands' | 'records',
): ProgressBar {
  if (!process.stderr.isTTY || total <= 0) return SILENT
  const start = performance.now()
  const shown = unit === 'bytes' ? formatBytes : (count: number) => `${grouped(count)} ${unit}`
  const bar = new SingleBar(
    {
      format: `{bar} {percentage}%  {counted}  {rate}/s`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: false,
    },
    Presets.shades_grey,
  )
  bar.start(total, 0, { counted: shown(0), rate: shown(0) })
  return {
    update(done, counted) {
      const seconds = (performance.now() - start) / 1_000
      const rate = shown(Math.round(counted / seconds))
      bar.update(Math.min(done, total), { counted: shown(counted), rate })
    },
    stop: () => bar.stop(),
  }
}
