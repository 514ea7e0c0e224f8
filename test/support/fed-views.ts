// Views that are fed frame by frame from an engine of their own, without a journal. For tests.

import { Engine } from '../../engine/index.ts'
import { FrameCapture } from '../../follower/index.ts'
import { AccountNames, allocateAccountNames } from '../../protocol/index.ts'
import { openForWriting, readMeta, type ViewsDatabase } from '../../views/file.ts'
import { ViewsWriter } from '../../views/writer.ts'
import type { Frame } from './commands.ts'
import { SMALL_CAPACITIES } from './contract.ts'
import { encodeFrame } from './frames.ts'

/** The id of a journal that there is none of. */
export const LOG: Uint8Array = new Uint8Array(16).fill(7)

/** An engine whose changes are captured, and the writer that stores them. */
export class Fed {
  readonly names: AccountNames
  readonly engine: Engine
  readonly #capture = new FrameCapture({ hasOutcomes: true })
  #writer: ViewsWriter

  constructor(database: ViewsDatabase) {
    const memory = allocateAccountNames(
      SMALL_CAPACITIES.accountsMax,
      SMALL_CAPACITIES.accountNameBytesMax,
    )
    this.names = new AccountNames(memory)
    this.engine = new Engine({
      capacities: SMALL_CAPACITIES,
      names: memory,
      seed: 5,
      sink: this.#capture,
      changes: this.#capture.changes,
    })
    this.#writer = new ViewsWriter(database, readMeta(database), { log: LOG, modules: [] })
  }

  /** Applies frames and stores them as one batch. */
  store(frames: readonly Frame[]): void {
    for (const frame of frames) {
      const words = encodeFrame(frame, this.engine.sequence + 1)
      this.#writer.add(this.#capture.apply(this.engine, words), this.names)
    }
    this.#writer.store()
  }
}

/** Every row that the core's tables hold. */
export function rowsIn(database: ViewsDatabase): string {
  const tables = ['accounts', 'reservations', 'history', 'meta']
  return JSON.stringify(tables.map((name) => database.prepare(`SELECT * FROM ${name}`).all()))
}

/** What a file holds into which frames were stored one at a time. */
export function rowsOneByOne(path: string, frames: readonly Frame[]): string {
  const database = openForWriting(path, [])
  try {
    const fed = new Fed(database)
    for (const frame of frames) fed.store([frame])
    return rowsIn(database)
  } finally {
    database.close()
  }
}
