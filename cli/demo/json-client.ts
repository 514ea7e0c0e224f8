// Requests with JSON bodies over connections that are kept, as many of them as there are requests at once.

import { Agent, request } from 'node:http'

/** What came back. */
export interface JsonReply {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** A server to ask. */
export interface JsonClient {
  /** Rejects where there is no answer, or it is not JSON. */
  ask(method: string, path: string, body?: object): Promise<JsonReply>
  /** Closes the connections. */
  close(): void
}

/** A client of the server at `url`. */
export function jsonClient(url: string): JsonClient {
  const agent = new Agent({ keepAlive: true })
  return {
    ask: (method, path, body) =>
      new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/json' }
        const asked = request(new URL(path, url), { method, agent, headers }, (reply) => {
          const chunks: Buffer[] = []
          reply.on('error', reject)
          reply.on('data', (chunk: Buffer) => chunks.push(chunk))
          reply.on('end', () => {
            try {
              const parsed = JSON.parse(Buffer.concat(chunks).toString('utf8'))
              resolve({ status: reply.statusCode ?? 0, body: parsed })
            } catch (error) {
              reject(error)
            }
          })
        })
        asked.on('error', reject)
        asked.end(body === undefined ? undefined : JSON.stringify(body))
      }),
    close: () => agent.destroy(),
  }
}

/** The body of a reply that must be a success. */
export function expectOk({ status, body }: JsonReply): Readonly<Record<string, unknown>> {
  if (status >= 200 && status < 300) return body
  throw new Error(`a request of the demonstration was answered ${status} ${String(body.code)}`)
}
