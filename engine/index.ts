// The single writer's face. Pure: what it decides depends on the frames alone.

export { Engine, type EngineOptions } from './engine.ts'
export { EngineFault, type EngineFaultKind } from './fault.ts'
export type { Violation } from './invariants.ts'
export type { LedgerSums } from './ledgers.ts'
export type { OutcomeSink } from './outcome-writer.ts'
