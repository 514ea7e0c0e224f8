// The way that looks right and is not: a server that reads the balance from SQLite, checks it, waits for
// something else, and then writes. It has the routes of calls that the race uses. Not for use.

import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'

/** Longest time that what comes before takes, in ms: who asks, and what does a call cost? */
const BEFORE_MS_MAX = 40

/** Longest time between the check and the write, in ms: another service is told, say. */
const GAP_MS_MAX = 20

/** What it is set up with; the one customer is `acme`. */
export interface RacySetup {
  /** Of a directory that is there. */
  readonly directory: string
  readonly balance: number
  /** What each call costs at most, and in the end. */
  readonly cost: number
}

/** A server that answers. */
export interface RacyServer {
  readonly url: string
  close(): Promise<void>
}

/** A reply before it is JSON. */
type Reply = readonly [status: number, body: object]

interface Money {
  readonly balance: number
  readonly reserved: number
}

/** Serves on any free port of the loopback. */
export async function startRacyServer(setup: RacySetup): Promise<RacyServer> {
  const database = new Database(join(setup.directory, 'racy.sqlite'))
  // What the disk makes of it is not the point here.
  database.pragma('synchronous = OFF')
  const answer = createAnswers(database, setup)
  const server = createServer((request, response) => {
    answer(request).then(
      ([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      },
      (error: Error) => response.destroy(error),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      database.close()
    },
  }
}

function createAnswers(database: Database.Database, { balance, cost }: RacySetup) {
  database.exec('CREATE TABLE customer (balance INTEGER NOT NULL, reserved INTEGER NOT NULL)')
  database.prepare('INSERT INTO customer VALUES (?, 0)').run(balance)
  const read = database.prepare<[], Money>('SELECT balance, reserved FROM customer')
  const reserve = database.prepare('UPDATE customer SET reserved = reserved + ?')
  const settle = database.prepare(
    'UPDATE customer SET reserved = reserved - ?, balance = balance - ?',
  )
  const start = async (): Promise<Reply> => {
    await delay(Math.random() * BEFORE_MS_MAX)
    const money = read.get() as Money
    if (money.balance - money.reserved < cost) return [402, { code: 'insufficient_funds' }]
    // Here is the race: whoever asks meanwhile finds the same money.
    await delay(Math.random() * GAP_MS_MAX)
    reserve.run(cost)
    return [201, { code: 'ok', grantedSeconds: 60 }]
  }
  return async (request: IncomingMessage): Promise<Reply> => {
    request.resume()
    await once(request, 'end')
    if (request.method === 'GET') return [200, read.get() as Money]
    if (request.url === '/v1/calls') return start()
    settle.run(cost, cost)
    return [200, { code: 'ok', cost }]
  }
}
