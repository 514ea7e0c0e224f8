// A carrier over the rings of this process. Room comes back as outcomes do; nothing is ever lost but
// by the failure of a thread.

import {
  CHAIN_COMMANDS_MAX,
  FRAME_PAYLOAD_BYTES_MAX,
  OUTCOME,
  type Pipeline,
  type Words,
  wordsOver,
} from '../protocol/index.ts'
import type { AccountName, Carrier, CarrierEvents, CarrierLimits, ModuleCodec } from './carrier.ts'
import { HoldfastFailed } from './errors.ts'
import type { Message } from './message.ts'

/** The rings have their own count of room: this one only bounds what a crash leaves unknown. */
const LIMITS: CarrierLimits = {
  windowCommands: 32_768,
  windowBytes: 4_194_304,
  recordBytesMax: FRAME_PAYLOAD_BYTES_MAX,
  chainCommandsMax: CHAIN_COMMANDS_MAX,
  // There are no reconnects.
  windowMs: Number.POSITIVE_INFINITY,
}

/** Where no module is loaded. */
const NO_MODULES: ModuleCodec = {
  write: (_words, { module }) => `No module ${module} is loaded.`,
  differenceCode: () => 'exists_with_different_input',
}

/** See the head of this file. `onClose` ends the threads; `modules` knows the modules that are loaded. */
export class PipelineCarrier implements Carrier {
  readonly modules: ModuleCodec
  readonly #pipeline: Pipeline
  readonly #onClose: () => Promise<void>

  constructor(pipeline: Pipeline, onClose: () => Promise<void>, modules = NO_MODULES) {
    this.modules = modules
    this.#pipeline = pipeline
    this.#onClose = onClose
  }

  start(events: CarrierEvents): void {
    const pipeline = this.#pipeline
    pipeline.onOutcome = (words, at) => {
      try {
        events.onOutcomes(words, at, at + (words.u32[(at + OUTCOME.bytes) >>> 2] as number), 1)
      } catch (error) {
        events.onFailed(new HoldfastFailed((error as Error).message))
      }
    }
    pipeline.onFailure = (reason) => events.onFailed(new HoldfastFailed(reason))
    setImmediate(() => events.onReady(LIMITS))
  }

  send({ words, at, bytes, count }: Message): boolean {
    const records = wordsOver(words.u8.buffer as ArrayBuffer, at, bytes)
    return this.#pipeline.submit(records, bytes, count)
  }

  ask(record: Words, bytes: number): boolean {
    return this.#pipeline.query(record, bytes)
  }

  flush(): void {
    this.#pipeline.flush()
  }

  isStorageLow(): boolean {
    return this.#pipeline.storageLow()
  }

  nameOf(slot: number): AccountName {
    const { names } = this.#pipeline
    return { id: names.nameOf(slot), metadata: names.metadataOf(slot) }
  }

  askNames(): void {}

  close(): Promise<void> {
    return this.#onClose()
  }
}
