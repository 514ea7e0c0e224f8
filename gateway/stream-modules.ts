// Records of modules as a stream's client writes them, with their input as JSON, made into those that the
// journal keeps: checked against their schemas and packed. Works in place, before a message is walked.

import {
  allocateWords,
  copyWords,
  FLAG,
  holdsRecord,
  ID_BYTES,
  KIND,
  MODULE,
  OUTCOME,
  RECORD,
  RECORD_BYTES_MAX,
  readF64,
  readUtf8,
  recordBytes,
  STATUS,
  statusNumber,
  TAIL_BYTES_MAX,
  type Words,
} from '../protocol/index.ts'
import {
  type ActionInput,
  type Actions,
  differenceCode,
  inputFault,
  writeAction,
} from '../surface/index.ts'
import { NOT_UTF8, parseJsonText } from './json-body.ts'
import { Refusal } from './refusal.ts'

/** Whether a record of this kind is a module's command or query. */
export function isOfModule(kind: number): boolean {
  return kind === KIND.module || kind === KIND.queryModule
}

/** See the head of this file. One for all connections. */
export class StreamModules {
  readonly #actions: Actions
  readonly #scratch = allocateWords(RECORD_BYTES_MAX + TAIL_BYTES_MAX)
  /** What is wrong with records of the last message, by their places in it. */
  readonly #faults = new Map<number, string>()

  constructor(actions: Actions) {
    this.#actions = actions
  }

  /** What is wrong with the record at `at` of the message that was translated last, or undefined. */
  faultAt(at: number): string | undefined {
    return this.#faults.get(at)
  }

  /** Forgets the last message. */
  begin(): void {
    if (this.#faults.size > 0) this.#faults.clear()
  }

  /**
   * Rewrites the records from `from` to `end`, up to the first that is none; gives back where they end
   * then, which is never later. One that is at fault stays as it is.
   */
  translate(words: Words, from: number, end: number): number {
    let read = from
    let written = from
    while (read < end && holdsRecord(words, read, end)) {
      const bytes = recordBytes(words, read)
      const isModules = isOfModule(words.u8[read] as number)
      const made = isModules ? this.#pack(words, read, bytes) : undefined
      if (typeof made === 'number') copyWords(this.#scratch, 0, words, written, made)
      else {
        if (made !== undefined) this.#faults.set(written, made)
        if (written < read) copyWords(words, read, words, written, bytes)
      }
      written += typeof made === 'number' ? made : bytes
      read += bytes
    }
    // What is no record is found where it lies now.
    if (written < read) words.u8.copyWithin(written, read, end)
    return end - (read - written)
  }

  /** Writes the packed record to the scratch memory; its length, or what is wrong. */
  #pack(words: Words, at: number, bytes: number): number | string {
    const { u8, u32, i32 } = words
    const kind = u8[at] as number
    const action = this.#actions.byRoute(kind, i32[(at + MODULE.route) >>> 2] as number)
    if (action === undefined) return NO_ACTION
    const tailBytes = bytes - MODULE.bytes
    const inputBytes = u32[(at + MODULE.inputBytes) >>> 2] as number
    if (inputBytes === 0 || inputBytes > tailBytes || tailBytes - inputBytes >= 8) return NO_INPUT
    const start = at + MODULE.bytes
    const text = readUtf8(u8, start, start + inputBytes)
    if (text === undefined) return NOT_UTF8
    const body = parseJsonText(text)
    if (body instanceof Refusal) return body.detail
    const fault = inputFault(action, body.value)
    if (fault !== undefined) return fault
    const made = writeAction(this.#scratch, 0, action, NO_ID, body.value as ActionInput)
    if (made > bytes) return NOT_NFC
    copyWords(words, at + RECORD.id, this.#scratch, RECORD.id, ID_BYTES)
    this.#scratch.u8[RECORD.flags] = (u8[at + RECORD.flags] as number) & (FLAG.linked | FLAG.dryRun)
    this.#scratch.u32[RECORD.token >>> 2] = u32[(at + RECORD.token) >>> 2] as number
    return made
  }

  /**
   * What the outcome at `at` of the record with `route` has to be given as its body: the name of the
   * field that differs, which the engine knows by its number alone.
   */
  bodyOf(outcomes: Words, at: number, route: number): string | undefined {
    if (route === 0 || statusNumber(outcomes, at) !== STATUS.exists_with_different_input)
      return undefined
    const action = this.#actions.byRoute(KIND.module, route)
    if (action === undefined) return undefined
    return JSON.stringify({ code: differenceCode(action, readF64(outcomes, at + OUTCOME.moved)) })
  }
}

/** Stands for the record's own, which is copied. */
const NO_ID = new Uint8Array(ID_BYTES)

const NO_ACTION = 'No module that is loaded has a command or query with this route.'
const NO_INPUT = 'inputBytes is not the length of the input in the tail.'
const NOT_NFC = "The input is longer packed than as JSON: send its texts in Unicode's NFC."
