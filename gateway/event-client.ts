// One client of server-sent events: where it is in the order of events, and what it has not taken yet.
// Where events come from is event-hub.ts's.

import { type EventPlace, formatTime, type ViewEvent } from '../protocol/index.ts'
import { EVENT_CHUNK_BYTES } from './limits.ts'
import type { ReplyStream } from './reply-stream.ts'

/** Whether `a` comes before `b`. */
export function isBefore(a: EventPlace, b: EventPlace): boolean {
  return a.sequence < b.sequence || (a.sequence === b.sequence && a.index < b.index)
}

/** The place right behind an event. */
export function behind({ sequence, index }: EventPlace): EventPlace {
  return { sequence, index: index + 1 }
}

/** See the head of this file. */
export class EventClient {
  /** Everything before it was sent. */
  place: EventPlace
  /** A page of its own is being read for it. */
  isReading = false
  /** Since when something waits that the client does not take; 0: nothing does. */
  blockedMs = 0
  /** When something was last sent to it. */
  sentMs: number
  readonly #stream: ReplyStream

  constructor(stream: ReplyStream, place: EventPlace, nowMs: number) {
    this.#stream = stream
    this.place = place
    this.sentMs = nowMs
  }

  /** Whether it may be sent more. */
  get isReady(): boolean {
    return this.#stream.isOpen && this.blockedMs === 0
  }

  /**
   * Sends `events`, which come in order and begin at its place or later, as far as the client takes
   * them; then, if it took all, it is at `end`.
   */
  send(events: readonly ViewEvent[], end: EventPlace, nowMs: number): void {
    let text = ''
    for (const event of events) {
      if (isBefore(event, this.place)) continue
      text += eventText(event)
      this.place = behind(event)
      if (text.length < EVENT_CHUNK_BYTES) continue
      this.#write(text, nowMs)
      text = ''
      if (!this.isReady) return
    }
    if (isBefore(this.place, end)) this.place = end
    if (text !== '') this.#write(text, nowMs)
  }

  /** Sends a comment, so that everybody on the way knows that the connection lives. */
  beat(nowMs: number): void {
    if (this.isReady) this.#write(':\n\n', nowMs)
  }

  #write(text: string, nowMs: number): void {
    this.sentMs = nowMs
    if (!this.#stream.write(text)) this.blockedMs = nowMs
  }

  /** It took all that was sent. */
  drained(): void {
    this.blockedMs = 0
  }

  end(): void {
    this.#stream.end()
  }

  cut(): void {
    this.#stream.cut()
  }
}

/** An event as the stream has it: its place is its id. */
function eventText({ sequence, index, timeMs, module, kind, data }: ViewEvent): string {
  const name = kind.replaceAll(/[\r\n]/g, ' ')
  const what = `"module":${JSON.stringify(module)},"kind":${JSON.stringify(kind)}`
  const when = `"sequence":${sequence},"index":${index},"time":"${formatTime(timeMs)}"`
  return `id: ${sequence}.${index}\nevent: ${name}\ndata: {${what},${when},"data":${data}}\n\n`
}
