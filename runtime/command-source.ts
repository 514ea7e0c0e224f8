// One gateway's command ring as the journal thread takes from it: whole units, a record or a chain,
// each looked at before it is copied. What a gateway may not send makes it a broken gateway, not a
// crash: its memory may be damaged, and the others are served on.

import {
  CHAIN_COMMANDS_MAX,
  copyWords,
  FLAG,
  FRAME_PAYLOAD_BYTES_MAX,
  holdsRecord,
  isAdvance,
  isCommand,
  KIND,
  RECORD,
  readI64,
  recordBytes,
  TICK,
  type Words,
} from '../protocol/index.ts'
import { RingBroken, RingConsumer, type RingMemory } from './ring.ts'

/** What one gateway may put into a frame before the next one has its turn, in bytes. */
const TURN_BYTES = 16_384

/** A frame while records are put into it. */
export interface OpenFrame {
  readonly words: Words
  /** Where the next record goes. */
  at: number
  /** Records may not go beyond. */
  readonly end: number
  count: number
}

/** Why a turn ended. */
export type TurnEnd = 'empty' | 'full' | 'turn over' | 'tick'

/** The consumer of one gateway's commands. */
export class CommandSource {
  readonly slot: number
  readonly #ring: RingConsumer
  readonly #takesTicks: boolean

  /** `takesTicks`: the clock is a test clock, and the gateway may move it. */
  constructor(slot: number, memory: RingMemory, takesTicks: boolean) {
    this.slot = slot
    this.#ring = new RingConsumer(memory)
    this.#takesTicks = takesTicks
  }

  /** How many bytes are queued; `take` takes no more than these. Throws `RingBroken`. */
  refresh(): number {
    return this.#ring.refresh()
  }

  /** Whether anything is queued: a cheap look, before sleeping. */
  hasMore(): boolean {
    return this.#ring.hasMore()
  }

  /** Copies units into `frame` for one turn. Throws `RingBroken`; whole units stay copied. */
  take(frame: OpenFrame): TurnEnd {
    const { words } = this.#ring
    const turnEnd = frame.at + TURN_BYTES
    for (let at = this.#ring.next(); at >= 0; at = this.#ring.next()) {
      if (frame.at >= turnEnd) return 'turn over'
      const bytes = this.#check(at)
      if (words.u8[at] === KIND.tick) return 'tick'
      if (((words.u8[at + RECORD.flags] as number) & FLAG.linked) !== 0) {
        if (!this.#takeChain(frame)) return 'full'
        continue
      }
      if (frame.at + bytes > frame.end) return 'full'
      this.#copy(frame, at, bytes)
    }
    return 'empty'
  }

  /** Whether the next unit is a tick, which may only come first in a frame. Throws `RingBroken`. */
  isAtTick(): boolean {
    const at = this.#ring.next()
    if (at < 0) return false
    this.#check(at)
    return this.#ring.words.u8[at] === KIND.tick
  }

  /** How far the tick at the ring's front moves the clock. */
  advanceMs(): number {
    return readI64(this.#ring.words, this.#ring.next() + TICK.advanceMs)
  }

  /** Copies the tick at the ring's front. */
  takeTick(frame: OpenFrame): void {
    const at = this.#ring.next()
    this.#copy(frame, at, recordBytes(this.#ring.words, at))
  }

  /** Gives the gateway the room of what was taken. */
  release(): void {
    this.#ring.release()
  }

  /** Copies the chain at the front, or nothing where the frame has no room for all of it. */
  #takeChain(frame: OpenFrame): boolean {
    const start = this.#ring.mark()
    const bytes = this.#chainBytes()
    this.#ring.rewind(start)
    if (frame.at + bytes > frame.end) return false
    for (const end = frame.at + bytes; frame.at < end; ) {
      const at = this.#ring.next()
      this.#copy(frame, at, recordBytes(this.#ring.words, at))
    }
    return true
  }

  /** Walks to the chain's end. It was published as a whole, so it must be there as a whole. */
  #chainBytes(): number {
    const { words } = this.#ring
    let bytes = 0
    for (let members = 1; members <= CHAIN_COMMANDS_MAX; members++) {
      const at = this.#ring.next()
      if (at < 0) throw new RingBroken('a chain without its end')
      const length = this.#check(at)
      if (words.u8[at] === KIND.tick) throw new RingBroken('a tick within a chain')
      bytes += length
      if (bytes > FRAME_PAYLOAD_BYTES_MAX) throw new RingBroken('a chain that fits no frame')
      this.#ring.advance(length)
      if (((words.u8[at + RECORD.flags] as number) & FLAG.linked) === 0) return bytes
    }
    throw new RingBroken(`a chain of more than ${CHAIN_COMMANDS_MAX} commands`)
  }

  /** The length of the record at `at`, which is one that this gateway may send. */
  #check(at: number): number {
    const { words, end } = this.#ring
    if (!holdsRecord(words, at, end)) throw new RingBroken(`no record at ${at}`)
    const kind = words.u8[at] as number
    const isTick = kind === KIND.tick && this.#takesTicks && isAdvance(words, at)
    if (!isCommand(kind) && !isTick) throw new RingBroken(`a record of kind ${kind}`)
    if (words.u16[(at + RECORD.gateway) >>> 1] !== this.slot) {
      throw new RingBroken("a record with another gateway's slot")
    }
    return recordBytes(words, at)
  }

  #copy(frame: OpenFrame, at: number, bytes: number): void {
    copyWords(this.#ring.words, at, frame.words, frame.at, bytes)
    this.#ring.advance(bytes)
    frame.at += bytes
    frame.count++
  }
}
