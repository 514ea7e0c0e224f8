// Commands and outcomes as plain objects: what the model decides on, what the tables spell and what
// frames.ts turns into bytes. Knows no layout.

import type { Capacities, CommandName, StatusCode } from '../../protocol/index.ts'

/**
 * A command with the fields of its type; the rest is absent. Absent numbers are 0, except that a
 * settle or release without amount takes what remains. Absent `final` is true. The id '' is nil.
 */
export interface Command {
  readonly type: CommandName
  readonly id: string
  /** The next command of the frame belongs to the same chain. */
  readonly linked?: boolean
  /** Set by the model alone: where the command stood in its chain. */
  readonly place?: 'first' | 'middle' | 'last'
  readonly dryRun?: boolean
  readonly ledger?: number
  readonly creditLimit?: number
  readonly external?: boolean
  readonly history?: boolean
  readonly metadata?: string
  readonly account?: string
  readonly value?: number
  readonly debit?: string
  readonly credit?: string
  readonly amount?: number
  readonly atMost?: boolean
  readonly timeoutMs?: number
  readonly group?: string
  readonly allowOver?: boolean
  readonly reservation?: string
  readonly final?: boolean
}

/** Records that are no commands. */
export type Notice =
  | { readonly type: 'tick'; readonly routed?: boolean }
  | { readonly type: 'configure'; readonly capacities: Capacities }
  | { readonly type: 'void'; readonly sequence: number }
  | { readonly type: 'checkpoint'; readonly sequence: number }

/** Any record of a frame. */
export type PlainRecord = Command | Notice

/** Records that share one time. */
export interface Frame {
  readonly timeMs: number
  readonly records: readonly PlainRecord[]
}

/** What an account is after an outcome. */
export interface AccountView {
  readonly id: string
  readonly ledger: number
  readonly external: boolean
  readonly history: boolean
  readonly frozen: boolean
  readonly closed: boolean
  readonly balance: number
  readonly held: number
  readonly incoming: number
  readonly creditLimit: number
}

/** What a reservation is after an outcome. `expiresAt` 0: never. */
export interface ReservationView {
  readonly state: 'held' | 'settled' | 'released' | 'expired'
  readonly amount: number
  readonly settled: number
  readonly released: number
  readonly expiresAt: number
}

/** One outcome. */
export interface Outcome {
  readonly type: CommandName | 'tick'
  readonly code: StatusCode
  readonly replayed: boolean
  readonly sequence: number
  readonly timeMs: number
  readonly moved: number
  /** Reservations that a group's command resolved. */
  readonly resolved: number
  readonly reservation: ReservationView | undefined
  readonly accounts: readonly AccountView[]
}

/** Whether the record is a command. */
export function isPlainCommand(record: PlainRecord): record is Command {
  return 'id' in record
}

/** A UUIDv7 (RFC 9562, section 5.7) of this time; `tag` tells those of one time apart. */
export function uuidV7(timeMs: number, tag: number): string {
  const time = timeMs.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${tag.toString(16).padStart(12, '0')}`
}

/** The time in an id that is spelled as a UUIDv7, or undefined. */
export function timeOfId(id: string): number | undefined {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.exec(id)
  return match === null ? undefined : Number.parseInt(`${match[1]}${match[2]}`, 16)
}

/** The name-bytes that an account takes: its id unless that is a UUID, and its metadata. */
export function nameBytesOf(command: Command): number {
  const isUuid = /^[0-9a-f-]{36}$/.test(command.id)
  const ofId = isUuid || command.id === '' ? 0 : 4 + Buffer.byteLength(command.id)
  const ofMetadata = command.metadata === undefined ? 0 : 4 + Buffer.byteLength(command.metadata)
  return Math.ceil((ofId + ofMetadata) / 8) * 8
}
