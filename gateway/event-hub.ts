// GET /v1/events: everybody who listens to what modules make known. New events are read from the view
// once for all; a client that is further behind has pages read of its own, a few clients at a time. A
// client that does not read costs one chunk and its place, and is cut after a while.

import {
  type EventPlace,
  type EventsPage,
  VIEW_PAGE_MAX,
  type ViewEvent,
  type ViewReader,
  type ViewRefusal,
} from '../protocol/index.ts'
import { behind, EventClient, isBefore } from './event-client.ts'
import type { Exchange } from './http-response.ts'
import {
  EVENT_CLIENTS_MAX,
  EVENT_HEARTBEAT_MS,
  EVENT_POLL_MS,
  EVENT_READS_MAX,
  EVENT_TAIL_MAX,
  EVENT_TAKE_DEADLINE_MS,
} from './limits.ts'
import { parseQuery, strangerIn } from './query-string.ts'
import { invalid, Refusal } from './refusal.ts'
import { refusalOf, wholeNumber } from './view-carry.ts'

/** Behind everything there can be. */
const THE_END: EventPlace = { sequence: Number.MAX_SAFE_INTEGER, index: 0 }

/** See the head of this file. */
export class EventHub {
  readonly #views: ViewReader | undefined
  readonly #onFault: (error: unknown) => void
  readonly #clients = new Set<EventClient>()
  /** Clients that wait for a page of their own, in order. */
  readonly #behind: EventClient[] = []
  #reads = 0
  #opening = 0
  /** The latest events: all of them from `#from` to `#next`. */
  #tail: ViewEvent[] = []
  #from: EventPlace = THE_END
  #next: EventPlace = THE_END
  #isPolling = false
  #isClosed = false
  #timer: NodeJS.Timeout | undefined

  constructor(views: ViewReader | undefined, onFault: (error: unknown) => void) {
    this.#views = views
    this.#onFault = onFault
  }

  /** Those who listen. */
  get clients(): number {
    return this.#clients.size
  }

