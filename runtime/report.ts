// Figures that one thread publishes and any thread may read, all of one moment. Not a channel: a
// reader gets the latest figures and may miss those between.
//
// The writer counts up to an odd number, writes, counts up to an even one. A reader that finds an odd
// number, or another one afterwards, reads again.

/** How often a reader tries before it keeps what it had: the writer may have died in between. */
const ATTEMPTS = 1_000

/** Memory for `fields` figures. */
export function allocateReport(fields: number): SharedArrayBuffer {
  return new SharedArrayBuffer(8 + fields * 8)
}

/** The one writer of a report. Set `values`, then `publish`. */
export class ReportWriter {
  readonly values: Float64Array
  readonly #local: Int32Array
  readonly #shared: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.values = new Float64Array((memory.byteLength - 8) >>> 3)
    this.#local = new Int32Array(this.values.buffer)
    this.#shared = new Int32Array(memory)
  }

  publish(): void {
    const version = Atomics.load(this.#shared, 0)
    Atomics.store(this.#shared, 0, (version + 1) | 0)
    for (let i = 0; i < this.#local.length; i++) {
      Atomics.store(this.#shared, i + 2, this.#local[i] as number)
    }
    Atomics.store(this.#shared, 0, (version + 2) | 0)
  }
}

/** A reader of a report: `read` brings `values` up to date. */
export class ReportReader {
  values: Float64Array
  /** Where the next attempt is read to; becomes `values` when it was of one moment. */
  #spare: Float64Array
  readonly #shared: Int32Array

  constructor(memory: SharedArrayBuffer) {
    const fields = (memory.byteLength - 8) >>> 3
    this.values = new Float64Array(fields)
    this.#spare = new Float64Array(fields)
    this.#shared = new Int32Array(memory)
  }

  read(): Float64Array {
    const target = new Int32Array(this.#spare.buffer)
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const version = Atomics.load(this.#shared, 0)
      for (let i = 0; i < target.length; i++) target[i] = Atomics.load(this.#shared, i + 2)
      if ((version & 1) === 0 && Atomics.load(this.#shared, 0) === version) {
        const latest = this.#spare
        this.#spare = this.values
        this.values = latest
        return latest
      }
    }
    return this.values
  }
}
