// The gateway's face: HTTP and streams over a pipeline, and its JSON of outcomes for whoever shows
// the same things elsewhere. Imports protocol/ alone, and knows no thread, journal or engine.

export { KeysRequired, requireKeys } from './auth.ts'
export { commandTextFault } from './command-text.ts'
export {
  type Gateway,
  type GatewayLog,
  type GatewayOptions,
  ListenFailed,
  startGateway,
} from './gateway.ts'
export {
  accountMembers,
  accountName,
  auditJson,
  reservationMembers,
} from './outcome-json.ts'
export { type FollowerFigures, NO_FOLLOWER, NO_VIEWS, type ViewsFigures } from './status-page.ts'
