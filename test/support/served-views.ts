// What views say over HTTP, asked for as a patient client does. Their process gives way to all others, the
// tests that run meanwhile included, so it may be seconds behind and is never asked once alone.

import { setTimeout as delay } from 'node:timers/promises'
import type { ServedProcess } from './command-line.ts'

/** How long it is asked again, in ms. */
const PATIENCE_MS = 90_000

/** Between two times, in ms: who asks without a pause has the core that the views wait for. */
export const PAUSE_MS = 100

/** A reply, its status, and its body's members. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into replies of every shape.
export async function get(server: ServedProcess, path: string): Promise<any> {
  const reply = await fetch(`${server.url}${path}`)
  return { status: reply.status, ...((await reply.json()) as object) }
}

/** `get`, again and again while views are behind or there are none yet. The last reply after `PATIENCE_MS`. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into replies of every shape.
export async function getLevel(server: ServedProcess, path: string): Promise<any> {
  for (const endMs = performance.now() + PATIENCE_MS; ; ) {
    const reply = await get(server, path)
    if (reply.status !== 503 || !reply.retryable || performance.now() > endMs) return reply
    await delay(PAUSE_MS)
  }
}

/** All events from the first on, as their text, until it is so. Rejects after `PATIENCE_MS`. */
export async function eventsUntil(
  server: ServedProcess,
  isSo: (text: string) => boolean,
): Promise<string> {
  let text = ''
  const signal = AbortSignal.timeout(PATIENCE_MS)
  while (!signal.aborted) {
    text = ''
    const { body } = await fetch(`${server.url}/v1/events?from=0`, { signal })
    for await (const bytes of body ?? []) {
      text += new TextDecoder().decode(bytes)
      if (isSo(text)) return text
    }
    await delay(PAUSE_MS)
  }
  throw new Error(`the events are: ${text}`)
}
