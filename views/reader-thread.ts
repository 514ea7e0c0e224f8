// The views' reader in its thread: takes questions, waits until the views have come far enough, answers
// with a page. The file may be built anew at any time; then its pages come from the new one.

import { setTimeout as delay } from 'node:timers/promises'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import {
  type EventsQuery,
  type HistoryQuery,
  type ListQuery,
  type ReservationsQuery,
  VIEW_WAIT_MS,
  type ViewRefusal,
} from '../protocol/index.ts'
import { identityOf, openForReading, readMeta, type ViewsDatabase } from './file.ts'
import { ViewPages } from './pages.ts'
import type { ReaderData, ReaderReply, ReaderRequest } from './reader-messages.ts'

/** How often a waiting question looks how far the views are, in ms. */
const POLL_MS = 10

const UNAVAILABLE: ViewRefusal = { refused: 'unavailable', sequence: 0 }

/** Answers questions until the thread is ended. Call it in a thread that `openViewReader` started. */
export function serveReader(): void {
  const port = parentPort as MessagePort
  const reader = new FileReader((workerData as ReaderData).path)
  port.on('message', async (request: ReaderRequest) => {
    const reply: ReaderReply = { id: request.id, answer: await answer(reader, request) }
    port.postMessage(reply)
  })
}

/** Pages of whatever file lies at the path now. */
export class FileReader {
  readonly #path: string
  #database: ViewsDatabase | undefined
  #identity: string | undefined
  #pages: ViewPages | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Undefined where there are no views that can be read. */
  pages(): ViewPages | undefined {
    const identity = identityOf(this.#path)
    if (this.#pages !== undefined && identity === this.#identity) return this.#pages
    this.close()
    this.#database = openForReading(this.#path)
    if (this.#database === undefined) return undefined
    this.#identity = identity
    this.#pages = new ViewPages(this.#database, readMeta(this.#database))
    return this.#pages
  }

  /** Closes the file; the next page opens it again. */
  close(): void {
    this.#database?.close()
    this.#database = undefined
    this.#pages = undefined
  }
}

async function answer(reader: FileReader, { question, query }: ReaderRequest): Promise<unknown> {
  const { minSequence = 0 } = query as { minSequence?: number }
  const giveUpMs = performance.now() + VIEW_WAIT_MS
  for (;;) {
    try {
      const pages = reader.pages()
      const sequence = pages?.meta().sequence ?? 0
      if (pages !== undefined && sequence >= minSequence) return ask(pages, question, query)
      const isLate = performance.now() >= giveUpMs
      if (isLate || minSequence === 0) {
        return pages === undefined ? UNAVAILABLE : { refused: 'behind', sequence }
      }
    } catch {
      // Damaged, or taken away under its reader: whoever keeps the views will see to it.
      reader.close()
      return UNAVAILABLE
    }
    await delay(POLL_MS)
  }
}

function ask(pages: ViewPages, question: ReaderRequest['question'], query: unknown): unknown {
  switch (question) {
    case 'list':
      return pages.list(query as ListQuery)
    case 'reservations':
      return pages.reservations(query as ReservationsQuery)
    case 'history':
      return pages.history(query as HistoryQuery)
    default:
      return pages.events(query as EventsQuery)
  }
}
