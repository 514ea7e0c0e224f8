// What the gateway reads of a request before its body, taken in one pass over the headers: the
// request itself may only be touched until its handler returns.

/** The part of uWebSockets' HttpRequest that is read here. */
interface HeadSource {
  getCaseSensitiveMethod(): string
  getUrl(): string
  getQuery(): string
  forEach(each: (name: string, value: string) => void): void
}

/** Method, target and the headers that matter; '' where a header is not there. */
export class RequestHead {
  readonly method: string
  /** As sent: still percent-encoded, without the query. */
  readonly path: string
  /** As sent, without the question mark. */
  readonly query: string
  authorization = ''
  contentType = ''
  contentLength = ''
  /** How many Content-Length headers there are: more than one is an attempt at smuggling. */
  contentLengths = 0
  host = ''
  origin = ''
  accept = ''
  lastEventId = ''
  /** Undefined where there is none. */
  idempotencyKey: string | undefined

  constructor(request: HeadSource) {
    this.method = request.getCaseSensitiveMethod()
    this.path = request.getUrl()
    this.query = request.getQuery() ?? ''
    request.forEach((name, value) => {
      this.#take(name, value)
    })
  }

  #take(name: string, value: string): void {
    switch (name) {
      case 'authorization':
        this.authorization = value
        return
      case 'content-type':
        this.contentType = value
        return
      case 'content-length':
        this.contentLength = value
        this.contentLengths++
        return
      case 'host':
        this.host = value
        return
      case 'origin':
        this.origin = value
        return
      case 'accept':
        this.accept = value
        return
      case 'last-event-id':
        this.lastEventId = value
        return
      case 'idempotency-key':
        this.idempotencyKey = value
        return
    }
  }
}
