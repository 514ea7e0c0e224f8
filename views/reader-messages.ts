// What the gateway's thread and the views' reader say to each other. Types alone.

import type { ViewReader } from '../protocol/index.ts'

/** What can be asked. */
export type ViewQuestion = keyof ViewReader

/** To the reader's thread. */
export interface ReaderRequest {
  readonly id: number
  readonly question: ViewQuestion
  readonly query: unknown
}

/** From it: the page or the refusal. */
export interface ReaderReply {
  readonly id: number
  readonly answer: unknown
}

/** What the thread is started with. */
export interface ReaderData {
  /** Of views.sqlite. */
  readonly path: string
}
