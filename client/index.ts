// The client's face: the interface, the client of a server's stream, and the same interface over a
// pipeline of this process for those who have one. Imports protocol/ alone.

export type { ModuleAsk, ModuleCodec } from './carrier.ts'
export { checkNames } from './checks.ts'
export { type ConnectOptions, connect } from './connect.ts'
export {
  HoldfastClosed,
  HoldfastFailed,
  HoldfastFull,
  HoldfastTimeout,
  HoldfastUnknown,
  HoldfastUnreachable,
} from './errors.ts'
export { checkOptions, Front } from './front.ts'
export type * from './holdfast.ts'
export { id, newId } from './new-id.ts'
export { PipelineCarrier } from './pipeline-carrier.ts'
