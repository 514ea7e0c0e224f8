// What carries records to an engine and outcomes back: a WebSocket, or the rings of this process.
// Knows nothing of calls and promises; those are in flow.ts.

import type { KIND, Words } from '../protocol/index.ts'
import type { Message } from './message.ts'

/** What may be in flight, and in which pieces. */
export interface CarrierLimits {
  readonly windowCommands: number
  readonly windowBytes: number
  /** Bytes of records in one message. */
  readonly recordBytesMax: number
  readonly chainCommandsMax: number
  /** How long ids that are no UUIDv7 are sure to be known after their decision, in ms. */
  readonly windowMs: number
}

/** An account's name and metadata, which never change. */
export interface AccountName {
  readonly id: string
  /** As JSON; undefined where it has none. */
  readonly metadata: string | undefined
}

/** What a carrier tells. */
export interface CarrierEvents {
  /** It carries, from now on; what was sent before and is not answered will not be. */
  onReady(limits: CarrierLimits): void
  /**
   * `count` outcomes lie back to back from `at` to `end`; valid until the call returns. Those of
   * commands come in the order of the commands. Throws `CarrierFault` where they are none.
   */
  onOutcomes(words: Words, at: number, end: number, count: number): void
  /** The names of these accounts, which were asked for, are there. */
  onNames(slots: readonly number[]): void
  /** It carries nothing right now and tries again by itself. */
  onLost(reason: string): void
  /** It will never carry again. */
  onFailed(error: Error): void
}

/** What is asked of a module. */
export interface ModuleAsk {
  readonly kind: typeof KIND.module | typeof KIND.queryModule
  readonly module: string
  readonly name: string
}

/** How a carrier has what is asked of modules written. */
export interface ModuleCodec {
  /**
   * Writes the record at 0 of `words`, token 0; its length, or what is wrong with the input in words.
   * `id`: 16 bytes, zeros for a query. `json`: the input as JSON, in Unicode's NFC.
   */
  write(words: Words, ask: ModuleAsk, id: Uint8Array, json: string): number | string
  /** The code of a known id whose `field`-th field differs, where the outcome does not say it. */
  differenceCode(ask: ModuleAsk, field: number): string
}

/** One way to an engine. */
export interface Carrier {
  readonly modules: ModuleCodec
  /** Begins; events come later than this returns. */
  start(events: CarrierEvents): void
  /** Takes all records of a message or none; false: there is no room right now. */
  send(message: Message): boolean
  /** Takes one query or dry run; false: there is no room right now. */
  ask(record: Words, bytes: number): boolean
  /** Makes what was taken leave; once a turn. */
  flush(): void
  /** Whether new reserves, transfers and accounts are refused here, for want of room on the disk. */
  isStorageLow(): boolean
  /** The name of an account by its slot, where it is known. */
  nameOf(slot: number): AccountName | undefined
  /** Asks for names; `onNames` tells when some are there. */
  askNames(slots: readonly number[]): void
  /** Ends; resolves when nothing is left open. */
  close(): Promise<void>
}

/** What came back is not what the protocol says. */
export class CarrierFault extends Error {
  override readonly name = 'CarrierFault'
}
