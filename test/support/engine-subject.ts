// The engine as a subject of the contract suite: frames as bytes, outcomes from its sink, state by
// its queries.

import { Engine } from '../../engine/index.ts'
import {
  AccountNames,
  allocateAccountNames,
  allocateWords,
  type Capacities,
  formatDigest,
  KIND,
  QUERY,
  RECORD,
  RECORD_BYTES_MAX,
  TAIL_BYTES_MAX,
} from '../../protocol/index.ts'
import type { AccountView, Command, Frame, Outcome, ReservationView } from './commands.ts'
import { encodeCommand, encodeFrame, idBytes } from './frames.ts'
import { type AuditView, CapturingSink, decodeAudit, decodeOutcome, tokenOf } from './outcomes.ts'
import type { Subject } from './subjects.ts'

/** Small chunks, so that a small state has several. */
const STATE_CHUNK_BYTES = 1_024

/** The engine as a subject: frames as bytes, outcomes from its sink, state by its queries. */
export class EngineSubject implements Subject {
  readonly name = 'engine'
  readonly engine: Engine
  readonly #sink = new CapturingSink()
  readonly #names: AccountNames

  constructor(capacities: Capacities, voided: ReadonlySet<number> = new Set(), seed = 0x1234_5678) {
    const names = allocateAccountNames(capacities.accountsMax, capacities.accountNameBytesMax)
    this.#names = new AccountNames(names)
    this.engine = new Engine({ capacities, names, seed, sink: this.#sink })
    this.engine.skip(voided)
  }

  get sequence(): number {
    return this.engine.sequence
  }

  apply(frame: Frame): Outcome[] {
    this.engine.applyFrame(encodeFrame(frame, this.engine.sequence + 1), 0, true)
    return this.#taken().map(({ outcome }) => outcome)
  }

  /** Applies the frame as a restart does: nothing is routed. */
  replay(frame: Frame): void {
    this.engine.applyFrame(encodeFrame(frame, this.engine.sequence + 1), 0, false)
    const routed = this.#taken()
    if (routed.length > 0) throw new Error(`a replay routed ${routed.length} outcomes`)
  }

  /** Asks what the command would come to. */
  dryRun(command: Command): Outcome {
    const record = allocateWords(RECORD_BYTES_MAX + TAIL_BYTES_MAX)
    encodeCommand(record, 0, { ...command, dryRun: true }, 1, 0)
    this.engine.answer(record, 0)
    return (this.#taken()[0] as { outcome: Outcome }).outcome
  }

  account(id: string): AccountView | undefined {
    const answer = this.#ask(KIND.queryAccount, id)
    return answer.code === 'ok' ? answer.accounts[0] : undefined
  }

  reservation(id: string): ReservationView | undefined {
    return this.#ask(KIND.queryReservation, id).reservation
  }

  audit(): AuditView {
    this.#query(KIND.queryAudit, '')
    const [at] = this.#sink.take()
    return decodeAudit(this.#sink.words, at as number)
  }

  /** The digest from the engine itself, not by a query. */
  digest(): string {
    return formatDigest(this.engine.digestA, this.engine.digestB)
  }

  /** Takes over another engine's state, as a start does from a snapshot. */
  importFrom(other: EngineSubject): void {
    this.engine.importState(other.engine.exportState(STATE_CHUNK_BYTES))
  }

  /** The state's bytes, eight at a time as hexadecimal text. */
  stateBytes(): string[] {
    const chunks = Array.from(this.engine.exportState(STATE_CHUNK_BYTES), (chunk) =>
      Buffer.from(chunk),
    )
    return Buffer.concat(chunks).toString('hex').match(/.{16}/g) ?? []
  }

  violations(): readonly string[] {
    return this.engine.checkInvariants().map(({ invariant, detail }) => `${invariant}: ${detail}`)
  }

  #ask(kind: number, id: string): Outcome {
    this.#query(kind, id)
    return (this.#taken()[0] as { outcome: Outcome }).outcome
  }

  #query(kind: number, id: string): void {
    const record = allocateWords(QUERY.bytes)
    record.u8[RECORD.kind] = kind
    record.u16[RECORD.gateway >>> 1] = 1
    record.u8.set(idBytes(id), RECORD.id)
    this.engine.answer(record, 0)
  }

  #taken(): { token: number; outcome: Outcome }[] {
    const { words } = this.#sink
    return this.#sink.take().map((at) => ({
      token: tokenOf(words, at),
      outcome: decodeOutcome(words, at, this.#names),
    }))
  }
}
