// A reply without an end: its head was sent, and text follows for as long as its client reads. The
// response itself is http-response.ts's, which tells when it is gone; nothing touches it after that.

/** The part of a response that is used here. */
export interface ReplyTarget {
  cork(work: () => void): unknown
  write(text: string): boolean
  end(body: string, close: boolean): unknown
  close(): unknown
  onWritable(handler: () => boolean): unknown
}

/** See the head of this file. All of it does nothing once it is closed. */
export class ReplyStream {
  #target: ReplyTarget | undefined
  #onDrain: () => void = () => {}
  #onClosed: () => void = () => {}

  /** `guard` runs what a handler does, so that nothing it throws ends the process. */
  constructor(target: ReplyTarget, guard: (work: () => void) => void) {
    this.#target = target
    target.onWritable(() => {
      guard(() => this.#onDrain())
      return true
    })
  }

  get isOpen(): boolean {
    return this.#target !== undefined
  }

  /** Has `onDrain` called when the client has taken all, and `onClosed` once, when it is gone. */
  listen(onDrain: () => void, onClosed: () => void): void {
    this.#onDrain = onDrain
    this.#onClosed = onClosed
  }

  /** Sends text. False: the client did not take all of it yet; send no more until it has. */
  write(text: string): boolean {
    const target = this.#target
    if (target === undefined) return false
    let isTaken = true
    target.cork(() => {
      isTaken = target.write(text)
    })
    return isTaken
  }

  /** Ends the reply and the connection behind what was sent. */
  end(): void {
    const target = this.#target
    this.forget()
    target?.cork(() => target.end('', true))
  }

  /** Closes the connection at once: for clients that take nothing. */
  cut(): void {
    const target = this.#target
    this.forget()
    target?.close()
  }

  /** The response is gone; http-response.ts's to call. */
  forget(): void {
    if (this.#target === undefined) return
    this.#target = undefined
    this.#onClosed()
  }
}
