// What was decided of one command, before it becomes an outcome. One object, filled anew for each.

import { GROUP_RESERVATIONS_MAX, MODULE_REPLY_BYTES_MAX } from '../protocol/index.ts'

/** No row. */
const NOBODY = -1

/** See the head of this file. */
export class Decision {
  status = 0
  isReplay = false
  moved = 0
  /** Of the record that decided: the first one's for a replay. */
  sequence = 0
  timeMs = 0
  /** Slot of the reservation to show, or -1. */
  reservation = NOBODY
  /** Reservations that a group's command resolved. */
  reservations = 0
  /** Slots of the accounts to show, in order. */
  readonly accounts = new Int32Array(2 * GROUP_RESERVATIONS_MAX)
  accountCount = 0
  /** A module's reply as JSON text, and its bytes; 0 where there is none. */
  readonly reply = new Uint8Array(MODULE_REPLY_BYTES_MAX)
  replyBytes = 0
  /** What the guards of transfer and reserve found. */
  debit = NOBODY
  credit = NOBODY
  taken = 0

  /** Starts a command. */
  begin(sequence: number, timeMs: number): void {
    this.status = 0
    this.isReplay = false
    this.moved = 0
    this.sequence = sequence
    this.timeMs = timeMs
    this.reservation = NOBODY
    this.reservations = 0
    this.accountCount = 0
    this.replyBytes = 0
    this.debit = NOBODY
    this.credit = NOBODY
    this.taken = 0
  }

  /** Shows one account. */
  show(account: number): void {
    this.accounts[this.accountCount++] = account
  }

  /** Shows a debit and a credit account. */
  showPair(debit: number, credit: number): void {
    this.show(debit)
    this.show(credit)
  }
}
