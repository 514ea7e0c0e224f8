// What every benchmark gives back: figures, and the conditions without which they mean nothing.

import { cpus, totalmem } from 'node:os'

/** One benchmark's result; the JSON of `holdfast bench NAME --json`. */
export interface BenchResult {
  readonly name: string
  /** The median of `rounds`. */
  readonly commandsPerSecond: number
  /** Commands per second of each round, in the order they ran. */
  readonly rounds: number[]
  readonly conditions: Record<string, string | number>
  readonly figures?: Record<string, number>
}

/** The machine's part of the conditions. */
export function machineConditions(): Record<string, string | number> {
  const processors = cpus()
  return {
    processor: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
  }
}

/** The middle one of the sorted values; the lower of two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[(sorted.length - 1) >> 1] ?? 0
}