  /** Begins to send events; undefined where that is under way, else why not. */
  open(exchange: Exchange): Refusal | undefined {
    const from = placeWanted(exchange)
    if (from instanceof Refusal) return from
    const views = this.#views
    if (views === undefined || this.#isClosed) {
      return new Refusal('views_unavailable', 'There is no view to read events from right now.')
    }
    if (this.clients + this.#opening >= EVENT_CLIENTS_MAX) {
      return new Refusal('busy', `${EVENT_CLIENTS_MAX} clients listen: no more are taken.`)
    }
    this.#opening++
    // What the view has come to: it is there, and who wants no past begins behind it.
    views
      .events({ from: THE_END, limit: 1 })
      .finally(() => {
        this.#opening--
      })
      .then(
        (page) => exchange.guard(() => this.#begin(exchange, from, page)),
        (error: unknown) => exchange.fail(error),
      )
    return undefined
  }

  #begin(exchange: Exchange, from: EventPlace | undefined, page: EventsPage | ViewRefusal): void {
    if ('refused' in page) return exchange.reply(refusalOf(page))
    if (this.#isClosed) return exchange.reply(refusalOf({ refused: 'unavailable', sequence: 0 }))
    const stream = exchange.openStream('text/event-stream')
    if (stream === undefined) return
    const now = page.next
    if (this.#next === THE_END) {
      this.#from = now
      this.#next = now
    }
    const client = new EventClient(stream, from ?? now, performance.now())
    stream.listen(
      () => {
        client.drained()
        this.#feed(client)
      },
      () => this.#forget(client),
    )
    this.#clients.add(client)
    stream.write('retry: 1000\n\n')
    this.#feed(client)
    this.#pollSoon(0)
  }

  #forget(client: EventClient): void {
    this.#clients.delete(client)
    if (this.#clients.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    // Whoever comes next begins with a tail of its own time.
    this.#tail = []
    this.#from = THE_END
    this.#next = THE_END
  }

  /** Sends what is there and not sent, or has it read. */
  #feed(client: EventClient): void {
    if (!client.isReady || client.isReading) return
    if (!isBefore(client.place, this.#from)) {
      if (!isBefore(client.place, this.#next)) return
      client.send(this.#tailFrom(client.place), this.#next, performance.now())
      return
    }
    client.isReading = true
    this.#behind.push(client)
    this.#readNext()
  }

  #tailFrom(place: EventPlace): readonly ViewEvent[] {
    let first = this.#tail.length
    while (first > 0 && !isBefore(this.#tail[first - 1] as ViewEvent, place)) first--
    return this.#tail.slice(first)
  }

  #readNext(): void {
    while (this.#reads < EVENT_READS_MAX) {
      const client = this.#behind.shift()
      if (client === undefined) return
      this.#reads++
      this.#readFor(client)
        .catch((error: unknown) => {
          this.#onFault(error)
          client.cut()
        })
        .finally(() => {
          this.#reads--
          this.#readNext()
        })
    }
  }

  /** One page for a client that is behind. */
  async #readFor(client: EventClient): Promise<void> {
    const views = this.#views as ViewReader
    const page = await views.events({ from: client.place, limit: VIEW_PAGE_MAX })
    client.isReading = false
    // The views are being made, or somebody else keeps them now: it is fed when they can be read again.
    if ('refused' in page) return
    client.send(page.events, page.next, performance.now())
    this.#feed(client)
  }

  #pollSoon(ms = EVENT_POLL_MS): void {
    if (this.#timer !== undefined || this.#isPolling || this.#isClosed) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#isPolling = true
      this.#poll()
        .catch((error: unknown) => {
          this.#onFault(error)
          return false
        })
        .then((isMore) => {
          this.#isPolling = false
          if (this.#clients.size > 0) this.#pollSoon(isMore ? 0 : EVENT_POLL_MS)
        })
    }, ms)
  }

  /** Reads what is new and hands it on; whether there is more. */
  async #poll(): Promise<boolean> {
    this.#beat()
    const from = this.#next
    if (from === THE_END) return false
    const page = await (this.#views as ViewReader).events({ from, limit: VIEW_PAGE_MAX })
    // Everybody may have left, and others may have come, meanwhile.
    if ('refused' in page || this.#next !== from) return false
    this.#tail.push(...page.events)
    if (isBefore(from, page.next)) this.#next = page.next
    if (this.#tail.length > EVENT_TAIL_MAX) {
      this.#tail = this.#tail.slice(-EVENT_TAIL_MAX)
      this.#from = this.#tail[0] as ViewEvent
    }
    for (const client of [...this.#clients]) this.#feed(client)
    return page.hasMore
  }

  #beat(): void {
    const nowMs = performance.now()
    for (const client of [...this.#clients]) {
      if (client.blockedMs > 0 && nowMs - client.blockedMs > EVENT_TAKE_DEADLINE_MS) client.cut()
      else if (nowMs - client.sentMs > EVENT_HEARTBEAT_MS) client.beat(nowMs)
    }
  }

  /** Ends every stream: clients come back to whoever serves then, under their last id. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    for (const client of [...this.#clients]) client.end()
  }
}

/** Where the client wants to begin: its last id counts before `from`; undefined: with what is new. */
function placeWanted({ head }: Exchange): EventPlace | undefined | Refusal {
  const query = parseQuery(head.query)
  if (query instanceof Refusal) return query
  const stranger = strangerIn(query, ['from'])
  if (stranger !== undefined) return stranger
  if (head.lastEventId !== '') {
    const last = placeOf(head.lastEventId)
    return last === undefined ? invalid(notAPlace('Last-Event-ID')) : behind(last)
  }
  if (query.from === undefined) return undefined
  return placeOf(query.from) ?? invalid(notAPlace('from'))
}

function notAPlace(name: string): string {
  return `${name} must be a sequence, or sequence.index as in the id of an event.`
}

function placeOf(text: string): EventPlace | undefined {
  const [sequenceText = '', indexText = '0', more] = text.split('.')
  const sequence = wholeNumber(sequenceText)
  const index = wholeNumber(indexText)
  if (sequence === undefined || index === undefined || more !== undefined) return undefined
  return { sequence, index }
}
