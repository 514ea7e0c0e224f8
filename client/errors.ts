// What may be thrown beside TypeError and RangeError: things that no answer of the engine says. Each
// message says what to do.

/**
 * No answer within the time. `wasSent` tells whether the command may have taken effect: then its
 * outcome is unknown until it is sent again under the same id.
 */
export class HoldfastTimeout extends Error {
  override readonly name = 'HoldfastTimeout'
  readonly wasSent: boolean

  constructor(timeoutMs: number, wasSent: boolean, why: string) {
    super(
      wasSent
        ? `no answer within ${timeoutMs} ms (${why}): whether it took effect is not known; send it ` +
            "again under the same id within the server's window, which cannot do it twice"
        : `not sent within ${timeoutMs} ms (${why}): nothing happened; send it again`,
    )
    this.wasSent = wasSent
  }
}

/**
 * A command was sent, the connection was lost, and so much time has passed that the server may have
 * forgotten what became of it: it is not sent again, for it might take effect twice. Comes to commands
 * alone whose ids are no UUIDv7.
 */
export class HoldfastUnknown extends Error {
  override readonly name = 'HoldfastUnknown'
  readonly wasSent = true

  constructor(sentMsAgo: number) {
    super(
      `whether it took effect is not known: it was sent ${Math.round(sentMsAgo)} ms ago, and the ` +
        'server may have forgotten its outcome by now; look at the account or the reservation before ' +
        'you send it again (ids that are UUIDv7s are safe for longer)',
    )
  }
}

/** As much is called and unanswered as may be; nothing was sent. */
export class HoldfastFull extends Error {
  override readonly name = 'HoldfastFull'
  readonly wasSent = false

  constructor(countMax: number, bytesMax: number) {
    super(
      `more than ${countMax} commands and queries, or ${bytesMax} bytes of their records, would be ` +
        'without an answer: nothing was sent; wait for answers, or submit fewer at once',
    )
  }
}

/** `close` was called; the answer did not come before it. */
export class HoldfastClosed extends Error {
  override readonly name = 'HoldfastClosed'
  readonly wasSent: boolean

  constructor(wasSent: boolean) {
    super(
      wasSent
        ? 'closed before the answer came: whether it took effect is not known; open or connect ' +
            "anew and send it again under the same id within the server's window, which cannot do it " +
            'twice'
        : 'closed: nothing was sent; open or connect anew',
    )
    this.wasSent = wasSent
  }
}

/** There is no server at the address, or none that this client can talk to. */
export class HoldfastUnreachable extends Error {
  override readonly name = 'HoldfastUnreachable'
  readonly url: string
  /** Such as `ECONNREFUSED`, `unauthorized`, `version`. */
  readonly reason: string

  constructor(url: string, reason: string, message: string) {
    super(`${url}: ${message}`)
    this.url = url
    this.reason = reason
  }
}

/** The engine in this process stopped by itself; what was in flight is unknown. */
export class HoldfastFailed extends Error {
  override readonly name = 'HoldfastFailed'

  constructor(reason: string) {
    super(
      `the engine stopped: ${reason}; what was in flight is not known: end this one with close(), ` +
        'open it anew, and send again under the same ids',
    )
  }
}
