// How the model decides commands on reservations and groups, and how reservations expire.

import {
  AMOUNT_MAX,
  GROUP_RESERVATIONS_MAX,
  LEDGER_HELD_MAX,
  type StatusCode,
  TIME_MS_MAX,
  TIMEOUT_MS_MAX,
} from '../../protocol/index.ts'
import type { Command } from './commands.ts'
import {
  type Circumstances,
  type Decision,
  lacks,
  overflows,
  refuseMove,
  takenFrom,
} from './model-accounts.ts'
import { makeRoomForReservations } from './model-memory.ts'
import {
  accountOf,
  found,
  ledgerOf,
  type ModelReservation,
  type ModelState,
} from './model-state.ts'

const ALREADY: Record<string, StatusCode> = {
  settled: 'already_settled',
  released: 'already_released',
  expired: 'already_expired',
}

export function reserve(state: ModelState, command: Command, at: Circumstances): Decision {
  const group = command.group === '' ? undefined : command.group
  const members = group === undefined ? undefined : state.groups.get(group)
  const first = members?.[0]
  const groupLedger = first === undefined ? undefined : reservationOf(state, first).ledger
  const refused = refuseMove(state, command, groupLedger)
  const ids = [command.debit ?? '', command.credit ?? '']
  if (refused !== undefined) {
    return { code: refused, accounts: refused === 'account_frozen' ? ids : [] }
  }
  const debit = accountOf(state, ids[0] as string)
  const taken = takenFrom(debit, command)
  const timeoutMs = command.timeoutMs ?? 0
  if (taken <= 0 || lacks(debit, taken)) return { code: 'insufficient_funds', accounts: ids }
  if (cannotHold(state, ids, taken) || at.timeMs + timeoutMs > TIME_MS_MAX) {
    return { code: 'overflow', accounts: ids }
  }
  if (members !== undefined && members.length >= GROUP_RESERVATIONS_MAX) {
    return { code: 'group_full' }
  }
  const isNewGroup = group !== undefined && members === undefined
  if (isNewGroup && state.groups.size >= at.capacities.groupsMax) return { code: 'groups_full' }
  // A chain has made room before its first member.
  const full = command.place === undefined ? makeRoomForReservations(state, 1, at) : undefined
  if (full !== undefined) return { code: full }

  state.reservations.set(command.id, {
    reserved: command,
    sequence: at.sequence,
    timeMs: at.timeMs,
    moved: taken,
    debit: ids[0] as string,
    credit: ids[1] as string,
    ledger: debit.opened.ledger ?? 0,
    state: 'held',
    amount: taken,
    settled: 0,
    released: 0,
    remaining: taken,
    expiresAt: timeoutMs === 0 ? 0 : at.timeMs + timeoutMs,
    closedAtMs: 0,
  })
  hold(state, reservationOf(state, command.id), taken)
  if (group !== undefined) state.groups.set(group, [...(members ?? []), command.id])
  return { code: 'ok', moved: taken, accounts: ids, reservation: command.id }
}

export function settle(state: ModelState, command: Command, at: Circumstances): Decision {
  const id = command.reservation ?? ''
  const refused = refuseResolve(state, id)
  if (refused !== undefined) return refused
  const row = reservationOf(state, id)
  const debit = accountOf(state, row.debit)
  const credit = accountOf(state, row.credit)
  const accounts = [row.debit, row.credit]
  const amount = command.amount ?? row.remaining
  const over = amount - row.remaining
  if (over > 0) {
    if (row.reserved.allowOver !== true) {
      return { code: 'exceeds_reservation', accounts, reservation: id }
    }
    if (debit.frozen) return { code: 'account_frozen', accounts }
    if (lacks(debit, over)) return { code: 'insufficient_funds', accounts }
    if (overflows(debit, credit, over)) return { code: 'overflow', accounts }
  }

  post(state, row, amount)
  if ((command.final ?? true) || row.remaining === 0) {
    giveBack(state, row, row.remaining)
    end(state, id, 'settled', at.timeMs)
  }
  return { code: 'ok', moved: amount, accounts, reservation: id }
}

export function release(state: ModelState, command: Command, at: Circumstances): Decision {
  const id = command.reservation ?? ''
  const refused = refuseResolve(state, id)
  if (refused !== undefined) return refused
  const row = reservationOf(state, id)
  const accounts = [row.debit, row.credit]
  const amount = command.amount ?? row.remaining
  if (amount > row.remaining) return { code: 'exceeds_reservation', accounts, reservation: id }

  giveBack(state, row, amount)
  if (row.remaining === 0) end(state, id, 'released', at.timeMs)
  return { code: 'ok', moved: amount, accounts, reservation: id }
}

