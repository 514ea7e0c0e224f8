// What views say over HTTP, asked for as a patient client does. Their process gives way to all others, the
// tests that run meanwhile included, so it may be seconds behind and is never asked once alone.

import { setTimeout as delay } from 'node:timers/promises'
import type { ServedProcess } from './command-line.ts'

/** How long it is asked again, in ms. */
const PATIENCE_MS = 90_000

/** Between two times, in ms: who asks without a pause has the core that the views wait for. */
const PAUSE_MS = 100

/** A reply, its status, and its body's members. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into replies of every shape.
export async function get(server: ServedProcess, path: string): Promise<any> {
  const reply = await fetch(`${server.url}${path}`)
  return { status: reply.status, ...((await reply.json()) as object) }
}

/** What `ask` gives, asked again and again while `isBehind` of it. What it gave last after `PATIENCE_MS`. */
export async function whileBehind<Reply>(
  ask: () => Promise<Reply>,
  isBehind: (reply: Reply) => boolean,
): Promise<Reply> {
  for (const endMs = performance.now() + PATIENCE_MS; ; ) {
    const reply = await ask()
    if (!isBehind(reply) || performance.now() > endMs) return reply
    await delay(PAUSE_MS)
  }
}

/** `get`, again and again while views are behind or there are none yet. The last reply after `PATIENCE_MS`. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into replies of every shape.
export async function getLevel(server: ServedProcess, path: string): Promise<any> {
  return whileBehind(
    () => get(server, path),
    ({ status, retryable }) => status === 503 && retryable,
  )
}

/**
 * All events from the first on, as their text, until it is so. Rejects after `patienceMs` with the
 * text so far, and at once where the server answers with anything but events or that it has none
 * yet.
 */
export async function eventsUntil(
  server: Pick<ServedProcess, 'url'>,
  isSo: (text: string) => boolean,
  patienceMs: number = PATIENCE_MS,
): Promise<string> {
  let text = ''
  const signal = AbortSignal.timeout(patienceMs)
  try {
    while (!signal.aborted) {
      text = ''
      for await (const more of textsOf(await eventsOf(server, '?from=0', signal))) {
        text += more
        if (isSo(text)) return text
      }
      await delay(PAUSE_MS)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  throw new Error(`after ${patienceMs} ms the events are: ${text}`)
}

/** One that listens from now on, over one connection. */
export interface LiveEvents {
  /** What came since it listens, once it is so. Rejects where it is not so before the end. */
  until(isSo: (text: string) => boolean): Promise<string>
}

/**
 * Listens without a past. Resolves once the server has begun to send: every event from then on
 * comes. Its end is that of the connection, or `PATIENCE_MS` from the call on.
 */
export async function liveEvents(server: Pick<ServedProcess, 'url'>): Promise<LiveEvents> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const texts = textsOf(await eventsOf(server, '', signal))
  let text = ''
  const until = async (isSo: (text: string) => boolean): Promise<string> => {
    while (!isSo(text)) {
      const next = await texts.next().catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
      const why = signal.aborted ? `after ${PATIENCE_MS} ms` : 'when the connection ended'
      if (next === undefined || next.done) throw new Error(`${why} the live events are: ${text}`)
      text += next.value
    }
    return text
  }
  await until((begun) => begun.includes('retry: 1000\n\n'))
  return { until }
}

/** The reply that carries events, asked for until there is one. */
async function eventsOf(
  { url }: Pick<ServedProcess, 'url'>,
  query: string,
  signal: AbortSignal,
): Promise<Response> {
  for (;;) {
    const reply = await fetch(`${url}/v1/events${query}`, { signal }).catch((error: unknown) => {
      throw signal.aborted ? new Error('there were no events to listen to in time') : error
    })
    if (reply.ok) return reply
    await checkNotYet(reply)
    await delay(PAUSE_MS)
  }
}

/** A reply's text as it comes. A character may end in the chunk after the one that it begins in. */
async function* textsOf(reply: Response): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  for await (const bytes of reply.body ?? []) yield decoder.decode(bytes, { stream: true })
}

/** Rejects where the reply is another than that views come later. */
async function checkNotYet(reply: Response): Promise<void> {
  const body = await reply.text()
  if (reply.status === 503 && JSON.parse(body).retryable === true) return
  throw new Error(`the events are answered ${reply.status}: ${body}`)
}
