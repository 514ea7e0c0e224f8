// What stops the engine: a broken invariant, a journal that these rules cannot replay. Never a
// business refusal: those are statuses.

/** Why the engine stopped. */
export type EngineFaultKind =
  /** An assertion of the core failed: a defect of Holdfast. */
  | 'invariant'
  /** A frame did not follow the one before, or held what is no record. */
  | 'order'
  /** The outcome digest differs from the one that the journal recorded. */
  | 'digest'
  /** The journal was decided by another version of the rules. */
  | 'rules'
  /** The tables are smaller than the journal's own configuration, or than a state to import. */
  | 'capacity'
  /** Bytes that were to be imported are no state. */
  | 'state'

/** Stops the engine; `sequence` is the record that was being decided. */
export class EngineFault extends Error {
  readonly kind: EngineFaultKind
  readonly sequence: number

  constructor(kind: EngineFaultKind, sequence: number, message: string) {
    // Other rules are of the whole journal: a sequence beside them would say otherwise.
    super(kind === 'rules' ? message : `${message} (sequence ${sequence})`)
    this.name = 'EngineFault'
    this.kind = kind
    this.sequence = sequence
  }
}
