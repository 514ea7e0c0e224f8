// Fills frames with records for the engine's benchmark: numbered accounts, reservations and commands.
// The frames are whole but for their checksums, which the journal checks and the engine does not read.

import {
  allocateWords,
  FLAG,
  FRAME,
  FRAME_BYTES_MAX,
  FRAME_MAGIC,
  KIND,
  OPEN_ACCOUNT,
  RECORD,
  RESERVE,
  RESOLVE,
  TRANSFER,
  type Words,
  writeI64,
} from '../protocol/index.ts'

/** What kind of thing a number names; keeps their ids apart. */
const SPACE = { account: 1, reservation: 2, transfer: 3, settle: 4 } as const

const FIRST_TIME_MS = 1_700_000_000_000

/** Frames side by side in one stretch of memory, filled in order. */
export class FrameFiller {
  readonly words: Words
  readonly #frames: number
  readonly #recordsPerMs: number
  readonly #firstTimeMs: number
  #frame = 0
  #at: number = FRAME.bytes
  #count = 0
  #sequence = 1
  #finished: number[] = []

  /**
   * Room for `frames` frames; time passes by 1 ms for each `recordsPerMs` records, from `firstTimeMs`
   * (ms since 1970) on.
   */
  constructor(frames: number, recordsPerMs: number, firstTimeMs = FIRST_TIME_MS) {
    this.words = allocateWords(frames * FRAME_BYTES_MAX)
    this.#frames = frames
    this.#recordsPerMs = recordsPerMs
    this.#firstTimeMs = firstTimeMs
  }

  /** Starts over: the frames that were finished have been applied. */
  begin(): void {
    this.#finished = []
    this.#frame = 0
    this.#start()
  }

  #start(): void {
    this.#at = this.#frame * FRAME_BYTES_MAX + FRAME.bytes
    this.#count = 0
  }

  /** Whether `records` more records of any kind fit. */
  hasRoom(records: number): boolean {
    const end = (this.#frame + 1) * FRAME_BYTES_MAX
    if (this.#at + records * RESERVE.bytes <= end) return true
    if (this.#frame + 1 >= this.#frames) return false
    this.#finishFrame()
    this.#frame++
    this.#start()
    return true
  }

  /** Where the frames begin that hold what was filled in. */
  finish(): readonly number[] {
    this.#finishFrame()
    return this.#finished
  }

  #finishFrame(): void {
    if (this.#count === 0) return
    const { words } = this
    const at = this.#frame * FRAME_BYTES_MAX
    words.u32[at >>> 2] = FRAME_MAGIC
    words.u32[(at + FRAME.payloadBytes) >>> 2] = this.#at - at - FRAME.bytes
    words.u32[(at + FRAME.count) >>> 2] = this.#count
    writeI64(words, at + FRAME.firstSequence, this.#sequence)
    writeI64(
      words,
      at + FRAME.timeMs,
      this.#firstTimeMs + Math.floor(this.#sequence / this.#recordsPerMs),
    )
    this.#sequence += this.#count
    this.#count = 0
    this.#finished.push(at)
  }

  openAccount(account: number, external: boolean, history = false): void {
    const at = this.#record(KIND.openAccount, OPEN_ACCOUNT.bytes, SPACE.account, account)
    const flags = (external ? FLAG.external : 0) | (history ? FLAG.history : 0)
    this.words.u8[at + RECORD.flags] = flags
    this.words.u32[(at + OPEN_ACCOUNT.ledger) >>> 2] = 1
    this.words.u32[(at + OPEN_ACCOUNT.ledger + 4) >>> 2] = 0
    writeI64(this.words, at + OPEN_ACCOUNT.creditLimit, 0)
  }

  transfer(transfer: number, debit: number, credit: number, amount: number): void {
    const at = this.#record(KIND.transfer, TRANSFER.bytes, SPACE.transfer, transfer)
    writeId(this.words, at + TRANSFER.debit, SPACE.account, debit)
    writeId(this.words, at + TRANSFER.credit, SPACE.account, credit)
    writeI64(this.words, at + TRANSFER.amount, amount)
  }

  reserve(reservation: number, debit: number, credit: number, amount: number): void {
    const at = this.#record(KIND.reserve, RESERVE.bytes, SPACE.reservation, reservation)
    writeId(this.words, at + RESERVE.debit, SPACE.account, debit)
    writeId(this.words, at + RESERVE.credit, SPACE.account, credit)
    writeI64(this.words, at + RESERVE.amount, amount)
    writeI64(this.words, at + RESERVE.timeoutMs, 3_600_000)
    this.words.u32.fill(0, (at + RESERVE.group) >>> 2, (at + RESERVE.bytes) >>> 2)
  }

  settle(settle: number, reservation: number): void {
    const at = this.#record(KIND.settle, RESOLVE.bytes, SPACE.settle, settle)
    this.words.u8[at + RECORD.flags] = FLAG.final
    writeId(this.words, at + RESOLVE.reservation, SPACE.reservation, reservation)
    writeI64(this.words, at + RESOLVE.amount, 0)
  }

  #record(kind: number, bytes: number, space: number, number: number): number {
    const at = this.#at
    const { words } = this
    words.u32[at >>> 2] = kind
    words.u32[(at + RECORD.gateway) >>> 2] = 0
    words.u32[(at + RECORD.token) >>> 2] = number
    words.u32[(at + RECORD.metadataHash) >>> 2] = 0
    writeId(words, at + RECORD.id, space, number)
    this.#at += bytes
    this.#count++
    return at
  }
}

/** An id that looks random, of version 4: a mix of what it names. */
function writeId(words: Words, at: number, space: number, number: number): void {
  const w = at >>> 2
  words.u32[w] = mix(number ^ (space << 28))
  words.u32[w + 1] = (mix(number + 0x51ed270b) & 0xff0fffff) | 0x00400000
  words.u32[w + 2] = (mix(number ^ 0x2c1b3c6d) & 0xffffff3f) | 0x80
  words.u32[w + 3] = number
}

function mix(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return x ^ (x >>> 16)
}
