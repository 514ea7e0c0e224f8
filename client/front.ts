// `Holdfast` over any carrier: what each method sends, and what it makes of the outcome. How calls end
// is in exchange.ts.

import {
  type AnyId,
  allocateWords,
  type CommandFields,
  copyWords,
  createIdCache,
  encodeCommand,
  encodeQuery,
  FLAG,
  ID_BYTES,
  type Id,
  idOf,
  KIND,
  RECORD,
  RECORD_BYTES_MAX,
  STATUS,
  TAIL_BYTES_MAX,
  toNfc,
  type Words,
} from '../protocol/index.ts'
import { ModuleCall, type NameOf, SingleCall, SubmitCall } from './call.ts'
import type { Carrier, ModuleAsk } from './carrier.ts'
import { encodeChain } from './chain.ts'
import {
  checkCommand,
  checkFlag,
  checkId,
  checkInteger,
  checkNames,
  kindOfMember,
} from './checks.ts'
import { Exchange } from './exchange.ts'
import type {
  AccountChange,
  AccountFields,
  AccountResult,
  AuditResult,
  CallOptions,
  Command,
  CommandOptions,
  DryRunOptions,
  Extend,
  FrontOptions,
  Holdfast,
  HoldfastStatus,
  ModuleAnswer,
  ModuleResult,
  OpenAccount,
  Release,
  ReservationFields,
  ReservationResult,
  Reserve,
  ResolveGroup,
  Result,
  SetCreditLimit,
  Settle,
  SubmitOptions,
  SubmitResult,
  Transfer,
  TransferFields,
} from './holdfast.ts'
import { newId } from './new-id.ts'
import {
  auditResult,
  commandResult,
  lookedUp,
  moduleAnswer,
  slotsIn,
  slotsOfCommand,
} from './results.ts'

/** What every command has when its id was made. */
type Fields = CommandFields<AnyId>

/** An input as far as methods look at it. */
interface Input {
  readonly id?: AnyId
}

/** Longest timeout of a call: what a timer can wait. */
const TIMEOUT_MS_MAX = 2_147_483_647

/** The implementation of the interface; `open` and `connect` make them. */
export class Front implements Holdfast {
  /** Resolves when the first call may be made without waiting. */
  readonly opened: Promise<void>
  readonly #exchange: Exchange
  readonly #ids = createIdCache()
  /** Memory for one record and for its id, until it is copied to where it waits. */
  readonly #scratch = allocateWords(RECORD_BYTES_MAX + TAIL_BYTES_MAX)
  readonly #ownId = allocateWords(ID_BYTES)

  constructor(carrier: Carrier, options: FrontOptions) {
    checkOptions(options)
    this.#exchange = new Exchange(carrier, options)
    this.opened = this.#exchange.opened
  }

  openAccount(input: OpenAccount, options?: CallOptions): Promise<Result<AccountFields>> {
    return this.#command(KIND.openAccount, input, options)
  }

  setCreditLimit(input: SetCreditLimit, options?: CallOptions): Promise<Result<AccountFields>> {
    return this.#command(KIND.setCreditLimit, input, options)
  }

  freeze(input: AccountChange, options?: CallOptions): Promise<Result<AccountFields>> {
    return this.#command(KIND.freezeAccount, input, options)
  }

  unfreeze(input: AccountChange, options?: CallOptions): Promise<Result<AccountFields>> {
    return this.#command(KIND.unfreezeAccount, input, options)
  }

  closeAccount(input: AccountChange, options?: CallOptions): Promise<Result<AccountFields>> {
    return this.#command(KIND.closeAccount, input, options)
  }

  transfer(input: Transfer, options?: DryRunOptions): Promise<Result<TransferFields>> {
    return this.#command(KIND.transfer, input, options, true)
  }

  reserve(input: Reserve, options?: DryRunOptions): Promise<Result<ReservationFields>> {
    return this.#command(KIND.reserve, input, options, true)
  }

  settle(input: Settle, options?: CallOptions): Promise<Result<ReservationFields>> {
    return this.#command(KIND.settle, input, options)
  }

  release(input: Release, options?: CallOptions): Promise<Result<ReservationFields>> {
    return this.#command(KIND.release, input, options)
  }

  extend(input: Extend, options?: CallOptions): Promise<Result<ReservationFields>> {
    return this.#command(KIND.extend, input, options)
  }

  settleGroup(input: ResolveGroup, options?: CallOptions): Promise<Result<{ id: string }>> {
    return this.#command(KIND.settleGroup, input, options)
  }

  releaseGroup(input: ResolveGroup, options?: CallOptions): Promise<Result<{ id: string }>> {
    return this.#command(KIND.releaseGroup, input, options)
  }