export function extend(state: ModelState, command: Command, at: Circumstances): Decision {
  const id = command.reservation ?? ''
  const refused = refuseResolve(state, id)
  if (refused !== undefined) return refused
  const row = reservationOf(state, id)
  const accounts = [row.debit, row.credit]
  const debit = accountOf(state, row.debit)
  const amount = command.amount ?? 0
  const timeoutMs = command.timeoutMs ?? 0
  const until = row.expiresAt + timeoutMs
  if (timeoutMs > 0 && row.expiresAt === 0) return { code: 'no_timeout' }
  if (amount > 0 && debit.frozen) return { code: 'account_frozen', accounts }
  if (lacks(debit, amount)) return { code: 'insufficient_funds', accounts }
  if (cannotHold(state, accounts, amount)) return { code: 'overflow', accounts }
  if (row.amount + amount > AMOUNT_MAX) return { code: 'overflow', accounts }
  if (timeoutMs > 0 && (until > at.timeMs + TIMEOUT_MS_MAX || until > TIME_MS_MAX)) {
    return { code: 'overflow', accounts }
  }

  row.amount += amount
  row.remaining += amount
  row.expiresAt = until
  hold(state, row, amount)
  return { code: 'ok', moved: amount, accounts, reservation: id }
}

export function resolveGroup(state: ModelState, command: Command, at: Circumstances): Decision {
  const members = state.groups.get(command.group ?? '')
  if (members === undefined) return { code: 'group_not_found' }

  const accounts = new Set<string>()
  let moved = 0
  for (const id of members) {
    const row = reservationOf(state, id)
    accounts.add(row.debit).add(row.credit)
    moved += row.remaining
    if (command.type === 'settle_group') post(state, row, row.remaining)
    else giveBack(state, row, row.remaining)
    end(state, id, command.type === 'settle_group' ? 'settled' : 'released', at.timeMs)
  }
  return { code: 'ok', moved, accounts: [...accounts], resolved: members.length }
}

/** What one reservation gave back when its time ran out. */
export interface Expiry {
  readonly row: ModelReservation
  readonly amount: number
}

/** Expires what is due at `timeMs` in order of time, then creation; `onExpiry` follows each. */
export function expireDue(
  state: ModelState,
  timeMs: number,
  onExpiry: (expiry: Expiry) => void,
): void {
  const due = [...state.reservations]
    .filter(([, row]) => row.state === 'held' && row.expiresAt > 0 && row.expiresAt <= timeMs)
    .sort(([, x], [, y]) => x.expiresAt - y.expiresAt || x.sequence - y.sequence)
  for (const [id, row] of due) {
    const amount = row.remaining
    giveBack(state, row, amount)
    end(state, id, 'expired', timeMs)
    onExpiry({ row, amount })
  }
}

function reservationOf(state: ModelState, id: string): ModelReservation {
  return found(state.reservations.get(id), id)
}

/** Whether holding `amount` more from the first account for the second would pass a limit. */
function cannotHold(state: ModelState, ids: readonly string[], amount: number): boolean {
  const debit = accountOf(state, ids[0] as string)
  const credit = accountOf(state, ids[1] as string)
  const ledger = ledgerOf(state, debit.opened.ledger ?? 0)
  return (
    overflows(debit, credit, amount) ||
    debit.held + amount > AMOUNT_MAX ||
    ledger.held + amount > LEDGER_HELD_MAX
  )
}

function refuseResolve(state: ModelState, id: string): Decision | undefined {
  const row = state.reservations.get(id)
  if (row === undefined) return { code: 'reservation_not_found' }
  if (row.state === 'held') return undefined
  return { code: found(ALREADY[row.state], row.state), reservation: id }
}

function hold(state: ModelState, row: ModelReservation, amount: number): void {
  accountOf(state, row.debit).held += amount
  accountOf(state, row.credit).incoming += amount
  ledgerOf(state, row.ledger).held += amount
}

function giveBack(state: ModelState, row: ModelReservation, amount: number): void {
  hold(state, row, -amount)
  row.released += amount
  row.remaining -= amount
}

/** Posts `amount`, of which what is reserved is no longer held. */
function post(state: ModelState, row: ModelReservation, amount: number): void {
  const ofReserved = Math.min(amount, row.remaining)
  hold(state, row, -ofReserved)
  row.remaining -= ofReserved
  row.settled += amount
  accountOf(state, row.debit).balance -= amount
  accountOf(state, row.credit).balance += amount
  ledgerOf(state, row.ledger).turnover += BigInt(amount)
}

function end(state: ModelState, id: string, how: ModelReservation['state'], timeMs: number): void {
  const row = reservationOf(state, id)
  row.state = how
  row.closedAtMs = timeMs
  state.ended.push(id)
  const group = row.reserved.group
  if (group === undefined || group === '') return
  const left = found(state.groups.get(group), group).filter((member) => member !== id)
  if (left.length === 0) state.groups.delete(group)
  else state.groups.set(group, left)
}
