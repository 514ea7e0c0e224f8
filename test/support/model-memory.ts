// What the model remembers and when it forgets: outcomes by order of decision, ended reservations
// by order of their end.

import type { Capacities, StatusCode } from '../../protocol/index.ts'
import { type Command, timeOfId } from './commands.ts'
import type { Circumstances, Decision } from './model-accounts.ts'
import { found, type ModelRow, type ModelState } from './model-state.ts'

/** A first outcome, wherever it is kept. */
export type First = Omit<ModelRow, 'chain'>

/** Steps that each command does before it is decided, of outcomes and of ended reservations. */
const STEPS = 2

/** Forgets what is older than the retention, a little with every command. */
export function forgetAged(state: ModelState, timeMs: number, capacities: Capacities): void {
  const before = timeMs - capacities.retentionMs
  for (let step = 0; step < STEPS; step++) {
    const row = oldestRow(state)
    if (row !== undefined && row.timeMs <= before) forgetRows(state)
  }
  for (let step = 0; step < STEPS; step++) {
    const id = state.ended[0]
    if (id === undefined) continue
    if (found(state.reservations.get(id), id).closedAtMs <= before) forgetReservation(state)
  }
}

/** Forgets outcomes older than the window until `count` more fit; whether they do. */
export function makeRoomForRows(
  state: ModelState,
  count: number,
  timeMs: number,
  capacities: Capacities,
): boolean {
  if (count === 0) return true
  while (state.rows.size + count > capacities.outcomesMax) {
    const row = oldestRow(state)
    if (row === undefined || row.timeMs > timeMs - capacities.windowMs) return false
    forgetRows(state)
  }
  return true
}

/** Forgets ended reservations older than the window until `count` more fit; why they do not. */
export function makeRoomForReservations(
  state: ModelState,
  count: number,
  at: Circumstances,
): StatusCode | undefined {
  while (count > 0 && state.reservations.size + count > at.capacities.reservationsMax) {
    const id = state.ended[0]
    if (id === undefined) return 'reservations_full'
    const { closedAtMs } = found(state.reservations.get(id), id)
    if (closedAtMs > at.timeMs - at.capacities.windowMs) return 'overloaded'
    forgetReservation(state)
  }
  return undefined
}

/** Why the UUIDv7 of a new command cannot be taken. */
export function refuseIdTime(
  state: ModelState,
  command: Command,
  timeMs: number,
  capacities: Capacities,
): StatusCode | undefined {
  const idMs = command.type === 'open_account' ? undefined : timeOfId(command.id)
  if (idMs === undefined) return undefined
  if (idMs > timeMs + capacities.windowMs / 2) return 'id_in_future'
  return idMs <= state.forgottenIdMs ? 'id_too_old' : undefined
}

/** Forgets the reservation that ended first. */
export function forgetReservation(state: ModelState): void {
  const id = found(state.ended.shift(), 'ended reservation')
  state.reservations.delete(id)
  noteForgotten(state, id)
}

/** What was first decided under the command's id, if that is still known. */
export function firstOf(state: ModelState, command: Command): First | undefined {
  if (command.type === 'open_account') {
    const account = state.accounts.get(command.id)
    return account && { ...account, command: account.opened, code: 'ok', moved: 0 }
  }
  const row = state.rows.get(command.id)
  if (row !== undefined) return row
  const reservation = state.reservations.get(command.id)
  return reservation && { ...reservation, command: reservation.reserved, code: 'ok' }
}

/** What a repeated command's outcome shows where its first was `ok`. */
export function resourceOf(state: ModelState, command: Command): Partial<Decision> {
  switch (command.type) {
    case 'open_account':
      return { accounts: [command.id] }
    case 'set_credit_limit':
    case 'freeze_account':
    case 'unfreeze_account':
    case 'close_account':
      return { accounts: [command.account ?? ''] }
    case 'reserve':
    case 'settle':
    case 'release':
    case 'extend': {
      const id = command.type === 'reserve' ? command.id : (command.reservation ?? '')
      const row = state.reservations.get(id)
      return row === undefined ? {} : { accounts: [row.debit, row.credit], reservation: id }
    }
    default:
      return {}
  }
}

function oldestRow(state: ModelState): ModelRow | undefined {
  return state.rows.values().next().value
}

/** Forgets the oldest row, with all rows of its chain. */
function forgetRows(state: ModelState): void {
  const oldest = found(oldestRow(state), 'row')
  for (const [id, row] of state.rows) {
    if (row.chain !== oldest.chain) continue
    state.rows.delete(id)
    noteForgotten(state, id)
  }
}

function noteForgotten(state: ModelState, id: string): void {
  const idMs = timeOfId(id)
  if (idMs !== undefined) state.forgottenIdMs = Math.max(state.forgottenIdMs, idMs)
}