  async submit(commands: readonly Command[], options?: SubmitOptions): Promise<SubmitResult[]> {
    const timeoutMs = this.#begin(options, LINKED)
    if (!Array.isArray(commands)) throw new TypeError('commands must be a list.')
    const kinds = new Array<number>(commands.length)
    for (let i = 0; i < commands.length; i++) {
      const kind = kindOfMember(commands[i], i)
      checkCommand(kind, commands[i], i)
      kinds[i] = kind
    }
    if (commands.length === 0) return []
    const full = this.#exchange.full(commands.length)
    if (full !== undefined) throw full
    return this.#submit(kinds, commands, options?.linked === true, timeoutMs)
  }

  async account(id: AnyId, options?: CallOptions): Promise<AccountResult> {
    return this.#lookUp(KIND.queryAccount, id, options)
  }

  async reservation(id: AnyId, options?: CallOptions): Promise<ReservationResult> {
    return this.#lookUp(KIND.queryReservation, id, options)
  }

  async audit(options?: CallOptions): Promise<AuditResult> {
    const timeoutMs = this.#begin(options, NO_FLAGS)
    const bytes = encodeQuery(this.#scratch, KIND.queryAudit, undefined, this.#ids)
    return this.#ask(this.#scratch, bytes, timeoutMs, auditResult, noSlots)
  }

  command<Fields>(
    module: string,
    name: string,
    input: object,
    options?: CommandOptions,
  ): Promise<ModuleResult<Fields>> {
    // What is thrown here rejects.
    return new Promise((resolve, reject) => {
      let id: AnyId | undefined
      let rest: CallOptions | undefined
      if (options !== undefined) ({ id, ...rest } = options)
      const timeoutMs = this.#begin(rest, NO_FLAGS)
      if (id !== undefined) checkId(id, 'id', -1)
      const own = typeof id === 'string' ? idOf(id) : (id ?? newId())
      const ask = { kind: KIND.module, module, name }
      const bytes = this.#write(ask, own, input)
      if (typeof bytes === 'string') {
        const refused = { ...invalidRequest(bytes), commandId: own.text, replayed: false }
        return resolve(refused as ModuleResult<Fields>)
      }
      const exchange = this.#exchange
      const call = new ModuleCall<Fields>(timeoutMs, ask, own, exchange.modules, resolve, reject)
      exchange.flow.builder.addBlock(call, 0, this.#scratch, 0, bytes, 1, 0)
      exchange.commanded(call)
    })
  }

  async query<Fields>(
    module: string,
    name: string,
    input: object,
    options?: CallOptions,
  ): Promise<ModuleAnswer<Fields>> {
    const timeoutMs = this.#begin(options, NO_FLAGS)
    const bytes = this.#write({ kind: KIND.queryModule, module, name }, undefined, input)
    if (typeof bytes === 'string') return invalidRequest(bytes) as ModuleAnswer<Fields>
    const build = (words: Words, at: number) => moduleAnswer(words, at) as ModuleAnswer<Fields>
    return this.#ask(this.#scratch, bytes, timeoutMs, build, noSlots)
  }

  /** Writes the record of what is asked of a module at 0 of `#scratch`; its length, or what is wrong. */
  #write(ask: ModuleAsk, id: Id | undefined, input: object): number | string {
    checkName(ask.module, 'module')
    checkName(ask.name, 'name')
    if (typeof input !== 'object' || input === null || Array.isArray(input)) {
      throw new TypeError('The input must be an object.')
    }
    // The input's own code may run here, and call: what lies in memory that calls share is written after.
    const json = toNfc(JSON.stringify(input))
    id?.write(this.#ownId, 0)
    const own = id === undefined ? NO_ID : this.#ownId.u8
    return this.#exchange.modules.write(this.#scratch, ask, own, json)
  }

  status(): HoldfastStatus {
    return this.#exchange.status()
  }

  close(): Promise<void> {
    return this.#exchange.close()
  }

  /** Throws what speaks against any call now; gives back how long it may take. */
  #begin(options: CallOptions | undefined, flags: readonly string[]): number {
    const refusal = this.#exchange.refusal()
    if (refusal !== undefined) throw refusal
    const full = this.#exchange.full(1)
    if (full !== undefined) throw full
    if (options === undefined) return this.#exchange.timeoutMs
    return checkCallOptions(options, flags) ?? this.#exchange.timeoutMs
  }

  async #command<R>(
    kind: number,
    input: Input,
    options: DryRunOptions | undefined,
    mayTryOut = false,
  ): Promise<R> {
    const timeoutMs = this.#begin(options, mayTryOut ? DRY_RUN : NO_FLAGS)
    checkCommand(kind, input, -1)
    const fields = { ...input, id: input.id ?? newId() } as Fields
    const dryRun = options?.dryRun === true
    const asked = { kind, fields, dryRun }
    const build = (words: Words, at: number, nameOf: NameOf): R =>
      commandResult(words, at, asked, nameOf) as R
    const slots = (words: Words, at: number): readonly number[] => slotsOfCommand(words, at, asked)
    if (dryRun) {
      // Not the shared memory: metadata are the caller's, whose code may run here, and call.
      const record = allocateWords(RECORD_BYTES_MAX + TAIL_BYTES_MAX)
      const bytes = encodeCommand(record, 0, kind, fields, this.#ids)
      record.u8[RECORD.flags] = (record.u8[RECORD.flags] as number) | FLAG.dryRun
      return this.#ask(record, bytes, timeoutMs, build, slots)
    }
    return new Promise((resolve, reject) => {
      const exchange = this.#exchange
      const call = new SingleCall(timeoutMs, {
        build,
        slots,
        names: exchange.names,
        resolve,
        reject,
      })
      exchange.flow.builder.add(call, 0, kind, fields, this.#ids)
      exchange.commanded(call)
    })
  }

  #submit(
    kinds: readonly number[],
    commands: readonly Command[],
    isLinked: boolean,
    timeoutMs: number,
  ): Promise<SubmitResult[]> {
    const all = commands.map((command) =>
      command.id === undefined ? { ...command, id: newId().text } : command,
    ) as readonly Fields[]
    const ids = all.map(({ id }) => id)
    return new Promise((resolve, reject) => {
      const exchange = this.#exchange
      const call = new SubmitCall(timeoutMs, { isLinked, ids, resolve, reject })
      const { builder } = exchange.flow
      if (isLinked) {
        const chain = encodeChain(kinds, all, exchange.chainCommandsMax, this.#ids)
        if (chain === undefined) return call.refuse(STATUS.chain_too_large)
        builder.addBlock(call, 0, chain.words, 0, chain.bytes, all.length, 0)
      } else {
        for (let i = 0; i < all.length; i++) {
          builder.add(call, i, kinds[i] as number, all[i] as Fields, this.#ids)
          const full = exchange.full(0)
          if (full === undefined) continue
          call.fail(full)
          return exchange.dropEnded()
        }
      }
      exchange.commanded(call)
    })
  }

  async #lookUp<R>(kind: number, id: AnyId, options: CallOptions | undefined): Promise<R> {
    const timeoutMs = this.#begin(options, NO_FLAGS)
    checkId(id, 'id', -1)
    const bytes = encodeQuery(this.#scratch, kind, id, this.#ids)
    const build = (words: Words, at: number, nameOf: NameOf): R =>
      lookedUp(words, at, kind, String(id), nameOf) as R
    return this.#ask(this.#scratch, bytes, timeoutMs, build, slotsIn)
  }

  /** Asks with the first `bytes` bytes of `from`, a copy of which waits. */
  #ask<R>(
    from: Words,
    bytes: number,
    timeoutMs: number,
    build: (words: Words, at: number, nameOf: NameOf) => R,
    slots: (words: Words, at: number) => readonly number[],
  ): Promise<R> {
    return new Promise((resolve, reject) => {
      const { names } = this.#exchange
      const call = new SingleCall(timeoutMs, { build, slots, names, resolve, reject })
      const record = allocateWords(bytes)
      copyWords(from, 0, record, 0, bytes)
      this.#exchange.ask(call, record, bytes)
    })
  }
}

function invalidRequest(detail: string): { readonly code: string; readonly detail: string } {
  return { code: 'invalid_request', detail }
}

const NO_ID = new Uint8Array(ID_BYTES)
const noSlots = (): readonly number[] => []

function checkName(value: unknown, name: string): void {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string.`)
}

const NO_FLAGS: readonly string[] = []
const DRY_RUN: readonly string[] = ['dryRun']
const LINKED: readonly string[] = ['linked']

function checkCallOptions(options: object, flags: readonly string[]): number | undefined {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('The options must be an object.')
  }
  let timeoutMs: number | undefined
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (name === 'timeoutMs') {
      checkInteger(value, name, 1, TIMEOUT_MS_MAX, -1)
      timeoutMs = value
    } else if (flags.includes(name)) checkFlag(value, name, -1)
    else throw new TypeError(`${name} is not an option of this call.`)
  }
  return timeoutMs
}

/** Throws what an instance's options cannot mean. */
export function checkOptions(options: FrontOptions): void {
  checkNames(options, ['timeoutMs', 'retryMs', 'onWait'])
  const { timeoutMs, retryMs, onWait } = options
  if (timeoutMs !== undefined) checkInteger(timeoutMs, 'timeoutMs', 1, TIMEOUT_MS_MAX, -1)
  if (retryMs !== undefined) checkInteger(retryMs, 'retryMs', 0, TIMEOUT_MS_MAX, -1)
  if (onWait !== undefined && typeof onWait !== 'function') {
    throw new TypeError('onWait must be a function.')
  }
}
