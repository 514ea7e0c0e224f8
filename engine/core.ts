// What a command's handler stands on: the book, the limits in force, the time, and the decision that
// it fills. One object for the life of the engine.

import {
  ACCOUNT_FLAG,
  type Capacities,
  KIND,
  RECORD,
  TRANSFER,
  type Words,
} from '../protocol/index.ts'
import type { Book } from './book.ts'
import { Decision } from './decision.ts'
import type { Module, ModuleObserver } from './module.ts'
import { ModuleHost } from './module-host.ts'
import { CHAIN_PLACE, type Content } from './outcome-memory.ts'

/** See the head of this file. */
export class Core {
  readonly book: Book
  readonly decision = new Decision()
  readonly modules: ModuleHost
  readonly content: Content = {
    kind: 0,
    flags: 0,
    chainPlace: 0,
    continuesChain: false,
    amount: 0,
    firstHash: 0,
    secondHash: 0,
    timeoutHash: 0,
    groupHash: 0,
    metadataHash: 0,
  }
  /** What the last `configure` record brought into force. */
  limits: Capacities
  /** Journal time of the frame, in ms since 1970. */
  nowMs = 0
  /** Sequence of the record that is being decided. */
  sequence = 0
  /** Where that record stands in its chain. */
  chainPlace: number = CHAIN_PLACE.alone
  /** The index hashes of the command's own id and of the first and second id that it names. */
  ownHash = 0
  firstHash = 0
  secondHash = 0
  /** The highest time in a UUIDv7 that was ever forgotten, or -1; see the constructor. */
  forgottenIdMs = Number.MAX_VALUE
  /** Whether the chain that is decided has a module's command, which may reserve too. */
  hasModuleMember = false
  /** `ACCOUNT_FLAG.owned` while a module uses the ledger, which may touch nothing else; else 0. */
  side = 0

  constructor(
    book: Book,
    limits: Capacities,
    modules: readonly Module[],
    observer: ModuleObserver | undefined,
  ) {
    this.book = book
    this.limits = limits
    this.modules = new ModuleHost(this, modules, observer)
    // Set twice, and to no small integer at first, or V8 takes it for a constant and throws most of the engine's
    // code away when the first id is forgotten, a minute after the start and under load.
    this.forgottenIdMs = -1
  }

  /** Whether an account with these flags is not for the one who asks: a module's, or no module's. */
  isForeign(flags: number): boolean {
    return ((flags ^ this.side) & ACCOUNT_FLAG.owned) !== 0
  }

  /** Hashes the ids of the command at `at`, where no lookahead has. */
  readHashes(words: Words, at: number): void {
    const { hash } = this.book
    const kind = words.u8[at]
    this.ownHash = hash.ofRecord(words, at + RECORD.id)
    this.firstHash = kind === KIND.openAccount ? 0 : hash.ofRecord(words, at + TRANSFER.debit)
    const hasTwo = kind === KIND.transfer || kind === KIND.reserve
    this.secondHash = hasTwo ? hash.ofRecord(words, at + TRANSFER.credit) : 0
  }
}
