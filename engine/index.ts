// The single writer's face. Pure: what it decides depends on the frames alone.

export type { TableBytes } from './book.ts'
export {
  type AccountChange,
  type AccountRow,
  BookChanges,
  type ChangeCause,
  type FrameChanges,
  type ModuleRow,
  type StateRows,
} from './book-changes.ts'
export { Engine } from './engine.ts'
export type { EngineOptions } from './engine-options.ts'
export { EngineFault, type EngineFaultKind } from './fault.ts'
export type { Violation } from './invariants.ts'
export type { LedgerSums } from './ledgers.ts'
export type * from './module.ts'
export { checkModule } from './module-check.ts'
export { rulesIn } from './module-rules.ts'
export type { OutcomeSink } from './outcome-writer.ts'
export { ReservationList, type ReservationRow } from './reservation-list.ts'
export { grownFor, SlotPlaces } from './slot-places.ts'
