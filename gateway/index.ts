// The gateway's face: HTTP over a pipeline, and its JSON of outcomes for whoever shows the same
// things elsewhere. Imports protocol/ alone, and knows no thread, journal or engine.

export { KeysRequired } from './auth.ts'
export { idFaultWords } from './encode.ts'
export {
  type Gateway,
  type GatewayLog,
  type GatewayOptions,
  ListenFailed,
  startGateway,
} from './gateway.ts'
export {
  accountAt,
  accountMembers,
  accountName,
  auditJson,
  type ReservationView,
  reservationIn,
  reservationMembers,
} from './outcome-json.ts'
