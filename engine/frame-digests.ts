// The outcome digest at the end of the last frames, to compare a journaled checkpoint with.

import { EngineFault } from './fault.ts'

/** Frames that are looked back on: more than a journal ring can hold. */
const FRAMES = 8_192

/** A ring of (sequence, digest) pairs. */
export class FrameDigests {
  readonly #sequences = new Float64Array(FRAMES)
  readonly #digests = new Int32Array(FRAMES * 2)
  #next = 0
  /** Checkpoints that were found equal. */
  compared = 0

  /** Notes the digest after the frame that ends with `sequence`. */
  note(sequence: number, a: number, b: number): void {
    const i = this.#next
    this.#sequences[i] = sequence
    this.#digests[i * 2] = a
    this.#digests[i * 2 + 1] = b
    this.#next = i + 1 === FRAMES ? 0 : i + 1
  }

  /** Compares a checkpoint; throws `EngineFault` where this engine had decided otherwise. */
  compare(sequence: number, a: number, b: number): void {
    for (let back = 1; back <= FRAMES; back++) {
      const i = (this.#next - back + FRAMES) % FRAMES
      const noted = this.#sequences[i] as number
      if (noted < sequence) return
      if (noted !== sequence) continue
      if (this.#digests[i * 2] !== a || this.#digests[i * 2 + 1] !== b) {
        throw new EngineFault(
          'digest',
          sequence,
          'the outcomes differ from those that were journaled',
        )
      }
      this.compared++
      return
    }
  }
}
